#include "app/ingest/elements.h"

#include <assert.h>
#include <string.h>

#include "app/idempotency.h"
#include "app/ingest/answer.h"

struct submission *
elements_submission(struct request *req, enum submission_form form, size_t most)
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

bool
elements_is_blank(struct text line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (line.at[i] != ' ' && line.at[i] != '\t' && line.at[i] != '\r' &&
		    line.at[i] != '\n')
			return false;
	}
	return true;
}

static bool
is_null(struct text json)
{
	return json.len >= 4 && memcmp(json.at, "null", 4) == 0 &&
	       elements_is_blank((struct text){ .at = json.at + 4, .len = json.len - 4 });
}

/* False when the request as a whole has to fail; a broken object makes the array around it no JSON
 * either. */
static bool
add_element(struct submission *submission, const struct element_kind *kind, struct text json,
    size_t index, bool in_array)
{
	struct request *req = submission->req;
	struct record *record = &submission->records[submission->count];

	if (kind->skips_null && is_null(json))
		return true;
	if (kind->read(req, json, record)) {
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

bool
elements_count_items(struct request *req, size_t most, size_t *ret)
{
	struct json_items items = { .rest = req->body };
	struct text element;

	*ret = 0;
	while (json_next_item(req->task, &items, &element)) {
		if (++*ret > most)
			return task_fail(req->task, ERR_TOO_LARGE,
			    "An array may hold at most %zu records.", most);
	}
	return req->task->err.code == ERR_NONE;
}

bool
elements_read_array(struct request *req, const struct element_kind *kind, struct submission **ret)
{
	struct json_items items = { .rest = req->body };
	struct text element;
	size_t count;

	if (!elements_count_items(req, kind->array_max, &count))
		return false;
	*ret = elements_submission(req, SUBMISSION_MANY, count);
	for (size_t i = 0; json_next_item(req->task, &items, &element); i++) {
		if (!add_element(*ret, kind, element, i, true))
			return false;
	}
	return true;
}

bool
elements_next_line(struct text *rest, struct text *ret)
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

bool
elements_count_lines(struct request *req, size_t *ret)
{
	struct text rest = req->body, line;

	*ret = 0;
	while (elements_next_line(&rest, &line)) {
		if (++*ret > INGEST_LINES_MAX)
			return task_fail(req->task, ERR_TOO_LARGE,
			    "A body may hold at most %d lines.", INGEST_LINES_MAX);
	}
	return true;
}

bool
elements_read_lines(struct request *req, const struct element_kind *kind, struct submission **ret)
{
	struct text rest = req->body, line;
	size_t count;

	if (!elements_count_lines(req, &count))
		return false;
	*ret = elements_submission(req, SUBMISSION_MANY, count);
	for (size_t i = 0; elements_next_line(&rest, &line); i++) {
		if (!elements_is_blank(line) && !add_element(*ret, kind, line, i, false))
			return false;
	}
	return true;
}

bool
elements_read_one(struct request *req, const struct element_kind *kind, struct submission **ret)
{
	*ret = elements_submission(req, SUBMISSION_MANY, 1);
	if (kind->skips_null && is_null(req->body))
		return true;
	if (kind->read(req, req->body, &(*ret)->records[0])) {
		(*ret)->count = 1;
		return true;
	}
	if (req->task->err.code != ERR_INVALID)
		return false;
	answer_reject(*ret, 0);
	return true;
}

bool
elements_submit(struct request *req, bool ok, struct submission *submission)
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
