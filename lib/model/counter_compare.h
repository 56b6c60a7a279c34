/*
 * The budgets' counters held against the log, while records keep coming in; for the jobs.
 */
#ifndef LIB_MODEL_COUNTER_COMPARE_H
#define LIB_MODEL_COUNTER_COMPARE_H

#include "lib/model/counter.h"

#define COUNTER_DIFFERENCES_MAX 100 /* that are listed */

struct counter_difference {
	const struct budget *budget;
	const char *value; /* of its bucket, or NULL */
	int64_t log[BUDGET_MEASURES];
	int64_t counted[BUDGET_MEASURES];
};

struct counter_comparison {
	int64_t buckets; /* compared */
	int64_t differing;
	struct counter_difference *at; /* the first of them */
	size_t count;
	bool compared; /* false: there is no complete count, which the next use will load */
};

/*
 * Every budget of task->client in its open window. A bucket differs where it is below the log, or
 * where more of it is confirmed than the log has. Changes nothing.
 */
NODISCARD bool counter_compare(struct task *task, struct counter_comparison *ret);

extern const char *const counter_compare_statements[]; /* its SQL, for the tests; NULL behind the
							  last */

#endif
