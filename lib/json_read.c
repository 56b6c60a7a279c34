#include "lib/json_read.h"

#include <assert.h>
#include <string.h>

#include "lib/json_events.h"
#include "lib/utf8.h"

static void
refuse_missing(struct json_reader *reader)
{
	for (size_t i = 0; i < reader->count; i++) {
		const struct json_field *field = &reader->fields[i];

		if (field->required && (reader->given & (UINT64_C(1) << i)) == 0)
			(void)task_fail_field(reader->task, field->name, "is required");
	}
}

static size_t
place_of(const struct json_reader *reader, const char *name)
{
	size_t i = 0;

	while (strcmp(reader->fields[i].name, name) != 0) {
		i++;
		assert(i < reader->count);
	}
	return i;
}

/* What comes with a field must come, and go, where it does. */
static void
refuse_halves(struct json_reader *reader)
{
	struct task *task = reader->task;

	for (size_t i = 0; i < reader->count; i++) {
		const struct json_field *field = &reader->fields[i];
		uint64_t own = UINT64_C(1) << i, other;

		if (field->with == NULL || ((reader->given | reader->nulled) & own) == 0)
			continue;
		other = UINT64_C(1) << place_of(reader, field->with);
		if ((reader->given & own) != 0 && (reader->given & other) == 0)
			(void)task_fail_field(task, field->with,
			    arena_printf(task->arena, "must be given with %s", field->name));
		else if ((reader->nulled & own) != 0 && (reader->nulled & other) == 0)
			(void)task_fail_field(task, field->with,
			    arena_printf(task->arena, "must be null with %s", field->name));
	}
}

/* yajl takes vertical tabs and form feeds for white space and some overlong UTF-8 for text. */
static bool
is_clean(struct text body)
{
	return memchr(body.at, '\v', body.len) == NULL && memchr(body.at, '\f', body.len) == NULL &&
	       utf8_valid(body);
}

static bool
read_object(struct json_reader *reader)
{
	assert(reader->count <= JSON_FIELDS_MAX);
	if (reader->body.len == 0)
		return json_events_refuse(reader, "A JSON object is expected.");
	if (!is_clean(reader->body))
		return json_events_refuse(reader, "This is not JSON in UTF-8.");
	reader->bad_escape = json_find_bad_escape(reader->body, 0);
	if (!json_events_run(reader))
		return reader->refused ? false
				       : json_events_refuse(reader, "This is not valid JSON.");
	refuse_missing(reader);
	refuse_halves(reader);
	return reader->task->err.code == ERR_NONE;
}

void
json_read_group(struct json_reader *outer, struct text object)
{
	const struct json_field *group = outer->field;
	struct err *err = &outer->task->err;
	size_t told = err->field_count;
	struct json_reader reader = { .task = outer->task,
		.body = object,
		.fields = group->inside,
		.count = group->inside_count,
		.base = outer->base,
		.lenient = outer->lenient };

	if (read_object(&reader))
		return;
	for (size_t i = told; i < err->field_count; i++)
		err->fields[i].field =
		    arena_printf(outer->task->arena, "%s.%s", group->name, err->fields[i].field);
}

bool
json_read(
    struct task *task, struct text body, const struct json_field *fields, size_t count, void *ret)
{
	struct json_reader reader = {
		.task = task, .body = body, .fields = fields, .count = count, .base = ret
	};

	return read_object(&reader);
}

bool
json_read_some(
    struct task *task, struct text body, const struct json_field *fields, size_t count, void *ret)
{
	struct json_reader reader = {
		.task = task, .body = body, .fields = fields, .count = count, .base = ret
	};

	reader.lenient = true;
	return read_object(&reader);
}
