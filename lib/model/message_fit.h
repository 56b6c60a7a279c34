/*
 * How many messages of a row fit into an answer: by number, bytes and tokens. Numbers only.
 */
#ifndef LIB_MODEL_MESSAGE_FIT_H
#define LIB_MODEL_MESSAGE_FIT_H

#include "lib/base.h"

struct message_size {
	int64_t ordinal;
	int64_t tokens;
	int64_t bytes; /* of its content */
};

struct message_room {
	int64_t count, bytes, tokens; /* what is left; tokens may be less than nothing */
};

/*
 * Takes from the first on until one does not fit; what is behind that one is not looked at, however
 * small. How many were taken: *room has that much less.
 */
size_t message_fit(const struct message_size *sizes, size_t count, struct message_room *room);

#endif
