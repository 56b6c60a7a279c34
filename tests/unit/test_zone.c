#include "tests/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/zone_task.h"

#define THREADS 8
#define ZONES_FOUND 8

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

/* Each thread finds the same zones, none of which was read before, in another order. */
static void *
find_zones(void *found)
{
	static const char *const names[] = { "Africa/Lagos", "Africa/Nairobi", "America/Bogota",
		"America/Lima", "Asia/Dubai", "Asia/Dhaka", "Europe/Oslo", "Europe/Rome" };
	const struct zone **zones = found;
	struct task task;

	task_init(&task, arena_new());
	for (size_t i = 0; i < ZONES_FOUND; i++) {
		size_t which = (i + (uintptr_t)zones / sizeof(*zones)) % ZONES_FOUND;

		if (!zone_find(&task, names[which], &zones[which]))
			zones[which] = NULL;
	}
	arena_free(task.arena);
	return NULL;
}

static void
threads_find_the_same_zones(void **state)
{
	const struct zone *found[THREADS][ZONES_FOUND];
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, find_zones, found[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_non_null(found[0][0]);
	for (int i = 1; i < THREADS; i++)
		assert_memory_equal(found[i], found[0], sizeof(found[0]));
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(offsets_and_dates_are_right, setup, teardown),
		cmocka_unit_test_setup_teardown(days_begin_when_they_do, setup, teardown),
		cmocka_unit_test_setup_teardown(instants_before_1970_have_dates, setup, teardown),
		cmocka_unit_test_setup_teardown(names_that_are_none_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_zone_is_read_once, setup, teardown),
		cmocka_unit_test(threads_find_the_same_zones),
		cmocka_unit_test_setup_teardown(another_folder_is_honoured, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
