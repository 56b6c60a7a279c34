#include "tests/unit/zone_task.h"

#include "app/api/analytics.h"
#include "app/api/analytics_buckets.h"

#define BASE (INT64_C(20000) * CLOCK_DAY) /* a midnight of UTC, on 2024-10-04 */

static size_t
find(struct task *task, enum analytics_bucket kind, const char *zone, int64_t since, int64_t until,
    const struct span **ret)
{
	size_t count = 0;

	if (!analytics_find_buckets(
		task, kind, zone_named(task, zone), (struct span){ since, until }, ret, &count))
		return 0;
	return count;
}

static void
a_thousand_are_the_most(void **state)
{
	const struct span *at;

	assert_int_equal(find(*state, ANALYTICS_HOUR, "UTC", BASE,
			     BASE + ANALYTICS_BUCKETS_MAX * SPAN_HOUR, &at),
	    ANALYTICS_BUCKETS_MAX);
	assert_int_equal(find(*state, ANALYTICS_HOUR, "UTC", BASE,
			     BASE + ANALYTICS_BUCKETS_MAX * SPAN_HOUR + 1, &at),
	    0);
	assert_int_equal(
	    find(*state, ANALYTICS_DAY, "UTC", BASE, BASE + ANALYTICS_BUCKETS_MAX * CLOCK_DAY, &at),
	    ANALYTICS_BUCKETS_MAX);
	assert_int_equal(find(*state, ANALYTICS_DAY, "UTC", BASE,
			     BASE + ANALYTICS_BUCKETS_MAX * CLOCK_DAY + 1, &at),
	    0);
}

static void
they_are_whole(void **state)
{
	const struct span *at;

	assert_int_equal(
	    find(*state, ANALYTICS_HOUR, "Asia/Kathmandu", BASE + 1, BASE + 2, &at), 1);
	assert_int_equal(at[0].since, BASE - 3 * SPAN_QUARTER);
	assert_int_equal(at[0].until, BASE + SPAN_QUARTER);
	assert_int_equal(find(*state, ANALYTICS_DAY, "Asia/Kolkata", BASE, BASE + 1, &at), 1);
	assert_int_equal(at[0].since, BASE - 22 * SPAN_QUARTER);
	assert_int_equal(at[0].until, at[0].since + CLOCK_DAY);
}

/* Of 25 hours, of 23, and one that Samoa left out. */
static void
days_are_those_of_the_clock(void **state)
{
	static const struct {
		const char *zone, *since;
		int64_t days[2]; /* lengths in quarter-hours */
	} rows[] = {
		{ "Europe/Berlin", "2024-10-26T22:00:00Z", { 100, 96 } },
		{ "Europe/Berlin", "2024-03-30T23:00:00Z", { 92, 96 } },
		{ "Australia/Lord_Howe", "2024-10-05T13:30:00Z", { 94, 96 } },
		{ "Pacific/Apia", "2011-12-29T10:00:00Z", { 96, 96 } },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct span *at;
		int64_t since = instant(rows[i].since);

		assert_int_equal(find(*state, ANALYTICS_DAY, rows[i].zone, since,
				     since + (rows[i].days[0] + 1) * SPAN_QUARTER, &at),
		    2);
		assert_int_equal(at[0].since, since);
		assert_int_equal(at[0].until, since + rows[i].days[0] * SPAN_QUARTER);
		assert_int_equal(at[1].since, at[0].until);
		assert_int_equal(at[1].until - at[1].since, rows[i].days[1] * SPAN_QUARTER);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_thousand_are_the_most, setup, teardown),
		cmocka_unit_test_setup_teardown(they_are_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(days_are_those_of_the_clock, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
