#include "lib/db_private.h"

struct db_cursor {
	unsigned number;
};

/* Composed SQL: the texts are constants of the program and numbers, never anybody's input. */
static bool
run_once(struct task *task, const char *sql, const struct db_params *params, struct db_rows **ret)
{
	struct db_send send = { .sql = sql, .params = params, .once = true };

	if (!db_exchange(task, task->db, &send, 1)) {
		db_rollback(task);
		return false;
	}
	if (ret != NULL)
		*ret = db_rows(task, send.result);
	return true;
}

bool
db_cursor_open(
    struct task *task, const char *sql, const struct db_params *params, struct db_cursor **ret)
{
	struct db_cursor *cursor = arena_alloc(task->arena, sizeof(*cursor));
	const char *declare;

	if (!db_pipeline(task, NULL, 0, NULL))
		return false;
	cursor->number = ++task->db->cursors;
	declare = arena_printf(
	    task->arena, "DECLARE cursor_%u NO SCROLL CURSOR FOR %s", cursor->number, sql);
	if (!run_once(task, declare, params, NULL))
		return false;
	*ret = cursor;
	return true;
}

bool
db_cursor_next(struct task *task, struct db_cursor *cursor, int size, struct db_rows **ret)
{
	const char *fetch =
	    arena_printf(task->arena, "FETCH FORWARD %d FROM cursor_%u", size, cursor->number);

	return run_once(task, fetch, NULL, ret);
}

bool
db_cursor_close(struct task *task, struct db_cursor *cursor)
{
	return run_once(
	    task, arena_printf(task->arena, "CLOSE cursor_%u", cursor->number), NULL, NULL);
}
