/*
 * Time: int64_t microseconds since 1970-01-01 UTC without leap seconds. A date is int32_t days
 * since 1970-01-01 in the proleptic Gregorian calendar. Texts are RFC 3339.
 */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include "lib/base.h"

#define CLOCK_SECOND INT64_C(1000000)
#define CLOCK_DAY (INT64_C(86400) * CLOCK_SECOND)
#define CLOCK_TEXT_SIZE 28 /* 2026-11-21T09:30:00.123456Z and the terminator */
#define DATE_TEXT_SIZE 11
/* What texts may hold: 1970-01-01 to 9999-12-31. */
#define DATE_MAX INT32_C(2932896)

int64_t clock_now(void);
/* For durations: never goes back. */
int64_t clock_monotonic(void);

/* RFC 3339 date-time with any offset; at most 6 digits of fraction are kept. False leaves ret
 * untouched. */
NODISCARD bool clock_parse(struct text text, int64_t *ret);
/* Always UTC with Z; no fraction when it is zero, else 3 or 6 digits. Returns out. */
char *clock_format(int64_t usec, char out[CLOCK_TEXT_SIZE]);

NODISCARD bool date_parse(struct text text, int32_t *ret);
char *date_format(int32_t date, char out[DATE_TEXT_SIZE]);
int32_t date_from_civil(int year, int month, int day);
void date_to_civil(int32_t date, int *ret_year, int *ret_month, int *ret_day);

#endif
