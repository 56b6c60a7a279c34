/*
 * What happened to a credit account from one instant to another: a month of it is a statement.
 *
 * Every call sees only the rows of task->client.
 */
#ifndef LIB_MODEL_CREDIT_STATEMENT_H
#define LIB_MODEL_CREDIT_STATEMENT_H

#include "lib/core/period.h"
#include "lib/model/credit_account.h"
#include "lib/model/credit_transaction.h"

struct credit_sum {
	int64_t count;
	int64_t amount_nanos; /* what they added to the balance; ends at the limits of its type */
};

struct credit_statement {
	int64_t opening_nanos, closing_nanos; /* balances */
	int64_t first_sequence, last_sequence; /* of its transactions; last < first: none */
	struct credit_sum sums[CREDIT_TYPES];
};

/* The month of any of its dates in the account's zone. */
NODISCARD bool credit_statement_month(
    struct task *task, const struct credit_account *account, int32_t date, struct window *ret);
/* One round trip; of one state of the books if the transaction has db_set_snapshot(). */
NODISCARD bool credit_statement_find(
    struct task *task, struct id account, struct window window, struct credit_statement *ret);
/* Its transactions, oldest first, behind this sequence (0: from the start), at most limit. */
NODISCARD bool credit_statement_list(struct task *task, struct id account,
    const struct credit_statement *statement, int64_t after, int64_t limit,
    struct credit_transactions *ret);

/* Members opening_balance, closing_balance and sums of an open object. */
void credit_statement_write(struct json_out *out, const struct credit_statement *statement);

/* Its SQL, for the tests; NULL behind the last. */
extern const char *const credit_statement_statements[];

#endif
