#include "lib/model/budget_status.h"

#include "lib/model/cents_sql.h"
#include "lib/model/chat_log.h"

#include <assert.h>

#define COST "COALESCE(verified_cost_cents, estimated_cost_cents)"
#define SUMS \
	"least(COALESCE(sum(COALESCE(" COST \
	" * 10000000, fallback_nanos(tokens_used, $6))), 0),\n" \
	"" SUM_NANOS_MAX ")::bigint,\n" \
	"count(*),\n" \
	"COALESCE(sum(tokens_used), 0)::bigint,\n" \
	"count(*) FILTER (WHERE " COST " IS NULL)\n"
/*
 * The tier that the call was counted under; the user's own where the record does not say. Not a
 * join, which the planner may answer from a hash of all users.
 */
#define TIER \
	"COALESCE(user_tier, (SELECT tier FROM users AS u\n" \
	"WHERE u.client_id = l.client_id AND u.id = l.user_id))"

/*
 * A statement for each index that can lead, as for the list of records: the bounds of created_at
 * spare the partitions; the lower bound of id is left out where another index leads.
 */
#define WINDOW \
	"WHERE client_id = $1 AND id < $3\n" \
	"AND created_at >= $4 AND created_at < $5\n"
#define SCOPE \
	"AND ($2::uuid IS NULL OR id >= $2)\n" \
	"AND ($7::uuid IS NULL OR user_id = $7)\n" \
	"AND ($8::text IS NULL OR " TIER " = $8)\n" \
	"AND ($9::uuid IS NULL OR api_key_id = $9)\n" \
	"AND ($10::uuid IS NULL OR session_id = $10)\n" \
	"AND ($11::uuid IS NULL OR agent_session_id = $11)\n" \
	"AND ($12::text IS NULL OR feature = $12)\n" \
	"AND ($13::text IS NULL OR provider = $13)\n" \
	"AND ($14::text IS NULL OR model = $14)\n" \
	"AND ($15::text IS NULL OR $15 = ANY (tags))\n"
/* A call without the value falls into no bucket. */
#define HAS_BUCKET \
	"AND CASE $16::text\n" \
	"WHEN 'user_id' THEN user_id IS NOT NULL\n" \
	"WHEN 'user_tier' THEN user_tier IS NOT NULL OR user_id IS NOT NULL\n" \
	"WHEN 'api_key_id' THEN api_key_id IS NOT NULL\n" \
	"WHEN 'session_id' THEN session_id IS NOT NULL\n" \
	"WHEN 'agent_session_id' THEN agent_session_id IS NOT NULL\n" \
	"WHEN 'feature' THEN feature IS NOT NULL\n" \
	"WHEN 'provider' THEN provider IS NOT NULL\n" \
	"WHEN 'model' THEN model IS NOT NULL\n" \
	"WHEN 'tag' THEN cardinality(tags) > 0\n" \
	"ELSE true END"
/* A call with several tags falls into the bucket of each. */
#define BUCKET \
	"unnest(CASE $16::text\n" \
	"WHEN 'user_id' THEN ARRAY[user_id::text]\n" \
	"WHEN 'user_tier' THEN ARRAY[" TIER "]\n" \
	"WHEN 'api_key_id' THEN ARRAY[api_key_id::text]\n" \
	"WHEN 'session_id' THEN ARRAY[session_id::text]\n" \
	"WHEN 'agent_session_id' THEN ARRAY[agent_session_id::text]\n" \
	"WHEN 'feature' THEN ARRAY[feature]\n" \
	"WHEN 'provider' THEN ARRAY[provider]\n" \
	"WHEN 'model' THEN ARRAY[model]\n" \
	"WHEN 'tag' THEN tags END)"

#define SUM "SELECT " SUMS "FROM chat_logs AS l\n" WINDOW
#define BUCKETS \
	"SELECT " SUMS ", bucket\n" \
	"FROM chat_logs AS l\n" \
	"CROSS JOIN LATERAL (SELECT DISTINCT " BUCKET " AS bucket) AS b\n" WINDOW
