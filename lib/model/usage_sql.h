/*
 * What the log sums to by quarter-hour, group and slot of the histogram: the same for the rollups
 * that are kept and for what is not rolled up yet.
 */
#ifndef LIB_MODEL_USAGE_SQL_H
#define LIB_MODEL_USAGE_SQL_H

#include "lib/base.h"

/* The sums of a row in the order of usage_totals[]. */
#define USAGE_COLUMNS \
	"cost_cents, calls, tokens, input_tokens, output_tokens, cached_input_tokens, " \
	"cache_write_tokens, reasoning_tokens, failed_calls, unpriced_calls"

/* Of rows that are sums already. */
#define USAGE_SUMS \
	"sum(cost_cents) AS cost_cents, sum(calls)::bigint AS calls, " \
	"sum(tokens)::bigint AS tokens, sum(input_tokens)::bigint AS input_tokens, " \
	"sum(output_tokens)::bigint AS output_tokens, " \
	"sum(cached_input_tokens)::bigint AS cached_input_tokens, " \
	"sum(cache_write_tokens)::bigint AS cache_write_tokens, " \
	"sum(reasoning_tokens)::bigint AS reasoning_tokens, " \
	"sum(failed_calls)::bigint AS failed_calls, " \
	"sum(unpriced_calls)::bigint AS unpriced_calls"

#define USAGE_COST "coalesce(l.verified_cost_cents, l.estimated_cost_cents)"

/*
 * Of the client $1, of records from $4 to $5, whose ids lie from $2 to $3; $6: the bounds of the
 * slots behind the first. key says what is grouped by.
 */
#define USAGE_OF_LOG(key) USAGE_OF_LOG_WHERE(key, "")
/* Of those of which more is true: " AND …". */
#define USAGE_OF_LOG_WHERE(key, more) \
	"SELECT date_bin('15 minutes', l.created_at, 'epoch') AS start, " key " AS key, " \
	"width_bucket(l.duration_ms, $6::bigint[])::bigint AS slot, " \
	"coalesce(sum(" USAGE_COST "), 0) AS cost_cents, " \
	"count(*) AS calls, " \
	"coalesce(sum(l.tokens_used), 0)::bigint AS tokens, " \
	"coalesce(sum(l.input_tokens), 0)::bigint AS input_tokens, " \
	"coalesce(sum(l.output_tokens), 0)::bigint AS output_tokens, " \
	"coalesce(sum(l.cached_input_tokens), 0)::bigint AS cached_input_tokens, " \
	"coalesce(sum(l.cache_write_tokens), 0)::bigint AS cache_write_tokens, " \
	"coalesce(sum(l.reasoning_tokens), 0)::bigint AS reasoning_tokens, " \
	"count(*) FILTER (WHERE NOT l.success) AS failed_calls, " \
	"count(*) FILTER (WHERE " USAGE_COST " IS NULL) AS unpriced_calls " \
	"FROM chat_logs l " \
	"WHERE l.client_id = $1 " \
	"AND l.id >= $2 AND l.id < $3 " \
	"AND l.created_at >= $4 AND l.created_at < $5" more " " \
	"GROUP BY 1, 2, 3"

#define USAGE_BY_CALL \
	USAGE_OF_LOG("ARRAY[l.feature, l.agent_type, l.provider, l.model] COLLATE \"C\"")

#define USAGE_BY_USER \
	"SELECT start, ARRAY[g.key::text] COLLATE \"C\" AS key, slot, " USAGE_COLUMNS " " \
	"FROM (" USAGE_OF_LOG("l.user_id") ") AS g"

/* A call with two tags is in two groups, and one without any in that of none. Lists of tags are few
 * beside calls. */
#define USAGE_BY_TAG \
	"SELECT start, ARRAY[t.tag] COLLATE \"C\" AS key, slot, " USAGE_SUMS " " \
	"FROM (" USAGE_OF_LOG( \
	    "l.tags") ") AS g " \
		      "CROSS JOIN LATERAL unnest(CASE coalesce(cardinality(g.key), 0) " \
		      "WHEN 0 THEN ARRAY[NULL::text] " \
		      "WHEN 1 THEN g.key " \
		      "ELSE ARRAY(SELECT DISTINCT u.tag FROM unnest(g.key) AS u (tag)) END) AS t (tag) " \
		      "GROUP BY start, t.tag, slot"

#endif
