#include "lib/clock.h"
#include "lib/failpoint.h"
#include "lib/model/rollup.h"
#include "worker/purge.h"
#include "worker/tenants.h"

static bool
forget_batch(struct command_context *context, int64_t *ret_count)
{
	struct task *task = context->task;
	const struct arena_mark mark = arena_mark(task->arena);

	if (!rollup_forget_hours(task, ret_count))
		return false;
	FAILPOINT("purge-hours");
	if (context->dry_run)
		db_rollback(task);
	else if (!db_commit(task))
		return false;
	arena_undo(task->arena, mark);
	return true;
}

/* A dry run shows the first batch of what is closed already. */
static bool
forget(struct command_context *context, const struct tenant *tenant, struct job_result *result)
{
	int64_t before = context->task->now - context->conf.hour_retention_days * CLOCK_DAY;
	struct output_line line = output_line(context, "purge");
	int64_t count, total = 0;

	if (!context->dry_run &&
	    (!rollup_close_hours(context->task, tenant->zone, tenant->timezone, before) ||
		!db_commit(context->task)))
		return false;
	do {
		if (!forget_batch(context, &count))
			return false;
		total += count;
	} while (count == ROLLUP_FORGET_MAX && !context->dry_run);
	result->rows += total;
	if (total == 0)
		return true;
	output_text(&line, "what", "sums by hour");
	output_id(&line, "client", tenant->id);
	output_int(&line, context->dry_run ? "at_least" : "rows", total);
	output_print(&line);
	return true;
}

bool
purge_hours(struct command_context *context, struct job_result *result)
{
	struct tenants tenants = { .context = context };

	while (tenants_next(&tenants))
		tenants_done(&tenants, forget(context, &tenants.tenant, result));
	return tenants_end(&tenants);
}
