#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/zone_private.h"

#define TZDATA "/usr/share/zoneinfo/tzdata.zi"
#define RANDOM_INSTANTS 3000

static int
setup(void **state)
{
	struct task *task = calloc(1, sizeof(*task));

	task_init(task, arena_new());
	*state = task;
	return 0;
}

static int
teardown(void **state)
{
	struct task *task = *state;

	arena_free(task->arena);
	free(task);
	return 0;
}

static const struct zone *
zone_named(struct task *task, const char *name)
{
	const struct zone *zone = NULL;

	if (!zone_find(task, name, &zone))
		fail_msg("%s: %s", name, task->err.text);
	return zone;
}

static int64_t
instant(const char *text)
{
	int64_t usec = 0;

	assert_true(clock_parse((struct text){ .at = text, .len = strlen(text) }, &usec));
	return usec;
}

static int32_t
date(const char *text)
{
	int32_t ret = 0;

	assert_true(date_parse((struct text){ .at = text, .len = strlen(text) }, &ret));
	return ret;
}

static const struct at {
	const char *zone;
	const char *at;
	int offset; /* minutes */
	const char *date;
} ats[] = {
	{ "UTC", "2026-11-21T23:59:59.999999Z", 0, "2026-11-21" },
	{ "Etc/GMT+12", "2026-11-21T11:59:59Z", -720, "2026-11-20" },
	{ "Europe/Berlin", "2026-03-29T00:59:59.999999Z", 60, "2026-03-29" },
	{ "Europe/Berlin", "2026-03-29T01:00:00Z", 120, "2026-03-29" },
	{ "Europe/Berlin", "2026-10-25T00:59:59Z", 120, "2026-10-25" },
	{ "Europe/Berlin", "2026-10-25T01:00:00Z", 60, "2026-10-25" },
	{ "Europe/Berlin", "2026-12-31T22:59:59Z", 60, "2026-12-31" },
	{ "Europe/Berlin", "2026-12-31T23:00:00Z", 60, "2027-01-01" },
	{ "Europe/Berlin", "2024-02-28T23:00:00Z", 60, "2024-02-29" },
	{ "America/New_York", "2026-03-08T06:59:59Z", -300, "2026-03-08" },
	{ "America/New_York", "2026-03-08T07:00:00Z", -240, "2026-03-08" },
	{ "America/New_York", "2026-11-01T05:59:59Z", -240, "2026-11-01" },
	{ "America/New_York", "2026-11-01T06:00:00Z", -300, "2026-11-01" },
	{ "Australia/Lord_Howe", "2026-04-04T14:59:59Z", 660, "2026-04-05" },
	{ "Australia/Lord_Howe", "2026-04-04T15:00:00Z", 630, "2026-04-05" },
	{ "Australia/Lord_Howe", "2026-10-03T15:29:59Z", 630, "2026-10-04" },
	{ "Australia/Lord_Howe", "2026-10-03T15:30:00Z", 660, "2026-10-04" },
	{ "America/Sao_Paulo", "2018-11-04T02:59:59Z", -180, "2018-11-03" },
	{ "America/Sao_Paulo", "2018-11-04T03:00:00Z", -120, "2018-11-04" },
	{ "America/Sao_Paulo", "2019-02-17T02:00:00Z", -180, "2019-02-16" },
	{ "Asia/Kathmandu", "2026-11-21T18:14:59Z", 345, "2026-11-21" },
	{ "Asia/Kathmandu", "2026-11-21T18:15:00Z", 345, "2026-11-22" },
	{ "Asia/Kolkata", "2026-11-21T18:29:59Z", 330, "2026-11-21" },
	{ "Asia/Kolkata", "2026-11-21T18:30:00Z", 330, "2026-11-22" },
	{ "Pacific/Apia", "2011-12-30T09:59:59Z", -600, "2011-12-29" },
	{ "Pacific/Apia", "2011-12-30T10:00:00Z", 840, "2011-12-31" },
	{ "Africa/Casablanca", "2026-02-15T01:59:59Z", 60, "2026-02-15" },
	{ "Africa/Casablanca", "2026-02-15T02:00:00Z", 0, "2026-02-15" },
	{ "Africa/Casablanca", "2026-03-22T02:00:00Z", 60, "2026-03-22" },
	/* Behind the last transition of any file: the footer's rule. */
	{ "Europe/Berlin", "2100-03-28T00:59:59Z", 60, "2100-03-28" },
	{ "Europe/Berlin", "2100-03-28T01:00:00Z", 120, "2100-03-28" },
	{ "Europe/Berlin", "2100-10-31T01:00:00Z", 60, "2100-10-31" },
	{ "America/New_York", "2100-03-14T07:00:00Z", -240, "2100-03-14" },
	{ "America/New_York", "2100-11-07T06:00:00Z", -300, "2100-11-07" },
	{ "Australia/Lord_Howe", "2100-07-01T00:00:00Z", 630, "2100-07-01" },
	{ "Asia/Kathmandu", "9999-12-31T23:59:59Z", 345, NULL },
	{ "Europe/Berlin", "2100-02-28T23:00:00Z", 60, "2100-03-01" },
};

