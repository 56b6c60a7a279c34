#include "app/api/traces.h"

#include <string.h>

#include "app/idempotency.h"
#include "app/ingest/answer.h"
#include "app/ingest/elements.h"
#include "app/ingest/otel_answer.h"
#include "app/ingest/otel_record.h"
#include "app/metrics.h"

const char *const traces_types[] = { OTEL_PROTOBUF_TYPE, "application/json", NULL };

static bool
is_json(const struct request *req)
{
	return strcmp(req->content_type, "application/json") == 0;
}

static bool
is_protobuf(const struct request *req)
{
	return strcmp(req->content_type, OTEL_PROTOBUF_TYPE) == 0;
}

void
traces_prepare(struct request *req)
{
	if (is_json(req))
		otel_answer_failures(req, OTEL_JSON);
	else if (is_protobuf(req))
		otel_answer_failures(req, OTEL_PROTOBUF);
}

static bool
check_type(const struct request *req)
{
	return is_json(req) || is_protobuf(req) ||
	       task_fail(req->task, ERR_MEDIA_TYPE,
		   "Traces are taken as application/x-protobuf or application/json.");
}

/* False when the request as a whole has to fail. */
static bool
add_span(struct submission *submission, const struct otel_span *span, size_t index)
{
	struct request *req = submission->req;
	enum otel_kind kind = otel_kind(span);

	if (kind == OTEL_OTHER) {
		submission->ignored++;
		return true;
	}
	if (submission->count + submission->rejection_count == TRACES_SPANS_MAX)
		return task_fail(req->task, ERR_TOO_LARGE,
		    "An export may hold at most %d spans of models, agents and tools.",
		    TRACES_SPANS_MAX);
	if (otel_make_record(req->task, req->app->cache, req->identity, kind, span,
		&submission->records[submission->count])) {
		submission->indexes[submission->count++] = index;
		return true;
	}
	if (req->task->err.code != ERR_INVALID)
		return false;
	answer_reject(submission, index);
	return true;
}

/* How many there are, up to the most that may be kept. */
static bool
count_spans(struct request *req, enum otel_format format, size_t *ret)
{
	struct arena_mark mark = arena_mark(req->task->arena);
	struct otel_reader reader;
	struct otel_span span;

	*ret = 0;
	if (!otel_open(req->task, format, req->body, &reader))
		return false;
	while (*ret < TRACES_SPANS_MAX && otel_next(req->task, &reader, &span))
		*ret += otel_kind(&span) != OTEL_OTHER;
	arena_undo(req->task->arena, mark);
	return req->task->err.code == ERR_NONE;
}

static bool
read_spans(struct request *req, struct submission **ret)
{
	enum otel_format format = is_json(req) ? OTEL_JSON : OTEL_PROTOBUF;
	struct otel_reader reader;
	struct otel_span span;
	size_t count;

	if (!check_type(req) || !idempotency_check_key(req) || !count_spans(req, format, &count) ||
	    !otel_open(req->task, format, req->body, &reader))
		return false;
	*ret = elements_submission(
	    req, format == OTEL_PROTOBUF ? SUBMISSION_OTLP_PROTOBUF : SUBMISSION_OTLP_JSON, count);
	for (size_t i = 0; otel_next(req->task, &reader, &span); i++) {
		if (!add_span(*ret, &span, i))
			return false;
	}
	return req->task->err.code == ERR_NONE;
}

bool
traces_post(struct request *req, UNUSED struct reply *reply)
{
	struct submission *submission = NULL;
	bool ok = read_spans(req, &submission);

	if (ok)
		metrics_add(METRIC_SPANS_IGNORED, (int64_t)submission->ignored);
	/* Most exports of an application are about other things: they have nothing to wait for. */
	if (ok && submission->count == 0 && req->idempotency_key == NULL) {
		answer_measure(submission);
		request_finish(req, otel_answer(submission));
		return true;
	}
	return elements_submit(req, ok, submission);
}
