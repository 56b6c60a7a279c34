#include "lib/model/credit_statement.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/model/cents_sql.h"
#include "lib/model/credit_private.h"

#define LAST_BEFORE(instant) \
	"SELECT sequence, balance_after\n" \
	"FROM credit_transactions\n" \
	"WHERE client_id = $1 AND account_id = $2 AND created_at < " instant "\n" \
	"ORDER BY created_at DESC, sequence DESC\n" \
	"LIMIT 1"

/* One statement, so that it sees one state of the books. */
static const char find_sql[] = "SELECT coalesce(o.sequence, 0), coalesce(" CREDIT_NANOS(
    "o.balance_after") ", 0), "
		       "coalesce(c.sequence, 0), coalesce(" CREDIT_NANOS(
			   "c.balance_after") ", 0), s.type, s.count, "
					      "greatest(least(s.amount * 1000000000, " SUM_NANOS_MAX
					      "), -" SUM_NANOS_MAX ")::bigint\n"
					      "FROM (VALUES (1)) AS one\n"
					      "LEFT JOIN (" LAST_BEFORE(
						  "$3") ") AS o ON true\n"
							"LEFT JOIN (" LAST_BEFORE(
							    "$4") ") AS c ON true\n"
								  "LEFT JOIN (\n"
								  "SELECT transaction_type AS type, count(*), sum(amount) AS amount\n"
								  "FROM credit_transactions\n"
								  "WHERE client_id = $1 AND account_id = $2 AND created_at >= $3 AND created_at < $4\n"
								  "GROUP BY transaction_type) AS s ON true";

static const char list_sql[] =
    "SELECT " CREDIT_TRANSACTION_COLUMNS "\n" CREDIT_TRANSACTION_TABLES
    "WHERE t.client_id = $1 AND t.account_id = $2 AND t.sequence > $3 AND t.sequence <= $4\n"
    "ORDER BY t.sequence\n"
    "LIMIT $5";

const char *const credit_statement_statements[] = { find_sql, list_sql, NULL };

bool
credit_statement_month(
    struct task *task, const struct credit_account *account, int32_t date, struct window *ret)
{
	const struct zone *zone;
	int year, month, day;

	if (!zone_find(task, account->zone_name, &zone))
		return false;
	date_to_civil(date, &year, &month, &day);
	*ret = period_window(
	    PERIOD_MONTH, zone, zone_day_start(zone, date_from_civil(year, month, 1)), 0);
	return true;
}

bool
credit_statement_find(
    struct task *task, struct id account, struct window window, struct credit_statement *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, account);
	db_add_time(params, window.start);
	db_add_time(params, window.end);
	if (!db_query_one(task, find_sql, params, &rows))
		return false;
	*ret = (struct credit_statement){
		.first_sequence = db_int(rows, 0, 0) + 1,
		.opening_nanos = db_int(rows, 0, 1),
		.last_sequence = db_int(rows, 0, 2),
		.closing_nanos = db_int(rows, 0, 3),
	};
	for (int i = 0; i < db_count(rows) && !db_null(rows, i, 4); i++)
		ret->sums[credit_type_of(db_text(rows, i, 4))] = (struct credit_sum){
			.count = db_int(rows, i, 5),
			.amount_nanos = db_int(rows, i, 6),
		};
	return true;
}

bool
credit_statement_list(struct task *task, struct id account,
    const struct credit_statement *statement, int64_t after, int64_t limit,
    struct credit_transactions *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, account);
	db_add_int(
	    params, after >= statement->first_sequence ? after : statement->first_sequence - 1);
	db_add_int(params, statement->last_sequence);
	db_add_int(params, limit);
	if (!db_query(task, list_sql, params, &rows))
		return false;
	*ret = credit_transactions_read(task, rows);
	return true;
}

void
credit_statement_write(struct json_out *out, const struct credit_statement *statement)
{
	json_credits(out, "opening_balance", statement->opening_nanos);
	json_credits(out, "closing_balance", statement->closing_nanos);
	json_open_at(out, "sums");
	for (int type = 0; type < CREDIT_TYPES; type++) {
		json_open_at(out, credit_type_names[type]);
		json_int(out, "count", statement->sums[type].count);
		json_credits(out, "amount", statement->sums[type].amount_nanos);
		json_close(out);
	}
	json_close(out);
}
