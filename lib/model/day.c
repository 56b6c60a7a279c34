#include "lib/model/day.h"

#include "lib/model/adjustment.h"
#include "lib/model/cents_sql.h"
#include "lib/model/chat_log.h"

#define INSERT \
	"INSERT INTO daily_costs AS d (client_id, date, total_cost_cents, total_requests, " \
	"total_tokens, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, " \
	"reasoning_tokens, failed_requests, unpriced_requests, unique_users) "
#define ONE "VALUES ($1, $2, $3::bigint * 0.0000001, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) "
/* By subscript: unnested beside each other, so many arrays cost more than twice as much. */
#define MANY \
	"SELECT ($1::uuid[])[i], ($2::date[])[i], ($3::bigint[])[i] * 0.0000001, " \
	"($4::bigint[])[i], ($5::bigint[])[i], ($6::bigint[])[i], ($7::bigint[])[i], " \
	"($8::bigint[])[i], ($9::bigint[])[i], ($10::bigint[])[i], ($11::bigint[])[i], " \
	"($12::bigint[])[i], ($13::bigint[])[i] " \
	"FROM generate_subscripts($1::uuid[], 1) AS i "
#define OR_UPDATE "ON CONFLICT (client_id, date) DO UPDATE "
#define SET_HIGHER \
	"SET reconciled_in = NULL, " \
	"total_cost_cents = greatest(d.total_cost_cents, excluded.total_cost_cents), " \
	"total_requests = greatest(d.total_requests, excluded.total_requests), " \
	"total_tokens = greatest(d.total_tokens, excluded.total_tokens), " \
	"input_tokens = greatest(d.input_tokens, excluded.input_tokens), " \
	"output_tokens = greatest(d.output_tokens, excluded.output_tokens), " \
	"cached_input_tokens = greatest(d.cached_input_tokens, excluded.cached_input_tokens), " \
	"cache_write_tokens = greatest(d.cache_write_tokens, excluded.cache_write_tokens), " \
	"reasoning_tokens = greatest(d.reasoning_tokens, excluded.reasoning_tokens), " \
	"failed_requests = greatest(d.failed_requests, excluded.failed_requests), " \
	"unpriced_requests = greatest(d.unpriced_requests, excluded.unpriced_requests), " \
	"unique_users = greatest(d.unique_users, excluded.unique_users) "
#define IS_HIGHER \
	"excluded.total_cost_cents > d.total_cost_cents OR " \
	"excluded.total_requests > d.total_requests OR " \
	"excluded.total_tokens > d.total_tokens OR " \
	"excluded.input_tokens > d.input_tokens OR " \
	"excluded.output_tokens > d.output_tokens OR " \
	"excluded.cached_input_tokens > d.cached_input_tokens OR " \
	"excluded.cache_write_tokens > d.cache_write_tokens OR " \
	"excluded.reasoning_tokens > d.reasoning_tokens OR " \
	"excluded.failed_requests > d.failed_requests OR " \
	"excluded.unpriced_requests > d.unpriced_requests OR " \
	"excluded.unique_users > d.unique_users "
#define SET_SAME \
	"SET reconciled_in = NULL, " \
	"total_cost_cents = excluded.total_cost_cents, " \
	"total_requests = excluded.total_requests, " \
	"total_tokens = excluded.total_tokens, " \
	"input_tokens = excluded.input_tokens, " \
	"output_tokens = excluded.output_tokens, " \
	"cached_input_tokens = excluded.cached_input_tokens, " \
	"cache_write_tokens = excluded.cache_write_tokens, " \
	"reasoning_tokens = excluded.reasoning_tokens, " \
	"failed_requests = excluded.failed_requests, " \
	"unpriced_requests = excluded.unpriced_requests, " \
	"unique_users = greatest(d.unique_users, excluded.unique_users) "

/* Namespace of the lock: the counters lock the client's id itself (migrations, "ingest"). */
static const char lock_sql[] =
    "SELECT pg_advisory_xact_lock(hashtextextended('days ' || $1::uuid::text, 0))";

/* In the order of the clients, as those do who lock one after the other. */
static const char lock_all_sql[] =
    "SELECT pg_advisory_xact_lock(hashtextextended('days ' || c::text, 0)) "
    "FROM (SELECT unnest($1::uuid[]) AS c ORDER BY c) AS clients";

/*
 * What a crash of PostgreSQL may take back of it, the next flush brings again. A job says that it
 * has succeeded by a commit that waits, and for all those before it.
 */
static const char no_wait_sql[] = "SELECT set_config('synchronous_commit', 'off', true)";

