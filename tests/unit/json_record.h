/* A record with a field of each type, for the tests of the JSON files. */
#ifndef TESTS_UNIT_JSON_RECORD_H
#define TESTS_UNIT_JSON_RECORD_H

#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json_read.h"

/* Initialises a struct text; the literal may hold NUL. */
#define TEXT(literal) \
	{ \
		.at = (literal), .len = sizeof(literal) - 1 \
	}

#define B32 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct record {
	const char *text;
	int64_t number;
	bool yes;
	bool yes_given;
	int64_t cents;
	int64_t rate;
	int64_t time;
	int32_t date;
	struct id id;
	int choice;
	int64_t credits;
	struct json_texts texts;
	struct text object;
};

static const char *const colours[] = { "red", "green", "blue", NULL };

static const struct json_field fields[] = {
	{ "text", JSON_TEXT, .offset = offsetof(struct record, text), .min = 1, .max = 5 },
	{ "number", JSON_INT, .offset = offsetof(struct record, number), .min = -3, .max = 1000 },
	{ "yes", JSON_BOOL, .offset = offsetof(struct record, yes),
	    .given = offsetof(struct record, yes_given) },
	{ "cents", JSON_CENTS, .offset = offsetof(struct record, cents), .max = 1000000000 },
	{ "rate", JSON_RATE, .offset = offsetof(struct record, rate), .max = 1000000000000 },
	{ "credits", JSON_CREDITS, .offset = offsetof(struct record, credits),
	    .max = 1000000000000 },
	{ "time", JSON_TIME, .offset = offsetof(struct record, time) },
	{ "date", JSON_DATE, .offset = offsetof(struct record, date) },
	{ "id", JSON_ID, .offset = offsetof(struct record, id), .given = JSON_ALWAYS },
	{ "choice", JSON_CHOICE, .offset = offsetof(struct record, choice), .choices = colours },
	{ "texts", JSON_TEXTS, .offset = offsetof(struct record, texts), .max = 3, .max_item = 4 },
	{ "object", JSON_OBJECT, .offset = offsetof(struct record, object), .max = 96 },
};

UNUSED static int
setup(void **state)
{
	struct task *task = calloc(1, sizeof(*task));

	task_init(task, arena_new());
	*state = task;
	return 0;
}

UNUSED static int
teardown(void **state)
{
	struct task *task = *state;

	arena_free(task->arena);
	free(task);
	return 0;
}

UNUSED static bool
read_record(struct task *task, const char *body, size_t len, struct record *ret)
{
	/* A copy of its own, so that reading behind the end is seen. */
	char *copy = arena_alloc(task->arena, len);

	memcpy(copy, body, len);
	task_clear_error(task);
	return json_read(task, (struct text){ .at = copy, .len = len }, fields, COUNT(fields), ret);
}

/* A body that is refused, with one bad field, or with ERR_SYNTAX where field is NULL. */
struct bad {
	const char *sentence;
	struct text body;
	const char *field;
	const char *message;
};

UNUSED static void
assert_refused(struct task *task, const struct bad *bad, size_t count)
{
	const struct err *err = &task->err;

	for (size_t i = 0; i < count; i++) {
		struct record record = { 0 };

		if (read_record(task, bad[i].body.at, bad[i].body.len, &record))
			fail_msg("%s: was read", bad[i].sentence);
		if (bad[i].field == NULL) {
			if (err->code != ERR_SYNTAX || err->field_count != 0)
				fail_msg("%s: %s", bad[i].sentence, err->text);
		} else if (err->code != ERR_INVALID || err->field_count != 1 ||
			   strcmp(err->fields[0].field, bad[i].field) != 0 ||
			   strcmp(err->fields[0].message, bad[i].message) != 0) {
			fail_msg("%s: %s: %zu fields: %s %s", bad[i].sentence, err->text,
			    err->field_count, err->fields[0].field, err->fields[0].message);
		}
	}
}

#endif
