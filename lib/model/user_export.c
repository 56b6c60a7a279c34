#include "lib/model/user_export.h"

#include "lib/json_write.h"
#include "lib/model/erasure_tables.h"

#include <string.h>

static const char find_sql[] = "SELECT "
			       "FROM users "
			       "WHERE client_id = $1 AND id = $2";

const char *const user_export_statements[] = { find_sql, NULL };

struct user_export {
	struct id user;
	const struct erasure_table *table;
	size_t next; /* of the tables */
	struct db_cursor *cursor; /* of the table */
};

bool
user_export_open(struct task *task, struct id user, struct user_export **ret)
{
	struct user_export *export = arena_alloc(task->arena, sizeof(*export));
	struct db_rows *rows;

	if (task->db == NULL)
		db_set_snapshot(task);
	if (!db_query_one(task, find_sql, db_params_of(task, user), &rows))
		return false;
	*export = (struct user_export){ .user = user };
	*ret = export;
	return true;
}

bool
user_export_table(struct task *task, struct user_export *export, bool *ret_any)
{
	struct db_params *params = db_params_of(task, export->user);
	struct json_texts without;

	do
		export->table = erasure_table_at(export->next++);
	while (export->table != NULL && export->table->find == NULL);
	*ret_any = export->table != NULL;
	if (!*ret_any)
		return true;
	without = erasure_names(task, export->table->secret);
	db_add_texts(params, without.at, without.count);
	return db_cursor_open(task, export->table->find, params, &export->cursor);
}

static void
add_line(struct buf *to, const char *table, const char *row)
{
	struct json_out *out = json_out_new(to);

	json_open(out);
	json_text(out, "table", table);
	json_raw(out, "row", (struct text){ row, strlen(row) });
	json_close(out);
	buf_putc(to, '\n');
}

bool
user_export_rows(struct task *task, struct user_export *export, struct buf *to, int64_t *ret_count)
{
	struct db_rows *rows;

	if (!db_cursor_next(task, export->cursor, USER_EXPORT_PORTION, &rows))
		return false;
	*ret_count = db_count(rows);
	for (int i = 0; i < db_count(rows); i++)
		add_line(to, export->table->name, db_text(rows, i, 0));
	return *ret_count > 0 || db_cursor_close(task, export->cursor);
}
