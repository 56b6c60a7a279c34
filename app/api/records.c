#include "app/api/records.h"

#include <string.h>

#include "app/idempotency.h"
#include "app/ingest/elements.h"

static bool
read_element(struct request *req, struct text json, struct record *ret)
{
	return record_read(req->task, req->app->cache, req->identity, NULL, json, ret);
}

static const struct element_kind kind = { .read = read_element, .array_max = INGEST_ARRAY_MAX };

/* settles NULL: what the record names itself, if anything. */
static bool
read_single(struct request *req, const struct authorization *settles, struct submission **ret)
{
	*ret = elements_submission(req, SUBMISSION_SINGLE, 1);
	(*ret)->count = 1;
	return record_read(
	    req->task, req->app->cache, req->identity, settles, req->body, &(*ret)->records[0]);
}

static bool
read_submission(struct request *req, struct submission **ret)
{
	if (strcmp(req->content_type, "application/x-ndjson") == 0)
		return elements_read_lines(req, &kind, ret);
	if (strcmp(req->content_type, "application/json") != 0)
		return task_fail(req->task, ERR_MEDIA_TYPE,
		    "Records are taken as application/json or application/x-ndjson.");
	return json_is_array(req->body) ? elements_read_array(req, &kind, ret)
					: read_single(req, NULL, ret);
}

bool
records_post(struct request *req, struct reply *reply)
{
	struct submission *submission = NULL;
	bool ok = idempotency_check_key(req) && read_submission(req, &submission);

	(void)reply;
	return elements_submit(req, ok, submission);
}

static bool
read_settle(struct request *req, struct submission **ret)
{
	struct authorization authorization;
	struct id id;

	if (strcmp(req->content_type, "application/json") != 0)
		return task_fail(
		    req->task, ERR_MEDIA_TYPE, "The record is taken as application/json.");
	return request_id_param(req, 0, &id) && authorization_find(req->task, id, &authorization) &&
	       db_commit(req->task) && read_single(req, &authorization, ret);
}

bool
records_settle(struct request *req, struct reply *reply)
{
	struct submission *submission = NULL;
	bool ok = idempotency_check_key(req) && read_settle(req, &submission);

	(void)reply;
	return elements_submit(req, ok, submission);
}
