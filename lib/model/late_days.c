#include "lib/model/late_days.h"

#include <stdlib.h>

#include "lib/model/chat_log.h"

static const char find_sql[] = "SELECT id, unnest(late_days) "
			       "FROM ("
			       "SELECT id, late_days "
			       "FROM ingest_batches "
			       "WHERE client_id = $1 "
			       "AND late_days IS NOT NULL "
			       "ORDER BY id "
			       "LIMIT $2) AS late "
			       "ORDER BY id";

static const char clear_sql[] = "UPDATE ingest_batches "
				"SET late_days = NULL, "
				"summed_days = late_days "
				"WHERE client_id = $1 "
				"AND id = ANY ($2)";

static const char pending_sql[] = "SELECT EXISTS ("
				  "SELECT FROM ingest_batches "
				  "WHERE client_id = $1 "
				  "AND late_days IS NOT NULL "
				  "AND $2 = ANY (late_days))";

static const char forget_sql[] = "DELETE FROM ingest_batches "
				 "WHERE client_id = $1 "
				 "AND id IN ("
				 "SELECT id "
				 "FROM ingest_batches "
				 "WHERE client_id = $1 "
				 "AND id < $2 "
				 "AND late_days IS NULL "
				 "AND (stored_by IS NULL OR "
				 "NOT batch_is_new(stored_by, (SELECT rollup_snapshot()))) "
				 "ORDER BY id "
				 "LIMIT $3)";

static const char clients_sql[] = "SELECT DISTINCT client_id "
				  "FROM ingest_batches "
				  "WHERE late_days IS NOT NULL";

static const char old_sql[] = "SELECT l.client_id, l.id "
			      "FROM unnest($1::uuid[]) AS c (id) "
			      "CROSS JOIN LATERAL ("
			      "SELECT client_id, id "
			      "FROM ingest_batches "
			      "WHERE client_id = c.id "
			      "AND id < $2 "
			      "AND late_days IS NULL "
			      "AND (stored_by IS NULL OR "
			      "NOT batch_is_new(stored_by, (SELECT rollup_snapshot()))) "
			      "ORDER BY id "
			      "LIMIT $3) AS l "
			      "LIMIT $3";

static const char forget_all_sql[] = "DELETE FROM ingest_batches b "
				     "USING unnest($1::uuid[], $2::uuid[]) AS old (client_id, id) "
				     "WHERE b.client_id = old.client_id "
				     "AND b.id = old.id";

const char *const late_days_statements[] = { find_sql, clear_sql, pending_sql, forget_sql,
	clients_sql, old_sql, forget_all_sql, NULL };

static int
compare_dates(const void *a, const void *b)
{
	int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;

	return (left > right) - (left < right);
}

static size_t
sort_once(int32_t *dates, size_t count)
{
	size_t kept = 0;

	qsort(dates, count, sizeof(*dates), compare_dates);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || dates[kept - 1] != dates[i])
			dates[kept++] = dates[i];
	}
	return kept;
}

bool
late_days_find(struct task *task, struct late_days *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;
	int32_t *dates;
	struct id *batches;
	size_t count, batch_count = 0;

	db_add_id(params, task->client);
	db_add_int(params, LATE_DAYS_BATCHES_MAX);
	if (!db_query(task, find_sql, params, &rows))
		return false;
	count = (size_t)db_count(rows);
	dates = arena_array(task->arena, count, sizeof(*dates));
	batches = arena_array(task->arena, count, sizeof(*batches));
	for (size_t i = 0; i < count; i++) {
		struct id batch = db_id(rows, (int)i, 0);

		dates[i] = db_date(rows, (int)i, 1);
		if (batch_count == 0 || !id_equal(batches[batch_count - 1], batch))
			batches[batch_count++] = batch;
	}
	*ret = (struct late_days){
		.dates = dates,
		.date_count = sort_once(dates, count),
		.batches = batches,
		.batch_count = batch_count,
	};
	return true;
}

bool
late_days_clear(struct task *task, const struct late_days *late)
{
	struct db_params *params = db_params(task);
	struct db_array *batches;

	db_add_id(params, task->client);
	batches = db_add_array(params, DB_ARRAY_ID);
	for (size_t i = 0; i < late->batch_count; i++)
		db_array_id(batches, late->batches[i]);
	return db_query(task, clear_sql, params, NULL);
}

bool
late_days_pending(struct task *task, int32_t date, bool *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_date(params, date);
	if (!db_query(task, pending_sql, params, &rows))
		return false;
	*ret = db_bool(rows, 0, 0);
	return true;
}

bool
late_days_forget(struct task *task, int64_t before, int64_t *ret_count)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, chat_log_first_id(before));
	db_add_int(params, LATE_DAYS_BATCHES_MAX);
	if (!db_query(task, forget_sql, params, &rows))
		return false;
	*ret_count = db_changed(rows);
	return true;
}

bool
late_days_clients(struct task *task, const struct id **ret, size_t *ret_count)
{
	struct db_rows *rows;
	struct id *clients;

	if (!db_query(task, clients_sql, NULL, &rows))
		return false;
	*ret_count = (size_t)db_count(rows);
	clients = arena_array(task->arena, *ret_count, sizeof(*clients));
	for (size_t i = 0; i < *ret_count; i++)
		clients[i] = db_id(rows, (int)i, 0);
	*ret = clients;
	return true;
}

bool
late_days_forget_all(
    struct task *task, const struct id *clients, size_t count, int64_t before, int64_t *ret_count)
{
	struct db_params *params = db_params(task), *old = db_params(task);
	struct db_array *ids = db_add_array(params, DB_ARRAY_ID);
	struct db_array *old_clients = db_add_array(old, DB_ARRAY_ID);
	struct db_array *old_ids = db_add_array(old, DB_ARRAY_ID);
	struct db_rows *rows;

	for (size_t i = 0; i < count; i++)
		db_array_id(ids, clients[i]);
	db_add_id(params, chat_log_first_id(before));
	db_add_int(params, LATE_DAYS_BATCHES_MAX);
	if (!db_query(task, old_sql, params, &rows))
		return false;
	*ret_count = db_count(rows);
	for (int i = 0; i < db_count(rows); i++) {
		db_array_id(old_clients, db_id(rows, i, 0));
		db_array_id(old_ids, db_id(rows, i, 1));
	}
	return *ret_count == 0 || db_query(task, forget_all_sql, old, NULL);
}
