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
	"WHERE a.* IS DISTINCT FROM excluded.*"

#define QUARTERS(dimension, of_log) \
	"WITH log AS (" of_log "), " \
	"sums AS MATERIALIZED (" \
	"SELECT " dimension " AS dimension, start, key, " USAGE_SUMS ", " \
	"array_agg(slot) FILTER (WHERE slot IS NOT NULL) AS duration_slots, " \
	"array_agg(calls) FILTER (WHERE slot IS NOT NULL) AS duration_calls " \
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
    "SELECT dimension, start, key, array_agg(slot) AS duration_slots, "
    "array_agg(calls) AS duration_calls "
    "FROM slots "
    "GROUP BY dimension, start, key), "
    "totals AS ("
    "SELECT dimension, start, key, " USAGE_SUMS " "
    "FROM source "
    "GROUP BY dimension, start, key), "
    "sums AS MATERIALIZED ("
    "SELECT * "
    "FROM totals "
    "LEFT JOIN histograms USING (dimension, start, key)), " REPLACE(
	"$4", "$5", "$3", "'call', 'feature', 'agent_type', 'provider', 'model', 'user', 'tag'");

static const char client_sql[] = "SELECT nullif(whole_from, '-infinity'), days_until "
				 "FROM rollup_clients "
				 "WHERE client_id = $1";

static const char first_sql[] = "SELECT min(start) "
				"FROM cost_aggregates "
				"WHERE client_id = $1 "
				"AND dimension = 'provider' "
				"AND grain = 'hour' "
				"AND start >= $2";

static const char ended_sql[] = "UPDATE rollup_clients "
				"SET days_until = $2 "
				"WHERE client_id = $1";

/* The groups of a million records fit; and the compiler of expressions takes longer than they do.
 */
static const char memory_sql[] = "SELECT set_config('work_mem', '128MB', true), "
				 "set_config('jit', 'off', true)";

const char *const rollup_sum_statements[] = { call_sql, user_sql, tag_sql, raise_sql, client_sql,
	first_sql, ended_sql, memory_sql, NULL };

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

struct kept {
	int64_t whole_from; /* 0: the log is whole */
	int64_t days_until; /* 0: there are no rows by day */
};

static bool
find_kept(struct task *task, struct kept *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	*ret = (struct kept){ 0 };
	db_add_id(params, task->client);
	if (!db_query(task, client_sql, params, &rows))
		return false;
	if (db_count(rows) > 0)
		*ret = (struct kept){ span_ceil(db_time(rows, 0, 0), SPAN_QUARTER),
			db_time(rows, 0, 1) };
	return true;
}

static bool
begin(struct task *task, struct kept *ret)
{
	return day_lock(task) && db_query(task, memory_sql, NULL, NULL) && find_kept(task, ret);
}

bool
rollup_find_whole(struct task *task, int64_t *ret)
{
	struct kept kept;

	if (!find_kept(task, &kept))
		return false;
	*ret = kept.whole_from;
	return true;
}

/* The days that the span touches, of those that are over. */
static bool
raise_days(
    struct task *task, const struct zone *zone, struct span span, int64_t until, int64_t *ret_rows)
{
	int32_t last = zone_date(zone, span.until - 1);

	for (int32_t date = zone_date(zone, span.since);
	     date <= last && zone_day_start(zone, date + 1) <= until; date++) {
		if (!raise_day(task, zone, date, ret_rows))
			return false;
	}
	return true;
}

bool
rollup_sum(struct task *task, const struct zone *zone, struct span span, int64_t *ret_rows)
{
	struct span hours = { span_floor(span.since, SPAN_HOUR), span_ceil(span.until, SPAN_HOUR) };
	struct span open = span;
	struct kept kept;

	*ret_rows = 0;
	if (!begin(task, &kept))
		return false;
	if (open.since < kept.whole_from)
		open.since = kept.whole_from;
	if (open.since < open.until && !sum_quarters(task, open, ret_rows))
		return false;
	return raise(task, "quarter", "hour", hours, "1 hour", 0, ret_rows) &&
	       raise_days(task, zone, span, kept.days_until, ret_rows);
}

/* The first day from the instant on that has rows by hour; today where there is none. */
static bool
find_first(struct task *task, const struct zone *zone, int64_t from, int32_t *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_time(params, span_floor(from, SPAN_HOUR));
	if (!db_query_one(task, first_sql, params, &rows))
		return false;
	*ret = zone_date(zone, db_null(rows, 0, 0) ? task->now : db_time(rows, 0, 0));
	/* The hour may have begun the day before. */
	if (zone_day_start(zone, *ret + 1) <= from)
		++*ret;
	return true;
}

static bool
write_ended(struct task *task, int64_t until)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_time(params, until);
	return db_query(task, ended_sql, params, NULL);
}

bool
rollup_end_day(struct task *task, const struct zone *zone, bool *ret_more, int64_t *ret_rows)
{
	int32_t today = zone_date(zone, task->now), date;
	struct kept kept;

	*ret_rows = 0;
	*ret_more = false;
	if (!begin(task, &kept))
		return false;
	if (kept.days_until >= zone_day_start(zone, today))
		return true;
	if (!find_first(task, zone, kept.days_until, &date))
		return false;
	*ret_more = date < today;
	if (!*ret_more)
		return write_ended(task, zone_day_start(zone, today));
	return raise_day(task, zone, date, ret_rows) &&
	       write_ended(task, zone_day_start(zone, date + 1));
}
