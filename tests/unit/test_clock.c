#include "tests/test.h"

#include "lib/clock.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define UNTOUCHED INT64_C(-77)
#define S(seconds) (INT64_C(seconds) * 1000000)

static struct text
text(const char *value)
{
	return (struct text){ .at = value, .len = strlen(value) };
}

static void
times_are_read(UNUSED void **state)
{
	static const struct {
		const char *what;
		const char *text;
		int64_t usec;
	} cases[] = {
		{ "the first instant", "1970-01-01T00:00:00Z", 0 },
		{ "a second", "1970-01-01T00:00:01Z", S(1) },
		{ "lower-case letters", "2026-11-21t09:30:00z", S(1795253400) },
		{ "upper-case letters", "2026-11-21T09:30:00Z", S(1795253400) },
		{ "one digit of fraction", "2026-11-21T09:30:00.5Z", S(1795253400) + 500000 },
		{ "six digits", "2026-11-21T09:30:00.123456Z", S(1795253400) + 123456 },
		{ "more digits are cut", "2026-11-21T09:30:00.1234569999Z",
		    S(1795253400) + 123456 },
		{ "a fraction of zeros", "2026-11-21T09:30:00.000Z", S(1795253400) },
		{ "the last microsecond of a day", "1970-01-01T23:59:59.999999Z", S(86400) - 1 },
		{ "an offset east", "2026-11-21T10:30:00+01:00", S(1795253400) },
		{ "an offset west", "2026-11-21T01:30:00-08:00", S(1795253400) },
		{ "half an hour", "2026-11-21T15:00:00+05:30", S(1795253400) },
		{ "the unknown offset", "2026-11-21T09:30:00-00:00", S(1795253400) },
		{ "the largest offset", "1970-01-01T23:59:00+23:59", 0 },
		{ "into 1970 by the offset", "1969-12-31T23:30:00-00:30", 0 },
		{ "back from the year 9999", "9999-12-31T23:59:59.999999Z", S(253402300800) - 1 },
		{ "the leap day", "2024-02-29T00:00:00Z", S(1709164800) },
		{ "the leap day of 2000", "2000-02-29T12:00:00Z", S(951825600) },
		{ "after 2038", "2038-01-19T03:14:08Z", S(2147483648) },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t usec = UNTOUCHED;

		if (!clock_parse(text(cases[i].text), &usec) || usec != cases[i].usec)
			fail_msg("%s: %s gave %lld", cases[i].what, cases[i].text, (long long)usec);
	}
}

static void
other_texts_are_no_times(UNUSED void **state)
{
	static const struct {
		const char *what;
		const char *text;
	} cases[] = {
		{ "nothing", "" },
		{ "a date alone", "2026-11-21" },
		{ "a space for T", "2026-11-21 09:30:00Z" },
		{ "no seconds", "2026-11-21T09:30Z" },
		{ "no offset", "2026-11-21T09:30:00" },
		{ "an offset without minutes", "2026-11-21T09:30:00+01" },
		{ "an offset without a colon", "2026-11-21T09:30:00+0100" },
		{ "an offset of 24 hours", "2026-11-21T09:30:00+24:00" },
		{ "an offset of 60 minutes", "2026-11-21T09:30:00+01:60" },
		{ "hour 24", "2026-11-21T24:00:00Z" },
		{ "minute 60", "2026-11-21T09:60:00Z" },
		{ "a leap second", "2016-12-31T23:59:60Z" },
		{ "month 0", "2026-00-21T09:30:00Z" },
		{ "month 13", "2026-13-21T09:30:00Z" },
		{ "day 0", "2026-11-00T09:30:00Z" },
		{ "November 31", "2026-11-31T09:30:00Z" },
		{ "February 29 in a common year", "2026-02-29T09:30:00Z" },
		{ "February 29 in 2100", "2100-02-29T09:30:00Z" },
		{ "a point without digits", "2026-11-21T09:30:00.Z" },
		{ "a comma", "2026-11-21T09:30:00,5Z" },
		{ "something behind", "2026-11-21T09:30:00Z " },
		{ "something before", " 2026-11-21T09:30:00Z" },
		{ "two offsets", "2026-11-21T09:30:00ZZ" },
		{ "a short year", "226-11-21T09:30:00Z" },
		{ "a long year", "10000-01-01T00:00:00Z" },
		{ "a sign", "+2026-11-21T09:30:00Z" },
		{ "a letter among digits", "2O26-11-21T09:30:00Z" },
		{ "another letter for Z", "2026-11-21T09:30:00A" },
		{ "before 1970", "1969-12-31T23:59:59.999999Z" },
		{ "before 1970 by the offset", "1970-01-01T00:30:00+00:31" },
		{ "after 9999 by the offset", "9999-12-31T23:30:00-00:30" },
	};
	int64_t usec = UNTOUCHED;

	for (size_t i = 0; i < COUNT(cases); i++) {
		if (clock_parse(text(cases[i].text), &usec) || usec != UNTOUCHED)
			fail_msg("%s: %s was read", cases[i].what, cases[i].text);
	}
	assert_false(clock_parse((struct text){ 0 }, &usec));
	assert_false(clock_parse((struct text){ "2026-11-21T09:30:00\0Z", 21 }, &usec));
}

