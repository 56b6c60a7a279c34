/* OTLP as protobuf: opentelemetry/proto/trace/v1/trace.proto and what it includes. */
#include <string.h>

#include "app/ingest/otel_private.h"
#include "lib/proto.h"
#include "lib/utf8.h"

enum { REQUEST_RESOURCE_SPANS = 1 };
enum { RESOURCE_SPANS_RESOURCE = 1, RESOURCE_SPANS_SCOPE_SPANS = 2 };
enum { RESOURCE_ATTRIBUTES = 1 };
enum { SCOPE_SPANS_SPANS = 2 };
enum {
	SPAN_TRACE_ID = 1,
	SPAN_SPAN_ID = 2,
	SPAN_PARENT_SPAN_ID = 4,
	SPAN_NAME = 5,
	SPAN_START = 7,
	SPAN_END = 8,
	SPAN_ATTRIBUTES = 9,
	SPAN_STATUS = 15
};
enum { STATUS_MESSAGE = 2, STATUS_CODE = 3 };
enum { KEY_VALUE_KEY = 1, KEY_VALUE_VALUE = 2 };
enum { VALUE_TEXT = 1, VALUE_BOOL = 2, VALUE_INT = 3, VALUE_DOUBLE = 4 };

static bool
is(const struct proto_field *field, uint32_t number, enum proto_wire wire)
{
	return field->number == number && field->wire == wire;
}

/* Protobuf's own rule, and ours: no NUL. */
static bool
is_text(struct text bytes)
{
	return utf8_valid(bytes) && memchr(bytes.at, '\0', bytes.len) == NULL;
}

/* An AnyValue that is one text or number; any other says nothing to us. */
static bool
read_value(struct task *task, struct text message, struct text *ret)
{
	struct proto_field field, last = { 0 };

	/* Made a text at the end only: a value may be said a million times. */
	while (proto_next(task, &message, &field)) {
		if (field.number >= VALUE_TEXT && field.number <= VALUE_DOUBLE)
			last = field;
	}
	if (is(&last, VALUE_TEXT, PROTO_BYTES))
		*ret = last.bytes;
	else if (is(&last, VALUE_INT, PROTO_VARINT))
		*ret = otel_number_text(task, (int64_t)last.value);
	else if (is(&last, VALUE_DOUBLE, PROTO_FIXED64))
		*ret = proto_double_text(task, last.value);
	else if (is(&last, VALUE_BOOL, PROTO_VARINT))
		*ret = (struct text){ last.value != 0 ? "true" : "false", last.value != 0 ? 4 : 5 };
	return task->err.code == ERR_NONE;
}

static bool
read_attribute(struct task *task, struct text message, struct otel_attributes *attributes)
{
	struct text name = { 0 }, value = { 0 }, read = { 0 };
	struct proto_field field;
	struct text *slot;

	while (proto_next(task, &message, &field)) {
		if (is(&field, KEY_VALUE_KEY, PROTO_BYTES))
			name = field.bytes;
		else if (is(&field, KEY_VALUE_VALUE, PROTO_BYTES))
			value = field.bytes;
	}
	if (task->err.code != ERR_NONE || !read_value(task, value, &read))
		return false;
	if (read.len == 0 || name.len == 0 || !is_text(read))
		return true;
	slot = otel_find_slot(attributes, name);
	if (slot != NULL)
		*slot = read;
	return true;
}

static bool
read_status(struct task *task, struct text message, struct otel_span *span)
{
	struct proto_field field;

	while (proto_next(task, &message, &field)) {
		if (is(&field, STATUS_MESSAGE, PROTO_BYTES) && is_text(field.bytes))
			span->status_message = field.bytes;
		else if (is(&field, STATUS_CODE, PROTO_VARINT))
			span->failed = field.value == OTEL_STATUS_ERROR;
	}
	return task->err.code == ERR_NONE;
}

static bool
is_zero(struct text bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.at[i] != 0)
			return false;
	}
	return true;
}