static void
offsets_and_dates_are_right(void **state)
{
	for (size_t i = 0; i < COUNT(ats); i++) {
		const struct zone *zone = zone_named(*state, ats[i].zone);
		int64_t at = instant(ats[i].at);
		int32_t offset = zone_offset(zone, at);
		char text[DATE_TEXT_SIZE];

		if (offset != ats[i].offset * 60)
			fail_msg("%s at %s: %d seconds", ats[i].zone, ats[i].at, offset);
		if (ats[i].date != NULL && zone_date(zone, at) != date(ats[i].date))
			fail_msg("%s at %s: %s", ats[i].zone, ats[i].at,
			    date_format(zone_date(zone, at), text));
	}
}

static const struct start {
	const char *sentence;
	const char *zone;
	const char *date;
	const char *start;
} starts[] = {
	{ "a plain day", "UTC", "2026-11-21", "2026-11-21T00:00:00Z" },
	{ "the first day there is", "UTC", "1970-01-01", "1970-01-01T00:00:00Z" },
	{ "the last day there is", "UTC", "9999-12-31", "9999-12-31T00:00:00Z" },
	{ "a day of 23 hours", "Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z" },
	{ "the day after it", "Europe/Berlin", "2026-03-30", "2026-03-29T22:00:00Z" },
	{ "a day of 25 hours", "Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z" },
	{ "the day after it", "Europe/Berlin", "2026-10-26", "2026-10-25T23:00:00Z" },
	{ "west of Greenwich", "America/New_York", "2026-03-09", "2026-03-09T04:00:00Z" },
	{ "a clock that moves by half an hour", "Australia/Lord_Howe", "2026-04-06",
	    "2026-04-05T13:30:00Z" },
	{ "three quarters of an hour", "Asia/Kathmandu", "2026-11-22", "2026-11-21T18:15:00Z" },
	{ "half an hour", "Asia/Kolkata", "2026-11-22", "2026-11-21T18:30:00Z" },
	{ "a day that begins at 01:00", "America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z" },
	{ "a day that begins at its second midnight", "America/Sao_Paulo", "2019-02-17",
	    "2019-02-17T03:00:00Z" },
	{ "a day that begins at its first midnight", "America/St_Johns", "2010-11-07",
	    "2010-11-07T02:30:00Z" },
	{ "the day before one that never was", "Pacific/Apia", "2011-12-29",
	    "2011-12-29T10:00:00Z" },
	{ "a day that never was", "Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z" },
	{ "the day after one that never was", "Pacific/Apia", "2011-12-31",
	    "2011-12-30T10:00:00Z" },
	{ "a day whose clock goes back at night", "Africa/Casablanca", "2026-02-16",
	    "2026-02-16T00:00:00Z" },
	{ "a day far ahead", "Europe/Berlin", "2100-03-29", "2100-03-28T22:00:00Z" },
	{ "no leap day in 2100", "Asia/Kolkata", "2100-03-01", "2100-02-28T18:30:00Z" },
};

