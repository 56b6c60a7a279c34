/*
 * Pages of rows by descending id: each begins below the last id of the page before.
 */
#ifndef LIB_MODEL_KEYSET_H
#define LIB_MODEL_KEYSET_H

#include "lib/db.h"

/* The bound of "id < $n": after itself, or above every id where after is nil (the first page). */
struct id keyset_below(struct id after);

/* Of a table whose created_at is the time of the id, to the millisecond. */
struct keyset_bounds {
	struct id after;
	int64_t since; /* inclusive */
	int64_t until; /* exclusive; INT64_MAX: no end */
	int64_t limit;
};

/* $1 to $6: the client, "id < $2", "created_at >= $3", "created_at < $4", the limit, "id >= $6". */
void keyset_add_bounds(
    struct task *task, struct db_params *params, const struct keyset_bounds *bounds);

#endif
