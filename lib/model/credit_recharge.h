/*
 * Accounts that fell below the threshold of their recharge, to be told once for each time they do.
 *
 * Every call sees only the rows of task->client.
 */
#ifndef LIB_MODEL_CREDIT_RECHARGE_H
#define LIB_MODEL_CREDIT_RECHARGE_H

#include "lib/model/alert.h"

struct credit_recharge {
	struct id account;
	struct id user; /* nil: the client's own, or of a user who is gone */
	int64_t balance_nanos;
	int64_t threshold_nanos;
	int64_t amount_nanos; /* by which the client wants it raised */
	int64_t due_at; /* when it fell below */
};

struct credit_recharges {
	const struct credit_recharge *at;
	size_t count;
};

#define CREDIT_RECHARGES_MAX 100 /* of one list */

/* Those that were not told yet. */
NODISCARD bool credit_recharge_list(struct task *task, struct credit_recharges *ret);
/* What is raised for one. */
struct alert_input credit_recharge_alert(struct task *task, const struct credit_recharge *recharge);
/* In the transaction that raises them: they are not listed again, unless they fall anew. */
NODISCARD bool credit_recharge_told(struct task *task, const struct credit_recharges *recharges);

extern const char *const credit_recharge_statements[]; /* its SQL, for the tests */

#endif
