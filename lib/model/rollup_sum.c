#include "lib/clock.h"
#include "lib/model/day.h"
#include "lib/model/rollup.h"
#include "lib/model/rollup_private.h"
#include "lib/model/usage_sql.h"

#define COLUMNS USAGE_COLUMNS ", duration_slots, duration_calls"
#define EXCLUDED \
	"excluded.cost_cents, excluded.calls, excluded.tokens, excluded.input_tokens, " \
	"excluded.output_tokens, excluded.cached_input_tokens, excluded.cache_write_tokens, " \
	"excluded.reasoning_tokens, excluded.failed_calls, excluded.unpriced_calls, " \
	"excluded.duration_slots, excluded.duration_calls"
#define SUMS \
	"sum(cost_cents) AS cost_cents, sum(calls)::bigint AS calls, " \
	"sum(tokens)::bigint AS tokens, sum(input_tokens)::bigint AS input_tokens, " \
	"sum(output_tokens)::bigint AS output_tokens, " \
	"sum(cached_input_tokens)::bigint AS cached_input_tokens, " \
	"sum(cache_write_tokens)::bigint AS cache_write_tokens, " \
	"sum(reasoning_tokens)::bigint AS reasoning_tokens, " \
	"sum(failed_calls)::bigint AS failed_calls, " \
	"sum(unpriced_calls)::bigint AS unpriced_calls"

/* The rows of a table "sums" take the place of those that are there; equal ones are let be. */
#define REPLACE(since, until, grain, dimensions) \
	"gone AS (" \
	"DELETE FROM cost_aggregates a " \
	"WHERE a.client_id = $1 " \
	"AND a.dimension IN (" dimensions ") " \
	"AND a.grain = " grain " " \
	"AND a.start >= " since " AND a.start < " until " " \
	"AND NOT EXISTS (" \
	"SELECT FROM sums s " \
	"WHERE s.dimension = a.dimension AND s.start = a.start AND s.key = a.key)) " \
	"INSERT INTO cost_aggregates AS a (client_id, dimension, grain, start, key, " COLUMNS ") " \
	"SELECT $1, dimension, " grain ", start, key, " COLUMNS " " \
	"FROM sums " \
	"ORDER BY dimension, start, key " \
	"ON CONFLICT (client_id, dimension, grain, start, key) DO UPDATE " \
	"SET (" COLUMNS ") = (" EXCLUDED ") " \
	"WHERE (a.cost_cents, a.calls, a.tokens, a.input_tokens, a.output_tokens, " \
	"a.cached_input_tokens, a.cache_write_tokens, a.reasoning_tokens, a.failed_calls, " \
	"a.unpriced_calls, a.duration_slots, a.duration_calls) IS DISTINCT FROM (" EXCLUDED ")"

#define QUARTERS(dimension, of_log) \
	"WITH log AS (" of_log "), " \
	"sums AS MATERIALIZED (" \
	"SELECT " dimension " AS dimension, start, key, " SUMS ", " \
	"array_agg(slot ORDER BY slot) FILTER (WHERE slot IS NOT NULL) AS duration_slots, " \
	"array_agg(calls ORDER BY slot) FILTER (WHERE slot IS NOT NULL) AS duration_calls " \
	"FROM log " \
	"GROUP BY start, key), " REPLACE("$4", "$5", "'quarter'", dimension)

static const char call_sql[] = QUARTERS("'call'", USAGE_BY_CALL);
static const char user_sql[] = QUARTERS("'user'", USAGE_BY_USER);
static const char tag_sql[] = QUARTERS("'tag'", USAGE_BY_TAG);

/* The rows of grain $2 between $4 and $5 as rows of grain $3, each beginning a whole number of
 * widths $6 after $7. */