static struct text
read_id(struct task *task, struct text bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *hex;

	if (bytes.len != len || is_zero(bytes))
		return (struct text){ 0 };
	hex = arena_alloc(task->arena, 2 * len + 1);
	for (size_t i = 0; i < len; i++) {
		hex[2 * i] = digits[(uint8_t)bytes.at[i] >> 4];
		hex[2 * i + 1] = digits[(uint8_t)bytes.at[i] & 0x0f];
	}
	return (struct text){ .at = hex, .len = 2 * len };
}

static bool
read_bytes_field(struct task *task, const struct proto_field *field, struct otel_span *span)
{
	switch (field->number) {
	case SPAN_TRACE_ID:
		span->trace_id = read_id(task, field->bytes, OTEL_TRACE_ID_BYTES);
		return true;
	case SPAN_SPAN_ID:
		span->span_id = read_id(task, field->bytes, OTEL_SPAN_ID_BYTES);
		return true;
	case SPAN_PARENT_SPAN_ID:
		span->parent_span_id = read_id(task, field->bytes, OTEL_SPAN_ID_BYTES);
		return true;
	case SPAN_NAME:
		if (is_text(field->bytes))
			span->name = field->bytes;
		return true;
	case SPAN_ATTRIBUTES:
		return read_attribute(task, field->bytes, &span->attributes);
	case SPAN_STATUS:
		return read_status(task, field->bytes, span);
	default:
		return true;
	}
}

static bool
read_span(struct task *task, struct text message, struct otel_span *span)
{
	struct proto_field field;

	while (proto_next(task, &message, &field)) {
		if (is(&field, SPAN_START, PROTO_FIXED64))
			span->started_at = (int64_t)(field.value / 1000);
		else if (is(&field, SPAN_END, PROTO_FIXED64))
			span->ended_at = (int64_t)(field.value / 1000);
		else if (field.wire == PROTO_BYTES && !read_bytes_field(task, &field, span))
			return false;
	}
	return task->err.code == ERR_NONE;
}

static bool
read_resource(struct task *task, struct text message, struct otel_attributes *resource)
{
	struct proto_field field;

	while (proto_next(task, &message, &field)) {
		if (is(&field, RESOURCE_ATTRIBUTES, PROTO_BYTES) &&
		    !read_attribute(task, field.bytes, resource))
			return false;
	}
	return task->err.code == ERR_NONE;
}

/* The resource may stand behind the spans that it is said of. */
static bool
enter_resource_spans(struct task *task, struct otel_reader *reader, struct text message)
{
	struct proto_field field;

	reader->resource_spans = message;
	reader->resource = (struct otel_attributes){ 0 };
	while (proto_next(task, &message, &field)) {
		if (is(&field, RESOURCE_SPANS_RESOURCE, PROTO_BYTES) &&
		    !read_resource(task, field.bytes, &reader->resource))
			return false;
	}
	return task->err.code == ERR_NONE;
}

/* Goes on to the next scope's spans. False at the end, or when something is broken. */
static bool
enter_scope(struct task *task, struct otel_reader *reader)
{
	struct proto_field field;

	for (;;) {
		while (proto_next(task, &reader->resource_spans, &field)) {
			if (!is(&field, RESOURCE_SPANS_SCOPE_SPANS, PROTO_BYTES))
				continue;
			reader->scope_spans = field.bytes;
			return true;
		}
		if (task->err.code != ERR_NONE || !proto_next(task, &reader->request, &field))
			return false;
		if (is(&field, REQUEST_RESOURCE_SPANS, PROTO_BYTES) &&
		    !enter_resource_spans(task, reader, field.bytes))
			return false;
	}
}

bool
otel_proto_next(struct task *task, struct otel_reader *reader, struct otel_span *ret)
{
	struct proto_field field;

	do {
		while (proto_next(task, &reader->scope_spans, &field)) {
			if (!is(&field, SCOPE_SPANS_SPANS, PROTO_BYTES))
				continue;
			*ret = (struct otel_span){
				.attributes = otel_inherit(&reader->resource),
			};
			return read_span(task, field.bytes, ret);
		}
	} while (task->err.code == ERR_NONE && enter_scope(task, reader));
	return false;
}
