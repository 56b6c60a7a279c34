#include "worker/client_name.h"

#include "lib/db.h"

#include <string.h>

static const char find_sql[] = "SELECT id "
			       "FROM clients "
			       "WHERE (name = $1 OR id = $2::uuid) "
			       "AND id <> '00000000-0000-0000-0000-000000000000' "
			       "AND deleted_at IS NULL "
			       "ORDER BY id "
			       "LIMIT 2";

bool
client_name_find(struct task *task, const char *name_or_id, struct id *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;
	struct id id = { 0 };

	if (strcmp(name_or_id, CLIENT_OPERATOR) == 0) {
		*ret = id;
		return true;
	}
	db_add_text(params, name_or_id);
	if (id_parse((struct text){ name_or_id, strlen(name_or_id) }, &id))
		db_add_id(params, id);
	else
		db_add_null(params);
	if (!db_query(task, find_sql, params, &rows))
		return false;
	if (db_count(rows) == 0)
		return task_fail(
		    task, ERR_NOT_FOUND, "there is no such client: see tally client list");
	if (db_count(rows) > 1)
		return task_fail(
		    task, ERR_CONFLICT, "several clients have that name: give the id instead");
	*ret = db_id(rows, 0, 0);
	return true;
}
