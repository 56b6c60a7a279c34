#include "lib/model/credit_recharge.h"

#include "lib/model/audit.h"
#include "lib/model/credit_private.h"

static const char list_sql[] = "SELECT id, user_id, " CREDIT_NANOS(
    "current_balance") ", "
		       "" CREDIT_NANOS("auto_recharge_threshold") ", " CREDIT_NANOS(
			   "auto_recharge_amount") ", "
						   "recharge_due_at\n"
						   "FROM credit_accounts\n"
						   "WHERE client_id = $1 AND recharge_due_at IS NOT NULL "
						   "AND recharge_told_at IS DISTINCT FROM recharge_due_at\n"
						   "ORDER BY id\n"
						   "LIMIT $2";

static const char told_sql[] =
    "UPDATE credit_accounts AS a\n"
    "SET recharge_told_at = n.due_at\n"
    "FROM unnest($2::uuid[], $3::timestamptz[]) AS n (id, due_at)\n"
    "WHERE a.client_id = $1 AND a.id = n.id AND a.recharge_due_at = n.due_at";

const char *const credit_recharge_statements[] = { list_sql, told_sql, NULL };

bool
credit_recharge_list(struct task *task, struct credit_recharges *ret)
{
	struct db_params *params = db_params(task);
	struct credit_recharge *list;
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_int(params, CREDIT_RECHARGES_MAX);
	if (!db_query(task, list_sql, params, &rows))
		return false;
	ret->count = (size_t)db_count(rows);
	list = arena_array(task->arena, ret->count, sizeof *list);
	for (int i = 0; i < db_count(rows); i++)
		list[i] = (struct credit_recharge){
			.account = db_id(rows, i, 0),
			.user = db_id(rows, i, 1),
			.balance_nanos = db_int(rows, i, 2),
			.threshold_nanos = db_int(rows, i, 3),
			.amount_nanos = db_int(rows, i, 4),
			.due_at = db_time(rows, i, 5),
		};
	ret->at = list;
	return true;
}

static void
write_payload(struct json_out *out, const void *object)
{
	const struct credit_recharge *recharge = object;

	json_open(out);
	json_id(out, "account_id", recharge->account);
	json_id(out, "user_id", recharge->user);
	json_credits(out, "balance", recharge->balance_nanos);
	json_credits(out, "threshold", recharge->threshold_nanos);
	json_credits(out, "amount", recharge->amount_nanos);
	json_time(out, "due_at", recharge->due_at);
	json_close(out);
}

struct alert_input
credit_recharge_alert(struct task *task, const struct credit_recharge *recharge)
{
	char id[ID_TEXT_SIZE];

	return (struct alert_input){
		.kind = ALERT_CREDITS_RECHARGE_DUE,
		.key = arena_printf(task->arena, "%s:%s:%lld",
		    alert_kind_names[ALERT_CREDITS_RECHARGE_DUE], id_format(recharge->account, id),
		    (long long)recharge->due_at),
		.key_until = recharge->due_at,
		.payload = audit_json(task, write_payload, recharge),
	};
}

bool
credit_recharge_told(struct task *task, const struct credit_recharges *recharges)
{
	struct db_params *params = db_params(task);
	struct db_array *ids, *times;

	db_add_id(params, task->client);
	ids = db_add_array(params, DB_ARRAY_ID);
	times = db_add_array(params, DB_ARRAY_TIME);
	for (size_t i = 0; i < recharges->count; i++) {
		db_array_id(ids, recharges->at[i].account);
		db_array_time(times, recharges->at[i].due_at);
	}
	return db_query(task, told_sql, params, NULL);
}
