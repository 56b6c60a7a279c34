/*
 * A request from its first byte to its log line. It lives in its own arena until request_finish().
 */
#ifndef APP_REQUEST_H
#define APP_REQUEST_H

#include "app/app.h"
#include "app/reply.h"
#include "lib/task.h"

#define REQUEST_PARAMS_MAX 4
#define REQUEST_URI_MAX 8192

struct call; /* app/server.h: the FastCGI side */
struct identity; /* app/auth.h: whose key it is */
struct stream; /* app/server_stream.h */
struct route; /* app/router.h */

struct request {
	struct app *app;
	struct task *task;
	struct call *call;
	struct reply reply;
	const char *method;
	const char *uri; /* path and query as they came */
	const char *path; /* percent-decoded, UTF-8, without the query */
	struct text query; /* as it came, without the question mark */
	struct text body; /* inflated when it came as gzip */
	const char *content_type; /* lower case, without parameters; "" when absent */
	const char *accept; /* NULL where a header is absent, as for those below */
	const char *authorization;
	const char *content_encoding;
	const char *idempotency_key;
	const char *if_match;
	const char *session_token; /* X-Session-Token */
	const char *address; /* the peer of nginx */
	char id[ID_TEXT_SIZE]; /* X-Request-Id: nginx's, or the caller's when it is a UUID, else a
				  new one */
	const struct route *route; /* NULL where none matched */
	struct text params[REQUEST_PARAMS_MAX]; /* {…} parts of the route's path, in order */
	const struct identity *identity; /* NULL on routes without a key */
	void (*committed)(struct request *req); /* called behind the commit; NULL: nothing to do */
	const void *done; /* what committed() is to tell of; or NULL */
	int64_t began; /* clock_monotonic() */
};

/* The server's handler: makes the request of a call and hands it to router_handle(). thread_state
 * is the thread's struct redis. */
void request_handle(struct call *call, struct arena *arena, void *thread_state);

/*
 * Reads the body into req->body where the method has one: ERR_TOO_LARGE, ERR_SYNTAX when it is not
 * what Content-Length or gzip say, ERR_MEDIA_TYPE for any other Content-Encoding.
 */
NODISCARD bool request_receive(struct request *req);

/*
 * Sends the reply, or task->err as a problem document when ok is false, writes the log line, counts
 * the metrics, gives back the arena and the connection. req is gone afterwards. Any thread may call
 * it, once.
 */
void request_finish(struct request *req, bool ok);

/*
 * The same for an answer without an end: the log line says that it begins. body: its first part.
 * The connection is the caller's, and req is gone.
 */
struct stream *request_stream(struct request *req, struct text body);

/* A header that few routes ask for, by its FastCGI name; NULL where it is absent or empty. */
const char *request_header(const struct request *req, const char *name);

/* The i-th {…} part as an id. ERR_NOT_FOUND when it has not the form of one. */
NODISCARD bool request_id_param(const struct request *req, size_t i, struct id *ret);

/* Body read into ret by the route's body table; ERR_MEDIA_TYPE unless application/json. */
NODISCARD bool request_read_body(const struct request *req, void *ret);
/* Query parameters read into ret by the route's query table: unknown, repeated and bad ones are all
 * named. */
NODISCARD bool request_read_query(const struct request *req, void *ret);

#endif
