#include "lib/model/billing_clients.h"

#include "lib/model/cents_sql.h"

#define NANOS(cents) \
	"greatest(least(" cents " * 10000000, " SUM_NANOS_MAX "), -" SUM_NANOS_MAX ")::bigint"

/* By client: a month of one is 31 rows of an index that begins with it. The limits are those that
 * billing_find_limits() finds. */
static const char list_sql[] =
    "WITH month AS ("
    "SELECT c.id, c.name, c.plan, c.timezone, c.deactivated_at IS NULL AS active, d.*, "
    "coalesce(a.adjustments, 0) AS adjustments, "
    "EXISTS ("
    "SELECT FROM budgets b "
    "WHERE b.client_id = c.id "
    "AND b.deleted_at IS NULL "
    "AND b.period = 'month' "
    "AND b.timezone = c.timezone "
    "AND b.mode <> 'shadow' "
    "AND num_nonnulls(b.user_id, b.user_tier, b.api_key_id, b.session_id, b.agent_session_id, "
    "b.feature, b.provider, b.model, b.tag, b.agent_root_id, b.each_by) = 0 "
    "AND (d.requests > b.limit_requests "
    "OR d.tokens > b.limit_tokens "
    "OR d.cost > b.limit_cents "
    "+ CASE WHEN b.override_until > $3 THEN b.override_cents ELSE 0 END)) AS over "
    "FROM clients c "
    "CROSS JOIN LATERAL ("
    "SELECT coalesce(sum(total_cost_cents), 0) AS cost, "
    "coalesce(sum(total_requests), 0)::bigint AS requests, "
    "coalesce(sum(total_tokens), 0)::bigint AS tokens, "
    "coalesce(sum(failed_requests), 0)::bigint AS failed, "
    "coalesce(sum(unpriced_requests), 0)::bigint AS unpriced "
    "FROM daily_costs "
    "WHERE client_id = c.id "
    "AND date BETWEEN $1 AND $2) AS d "
    "CROSS JOIN LATERAL ("
    "SELECT sum(amount_cents) AS adjustments "
    "FROM cost_adjustments "
    "WHERE client_id = c.id "
    "AND date BETWEEN $1 AND $2) AS a "
    "WHERE d.requests > 0 OR a.adjustments <> 0) "
    "SELECT id, name, plan, timezone, active, " NANOS("(cost + adjustments)") ", " NANOS(
	"cost") ", " NANOS("adjustments") ", "
					  "requests, tokens, failed, unpriced, over "
					  "FROM month "
					  "WHERE over OR NOT $4 "
					  "ORDER BY cost + adjustments DESC, id "
					  "LIMIT $5";

const char *const billing_client_statements[] = { list_sql, NULL };

static struct billing_client
read_row(const struct db_rows *rows, int row)
{
	return (struct billing_client){
		.id = db_id(rows, row, 0),
		.name = db_text(rows, row, 1),
		.plan = db_text(rows, row, 2),
		.timezone = db_text(rows, row, 3),
		.active = db_bool(rows, row, 4),
		.billed_nanos = db_int(rows, row, 5),
		.cost_nanos = db_int(rows, row, 6),
		.adjustments_nanos = db_int(rows, row, 7),
		.requests = db_int(rows, row, 8),
		.tokens = db_int(rows, row, 9),
		.failed = db_int(rows, row, 10),
		.unpriced = db_int(rows, row, 11),
		.over_limit = db_bool(rows, row, 12),
	};
}

bool
billing_list_clients(struct task *task, int32_t since, int32_t until, bool only_over, int64_t limit,
    struct billing_clients *ret)
{
	struct db_params *params = db_params(task);
	struct billing_client *list;
	struct db_rows *rows;

	db_add_date(params, since);
	db_add_date(params, until);
	db_add_time(params, task->now);
	db_add_bool(params, only_over);
	db_add_int(params, limit);
	if (!db_query(task, list_sql, params, &rows))
		return false;
	ret->count = (size_t)db_count(rows);
	list = arena_array(task->arena, ret->count, sizeof(*list));
	for (size_t i = 0; i < ret->count; i++)
		list[i] = read_row(rows, (int)i);
	ret->at = list;
	return true;
}