#define WHERE_HIGHER \
	"WHERE d.closed_at IS NULL " \
	"AND (" IS_HIGHER ")"

static const char raise_sql[] = INSERT ONE OR_UPDATE SET_HIGHER WHERE_HIGHER;
static const char raise_all_sql[] = INSERT MANY OR_UPDATE SET_HIGHER WHERE_HIGHER;

static const char correct_sql[] = INSERT ONE OR_UPDATE SET_SAME "WHERE d.closed_at IS NULL";

static const char close_sql[] = "UPDATE daily_costs "
				"SET closed_at = $3 "
				"WHERE client_id = $1 "
				"AND date = $2 "
				"AND closed_at IS NULL";

static const char reconcile_sql[] = "UPDATE daily_costs "
				    "SET reconciled_in = $3 "
				    "WHERE client_id = $1 "
				    "AND date = $2 "
				    "AND closed_at IS NULL "
				    "AND reconciled_in IS DISTINCT FROM $3";

/* In a new zone a day has other bounds. */
static const char state_sql[] = "SELECT closed_at IS NOT NULL, "
				"reconciled_in = $3 "
				"AND NOT EXISTS ("
				"SELECT FROM counter_states "
				"WHERE client_id = $1 "
				"AND day = $2) "
				"AND NOT EXISTS ("
				"SELECT FROM ingest_batches "
				"WHERE client_id = $1 "
				"AND late_days IS NOT NULL "
				"AND $2 = ANY (late_days)) "
				"FROM daily_costs "
				"WHERE client_id = $1 "
				"AND date = $2";

static const char late_cost_sql[] =
    "SELECT greatest(least(((SELECT coalesce(sum(coalesce(verified_cost_cents, estimated_cost_cents)), 0) "
    "FROM chat_logs "
    "WHERE client_id = $1 "
    "AND id >= $2 AND id < $3 "
    "AND created_at >= $4 AND created_at < $5 "
    "AND received_at > $6) "
    "- (SELECT coalesce(sum(amount_cents), 0) "
    "FROM cost_adjustments "
    "WHERE client_id = $1 "
    "AND date = $7 "
    "AND reason = $8)) * 10000000, " SUM_NANOS_MAX "), -" SUM_NANOS_MAX ")::bigint";

static const char next_stored_sql[] = "SELECT min(date) "
				      "FROM daily_costs "
				      "WHERE client_id = $1 "
				      "AND date >= $2";

/* The order of ids is the order of time: the primary key gives the first record from an instant on.
 */
static const char next_record_sql[] = "SELECT created_at "
				      "FROM chat_logs "
				      "WHERE client_id = $1 "
				      "AND id >= $2 "
				      "AND created_at >= $3 "
				      "ORDER BY id "
				      "LIMIT 1";

static const char open_sql[] = "SELECT EXISTS ("
			       "SELECT FROM counter_states "
			       "WHERE client_id = $1 "
			       "AND day = $2)";

const char *const day_statements[] = { lock_sql, lock_all_sql, raise_sql, raise_all_sql,
	no_wait_sql, correct_sql, close_sql, reconcile_sql, state_sql, late_cost_sql,
	next_stored_sql, next_record_sql, open_sql, NULL };

bool
day_lock(struct task *task)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	return db_query(task, lock_sql, params, NULL);
}

static struct db_params *
day_params(struct task *task, const struct daily_cost *day)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_date(params, day->date);
	for (int i = 0; i < TOTAL_COUNT; i++)
		db_add_int(params, day->totals.at[i]);
	db_add_int(params, day->unique_users);
	return params;
}

bool
day_raise(struct task *task, const struct daily_cost *day, bool *ret_changed)
{
	struct db_rows *rows;

	if (!db_query(task, raise_sql, day_params(task, day), &rows))
		return false;
	*ret_changed = db_changed(rows) > 0;
	return true;
}

