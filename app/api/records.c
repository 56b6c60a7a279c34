#include "app/api/records.h"

#include <assert.h>
#include <string.h>

#include "app/idempotency.h"
#include "app/ingest/answer.h"

/* Room for so many elements. */
static struct submission *
new_submission(struct request *req, enum submission_form form, size_t most)
{
	struct arena *arena = req->task->arena;
	struct submission *submission = arena_alloc(arena, sizeof(*submission));

	submission->req = req;
	submission->form = form;
	submission->records = arena_array(arena, most, sizeof(*submission->records));
	submission->indexes = arena_array(arena, most, sizeof(*submission->indexes));
	submission->rejections = arena_array(arena, most, sizeof(*submission->rejections));
	return submission;
}

/*
 * False when the request as a whole has to fail: PostgreSQL was asked for a price and is away, or a
 * broken object makes the array around it no JSON either.
 */
static bool
add_element(struct submission *submission, struct text json, size_t index, bool in_array)
{
	struct request *req = submission->req;
	struct record *record = &submission->records[submission->count];

	if (record_read(req->task, req->app->cache, req->identity, NULL, json, record)) {
		submission->indexes[submission->count++] = index;
		return true;
	}
	if (req->task->err.code == ERR_SYNTAX && in_array && json.at[0] == '{')
		return false;
	if (req->task->err.code != ERR_INVALID && req->task->err.code != ERR_SYNTAX)
		return false;
	answer_reject(submission, index);
	return true;
}

/* settles NULL: what the record names itself, if anything. */
static bool
read_single(struct request *req, const struct authorization *settles, struct submission **ret)
{
	*ret = new_submission(req, SUBMISSION_SINGLE, 1);
	(*ret)->count = 1;
	return record_read(
	    req->task, req->app->cache, req->identity, settles, req->body, &(*ret)->records[0]);
}

/* Counts first: a body that is no array as a whole, or too long, stores nothing. */
static bool
count_items(struct request *req, size_t *ret)
{
	struct json_items items = { .rest = req->body };
	struct text element;

	*ret = 0;
	while (json_next_item(req->task, &items, &element)) {
		if (++*ret > INGEST_ARRAY_MAX)
			return task_fail(req->task, ERR_TOO_LARGE,
			    "An array may hold at most %d records.", INGEST_ARRAY_MAX);
	}
	return req->task->err.code == ERR_NONE;
}

static bool
read_array(struct request *req, struct submission **ret)
{
	struct json_items items = { .rest = req->body };
	struct text element;
	size_t count;

	if (!count_items(req, &count))
		return false;
	*ret = new_submission(req, SUBMISSION_MANY, count);
	for (size_t i = 0; json_next_item(req->task, &items, &element); i++) {
		if (!add_element(*ret, element, i, true))
			return false;
	}
	return true;
}

static bool
next_line(struct text *rest, struct text *ret)
{
	const char *end;

	if (rest->len == 0)
		return false;
	end = memchr(rest->at, '\n', rest->len);
	ret->at = rest->at;
	ret->len = end == NULL ? rest->len : (size_t)(end - rest->at);
	rest->at += end == NULL ? ret->len : ret->len + 1;
	rest->len -= end == NULL ? ret->len : ret->len + 1;
	return true;
}

static bool
is_blank(struct text line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (line.at[i] != ' ' && line.at[i] != '\t' && line.at[i] != '\r')
			return false;
	}
	return true;
}

static bool
read_lines(struct request *req, struct submission **ret)
{
	struct text rest = req->body, line;
	size_t count = 0;

	while (next_line(&rest, &line)) {
		if (++count > INGEST_LINES_MAX)
			return task_fail(req->task, ERR_TOO_LARGE,
			    "A body may hold at most %d lines.", INGEST_LINES_MAX);
	}
	*ret = new_submission(req, SUBMISSION_MANY, count);
	rest = req->body;
	for (size_t i = 0; next_line(&rest, &line); i++) {
		if (!is_blank(line) && !add_element(*ret, line, i, false))
			return false;
	}
	return true;
}

static bool
read_submission(struct request *req, struct submission **ret)
{
	if (strcmp(req->content_type, "application/x-ndjson") == 0)
		return read_lines(req, ret);
	if (strcmp(req->content_type, "application/json") != 0)
		return task_fail(req->task, ERR_MEDIA_TYPE,
		    "Records are taken as application/json or application/x-ndjson.");
	return json_is_array(req->body) ? read_array(req, ret) : read_single(req, NULL, ret);
}

/* Takes the request over; ok false: it failed. */
static bool
submit(struct request *req, bool ok, struct submission *submission)
{
	if (!ok) {
		request_finish(req, false);
		return true;
	}
	assert(submission != NULL);
	if (req->idempotency_key != NULL)
		idempotency_hash(req, submission->request_hash);
	submission->unreadable = submission->rejection_count;
	ingest_submit(req->app->ingest, submission);
	return true;
}

bool
records_post(struct request *req, struct reply *reply)
{
	struct submission *submission = NULL;
	bool ok = idempotency_check_key(req) && read_submission(req, &submission);

	(void)reply;
	return submit(req, ok, submission);
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
	return submit(req, ok, submission);
}
