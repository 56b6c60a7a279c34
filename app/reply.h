/*
 * What goes back: status, headers, body.
 */
#ifndef APP_REPLY_H
#define APP_REPLY_H

#include "lib/json_write.h"
#include "lib/task.h"

#define REPLY_HEADERS_MAX 8

/*
 * The rest of a body that is too long to be held in memory: read behind the commit, while it is
 * sent.
 */
struct reply_rest {
	/* Before anything is sent: what fails here is answered as a problem. */
	bool (*begin)(struct task *task, void *object);
	/* The next portion, not empty; *ret_last: nothing follows. What fails here cuts the answer
	 * off. */
	bool (*read)(struct task *task, void *object, struct text *ret, bool *ret_last);
	void *object;
	int64_t bytes; /* of all portions; -1: not known in advance */
};

struct reply {
	int status;
	const char *content_type;
	struct buf body;
	const struct reply_rest *rest; /* what follows the body; or NULL */
	size_t header_count;
	size_t kept; /* the first headers, which stand whatever the answer becomes */
	void (*extend)(struct json_out *out, const void *object); /* or NULL */
	const void *extension;
	/* Makes the body of a failure that is no problem document; or NULL. */
	void (*fail)(struct reply *reply, const struct err *err);
	struct reply_header {
		const char *name;
		const char *value;
	} headers[REPLY_HEADERS_MAX];
};

/* Both live as long as the task; value is ours or was checked: no control characters. */
void reply_header(struct reply *reply, const char *name, const char *value);

/* A body of one JSON value, written by write(out, object). Always true. */
bool reply_json(struct reply *reply, int status,
    void (*write)(struct json_out *out, const void *object), const void *object);
/* A body that is already in reply->body. Always true. */
bool reply_done(struct reply *reply, int status, const char *content_type);
/* 204. Always true. */
bool reply_empty(struct reply *reply);

/* The headers so far (of the key, of the route) stand also on a problem document. */
void reply_keep_headers(struct reply *reply);
/* Members that a problem document gets behind the others, written by write(out, object). */
void reply_extend(struct reply *reply, void (*write)(struct json_out *out, const void *object),
    const void *object);
/* task->err as an RFC 9457 problem document; instance is the request id. Replaces what was in the
 * reply but the kept headers. */
void reply_problem(struct reply *reply, const struct err *err, const char *instance);
/* The HTTP status of an error code. */
int reply_status(enum err_code code);
/* The CGI header block: status, content type, length of the body, request id, the headers. */
struct text reply_head(struct reply *reply, const char *request_id);

#endif
