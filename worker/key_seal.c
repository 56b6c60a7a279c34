/*
 * key rotate-seal: seals anew with seal_key what is still sealed with seal_key_previous, and looks
 * whether anything is left.
 */
#include "lib/model/audit.h"
#include "lib/model/resealing.h"
#include "lib/seal.h"
#include "worker/commands.h"
#include "worker/output.h"

#include <sysexits.h>

/* The log has it once, from the transaction of the first change on. */
static bool
note(struct task *task, bool *noted)
{
	const struct text nothing = { 0 };

	if (*noted)
		return true;
	*noted = true;
	return audit_add(task, "rotate", "seal_key", (struct id){ 0 }, nothing, nothing);
}

/* change NULL: nothing is changed. */
static bool
walk(struct task *task, struct resealing *at, bool *change)
{
	int64_t sealed;

	while (!at->over) {
		struct arena_mark mark = arena_mark(task->arena);

		if (!resealing_next(task, at, change != NULL, &sealed))
			return false;
		if (change != NULL && sealed > 0 && !note(task, change))
			return false;
		if (!db_commit(task))
			return false;
		arena_undo(task->arena, mark);
	}
	return true;
}

/* So many that the current key does not open: also what was sealed behind the walk's back. */
static bool
count_left(struct task *task, size_t column, int64_t *ret)
{
	struct resealing at = { .column = column };

	if (!walk(task, &at, NULL))
		return false;
	*ret = at.sealed + at.left;
	return true;
}

static bool
rotate(struct command_context *context, size_t column, bool *noted, struct output_table *table,
    int64_t *left)
{
	struct resealing at = { .column = column };
	struct output_line line = output_line(context, NULL);
	int64_t behind = 0;

	if (!walk(context->task, &at, context->dry_run ? NULL : noted) ||
	    !count_left(context->task, column, &behind))
		return false;
	output_text(&line, "place", resealing_name(column));
	output_int(&line, "values", at.values);
	output_int(&line, "sealed_anew", at.sealed);
	output_int(&line, "left", behind);
	output_table_add(table, &line);
	*left += behind;
	return true;
}

int
key_rotate_seal_run(struct command_context *context)
{
	struct output_table *table = output_table(context);
	struct task *task = context->task;
	bool noted = false;
	int64_t left = 0;

	if (task->seal_keys->current[0] == '\0') {
		(void)task_fail(task, ERR_INVALID, "the setting seal_key is missing");
		return command_failed(context);
	}
	for (size_t i = 0; i < RESEALING_COLUMNS; i++)
		if (!rotate(context, i, &noted, table, &left))
			return command_failed(context);
	output_table_print(table);
	if (left == 0 || context->dry_run)
		return EX_OK;
	command_warn(context,
	    "%lld values are not sealed with seal_key: a tallyd still has the key before it, or "
	    "neither key opens them",
	    (long long)left);
	return COMMAND_FOUND;
}
