/*
 * Between the files that sum what budgets were spent: the parts of their statements. $1 is the
 * client, $2 and $3 the ids at the window's bounds, $4 and $5 the bounds, $6 the fallback rate, $7
 * to $16 the scope, $17 the name of each, $18 the budget.
 */
#ifndef LIB_MODEL_BUDGET_SUM_PRIVATE_H
#define LIB_MODEL_BUDGET_SUM_PRIVATE_H

#include "lib/model/budget.h"
#include "lib/model/cents_sql.h"

#define BUDGET_SUM_COST "COALESCE(verified_cost_cents, estimated_cost_cents)"
/* Of the log's rows. */
#define BUDGET_SUM_COLUMNS \
	"COALESCE(sum(COALESCE(" BUDGET_SUM_COST \
	" * 10000000, fallback_nanos(tokens_used, $6))), 0) AS cost,\n" \
	"count(*) AS requests,\n" \
	"COALESCE(sum(tokens_used), 0) AS tokens,\n" \
	"count(*) FILTER (WHERE " BUDGET_SUM_COST " IS NULL) AS unpriced\n"
/* The same of what purge has removed from the log; the condition on bucket is to follow. */
#define BUDGET_SUM_CARRIED_COLUMNS "cost_cents * 10000000, requests, tokens, unpriced\n"
#define BUDGET_SUM_CARRIED \
	"FROM budget_carries\n" \
	"WHERE client_id = $1 AND budget_id = $18\n" \
	"AND window_start >= $4 AND window_start < $5\n"
/* Of both. */
#define BUDGET_SUM_TOTALS \
	"least(sum(cost), " SUM_NANOS_MAX ")::bigint,\n" \
	"sum(requests)::bigint,\n" \
	"sum(tokens)::bigint,\n" \
	"sum(unpriced)::bigint\n"
/* The slot of an instant, as a number. */
#define BUDGET_SUM_SLOT(instant, usec) "div(extract(epoch FROM " instant ") * 1000000, " usec ")"

/*
 * The tier that the call was counted under; the user's own where the record does not say. Not a
 * join, which the planner may answer from a hash of all users.
 */
#define BUDGET_SUM_TIER \
	"COALESCE(user_tier, (SELECT tier FROM users AS u\n" \
	"WHERE u.client_id = $1 AND u.id = l.user_id))"

/*
 * A statement for each index that can lead, as for the list of records: the bounds of created_at
 * spare the partitions; the lower bound of id is left out where another index leads.
 */
#define BUDGET_SUM_WINDOW \
	"WHERE client_id = $1 AND id < $3\n" \
	"AND created_at >= $4 AND created_at < $5\n"
#define BUDGET_SUM_SCOPE \
	"AND ($2::uuid IS NULL OR id >= $2)\n" \
	"AND ($7::uuid IS NULL OR user_id = $7)\n" \
	"AND ($8::text IS NULL OR " BUDGET_SUM_TIER " = $8)\n" \
	"AND ($9::uuid IS NULL OR api_key_id = $9)\n" \
	"AND ($10::uuid IS NULL OR session_id = $10)\n" \
	"AND ($11::uuid IS NULL OR agent_session_id = $11)\n" \
	"AND ($12::text IS NULL OR feature = $12)\n" \
	"AND ($13::text IS NULL OR provider = $13)\n" \
	"AND ($14::text IS NULL OR model = $14)\n" \
	"AND ($15::text IS NULL OR $15 = ANY (tags))\n" \
	"AND ($16::uuid IS NULL OR agent_root_id = $16)\n"
#define BUDGET_SUM_BY_TIME "AND id >= $2\n" BUDGET_SUM_SCOPE
#define BUDGET_SUM_BY_USER "AND user_id = $7\n" BUDGET_SUM_SCOPE
#define BUDGET_SUM_BY_SESSION "AND session_id = $10\n" BUDGET_SUM_SCOPE
#define BUDGET_SUM_BY_AGENT_SESSION "AND agent_session_id = $11\n" BUDGET_SUM_SCOPE
#define BUDGET_SUM_BY_AGENT_ROOT "AND agent_root_id = $16\n" BUDGET_SUM_SCOPE

/*
 * The buckets of a call: one, NULL, where the budget has no each. A call with several tags falls
 * into the bucket of each; a call without the value has the bucket NULL, or none.
 */
#define BUDGET_SUM_BUCKETS \
	"CASE $17::text\n" \
	"WHEN 'user_id' THEN ARRAY[user_id::text]\n" \
	"WHEN 'user_tier' THEN ARRAY[" BUDGET_SUM_TIER "]\n" \
	"WHEN 'api_key_id' THEN ARRAY[api_key_id::text]\n" \
	"WHEN 'session_id' THEN ARRAY[session_id::text]\n" \
	"WHEN 'agent_session_id' THEN ARRAY[agent_session_id::text]\n" \
	"WHEN 'feature' THEN ARRAY[feature]\n" \
	"WHEN 'provider' THEN ARRAY[provider]\n" \
	"WHEN 'model' THEN ARRAY[model]\n" \
	"WHEN 'tag' THEN ARRAY(SELECT DISTINCT unnest(tags))\n" \
	"WHEN 'agent_root_id' THEN ARRAY[agent_root_id::text]\n" \
	"ELSE ARRAY[NULL::text] END"
/* A call without the value falls into no bucket. */
#define BUDGET_SUM_HAS_BUCKET \
	"AND CASE $17::text\n" \
	"WHEN 'user_id' THEN user_id IS NOT NULL\n" \
	"WHEN 'user_tier' THEN user_tier IS NOT NULL OR user_id IS NOT NULL\n" \
	"WHEN 'api_key_id' THEN api_key_id IS NOT NULL\n" \
	"WHEN 'session_id' THEN session_id IS NOT NULL\n" \
	"WHEN 'agent_session_id' THEN agent_session_id IS NOT NULL\n" \
	"WHEN 'feature' THEN feature IS NOT NULL\n" \
	"WHEN 'provider' THEN provider IS NOT NULL\n" \
	"WHEN 'model' THEN model IS NOT NULL\n" \
	"WHEN 'tag' THEN cardinality(tags) > 0\n" \
	"WHEN 'agent_root_id' THEN agent_root_id IS NOT NULL\n" \
	"ELSE true END\n"

/* How to find the rows, by the scope. */
enum budget_sum_way {
	BUDGET_SUM_WAY_TIME,
	BUDGET_SUM_WAY_USER,
	BUDGET_SUM_WAY_SESSION,
	BUDGET_SUM_WAY_AGENT_SESSION,
	BUDGET_SUM_WAY_AGENT_ROOT
};
enum budget_sum_way budget_sum_way(const struct budget_scope *scope);

/* $1 to $18; scope: the budget's own, or one bucket of it. */
struct db_params *budget_sum_params(struct task *task, const struct budget *budget,
    const struct budget_scope *scope, struct window window);

#endif
