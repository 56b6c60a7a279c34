/*
 * What the zone files share: a zone as it is kept, and how TZif files and POSIX TZ rules are read.
 * Instants are seconds since 1970.
 */
#ifndef LIB_ZONE_PRIVATE_H
#define LIB_ZONE_PRIVATE_H

#include "lib/zone.h"

/* No zone is a day and two hours off or more (RFC 9636, section 3.2: -25 to +26 hours). */
#define ZONE_OFFSET_LIMIT 93600

/* The day of a year on which a rule changes the clock, and when on that day. */
struct zone_day {
	enum {
		ZONE_DAY_MONTH, /* Mm.w.d */
		ZONE_DAY_JULIAN, /* Jn: 1 to 365, 29 February is never counted */
		ZONE_DAY_PLAIN /* n: 0 to 365 */
	} form;
	int month, week, weekday;
	int day;
	int32_t time; /* seconds after that day's midnight, -167 to 167 hours */
};

/* What holds after the last transition. */
struct zone_rule {
	bool given;
	bool changes; /* between standard and daylight; else always standard */
	int32_t standard, daylight; /* seconds east of UTC */
	struct zone_day start, end; /* of daylight */
};

struct zone {
	struct zone *next;
	const char *name;
	size_t count; /* of transitions */
	const int64_t *times; /* ascending */
	const int32_t *offsets; /* from times[i] on */
	int32_t first_offset; /* before times[0] */
	struct zone_rule rule;
};

/* From some instant on the offset holds until end; INT64_MAX: for ever. */
struct zone_span {
	int64_t end;
	int32_t offset;
};

/* A TZif file of version 1 to 4; false when it is none, or one with leap seconds. */
NODISCARD bool zone_parse(struct arena *arena, struct text tzif, struct zone *ret);

/* The TZ string of a TZif footer (RFC 9636, section 3.3.1; POSIX, section 8.3). */
NODISCARD bool zone_rule_parse(struct text text, struct zone_rule *ret);
struct zone_span zone_rule_span(const struct zone_rule *rule, int64_t at);

#endif
