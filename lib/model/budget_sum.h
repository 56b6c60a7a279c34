/*
 * What one budget was spent in a span of time, by bucket and slot, for those who keep counters of
 * it: sums over the log and what purge kept of it, where the span is the window. A call costs as in
 * lib/model/budget_status.h.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_BUDGET_SUM_H
#define LIB_MODEL_BUDGET_SUM_H

#include "lib/model/budget.h"

#define BUDGET_SUMS_PORTION 1000

struct budget_sum {
	const char *value; /* of each; NULL where the budget has none */
	int64_t slot;
	int64_t amounts[BUDGET_MEASURES];
	int64_t unpriced; /* calls without a cost of their own */
};

/* A cursor of the task's transaction. */
struct budget_sums;

/* A call at t is in slot t / slot_usec; slot_usec 0: all are in slot 0. start is inclusive, end
 * exclusive; INT64_MAX: no end. */
NODISCARD bool budget_sums_open(struct task *task, const struct budget *budget, int64_t start,
    int64_t end, int64_t slot_usec, struct budget_sums **ret);
/* At most BUDGET_SUMS_PORTION, in no order; none at the end, where the cursor is closed. */
NODISCARD bool budget_sums_next(
    struct task *task, struct budget_sums *sums, const struct budget_sum **ret, size_t *ret_count);

extern const char *const budget_sum_statements[]; /* its SQL, for the tests; NULL behind the last
						   */

#endif
