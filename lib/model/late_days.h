/*
 * Days that got records while another day was the open one: each such batch names them in
 * ingest_batches, and flush sums them again. For the jobs; a call works on the rows of
 * task->client where nothing else is said.
 */
#ifndef LIB_MODEL_LATE_DAYS_H
#define LIB_MODEL_LATE_DAYS_H

#include "lib/db.h"

#define LATE_DAYS_BATCHES_MAX 1000 /* of one call */

/*
 * The records of a batch lie between these two around the time in its id, or the batch names their
 * days: batch_recent() and batch_ahead() of the migration "rollups".
 */
#define BATCH_RECENT_USEC (INT64_C(300) * 1000000)
#define BATCH_AHEAD_USEC (INT64_C(600) * 1000000)

struct late_days {
	const int32_t *dates; /* each once, in order */
	size_t date_count;
	const struct id *batches;
	size_t batch_count;
};

NODISCARD bool late_days_find(struct task *task, struct late_days *ret);
/* Says that the days of these batches have been summed. */
NODISCARD bool late_days_clear(struct task *task, const struct late_days *late);
/* Whether any batch is left that names the date. */
NODISCARD bool late_days_pending(struct task *task, int32_t date, bool *ret);
/* Forgets batches from before the instant that are summed and have been collected (rollup.h), at
 * most LATE_DAYS_BATCHES_MAX, and says how many.
 */
NODISCARD bool late_days_forget(struct task *task, int64_t before, int64_t *ret_count);

/* Of any clients: those of whom days are to be summed, */
NODISCARD bool late_days_clients(struct task *task, const struct id **ret, size_t *ret_count);
/* and late_days_forget() for all of these together. */
NODISCARD bool late_days_forget_all(
    struct task *task, const struct id *clients, size_t count, int64_t before, int64_t *ret_count);

extern const char *const late_days_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
