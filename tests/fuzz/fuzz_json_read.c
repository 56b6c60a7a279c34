/* A JSON object into a struct with a field of each type; what was read is checked and read again.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json_private.h"
#include "lib/json_write.h"
#include "lib/utf8.h"

#define TEXT_MAX 64
#define TEXTS_MAX 5
#define OBJECT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct record {
	const char *text;
	int64_t number;
	bool yes;
	int64_t cents;
	int64_t rate;
	int64_t time;
	int32_t date;
	struct id id;
	int choice;
	struct json_texts texts;
	struct text object;
	struct json_ints ints;
	struct json_reals reals;
	int64_t millionths;
	int64_t credits;
	int64_t inner;
	const char *note;
	bool no_group;
};

static const char *const choices[] = { "red", "green", "blue", NULL };

static const struct json_field inside[] = {
	{ "inner", JSON_INT, .offset = offsetof(struct record, inner), .min = INT64_MIN,
	    .max = INT64_MAX },
	{ "note", JSON_TEXT, .offset = offsetof(struct record, note), .max = TEXT_MAX },
};

static const struct json_field fields[] = {
	{ "text", JSON_TEXT, .offset = offsetof(struct record, text), .max = TEXT_MAX },
	{ "number", JSON_INT, .offset = offsetof(struct record, number), .min = INT64_MIN,
	    .max = INT64_MAX },
	{ "yes", JSON_BOOL, .offset = offsetof(struct record, yes) },
	{ "cents", JSON_CENTS, .offset = offsetof(struct record, cents), .min = INT64_MIN,
	    .max = INT64_MAX },
	{ "rate", JSON_RATE, .offset = offsetof(struct record, rate), .min = INT64_MIN,
	    .max = INT64_MAX },
	{ "time", JSON_TIME, .offset = offsetof(struct record, time) },
	{ "date", JSON_DATE, .offset = offsetof(struct record, date) },
	{ "id", JSON_ID, .offset = offsetof(struct record, id) },
	{ "choice", JSON_CHOICE, .offset = offsetof(struct record, choice), .choices = choices },
	{ "texts", JSON_TEXTS, .offset = offsetof(struct record, texts), .max = TEXTS_MAX,
	    .max_item = TEXT_MAX },
	{ "object", JSON_OBJECT, .offset = offsetof(struct record, object), .max = OBJECT_MAX },
	{ "ints", JSON_INTS, .offset = offsetof(struct record, ints), .max = TEXTS_MAX,
	    .max_item = INT64_MAX },
	{ "reals", JSON_REALS, .offset = offsetof(struct record, reals), .max = TEXTS_MAX },
	{ "millionths", JSON_MILLIONTHS, .offset = offsetof(struct record, millionths),
	    .min = INT64_MIN, .max = INT64_MAX },
	{ "credits", JSON_CREDITS, .offset = offsetof(struct record, credits), .min = INT64_MIN,
	    .max = INT64_MAX },
	{ "group", JSON_GROUP, .nulled = offsetof(struct record, no_group), .inside = inside,
	    .inside_count = COUNT(inside) },
};

static void
check_text(const char *text)
{
	struct text all = { .at = text, .len = strlen(text) };

	assert(utf8_valid(all));
	assert(utf8_count(all) <= TEXT_MAX);
}

/* The slice is an object by itself: without fields of ours, only those are to be complained of. */
static void
check_object(struct task *task, struct text object)
{
	assert(object.len >= 2 && object.len <= OBJECT_MAX);
	assert(object.at[0] == '{' && object.at[object.len - 1] == '}');
	task_clear_error(task);
	if (!json_read(task, object, NULL, 0, NULL))
		assert(task->err.code == ERR_INVALID);
}

static void
check_errors(const struct err *err)
{
	assert(err->code == ERR_SYNTAX || err->code == ERR_INVALID);
	assert((err->code == ERR_INVALID) == (err->field_count > 0));
	for (size_t i = 0; i < err->field_count; i++) {
		struct text name = { .at = err->fields[i].field,
			.len = strlen(err->fields[i].field) };

		assert(utf8_valid(name));
		assert(utf8_count(name) <= sizeof("group") + JSON_NAME_SHOWN_MAX);
	}
}

static void
write_record(const struct record *record, struct buf *buf)
{
	struct json_out *out = json_out_new(buf);

	json_open(out);
	json_text(out, "text", record->text);
	json_int(out, "number", record->number);
	json_bool(out, "yes", record->yes);
	json_cents(out, "cents", record->cents);
	json_rate(out, "rate", record->rate);
	json_time(out, "time", record->time);
	json_date(out, "date", record->date);
	json_id(out, "id", record->id);
	json_text(out, "choice", choices[record->choice]);
	json_texts(out, "texts", record->texts);
	json_raw(out, "object", record->object);
	json_ints(out, "ints", record->ints);
	json_open_at(out, "group");
	json_int(out, "inner", record->inner);
	json_text(out, "note", record->note);
	json_close(out);
	json_close(out);
}

/* What was read, written, read and written again is the same. */
static void
check_again(struct task *task, const struct record *record)
{
	struct buf first = { .arena = task->arena };
	struct buf second = { .arena = task->arena };
	struct record again = { 0 };
	bool done;

	task_clear_error(task);
	write_record(record, &first);
	done = json_read(task, buf_text(&first), fields, COUNT(fields), &again);
	assert(done);
	write_record(&again, &second);
	assert(first.len == second.len && memcmp(first.at, second.at, first.len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct record record = { 0 };
	struct task task;
	struct text body = { .at = (const char *)data, .len = size };

	task_init(&task, arena);
	if (!json_read(&task, body, fields, COUNT(fields), &record)) {
		check_errors(&task.err);
	} else {
		if (record.text != NULL)
			check_text(record.text);
		for (size_t i = 0; i < record.texts.count; i++)
			check_text(record.texts.at[i]);
		for (size_t i = 0; i < record.ints.count; i++)
			assert(record.ints.at[i] >= 1);
		if (record.note != NULL)
			check_text(record.note);
		if (record.object.at != NULL)
			check_object(&task, record.object);
		check_again(&task, &record);
	}
	arena_free(arena);
	return 0;
}
