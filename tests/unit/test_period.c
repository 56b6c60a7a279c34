#include "tests/test.h"

#include "lib/core/period.h"
#include "tests/unit/zone_task.h"

#define RANDOM_INSTANTS 2000

static const struct row {
	const char *sentence;
	enum period period;
	const char *zone;
	const char *now;
	const char *start;
	const char *end;
} rows[] = {
	{ "a day", PERIOD_DAY, "UTC", "2026-11-21T09:30:00Z", "2026-11-21T00:00:00Z",
	    "2026-11-22T00:00:00Z" },
	{ "its first instant", PERIOD_DAY, "UTC", "2026-11-21T00:00:00Z", "2026-11-21T00:00:00Z",
	    "2026-11-22T00:00:00Z" },
	{ "its last instant", PERIOD_DAY, "UTC", "2026-11-21T23:59:59.999999Z",
	    "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z" },
	{ "a day of 23 hours", PERIOD_DAY, "Europe/Berlin", "2026-03-29T12:00:00Z",
	    "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z" },
	{ "a day of 25 hours", PERIOD_DAY, "Europe/Berlin", "2026-10-25T12:00:00Z",
	    "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z" },
	{ "a day of 23 hours in America", PERIOD_DAY, "America/New_York", "2026-03-08T12:00:00Z",
	    "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z" },
	{ "a day of 25 hours in America", PERIOD_DAY, "America/New_York", "2026-11-01T12:00:00Z",
	    "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z" },
	{ "a day of 24 hours and a half", PERIOD_DAY, "Australia/Lord_Howe", "2026-04-05T00:00:00Z",
	    "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z" },
	{ "a day that begins at 01:00", PERIOD_DAY, "America/Sao_Paulo", "2018-11-04T12:00:00Z",
	    "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z" },
	{ "a day in a zone of three quarters", PERIOD_DAY, "Asia/Kathmandu", "2026-11-21T18:15:00Z",
	    "2026-11-21T18:15:00Z", "2026-11-22T18:15:00Z" },
	{ "a day before one that never was", PERIOD_DAY, "Pacific/Apia", "2011-12-30T09:59:59Z",
	    "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z" },
	{ "a day after one that never was", PERIOD_DAY, "Pacific/Apia", "2011-12-30T10:00:00Z",
	    "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z" },
	{ "a day that has begun goes on when the clock goes back over midnight", PERIOD_DAY,
	    "America/St_Johns", "2010-11-07T02:45:00Z", "2010-11-07T02:30:00Z",
	    "2010-11-08T03:30:00Z" },
	{ "the leap day", PERIOD_DAY, "Asia/Kolkata", "2024-02-29T12:00:00Z",
	    "2024-02-28T18:30:00Z", "2024-02-29T18:30:00Z" },

	{ "a week from its Monday", PERIOD_WEEK, "UTC", "2026-11-16T00:00:00Z",
	    "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z" },
	{ "a week to its Sunday", PERIOD_WEEK, "UTC", "2026-11-22T23:59:59Z",
	    "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z" },
	{ "a week over the end of a year", PERIOD_WEEK, "UTC", "2027-01-01T00:00:00Z",
	    "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z" },
	{ "a week of 167 hours", PERIOD_WEEK, "Europe/Berlin", "2026-03-29T21:59:59Z",
	    "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z" },
	{ "the first week of 1970", PERIOD_WEEK, "UTC", "1970-01-05T00:00:00Z",
	    "1970-01-05T00:00:00Z", "1970-01-12T00:00:00Z" },

	{ "a month of 31 days", PERIOD_MONTH, "UTC", "2026-01-31T23:59:59Z", "2026-01-01T00:00:00Z",
	    "2026-02-01T00:00:00Z" },
	{ "February", PERIOD_MONTH, "UTC", "2026-02-28T23:59:59Z", "2026-02-01T00:00:00Z",
	    "2026-03-01T00:00:00Z" },
	{ "February with a leap day", PERIOD_MONTH, "UTC", "2024-02-29T23:59:59Z",
	    "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z" },
	{ "December", PERIOD_MONTH, "America/New_York", "2027-01-01T04:59:59Z",
	    "2026-12-01T05:00:00Z", "2027-01-01T05:00:00Z" },
	{ "a month with a change of the clock", PERIOD_MONTH, "America/New_York",
	    "2026-11-21T00:00:00Z", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z" },

	{ "the first quarter", PERIOD_QUARTER, "UTC", "2026-03-31T23:59:59Z",
	    "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z" },
	{ "the second quarter", PERIOD_QUARTER, "UTC", "2026-04-01T00:00:00Z",
	    "2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z" },
	{ "the last quarter", PERIOD_QUARTER, "Europe/Berlin", "2026-12-31T22:59:59Z",
	    "2026-09-30T22:00:00Z", "2026-12-31T23:00:00Z" },

	{ "a year", PERIOD_YEAR, "UTC", "2026-11-21T00:00:00Z", "2026-01-01T00:00:00Z",
	    "2027-01-01T00:00:00Z" },
	{ "a leap year", PERIOD_YEAR, "Asia/Kolkata", "2024-12-31T18:29:59Z",
	    "2023-12-31T18:30:00Z", "2024-12-31T18:30:00Z" },
	{ "a year far ahead", PERIOD_YEAR, "Europe/Berlin", "2100-06-01T00:00:00Z",
	    "2099-12-31T23:00:00Z", "2100-12-31T23:00:00Z" },
	{ "a month of a year far ahead", PERIOD_MONTH, "Europe/Berlin", "2100-03-31T00:00:00Z",
	    "2100-02-28T23:00:00Z", "2100-03-31T22:00:00Z" },
};

static void
windows_are_right(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct zone *zone = zone_named(*state, rows[i].zone);
		struct window window = period_window(rows[i].period, zone, instant(rows[i].now), 0);
		char start[CLOCK_TEXT_SIZE], end[CLOCK_TEXT_SIZE];

		if (window.start != instant(rows[i].start) || window.end != instant(rows[i].end))
			fail_msg("%s: %s to %s", rows[i].sentence,
			    clock_format(window.start, start), clock_format(window.end, end));
	}
}

