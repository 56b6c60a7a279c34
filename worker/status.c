/*
 * status: today as the books have it, what hard budgets have left, and how the jobs do.
 */
#include "lib/clock.h"
#include "lib/model/authorization.h"
#include "lib/model/rollup.h"
#include "worker/books.h"
#include "worker/commands.h"
#include "worker/output.h"
#include "worker/status_budgets.h"
#include "worker/tenants.h"

#include <sysexits.h>

static const char jobs_sql[] = "SELECT job, started_at, succeeded_at, duration_ms, rows, "
			       "drift_nanos, error "
			       "FROM job_runs "
			       "ORDER BY job";

static bool
add_tenant(struct command_context *context, const struct tenant *tenant, struct output_table *table)
{
	struct output_line line = output_line(context, NULL);
	struct task *task = context->task;
	struct authorization_sum held;
	struct daily_costs stored;
	struct counter_day day;
	int64_t written = 0;

	if (!books_today(task, tenant->zone, &day) ||
	    !daily_cost_list(task, day.date, day.date, &stored) ||
	    !authorization_sum_held(task, &held) || !db_commit(task))
		return false;
	if (stored.count > 0)
		written = stored.at[0].totals.at[TOTAL_COST];
	output_text(&line, "client", tenant->name);
	output_date(&line, "date", day.date);
	output_cents(&line, "cost_cents", day.confirmed.at[TOTAL_COST]);
	output_int(&line, "requests", day.confirmed.at[TOTAL_REQUESTS]);
	output_int(&line, "tokens", day.confirmed.at[TOTAL_TOKENS]);
	output_int(&line, "failed", day.confirmed.at[TOTAL_FAILED]);
	output_int(&line, "unpriced", day.confirmed.at[TOTAL_UNPRICED]);
	output_int(&line, "users", day.users);
	output_cents(&line, "not_flushed_cents", day.confirmed.at[TOTAL_COST] - written);
	output_int(&line, "open_holds", held.count);
	output_cents(&line, "held_cents", held.held_nanos);
	output_text(&line, "source", day.from_postgres ? "log" : "redis");
	output_table_add(table, &line);
	return true;
}

static void
add_job(struct command_context *context, const struct db_rows *rows, int row,
    struct output_table *table)
{
	struct output_line line = output_line(context, NULL);

	output_text(&line, "job", db_text(rows, row, 0));
	output_time(&line, "succeeded_at", db_null(rows, row, 2) ? 0 : db_time(rows, row, 2));
	output_seconds(&line, "seconds_ago",
	    db_null(rows, row, 2) ? 0 : context->task->now - db_time(rows, row, 2));
	output_int(&line, "duration_ms", db_int(rows, row, 3));
	output_int(&line, "rows", db_int(rows, row, 4));
	output_cents(&line, "drift_cents", db_int(rows, row, 5));
	output_text(&line, "error", db_text(rows, row, 6));
	output_table_add(table, &line);
}

static bool
list_jobs(struct command_context *context, struct output_table *table)
{
	struct task *task = context->task;
	struct db_rows *rows;

	task->now = clock_now();
	if (!db_query(task, jobs_sql, NULL, &rows))
		return false;
	for (int i = 0; i < db_count(rows); i++)
		add_job(context, rows, i, table);
	return db_commit(task);
}

/* What rollup has yet to sum, of all clients. */
static bool
list_waiting(struct command_context *context, struct output_table *table)
{
	struct output_line line = output_line(context, NULL);
	int64_t batches, spans;

	if (!rollup_count_waiting(context->task, &batches, &spans))
		return false;
	output_text(&line, "waiting_for", "rollup");
	output_int(&line, "batches", batches);
	output_int(&line, "spans", spans);
	output_table_add(table, &line);
	return db_commit(context->task);
}

int
status_run(struct command_context *context)
{
	struct output_table *clients = output_table(context), *jobs = output_table(context);
	struct output_table *budgets = output_table(context), *waiting = output_table(context);
	struct tenants tenants = { .context = context };

	while (tenants_next(&tenants))
		tenants_done(&tenants, add_tenant(context, &tenants.tenant, clients) &&
					   status_add_budgets(context, &tenants.tenant, budgets));
	if (!tenants_end(&tenants) || !list_jobs(context, jobs) || !list_waiting(context, waiting))
		return command_failed(context);
	output_table_print(clients);
	output_table_print(budgets);
	output_table_print(jobs);
	output_table_print(waiting);
	return EX_OK;
}
