/*
 * Time zones of the IANA database, read from the system's TZif files (RFC 9636) and kept for the
 * life of the process.
 */
#ifndef LIB_ZONE_H
#define LIB_ZONE_H

#include "lib/task.h"

#define ZONE_NAME_MAX 64

struct zone; /* never changes once read; shared by all threads */

/*
 * "Europe/Berlin", "UTC". ERR_INVALID for a name that is not in the database, and for those that
 * mean the machine's own zone or a copy of the database ("localtime", "posix/UTC"). The folder is
 * $TZDIR, else /usr/share/zoneinfo. Thread-safe.
 */
NODISCARD bool zone_find(struct task *task, const char *name, const struct zone **ret);

const char *zone_name(const struct zone *zone);

/* Seconds east of UTC at the instant. */
int32_t zone_offset(const struct zone *zone, int64_t usec);
/* The calendar day at the instant. Where a clock goes back over midnight, the day before comes once
 * more. */
int32_t zone_date(const struct zone *zone, int64_t usec);
/*
 * The first instant whose calendar day is this date or later. A day begins at 01:00 where midnight
 * is skipped; a date that a zone never had (Pacific/Apia, 2011-12-30) begins and ends where the
 * next one begins. The date lies less than 10^8 days from 1970.
 */
int64_t zone_day_start(const struct zone *zone, int32_t date);

#endif