static void
the_total_has_no_end(void **state)
{
	struct window window = period_window(PERIOD_TOTAL, zone_named(*state, "UTC"), 12345, 0);

	assert_int_equal(window.start, 0);
	assert_true(window.end == INT64_MAX);
}

static const struct {
	const char *sentence;
	int64_t hours;
	const char *now;
	const char *start;
	const char *end;
} rolling_rows[] = {
	/* 24 hours, not a calendar day: the clock went forward in between. */
	{ "the first instant of a step", 24, "2026-03-29T12:00:00Z", "2026-03-28T12:00:00Z",
	    "2026-03-29T12:24:00Z" },
	{ "the last instant of a step", 24, "2026-03-29T12:23:59.999999Z", "2026-03-28T12:00:00Z",
	    "2026-03-29T12:24:00Z" },
	{ "the next step", 24, "2026-03-29T12:24:00Z", "2026-03-28T12:24:00Z",
	    "2026-03-29T12:48:00Z" },
	{ "an hour", 1, "2026-11-21T09:30:59Z", "2026-11-21T08:30:00Z", "2026-11-21T09:31:00Z" },
	/* Steps are counted from 1970, not from midnight: 7 minutes divide no day. */
	{ "7 hours", 7, "2026-11-21T00:00:00Z", "2026-11-20T16:57:00Z", "2026-11-21T00:04:00Z" },
	{ "a leap year", PERIOD_ROLLING_MAX_HOURS, "2026-03-29T12:00:00Z", "2025-03-25T16:48:00Z",
	    "2026-04-01T19:12:00Z" },
};

static void
rolling_windows_move_in_steps(void **state)
{
	const struct zone *zone = zone_named(*state, "Europe/Berlin");

	for (size_t i = 0; i < COUNT(rolling_rows); i++) {
		struct window window = period_window(
		    PERIOD_ROLLING, zone, instant(rolling_rows[i].now), rolling_rows[i].hours);
		char start[CLOCK_TEXT_SIZE], end[CLOCK_TEXT_SIZE];

		if (window.start != instant(rolling_rows[i].start) ||
		    window.end != instant(rolling_rows[i].end))
			fail_msg("%s: %s to %s", rolling_rows[i].sentence,
			    clock_format(window.start, start), clock_format(window.end, end));
	}
}

