#include "app/request.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "app/auth.h"
#include "app/metrics.h"
#include "app/router.h"
#include "app/server_stream.h"
#include "app/url.h"
#include "lib/clock.h"
#include "lib/gzip.h"
#include "lib/log.h"

#define CONTENT_TYPE_MAX 100
#define METHOD_SHOWN_MAX 24
#define CAUSE_SHOWN_MAX 512
#define LINE_LENGTH 320 /* what most have of their own */

#define NAME(text) \
	{ \
		text, sizeof(text) - 1 \
	}

enum param {
	PARAM_METHOD,
	PARAM_URI,
	PARAM_CONTENT_TYPE,
	PARAM_CONTENT_ENCODING,
	PARAM_ACCEPT,
	PARAM_AUTHORIZATION,
	PARAM_IDEMPOTENCY_KEY,
	PARAM_IF_MATCH,
	PARAM_SESSION_TOKEN,
	PARAM_REQUEST_ID,
	PARAM_ADDRESS,
};
static const struct text param_names[] = {
	[PARAM_METHOD] = NAME("REQUEST_METHOD"),
	[PARAM_URI] = NAME("REQUEST_URI"),
	[PARAM_CONTENT_TYPE] = NAME("CONTENT_TYPE"),
	[PARAM_CONTENT_ENCODING] = NAME("HTTP_CONTENT_ENCODING"),
	[PARAM_ACCEPT] = NAME("HTTP_ACCEPT"),
	[PARAM_AUTHORIZATION] = NAME("HTTP_AUTHORIZATION"),
	[PARAM_IDEMPOTENCY_KEY] = NAME("HTTP_IDEMPOTENCY_KEY"),
	[PARAM_IF_MATCH] = NAME("HTTP_IF_MATCH"),
	[PARAM_SESSION_TOKEN] = NAME("HTTP_X_SESSION_TOKEN"),
	[PARAM_REQUEST_ID] = NAME("HTTP_X_REQUEST_ID"),
	[PARAM_ADDRESS] = NAME("REMOTE_ADDR"),
};

static struct text
as_text(const char *value)
{
	return (struct text){ value, value != NULL ? strlen(value) : 0 };
}

/* nginx passes the caller's where it is a UUID, else one of its own, so that its log and ours can
 * be joined. */
static void
choose_id(struct request *req, const char *given)
{
	struct id id;

	if (!id_parse(as_text(given), &id))
		id = id_new(req->task->now);
	id_format(id, req->id);
}

/* The media type without its parameters; one that is too long is none that we know. */
static const char *
media_type(struct arena *arena, const char *value)
{
	size_t len = value != NULL ? strcspn(value, "; \t") : 0;

	if (len == 0 || len > CONTENT_TYPE_MAX)
		return "";
	char *type = arena_strndup(arena, value, len);
	for (size_t i = 0; i < len; i++)
		type[i] = (char)tolower((unsigned char)type[i]);
	return type;
}

static const char *
value_or(const char *value, const char *otherwise)
{
	return value != NULL ? value : otherwise;
}

