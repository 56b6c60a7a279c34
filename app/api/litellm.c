#include "app/api/litellm.h"

#include <string.h>

#include "app/idempotency.h"
#include "app/ingest/elements.h"
#include "app/ingest/litellm.h"

const char *const litellm_types[] = { "application/json", "application/x-ndjson", NULL };

static bool
read_payload(struct request *req, struct text json, struct record *ret)
{
	return litellm_make_record(req->task, req->app->cache, req->identity, json, ret);
}

/* LiteLLM forgets what it has sent, whatever the answer: as many as lines. It puts null where it
 * has no payload. */
static const struct element_kind kind = {
	.read = read_payload,
	.array_max = INGEST_LINES_MAX,
	.skips_null = true,
};

/* Whether the first line is a whole value, and not the last one. */
static bool
has_lines(struct request *req)
{
	const char *end = req->body.len > 0 ? memchr(req->body.at, '\n', req->body.len) : NULL;
	struct text line = { .at = req->body.at };

	if (end == NULL || end == req->body.at + req->body.len - 1)
		return false;
	line.len = (size_t)(end - line.at);
	if (line.len >= 4 && memcmp(line.at, "null", 4) == 0)
		return true;
	if (json_read_some(req->task, line, NULL, 0, NULL))
		return true;
	task_clear_error(req->task);
	return false;
}

/* LiteLLM says application/json of lines, too. */
static bool
read_payloads(struct request *req, struct submission **ret)
{
	if (strcmp(req->content_type, "application/json") != 0 &&
	    strcmp(req->content_type, "application/x-ndjson") != 0)
		return task_fail(req->task, ERR_MEDIA_TYPE,
		    "Payloads are taken as application/json or application/x-ndjson.");
	if (json_is_array(req->body))
		return elements_read_array(req, &kind, ret);
	if (strcmp(req->content_type, "application/json") == 0 && !has_lines(req))
		return elements_read_one(req, &kind, ret);
	return elements_read_lines(req, &kind, ret);
}

bool
litellm_post(struct request *req, UNUSED struct reply *reply)
{
	struct submission *submission = NULL;
	bool ok = idempotency_check_key(req) && read_payloads(req, &submission);

	return elements_submit(req, ok, submission);
}
