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
#define PERIOD_ROLLING_STEPS 60 /* of a whole window */

extern const char *const period_names[]; /* in the order of the enum, NULL behind the last */

struct window {
	int64_t start; /* inclusive, microseconds */
	int64_t end; /* exclusive */
};

/*
 * The calendar window that holds now; those of one kind and zone follow each other without a gap or
 * an overlap. Weeks are ISO weeks: they begin on Monday. PERIOD_TOTAL is from 0 to INT64_MAX.
 * rolling_hours is read for PERIOD_ROLLING only: the window is the step that holds now and the
 * PERIOD_ROLLING_STEPS before it, so it is never shorter than its hours.
 */
struct window period_window(
    enum period period, const struct zone *zone, int64_t now, int64_t rolling_hours);
/* By which a rolling window moves, in microseconds; step n since 1970 begins at n times it. */
int64_t period_step(int64_t rolling_hours);

#endif
