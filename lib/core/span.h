/*
 * Sets of spans of time. In a tidy set they are in order, not empty, and neither overlap nor touch.
 * Pure.
 */
#ifndef LIB_CORE_SPAN_H
#define LIB_CORE_SPAN_H

#include "lib/base.h"

struct span {
	int64_t since; /* inclusive, microseconds */
	int64_t until; /* exclusive */
};

/* Makes the set tidy, in place; how many are left. */
size_t span_tidy(struct span *at, size_t count);
/* The end of the span of a tidy set that holds the instant, or else where the next one begins, as a
 * negative number: ~since; INT64_MIN where none follows. */
int64_t span_find(const struct span *at, size_t count, int64_t usec);

/* A quarter-hour, the least that is ever summed: the offsets of all zones are multiples of it. */
#define SPAN_QUARTER (INT64_C(900) * 1000000)
#define SPAN_HOUR (4 * SPAN_QUARTER)
/* Down, or up, to a whole number of units; not before 1970. */
int64_t span_floor(int64_t usec, int64_t unit);
int64_t span_ceil(int64_t usec, int64_t unit);

#endif