static const char raise_sql[] =
    "WITH source AS MATERIALIZED ("
    "SELECT d.dimension, date_bin($6::text::interval, a.start, $7) AS start, "
    "d.key, " COLUMNS " "
    "FROM cost_aggregates a "
    "CROSS JOIN LATERAL (VALUES (a.dimension, a.key), ('feature', a.key[1:1]), "
    "('agent_type', a.key[2:2]), ('provider', a.key[3:3]), ('model', a.key[4:4])) "
    "AS d (dimension, key) "
    "WHERE a.client_id = $1 "
    "AND a.dimension IN ('call', 'user', 'tag') "
    "AND a.grain = $2 "
    "AND a.start >= $4 AND a.start < $5 "
    "AND (a.dimension = 'call' OR a.dimension = d.dimension)), "
    "slots AS ("
    "SELECT dimension, start, key, slot, sum(calls)::bigint AS calls "
    "FROM (SELECT dimension, start, key, unnest(duration_slots) AS slot, "
    "unnest(duration_calls) AS calls "
    "FROM source) AS s "
    "GROUP BY dimension, start, key, slot), "
    "histograms AS ("
    "SELECT dimension, start, key, array_agg(slot ORDER BY slot) AS duration_slots, "
    "array_agg(calls ORDER BY slot) AS duration_calls "
    "FROM slots "
    "GROUP BY dimension, start, key), "
    "totals AS ("
    "SELECT dimension, start, key, " SUMS " "
    "FROM source "
    "GROUP BY dimension, start, key), "
    "sums AS MATERIALIZED ("
    "SELECT * "
    "FROM totals "
    "LEFT JOIN histograms USING (dimension, start, key)), " REPLACE(
	"$4", "$5", "$3", "'call', 'feature', 'agent_type', 'provider', 'model', 'user', 'tag'");

static const char whole_sql[] = "SELECT whole_from "
				"FROM rollup_clients "
				"WHERE client_id = $1 "
				"AND isfinite(whole_from)";

const char *const rollup_sum_statements[] = { call_sql, user_sql, tag_sql, raise_sql, whole_sql,
	NULL };

static bool
sum_quarters(struct task *task, struct span span, int64_t *ret_rows)
{
	static const char *const statements[] = { call_sql, user_sql, tag_sql };
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	usage_add_params(task, params, span);
	for (size_t i = 0; i < COUNT(statements); i++) {
		if (!db_query(task, statements[i], params, &rows))
			return false;
		*ret_rows += db_changed(rows);
	}
	return true;
}

static bool
raise(struct task *task, const char *from, const char *to, struct span span, const char *width,
    int64_t origin, int64_t *ret_rows)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_text(params, from);
	db_add_text(params, to);
	db_add_time(params, span.since);
	db_add_time(params, span.until);
	db_add_text(params, width);
	db_add_time(params, origin);
	if (!db_query(task, raise_sql, params, &rows))
		return false;
	*ret_rows += db_changed(rows);
	return true;
}

/* A day is shorter than the width, so all of it falls to its beginning. */
static bool
raise_day(struct task *task, const struct zone *zone, int32_t date, int64_t *ret_rows)
{
	struct span day = { zone_day_start(zone, date), zone_day_start(zone, date + 1) };
	bool hours = day.since % SPAN_HOUR == 0 && day.until % SPAN_HOUR == 0;

	return day.since >= day.until || raise(task, hours ? "hour" : "quarter", "day", day,
					     "1000 hours", day.since, ret_rows);
}

static bool
find_whole(struct task *task, int64_t *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	if (!db_query(task, whole_sql, params, &rows))
		return false;
	*ret = db_count(rows) > 0 ? span_ceil(db_time(rows, 0, 0), SPAN_QUARTER) : 0;
	return true;
}

bool
rollup_sum(struct task *task, const struct zone *zone, struct span span, int64_t *ret_rows)
{
	struct span hours = { span_floor(span.since, SPAN_HOUR), span_ceil(span.until, SPAN_HOUR) };
	struct span open = span;
	int64_t whole;

	*ret_rows = 0;
	if (!day_lock(task) || !find_whole(task, &whole))
		return false;
	if (open.since < whole)
		open.since = whole;
	if (open.since < open.until && !sum_quarters(task, open, ret_rows))
		return false;
	if (!raise(task, "quarter", "hour", hours, "1 hour", 0, ret_rows))
		return false;
	for (int32_t date = zone_date(zone, span.since); date <= zone_date(zone, span.until - 1);
	     date++) {
		if (!raise_day(task, zone, date, ret_rows))
			return false;
	}
	return true;
}
