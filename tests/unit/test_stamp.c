/* The id and the time of what callers log. */
#include "tests/test.h"

#include <string.h>

#include "app/ingest/stamp.h"
#include "lib/clock.h"

#define NOW INT64_C(1800000000123456)
#define MS(usec) ((usec) - (usec) % 1000)
#define KEPT_DAYS 90

static struct task task;
static const struct id space = { .bytes = { 7 } };

static int
begin(UNUSED void **state)
{
	task_init(&task, arena_new());
	task.now = NOW;
	return 0;
}

static int
end(UNUSED void **state)
{
	arena_free(task.arena);
	return 0;
}

static const char *
text_of(struct id id)
{
	char text[ID_TEXT_SIZE];

	return arena_strdup(task.arena, id_format(id, text));
}

static const struct {
	const char *sentence;
	const char *given; /* "v7": a UUIDv7 of the time at */
	int64_t at;
	int64_t created_at;
	const char *field; /* that is refused; NULL: none is */
	int64_t time;
} rows[] = {
	{ "nothing given is now", NULL, 0, STAMP_NOW, NULL, MS(NOW) },
	{ "a time is kept to the millisecond", NULL, 0, NOW - 1999, NULL, MS(NOW - 1999) },
	{ "a UUIDv7 has its time", "v7", NOW - CLOCK_DAY, STAMP_NOW, NULL, MS(NOW - CLOCK_DAY) },
	{ "and may come with it", "v7", NOW - CLOCK_DAY, NOW - CLOCK_DAY, NULL,
	    MS(NOW - CLOCK_DAY) },
	{ "but with no other", "v7", NOW - CLOCK_DAY, NOW, "created_at", 0 },
	{ "another id needs a time", "call-1", 0, STAMP_NOW, "created_at", 0 },
	{ "and has it", "call-1", 0, NOW - 5000, NULL, MS(NOW - 5000) },
	{ "so does a UUID of another version", "11111111-1111-4111-8111-111111111111", 0, NOW, NULL,
	    MS(NOW) },
	{ "the last time ahead", NULL, 0, NOW + STAMP_AHEAD_USEC, NULL,
	    MS(NOW + STAMP_AHEAD_USEC) },
	{ "a time beyond it", NULL, 0, NOW + STAMP_AHEAD_USEC + 1000, "created_at", 0 },
	{ "a UUIDv7 beyond it", "v7", NOW + STAMP_AHEAD_USEC + 1000, STAMP_NOW, "id", 0 },
	{ "the oldest that is kept", NULL, 0, NOW - KEPT_DAYS *CLOCK_DAY + 1000, NULL,
	    MS(NOW - KEPT_DAYS * CLOCK_DAY + 1000) },
	{ "one that is older", NULL, 0, NOW - KEPT_DAYS *CLOCK_DAY - 1000, "created_at", 0 },
	{ "a UUIDv7 that is older", "v7", NOW - KEPT_DAYS *CLOCK_DAY - 1000, STAMP_NOW, "id", 0 },
	{ "another id that is older", "call-1", 0, NOW - KEPT_DAYS *CLOCK_DAY - 1000, "created_at",
	    0 },
};

static void
ids_and_times_belong_together(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *given = rows[i].given;
		int64_t at = rows[i].created_at;
		struct id id;
		bool good;

		task_clear_error(&task);
		if (given != NULL && strcmp(given, "v7") == 0)
			given = text_of(id_new(rows[i].at));
		good = stamp_read(&task, space, KEPT_DAYS, given, &at, &id);
		if (good != (rows[i].field == NULL))
			fail_msg("%s: %d", rows[i].sentence, good);
		if (good && (at != rows[i].time || !id_is_v7(id) || id_time(id) != at))
			fail_msg("%s: %s", rows[i].sentence, text_of(id));
		if (!good && strcmp(task.err.fields[0].field, rows[i].field) != 0)
			fail_msg("%s: %s", rows[i].sentence, task.err.fields[0].field);
	}
}

static struct id
stamp(struct id in, const char *given, int64_t at)
{
	struct id id = { 0 };

	assert_true(stamp_read(&task, in, KEPT_DAYS, given, &at, &id));
	return id;
}

static void
the_same_id_follows_from_the_same_words(UNUSED void **state)
{
	const struct id other = { .bytes = { 8 } };
	struct id id = stamp(space, "call-1", NOW);

	assert_true(id_equal(stamp(space, "call-1", NOW), id));
	assert_false(id_equal(stamp(space, "call-2", NOW), id));
	assert_false(id_equal(stamp(space, "call-1", NOW - 1000), id));
	assert_false(id_equal(stamp(other, "call-1", NOW), id));
	assert_true(id_equal(stamp(space, text_of(id), STAMP_NOW), id));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ids_and_times_belong_together, begin, end),
		cmocka_unit_test_setup_teardown(
		    the_same_id_follows_from_the_same_words, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
