#include "lib/model/credit_check.h"

#define PORTION 200 /* differences at a time */

/* Where a chain begins. */
#define NO_HASH "decode(repeat('00', 32), 'hex')"

static const char ids_sql[] = "SELECT id\n"
			      "FROM credit_accounts\n"
			      "WHERE client_id = $1 AND id > $2\n"
			      "ORDER BY id\n"
			      "LIMIT $3";

/* Account by account, in the order of an index: no more than one row is held at a time. */
static const char chain_sql[] =
    "SELECT t.account_id, t.sequence, d.what, d.expected, d.found\n"
    "FROM credit_accounts AS a\n"
    "CROSS JOIN LATERAL (\n"
    "SELECT t AS posted, t.account_id, t.sequence, t.amount, t.balance_after, t.created_at, "
    "t.hash, lag(t.sequence, 1, bigint '0') OVER w AS sequence_before, "
    "lag(t.balance_after, 1, 0::numeric(20, 9)) OVER w AS balance_before, "
    "lag(t.created_at, 1, t.created_at) OVER w AS time_before, "
    "lag(t.hash, 1, " NO_HASH ") OVER w AS hash_before\n"
    "FROM credit_transactions AS t\n"
    "WHERE t.client_id = $1 AND t.account_id = a.id\n"
    "WINDOW w AS (ORDER BY t.sequence)) AS t\n"
    "CROSS JOIN LATERAL (VALUES\n"
    "('sequence', (t.sequence_before + 1)::text, t.sequence::text),\n"
    "('balance_after', (t.balance_before + t.amount)::text, t.balance_after::text),\n"
    "('created_at', greatest(t.time_before, t.created_at)::text, t.created_at::text),\n"
    "('hash', encode(credit_hash(t.hash_before, t.posted), 'hex'), encode(t.hash, 'hex'))) "
    "AS d (what, expected, found)\n"
    "WHERE a.client_id = $1 AND a.id = ANY ($2::uuid[]) AND d.expected <> d.found";

#define SUM_OF(condition) \
	"coalesce(sum(amount) FILTER (WHERE transaction_type " condition "), 0)::numeric(20, 9)"

static const char accounts_sql[] =
    "SELECT a.id, bigint '0', d.what, d.expected, d.found\n"
    "FROM credit_accounts AS a\n"
    "CROSS JOIN LATERAL (\n"
    "SELECT coalesce(sum(amount), 0)::numeric(20, 9) AS balance, " SUM_OF(
	"= 'purchase'") " AS "
			"purchased, -" SUM_OF("= 'usage'") " AS spent, " SUM_OF(
			    "= 'refund'") " AS refunded, "
					  "-" SUM_OF(
					      "IN ('hold', 'release')") " AS held\n"
									"FROM credit_transactions\n"
									"WHERE client_id = $1 AND account_id = a.id) AS t\n"
									"LEFT JOIN LATERAL (\n"
									"SELECT sequence, hash\n"
									"FROM credit_transactions\n"
									"WHERE client_id = $1 AND account_id = a.id\n"
									"ORDER BY sequence DESC\n"
									"LIMIT 1) AS l ON true\n"
									"CROSS JOIN LATERAL (\n"
									"SELECT coalesce(sum(amount), 0)::numeric(20, 9) AS held\n"
									"FROM credit_holds\n"
									"WHERE client_id = $1 AND account_id = a.id) AS h\n"
									"CROSS JOIN LATERAL (\n"
									"SELECT coalesce(sum(remaining), 0)::numeric(20, 9) AS remaining\n"
									"FROM credit_grants\n"
									"WHERE client_id = $1 AND account_id = a.id AND NOT used_up) AS g\n"
									"CROSS JOIN LATERAL (VALUES\n"
									"('current_balance', t.balance::text, a.current_balance::text),\n"
									"('lifetime_purchased', t.purchased::text, a.lifetime_purchased::text),\n"
									"('lifetime_spent', t.spent::text, a.lifetime_spent::text),\n"
									"('lifetime_refunded', t.refunded::text, a.lifetime_refunded::text),\n"
									"('held', t.held::text, a.held::text),\n"
									"('holds', a.held::text, h.held::text),\n"
									"('grants', greatest(a.current_balance, 0)::numeric(20, 9)::text, g.remaining::text),\n"
									"('overdraft', greatest(a.current_balance, -a.overdraft)::text, a.current_balance::text),\n"
									"('last_sequence', coalesce(l.sequence, 0)::text, a.last_sequence::text),\n"
									"('last_hash', encode(coalesce(l.hash, " NO_HASH
									"), 'hex'), encode(a.last_hash, 'hex'))) "
									"AS d (what, expected, found)\n"
									"WHERE a.client_id = $1 AND a.id = ANY ($2::uuid[]) AND d.expected <> d.found";

const char *const credit_check_statements[] = { ids_sql, chain_sql, accounts_sql, NULL };

static const char *const parts[] = {
	[CREDIT_CHECK_SUMS] = accounts_sql,
	[CREDIT_CHECK_CHAIN] = chain_sql,
};

bool
credit_check_next_accounts(struct task *task, struct credit_check *check)
{
	struct id last = { .bytes = { [15] = 1 } }; /* nil were NULL */
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	if (check->count > 0)
		last = check->ids[check->count - 1];
	db_add_id(params, task->client);
	db_add_id(params, last);
	db_add_int(params, CREDIT_CHECK_ACCOUNTS);
	if (!db_query(task, ids_sql, params, &rows))
		return false;
	check->count = (size_t)db_count(rows);
	for (size_t i = 0; i < check->count; i++)
		check->ids[i] = db_id(rows, (int)i, 0);
	return true;
}

bool
credit_check_open(struct task *task, struct credit_check *check, enum credit_check_part part)
{
	struct db_params *params = db_params(task);
	struct db_array *ids;

	db_add_id(params, task->client);
	ids = db_add_array(params, DB_ARRAY_ID);
	for (size_t i = 0; i < check->count; i++)
		db_array_id(ids, check->ids[i]);
	return db_cursor_open(task, parts[part], params, &check->cursor);
}

bool
credit_check_next(struct task *task, struct credit_check *check, struct credit_differences *ret)
{
	struct credit_difference *list;
	struct db_rows *rows;

	if (!db_cursor_next(task, check->cursor, PORTION, &rows))
		return false;
	ret->count = (size_t)db_count(rows);
	list = arena_array(task->arena, ret->count, sizeof *list);
	for (int i = 0; i < db_count(rows); i++)
		list[i] = (struct credit_difference){
			.account = db_id(rows, i, 0),
			.sequence = db_int(rows, i, 1),
			.what = db_text(rows, i, 2),
			.expected = db_text(rows, i, 3),
			.found = db_text(rows, i, 4),
		};
	ret->at = list;
	return ret->count > 0 || db_cursor_close(task, check->cursor);
}
