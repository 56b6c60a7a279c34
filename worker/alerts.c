/*
 * alerts: finds the thresholds that budgets have reached and the credit accounts that are to be
 * recharged, tells of each once, sends what is due to the webhooks, and tests integrations.
 */
#include "lib/model/budget_crossing.h"
#include "lib/model/delivery.h"
#include "worker/commands.h"
#include "worker/deliver.h"
#include "worker/probe.h"
#include "worker/recharges.h"
#include "worker/tenants.h"

#include <string.h>
#include <sysexits.h>

#define PAGE 100
#define DEAD_SHOWN 500

struct run {
	struct command_context *context;
	struct job_result *result;
};

static bool
raise_all(struct task *task, const struct budget_crossings *crossings, struct alert *alerts,
    size_t *ret_count)
{
	*ret_count = 0;
	for (size_t i = 0; i < crossings->count; i++) {
		struct alert_input input = budget_crossing_alert(task, &crossings->at[i]);
		bool raised;

		if (!alert_raise(task, &input, &alerts[*ret_count], &raised))
			return false;
		*ret_count += raised;
	}
	return db_commit(task);
}

/* *ret_more: what is behind the first crossings has still to be found. */
static bool
raise_some(struct run *run, const struct budget *budget, struct window window, bool *ret_more)
{
	struct task *task = run->context->task;
	struct budget_crossings crossings;
	struct alert *alerts;
	size_t count;

	if (!budget_crossing_list(task, budget, window, &crossings))
		return false;
	*ret_more = false;
	if (run->context->dry_run) {
		run->result->rows += (int64_t)crossings.count;
		return db_commit(task);
	}
	alerts = arena_array(task->arena, crossings.count, sizeof *alerts);
	if (!raise_all(task, &crossings, alerts, &count))
		return false;
	alert_publish(task, alerts, count);
	run->result->rows += (int64_t)count;
	*ret_more = count == BUDGET_CROSSINGS_MAX;
	return true;
}

static bool
raise_window(struct run *run, const struct budget *budget, struct window window)
{
	struct task *task = run->context->task;
	bool more;

	do {
		struct arena_mark mark = arena_mark(task->arena);

		if (!raise_some(run, budget, window, &more))
			return false;
		arena_undo(task->arena, mark);
	} while (more);
	return true;
}

static bool
raise_budget(struct run *run, const struct budget *budget)
{
	struct budget_windows windows;

	if (!budget_crossing_windows(run->context->task, budget, &windows))
		return false;
	for (size_t i = 0; i < windows.count; i++) {
		if (!raise_window(run, budget, windows.at[i]))
			return false;
	}
	return true;
}

static bool
raise_tenant(struct run *run)
{
	struct task *task = run->context->task;
	struct id after = { 0 };
	struct budgets budgets;

	do {
		struct arena_mark mark = arena_mark(task->arena);

		if (!budget_list(task, after, PAGE, &budgets) || !db_commit(task))
			return false;
		for (size_t i = 0; i < budgets.count; i++) {
			if (!raise_budget(run, &budgets.at[i]))
				return false;
			after = budgets.at[i].head.id;
		}
		arena_undo(task->arena, mark);
	} while (budgets.count == PAGE);
	return recharges_raise(run->context, run->result);
}

static bool
raise_alerts(struct command_context *context, struct job_result *result)
{
	struct run run = { .context = context, .result = result };
	struct tenants tenants = { .context = context };

	while (tenants_next(&tenants))
		tenants_done(&tenants, raise_tenant(&run));
	return tenants_end(&tenants);
}

/* What fails for one client keeps nobody's alerts back. */
static bool
alerts(struct command_context *context, struct job_result *result)
{
	struct task *task = context->task;
	bool raised = raise_alerts(context, result);
	struct err err = task->err;

	if (context->dry_run || err.code == ERR_UNAVAILABLE)
		return raised;
	task_clear_error(task);
	if (!deliver_due(context, result) || !probe_due(context, result))
		return false;
	task->err = err;
	return raised;
}

static int
show_dead(struct command_context *context)
{
	struct output_table *table = output_table(context);
	struct deliveries_dead dead;

	if (!delivery_list_dead(context->task, DEAD_SHOWN, &dead))
		return command_failed(context);
	for (size_t i = 0; i < dead.count; i++) {
		struct output_line line = output_line(context, NULL);

		output_id(&line, "id", dead.at[i].id);
		output_id(&line, "client", dead.at[i].client);
		output_text(&line, "event", dead.at[i].kind);
		output_text(&line, "url", dead.at[i].url);
		output_int(&line, "attempts", dead.at[i].attempts);
		output_time(&line, "dead_at", dead.at[i].dead_at);
		output_int(&line, "status", dead.at[i].status);
		output_text(&line, "error", dead.at[i].error);
		output_table_add(table, &line);
	}
	output_table_print(table);
	return EX_OK;
}

static int
retry(struct command_context *context, const char *text)
{
	struct output_line line = output_line(context, "retry");
	struct task *task = context->task;
	struct id id;

	if (!id_parse((struct text){ text, strlen(text) }, &id)) {
		(void)task_fail(task, ERR_INVALID, "--retry takes the id of a dead delivery");
		return command_failed(context);
	}
	if (!delivery_retry(task, id) || !db_commit(task))
		return command_failed(context);
	output_id(&line, "id", id);
	output_print(&line);
	return EX_OK;
}

int
alerts_run(struct command_context *context)
{
	const char *id = command_value(context, "retry");

	if (command_flag(context, "dead"))
		return show_dead(context);
	return id != NULL ? retry(context, id) : job_run(context, alerts);
}
