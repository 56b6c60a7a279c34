/*
 * What lib/redis*.c share: a command while it is built.
 */
#ifndef LIB_REDIS_PRIVATE_H
#define LIB_REDIS_PRIVATE_H

#include "lib/redis.h"

/* Where EVALSHA's digest, or EVAL's source, stands. */
#define REDIS_SCRIPT_AT 1

struct redis_command {
	struct arena *arena;
	struct redis_script *script; /* NULL: a plain command */
	size_t count, capacity;
	const char **values;
	size_t *lengths;
};

#endif
