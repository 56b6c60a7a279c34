#include "worker/status_budgets.h"

#include "lib/model/counter_use.h"

#define PAGE 500

static const char *const measures[BUDGET_MEASURES] = {
	[BUDGET_COST] = "cents",
	[BUDGET_REQUESTS] = "requests",
	[BUDGET_TOKENS] = "tokens",
};

static void
add_amount(struct output_line *line, const char *name, enum budget_measure measure, int64_t amount)
{
	if (measure == BUDGET_COST)
		output_cents(line, name, amount);
	else
		output_int(line, name, amount);
}

static void
add_limit(struct command_context *context, const struct tenant *tenant,
    const struct budget_status *status, enum budget_measure measure, bool counted,
    struct output_table *table)
{
	struct account account = budget_status_account(status->budget, &status->use, measure);
	enum period period = status->budget->period;
	struct output_line line = output_line(context, NULL);
	int64_t now = context->task->now;

	output_text(&line, "client", tenant->name);
	output_text(&line, "budget", status->budget->name);
	output_text(&line, "bucket", status->bucket);
	output_text(&line, "measure", measures[measure]);
	add_amount(&line, "spent", measure, account.spent);
	if (counted)
		add_amount(&line, "held", measure, account.held);
	else
		output_text(&line, "held", NULL);
	add_amount(&line, "limit", measure, decide_limit(&account, now));
	add_amount(&line, "remaining", measure, decide_remaining(&account, now));
	output_time(&line, "resets_at",
	    period == PERIOD_TOTAL || period == PERIOD_ROLLING ? 0 : status->window.end);
	output_text(&line, "source", counted ? "redis" : "log");
	output_table_add(table, &line);
}

/* From the log. */
static bool
sum(struct task *task, const struct budget *budget, struct budget_status *ret)
{
	struct budget_buckets buckets;

	if (!budget_status_find(task, budget, ret) ||
	    !budget_status_list_buckets(task, ret, &buckets) || !db_commit(task))
		return false;
	if (buckets.count > 0) {
		ret->bucket = buckets.at[0].value;
		ret->use = buckets.at[0].use;
	}
	return true;
}

static bool
add_budget(struct command_context *context, const struct tenant *tenant,
    const struct budget *budget, struct output_table *table)
{
	struct task *task = context->task;
	struct budget_status status;
	bool counted = false;

	if (!sum(task, budget, &status))
		return false;
	if (tenant->counted && (budget->each == BUDGET_NO_DIMENSION || status.bucket != NULL) &&
	    !counter_use_buckets(task, NULL, tenant->zone, &status, 1, &counted))
		return false;
	for (int i = 0; i < BUDGET_MEASURES; i++) {
		if (budget->limits[i] != DECIDE_NO_LIMIT)
			add_limit(context, tenant, &status, (enum budget_measure)i, counted, table);
	}
	return true;
}

bool
status_add_budgets(
    struct command_context *context, const struct tenant *tenant, struct output_table *table)
{
	struct task *task = context->task;
	struct budgets budgets;
	struct id after = { 0 };

	do {
		if (!budget_list(task, after, PAGE, &budgets) || !db_commit(task))
			return false;
		for (size_t i = 0; i < budgets.count; i++) {
			const struct budget *budget = &budgets.at[i];

			after = budget->head.id;
			if (budget->mode == DECIDE_HARD &&
			    !add_budget(context, tenant, budget, table))
				return false;
		}
	} while (budgets.count == PAGE);
	return true;
}
