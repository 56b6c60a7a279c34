#include "lib/id.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/seal.h"

#define TIME_BYTES 6
#define RANDOM_BYTES (16 - TIME_BYTES)
#define FRACTIONS 4096 /* of a millisecond: the 12 bits beside the version */
#define TIME_MAX ((INT64_C(1) << 48) - 1)

/* getrandom() gives up to 256 bytes in one piece. */
static _Thread_local uint8_t pool[25 * RANDOM_BYTES];
static _Thread_local size_t pool_left;

static const uint8_t *
take_random(void)
{
	if (pool_left == 0) {
		if (getrandom(pool, sizeof(pool), 0) != (ssize_t)sizeof(pool))
			abort();
		pool_left = sizeof(pool);
	}
	pool_left -= RANDOM_BYTES;
	return pool + pool_left;
}

static void
set_version(struct id *id, unsigned version)
{
	id->bytes[6] = (uint8_t)((id->bytes[6] & 0x0f) | version << 4);
	id->bytes[8] = (uint8_t)((id->bytes[8] & 0x3f) | 0x80);
}

/* Version 7 from a time and what follows it. */
static struct id
join(int64_t usec, const uint8_t random[RANDOM_BYTES])
{
	int64_t msec = usec / 1000;
	struct id id;

	assert(usec >= 0 && msec <= TIME_MAX);
	for (int i = TIME_BYTES - 1; i >= 0; i--) {
		id.bytes[i] = (uint8_t)(msec & 0xff);
		msec >>= 8;
	}
	memcpy(id.bytes + TIME_BYTES, random, RANDOM_BYTES);
	set_version(&id, 7);
	return id;
}

/* RFC 9562, 6.2, method 3: what is made within one millisecond sorts, too. */
struct id
id_new(int64_t usec)
{
	struct id id = join(usec, take_random());
	int64_t fraction = usec % 1000 * FRACTIONS / 1000;

	id.bytes[6] = (uint8_t)(fraction >> 8);
	id.bytes[7] = (uint8_t)(fraction & 0xff);
	set_version(&id, 7);
	return id;
}

/* The name is hashed first: so two fixed sizes are joined, and no pair can look like another. */
static void
hash(struct id space, struct text name, uint8_t out[SEAL_HASH_SIZE])
{
	uint8_t pair[sizeof(space.bytes) + SEAL_HASH_SIZE];

	memcpy(pair, space.bytes, sizeof(space.bytes));
	seal_hash(name, pair + sizeof(space.bytes));
	seal_hash((struct text){ .at = (const char *)pair, .len = sizeof(pair) }, out);
}

struct id
id_derive(struct id space, struct text name, int64_t usec)
{
	uint8_t digest[SEAL_HASH_SIZE];

	hash(space, name, digest);
	return join(usec, digest);
}

struct id
id_hash(struct id space, struct text name)
{
	uint8_t digest[SEAL_HASH_SIZE];
	struct id id;

	hash(space, name, digest);
	memcpy(id.bytes, digest, sizeof(id.bytes));
	set_version(&id, 8);
	return id;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* A hyphen stands before these bytes. */
static bool
has_hyphen(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

bool
id_parse(struct text text, struct id *ret)
{
	const char *at = text.at;
	struct id id;

	if (text.len != ID_TEXT_SIZE - 1)
		return false;
	for (size_t i = 0; i < sizeof(id.bytes); i++) {
		int high, low;

		if (has_hyphen(i) && *at++ != '-')
			return false;
		high = hex_value(*at++);
		low = hex_value(*at++);
		if (high < 0 || low < 0)
			return false;
		id.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret = id;
	return true;
}

char *
id_format(struct id id, char out[ID_TEXT_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	static const uint8_t places[sizeof(id.bytes)] = { 0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26,
		28, 30, 32, 34 };

	for (size_t i = 0; i < sizeof(id.bytes); i++) {
		out[places[i]] = hex[id.bytes[i] >> 4];
		out[places[i] + 1] = hex[id.bytes[i] & 0x0f];
	}
	out[8] = out[13] = out[18] = out[23] = '-';
	out[ID_TEXT_SIZE - 1] = '\0';
	return out;
}

bool
id_is_nil(struct id id)
{
	return id_equal(id, (struct id){ 0 });
}

bool
id_equal(struct id a, struct id b)
{
	return id_compare(a, b) == 0;
}

int
id_compare(struct id a, struct id b)
{
	return memcmp(a.bytes, b.bytes, sizeof(a.bytes));
}

bool
id_is_v7(struct id id)
{
	return id.bytes[6] >> 4 == 7 && id.bytes[8] >> 6 == 2;
}

int64_t
id_time(struct id id)
{
	int64_t msec = 0;

	for (int i = 0; i < TIME_BYTES; i++)
		msec = msec << 8 | id.bytes[i];
	return msec * 1000;
}
