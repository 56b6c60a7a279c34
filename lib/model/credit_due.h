/*
 * Holds and grants whose time is over, for the job that releases and expires them; postings do the
 * same to their accounts on the way.
 *
 * Every call sees only the rows of task->client.
 */
#ifndef LIB_MODEL_CREDIT_DUE_H
#define LIB_MODEL_CREDIT_DUE_H

#include "lib/db.h"

#define CREDIT_DUE_ACCOUNTS 100 /* settled at a time */

/* How many are over at task->now. */
NODISCARD bool credit_due_count(struct task *task, int64_t *ret);
/*
 * Settles those of at most so many accounts and commits; *ret_posted: transactions, 0 when nothing
 * was due any more.
 */
NODISCARD bool credit_due_settle(struct task *task, int64_t *ret_posted);

extern const char *const credit_due_statements[]; /* its SQL, for the tests; NULL at the end */

#endif
