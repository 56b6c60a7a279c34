/*
 * Inside the server: server.c reads FastCGI, server_send.c writes it, server_set.c keeps the set of
 * connections.
 */
#ifndef APP_SERVER_PRIVATE_H
#define APP_SERVER_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "app/server.h"

#define SERVER_ACCEPT_RETRY_MS 100 /* when descriptors or places ran out */
#define SERVER_ARENAS_KEPT 64
#define SERVER_REQUEST_ID 1 /* nginx has one request at a time on a connection */
/* A multiple of eight, so that no record needs padding. */
#define SERVER_CONTENT_MAX 65528

/* An FCGI_Header. */
#define SERVER_RECORD(kind, length) \
	{ \
		.version = FCGI_VERSION_1, .type = (kind), .requestIdB0 = SERVER_REQUEST_ID, \
		.contentLengthB1 = (unsigned char)((length) >> 8), \
		.contentLengthB0 = (unsigned char)(length) \
	}

struct FCGX_Request;

enum call_state {
	CALL_FREE,
	CALL_IDLE,
	CALL_BUSY,
	CALL_LEAVING, /* idle; it was said farewell, so the peer closes it */
};

/* A place for a connection; it carries one request at a time. */
struct call {
	struct server *server;
	struct FCGX_Request *fcgi;
	struct arena *arena;
	int fd;
	bool refused;
	bool broken; /* the stream is out of step: answer, then close */
	_Atomic(enum call_state) state;
};

struct server {
	struct server_settings settings;
	int epoll_fd;
	int end_fd; /* an eventfd, readable from the moment the threads shall end */
	pthread_t *threads;
	struct call *calls;
	struct FCGX_Request *fcgi; /* one for each call */
	size_t call_count;
	atomic_int connections, requests;
	atomic_bool stopping; /* peers are asked to close their connections */
	atomic_bool ending;
	atomic_bool paused; /* the listening socket is not armed: no place or no descriptor */
	/* Guards what follows; held while a connection closes, so that server_stop() never touches
	 * a descriptor that means something else by now. */
	pthread_mutex_t lock;
	bool impatient; /* peers had their time: idle connections end */
	pthread_cond_t empty; /* connections fell to 0 while stopping */
	struct call **free_calls;
	size_t free_count;
	struct arena *arenas[SERVER_ARENAS_KEPT];
	size_t arena_count;
};

/* Arms a descriptor for one event, which then carries what. */
void server_arm(struct server *server, int operation, int fd, void *what);
/* Accepts what waits at the listening socket, a bounded number, and arms it again. */
void server_accept(struct server *server);
/* Arms the listening socket again if it was not. */
void server_resume(struct server *server);
/* Closes a connection and frees its place. */
void server_drop(struct call *call);
/* Gives back a connection whose request is answered, with a farewell or without; anyone may serve
 * or close it from here on. */
void server_rest(struct call *call, bool farewell);

/* What stands behind what is sent of an answer. */
enum server_send { SERVER_SEND_PART, SERVER_SEND_END, SERVER_SEND_FAREWELL };
/* False when the peer did not take it all in time. */
bool server_send_answer(
    struct call *call, struct text head, struct text body, enum server_send what);
/*
 * Reads what is left of the body, which would else be taken for the next request, and frees the
 * buffer: requests that wait for a commit are many.
 */
void server_drain(struct call *call);
/* Gives back what the request held, but not its connection. */
void server_end(struct call *call);
/* The end of an answer, and of what the connection is used for. */
void server_send_end(int fd);
/*
 * Asks nginx to close the connection, at any moment, without a loss. If we closed it just as nginx
 * puts a request on it, that request would be lost: nginx does not send a POST twice. So we send a
 * record that says nothing, an empty FCGI_STDERR, and let nginx close.
 *
 * On a connection that nginx keeps idle, anything to read makes it close the connection
 * (ngx_http_upstream_keepalive_close_handler). On one that it has just put a request on, the record
 * is the beginning of the answer and is passed over (ngx_http_fastcgi_process_header); the request
 * is served like any other. Behind the end of an answer it keeps nginx from using the connection
 * again (ngx_http_fastcgi_input_filter: anything behind FCGI_END_REQUEST).
 */
void server_send_farewell(int fd);

/* Arenas of finished requests, kept for the next. */
struct arena *server_take_arena(struct server *server);
void server_give_arena(struct server *server, struct arena *arena);

#endif