#define TOP \
	"AND bucket IS NOT NULL\n" \
	"GROUP BY bucket\n" \
	"ORDER BY 1 DESC, 2 DESC, bucket\n" \
	"LIMIT $17"

#define BY_TIME "AND id >= $2\n" SCOPE
#define BY_USER "AND user_id = $7\n" SCOPE
#define BY_SESSION "AND session_id = $10\n" SCOPE
#define BY_AGENT_SESSION "AND agent_session_id = $11\n" SCOPE

/* How to find the rows, by the scope. */
enum way { WAY_TIME, WAY_USER, WAY_SESSION, WAY_AGENT_SESSION };

static const char sum_sql[] = SUM BY_TIME HAS_BUCKET;
static const char sum_by_user_sql[] = SUM BY_USER HAS_BUCKET;
static const char sum_by_session_sql[] = SUM BY_SESSION HAS_BUCKET;
static const char sum_by_agent_session_sql[] = SUM BY_AGENT_SESSION HAS_BUCKET;
static const char top_sql[] = BUCKETS BY_TIME TOP;
static const char top_by_user_sql[] = BUCKETS BY_USER TOP;
static const char top_by_session_sql[] = BUCKETS BY_SESSION TOP;
static const char top_by_agent_session_sql[] = BUCKETS BY_AGENT_SESSION TOP;

static const char *const sums[] = {
	[WAY_TIME] = sum_sql,
	[WAY_USER] = sum_by_user_sql,
	[WAY_SESSION] = sum_by_session_sql,
	[WAY_AGENT_SESSION] = sum_by_agent_session_sql,
};
static const char *const tops[] = {
	[WAY_TIME] = top_sql,
	[WAY_USER] = top_by_user_sql,
	[WAY_SESSION] = top_by_session_sql,
	[WAY_AGENT_SESSION] = top_by_agent_session_sql,
};

const char *const budget_status_statements[] = { sum_sql, sum_by_user_sql, sum_by_session_sql,
	sum_by_agent_session_sql, top_sql, top_by_user_sql, top_by_session_sql,
	top_by_agent_session_sql, NULL };

static enum way
choose_way(const struct budget_scope *scope)
{
	if (!id_is_nil(scope->session_id))
		return WAY_SESSION;
	if (!id_is_nil(scope->agent_session_id))
		return WAY_AGENT_SESSION;
	return id_is_nil(scope->user_id) ? WAY_TIME : WAY_USER;
}

/* $1 to $16. */
static struct db_params *
make_params(struct task *task, const struct budget_status *status, const struct budget_scope *scope)
{
	const struct budget *budget = status->budget;
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_id(params, chat_log_first_id(status->window.start));
	db_add_id(params, chat_log_first_id(status->window.end));
	db_add_time(params, status->window.start);
	db_add_time(params, status->window.end);
	if (budget->unpriced == BUDGET_FALLBACK)
		db_add_int(params, budget->fallback_rate);
	else
		db_add_null(params);
	budget_scope_add(params, scope);
	db_add_text(params, budget_dimension_names[budget->each]);
	return params;
}

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
	struct db_params *params = make_params(task, status, scope);
	struct db_rows *rows;

	if (!db_query_one(task, sums[choose_way(scope)], params, &rows))
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
	struct db_params *params = make_params(task, status, scope);
	struct budget_bucket *list;
	struct db_rows *rows;
	size_t count;

	*ret = (struct budget_buckets){ 0 };
	if (status->budget->each == BUDGET_NO_DIMENSION)
		return true;
	db_add_int(params, BUDGET_BUCKETS_SHOWN);
	if (!db_query(task, tops[choose_way(scope)], params, &rows))
		return false;
	count = (size_t)db_count(rows);
	list = arena_array(task->arena, count, sizeof *list);
	for (size_t i = 0; i < count; i++)
		list[i] = (struct budget_bucket){ .value = db_text(rows, (int)i, 4),
			.use = read_use(rows, (int)i) };
	*ret = (struct budget_buckets){ list, count };
	return true;
}
