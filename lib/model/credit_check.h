/*
 * Whether the books of the credits are whole: every account against its transactions, holds and
 * grants, every transaction against the one before it. Changes nothing.
 *
 * Every call sees only the rows of task->client.
 */
#ifndef LIB_MODEL_CREDIT_CHECK_H
#define LIB_MODEL_CREDIT_CHECK_H

#include "lib/db.h"

/* What the transactions say, and what stands in the book. */
struct credit_difference {
	struct id account;
	int64_t sequence; /* of the transaction; 0: of the account */
	const char *what; /* "balance", "hash" … */
	const char *expected, *found;
};

struct credit_differences {
	const struct credit_difference *at;
	size_t count;
};

#define CREDIT_CHECK_ACCOUNTS 100 /* at a time */

struct credit_check {
	struct id ids[CREDIT_CHECK_ACCOUNTS]; /* of the accounts whose turn it is */
	size_t count;
	struct db_cursor *cursor;
};

/*
 * All in one transaction, of db_set_snapshot(), and the struct zeros before: the next accounts, by
 * id, count 0 at the end; of these each part, and of that the differences in portions, count 0 at
 * the end. What one call allocated may be given back before the next one of its kind.
 */
NODISCARD bool credit_check_next_accounts(struct task *task, struct credit_check *check);
enum credit_check_part { CREDIT_CHECK_SUMS, CREDIT_CHECK_CHAIN, CREDIT_CHECK_PARTS };
NODISCARD bool credit_check_open(
    struct task *task, struct credit_check *check, enum credit_check_part part);
NODISCARD bool credit_check_next(
    struct task *task, struct credit_check *check, struct credit_differences *ret);

extern const char *const credit_check_statements[]; /* its SQL, for the tests; NULL at the end */

#endif
