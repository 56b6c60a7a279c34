#include "worker/partition.h"

#include "lib/clock.h"
#include "lib/model/budget_carry.h"

#include <string.h>
#include <time.h>

#define TRIES 10
#define PAUSE_NS 200000000L
#define LOCK_NOT_AVAILABLE "55P03"

const char *const partitioned_names[] = {
	[PARTITIONED_LOG] = "chat_logs",
	[PARTITIONED_AUTHORIZATIONS] = "authorizations",
	[PARTITIONED_MESSAGES] = "messages",
	[PARTITIONED_TOOLS] = "tool_executions",
};
_Static_assert(COUNT(partitioned_names) == PARTITIONED_COUNT, "a table without a name");

static const char list_sql[] =
    "SELECT to_date(right(c.relname, 8), 'YYYYMMDD'), pg_total_relation_size(c.oid) "
    "FROM pg_inherits i "
    "JOIN pg_class c ON c.oid = i.inhrelid "
    "WHERE i.inhparent = $1::text::regclass "
    "AND c.relname ~ '_[0-9]{8}$' "
    "ORDER BY c.relname";

/* Between two partitions there is nothing to scan but the default one. */
static const char *const stray_sql[] = {
	[PARTITIONED_LOG] = "SELECT min(created_at) "
			    "FROM chat_logs "
			    "WHERE created_at >= $1 "
			    "AND created_at < $2",
	[PARTITIONED_AUTHORIZATIONS] = "SELECT min(created_at) "
				       "FROM authorizations "
				       "WHERE created_at >= $1 "
				       "AND created_at < $2",
	[PARTITIONED_MESSAGES] = "SELECT min(created_at) "
				 "FROM messages "
				 "WHERE created_at >= $1 "
				 "AND created_at < $2",
	[PARTITIONED_TOOLS] = "SELECT min(created_at) "
			      "FROM tool_executions "
			      "WHERE created_at >= $1 "
			      "AND created_at < $2",
};

/* Waiting for the lock makes every writer wait behind it. */
static const char patience_sql[] = "SELECT set_config('lock_timeout', '1s', true)";
static const char add_sql[] = "SELECT day_partition_add($1, $2)";
static const char drop_sql[] = "SELECT day_partition_drop($1, $2)";

bool
partition_list(struct task *task, enum partitioned table, struct partitions *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;
	struct partition *list;

	db_add_text(params, partitioned_names[table]);
	if (!db_query(task, list_sql, params, &rows) || !db_commit(task))
		return false;
	ret->table = table;
	ret->count = (size_t)db_count(rows);
	list = arena_array(task->arena, ret->count, sizeof(*list));
	for (size_t i = 0; i < ret->count; i++) {
		list[i].date = db_date(rows, (int)i, 0);
		list[i].bytes = db_int(rows, (int)i, 1);
	}
	ret->at = list;
	return true;
}

static bool
find_between(struct task *task, enum partitioned table, int32_t from, int32_t until, bool *ret_any,
    int32_t *ret_date)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_time(params, from * CLOCK_DAY);
	db_add_time(params, until * CLOCK_DAY);
	if (!db_query(task, stray_sql[table], params, &rows) || !db_commit(task))
		return false;
	*ret_any = !db_null(rows, 0, 0);
	if (*ret_any)
		*ret_date = (int32_t)(db_time(rows, 0, 0) / CLOCK_DAY);
	return true;
}

bool
partition_next_stray(struct task *task, const struct partitions *partitions, int32_t from,
    bool *ret_any, int32_t *ret_date)
{
	for (size_t i = 0; i < partitions->count; i++) {
		int32_t date = partitions->at[i].date;

		if (date < from)
			continue;
		if (date > from) {
			if (!find_between(task, partitions->table, from, date, ret_any, ret_date))
				return false;
			if (*ret_any)
				return true;
		}
		from = date + 1;
	}
	return find_between(task, partitions->table, from, DATE_MAX, ret_any, ret_date);
}

static bool
try_once(struct task *task, const char *sql, enum partitioned table, int32_t date, bool *ret_done)
{
	const struct window day = { date * CLOCK_DAY, (date + 1) * CLOCK_DAY };
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_text(params, partitioned_names[table]);
	db_add_date(params, date);
	if (!db_query(task, patience_sql, NULL, NULL))
		return false;
	if (sql == drop_sql && table == PARTITIONED_LOG && !budget_carry_keep_all(task, day))
		return false;
	if (!db_query(task, sql, params, &rows))
		return false;
	*ret_done = db_bool(rows, 0, 0);
	return db_commit(task);
}

static bool
try_often(struct task *task, const char *sql, enum partitioned table, int32_t date, bool *ret_done)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };

	for (int i = 1; !try_once(task, sql, table, date, ret_done); i++) {
		if (i == TRIES || strcmp(task->err.sqlstate, LOCK_NOT_AVAILABLE) != 0)
			return false;
		db_rollback(task);
		task_clear_error(task);
		nanosleep(&pause, NULL);
	}
	return true;
}

bool
partition_add(struct task *task, enum partitioned table, int32_t date, bool *ret_done)
{
	return try_often(task, add_sql, table, date, ret_done);
}

bool
partition_drop(struct task *task, enum partitioned table, int32_t date, bool *ret_done)
{
	return try_often(task, drop_sql, table, date, ret_done);
}
