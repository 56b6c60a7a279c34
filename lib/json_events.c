#include "lib/json_events.h"

#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_parse.h>

static const char bad_escape_text[] = "must not hold \\u0000 or half of a surrogate pair";

/* Whether the text or key that yajl gives now holds such an escape. To be asked for each. */
static bool
passed_bad_escape(struct json_reader *reader)
{
	size_t consumed = yajl_get_bytes_consumed(reader->yajl);

	if (reader->bad_escape >= consumed)
		return false;
	reader->bad_escape = json_find_bad_escape(reader->body, consumed);
	return true;
}

static void
refuse_field(struct json_reader *reader, const char *message)
{
	if (message != NULL)
		(void)task_fail_field(reader->task, reader->field->name, message);
}

bool
json_events_refuse(struct json_reader *reader, const char *why)
{
	task_clear_error(reader->task);
	reader->refused = true;
	return task_fail(reader->task, ERR_SYNTAX, "%s", why);
}

static bool
has_type(const struct json_reader *reader, enum json_type type)
{
	return reader->field != NULL && reader->field->type == type;
}

static bool
has_list(const struct json_reader *reader)
{
	return has_type(reader, JSON_TEXTS) || has_type(reader, JSON_INTS) ||
	       has_type(reader, JSON_REALS);
}

/* Of an array's or object's inside, the first trouble is told, at its end. */
static void
refuse_inside(struct json_reader *reader, const char *message)
{
	if (has_list(reader) && reader->list.trouble == NULL)
		reader->list.trouble = message;
	if (has_type(reader, JSON_OBJECT) && reader->object_trouble == NULL)
		reader->object_trouble = message;
}

/* At the top only an object may stand. */
static bool
value_expected(struct json_reader *reader)
{
	return reader->depth > 0 || json_events_refuse(reader, "A JSON object is expected.");
}

static void
mark_given(struct json_reader *reader)
{
	if (reader->field == NULL)
		return;
	reader->given |= UINT64_C(1) << (reader->field - reader->fields);
	json_mark_given(reader->field, reader->base);
}

static int
on_null(void *context)
{
	struct json_reader *reader = context;

	if (!value_expected(reader))
		return 0;
	if (reader->depth > 1 && has_list(reader))
		refuse_inside(reader, json_wants(reader->task, reader->field));
	if (reader->depth == 1 && reader->field != NULL && reader->field->nulled != 0) {
		reader->nulled |= UINT64_C(1) << (reader->field - reader->fields);
		*(bool *)((char *)reader->base + reader->field->nulled) = true;
	}
	return 1;
}

static int
on_bool(void *context, int value)
{
	struct json_reader *reader = context;

	if (!value_expected(reader))
		return 0;
	if (reader->field == NULL)
		return 1;
	if (reader->depth == 1) {
		mark_given(reader);
		refuse_field(
		    reader, json_take_bool(reader->task, reader->field, value != 0, reader->base));
	} else if (has_list(reader)) {
		refuse_inside(reader, json_wants(reader->task, reader->field));
	}
	return 1;
}

static int
on_number(void *context, const char *at, size_t len)
{
	struct json_reader *reader = context;
	struct text value = { .at = at, .len = len };

	if (!value_expected(reader))
		return 0;
	if (reader->field == NULL)
		return 1;
	if (reader->depth == 1) {
		mark_given(reader);
		refuse_field(
		    reader, json_take_number(reader->task, reader->field, value, reader->base));
	} else if (has_list(reader) && reader->field->type != JSON_TEXTS) {
		json_list_add(reader->task, reader->field, value, &reader->list);
	} else if (reader->field->type == JSON_TEXTS) {
		refuse_inside(reader, json_wants(reader->task, reader->field));
	} else if (!json_number_fits(value)) {
		refuse_inside(reader, "must not hold numbers of so many digits");
	}
	return 1;
}

/*
 * yajl gives a text without escapes as it stands in the body, and any other in a buffer of its own,
 * which it keeps until the next one: that goes to where the escapes end, for it is never longer.
 */
static const char *
take_long(struct json_reader *reader, struct text value)
{
	const struct json_field *field = reader->field;
	size_t end = yajl_get_bytes_consumed(reader->yajl) - 1; /* at the quote */

	if ((int64_t)value.len < field->min || (int64_t)value.len > field->max)
		return arena_printf(reader->task->arena, "must have %lld to %lld bytes",
		    (long long)field->min, (long long)field->max);
	if (value.at != reader->body.at + end - value.len) {
		char *to = (char *)(uintptr_t)reader->body.at + end - value.len;

		value.at = memcpy(to, value.at, value.len);
	}
	*(struct text *)((char *)reader->base + field->offset) = value;
	return NULL;
}

static const char *
take_text(struct json_reader *reader, struct text value, bool bad)
{
	if (bad)
		return bad_escape_text;
	if (reader->field->type == JSON_LONG)
		return take_long(reader, value);
	return json_take_text(reader->task, reader->field, value, reader->base);
}

static int
on_text(void *context, const unsigned char *at, size_t len)
{
	struct json_reader *reader = context;
	struct text value = { .at = (const char *)at, .len = len };
	bool bad;

	if (!value_expected(reader))
		return 0;
	bad = passed_bad_escape(reader);
	if (reader->field == NULL)
		return 1;
	if (reader->depth == 1) {
		mark_given(reader);
		refuse_field(reader, take_text(reader, value, bad));
	} else if (bad) {
		refuse_inside(reader, bad_escape_text);
	} else if (reader->field->type == JSON_TEXTS) {
		json_list_add(reader->task, reader->field, value, &reader->list);
	} else if (has_list(reader)) {
		refuse_inside(reader, json_wants(reader->task, reader->field));
	}
	return 1;
}