/* NULL also for a header that is there and empty. */
static const char *
header(const char *value)
{
	return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool
read_uri(struct request *req)
{
	struct text query = as_text(req->uri), path;

	if (query.len > REQUEST_URI_MAX)
		return task_fail(req->task, ERR_TOO_LARGE, "The address is longer than %d bytes.",
		    REQUEST_URI_MAX);
	path = url_cut(&query, '?');
	req->query = query;
	if (!url_decode(req->task->arena, path, URL_PATH, &path))
		return task_fail(
		    req->task, ERR_SYNTAX, "The path holds a broken escape or is not UTF-8.");
	req->path = path.at;
	return true;
}

static void
read_params(struct request *req)
{
	const char *values[COUNT(param_names)];

	call_params(req->call, param_names, COUNT(param_names), values);
	req->method = value_or(values[PARAM_METHOD], "");
	req->uri = value_or(values[PARAM_URI], "/");
	req->content_type = media_type(req->task->arena, values[PARAM_CONTENT_TYPE]);
	req->content_encoding = header(values[PARAM_CONTENT_ENCODING]);
	req->accept = header(values[PARAM_ACCEPT]);
	req->authorization = header(values[PARAM_AUTHORIZATION]);
	req->idempotency_key = header(values[PARAM_IDEMPOTENCY_KEY]);
	req->if_match = header(values[PARAM_IF_MATCH]);
	req->session_token = header(values[PARAM_SESSION_TOKEN]);
	req->address = value_or(values[PARAM_ADDRESS], "");
	choose_id(req, values[PARAM_REQUEST_ID]);
}

static struct request *
new_request(struct call *call, struct arena *arena, struct redis *redis)
{
	struct request *req = arena_alloc(arena, sizeof(*req));

	req->began = clock_monotonic();
	req->app = call_context(call);
	req->call = call;
	req->task = arena_alloc(arena, sizeof(*req->task));
	task_init(req->task, arena);
	req->task->pool = req->app->pool;
	req->task->redis = redis;
	req->task->seal_keys = &req->app->seal_keys;
	req->task->usage_memory = req->app->usage_memory;
	req->reply.body.arena = arena;
	req->path = "";
	read_params(req);
	return req;
}

void
request_handle(struct call *call, struct arena *arena, void *thread_state)
{
	struct request *req = new_request(call, arena, thread_state);

	if (call_is_refused(call)) {
		metrics_add(METRIC_OVERLOADS, 1);
		(void)task_fail_later(req->task, 1, "Too many connections are open.");
		request_finish(req, false);
	} else if (!read_uri(req)) {
		request_finish(req, false);
	} else {
		router_handle(req);
	}
}

static bool
has_body(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	       strcmp(method, "PATCH") == 0;
}

bool
request_receive(struct request *req)
{
	struct task *task = req->task;
	size_t max = req->route->body_max != 0 ? req->route->body_max
					       : (size_t)req->app->conf.body_max_bytes;
	const char *encoding = req->content_encoding;
	bool packed = encoding != NULL && strcasecmp(encoding, "gzip") == 0;

	if (!has_body(req->method))
		return true;
	if (encoding != NULL && !packed && strcasecmp(encoding, "identity") != 0)
		return task_fail(task, ERR_MEDIA_TYPE, "The only content encoding taken is gzip.");
	switch (call_read_body(req->call, max, &req->body)) {
	case CALL_TOO_LARGE:
		return task_fail(task, ERR_TOO_LARGE, "The body is larger than %zu bytes.", max);
	case CALL_SHORT:
		return task_fail(
		    task, ERR_SYNTAX, "The body is not as long as Content-Length says.");
	case CALL_OK:
		break;
	}
	return !packed || gzip_unpack(task, req->body, max, &req->body);
}

static enum log_level
log_level_of(int status)
{
	if (status == 503)
		return LOG_LEVEL_WARNING;
	return status >= 500 ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO;
}

static void
log_failure(struct buf *line, const struct err *err, int status)
{
	char quoted[CAUSE_SHOWN_MAX];

	if (err->code == ERR_NONE)
		return;
	buf_printf(line, " error=%s", err_name(err->code));
	if (err->sqlstate[0] != '\0')
		buf_printf(line, " sqlstate=%s", err->sqlstate);
	if (status < 500)
		return;
	buf_printf(line, " detail=%s", log_quote(as_text(err->text), quoted, sizeof(quoted)));
	if (err->cause != NULL)
		buf_printf(
		    line, " cause=%s", log_quote(as_text(err->cause), quoted, sizeof(quoted)));
}

static void
put_text(struct buf *line, const char *name, const char *value)
{
	buf_puts(line, name);
	buf_puts(line, value);
}

static void
put_int(struct buf *line, const char *name, int64_t value)
{
	buf_puts(line, name);
	buf_int(line, value);
}

static void
put_id(struct buf *line, const char *name, struct id id)
{
	char text[ID_TEXT_SIZE];

	put_text(line, name, id_is_nil(id) ? "-" : id_format(id, text));
}

/* What an operator needs to join this line with nginx's and the caller's, and no secret. */
static void
log_request(const struct request *req, size_t bytes_out, int64_t usec)
{
	const struct task *task = req->task;
	enum log_level level = log_level_of(req->reply.status);
	struct buf line = { .arena = task->arena };
	char method[METHOD_SHOWN_MAX];

	if (!log_enabled(level))
		return;
	(void)buf_room(&line, LINE_LENGTH);
	put_text(&line, "id=", req->id);
	put_text(&line, " method=", log_quote(as_text(req->method), method, sizeof(method)));
	put_text(&line, " route=", req->route != NULL ? req->route->path : "-");
	put_int(&line, " status=", req->reply.status);
	put_int(&line, " usec=", usec);
	put_int(&line, " bytes_in=", (int64_t)req->body.len);
	put_int(&line, " bytes_out=", (int64_t)bytes_out);
	put_id(&line, " client=", task->client);
	put_id(&line, " key=", req->identity != NULL ? req->identity->key : (struct id){ 0 });
	log_failure(&line, &task->err, req->reply.status);
	if (log_enabled(LOG_LEVEL_DEBUG)) {
		put_int(&line, " queries=", task->queries);
		put_int(&line, " query_usec=", task->query_usec);
	}
	log_text(level, "request", buf_text(&line));
}

const char *
request_header(const struct request *req, const char *name)
{
	return header(call_param(req->call, name));
}

static void
tell(struct request *req, size_t bytes_out)
{
	int64_t usec = clock_monotonic() - req->began;

	metrics_request(req->reply.status, usec);
	log_request(req, bytes_out, usec);
}

/*
 * Sends all but the last portion of what was begun. Each lives until it is sent; the last, which
 * becomes *body, until the end. False: there was none.
 */
static bool
send_rest(struct request *req, struct text *head, struct text *body, size_t *ret_sent)
{
	const struct reply_rest *rest = req->reply.rest;
	struct task *task = req->task;
	bool last = false;

	struct arena_mark mark = arena_mark(task->arena);

	while (server_send(req->call, *head, *body)) {
		*ret_sent += body->len;
		*head = (struct text){ 0 };
		arena_undo(task->arena, mark);
		if (!rest->read(task, rest->object, body, &last))
			return false;
		if (last)
			return true;
	}
	return task_fail(task, ERR_UNAVAILABLE, "The peer did not take the answer.");
}

void
request_finish(struct request *req, bool ok)
{
	struct task *task = req->task;
	size_t sent = 0;
	bool whole = true;

	assert(ok || task->err.code != ERR_NONE);
	db_rollback(task);
	if (ok && req->reply.rest != NULL)
		ok = req->reply.rest->begin(task, req->reply.rest->object);
	if (!ok)
		reply_problem(&req->reply, &task->err, req->id);
	struct text head = reply_head(&req->reply, req->id);
	struct text body = buf_text(&req->reply.body);
	if (strcmp(req->method, "HEAD") == 0)
		body.len = 0;
	else if (req->reply.rest != NULL)
		whole = send_rest(req, &head, &body, &sent);
	db_rollback(task);
	tell(req, sent + body.len);
	if (whole)
		server_finish(req->call, head, body);
	else
		server_cut(req->call);
}

struct stream *
request_stream(struct request *req, struct text body)
{
	struct buf all = { .arena = req->task->arena };
	struct text head;

	db_rollback(req->task);
	head = reply_head(&req->reply, req->id);
	buf_add(&all, head.at, head.len);
	buf_add(&all, body.at, body.len);
	tell(req, body.len);
	return stream_open(req->call, buf_text(&all));
}

bool
request_id_param(const struct request *req, size_t i, struct id *ret)
{
	assert(i < REQUEST_PARAMS_MAX);
	if (id_parse(req->params[i], ret))
		return true;
	return task_fail(req->task, ERR_NOT_FOUND, "There is nothing with this id.");
}