/* Whole steps from 1970 on, and never less than the hours that were asked for. */
static void
rolling_windows_hold_their_hours(void **state)
{
	const struct zone *zone = zone_named(*state, "UTC");
	uint64_t seed = 3;

	for (int64_t hours = 1; hours <= PERIOD_ROLLING_MAX_HOURS; hours++) {
		int64_t now = (int64_t)(next_random(&seed) % (uint64_t)(54750 * CLOCK_DAY));
		int64_t step = period_step(hours), length = hours * 3600 * CLOCK_SECOND;
		struct window window = period_window(PERIOD_ROLLING, zone, now, hours);

		assert_int_equal(step, hours * 60 * CLOCK_SECOND);
		assert_int_equal(window.start % step, 0);
		assert_int_equal(window.end - window.start, length + step);
		assert_true(window.start <= now - length && window.start + step > now - length);
		assert_true(now < window.end);
	}
}

static void
every_period_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(period_names[PERIOD_DAY], "day");
	assert_string_equal(period_names[PERIOD_QUARTER], "quarter");
	assert_string_equal(period_names[PERIOD_ROLLING], "rolling");
	assert_null(period_names[PERIOD_ROLLING + 1]);
}

static void
check_window(const char *name, const struct zone *zone, enum period period, int64_t now)
{
	struct window window = period_window(period, zone, now, 0);
	struct window before = period_window(period, zone, window.start - 1, 0);
	struct window last = period_window(period, zone, window.end - 1, 0);
	struct window next = period_window(period, zone, window.end, 0);
	char text[CLOCK_TEXT_SIZE];

	if (now < window.start || now >= window.end)
		fail_msg(
		    "%s, %s: %s is outside", name, period_names[period], clock_format(now, text));
	if (before.end != window.start || next.start != window.end)
		fail_msg("%s, %s: a gap or an overlap near %s", name, period_names[period],
		    clock_format(now, text));
	if (last.start != window.start || last.end != window.end)
		fail_msg("%s, %s: the last instant of %s has another window", name,
		    period_names[period], clock_format(now, text));
}

static void
windows_hold_now_and_follow_each_other(void **state)
{
	static const char *const names[] = { "UTC", "Europe/Berlin", "America/New_York",
		"America/St_Johns", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu",
		"Asia/Kolkata", "Pacific/Apia", "Africa/Casablanca", "Asia/Gaza", "Africa/Cairo",
		"Pacific/Kwajalein", "Antarctica/Troll" };
	uint64_t seed = 2;

	for (size_t i = 0; i < COUNT(names); i++) {
		const struct zone *zone = zone_named(*state, names[i]);

		for (int n = 0; n < RANDOM_INSTANTS; n++) {
			/* 1971 to 2121 */
			int64_t now = (365 + (int64_t)(next_random(&seed) % 54750)) * CLOCK_DAY +
				      (int64_t)(next_random(&seed) % (uint64_t)CLOCK_DAY);

			for (enum period period = PERIOD_DAY; period < PERIOD_TOTAL; period++)
				check_window(names[i], zone, period, now);
		}
	}
}

/* The nights on which the clock of Newfoundland went back from 00:01 to 23:01 of the day before. */
static void
windows_hold_now_where_midnight_comes_twice(void **state)
{
	const struct zone *zone = zone_named(*state, "America/St_Johns");
	int64_t night = instant("2010-11-07T02:00:00Z");

	for (int minute = 0; minute < 180; minute++)
		for (enum period period = PERIOD_DAY; period < PERIOD_TOTAL; period++)
			check_window(
			    "America/St_Johns", zone, period, night + minute * 60 * CLOCK_SECOND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(windows_are_right, setup, teardown),
		cmocka_unit_test_setup_teardown(the_total_has_no_end, setup, teardown),
		cmocka_unit_test_setup_teardown(rolling_windows_move_in_steps, setup, teardown),
		cmocka_unit_test_setup_teardown(rolling_windows_hold_their_hours, setup, teardown),
		cmocka_unit_test(every_period_has_a_name),
		cmocka_unit_test_setup_teardown(
		    windows_hold_now_and_follow_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    windows_hold_now_where_midnight_comes_twice, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
