/*
 * Values that are kept sealed in the database, with keys that are not in it: task->seal_keys, from
 * the settings seal_key and seal_key_previous. All calls fail with ERR_UNAVAILABLE without a key.
 */
#ifndef LIB_SEALED_H
#define LIB_SEALED_H

#include "lib/seal.h"
#include "lib/task.h"

/* What is sealed for one place opens nothing in another. */
struct sealed_place {
	const char *name; /* of what it is */
	struct id client;
	struct id row; /* nil: any of the client's */
};

/* *ret lives as long as the task. */
NODISCARD bool sealed_close(
    struct task *task, const struct sealed_place *place, struct text plain, struct text *ret);
/* By either key. ERR_UNAVAILABLE, too, where neither opens it. */
NODISCARD bool sealed_open(
    struct task *task, const struct sealed_place *place, struct text sealed, struct text *ret);

enum sealed_by { SEALED_BY_CURRENT, SEALED_BY_PREVIOUS, SEALED_BY_NEITHER };
/* Whose seal it is; *ret is untouched where it is neither's. */
enum sealed_by sealed_try(
    struct task *task, const struct sealed_place *place, struct text sealed, struct text *ret);

#endif
