#include "app/api/analytics_buckets.h"

#include "app/api/analytics.h"
#include "lib/clock.h"

const char *const analytics_bucket_names[] = { "hour", "day", NULL };

static bool
begins_hour(const struct zone *zone, int64_t usec)
{
	return (usec / CLOCK_SECOND + zone_offset(zone, usec)) % 3600 == 0;
}

static int64_t
hour_start(const struct zone *zone, int64_t usec)
{
	int64_t at = span_floor(usec, SPAN_QUARTER), first = at - SPAN_HOUR;

	while (at > first && !begins_hour(zone, at))
		at -= SPAN_QUARTER;
	return at;
}

static int64_t
hour_end(const struct zone *zone, int64_t start)
{
	int64_t at = start + SPAN_QUARTER;

	while (at < start + SPAN_HOUR && !begins_hour(zone, at))
		at += SPAN_QUARTER;
	return at;
}

/* A date that a zone never had is no bucket. */
static int64_t
day_end(const struct zone *zone, int64_t start)
{
	int32_t date = zone_date(zone, start);
	int64_t end;

	do
		end = zone_day_start(zone, ++date);
	while (end <= start);
	return end;
}

bool
analytics_find_buckets(struct task *task, enum analytics_bucket kind, const struct zone *zone,
    struct span range, const struct span **ret, size_t *ret_count)
{
	struct span *at = arena_array(task->arena, ANALYTICS_BUCKETS_MAX, sizeof(*at));
	bool hours = kind == ANALYTICS_HOUR;
	int64_t start = hours ? hour_start(zone, range.since)
			      : zone_day_start(zone, zone_date(zone, range.since));
	size_t count = 0;

	for (; start < range.until; start = at[count++].until) {
		if (count == ANALYTICS_BUCKETS_MAX)
			return false;
		at[count] =
		    (struct span){ start, hours ? hour_end(zone, start) : day_end(zone, start) };
	}
	*ret = at;
	*ret_count = count;
	return true;
}
