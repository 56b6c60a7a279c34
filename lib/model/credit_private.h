/*
 * Between the files of the credits: how accounts and transactions are read, and money in SQL.
 */
#ifndef LIB_MODEL_CREDIT_PRIVATE_H
#define LIB_MODEL_CREDIT_PRIVATE_H

#include "lib/model/credit_account.h"
#include "lib/model/credit_transaction.h"

#define CREDIT_NANOS(column) "(" column " * 1000000000)::bigint"
#define CREDIT_OF_NANOS(column) "(" column " * 0.000000001)"

/* Of credit_accounts AS a JOIN clients AS c, as credit_account_read() takes them. */
#define CREDIT_ACCOUNT_COLUMNS \
	"a.client_id, a.id, a.owner, a.user_id, " CREDIT_NANOS( \
	    "a.current_balance") ", " CREDIT_NANOS("a.held") ", " CREDIT_NANOS("a.lifetime_purchased") ", " CREDIT_NANOS("a.lifetime_spent") ", " CREDIT_NANOS("a.lifetime_refunded") ", " CREDIT_NANOS("a.uncovered") ", " CREDIT_NANOS("a.overdraft") ", " CREDIT_NANOS("a.daily_limit") ", " CREDIT_NANOS("a.monthly_limit") ", a.spent_day, " CREDIT_NANOS("a.spent_today") ", a.spent_month, " CREDIT_NANOS("a.spent_this_month") ", " \
																																																				       "a.auto_recharge_enabled, " CREDIT_NANOS("a.auto_recharge_threshold") ", " CREDIT_NANOS( \
																																																					   "a.auto_recharge_amount") ", a.recharge_due_at, a.last_sequence, " \
																																																								     "a.last_hash, a.last_posted_at, a.created_at, a.updated_at, a.timezone, " \
																																																								     "coalesce(a.timezone, c.timezone)"

struct credit_account credit_account_read(const struct db_rows *rows, int row);

/* The same of a transaction with its details. */
#define CREDIT_TRANSACTION_COLUMNS \
	"t.id, t.account_id, t.sequence, t.transaction_type, " CREDIT_NANOS("t.amount") ", " CREDIT_NANOS( \
	    "t.balance_after") ", t.created_at, t.source_id, t.hold_id, " \
			       "t.refunded_id, t.grant_id, t.hash, d.description, d.metadata::text, " \
			       "host(d.created_by_ip), d.api_key_id"
#define CREDIT_TRANSACTION_TABLES \
	"FROM credit_transactions AS t\n" \
	"LEFT JOIN credit_details AS d ON d.client_id = t.client_id AND d.transaction_id = t.id\n"

enum credit_type credit_type_of(const char *name); /* one of the table's */
struct credit_transaction credit_transaction_read(const struct db_rows *rows, int row);
/* All rows. */
struct credit_transactions credit_transactions_read(struct task *task, const struct db_rows *rows);

#endif
