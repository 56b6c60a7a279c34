/*
 * What was spent stays spent when its records leave the log: their sums are kept for the budgets
 * whose open window they are in, and lib/model/budget_status.h and budget_sum.h add them. A budget
 * made later counts what the log still has.
 */
#ifndef LIB_MODEL_BUDGET_CARRY_H
#define LIB_MODEL_BUDGET_CARRY_H

#include "lib/model/budget.h"

/*
 * Keeps what the calls of that span spent of task->client's budgets. In the transaction that
 * removes them, before it does: then the two happen once or not at all.
 */
NODISCARD bool budget_carry_keep(struct task *task, struct window removed);
/* The same for every client; task->client is nil before and after. For a role that sees them all.
 */
NODISCARD bool budget_carry_keep_all(struct task *task, struct window removed);
/* Forgets what task->client spent in windows that are over. */
NODISCARD bool budget_carry_forget(struct task *task);

extern const char *const budget_carry_statements[]; /* its SQL, for the tests; NULL behind the last
						     */

#endif
