/* The erasures as the jobs do them. */
#include "lib/model/audit.h"
#include "lib/model/day.h"
#include "lib/model/erasure_private.h"

static const char clients_sql[] = "SELECT DISTINCT client_id "
				  "FROM erasures "
				  "WHERE finished_at IS NULL "
				  "ORDER BY client_id";

static const char open_sql[] = "SELECT " ERASURE_COLUMNS " "
			       "FROM erasures e "
			       "WHERE e.client_id = $1 AND e.finished_at IS NULL "
			       "ORDER BY e.id";

/* The user is gone where another has done it meanwhile. */
static const char hold_sql[] = "SELECT user_id IS NOT NULL "
			       "FROM erasures "
			       "WHERE client_id = $1 AND id = $2 "
			       "FOR UPDATE";

static const char count_sql[] = "UPDATE erasures "
				"SET removed = removed || jsonb_build_object($3::text, "
				"coalesce((removed ->> $3::text)::bigint, 0) + $4::bigint) "
				"WHERE client_id = $1 AND id = $2";

/* What Redis counts by the user's name is not to be counted on any more. Before the row is locked:
 * batches take the two in this order. */
static const char bypass_sql[] = "SELECT counter_bypass(ARRAY[$1::uuid])";

/* Waits for every transaction that stores something of the user, and keeps the next from it. */
static const char lock_sql[] = "SELECT "
			       "FROM users "
			       "WHERE client_id = $1 AND id = $2 "
			       "FOR UPDATE";

static const char remember_sql[] =
    "INSERT INTO erased_users AS u (client_id, user_hash, erasure_id, erased_at) "
    "VALUES ($1, erased_hash($1, $2), $3, $4) "
    "ON CONFLICT (client_id, user_hash) DO UPDATE "
    "SET erasure_id = excluded.erasure_id, erased_at = excluded.erased_at";

static const char gone_sql[] = "UPDATE erasures "
			       "SET user_id = NULL, erased_at = $3 "
			       "WHERE client_id = $1 AND id = $2 "
			       "RETURNING removed::text";

static const char finish_sql[] =
    "UPDATE erasures "
    "SET finished_at = $2 "
    "WHERE client_id = ANY ($1) AND erased_at IS NOT NULL AND finished_at IS NULL";

const char *const erasure_job_statements[] = { clients_sql, open_sql, hold_sql, count_sql,
	bypass_sql, lock_sql, remember_sql, gone_sql, finish_sql, NULL };

bool
erasure_clients(struct task *task, const struct id **ret, size_t *ret_count)
{
	struct db_rows *rows;
	struct id *ids;

	if (!db_query(task, clients_sql, NULL, &rows))
		return false;
	*ret_count = (size_t)db_count(rows);
	ids = arena_array(task->arena, *ret_count, sizeof(*ids));
	for (size_t i = 0; i < *ret_count; i++)
		ids[i] = db_id(rows, (int)i, 0);
	*ret = ids;
	return true;
}

bool
erasure_list_open(struct task *task, struct erasures *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	if (!db_query(task, open_sql, params, &rows))
		return false;
	*ret = erasure_read_rows(task, rows);
	return true;
}

static bool
hold(struct task *task, const struct erasure *erasure, bool *ret_there)
{
	struct db_rows *rows;

	if (!db_query_one(task, hold_sql, db_params_of(task, erasure->id), &rows))
		return false;
	*ret_there = db_bool(rows, 0, 0);
	return true;
}

static bool
count(struct task *task, const struct erasure *erasure, const char *table, int64_t changed)
{
	struct db_params *params = db_params_of(task, erasure->id);

	if (changed == 0)
		return true;
	db_add_text(params, table);
	db_add_int(params, changed);
	return db_query(task, count_sql, params, NULL);
}

static bool
erase(struct task *task, const struct erasure *erasure, const struct erasure_table *table, int way,
    int64_t most, int64_t *ret_count)
{
	struct db_params *params = db_params_of(task, erasure->user);
	struct db_rows *rows;

	db_add_int(params, most);
	if (table->booked && !day_lock(task))
		return false;
	if (!db_query(task, table->erase[way], params, &rows))
		return false;
	*ret_count = db_count(rows) > 0 ? db_int(rows, 0, 0) : db_changed(rows);
	return count(task, erasure, table->name, *ret_count);
}

bool
erasure_step(struct task *task, const struct erasure *erasure, const struct erasure_table *table,
    int way, int64_t most, int64_t *ret_count)
{
	bool there;

	*ret_count = 0;
	if (!hold(task, erasure, &there))
		return false;
	return !there || erase(task, erasure, table, way, most, ret_count);
}

static bool
erase_rest(struct task *task, const struct erasure *erasure)
{
	const struct erasure_table *table;
	int64_t changed;

	for (size_t i = 0; (table = erasure_table_at(i)) != NULL; i++) {
		for (int way = 0; way < ERASURE_WAYS_MAX && table->erase[way]; way++) {
			if (!erase(task, erasure, table, way, INT64_MAX, &changed))
				return false;
		}
	}
	return true;
}

/* From here on nothing says who it was. */
static bool
forget(struct task *task, const struct erasure *erasure)
{
	struct db_params *memory = db_params_of(task, erasure->user);
	struct db_params *gone = db_params_of(task, erasure->id);
	struct db_rows *rows;

	db_add_id(memory, erasure->id);
	db_add_time(memory, task->now);
	db_add_time(gone, task->now);
	return db_query(task, remember_sql, memory, NULL) &&
	       db_query_one(task, gone_sql, gone, &rows) &&
	       audit_add(task, "erase", "erasures", erasure->id, (struct text){ 0 },
		   db_bytes(rows, 0, 0));
}

bool
erasure_end(struct task *task, const struct erasure *erasure)
{
	struct db_params *client = db_params(task);
	bool there;

	db_add_id(client, task->client);
	if (!db_query(task, bypass_sql, client, NULL) ||
	    !db_query(task, lock_sql, db_params_of(task, erasure->user), NULL) ||
	    !hold(task, erasure, &there))
		return false;
	return !there || (erase_rest(task, erasure) && forget(task, erasure));
}

bool
erasure_finish(struct task *task, const struct id *clients, size_t count_of)
{
	struct db_params *params = db_params(task);
	struct db_array *ids = db_add_array(params, DB_ARRAY_ID);

	for (size_t i = 0; i < count_of; i++)
		db_array_id(ids, clients[i]);
	db_add_time(params, task->now);
	return db_query(task, finish_sql, params, NULL);
}