/* Whatever is cut off, nothing behind the end is read: the sanitizers would tell. */
static void
a_cut_time_is_no_time(UNUSED void **state)
{
	static const char whole[] = "2026-11-21T09:30:00.123456+01:00";
	int64_t usec = UNTOUCHED;

	for (size_t len = 0; len < strlen(whole); len++) {
		char *copy = malloc(len + 1);

		memcpy(copy, whole, len);
		copy[len] = 'Z';
		assert_false(clock_parse((struct text){ copy, len }, &usec));
		free(copy);
	}
	assert_int_equal(usec, UNTOUCHED);
}

static void
times_are_written(UNUSED void **state)
{
	static const struct {
		int64_t usec;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ 1, "1970-01-01T00:00:00.000001Z" },
		{ 1000, "1970-01-01T00:00:00.001Z" },
		{ 120000, "1970-01-01T00:00:00.120Z" },
		{ S(1795253400) + 123456, "2026-11-21T09:30:00.123456Z" },
		{ S(253402300800) - 1, "9999-12-31T23:59:59.999999Z" },
		/* What no text can hold is shown as the nearest that one can. */
		{ S(253402300800), "9999-12-31T23:59:59.999999Z" },
		{ INT64_MAX, "9999-12-31T23:59:59.999999Z" },
		{ -1, "1970-01-01T00:00:00Z" },
		{ INT64_MIN, "1970-01-01T00:00:00Z" },
	};
	char out[CLOCK_TEXT_SIZE];

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_ptr_equal(clock_format(cases[i].usec, out), out);
		assert_string_equal(out, cases[i].text);
	}
}

static void
what_is_written_is_read_as_the_same(UNUSED void **state)
{
	char out[CLOCK_TEXT_SIZE];

	srandom(1970);
	for (int i = 0; i < 200000; i++) {
		int64_t usec = (((int64_t)random() << 31) | random()) % S(253402300800);
		int64_t again = UNTOUCHED;

		if (i % 3 == 0)
			usec -= usec % CLOCK_SECOND;
		if (!clock_parse(text(clock_format(usec, out)), &again) || again != usec)
			fail_msg("%lld became %s", (long long)usec, out);
	}
}

/* The C library's calendar as a second opinion. */
static void
times_agree_with_timegm(UNUSED void **state)
{
	char out[CLOCK_TEXT_SIZE], expected[32];

	srandom(7);
	for (int i = 0; i < 20000; i++) {
		time_t seconds = (((int64_t)random() << 31) | random()) % INT64_C(253402300800);
		struct tm tm;

		assert_non_null(gmtime_r(&seconds, &tm));
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%SZ", &tm);
		assert_string_equal(clock_format(seconds * CLOCK_SECOND, out), expected);
	}
}

