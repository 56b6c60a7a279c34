#include "lib/model/budget_status.h"

#include "lib/model/budget_sum_private.h"

#include <assert.h>

/* $19 is the bucket; '' is all of them together. */
#define SUM(way) \
	"SELECT " BUDGET_SUM_TOTALS "FROM (\n" \
	"SELECT " BUDGET_SUM_COLUMNS \
	"FROM chat_logs AS l\n" BUDGET_SUM_WINDOW way BUDGET_SUM_HAS_BUCKET "UNION ALL\n" \
	"SELECT " BUDGET_SUM_CARRIED_COLUMNS BUDGET_SUM_CARRIED "AND bucket = $19) AS s"
#define TOP(way) \
	"SELECT " BUDGET_SUM_TOTALS ", bucket\n" \
	"FROM (\n" \
	"SELECT " BUDGET_SUM_COLUMNS ", bucket\n" \
	"FROM chat_logs AS l\n" \
	"CROSS JOIN LATERAL unnest(" BUDGET_SUM_BUCKETS ") AS b (bucket)\n" BUDGET_SUM_WINDOW way \
	"AND bucket IS NOT NULL\n" \
	"GROUP BY bucket\n" \
	"UNION ALL\n" \
	"SELECT " BUDGET_SUM_CARRIED_COLUMNS ", bucket\n" BUDGET_SUM_CARRIED \
	"AND bucket <> '') AS s\n" \
	"GROUP BY bucket\n" \
	"ORDER BY 1 DESC, 2 DESC, bucket\n" \
	"LIMIT $19"

static const char sum_sql[] = SUM(BUDGET_SUM_BY_TIME);
static const char sum_by_user_sql[] = SUM(BUDGET_SUM_BY_USER);
static const char sum_by_session_sql[] = SUM(BUDGET_SUM_BY_SESSION);
static const char sum_by_agent_session_sql[] = SUM(BUDGET_SUM_BY_AGENT_SESSION);
static const char sum_by_agent_root_sql[] = SUM(BUDGET_SUM_BY_AGENT_ROOT);
static const char top_sql[] = TOP(BUDGET_SUM_BY_TIME);
static const char top_by_user_sql[] = TOP(BUDGET_SUM_BY_USER);
static const char top_by_session_sql[] = TOP(BUDGET_SUM_BY_SESSION);
static const char top_by_agent_session_sql[] = TOP(BUDGET_SUM_BY_AGENT_SESSION);
static const char top_by_agent_root_sql[] = TOP(BUDGET_SUM_BY_AGENT_ROOT);

static const char *const sums[] = {
	[BUDGET_SUM_WAY_TIME] = sum_sql,
	[BUDGET_SUM_WAY_USER] = sum_by_user_sql,
	[BUDGET_SUM_WAY_SESSION] = sum_by_session_sql,
	[BUDGET_SUM_WAY_AGENT_SESSION] = sum_by_agent_session_sql,
	[BUDGET_SUM_WAY_AGENT_ROOT] = sum_by_agent_root_sql,
};
static const char *const tops[] = {
	[BUDGET_SUM_WAY_TIME] = top_sql,
	[BUDGET_SUM_WAY_USER] = top_by_user_sql,
	[BUDGET_SUM_WAY_SESSION] = top_by_session_sql,
	[BUDGET_SUM_WAY_AGENT_SESSION] = top_by_agent_session_sql,
	[BUDGET_SUM_WAY_AGENT_ROOT] = top_by_agent_root_sql,
};

const char *const budget_status_statements[] = { sum_sql, sum_by_user_sql, sum_by_session_sql,
	sum_by_agent_session_sql, sum_by_agent_root_sql, top_sql, top_by_user_sql,
	top_by_session_sql, top_by_agent_session_sql, top_by_agent_root_sql, NULL };

static struct budget_use
read_use(const struct db_rows *rows, int row)
{
	return (struct budget_use){
		.spent = { [BUDGET_COST] = db_int(rows, row, 0),
		    [BUDGET_REQUESTS] = db_int(rows, row, 1),
		    [BUDGET_TOKENS] = db_int(rows, row, 2) },
		.unpriced = db_int(rows, row, 3),
	};
}

static bool
begin(struct task *task, const struct budget *budget, struct budget_status *ret)
{
	const struct zone *zone;

	if (!zone_find(task, budget->timezone, &zone))
		return false;
	*ret = (struct budget_status){
		.budget = budget,
		.window = period_window(budget->period, zone, task->now, budget->rolling_hours),
	};
	return true;
}

static bool
sum(struct task *task, const struct budget_scope *scope, struct budget_status *status)
{
	struct db_params *params = budget_sum_params(task, status->budget, scope, status->window);
	struct db_rows *rows;

	db_add_text(params, status->bucket == NULL ? "" : status->bucket);
	if (!db_query_one(task, sums[budget_sum_way(scope)], params, &rows))
		return false;
	status->use = read_use(rows, 0);
	return true;
}

bool
budget_status_find(struct task *task, const struct budget *budget, struct budget_status *ret)
{
	return begin(task, budget, ret) && sum(task, &budget->scope, ret);
}

bool
budget_status_find_call(struct task *task, const struct budget *budget,
    const struct budget_scope *call, struct budget_status *ret)
{
	struct budget_scope scope = budget->scope;

	if (!begin(task, budget, ret))
		return false;
	if (budget->each != BUDGET_NO_DIMENSION) {
		budget_scope_set(&scope, budget->each, call);
		ret->bucket = budget_scope_get(task, call, budget->each);
		assert(ret->bucket != NULL);
	}
	return sum(task, &scope, ret);
}

bool
budget_status_list_buckets(
    struct task *task, const struct budget_status *status, struct budget_buckets *ret)
{
	const struct budget_scope *scope = &status->budget->scope;
	struct db_params *params = budget_sum_params(task, status->budget, scope, status->window);
	struct budget_bucket *list;
	struct db_rows *rows;
	size_t count;

	*ret = (struct budget_buckets){ 0 };
	if (status->budget->each == BUDGET_NO_DIMENSION)
		return true;
	db_add_int(params, BUDGET_BUCKETS_SHOWN);
	if (!db_query(task, tops[budget_sum_way(scope)], params, &rows))
		return false;
	count = (size_t)db_count(rows);
	list = arena_array(task->arena, count, sizeof *list);
	for (size_t i = 0; i < count; i++)
		list[i] = (struct budget_bucket){ .value = db_text(rows, (int)i, 4),
			.use = read_use(rows, (int)i) };
	*ret = (struct budget_buckets){ list, count };
	return true;
}
