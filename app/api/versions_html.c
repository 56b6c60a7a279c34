/* A version with its html, of which no more than a part is held at a time. */
#include "app/accept.h"
#include "app/api/versions.h"

struct parts {
	struct version version;
	struct version_reader reader;
	struct reply_rest rest;
};

static bool
begin(struct task *task, void *object)
{
	struct parts *parts = object;

	return version_open(task, &parts->version, &parts->reader);
}

static bool
read_html(struct task *task, void *object, struct text *ret, bool *ret_last)
{
	struct parts *parts = object;

	return version_read(task, &parts->reader, ret, ret_last);
}

static bool
read_json(struct task *task, void *object, struct text *ret, bool *ret_last)
{
	struct buf json = { .arena = task->arena };
	struct text part;

	if (!read_html(task, object, &part, ret_last))
		return false;
	(void)buf_room(&json, part.len);
	json_add_part(&json, part);
	if (*ret_last)
		buf_puts(&json, "\"}");
	*ret = buf_text(&json);
	return true;
}

/* The object up to the quote where the html begins. */
static void
begin_json(struct buf *body, const struct version *version)
{
	struct json_out *out = json_out_new(body);

	json_open(out);
	version_write_members(out, version);
	buf_puts(body, ",\"html\":\"");
}

bool
versions_reply(struct request *req, struct reply *reply, const struct version *version)
{
	struct parts *parts = arena_alloc(req->task->arena, sizeof(*parts));

	parts->version = *version;
	parts->rest = (struct reply_rest){ .begin = begin, .object = parts };
	reply->rest = &parts->rest;
	if (accept_begins(req->accept, "text/html")) {
		parts->rest.read = read_html;
		parts->rest.bytes = version->size_bytes;
		/* Somebody else's page under our name: it runs nothing and is nobody. */
		reply_header(reply, "Content-Security-Policy", "sandbox");
		return reply_done(reply, 200, "text/html; charset=utf-8");
	}
	parts->rest.read = read_json;
	parts->rest.bytes = -1;
	begin_json(&reply->body, version);
	return reply_done(reply, 200, "application/json");
}
