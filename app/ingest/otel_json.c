/* OTLP as JSON: protobuf's JSON mapping, but ids in hex and enumerations as numbers. */
#include <ctype.h>
#include <string.h>

#include "app/ingest/otel_private.h"
#include "app/ingest/pick.h"
#include "lib/money.h"

enum { RESOURCE_SPANS_ATTRIBUTES, RESOURCE_SPANS_SCOPE_SPANS, RESOURCE_SPANS_MEMBERS };
static const char *const resource_spans_paths[] = {
	[RESOURCE_SPANS_ATTRIBUTES] = "resource.attributes",
	[RESOURCE_SPANS_SCOPE_SPANS] = "scopeSpans",
};

enum {
	SPAN_TRACE_ID,
	SPAN_SPAN_ID,
	SPAN_PARENT_SPAN_ID,
	SPAN_NAME,
	SPAN_START,
	SPAN_END,
	SPAN_ATTRIBUTES,
	SPAN_STATUS_CODE,
	SPAN_STATUS_MESSAGE,
	SPAN_MEMBERS
};
static const char *const span_paths[] = {
	[SPAN_TRACE_ID] = "traceId",
	[SPAN_SPAN_ID] = "spanId",
	[SPAN_PARENT_SPAN_ID] = "parentSpanId",
	[SPAN_NAME] = "name",
	[SPAN_START] = "startTimeUnixNano",
	[SPAN_END] = "endTimeUnixNano",
	[SPAN_ATTRIBUTES] = "attributes",
	[SPAN_STATUS_CODE] = "status.code",
	[SPAN_STATUS_MESSAGE] = "status.message",
};

enum { KEY, VALUE_TEXT, VALUE_INT, VALUE_DOUBLE, VALUE_BOOL, KEY_VALUE_MEMBERS };
static const char *const key_value_paths[] = {
	[KEY] = "key",
	[VALUE_TEXT] = "value.stringValue",
	[VALUE_INT] = "value.intValue",
	[VALUE_DOUBLE] = "value.doubleValue",
	[VALUE_BOOL] = "value.boolValue",
};

/* The next element of an array that may be missing. */
static bool
next_element(struct task *task, struct json_items *items, struct text *ret)
{
	return items->rest.at != NULL && json_next_item(task, items, ret);
}

static bool
next_object(struct task *task, struct json_items *items, struct text *ret)
{
	if (!next_element(task, items, ret))
		return false;
	return ret->at[0] == '{' ||
	       task_fail(task, ERR_SYNTAX, "An element of the export is no object.");
}

static bool
read_attribute(struct task *task, struct text object, struct otel_attributes *attributes)
{
	struct text members[KEY_VALUE_MEMBERS], name, value = { 0 };
	struct text *slot;

	if (!pick_members(task, object, key_value_paths, KEY_VALUE_MEMBERS, members))
		return false;
	name = pick_plain(task, members[KEY]);
	for (size_t i = VALUE_TEXT; i < KEY_VALUE_MEMBERS && value.at == NULL; i++)
		value = pick_plain(task, members[i]);
	if (name.len == 0 || value.len == 0)
		return true;
	slot = otel_find_slot(attributes, name);
	if (slot != NULL)
		*slot = value;
	return true;
}

static bool
read_attributes(struct task *task, struct text array, struct otel_attributes *attributes)
{
	struct json_items items = { .rest = array };
	struct text object;

	while (next_object(task, &items, &object)) {
		if (!read_attribute(task, object, attributes))
			return false;
	}
	return task->err.code == ERR_NONE;
}

/* Lower-case hex of so many bytes. */
static struct text
read_id(struct task *task, struct text json, size_t bytes)
{
	struct text said = pick_plain(task, json);
	bool zero = true;
	char *hex;

	if (said.at == NULL || said.len != 2 * bytes)
		return (struct text){ 0 };
	hex = arena_strndup(task->arena, said.at, said.len);
	for (size_t i = 0; i < said.len; i++) {
		if (!isxdigit((unsigned char)hex[i]))
			return (struct text){ 0 };
		hex[i] = (char)tolower((unsigned char)hex[i]);
		zero = zero && hex[i] == '0';
	}
	return zero ? (struct text){ 0 } : (struct text){ .at = hex, .len = said.len };
}

