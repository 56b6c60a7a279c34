#include "lib/model/budget_carry.h"

#include "lib/model/budget_sum_private.h"

/*
 * $19 is the length of the steps in microseconds, 0 where the window does not roll; $20 the
 * window's start. The cost stops where a sum stops.
 */
#define KEEP(way) \
	"INSERT INTO budget_carries AS c (client_id, budget_id, bucket, window_start, cost_cents,\n" \
	"requests, tokens, unpriced)\n" \
	"SELECT $1, $18, bucket, start, least(cost, " SUM_NANOS_MAX ") * 0.0000001,\n" \
	"requests, tokens, unpriced\n" \
	"FROM (\n" \
	"SELECT " BUDGET_SUM_COLUMNS ", bucket,\n" \
	"CASE WHEN $19::bigint = 0 THEN $20::timestamptz\n" \
	"ELSE to_timestamp((" BUDGET_SUM_SLOT("created_at", \
	    "$19") " * $19 / 1000000)::double precision) END AS start\n" \
		   "FROM chat_logs AS l\n" \
		   "CROSS JOIN LATERAL unnest(ARRAY[''] || " BUDGET_SUM_BUCKETS \
		   ") AS b (bucket)\n" BUDGET_SUM_WINDOW way BUDGET_SUM_HAS_BUCKET \
		   "AND bucket IS NOT NULL\n" \
		   "GROUP BY bucket, start) AS s\n" \
		   "ON CONFLICT (client_id, budget_id, bucket, window_start) DO UPDATE\n" \
		   "SET cost_cents = least(c.cost_cents + excluded.cost_cents, " SUM_NANOS_MAX \
		   " * 0.0000001),\n" \
		   "requests = c.requests + excluded.requests,\n" \
		   "tokens = c.tokens + excluded.tokens,\n" \
		   "unpriced = c.unpriced + excluded.unpriced"

static const char keep_sql[] = KEEP(BUDGET_SUM_BY_TIME);
static const char keep_by_user_sql[] = KEEP(BUDGET_SUM_BY_USER);
static const char keep_by_session_sql[] = KEEP(BUDGET_SUM_BY_SESSION);
static const char keep_by_agent_session_sql[] = KEEP(BUDGET_SUM_BY_AGENT_SESSION);
static const char keep_by_agent_root_sql[] = KEEP(BUDGET_SUM_BY_AGENT_ROOT);

static const char forget_sql[] = "DELETE FROM budget_carries\n"
				 "WHERE client_id = $1 AND budget_id = $2 AND window_start < $3";

static const char forget_removed_sql[] = "DELETE FROM budget_carries AS c\n"
					 "USING budgets AS b\n"
					 "WHERE b.client_id = $1 AND b.deleted_at IS NOT NULL\n"
					 "AND c.client_id = b.client_id AND c.budget_id = b.id";

static const char clients_sql[] = "SELECT DISTINCT client_id\n"
				  "FROM budgets\n"
				  "WHERE deleted_at IS NULL\n"
				  "ORDER BY client_id";

static const char *const statements[] = {
	[BUDGET_SUM_WAY_TIME] = keep_sql,
	[BUDGET_SUM_WAY_USER] = keep_by_user_sql,
	[BUDGET_SUM_WAY_SESSION] = keep_by_session_sql,
	[BUDGET_SUM_WAY_AGENT_SESSION] = keep_by_agent_session_sql,
	[BUDGET_SUM_WAY_AGENT_ROOT] = keep_by_agent_root_sql,
};

const char *const budget_carry_statements[] = { keep_sql, keep_by_user_sql, keep_by_session_sql,
	keep_by_agent_session_sql, keep_by_agent_root_sql, forget_sql, forget_removed_sql,
	clients_sql, NULL };

static bool
find_window(struct task *task, const struct budget *budget, struct window *ret)
{
	const struct zone *zone;

	if (!zone_find(task, budget->timezone, &zone))
		return false;
	*ret = period_window(budget->period, zone, task->now, budget->rolling_hours);
	return true;
}

static bool
keep(struct task *task, const struct budget *budget, struct window removed)
{
	struct db_params *params;
	struct window window;
	int64_t start;

	if (!find_window(task, budget, &window))
		return false;
	start = window.start;
	if (window.start < removed.start)
		window.start = removed.start;
	if (window.end > removed.end)
		window.end = removed.end;
	if (window.start >= window.end)
		return true;
	params = budget_sum_params(task, budget, &budget->scope, window);
	db_add_int(
	    params, budget->period == PERIOD_ROLLING ? period_step(budget->rolling_hours) : 0);
	db_add_time(params, start);
	return db_query(task, statements[budget_sum_way(&budget->scope)], params, NULL);
}

bool
budget_carry_keep(struct task *task, struct window removed)
{
	struct budgets budgets;

	if (!budget_list(task, (struct id){ 0 }, BUDGETS_MAX, &budgets))
		return false;
	for (size_t i = 0; i < budgets.count; i++)
		if (!keep(task, &budgets.at[i], removed))
			return false;
	return true;
}

bool
budget_carry_keep_all(struct task *task, struct window removed)
{
	struct db_rows *clients;
	bool ok;

	ok = db_query(task, clients_sql, NULL, &clients);
	for (int i = 0; ok && i < db_count(clients); i++) {
		struct arena_mark mark = arena_mark(task->arena);

		task->client = db_id(clients, i, 0);
		ok = budget_carry_keep(task, removed);
		arena_undo(task->arena, mark);
	}
	task->client = (struct id){ 0 };
	return ok;
}

static bool
forget(struct task *task, const struct budget *budget)
{
	struct db_params *params = db_params(task);
	struct window window;

	if (!find_window(task, budget, &window))
		return false;
	db_add_id(params, task->client);
	db_add_id(params, budget->head.id);
	db_add_time(params, window.start);
	return db_query(task, forget_sql, params, NULL);
}

bool
budget_carry_forget(struct task *task)
{
	struct db_params *params = db_params(task);
	struct budgets budgets;

	db_add_id(params, task->client);
	if (!db_query(task, forget_removed_sql, params, NULL) ||
	    !budget_list(task, (struct id){ 0 }, BUDGETS_MAX, &budgets))
		return false;
	for (size_t i = 0; i < budgets.count; i++)
		if (!forget(task, &budgets.at[i]))
			return false;
	return true;
}