static bool
is_named(const struct json_field *field, struct text name)
{
	return name.len > 0 && field->name[0] == name.at[0] && strlen(field->name) == name.len &&
	       memcmp(field->name, name.at, name.len) == 0;
}

/* Senders keep an order, often the table's: the search goes on behind the field found last. */
static const struct json_field *
find_field(struct json_reader *reader, struct text name)
{
	size_t i = reader->next;

	for (size_t n = 0; n < reader->count; n++, i++) {
		if (i >= reader->count)
			i = 0;
		if (is_named(&reader->fields[i], name)) {
			reader->next = i + 1;
			return &reader->fields[i];
		}
	}
	return NULL;
}

static void
refuse_unknown(struct json_reader *reader, struct text name)
{
	if (reader->task->err.field_count < ERR_FIELDS_MAX)
		(void)task_fail_field(
		    reader->task, json_safe_name(reader->task, name), "is not a known field");
}

static int
on_key(void *context, const unsigned char *at, size_t len)
{
	struct json_reader *reader = context;
	struct text name = { .at = (const char *)at, .len = len };
	bool bad = passed_bad_escape(reader);
	uint64_t bit;

	if (reader->depth > 1) {
		if (bad)
			refuse_inside(reader, bad_escape_text);
		return 1;
	}
	reader->field = bad ? NULL : find_field(reader, name);
	if (reader->field == NULL) {
		if (!reader->lenient)
			refuse_unknown(reader, name);
		return 1;
	}
	bit = UINT64_C(1) << (reader->field - reader->fields);
	if ((reader->seen & bit) != 0) {
		refuse_field(reader, "is given more than once");
		reader->field = NULL;
	}
	reader->seen |= bit;
	return 1;
}

static bool
descend(struct json_reader *reader)
{
	bool skipped = reader->lenient && reader->depth > 0 && reader->field == NULL;

	if (reader->depth == (skipped ? JSON_SKIPPED_DEPTH_MAX : JSON_DEPTH_MAX))
		return json_events_refuse(reader, "The JSON is nested too deeply.");
	reader->depth++;
	return true;
}

/* An object or array begins as the value of a field that wants another type. */
static void
refuse_type(struct json_reader *reader)
{
	if (reader->field == NULL)
		return;
	refuse_field(reader, json_wants(reader->task, reader->field));
	reader->field = NULL;
}

static int
on_open_object(void *context)
{
	struct json_reader *reader = context;

	if (reader->depth == 1) {
		mark_given(reader);
		if (!has_type(reader, JSON_OBJECT) && !has_type(reader, JSON_GROUP))
			refuse_type(reader);
		reader->object_at = yajl_get_bytes_consumed(reader->yajl) - 1;
		reader->object_trouble = NULL;
	} else if (has_list(reader)) {
		refuse_inside(reader, json_wants(reader->task, reader->field));
	}
	return descend(reader);
}

static int
on_open_array(void *context)
{
	struct json_reader *reader = context;

	if (!value_expected(reader))
		return 0;
	if (reader->depth == 1) {
		mark_given(reader);
		if (!has_list(reader))
			refuse_type(reader);
		memset(&reader->list, 0, sizeof(reader->list));
	} else if (has_list(reader)) {
		refuse_inside(reader, json_wants(reader->task, reader->field));
	}
	return descend(reader);
}

/* The object that ends here, as it was sent. */
static struct text
object_text(const struct json_reader *reader)
{
	return (struct text){ .at = reader->body.at + reader->object_at,
		.len = yajl_get_bytes_consumed(reader->yajl) - reader->object_at };
}

static const char *
take_object(struct json_reader *reader)
{
	const struct json_field *field = reader->field;
	struct text object = object_text(reader);

	if (reader->object_trouble != NULL)
		return reader->object_trouble;
	if ((int64_t)object.len > field->max)
		return arena_printf(
		    reader->task->arena, "must have at most %lld bytes", (long long)field->max);
	*(struct text *)((char *)reader->base + field->offset) = object;
	return NULL;
}

static int
on_close_object(void *context)
{
	struct json_reader *reader = context;

	reader->depth--;
	if (reader->depth == 1 && has_type(reader, JSON_OBJECT))
		refuse_field(reader, take_object(reader));
	else if (reader->depth == 1 && has_type(reader, JSON_GROUP))
		json_read_group(reader, object_text(reader));
	return 1;
}

static int
on_close_array(void *context)
{
	struct json_reader *reader = context;

	reader->depth--;
	if (reader->depth == 1 && has_list(reader))
		refuse_field(reader,
		    json_take_list(reader->task, reader->field, &reader->list, reader->base));
	return 1;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_bool,
	.yajl_number = on_number,
	.yajl_string = on_text,
	.yajl_start_map = on_open_object,
	.yajl_map_key = on_key,
	.yajl_end_map = on_close_object,
	.yajl_start_array = on_open_array,
	.yajl_end_array = on_close_array,
};

bool
json_events_run(struct json_reader *reader)
{
	yajl_status status;

	reader->yajl = yajl_alloc(&callbacks, NULL, reader);
	if (reader->yajl == NULL)
		abort();
	status = yajl_parse(reader->yajl, (const unsigned char *)reader->body.at, reader->body.len);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(reader->yajl);
	yajl_free(reader->yajl);
	return status == yajl_status_ok;
}
