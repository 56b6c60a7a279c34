#include "worker/credit_books.h"

#include "lib/model/credit_check.h"
#include "worker/output.h"

static void
print(struct command_context *context, const struct tenant *tenant,
    const struct credit_difference *difference)
{
	struct output_line line = output_line(context, "difference");

	output_id(&line, "client", tenant->id);
	output_text(&line, "name", tenant->name);
	output_text(&line, "book", "credits");
	output_id(&line, "account", difference->account);
	if (difference->sequence != 0)
		output_int(&line, "sequence", difference->sequence);
	output_text(&line, "what", difference->what);
	output_text(&line, "expected", difference->expected);
	output_text(&line, "found", difference->found);
	output_print(&line);
}

static bool
print_some(struct command_context *context, const struct tenant *tenant, struct credit_check *check,
    struct credit_differences *ret)
{
	struct arena_mark mark = arena_mark(context->task->arena);

	if (!credit_check_next(context->task, check, ret))
		return false;
	for (size_t i = 0; i < ret->count; i++)
		print(context, tenant, &ret->at[i]);
	arena_undo(context->task->arena, mark);
	return true;
}

static bool
compare_part(struct command_context *context, const struct tenant *tenant,
    struct credit_check *check, enum credit_check_part part, struct credit_books *ret)
{
	struct task *task = context->task;
	struct arena_mark mark = arena_mark(task->arena);
	struct credit_differences differences;

	if (!credit_check_open(task, check, part))
		return false;
	do {
		if (!print_some(context, tenant, check, &differences))
			return false;
		ret->differing += (int64_t)differences.count;
	} while (differences.count > 0);
	arena_undo(task->arena, mark);
	return true;
}

static bool
compare(struct command_context *context, const struct tenant *tenant, struct credit_check *check,
    struct credit_books *ret)
{
	struct task *task = context->task;

	do {
		struct arena_mark mark = arena_mark(task->arena);

		if (!credit_check_next_accounts(task, check))
			return false;
		arena_undo(task->arena, mark);
		ret->accounts += (int64_t)check->count;
		for (int part = 0; part < CREDIT_CHECK_PARTS && check->count > 0; part++)
			if (!compare_part(
				context, tenant, check, (enum credit_check_part)part, ret))
				return false;
	} while (check->count > 0);
	return true;
}

bool
credit_books_compare(
    struct command_context *context, const struct tenant *tenant, struct credit_books *ret)
{
	struct credit_check check = { 0 };

	*ret = (struct credit_books){ 0 };
	/* One state of the books, whatever is posted meanwhile. */
	db_set_snapshot(context->task);
	return compare(context, tenant, &check, ret) && db_commit(context->task);
}
