/*
 * Time zones of the IANA database, read from the system's TZif files (RFC 9636) and kept for the
 * life of the process.
 */
#ifndef LIB_ZONE_H
#define LIB_ZONE_H

#include "lib/task.h"

#define ZONE_NAME_MAX 64

struct zone; /* never changes once read; shared by all threads */

/* "Europe/Berlin", "UTC". ERR_INVALID for a name that is not in the database. Thread-safe. */
NODISCARD bool zone_find(struct task *task, const char *name, const struct zone **ret);

/* Seconds east of UTC at the instant. */
int32_t zone_offset(const struct zone *zone, int64_t usec);
/* The calendar day at the instant. */
int32_t zone_date(const struct zone *zone, int64_t usec);
/* The first instant whose calendar day is this date (a day may begin at 01:00 where midnight is
 * skipped). */
int64_t zone_day_start(const struct zone *zone, int32_t date);

#endif
