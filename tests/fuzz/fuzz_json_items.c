/* The elements of a JSON array, the members of an object, and values of query strings. */
#include <assert.h>
#include <string.h>

#include "lib/json_read.h"
#include "lib/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const choices[] = { "red", "green", "blue", NULL };

/* Each is read into a union of its own. */
static const struct json_field fields[] = {
	{ "text", JSON_TEXT, .min = 1, .max = 64 },
	{ "number", JSON_INT, .min = -10, .max = 1000000 },
	{ "yes", JSON_BOOL, .offset = 0 },
	{ "cents", JSON_CENTS, .max = INT64_MAX },
	{ "rate", JSON_RATE, .max = INT64_MAX },
	{ "time", JSON_TIME, .offset = 0 },
	{ "date", JSON_DATE, .offset = 0 },
	{ "id", JSON_ID, .offset = 0 },
	{ "choice", JSON_CHOICE, .choices = choices },
	{ "texts", JSON_TEXTS, .min = 1, .max = 5, .max_item = 10 },
	{ "object", JSON_OBJECT, .max = 100 },
};

union value {
	const char *text;
	int64_t integer;
	int32_t date;
	struct id id;
	struct json_texts texts;
};

static void
read_values(struct task *task, struct text text)
{
	for (size_t i = 0; i < COUNT(fields); i++) {
		union value value = { .texts = { 0 } };
		bool done;

		task_clear_error(task);
		done = json_read_value(task, &fields[i], text, &value);
		assert(done == (task->err.code == ERR_NONE));
		assert(done || task->err.field_count == 1);
		if (done && fields[i].type == JSON_TEXT)
			assert(strlen(value.text) == text.len && utf8_valid(text));
	}
}

/* Elements stand inside the body, one behind the other, with a comma or bracket between them. */
static void
walk(struct task *task, struct text body)
{
	struct json_items items = { .rest = body };
	const char *end = body.at;
	struct text item;
	size_t count = 0;

	while (json_next_item(task, &items, &item)) {
		assert(item.len > 0 && item.at > end);
		end = item.at + item.len;
		assert(end < body.at + body.len);
		count++;
	}
	if (task->err.code == ERR_NONE)
		assert(json_is_array(body) && !json_next_item(task, &items, &item));
	else
		assert(task->err.code == ERR_SYNTAX);
	assert(count <= body.len / 2);
}

/* Of an object that was read, names and values follow each other to its end. */
static void
walk_members(struct task *task, struct text body)
{
	struct json_items items = { .rest = body };
	struct text name, value;
	const char *end = body.at;

	task_clear_error(task);
	if (!json_read_some(task, body, NULL, 0, NULL))
		return;
	while (json_next_member(task, &items, &name, &value)) {
		assert(name.at[name.len] == '\0' && utf8_valid(name));
		assert(value.len > 0 && value.at > end);
		end = value.at + value.len;
		assert(end < body.at + body.len);
	}
	if (task->err.code == ERR_NONE)
		assert(items.rest.len > 0 && *items.rest.at == '}');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct task task;
	struct text body = { .at = (const char *)data, .len = size };

	task_init(&task, arena);
	walk(&task, body);
	walk_members(&task, body);
	read_values(&task, body);
	arena_free(arena);
	return 0;
}
