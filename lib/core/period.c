#include "lib/core/period.h"

#include <assert.h>

#include "lib/clock.h"

#define HOUR (INT64_C(3600) * CLOCK_SECOND)

const char *const period_names[] = { "day", "week", "month", "quarter", "year", "total", "rolling",
	NULL };

/*
 * The day whose start was the last to come. It differs from the calendar's where a clock goes back
 * over midnight: the day that has begun goes on, so that windows never overlap.
 */
static int32_t
current_day(const struct zone *zone, int64_t now)
{
	int32_t date = zone_date(zone, now);

	while (now >= zone_day_start(zone, date + 1))
		date++;
	return date;
}

static struct window
days(const struct zone *zone, int32_t first, int32_t next)
{
	return (struct window){ zone_day_start(zone, first), zone_day_start(zone, next) };
}

/* Months are grouped by size from January on: 1, 3 or 12. */
static struct window
months(const struct zone *zone, int32_t date, int size)
{
	int year, month, day, first;
	int32_t next;

	date_to_civil(date, &year, &month, &day);
	first = month - (month - 1) % size;
	next = first + size <= 12 ? date_from_civil(year, first + size, 1)
				  : date_from_civil(year + 1, 1, 1);
	return days(zone, date_from_civil(year, first, 1), next);
}

int64_t
period_step(int64_t rolling_hours)
{
	assert(rolling_hours > 0 && rolling_hours <= PERIOD_ROLLING_MAX_HOURS);
	return rolling_hours * HOUR / PERIOD_ROLLING_STEPS;
}

/* The step that has begun is counted whole: a sum of whole steps is what a counter can keep. */
static struct window
rolling(int64_t now, int64_t step)
{
	int64_t slot = now / step - (now % step < 0);

	return (struct window){ (slot - PERIOD_ROLLING_STEPS) * step, (slot + 1) * step };
}

struct window
period_window(enum period period, const struct zone *zone, int64_t now, int64_t rolling_hours)
{
	int32_t date;

	if (period == PERIOD_TOTAL)
		return (struct window){ .start = 0, .end = INT64_MAX };
	if (period == PERIOD_ROLLING)
		return rolling(now, period_step(rolling_hours));
	date = current_day(zone, now);
	switch (period) {
	case PERIOD_WEEK:
		date -= ((date + 3) % 7 + 7) % 7; /* 1970 began on a Thursday */
		return days(zone, date, date + 7);
	case PERIOD_MONTH:
		return months(zone, date, 1);
	case PERIOD_QUARTER:
		return months(zone, date, 3);
	case PERIOD_YEAR:
		return months(zone, date, 12);
	case PERIOD_DAY:
	case PERIOD_TOTAL:
	case PERIOD_ROLLING:
		break;
	}
	return days(zone, date, date + 1);
}
