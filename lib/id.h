/*
 * UUIDs (RFC 9562). Ids made here are version 7: 48 bits of milliseconds, 12 bits of their
 * fraction, then random bits, so they sort by time, to the microsecond.
 */
#ifndef LIB_ID_H
#define LIB_ID_H

#include "lib/base.h"

#define ID_TEXT_SIZE 37 /* with the terminator */

struct id {
	uint8_t bytes[16];
};

/* A new version 7 id whose time is usec (microseconds since 1970, not before 1970). */
struct id id_new(int64_t usec);
/*
 * The version 7 id at the time usec that follows from namespace and name alone: the same three
 * always give the same id. This is how an id that is not a UUIDv7 (a LiteLLM id, trace + span)
 * becomes one.
 */
struct id id_derive(struct id space, struct text name, int64_t usec);
/* A version 8 id that follows from namespace and name, without a time. */
struct id id_hash(struct id space, struct text name);

/* 36 characters, either case, hyphens in place. False leaves ret untouched. */
NODISCARD bool id_parse(struct text text, struct id *ret);
/* Lower case; returns out. */
char *id_format(struct id id, char out[ID_TEXT_SIZE]);

bool id_is_nil(struct id id);
bool id_equal(struct id a, struct id b);
int id_compare(struct id a, struct id b);
bool id_is_v7(struct id id);
/* The time inside a version 7 id, in microseconds (whole milliseconds). */
int64_t id_time(struct id id);

#endif
