/*
 * flush: what Redis has counted of the open day, and days that got late records, into daily_costs.
 * Absolute values that only rise, so that it can be killed anywhere and run again.
 */
#include "worker/flush.h"

#include "lib/clock.h"
#include "lib/failpoint.h"
#include "lib/model/counter_day.h"
#include "lib/model/day.h"
#include "lib/model/late_days.h"
#include "worker/books.h"
#include "worker/commands.h"
#include "worker/open_days.h"

static bool
finish(struct command_context *context)
{
	if (!context->dry_run)
		return db_commit(context->task);
	db_rollback(context->task);
	return true;
}

/*
 * A day that is over, a lost count or a batch left behind: opens the next epoch, which asks for the
 * ended day to be summed. While Redis is away there is nothing to mend, and the log serves instead.
 */
static bool
heal(struct command_context *context, const struct tenant *tenant)
{
	struct task *task = context->task;
	bool healed;

	if (context->dry_run || !tenant->counted || counter_heal(task, NULL, tenant->zone, &healed))
		return true;
	if (task->err.code != ERR_UNAVAILABLE)
		return false;
	db_rollback(task);
	task_clear_error(task);
	return true;
}

static bool
raise_day(struct command_context *context, const struct daily_cost *day, struct job_result *result)
{
	bool changed;

	if (!day_raise(context->task, day, &changed))
		return false;
	result->rows += changed;
	FAILPOINT("flush-raised");
	return true;
}

bool
flush_is_left_behind(const struct task *task, const struct counter_day *counted)
{
	return counted->pending_since != 0 &&
	       counted->pending_since < task->now - FLUSH_IN_FLIGHT_USEC;
}

static bool
flush_open_day(
    struct command_context *context, const struct tenant *tenant, struct job_result *result)
{
	struct task *task = context->task;
	struct counter_day counted;
	struct daily_cost day;
	bool left_behind;

	if (context->dry_run ? !books_today(task, tenant->zone, &counted)
			     : !counter_today(task, NULL, tenant->zone, &counted))
		return false;
	left_behind = flush_is_left_behind(task, &counted);
	if (counted.confirmed.at[TOTAL_REQUESTS] == 0 && !left_behind)
		return true;
	FAILPOINT("flush-read");
	day = (struct daily_cost){
		.date = counted.date, .totals = counted.confirmed, .unique_users = counted.users
	};
	/* Only the log knows whether a batch that was left behind has been committed. */
	return day_lock(task) &&
	       (!left_behind || daily_cost_sum(task, tenant->zone, counted.date, &day)) &&
	       raise_day(context, &day, result) && finish(context);
}

/* A closed day does not change any more: what comes late is booked beside it. */
static bool
flush_late_day(struct command_context *context, const struct tenant *tenant, int32_t date,
    struct job_result *result)
{
	struct task *task = context->task;
	struct daily_costs stored;
	struct daily_cost day;
	int64_t nanos;

	if (!daily_cost_list(task, date, date, &stored))
		return false;
	if (stored.count > 0 && stored.at[0].closed_at != 0) {
		if (!day_book_late(task, tenant->zone, &stored.at[0], &nanos))
			return false;
		result->rows += nanos > 0;
		return true;
	}
	return daily_cost_sum(task, tenant->zone, date, &day) && raise_day(context, &day, result);
}

/*
 * The batches are read first and the days summed by later statements, each with a snapshot of its
 * own: whatever those batches stored is in the sums. A batch that commits in between keeps its
 * mark, because only the ones read are cleared, in the same transaction as the sums are stored.
 */
static bool
flush_late_days(struct command_context *context, const struct tenant *tenant,
    struct job_result *result, bool *ret_more)
{
	struct task *task = context->task;
	struct late_days late;

	*ret_more = false;
	if (!day_lock(task) || !late_days_find(task, &late))
		return false;
	if (late.batch_count == 0)
		return db_commit(task);
	FAILPOINT("flush-late");
	for (size_t i = 0; i < late.date_count; i++) {
		if (!flush_late_day(context, tenant, late.dates[i], result))
			return false;
	}
	FAILPOINT("flush-summed");
	*ret_more = !context->dry_run && late.batch_count == LATE_DAYS_BATCHES_MAX;
	return late_days_clear(task, &late) && finish(context);
}

static bool
forget_batches(struct command_context *context)
{
	struct task *task = context->task;
	int64_t count;

	do {
		if (!late_days_forget(task, task->now - FLUSH_BATCHES_KEPT, &count) ||
		    !db_commit(task))
			return false;
	} while (count == LATE_DAYS_BATCHES_MAX);
	return true;
}

bool
flush_tenant(
    struct command_context *context, const struct tenant *tenant, struct job_result *result)
{
	bool more;

	if (!heal(context, tenant))
		return false;
	if (tenant->counted && !flush_open_day(context, tenant, result))
		return false;
	FAILPOINT("flush-written");
	do {
		if (!flush_late_days(context, tenant, result, &more))
			return false;
	} while (more);
	FAILPOINT("flush-cleared");
	return context->dry_run || forget_batches(context);
}

/* Those whom the portions left over, and those of whom days are to be summed. */
static bool
flush_rest(struct command_context *context, struct open_days *open, struct job_result *result)
{
	struct tenants tenants = { .context = context };

	if (!open_days_rest(open, &tenants.only, &tenants.only_count))
		return false;
	while (tenants.only_count > 0 && tenants_next(&tenants))
		tenants_done(&tenants, flush_tenant(context, &tenants.tenant, result));
	return tenants_end(&tenants);
}

static bool
flush(struct command_context *context, struct job_result *result)
{
	struct open_days *open = open_days_new(context);
	bool ok = open_days_flush(open, result) && flush_rest(context, open, result);

	open_days_free(open);
	return ok;
}

static bool
show(struct command_context *context, struct job_result *result)
{
	struct tenants tenants = { .context = context };

	while (tenants_next(&tenants))
		tenants_done(&tenants, flush_tenant(context, &tenants.tenant, result));
	return tenants_end(&tenants);
}

int
flush_run(struct command_context *context)
{
	return job_run(context, context->dry_run ? show : flush);
}
