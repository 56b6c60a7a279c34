#include "lib/clock.h"
#include "lib/model/day.h"
#include "lib/model/rollup_private.h"
#include "lib/model/usage_sql.h"

/* Rows of groups that are no more go, others are written, and equal ones are not even locked. */
#define REPLACE(grain, since, until, sums) \
	"WITH sums AS MATERIALIZED (SELECT * FROM " sums "), " \
	"gone AS (" \
	"DELETE FROM cost_aggregates a " \
	"WHERE a.client_id = $1 " \
	"AND a.dimension IN (" ROLLUP_DIMENSIONS ") " \
	"AND a.grain = " grain " " \
	"AND a.start >= " since " AND a.start < " until " " \
	"AND NOT EXISTS (" \
	"SELECT FROM sums s " \
	"WHERE s.dimension = a.dimension AND s.start = a.start AND s.key = a.key)) " \
	"INSERT INTO cost_aggregates AS a " \
	"SELECT * " \
	"FROM sums s " \
	"WHERE NOT EXISTS (" \
	"SELECT FROM cost_aggregates o " \
	"WHERE o.client_id = $1 " \
	"AND o.dimension IN (" ROLLUP_DIMENSIONS ") " \
	"AND o.grain = " grain " " \
	"AND o.start >= " since " AND o.start < " until " " \
	"AND o.dimension = s.dimension AND o.start = s.start AND o.key = s.key " \
	"AND ROW(o.*) IS NOT DISTINCT FROM ROW(s.*)) " \
	"ON CONFLICT (client_id, dimension, grain, start, key) DO UPDATE " \
	"SET (" COLUMNS ") = (" EXCLUDED ")"

#define COLUMNS USAGE_COLUMNS ", duration_slots, duration_calls, quarter, quarters"
#define EXCLUDED \
	"excluded.cost_cents, excluded.calls, excluded.tokens, excluded.input_tokens, " \
	"excluded.output_tokens, excluded.cached_input_tokens, excluded.cache_write_tokens, " \
	"excluded.reasoning_tokens, excluded.failed_calls, excluded.unpriced_calls, " \
	"excluded.duration_slots, excluded.duration_calls, excluded.quarter, excluded.quarters"

/* Parameters as of USAGE_OF_LOG(), and the hours in which the time from $4 to $5 lies. */
static const char hours_sql[] =
    REPLACE("'hour'", "$7", "$8", "log_hours($1, $2, $3, $4, $5, $6::bigint[], $7)");

static const char day_sql[] = REPLACE("'day'", "$3", "$4", "day_rows($1, $2, $3, $4)");

static const char client_sql[] =
    "SELECT nullif(whole_from, '-infinity'), days_until, nullif(hours_from, '-infinity'), "
    "nullif(days_from, '-infinity'), nullif(closed_from, '-infinity'), users_until "
    "FROM rollup_clients "
    "WHERE client_id = $1";

static const char first_sql[] = "SELECT min(start) "
				"FROM cost_aggregates "
				"WHERE client_id = $1 "
				"AND dimension = 'provider' "
				"AND grain = 'hour' "
				"AND start >= $2";

static const char ended_sql[] = "UPDATE rollup_clients "
				"SET days_until = $2, " ROLLUP_REVISED " "
				"WHERE client_id = $1";

static const char revised_sql[] = "UPDATE rollup_clients "
				  "SET " ROLLUP_REVISED " "
				  "WHERE client_id = $1";

static const char open_revised_sql[] = "UPDATE rollup_clients "
				       "SET " ROLLUP_OPEN_REVISED " "
				       "WHERE client_id = $1";

/* The groups of a million records fit. */
static const char memory_sql[] = "SELECT set_config('work_mem', '128MB', true)";

const char *const rollup_sum_statements[] = { hours_sql, day_sql, client_sql, first_sql, ended_sql,
	revised_sql, open_revised_sql, memory_sql, NULL };

