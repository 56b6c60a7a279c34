#include "tests/unit/zone_task.h"

#include "lib/core/span.h"
#include "lib/model/usage_private.h"

/* Times are hours from here, which is a midnight of UTC. */
#define BASE (INT64_C(20000) * CLOCK_DAY)
#define AT(hours) (BASE + (int64_t)((hours)*4) * SPAN_QUARTER)
#define SPAN(from, to) \
	{ \
		AT(from), AT(to) \
	}
#define PARTS_MAX 6

static const struct {
	const char *sentence;
	const char *zone;
	enum usage_grain coarsest;
	struct span bucket;
	struct span changed[2];
	size_t changed_count;
	double days_from, days_until, hours_from;
	struct usage_part expected[PARTS_MAX]; /* the first of no length ends them */
	bool refused;
} rows[] = {
	{ "whole days are read by day", "UTC", USAGE_DAY, SPAN(0, 72), { { 0 } }, 0, -999, 72, -999,
	    { { USAGE_DAY, SPAN(0, 72) } }, false },
	{ "the open day is read by hour", "UTC", USAGE_DAY, SPAN(0, 48), { { 0 } }, 0, -999, 24,
	    -999, { { USAGE_DAY, SPAN(0, 24) }, { USAGE_HOUR, SPAN(24, 48) } }, false },
	{ "nothing is coarser than asked", "UTC", USAGE_HOUR, SPAN(0, 24), { { 0 } }, 0, -999, 72,
	    -999, { { USAGE_HOUR, SPAN(0, 24) } }, false },
	{ "a day of 5:45 has hours between quarters", "Asia/Kathmandu", USAGE_HOUR,
	    SPAN(18.25, 42.25), { { 0 } }, 0, -999, 72, -999,
	    { { USAGE_QUARTER, SPAN(18.25, 19) }, { USAGE_HOUR, SPAN(19, 42) },
		{ USAGE_QUARTER, SPAN(42, 42.25) } },
	    false },
	{ "its own day is one", "Asia/Kathmandu", USAGE_DAY, SPAN(18.25, 42.25), { { 0 } }, 0, -999,
	    72, -999, { { USAGE_DAY, SPAN(18.25, 42.25) } }, false },
	{ "what has changed is left out, and its day read by hour", "UTC", USAGE_DAY, SPAN(0, 72),
	    { SPAN(30.25, 31) }, 1, -999, 72, -999,
	    { { USAGE_DAY, SPAN(0, 24) }, { USAGE_HOUR, SPAN(24, 30) },
		{ USAGE_QUARTER, SPAN(30, 30.25) }, { USAGE_HOUR, SPAN(31, 48) },
		{ USAGE_DAY, SPAN(48, 72) } },
	    false },
	{ "all has changed", "UTC", USAGE_DAY, SPAN(0, 24), { SPAN(0, 24) }, 1, -999, 72, -999,
	    { { 0 } }, false },
	{ "days without hours are read by day", "UTC", USAGE_DAY, SPAN(0, 48), { { 0 } }, 0, -999,
	    48, 24, { { USAGE_DAY, SPAN(0, 48) } }, false },
	{ "hours from their first on", "UTC", USAGE_HOUR, SPAN(24, 48), { { 0 } }, 0, -999, 48, 24,
	    { { USAGE_HOUR, SPAN(24, 48) } }, false },
	{ "an hour before is refused", "UTC", USAGE_HOUR, SPAN(23, 48), { { 0 } }, 0, -999, 48, 24,
	    { { 0 } }, true },
	{ "days of another zone are refused", "UTC", USAGE_DAY, SPAN(0, 24), { { 0 } }, 0, 24, 48,
	    24, { { 0 } }, true },
};

static struct usage_changed
make_changed(size_t i, struct span *at)
{
	memcpy(at, rows[i].changed, sizeof(rows[i].changed));
	return (struct usage_changed){
		.at = at,
		.count = rows[i].changed_count,
		.days_from = AT(rows[i].days_from),
		.days_until = AT(rows[i].days_until),
		.hours_from = AT(rows[i].hours_from),
	};
}

static bool
is_expected(const struct usage_parts *parts, const struct usage_part *expected)
{
	size_t count = 0;

	while (count < PARTS_MAX && expected[count].span.until > expected[count].span.since)
		count++;
	if (parts->count != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (parts->at[i].grain != expected[i].grain ||
		    parts->at[i].span.since != expected[i].span.since ||
		    parts->at[i].span.until != expected[i].span.until)
			return false;
	}
	return true;
}

static void
what_has_not_changed_is_divided(void **state)
{
	struct task *task = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct usage_query query = {
			.buckets = &rows[i].bucket,
			.bucket_count = 1,
			.zone = zone_named(task, rows[i].zone),
			.coarsest = rows[i].coarsest,
		};
		struct span at[2];
		struct usage_changed changed = make_changed(i, at);
		struct usage_parts parts;
		bool ok = usage_divide(task, &query, &changed, &parts);

		if (ok == rows[i].refused || (ok && !is_expected(&parts, rows[i].expected)))
			fail_msg("%s", rows[i].sentence);
		task_clear_error(task);
	}
}

static void
changes_are_clipped(UNUSED void **state)
{
	struct span at[] = { { AT(30) + 1, AT(31) - 1 }, { AT(0), AT(10) }, { AT(47), AT(60) } };
	struct usage_changed changed = { .at = at, .count = 3, .whole_from = AT(5) + 1 };

	usage_clip(&changed, (struct span)SPAN(2, 48));
	assert_int_equal(changed.count, 3);
	assert_int_equal(at[0].since, AT(5.25));
	assert_int_equal(at[0].until, AT(10));
	assert_int_equal(at[1].since, AT(30));
	assert_int_equal(at[1].until, AT(31));
	assert_int_equal(at[2].until, AT(48));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_has_not_changed_is_divided, setup, teardown),
		cmocka_unit_test(changes_are_clipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