static int
days_in_month(int year, int month)
{
	if (month == 2)
		return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Every day from 1970 to 9999, counted by hand. */
static void
every_day_has_its_date(UNUSED void **state)
{
	int year = 1970, month = 1, day = 1;
	int32_t date = 0;

	for (; year <= 9999; date++) {
		int y, m, d;

		date_to_civil(date, &y, &m, &d);
		if (date_from_civil(year, month, day) != date || y != year || m != month ||
		    d != day)
			fail_msg("%d-%d-%d is not day %d", year, month, day, date);
		if (day++ < days_in_month(year, month))
			continue;
		day = 1;
		month = month % 12 + 1;
		year += month == 1;
	}
	assert_int_equal(date - 1, DATE_MAX);
}

static void
dates_before_1970_count_backwards(UNUSED void **state)
{
	int year, month, day;

	assert_int_equal(date_from_civil(1969, 12, 31), -1);
	assert_int_equal(date_from_civil(1900, 3, 1), -25508);
	assert_int_equal(date_from_civil(0, 3, 1), -719468);
	assert_int_equal(date_from_civil(0, 2, 29), -719469);
	date_to_civil(-719469, &year, &month, &day);
	assert_int_equal(year, 0);
	assert_int_equal(month, 2);
	assert_int_equal(day, 29);
}

static void
dates_are_read(UNUSED void **state)
{
	static const struct {
		const char *what;
		const char *text;
		int32_t date; /* -1: refused */
	} cases[] = {
		{ "the first day", "1970-01-01", 0 },
		{ "the last day", "9999-12-31", DATE_MAX },
		{ "a leap day", "2024-02-29", 19782 },
		{ "a day before 1970", "1969-12-31", -1 },
		{ "no leap day", "2023-02-29", -1 },
		{ "a time", "2024-02-29T00:00:00Z", -1 },
		{ "one digit", "2024-2-29", -1 },
		{ "slashes", "2024/02/29", -1 },
		{ "nothing", "", -1 },
		{ "the year 0", "0000-01-01", -1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int32_t date = -2;
		bool good = date_parse(text(cases[i].text), &date);

		if (good != (cases[i].date >= 0) || date != (good ? cases[i].date : -2))
			fail_msg("%s: %s gave %d", cases[i].what, cases[i].text, date);
	}
}

static void
dates_are_written(UNUSED void **state)
{
	char out[DATE_TEXT_SIZE];

	assert_ptr_equal(date_format(0, out), out);
	assert_string_equal(out, "1970-01-01");
	assert_string_equal(date_format(19782, out), "2024-02-29");
	assert_string_equal(date_format(DATE_MAX, out), "9999-12-31");
	assert_string_equal(date_format(DATE_MAX + 1, out), "9999-12-31");
	assert_string_equal(date_format(-1, out), "1970-01-01");
	assert_string_equal(date_format(INT32_MIN, out), "1970-01-01");
}

static void
clocks_run(UNUSED void **state)
{
	int64_t before = clock_monotonic(), now = clock_now();

	assert_true(clock_monotonic() >= before);
	assert_true(now / CLOCK_SECOND >= time(NULL) - 60);
	assert_true(now / CLOCK_SECOND <= time(NULL) + 60);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(other_texts_are_no_times),
		cmocka_unit_test(a_cut_time_is_no_time),
		cmocka_unit_test(times_are_written),
		cmocka_unit_test(what_is_written_is_read_as_the_same),
		cmocka_unit_test(times_agree_with_timegm),
		cmocka_unit_test(every_day_has_its_date),
		cmocka_unit_test(dates_before_1970_count_backwards),
		cmocka_unit_test(dates_are_read),
		cmocka_unit_test(dates_are_written),
		cmocka_unit_test(clocks_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
