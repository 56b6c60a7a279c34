/* A TZif file, and what is asked of a zone. */
#include <assert.h>

#include "lib/clock.h"
#include "lib/zone_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_day(const struct zone *zone, int32_t date)
{
	int64_t start = zone_day_start(zone, date);
	int64_t next = zone_day_start(zone, date + 1);

	assert(start <= next);
	assert(zone_date(zone, start) >= date);
	assert(zone_date(zone, start - CLOCK_SECOND) < date);
	if (start < next)
		assert(zone_date(zone, start) == date);
}

static void
check_instant(const struct zone *zone, int64_t seconds)
{
	int64_t limit = INT64_MAX / CLOCK_SECOND / 2;
	int64_t at = (seconds > limit ? limit : seconds < -limit ? -limit : seconds) * CLOCK_SECOND;
	int32_t offset = zone_offset(zone, at);

	assert(offset > -ZONE_OFFSET_LIMIT && offset < ZONE_OFFSET_LIMIT);
	check_day(zone, zone_date(zone, at));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct zone zone;

	if (zone_parse(arena, (struct text){ .at = (const char *)data, .len = size }, &zone)) {
		for (size_t i = 0; i < zone.count; i++) {
			check_instant(&zone, zone.times[i]);
			check_instant(&zone, zone.times[i] - 1);
		}
		for (int year = 1970; year < 2110; year += 7)
			check_day(&zone, date_from_civil(year, 1, 1));
		check_instant(&zone, INT64_MAX);
		check_instant(&zone, INT64_MIN + 1);
	}
	arena_free(arena);
	return 0;
}