bool
rollup_find_bounds(struct task *task, struct rollup_bounds *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	*ret = (struct rollup_bounds){ 0 };
	db_add_id(params, task->client);
	if (!db_query(task, client_sql, params, &rows))
		return false;
	if (db_count(rows) > 0)
		*ret = (struct rollup_bounds){
			.whole_from = span_ceil(db_time(rows, 0, 0), SPAN_QUARTER),
			.days_until = db_time(rows, 0, 1),
			.hours_from = db_time(rows, 0, 2),
			.days_from = db_time(rows, 0, 3),
			.closed_from = db_time(rows, 0, 4),
			.users_until = db_time(rows, 0, 5),
		};
	return true;
}

bool
rollup_lock(struct task *task, struct rollup_bounds *ret)
{
	return day_lock(task) && db_query(task, memory_sql, NULL, NULL) &&
	       rollup_find_bounds(task, ret);
}

/* Of whole hours, from the log as far as it is whole. */
static bool
sum_hours(struct task *task, struct span hours, int64_t whole_from, int64_t *ret_rows)
{
	struct db_params *params = db_params(task);
	struct span log = hours;
	struct db_rows *rows;

	if (log.since < whole_from) {
		log.since = whole_from;
		hours.since = span_floor(whole_from, SPAN_HOUR);
	}
	if (log.since >= log.until)
		return true;
	usage_add_params(task, params, log);
	db_add_time(params, hours.since);
	db_add_time(params, hours.until);
	if (!db_query(task, hours_sql, params, &rows))
		return false;
	*ret_rows += db_changed(rows);
	return true;
}

/* A day that began before the rows by hour do is as it is. */
static bool
sum_day(
    struct task *task, const struct zone *zone, int32_t date, int64_t hours_from, int64_t *ret_rows)
{
	struct span day = { zone_day_start(zone, date), zone_day_start(zone, date + 1) };
	bool hours = day.since % SPAN_HOUR == 0 && day.until % SPAN_HOUR == 0;
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	if (day.since >= day.until || day.since < hours_from)
		return true;
	db_add_id(params, task->client);
	db_add_text(params, hours ? "hour" : "quarter");
	db_add_time(params, day.since);
	db_add_time(params, day.until);
	if (!db_query(task, day_sql, params, &rows))
		return false;
	*ret_rows += db_changed(rows);
	return true;
}

/* The days that the span touches, of those that are over. */
static bool
sum_days(struct task *task, const struct zone *zone, struct span span,
    const struct rollup_bounds *kept, int64_t *ret_rows)
{
	int32_t last = zone_date(zone, span.until - 1);

	for (int32_t date = zone_date(zone, span.since);
	     date <= last && zone_day_start(zone, date + 1) <= kept->days_until; date++) {
		if (!sum_day(task, zone, date, kept->hours_from, ret_rows))
			return false;
	}
	return true;
}

static bool
write_revised(struct task *task, bool over)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	return db_query(task, over ? revised_sql : open_revised_sql, params, NULL);
}

bool
rollup_sum(struct task *task, const struct zone *zone, struct span span, int64_t *ret_rows)
{
	struct rollup_bounds kept;

	*ret_rows = 0;
	return rollup_lock(task, &kept) && sum_hours(task, span, kept.whole_from, ret_rows) &&
	       sum_days(task, zone, span, &kept, ret_rows) &&
	       rollup_sum_users(task, zone, span, &kept, ret_rows) &&
	       write_revised(task, span.since < kept.days_until);
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
	struct rollup_bounds kept;

	*ret_rows = 0;
	*ret_more = false;
	if (!rollup_lock(task, &kept))
		return false;
	if (kept.days_until >= zone_day_start(zone, today))
		return rollup_end_users(task, zone, &kept, ret_more, ret_rows);
	if (!find_first(task, zone, kept.days_until, &date))
		return false;
	*ret_more = true;
	if (date >= today)
		return write_ended(task, zone_day_start(zone, today));
	return sum_day(task, zone, date, kept.hours_from, ret_rows) &&
	       write_ended(task, zone_day_start(zone, date + 1));
}
