/*
 * Elements of a body that were refused while the others were stored.
 */
#ifndef APP_INGEST_REJECTION_H
#define APP_INGEST_REJECTION_H

#include "lib/json_write.h"

struct rejection {
	size_t index; /* in the array, or of the line, from 0 */
	size_t error_count;
	struct err_field *errors;
};

/* Of one field; both texts live as long as the arena. */
struct rejection rejection_of(
    struct arena *arena, size_t index, const char *field, const char *message);
/* Keeps what was wrong with the element, and forgets the error. */
struct rejection rejection_take(struct task *task, size_t index);

/* {"accepted","duplicates","rejected":[...]}, the rejected ones in the order of their places. */
struct rejection_answer {
	struct arena *arena;
	size_t accepted, duplicates;
	const struct rejection *at;
	size_t count;
};
void rejection_write(struct json_out *out, const void *object); /* struct rejection_answer */

#endif