static void
days_begin_when_they_do(void **state)
{
	for (size_t i = 0; i < COUNT(starts); i++) {
		const struct zone *zone = zone_named(*state, starts[i].zone);
		int64_t start = zone_day_start(zone, date(starts[i].date));
		char text[CLOCK_TEXT_SIZE];

		if (start != instant(starts[i].start))
			fail_msg("%s: %s", starts[i].sentence, clock_format(start, text));
	}
}

static void
instants_before_1970_have_dates(void **state)
{
	const struct zone *utc = zone_named(*state, "UTC");

	assert_int_equal(zone_date(utc, -1), -1);
	assert_int_equal(zone_date(utc, -CLOCK_DAY), -1);
	assert_int_equal(zone_date(utc, -CLOCK_DAY - 1), -2);
	assert_int_equal(zone_day_start(utc, -1), -CLOCK_DAY);
}

static const struct name {
	const char *sentence;
	const char *name;
} bad_names[] = {
	{ "nothing", "" },
	{ "a zone that is none", "Europe/Atlantis" },
	{ "another letter case", "europe/berlin" },
	{ "a folder", "Europe" },
	{ "a slash at the end", "Europe/" },
	{ "a slash in front", "/usr/share/zoneinfo/UTC" },
	{ "two slashes", "Europe//Berlin" },
	{ "a way up", "../zoneinfo/UTC" },
	{ "a way up and down", "Europe/../UTC" },
	{ "a dot", "./UTC" },
	{ "a file that is no zone", "tzdata.zi" },
	{ "a file without a dot that is no zone", "leapseconds" },
	{ "a space", "Europe/Berlin " },
	{ "a letter beyond ASCII", "Europe/K\xc3\xb6ln" },
	{ "a POSIX rule", "EST5EDT,M3.2.0,M11.1.0" },
	{ "the machine's own zone", "localtime" },
	{ "the default rules", "posixrules" },
	{ "a copy of the database", "posix/UTC" },
	{ "the copy with leap seconds", "right/UTC" },
	{ "a zone below a zone", "UTC/UTC" },
	{ "65 characters", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
};

static void
names_that_are_none_are_refused(void **state)
{
	struct task *task = *state;

	for (size_t i = 0; i < COUNT(bad_names); i++) {
		const struct zone *zone = NULL;

		task_clear_error(task);
		if (zone_find(task, bad_names[i].name, &zone) || zone != NULL)
			fail_msg("%s: was found", bad_names[i].sentence);
		if (task->err.code != ERR_INVALID)
			fail_msg("%s: %s", bad_names[i].sentence, task->err.text);
	}
}

static void
a_zone_is_read_once(void **state)
{
	assert_ptr_equal(zone_named(*state, "Asia/Tokyo"), zone_named(*state, "Asia/Tokyo"));
	assert_ptr_not_equal(zone_named(*state, "Asia/Tokyo"), zone_named(*state, "Asia/Seoul"));
}

static void
another_folder_is_honoured(void **state)
{
	struct task *task = *state;
	const struct zone *zone = NULL;
	char folder[] = "/tmp/test_zone.XXXXXX";
	const char *link;

	assert_non_null(mkdtemp(folder));
	link = arena_printf(task->arena, "%s/Test", folder);
	assert_int_equal(symlink("/usr/share/zoneinfo/Asia/Tokyo", link), 0);
	setenv("TZDIR", folder, 1);
	assert_true(zone_find(task, "Test", &zone));
	assert_int_equal(zone_offset(zone, 0), 9 * 3600);
	assert_false(zone_find(task, "Asia/Manila", &zone));
	unsetenv("TZDIR");
	unlink(link);
	rmdir(folder);
}

/* xorshift64: the same instants in every run. */
static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void
compare_with_libc(const char *name, const struct zone *zone, int64_t at)
{
	time_t seconds = at;
	struct tm tm;

	assert_non_null(localtime_r(&seconds, &tm));
	if (zone_offset(zone, at * CLOCK_SECOND) != tm.tm_gmtoff)
		fail_msg("%s at %lld: %d, not %ld", name, (long long)at,
		    zone_offset(zone, at * CLOCK_SECOND), tm.tm_gmtoff);
	if (zone_date(zone, at * CLOCK_SECOND) !=
	    date_from_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday))
		fail_msg("%s at %lld: another day", name, (long long)at);
}

