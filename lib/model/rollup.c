#include "lib/model/rollup.h"

#include "lib/model/day.h"
#include "lib/model/rollup_private.h"

/* All in one statement, so that what it sees is the snapshot that it keeps. */
/* Batches of the same quarter of an hour, by the first digits of their ids, are one span. */
static const char collect_sql[] =
    "WITH fresh AS MATERIALIZED ("
    "SELECT client_id, id::text COLLATE \"C\" AS id, coalesce(late_days, summed_days) AS days "
    "FROM ingest_batches "
    "WHERE " ROLLUP_NEW(
	"stored_by") "), "
		     "recent AS ("
		     "INSERT INTO rollup_pending (client_id, since, until) "
		     "SELECT client_id, id_time(min(id)::uuid) - batch_recent(), id_time(max(id)::uuid) + batch_ahead() "
		     "FROM fresh "
		     "GROUP BY client_id, left(id, 7)), "
		     "late AS ("
		     "INSERT INTO rollup_pending (client_id, since, until) "
		     "SELECT DISTINCT f.client_id, "
		     "d.day::timestamp AT TIME ZONE c.timezone - rollup_margin(c.id), "
		     "(d.day + 1)::timestamp AT TIME ZONE c.timezone + rollup_margin(c.id) "
		     "FROM fresh f "
		     "CROSS JOIN LATERAL unnest(f.days) AS d (day) "
		     "JOIN clients c ON c.id = f.client_id) "
		     "UPDATE rollup_state "
		     "SET snapshot = pg_current_snapshot(), collected_at = clock_timestamp(), "
		     "cluster = (SELECT system_identifier FROM pg_control_system()), "
		     "server_started_at = pg_postmaster_start_time() "
		     "RETURNING (SELECT count(*) FROM fresh)";

static const char begin_sql[] = "INSERT INTO rollup_clients AS r (client_id, timezone) "
				"SELECT id, timezone "
				"FROM clients "
				"WHERE id = $1 "
				"AND timezone = $2 "
				"ON CONFLICT (client_id) DO UPDATE "
				"SET timezone = excluded.timezone, "
				"timezone_at = clock_timestamp(), "
				"days_until = NULL, " ROLLUP_REVISED ", "
				"users_until = NULL, "
				"days_from = r.hours_from, "
				"closed_from = r.whole_from "
				"WHERE r.timezone <> excluded.timezone";

/* They begin where days of another zone did; one that has no record now would keep its row. */
static const char undo_sql[] = "DELETE FROM cost_aggregates "
			       "WHERE client_id = $1 "
			       "AND dimension IN (" ROLLUP_DIMENSIONS ") "
			       "AND grain = 'day' "
			       "AND start >= ("
			       "SELECT hours_from "
			       "FROM rollup_clients "
			       "WHERE client_id = $1)";

static const char undo_users_sql[] = "DELETE FROM user_costs "
				     "WHERE client_id = $1 "
				     "AND days = ANY ('{1, 2, 4, 8, 16}') "
				     "AND start >= ("
				     "SELECT hours_from "
				     "FROM rollup_clients "
				     "WHERE client_id = $1)";

static const char ready_sql[] = "SELECT "
				"FROM rollup_clients "
				"WHERE client_id = $1 "
				"AND timezone = $2";

static const char ask_sql[] = "INSERT INTO rollup_pending (client_id, since, until) "
			      "VALUES ($1, $2, $3)";

static const char find_sql[] = "SELECT id, since, until "
			       "FROM rollup_pending "
			       "WHERE client_id = $1 "
			       "ORDER BY id "
			       "LIMIT $2";

static const char clear_sql[] = "DELETE FROM rollup_pending "
				"WHERE client_id = $1 "
				"AND id = ANY ($2)";

/* Whatever was committed has been collected by then, or waits to be. */
static const char unsummed_sql[] =
    "SELECT EXISTS ("
    "SELECT FROM rollup_pending "
    "WHERE client_id = $1 "
    "AND since < $2) "
    "OR EXISTS ("
    "SELECT FROM ingest_batches b "
    "WHERE b.client_id = $1 "
    "AND " ROLLUP_NEW(
	"b.stored_by") " "
		       "AND (id_time(b.id) - batch_recent() < $2 "
		       "OR EXISTS ("
		       "SELECT FROM unnest(coalesce(b.late_days, b.summed_days)) AS d (day) "
		       "WHERE (d.day - 1)::timestamp AT TIME ZONE 'UTC' < $2)))";

