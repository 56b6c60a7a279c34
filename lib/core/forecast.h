/*
 * What a period will have cost at its end, from the days that are over. Pure.
 *
 * Each day to come is expected to cost what days of its weekday did on average, or all days where
 * there are fewer than FORECAST_WEEKDAYS_MIN. The range is that of FORECAST_CONFIDENCE percent of
 * such periods, if days differ from what is expected of them independently of each other and as the
 * normal distribution has it: a trend, a launch or a holiday is not foreseen.
 */
#ifndef LIB_CORE_FORECAST_H
#define LIB_CORE_FORECAST_H

#include "lib/base.h"

#define FORECAST_DAYS_MIN 7 /* with fewer there is no forecast */
#define FORECAST_DAYS_MAX 28 /* days before these are not looked at: four of each weekday */
#define FORECAST_WEEKDAYS_MIN 14 /* two of each */
#define FORECAST_LEFT_MAX 31
#define FORECAST_WHOLE_DAY 1000
#define FORECAST_CONFIDENCE 80

/* Amounts of one unit, such as nano-dollars. */
struct forecast_input {
	const int64_t *days; /* 0 or more each; without a gap, the oldest first, yesterday last */
	size_t count;
	int64_t so_far; /* of the period, with what today has until now; may be negative */
	int64_t today_left; /* of FORECAST_WHOLE_DAY: the part of today that is to come */
	int64_t days_left; /* of the period behind today; at most FORECAST_LEFT_MAX */
};

struct forecast {
	int64_t expected; /* at the end of the period; a sum beyond INT64_MAX stays there */
	int64_t low, high; /* around it; low is never below so_far */
	int days_used;
	bool by_weekday;
};

/* False: too few days. */
bool forecast_find(const struct forecast_input *input, struct forecast *ret);

#endif
