#include <string.h>

#include "lib/zone_private.h"

#define TIME_LIMIT (INT64_C(1) << 59) /* RFC 9636: nothing before -2^59 */
#define RESERVED 15

/* Takes bytes from the front; short for good once something was missing. */
struct bytes {
	struct text rest;
	bool missing;
};

/* The counts of a header, in its order. */
struct counts {
	size_t ut, standard, leap, time, type, chars;
};

static const unsigned char *
take(struct bytes *bytes, size_t len)
{
	static const unsigned char nothing[8] = { 0 };
	const char *at = bytes->rest.at;

	if (len > bytes->rest.len) {
		bytes->missing = true;
		return nothing;
	}
	bytes->rest.at += len;
	bytes->rest.len -= len;
	return (const unsigned char *)at;
}

/* Big-endian, two's complement; size 4 or 8. */
static int64_t
take_int(struct bytes *bytes, size_t size)
{
	const unsigned char *at = take(bytes, size);
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | at[i];
	return size == 4 ? (int64_t)(int32_t)(uint32_t)value : (int64_t)value;
}

static size_t
take_count(struct bytes *bytes)
{
	return (size_t)(uint32_t)take_int(bytes, 4);
}

static bool
take_header(struct bytes *bytes, int *ret_version, struct counts *ret)
{
	const unsigned char *magic = take(bytes, 4);

	if (bytes->missing || memcmp(magic, "TZif", 4) != 0)
		return false;
	*ret_version = *take(bytes, 1);
	(void)take(bytes, RESERVED);
	ret->ut = take_count(bytes);
	ret->standard = take_count(bytes);
	ret->leap = take_count(bytes);
	ret->time = take_count(bytes);
	ret->type = take_count(bytes);
	ret->chars = take_count(bytes);
	return !bytes->missing;
}

static size_t
block_size(const struct counts *counts, size_t time_size)
{
	return counts->time * (time_size + 1) + counts->type * 6 + counts->chars +
	       counts->leap * (time_size + 4) + counts->standard + counts->ut;
}

static bool
take_times(struct arena *arena, struct bytes *bytes, size_t count, size_t size, struct zone *zone)
{
	int64_t *times = arena_array(arena, count, sizeof(*times));

	for (size_t i = 0; i < count; i++) {
		times[i] = take_int(bytes, size);
		if (times[i] < -TIME_LIMIT || times[i] > TIME_LIMIT)
			return false;
		if (i > 0 && times[i] <= times[i - 1])
			return false;
	}
	zone->count = count;
	zone->times = times;
	return true;
}

static bool
take_offsets(
    struct arena *arena, struct bytes *bytes, const struct counts *counts, struct zone *zone)
{
	const unsigned char *types = take(bytes, counts->time);
	int32_t *offsets = arena_array(arena, counts->time, sizeof(*offsets));
	int32_t *of_type = arena_array(arena, counts->type, sizeof(*of_type));

	for (size_t i = 0; i < counts->type; i++) {
		of_type[i] = (int32_t)take_int(bytes, 4);
		(void)take(bytes, 2); /* daylight or not, abbreviation: not asked for here */
		if (of_type[i] <= -ZONE_OFFSET_LIMIT || of_type[i] >= ZONE_OFFSET_LIMIT)
			return false;
	}
	for (size_t i = 0; i < counts->time; i++) {
		if (types[i] >= counts->type)
			return false;
		offsets[i] = of_type[types[i]];
	}
	zone->offsets = offsets;
	zone->first_offset = of_type[0];
	return true;
}

/* A block whose size is known to be there. */
static bool
take_block(struct arena *arena, struct bytes *bytes, const struct counts *counts, size_t time_size,
    struct zone *zone)
{
	/* Leap seconds would make every later instant another one than the rest of the world's. */
	if (counts->type == 0 || counts->leap > 0)
		return false;
	if (!take_times(arena, bytes, counts->time, time_size, zone) ||
	    !take_offsets(arena, bytes, counts, zone))
		return false;
	(void)take(bytes, counts->chars + counts->standard + counts->ut);
	return !bytes->missing;
}

/* Newline, a TZ string or nothing, newline. */
static bool
take_footer(struct bytes *bytes, struct zone *zone)
{
	const unsigned char *first = take(bytes, 1);
	const char *end;

	if (bytes->missing || *first != '\n')
		return false;
	end = memchr(bytes->rest.at, '\n', bytes->rest.len);
	if (end == NULL)
		return false;
	bytes->rest.len = (size_t)(end - bytes->rest.at);
	return bytes->rest.len == 0 || zone_rule_parse(bytes->rest, &zone->rule);
}

bool
zone_parse(struct arena *arena, struct text tzif, struct zone *ret)
{
	struct bytes bytes = { .rest = tzif };
	struct zone zone = { .next = NULL };
	struct counts counts;
	size_t time_size = 4;
	int version;

	if (!take_header(&bytes, &version, &counts))
		return false;
	if (version != 0) { /* the same again in 64 bits follows */
		(void)take(&bytes, block_size(&counts, time_size));
		time_size = 8;
		if (!take_header(&bytes, &version, &counts))
			return false;
	}
	if (block_size(&counts, time_size) > bytes.rest.len)
		return false;
	if (!take_block(arena, &bytes, &counts, time_size, &zone))
		return false;
	if (time_size == 8 && !take_footer(&bytes, &zone))
		return false;
	*ret = zone;
	return true;
}