static const char close_sql[] = "UPDATE rollup_clients "
				"SET whole_from = greatest(whole_from, $2) "
				"WHERE client_id = $1";

static const char waiting_sql[] =
    "SELECT (SELECT count(*) "
    "FROM ingest_batches "
    "WHERE " ROLLUP_NEW("stored_by") "), "
				     "(SELECT count(*) FROM rollup_pending)";

const char *const rollup_statements[] = { collect_sql, begin_sql, undo_sql, undo_users_sql,
	ready_sql, ask_sql, find_sql, clear_sql, unsummed_sql, close_sql, waiting_sql, NULL };

/* Of one call; the next begins behind them. */
#define PENDING_MAX 10000

bool
rollup_collect(struct task *task, int64_t *ret_batches)
{
	struct db_rows *rows;

	if (!db_query_one(task, collect_sql, NULL, &rows))
		return false;
	*ret_batches = db_int(rows, 0, 0);
	return true;
}

bool
rollup_ask(struct task *task, struct span span)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_time(params, span.since);
	db_add_time(params, span.until);
	return db_query(task, ask_sql, params, NULL);
}

/* Each day that has records, or a row in daily_costs. */
static bool
ask_all(struct task *task, const struct zone *zone)
{
	int32_t date;
	bool any;

	for (date = 0; day_next(task, zone, date, &any, &date) && any; date++) {
		struct span day = { zone_day_start(zone, date), zone_day_start(zone, date + 1) };

		if (day.since < day.until && !rollup_ask(task, day))
			return false;
	}
	return task->err.code == ERR_NONE;
}

static bool
undo_days(struct task *task)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	return db_query(task, undo_sql, params, NULL) &&
	       db_query(task, undo_users_sql, params, NULL);
}

bool
rollup_begin(struct task *task, const struct zone *zone, const char *timezone, bool *ret_ready)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_text(params, timezone);
	if (!db_query(task, begin_sql, params, &rows))
		return false;
	if (db_changed(rows) > 0 && (!undo_days(task) || !ask_all(task, zone)))
		return false;
	if (!db_query(task, ready_sql, params, &rows))
		return false;
	*ret_ready = db_count(rows) > 0;
	return true;
}

bool
rollup_find(struct task *task, struct rollup_pending *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;
	int count;

	db_add_id(params, task->client);
	db_add_int(params, PENDING_MAX);
	if (!db_query(task, find_sql, params, &rows))
		return false;
	count = db_count(rows);
	ret->spans = arena_array(task->arena, (size_t)count, sizeof(*ret->spans));
	for (int i = 0; i < count; i++)
		ret->spans[i] = (struct span){
			.since = span_floor(db_time(rows, i, 1), SPAN_HOUR),
			.until = span_ceil(db_time(rows, i, 2), SPAN_HOUR),
		};
	ret->count = span_tidy(ret->spans, (size_t)count);
	ret->rows = rows;
	return true;
}

bool
rollup_clear(struct task *task, const struct rollup_pending *pending)
{
	struct db_params *params = db_params(task);
	struct db_array *ids;

	db_add_id(params, task->client);
	ids = db_add_array(params, DB_ARRAY_INT);
	for (int i = 0; i < db_count(pending->rows); i++)
		db_array_int(ids, db_int(pending->rows, i, 0));
	return db_query(task, clear_sql, params, NULL);
}

bool
rollup_close(struct task *task, int64_t before, bool *ret_done)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	*ret_done = false;
	db_add_id(params, task->client);
	db_add_time(params, before);
	if (!db_query(task, unsummed_sql, params, &rows))
		return false;
	if (db_bool(rows, 0, 0))
		return true;
	if (!db_query(task, close_sql, params, &rows))
		return false;
	*ret_done = db_changed(rows) > 0;
	return true;
}

bool
rollup_count_waiting(struct task *task, int64_t *ret_batches, int64_t *ret_spans)
{
	struct db_rows *rows;

	if (!db_query_one(task, waiting_sql, NULL, &rows))
		return false;
	*ret_batches = db_int(rows, 0, 0);
	*ret_spans = db_int(rows, 0, 1);
	return true;
}