/* Around each transition, at the ends of years, and anywhere from 1850 to 2500. */
static void
compare_zone(struct task *task, const char *name, uint64_t *seed)
{
	const int64_t first = (int64_t)date_from_civil(1850, 1, 1) * 86400;
	const int64_t last = (int64_t)date_from_civil(2500, 1, 1) * 86400;
	const struct zone *zone = zone_named(task, name);

	setenv("TZ", arena_printf(task->arena, ":%s", name), 1);
	tzset();
	for (size_t i = 0; i < zone->count; i++) {
		compare_with_libc(name, zone, zone->times[i]);
		compare_with_libc(name, zone, zone->times[i] - 1);
	}
	for (int year = 1900; year < 2200; year++) {
		int64_t start = (int64_t)date_from_civil(year, 1, 1) * 86400;

		compare_with_libc(name, zone, start - 1);
		compare_with_libc(name, zone, start);
	}
	for (int i = 0; i < RANDOM_INSTANTS; i++)
		compare_with_libc(
		    name, zone, first + (int64_t)(next_random(seed) % (uint64_t)(last - first)));
}

/* Names of zones ("Z name ...") and of links ("L target name"). */
static void
every_zone_agrees_with_libc(void **state)
{
	FILE *file = fopen(TZDATA, "r");
	uint64_t seed = 20261121;
	char line[512], name[ZONE_NAME_MAX + 1];
	int zones = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "Z %64s", name) != 1 && sscanf(line, "L %*s %64s", name) != 1)
			continue;
		compare_zone(*state, name, &seed);
		zones++;
	}
	fclose(file);
	unsetenv("TZ");
	tzset();
	assert_true(zones > 400);
}

static void
check_days(const struct zone *zone, const char *name, int32_t first, int count)
{
	int64_t start = zone_day_start(zone, first);

	for (int32_t day = first; day < first + count; day++) {
		int64_t next = zone_day_start(zone, day + 1);

		if (next < start)
			fail_msg("%s: day %d begins before the one before", name, day + 1);
		if (next > start && zone_date(zone, start) != day)
			fail_msg("%s: day %d begins on another", name, day);
		if (next > start && zone_date(zone, start - 1) >= day)
			fail_msg("%s: day %d began before", name, day);
		start = next;
	}
}

/* Days follow each other, and each begins with the first instant that has its date. */
static void
days_follow_each_other(void **state)
{
	static const char *const names[] = { "Europe/Berlin", "America/New_York",
		"America/St_Johns", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu",
		"Pacific/Apia", "Africa/Casablanca", "Asia/Gaza", "America/Nuuk", "Africa/Cairo",
		"America/Havana", "Asia/Tehran", "Antarctica/Troll", "Pacific/Kwajalein",
		"Atlantic/Azores" };

	for (size_t i = 0; i < COUNT(names); i++)
		check_days(zone_named(*state, names[i]), names[i], date("1970-01-02"), 365 * 140);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(offsets_and_dates_are_right, setup, teardown),
		cmocka_unit_test_setup_teardown(days_begin_when_they_do, setup, teardown),
		cmocka_unit_test_setup_teardown(instants_before_1970_have_dates, setup, teardown),
		cmocka_unit_test_setup_teardown(names_that_are_none_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_zone_is_read_once, setup, teardown),
		cmocka_unit_test_setup_teardown(another_folder_is_honoured, setup, teardown),
		cmocka_unit_test_setup_teardown(every_zone_agrees_with_libc, setup, teardown),
		cmocka_unit_test_setup_teardown(days_follow_each_other, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
