#include "worker/recharges.h"

#include "lib/model/credit_recharge.h"

static bool
raise_all(struct task *task, const struct credit_recharges *recharges, struct alert *alerts,
    size_t *ret_count)
{
	*ret_count = 0;
	for (size_t i = 0; i < recharges->count; i++) {
		struct alert_input input = credit_recharge_alert(task, &recharges->at[i]);
		bool raised;

		if (!alert_raise(task, &input, &alerts[*ret_count], &raised))
			return false;
		*ret_count += raised;
	}
	return credit_recharge_told(task, recharges) && db_commit(task);
}

/* *ret_more: there may be others behind these. */
static bool
raise_some(struct command_context *context, struct job_result *result, bool *ret_more)
{
	struct task *task = context->task;
	struct credit_recharges recharges;
	struct alert *alerts;
	size_t count;

	*ret_more = false;
	if (!credit_recharge_list(task, &recharges))
		return false;
	if (recharges.count == 0 || context->dry_run) {
		result->rows += (int64_t)recharges.count;
		return db_commit(task);
	}
	alerts = arena_array(task->arena, recharges.count, sizeof *alerts);
	if (!raise_all(task, &recharges, alerts, &count))
		return false;
	alert_publish(task, alerts, count);
	result->rows += (int64_t)count;
	*ret_more = recharges.count == CREDIT_RECHARGES_MAX;
	return true;
}

bool
recharges_raise(struct command_context *context, struct job_result *result)
{
	bool more;

	do {
		struct arena_mark mark = arena_mark(context->task->arena);

		if (!raise_some(context, result, &more))
			return false;
		arena_undo(context->task->arena, mark);
	} while (more);
	return true;
}
