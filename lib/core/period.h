/*
 * Windows of time: from an instant, a zone and a kind of window to its start and end. Pure: no
 * clock, no database.
 */
#ifndef LIB_CORE_PERIOD_H
#define LIB_CORE_PERIOD_H

#include "lib/zone.h"

enum period {
	PERIOD_DAY,
	PERIOD_WEEK,
	PERIOD_MONTH,
	PERIOD_QUARTER,
	PERIOD_YEAR,
	PERIOD_TOTAL,
	PERIOD_ROLLING
};

#define PERIOD_ROLLING_MAX_HOURS 8784

extern const char *const period_names[]; /* in the order of the enum, NULL behind the last */

struct window {
	int64_t start; /* inclusive, microseconds */
	int64_t end; /* exclusive */
};

/*
 * The calendar window that holds now; those of one kind and zone follow each other without a gap or
 * an overlap. Weeks are ISO weeks: they begin on Monday. PERIOD_TOTAL is from 0 to INT64_MAX.
 * rolling_hours is read for PERIOD_ROLLING only: the window ends at now.
 */
struct window period_window(
    enum period period, const struct zone *zone, int64_t now, int64_t rolling_hours);

#endif
