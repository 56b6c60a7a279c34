/*
 * status: today as the books have it, and how the jobs do.
 */
#include "lib/clock.h"
#include "lib/model/counter_peek.h"
#include "lib/model/daily_cost.h"
#include "worker/commands.h"
#include "worker/output.h"
#include "worker/tenants.h"

#include <sysexits.h>

static const char jobs_sql[] = "SELECT job, started_at, succeeded_at, duration_ms, rows, "
			       "drift_nanos, error "
			       "FROM job_runs "
			       "ORDER BY job";

/* From Redis where it has the day, else from the log; tells which. */
static bool
read_today(
    struct task *task, const struct tenant *tenant, struct daily_cost *ret, const char **ret_source)
{
	int32_t today = zone_date(tenant->zone, task->now);
	struct counter_day counted;

	if (!counter_peek(task, &counted))
		return false;
	*ret_source = counted.from_postgres || counted.date != today ? "log" : "redis";
	*ret = (struct daily_cost){
		.date = today, .totals = counted.confirmed, .unique_users = counted.users
	};
	if (!counted.from_postgres && counted.date == today)
		return true;
	return daily_cost_sum(task, tenant->zone, today, ret) && db_commit(task);
}

static bool
add_tenant(struct command_context *context, const struct tenant *tenant, struct output_table *table)
{
	struct output_line line = output_line(context, NULL);
	struct task *task = context->task;
	struct daily_costs stored;
	struct daily_cost day;
	const char *source;
	int64_t written = 0;

	if (!read_today(task, tenant, &day, &source) ||
	    !daily_cost_list(task, day.date, day.date, &stored))
		return false;
	if (stored.count > 0)
		written = stored.at[0].totals.at[TOTAL_COST];
	output_text(&line, "client", tenant->name);
	output_date(&line, "date", day.date);
	output_cents(&line, "cost_cents", day.totals.at[TOTAL_COST]);
	output_int(&line, "requests", day.totals.at[TOTAL_REQUESTS]);
	output_int(&line, "tokens", day.totals.at[TOTAL_TOKENS]);
	output_int(&line, "failed", day.totals.at[TOTAL_FAILED]);
	output_int(&line, "unpriced", day.totals.at[TOTAL_UNPRICED]);
	output_int(&line, "users", day.unique_users);
	output_cents(&line, "not_flushed_cents", day.totals.at[TOTAL_COST] - written);
	output_text(&line, "source", source);
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

int
status_run(struct command_context *context)
{
	struct output_table *clients = output_table(context), *jobs = output_table(context);
	struct tenants tenants = { .context = context };

	while (tenants_next(&tenants))
		tenants_done(&tenants, add_tenant(context, &tenants.tenant, clients));
	if (!tenants_end(&tenants) || !list_jobs(context, jobs))
		return command_failed(context);
	output_table_print(clients);
	output_table_print(jobs);
	return EX_OK;
}