/* Nanoseconds, as a number or in quotes; 0 where it is none. */
static int64_t
read_time(struct task *task, struct text json)
{
	int64_t nanos;

	if (money_parse_scaled(pick_plain(task, json), 0, &nanos) != MONEY_OK || nanos < 0)
		return 0;
	return nanos / 1000;
}

static bool
is_error(struct task *task, struct text json)
{
	struct text code = pick_plain(task, json);
	static const char name[] = "STATUS_CODE_ERROR";

	return (code.len == 1 && code.at[0] == '0' + OTEL_STATUS_ERROR) ||
	       (code.len == sizeof(name) - 1 && memcmp(code.at, name, code.len) == 0);
}

static bool
read_span(struct task *task, struct text object, struct otel_span *span)
{
	struct text members[SPAN_MEMBERS];

	if (!pick_members(task, object, span_paths, SPAN_MEMBERS, members))
		return false;
	span->trace_id = read_id(task, members[SPAN_TRACE_ID], OTEL_TRACE_ID_BYTES);
	span->span_id = read_id(task, members[SPAN_SPAN_ID], OTEL_SPAN_ID_BYTES);
	span->parent_span_id = read_id(task, members[SPAN_PARENT_SPAN_ID], OTEL_SPAN_ID_BYTES);
	span->name = pick_plain(task, members[SPAN_NAME]);
	span->started_at = read_time(task, members[SPAN_START]);
	span->ended_at = read_time(task, members[SPAN_END]);
	span->failed = is_error(task, members[SPAN_STATUS_CODE]);
	span->status_message = pick_plain(task, members[SPAN_STATUS_MESSAGE]);
	return read_attributes(task, members[SPAN_ATTRIBUTES], &span->attributes);
}

/* Goes on to the next scope's spans. False at the end, or when something is broken. */
static bool
enter_scope(struct task *task, struct otel_reader *reader)
{
	static const char *const spans_path = "spans";
	struct text members[RESOURCE_SPANS_MEMBERS], object, spans;

	for (;;) {
		if (next_object(task, &reader->scopes, &object)) {
			if (!pick_members(task, object, &spans_path, 1, &spans))
				return false;
			reader->spans = (struct json_items){ .rest = spans };
			return true;
		}
		if (task->err.code != ERR_NONE || !next_object(task, &reader->resources, &object) ||
		    !pick_members(
			task, object, resource_spans_paths, RESOURCE_SPANS_MEMBERS, members))
			return false;
		reader->scopes = (struct json_items){
			.rest = members[RESOURCE_SPANS_SCOPE_SPANS],
		};
		reader->resource = (struct otel_attributes){ 0 };
		if (!read_attributes(task, members[RESOURCE_SPANS_ATTRIBUTES], &reader->resource))
			return false;
	}
}

bool
otel_json_open(struct task *task, struct text body, struct otel_reader *reader)
{
	static const char *const path = "resourceSpans";
	struct text array;

	if (!json_read_some(task, body, NULL, 0, NULL) ||
	    !pick_members(task, body, &path, 1, &array))
		return false;
	reader->resources = (struct json_items){ .rest = array };
	return true;
}

bool
otel_json_next(struct task *task, struct otel_reader *reader, struct otel_span *ret)
{
	struct text object;

	do {
		if (next_object(task, &reader->spans, &object)) {
			*ret = (struct otel_span){
				.attributes = otel_inherit(&reader->resource),
			};
			return read_span(task, object, ret);
		}
	} while (task->err.code == ERR_NONE && enter_scope(task, reader));
	return false;
}
