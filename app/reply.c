#include "app/reply.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* A caller that is told to come back later is always told when. */
#define RETRY_AFTER_DEFAULT 1

static const struct problem {
	int status;
	const char *title;
} problems[] = {
	[ERR_NONE] = { 500, "Internal error" },
	[ERR_SYNTAX] = { 400, "Bad request" },
	[ERR_UNAUTHENTICATED] = { 401, "Unauthenticated" },
	[ERR_PAYMENT] = { 402, "Payment required" },
	[ERR_FORBIDDEN] = { 403, "Forbidden" },
	[ERR_NOT_FOUND] = { 404, "Not found" },
	[ERR_METHOD] = { 405, "Method not allowed" },
	[ERR_CONFLICT] = { 409, "Conflict" },
	[ERR_PRECONDITION] = { 412, "Precondition failed" },
	[ERR_TOO_LARGE] = { 413, "Too large" },
	[ERR_MEDIA_TYPE] = { 415, "Unsupported media type" },
	[ERR_INVALID] = { 422, "Invalid" },
	[ERR_RATE] = { 429, "Too many requests" },
	[ERR_UNAVAILABLE] = { 503, "Unavailable" },
	[ERR_INTERNAL] = { 500, "Internal error" },
};
_Static_assert(COUNT(problems) == ERR_COUNT, "every code has a status");

static bool
is_plain(const char *value)
{
	for (; *value != '\0'; value++)
		if ((unsigned char)*value < ' ' || *value == 0x7f)
			return false;
	return true;
}

void
reply_header(struct reply *reply, const char *name, const char *value)
{
	assert(reply->header_count < REPLY_HEADERS_MAX);
	assert(is_plain(value));
	reply->headers[reply->header_count++] = (struct reply_header){ name, value };
}

void
reply_keep_headers(struct reply *reply)
{
	reply->kept = reply->header_count;
}

bool
reply_json(struct reply *reply, int status, void (*write)(struct json_out *out, const void *object),
    const void *object)
{
	write(json_out_new(&reply->body), object);
	return reply_done(reply, status, "application/json");
}

bool
reply_done(struct reply *reply, int status, const char *content_type)
{
	reply->status = status;
	reply->content_type = content_type;
	return true;
}

bool
reply_empty(struct reply *reply)
{
	reply->body.len = 0;
	return reply_done(reply, 204, NULL);
}

int
reply_status(enum err_code code)
{
	assert(code < ERR_COUNT);
	return problems[code].status;
}

static void
write_fields(struct json_out *out, const struct err *err)
{
	if (err->field_count == 0)
		return;
	json_open_array_at(out, "errors");
	for (size_t i = 0; i < err->field_count; i++) {
		json_open(out);
		json_text(out, "field", err->fields[i].field);
		json_text(out, "message", err->fields[i].message);
		json_close(out);
	}
	json_close_array(out);
}

static void
add_problem_headers(struct reply *reply, const struct err *err)
{
	int after = err->retry_after;

	if (after == 0 && (err->code == ERR_UNAVAILABLE || err->code == ERR_RATE))
		after = RETRY_AFTER_DEFAULT;
	if (after > 0)
		reply_header(reply, "Retry-After", arena_printf(reply->body.arena, "%d", after));
	if (err->code == ERR_UNAUTHENTICATED)
		reply_header(reply, "WWW-Authenticate", "Bearer");
}

void
reply_extend(struct reply *reply, void (*write)(struct json_out *out, const void *object),
    const void *object)
{
	reply->extend = write;
	reply->extension = object;
}

void
reply_problem(struct reply *reply, const struct err *err, const char *instance)
{
	const struct problem *problem = &problems[err->code];
	struct arena *arena = reply->body.arena;

	reply->header_count = reply->kept;
	reply->body = (struct buf){ .arena = arena };
	reply->rest = NULL;
	add_problem_headers(reply, err);
	if (reply->fail != NULL) {
		reply->fail(reply, err);
		return;
	}
	struct json_out *out = json_out_new(&reply->body);
	json_open(out);
	json_text(out, "type", arena_printf(arena, "urn:tally:problem:%s", err_name(err->code)));
	json_text(out, "title", problem->title);
	json_int(out, "status", problem->status);
	json_text(out, "detail", err->text);
	json_text(out, "instance", instance);
	write_fields(out, err);
	if (reply->extend != NULL)
		reply->extend(out, reply->extension);
	json_close(out);
	reply_done(reply, problem->status, "application/problem+json");
}

/* HTTP/1.1 clients may be strict about the reason phrase behind the status. */
static const char *
reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 201:
		return "Created";
	case 202:
		return "Accepted";
	case 204:
		return "No Content";
	default:
		for (size_t i = 0; i < COUNT(problems); i++)
			if (problems[i].status == status)
				return problems[i].title;
		return "Unknown";
	}
}

static void
put_line(struct buf *head, const char *name, const char *value)
{
	buf_puts(head, name);
	buf_puts(head, value);
	buf_puts(head, "\r\n");
}

static void
put_length(struct buf *head, const struct reply *reply)
{
	int64_t rest = reply->rest != NULL ? reply->rest->bytes : 0;

	if (rest < 0)
		return;
	buf_puts(head, "Content-Length: ");
	buf_int(head, (int64_t)reply->body.len + rest);
	put_line(head, "", "");
}

struct text
reply_head(struct reply *reply, const char *request_id)
{
	struct buf head = { .arena = reply->body.arena };

	buf_puts(&head, "Status: ");
	buf_int(&head, reply->status);
	buf_putc(&head, ' ');
	put_line(&head, "", reason(reply->status));
	put_line(&head, "X-Request-Id: ", request_id);
	if (reply->content_type != NULL) {
		put_line(&head, "Content-Type: ", reply->content_type);
		put_length(&head, reply);
	}
	for (size_t i = 0; i < reply->header_count; i++) {
		buf_puts(&head, reply->headers[i].name);
		put_line(&head, ": ", reply->headers[i].value);
	}
	buf_puts(&head, "\r\n");
	return buf_text(&head);
}
