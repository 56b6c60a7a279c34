/*
 * rollup: what is new in the log into cost_aggregates. First it is written down which spans of time
 * have changed, then each is summed again, so that it can be killed anywhere and run again.
 */
#include "lib/model/rollup.h"
#include "lib/clock.h"
#include "lib/failpoint.h"
#include "worker/commands.h"
#include "worker/job.h"
#include "worker/tenants.h"

#define DAYS_MAX 36600 /* --from to --to */

/* What --from and --to ask for; dates of each client's zone. */
struct asked {
	int32_t from, to; /* -1: nothing */
};

static bool
read_asked(struct command_context *context, struct asked *ret)
{
	ret->from = ret->to = -1;
	if (!command_date(context, "from", &ret->from) || !command_date(context, "to", &ret->to))
		return false;
	if ((ret->from < 0) != (ret->to < 0) || ret->to < ret->from ||
	    ret->to - ret->from >= DAYS_MAX)
		return task_fail(context->task, ERR_INVALID,
		    "--from and --to must be given together, and be a range of less than %d days",
		    DAYS_MAX);
	return true;
}

static bool
begin(struct command_context *context, const struct tenant *tenant, const struct asked *asked,
    bool *ret_ready)
{
	struct task *task = context->task;
	struct span span;

	if (!rollup_begin(task, tenant->zone, tenant->timezone, ret_ready))
		return false;
	if (asked->from >= 0) {
		span = (struct span){ zone_day_start(tenant->zone, asked->from),
			zone_day_start(tenant->zone, asked->to + 1) };
		if (!rollup_ask(task, span))
			return false;
	}
	return db_commit(task);
}

/* A day of the client at a time, each in a transaction of its own. */
static bool
sum_span(struct command_context *context, const struct tenant *tenant, struct span span,
    struct job_result *result)
{
	struct task *task = context->task;

	while (span.since < span.until) {
		int32_t date = zone_date(tenant->zone, span.since);
		struct span day = { span.since,
			span_ceil(zone_day_start(tenant->zone, date + 1), SPAN_HOUR) };
		struct arena_mark mark = arena_mark(task->arena);
		int64_t rows;

		if (day.until > span.until)
			day.until = span.until;
		if (!rollup_sum(task, tenant->zone, day, &rows))
			return false;
		FAILPOINT("rollup-summed");
		if (!db_commit(task))
			return false;
		arena_undo(task->arena, mark);
		result->rows += rows;
		span.since = day.until;
	}
	return true;
}

static bool
sum_pending(struct command_context *context, const struct tenant *tenant, struct job_result *result,
    bool *ret_more)
{
	struct task *task = context->task;
	struct rollup_pending pending;

	if (!rollup_find(task, &pending) || !db_commit(task))
		return false;
	*ret_more = pending.count > 0;
	for (size_t i = 0; i < pending.count; i++) {
		if (!sum_span(context, tenant, pending.spans[i], result))
			return false;
	}
	FAILPOINT("rollup-pending");
	return pending.count == 0 || (rollup_clear(task, &pending) && db_commit(task));
}

static bool
end_days(struct command_context *context, const struct tenant *tenant, struct job_result *result)
{
	struct task *task = context->task;
	int64_t rows;
	bool more;

	do {
		struct arena_mark mark = arena_mark(task->arena);

		if (!rollup_end_day(task, tenant->zone, &more, &rows))
			return false;
		FAILPOINT("rollup-ended");
		if (!db_commit(task))
			return false;
		arena_undo(task->arena, mark);
		result->rows += rows;
	} while (more);
	return true;
}

static bool
roll_up(struct command_context *context, const struct tenant *tenant, const struct asked *asked,
    struct job_result *result)
{
	bool ready, more;

	if (!begin(context, tenant, asked, &ready))
		return false;
	FAILPOINT("rollup-begun");
	if (!ready)
		return true;
	do {
		struct arena_mark mark = arena_mark(context->task->arena);

		if (!sum_pending(context, tenant, result, &more))
			return false;
		arena_undo(context->task->arena, mark);
	} while (more);
	return end_days(context, tenant, result);
}

/* Changes nothing: tells what waits. */
static bool
show_waiting(struct command_context *context, struct job_result *result)
{
	struct output_line line = output_line(context, "waiting");
	int64_t batches, spans;

	if (!rollup_count_waiting(context->task, &batches, &spans))
		return false;
	output_int(&line, "batches", batches);
	output_int(&line, "spans", spans);
	output_print(&line);
	result->rows = batches + spans;
	return true;
}

static bool
rollup(struct command_context *context, struct job_result *result)
{
	struct tenants tenants = { .context = context };
	struct asked asked;
	int64_t batches;

	if (!read_asked(context, &asked))
		return false;
	if (context->dry_run)
		return show_waiting(context, result);
	if (!rollup_collect(context->task, &batches) || !db_commit(context->task))
		return false;
	FAILPOINT("rollup-collected");
	while (tenants_next(&tenants))
		tenants_done(&tenants, roll_up(context, &tenants.tenant, &asked, result));
	return tenants_end(&tenants);
}

int
rollup_run(struct command_context *context)
{
	return job_run(context, rollup);
}
