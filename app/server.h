/*
 * The FastCGI side: connections, epoll, threads. The only door to libfcgi. Knows nothing of routes
 * or JSON.
 *
 * One epoll set is shared by all threads; a connection is armed for one event at a time, so a
 * thread is held by a running request only, never by an idle connection. A request may outlive the
 * thread that read it: whoever finishes it gives the connection back to the set.
 */
#ifndef APP_SERVER_H
#define APP_SERVER_H

#include "lib/arena.h"

/* Connections beyond connections_max that are accepted to be told so; more wait in the backlog. */
#define SERVER_REFUSED_MAX 64

struct call;
struct server;

struct server_settings {
	int listen_fd; /* stays open: who opened it closes it */
	int threads;
	int connections_max; /* one more is answered 503 and closed */
	int64_t io_timeout_ms;
	/* Called on a server thread with a fresh arena; must lead to exactly one
	 * server_finish(call). */
	void (*handle)(struct call *call, struct arena *arena, void *thread_state);
	/* Each thread's own state (its Redis connection), made before its first request and freed
	 * at the end. */
	void *(*thread_begin)(void *context);
	void (*thread_end)(void *thread_state);
	/* Called on a server thread when the descriptor, an eventfd or a timerfd that does not
	 * block, can be read. NULL: there is none. */
	void (*wake)(void *context, void *thread_state);
	int wake_fd;
	void *context;
};

/* unix:PATH, with the backlog and mode nginx needs; a stale socket file is replaced. -1 with errno
 * set. */
int server_listen(const char *address);

struct server *server_new(const struct server_settings *settings);
/* Starts the threads and returns. */
void server_start(struct server *server);
/*
 * Stops accepting, closes idle connections, lets requests in flight finish for at most timeout_ms,
 * joins the threads. False: some did not finish; their threads still run, so the process must end
 * without server_free().
 */
NODISCARD bool server_stop(struct server *server, int64_t timeout_ms);
void server_free(struct server *server);
/* Connections open and requests in flight. */
void server_count(struct server *server, int64_t *ret_connections, int64_t *ret_requests);

void *call_context(struct call *call);
/* This connection is one too many: answer it 503; it is closed afterwards. */
bool call_is_refused(const struct call *call);
/* A FastCGI parameter, or NULL; lives until the call is finished. */
const char *call_param(struct call *call, const char *name);
/* The same for many names in one pass: ret[i] is of names[i]. */
void call_params(struct call *call, const struct text *names, size_t count, const char **ret);
/*
 * The body, read whole. CALL_TOO_LARGE beyond max; CALL_SHORT when it ended before Content-Length,
 * went on behind it, or the peer was too slow.
 */
enum call_read { CALL_OK, CALL_TOO_LARGE, CALL_SHORT };
enum call_read call_read_body(struct call *call, size_t max, struct text *ret);
/* Sends the whole response (CGI header block and body), ends the request, frees its arena. call is
 * gone afterwards. */
void server_finish(struct call *call, struct text head, struct text body);
/* Sends a part of the response, not empty, before server_finish(), which then gets the rest: no
 * head any more, and a body that is not empty. False: the peer did not take it. */
NODISCARD bool server_send(struct call *call, struct text head, struct text part);
/* Instead of server_finish() behind server_send(): there is no rest. The peer sees that the
 * response is cut off. */
void server_cut(struct call *call);

#endif
