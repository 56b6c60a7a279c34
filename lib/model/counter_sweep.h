/*
 * The keys that epochs leave behind in Redis (lib/model/counter_private.h): a new epoch finds none
 * of the old one's, and some of them would stay for a year.
 */
#ifndef LIB_MODEL_COUNTER_SWEEP_H
#define LIB_MODEL_COUNTER_SWEEP_H

#include "lib/task.h"

#define COUNTER_SWEEP_PORTION 1000 /* keys that are asked for at once */

struct counter_sweep {
	int64_t keys; /* removed; in a dry run, those that would be */
	const char *failure; /* why Redis ended the walk before its end; NULL: it did not */
};

/*
 * Walks all keys of Redis once, in bounded memory, and removes the counters' of epochs that are
 * over. Needs a task without a client, in no transaction, of a role that sees every client's state.
 * False only when PostgreSQL fails; what was removed until then is gone, and the next walk goes on.
 */
NODISCARD bool counter_sweep(struct task *task, bool dry_run, struct counter_sweep *ret);

extern const char
    *const counter_sweep_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
