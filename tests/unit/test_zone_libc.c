#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/zone_private.h"
#include "tests/unit/zone_task.h"

#define TZDATA "/usr/share/zoneinfo/tzdata.zi"
#define RANDOM_INSTANTS 3000

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
		cmocka_unit_test_setup_teardown(every_zone_agrees_with_libc, setup, teardown),
		cmocka_unit_test_setup_teardown(days_follow_each_other, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