bool
day_raise_all(struct task *task, const struct client_day *list, size_t count, int64_t *ret_changed)
{
	struct db_params *locks = db_params(task), *params = db_params(task);
	struct db_array *locked = db_add_array(locks, DB_ARRAY_ID);
	struct db_array *clients = db_add_array(params, DB_ARRAY_ID);
	struct db_array *dates = db_add_array(params, DB_ARRAY_DATE);
	struct db_array *totals[TOTAL_COUNT], *users;
	struct db_rows *rows[3];

	for (int t = 0; t < TOTAL_COUNT; t++)
		totals[t] = db_add_array(params, DB_ARRAY_INT);
	users = db_add_array(params, DB_ARRAY_INT);
	for (size_t i = 0; i < count; i++) {
		db_array_id(locked, list[i].client);
		db_array_id(clients, list[i].client);
		db_array_date(dates, list[i].day.date);
		for (int t = 0; t < TOTAL_COUNT; t++)
			db_array_int(totals[t], list[i].day.totals.at[t]);
		db_array_int(users, list[i].day.unique_users);
	}
	if (!db_pipeline(task,
		(struct db_step[]){ { .sql = no_wait_sql },
		    { .sql = lock_all_sql, .params = locks },
		    { .sql = raise_all_sql, .params = params } },
		3, rows))
		return false;
	*ret_changed = db_changed(rows[2]);
	return true;
}

bool
day_correct(struct task *task, const struct daily_cost *day)
{
	return db_query(task, correct_sql, day_params(task, day), NULL);
}

bool
day_close(struct task *task, int32_t date)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_date(params, date);
	db_add_time(params, task->now);
	return db_query(task, close_sql, params, NULL);
}

static struct db_params *
zone_params(struct task *task, const struct zone *zone, int32_t date)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_date(params, date);
	db_add_text(params, zone_name(zone));
	return params;
}

bool
day_reconcile(struct task *task, const struct zone *zone, int32_t date)
{
	return db_query(task, reconcile_sql, zone_params(task, zone, date), NULL);
}

bool
day_find_state(struct task *task, const struct zone *zone, int32_t date, enum day_state *ret)
{
	struct db_rows *rows;

	if (!db_query(task, state_sql, zone_params(task, zone, date), &rows))
		return false;
	*ret = DAY_OPEN;
	if (db_count(rows) > 0 && db_bool(rows, 0, 0))
		*ret = DAY_CLOSED;
	else if (db_count(rows) > 0 && !db_null(rows, 0, 1) && db_bool(rows, 0, 1))
		*ret = DAY_RECONCILED;
	return true;
}

static bool
sum_late(
    struct task *task, const struct zone *zone, const struct daily_cost *stored, int64_t *ret_nanos)
{
	struct db_params *params = db_params(task);
	int64_t start = zone_day_start(zone, stored->date);
	int64_t end = zone_day_start(zone, stored->date + 1);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, chat_log_first_id(start));
	db_add_id(params, chat_log_first_id(end));
	db_add_time(params, start);
	db_add_time(params, end);
	db_add_time(params, stored->closed_at);
	db_add_date(params, stored->date);
	db_add_text(params, DAY_LATE_REASON);
	if (!db_query(task, late_cost_sql, params, &rows))
		return false;
	*ret_nanos = db_int(rows, 0, 0);
	return true;
}

bool
day_book_late(
    struct task *task, const struct zone *zone, const struct daily_cost *stored, int64_t *ret_nanos)
{
	struct adjustment adjustment = { .date = stored->date, .reason = DAY_LATE_REASON };

	*ret_nanos = 0;
	if (!sum_late(task, zone, stored, &adjustment.amount_nanos))
		return false;
	/* Less than was booked: the records themselves are past their time by now. */
	if (adjustment.amount_nanos <= 0)
		return true;
	*ret_nanos = adjustment.amount_nanos;
	return adjustment_add(task, &adjustment);
}

bool
day_next(struct task *task, const struct zone *zone, int32_t from, bool *ret_any, int32_t *ret_date)
{
	struct db_params *stored = db_params(task), *record = db_params(task);
	int64_t start = zone_day_start(zone, from);
	struct db_rows *rows[2];
	int32_t date;

	db_add_id(stored, task->client);
	db_add_date(stored, from);
	db_add_id(record, task->client);
	db_add_id(record, chat_log_first_id(start));
	db_add_time(record, start);
	if (!db_query(task, next_stored_sql, stored, &rows[0]) ||
	    !db_query(task, next_record_sql, record, &rows[1]))
		return false;
	*ret_any = !db_null(rows[0], 0, 0) || db_count(rows[1]) > 0;
	if (!db_null(rows[0], 0, 0))
		*ret_date = db_date(rows[0], 0, 0);
	if (db_count(rows[1]) == 0)
		return true;
	date = zone_date(zone, db_time(rows[1], 0, 0));
	if (db_null(rows[0], 0, 0) || date < *ret_date)
		*ret_date = date;
	return true;
}

bool
day_is_open(struct task *task, int32_t date, bool *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_date(params, date);
	if (!db_query(task, open_sql, params, &rows))
		return false;
	*ret = db_bool(rows, 0, 0);
	return true;
}
