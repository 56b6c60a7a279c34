/* The audit log from its oldest entry on, for exports. */
#include "lib/model/audit_private.h"
#include "lib/model/chat_log.h"

#define PORTION 200 /* entries in memory at a time: each may hold two whole rows */

/* Ids say when an entry was made. */
#define BETWEEN \
	"FROM audit_log\n" \
	"WHERE client_id = $1 AND id >= $2 AND id < $3"

static const char next_sql[] = "SELECT id\n"
			       "FROM audit_log\n"
			       "WHERE client_id = $1 AND id >= $2\n"
			       "ORDER BY id\n"
			       "LIMIT 1";
static const char count_sql[] = "SELECT count(*)\n" BETWEEN;
static const char walk_sql[] = "SELECT " AUDIT_COLUMNS "\n" BETWEEN "\n"
			       "ORDER BY id";

const char *const audit_walk_statements[] = { next_sql, count_sql, walk_sql, NULL };

static struct db_params *
from(struct task *task, int64_t since)
{
	struct db_params *params = db_params(task);

	db_add_client(params, task->client);
	db_add_id(params, chat_log_first_id(since));
	return params;
}

static struct db_params *
between(struct task *task, int64_t since, int64_t until)
{
	struct db_params *params = from(task, since);

	db_add_id(params, chat_log_first_id(until));
	return params;
}

bool
audit_next(struct task *task, int64_t since, bool *ret_any, int64_t *ret_at)
{
	struct db_rows *rows;

	if (!db_query(task, next_sql, from(task, since), &rows))
		return false;
	*ret_any = db_count(rows) > 0;
	if (*ret_any)
		*ret_at = id_time(db_id(rows, 0, 0));
	return true;
}

bool
audit_count(struct task *task, int64_t since, int64_t until, int64_t *ret)
{
	struct db_rows *rows;

	if (!db_query(task, count_sql, between(task, since, until), &rows))
		return false;
	*ret = db_int(rows, 0, 0);
	return true;
}

bool
audit_walk(struct task *task, int64_t since, int64_t until, struct db_cursor **ret)
{
	return db_cursor_open(task, walk_sql, between(task, since, until), ret);
}

bool
audit_walk_next(struct task *task, struct db_cursor *cursor, struct audit_entries *ret)
{
	struct db_rows *rows;

	if (!db_cursor_next(task, cursor, PORTION, &rows))
		return false;
	audit_read_rows(task, rows, ret);
	return true;
}
