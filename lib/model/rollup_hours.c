#include "lib/model/day.h"
#include "lib/model/rollup.h"
#include "lib/model/rollup_private.h"

/* As far as the days before have rows of their own, in this zone, that nothing changes any more. */
static const char limit_sql[] = "SELECT least($3, whole_from, days_until) "
				"FROM rollup_clients "
				"WHERE client_id = $1 "
				"AND timezone = $2 "
				"AND whole_from > '-infinity' "
				"AND days_until IS NOT NULL";

static const char close_sql[] = "UPDATE rollup_clients "
				"SET hours_from = $2 "
				"WHERE client_id = $1 "
				"AND hours_from < $2";

static const char remove_sql[] = "DELETE FROM cost_aggregates "
				 "WHERE client_id = $1 "
				 "AND ctid = ANY (ARRAY("
				 "SELECT old.ctid "
				 "FROM rollup_clients r "
				 "CROSS JOIN unnest(ARRAY[" ROLLUP_DIMENSIONS "]) AS d (dimension) "
				 "CROSS JOIN LATERAL ("
				 "SELECT ctid "
				 "FROM cost_aggregates "
				 "WHERE client_id = $1 "
				 "AND dimension = d.dimension "
				 "AND grain = 'hour' "
				 "AND start < r.hours_from "
				 "ORDER BY start "
				 "LIMIT $2) AS old "
				 "WHERE r.client_id = $1 "
				 "LIMIT $2))";

const char *const rollup_hours_statements[] = { limit_sql, close_sql, remove_sql, NULL };

bool
rollup_close_hours(struct task *task, const struct zone *zone, const char *timezone, int64_t before)
{
	struct db_params *params = db_params(task), *close = db_params(task);
	struct db_rows *rows;
	int64_t start;

	db_add_id(params, task->client);
	db_add_text(params, timezone);
	db_add_time(params, before);
	if (!day_lock(task) || !db_query(task, limit_sql, params, &rows))
		return false;
	if (db_count(rows) == 0)
		return true;
	/* The hour in which the first day begins is needed for its day, too. */
	start = zone_day_start(zone, zone_date(zone, db_time(rows, 0, 0)));
	db_add_id(close, task->client);
	db_add_time(close, span_floor(start, SPAN_HOUR));
	return db_query(task, close_sql, close, NULL);
}

bool
rollup_forget_hours(struct task *task, int64_t *ret_count)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_int(params, ROLLUP_FORGET_MAX);
	if (!db_query(task, remove_sql, params, &rows))
		return false;
	*ret_count = db_changed(rows);
	return true;
}
