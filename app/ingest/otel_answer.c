#include "app/ingest/otel_answer.h"

#include <string.h>

#include "app/request.h"
#include "lib/proto.h"

enum { RESPONSE_PARTIAL_SUCCESS = 1 };
enum { PARTIAL_REJECTED_SPANS = 1, PARTIAL_ERROR_MESSAGE = 2 };
enum { STATUS_CODE = 1, STATUS_MESSAGE = 2 };

/* google.rpc.Code of what a caller may be told. */
static int
rpc_code(enum err_code code)
{
	switch (code) {
	case ERR_UNAUTHENTICATED:
		return 16;
	case ERR_FORBIDDEN:
	case ERR_PAYMENT:
		return 7;
	case ERR_RATE:
	case ERR_TOO_LARGE:
		return 8;
	case ERR_UNAVAILABLE:
		return 14;
	case ERR_CONFLICT:
		return 10;
	case ERR_SYNTAX:
	case ERR_MEDIA_TYPE:
	case ERR_INVALID:
	case ERR_METHOD:
	case ERR_NOT_FOUND:
	case ERR_PRECONDITION:
		return 3;
	case ERR_NONE:
	case ERR_INTERNAL:
	case ERR_COUNT:
		break;
	}
	return 13;
}

/* The first of them, by name; an exporter logs the sentence. */
static struct text
say_rejections(struct submission *submission)
{
	struct buf buf = { .arena = submission->req->task->arena };
	const struct rejection *first = &submission->rejections[0];

	for (size_t i = 1; i < submission->rejection_count; i++) {
		if (submission->rejections[i].index < first->index)
			first = &submission->rejections[i];
	}
	buf_printf(&buf, "span %zu: %s %s", first->index, first->errors[0].field,
	    first->errors[0].message);
	if (submission->rejection_count > 1)
		buf_printf(&buf, " (and %zu more spans)", submission->rejection_count - 1);
	return buf_text(&buf);
}

static void
answer_protobuf(struct submission *submission, struct buf *body)
{
	struct buf partial = { .arena = body->arena };

	if (submission->rejection_count == 0)
		return;
	proto_add_number(&partial, PARTIAL_REJECTED_SPANS, submission->rejection_count);
	proto_add_bytes(&partial, PARTIAL_ERROR_MESSAGE, say_rejections(submission));
	proto_add_bytes(body, RESPONSE_PARTIAL_SUCCESS, buf_text(&partial));
}

static void
answer_json(struct submission *submission, struct buf *body)
{
	struct json_out *out = json_out_new(body);

	json_open(out);
	if (submission->rejection_count > 0) {
		json_open_at(out, "partialSuccess");
		/* Protobuf's JSON mapping: an int64 is a text. */
		json_text(out, "rejectedSpans",
		    arena_printf(body->arena, "%zu", submission->rejection_count));
		json_text_n(out, "errorMessage", say_rejections(submission));
		json_close(out);
	}
	json_close(out);
}

bool
otel_answer(struct submission *submission)
{
	struct reply *reply = &submission->req->reply;
	bool protobuf = submission->form == SUBMISSION_OTLP_PROTOBUF;

	reply_header(reply, OTEL_SPANS_HEADER,
	    arena_printf(reply->body.arena,
		"accepted=%zu, duplicates=%zu, rejected=%zu, ignored=%zu", submission->stored,
		submission->duplicates, submission->rejection_count, submission->ignored));
	if (protobuf)
		answer_protobuf(submission, &reply->body);
	else
		answer_json(submission, &reply->body);
	return reply_done(reply, 200, protobuf ? OTEL_PROTOBUF_TYPE : "application/json");
}

static void
fail_protobuf(struct reply *reply, const struct err *err)
{
	struct text message = { .at = err->text, .len = strlen(err->text) };

	proto_add_number(&reply->body, STATUS_CODE, (uint64_t)rpc_code(err->code));
	proto_add_bytes(&reply->body, STATUS_MESSAGE, message);
	reply_done(reply, reply_status(err->code), OTEL_PROTOBUF_TYPE);
}

static void
write_status(struct json_out *out, const void *object)
{
	const struct err *err = object;

	json_int(out, "code", rpc_code(err->code));
	json_text(out, "message", err->text);
}

void
otel_answer_failures(struct request *req, enum otel_format format)
{
	if (format == OTEL_PROTOBUF)
		req->reply.fail = fail_protobuf;
	else
		reply_extend(&req->reply, write_status, &req->task->err);
}
