#include "lib/model/adjustment.h"

#include "lib/model/audit.h"
#include "lib/model/cents_sql.h"
#include "lib/model/keyset.h"

static const char insert_sql[] =
    "INSERT INTO cost_adjustments (client_id, id, date, amount_cents, reason, api_key_id)\n"
    "VALUES ($1, $2, $3, $4::bigint * 0.0000001, $5, $6)\n"
    "RETURNING created_at";

static const char list_sql[] =
    "SELECT id, date, (amount_cents * 10000000)::bigint, reason, api_key_id, created_at\n"
    "FROM cost_adjustments\n"
    "WHERE client_id = $1 AND date = $2 AND id < $3\n"
    "ORDER BY id DESC\n"
    "LIMIT $4";

static const char sum_sql[] = "SELECT greatest(least(COALESCE(sum(amount_cents), 0) * 10000000,\n"
			      "" SUM_NANOS_MAX "), -" SUM_NANOS_MAX ")::bigint\n"
			      "FROM cost_adjustments\n"
			      "WHERE client_id = $1 AND date = $2";

static const char next_sql[] = "SELECT date\n"
			       "FROM cost_adjustments\n"
			       "WHERE client_id = $1 AND date >= $2\n"
			       "ORDER BY date\n"
			       "LIMIT 1";

const char *const adjustment_statements[] = { insert_sql, list_sql, sum_sql, next_sql, NULL };

bool
adjustment_add(struct task *task, struct adjustment *adjustment)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	adjustment->id = id_new(task->now);
	db_add_id(params, task->client);
	db_add_id(params, adjustment->id);
	db_add_date(params, adjustment->date);
	db_add_int(params, adjustment->amount_nanos);
	db_add_text(params, adjustment->reason);
	db_add_id(params, adjustment->api_key_id);
	if (!db_query_one(task, insert_sql, params, &rows))
		return false;
	adjustment->created_at = db_time(rows, 0, 0);
	return audit_add(task, "add", "cost_adjustments", adjustment->id, (struct text){ 0 },
	    audit_json(task, adjustment_write, adjustment));
}

bool
adjustment_list(
    struct task *task, int32_t date, struct id after, int64_t limit, struct adjustments *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;
	struct adjustment *list;
	int count;

	db_add_id(params, task->client);
	db_add_date(params, date);
	db_add_id(params, keyset_below(after));
	db_add_int(params, limit);
	if (!db_query(task, list_sql, params, &rows))
		return false;
	count = db_count(rows);
	list = arena_array(task->arena, (size_t)count, sizeof *list);
	for (int i = 0; i < count; i++)
		list[i] = (struct adjustment){
			.id = db_id(rows, i, 0),
			.date = db_date(rows, i, 1),
			.amount_nanos = db_int(rows, i, 2),
			.reason = db_text(rows, i, 3),
			.api_key_id = db_id(rows, i, 4),
			.created_at = db_time(rows, i, 5),
		};
	*ret = (struct adjustments){ list, (size_t)count };
	return true;
}

void
adjustment_write(struct json_out *out, const void *object)
{
	const struct adjustment *adjustment = object;

	json_open(out);
	json_id(out, "id", adjustment->id);
	json_date(out, "date", adjustment->date);
	json_cents(out, "amount_cents", adjustment->amount_nanos);
	json_text(out, "reason", adjustment->reason);
	json_id(out, "api_key_id", adjustment->api_key_id);
	json_time(out, "created_at", adjustment->created_at);
	json_close(out);
}

bool
adjustment_sum(struct task *task, int32_t date, int64_t *ret_nanos)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_date(params, date);
	if (!db_query_one(task, sum_sql, params, &rows))
		return false;
	*ret_nanos = db_int(rows, 0, 0);
	return true;
}

bool
adjustment_next(struct task *task, int32_t from, bool *ret_any, int32_t *ret_date)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_date(params, from);
	if (!db_query(task, next_sql, params, &rows))
		return false;
	*ret_any = db_count(rows) > 0;
	if (*ret_any)
		*ret_date = db_date(rows, 0, 0);
	return true;
}
