/*
 * A look at a client's counters that mends nothing, for those who only compare.
 */
#ifndef LIB_MODEL_COUNTER_PEEK_H
#define LIB_MODEL_COUNTER_PEEK_H

#include "lib/model/counter_day.h"

/* The state of task->client as PostgreSQL has it, without its budgets; epoch 0: none that can be
 * counted on. */
NODISCARD bool counter_peek_state(struct task *task, struct counter_state *ret);

/*
 * ret->from_postgres: Redis has no complete count of the epoch that PostgreSQL knows (it is away,
 * lost it, or nobody needed it yet); the rest is zero then. The task must be in no transaction.
 */
NODISCARD bool counter_peek(struct task *task, struct counter_day *ret);

extern const char
    *const counter_peek_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
