#include "tests/test.h"

#include <string.h>

#include "lib/core/span.h"

static const struct {
	const char *sentence;
	struct span given[4];
	size_t count;
	struct span kept[4];
	size_t kept_count;
} sets[] = {
	{ "nothing is tidy", { { 0 } }, 0, { { 0 } }, 0 },
	{ "they are put in order", { { 30, 40 }, { 10, 20 } }, 2, { { 10, 20 }, { 30, 40 } }, 2 },
	{ "those that touch become one", { { 20, 30 }, { 10, 20 } }, 2, { { 10, 30 } }, 1 },
	{ "one after a gap of one does not", { { 10, 20 }, { 21, 30 } }, 2,
	    { { 10, 20 }, { 21, 30 } }, 2 },
	{ "those that overlap become one", { { 10, 25 }, { 20, 30 } }, 2, { { 10, 30 } }, 1 },
	{ "one within another is gone", { { 10, 40 }, { 20, 30 }, { 35, 50 } }, 3, { { 10, 50 } },
	    1 },
	{ "empty ones are gone", { { 10, 10 }, { 30, 20 }, { 40, 50 } }, 3, { { 40, 50 } }, 1 },
};

static void
sets_become_tidy(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(sets); i++) {
		struct span at[4];
		size_t kept;

		memcpy(at, sets[i].given, sizeof(at));
		kept = span_tidy(at, sets[i].count);
		if (kept != sets[i].kept_count ||
		    memcmp(at, sets[i].kept, kept * sizeof(at[0])) != 0)
			fail_msg("%s", sets[i].sentence);
	}
}

static void
an_instant_is_found(UNUSED void **state)
{
	static const struct {
		const char *sentence;
		int64_t usec, expected;
	} rows[] = {
		{ "before the first, it is where that begins", 5, ~INT64_C(10) },
		{ "the beginning is inside", 10, 20 },
		{ "so is the last of it", 19, 20 },
		{ "the end is not", 20, ~INT64_C(30) },
		{ "the last one is found", 35, 40 },
		{ "behind it is nothing", 40, INT64_MIN },
	};
	const struct span at[] = { { 10, 20 }, { 30, 40 } };

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (span_find(at, COUNT(at), rows[i].usec) != rows[i].expected)
			fail_msg("%s", rows[i].sentence);
	}
	assert_int_equal(span_find(at, 0, 10), INT64_MIN);
}

static void
instants_are_rounded(UNUSED void **state)
{
	assert_int_equal(span_floor(SPAN_HOUR - 1, SPAN_QUARTER), 3 * SPAN_QUARTER);
	assert_int_equal(span_floor(SPAN_HOUR, SPAN_HOUR), SPAN_HOUR);
	assert_int_equal(span_ceil(SPAN_HOUR + 1, SPAN_HOUR), 2 * SPAN_HOUR);
	assert_int_equal(span_ceil(SPAN_HOUR, SPAN_HOUR), SPAN_HOUR);
	assert_int_equal(span_floor(-1, SPAN_HOUR), 0);
	assert_int_equal(span_ceil(-1, SPAN_HOUR), 0);
	assert_int_equal(span_ceil(INT64_MAX, SPAN_HOUR), span_floor(INT64_MAX, SPAN_HOUR));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_become_tidy),
		cmocka_unit_test(an_instant_is_found),
		cmocka_unit_test(instants_are_rounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
