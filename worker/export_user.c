/*
 * export-user: all that is kept of a user, as NDJSON on standard output.
 */
#include "lib/model/user_export.h"
#include "worker/client_name.h"
#include "worker/commands.h"
#include "worker/user_name.h"

#include <stdio.h>
#include <sysexits.h>

static bool
write_portion(struct task *task, struct user_export *export, int64_t *ret_count)
{
	struct arena_mark mark = arena_mark(task->arena);
	struct buf lines = { .arena = task->arena };

	if (!user_export_rows(task, export, &lines, ret_count))
		return false;
	if (lines.len > 0 && fwrite(lines.at, 1, lines.len, stdout) != lines.len)
		return task_fail(task, ERR_INTERNAL, "standard output cannot be written");
	arena_undo(task->arena, mark);
	return true;
}

static bool
write_tables(struct task *task, struct user_export *export)
{
	int64_t count;
	bool any;

	do {
		if (!user_export_table(task, export, &any))
			return false;
		for (count = any; count > 0;)
			if (!write_portion(task, export, &count))
				return false;
	} while (any);
	return true;
}

static bool
export_all(struct command_context *context)
{
	struct task *task = context->task;
	struct user_export *export;
	struct id user;

	if (!user_name_find(context, &user))
		return false;
	/* What is read from here on is of one instant. */
	db_rollback(task);
	if (!user_export_open(task, user, &export) || !write_tables(task, export))
		return false;
	if (fflush(stdout) != 0)
		return task_fail(task, ERR_INTERNAL, "standard output cannot be written");
	return db_commit(task);
}

int
export_user_run(struct command_context *context)
{
	return export_all(context) ? EX_OK : command_failed(context);
}
