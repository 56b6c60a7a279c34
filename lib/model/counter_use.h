/*
 * What is spent and held of budgets now, from Redis at one round trip.
 */
#ifndef LIB_MODEL_COUNTER_USE_H
#define LIB_MODEL_COUNTER_USE_H

#include "lib/model/budget_status.h"
#include "lib/model/counter.h"

struct budget_statuses {
	struct budget_status *at;
	size_t count;
	bool counted; /* false: the counters are away, the uses are zeros */
};

/* Every budget under which the call falls, of task->client. The task must be in no transaction. */
NODISCARD bool counter_use_call(struct task *task, struct counter_book *book,
    const struct zone *zone, const struct budget_call *call, struct budget_statuses *ret);

/*
 * The buckets of one budget: their statuses name it, the bucket and the window; uses are set where
 * *ret_counted. A budget that is not counted in this epoch is not counted.
 */
NODISCARD bool counter_use_buckets(struct task *task, struct counter_book *book,
    const struct zone *zone, struct budget_status *list, size_t count, bool *ret_counted);

#endif
