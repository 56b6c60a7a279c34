/*
 * reconcile: holds the log against daily_costs and the counts in Redis, of the open day and of
 * every budget's open window, and sets those right that differ from it. Drift is what is left
 * behind a flush and no waiting batch explains.
 */
#include "lib/failpoint.h"
#include "lib/model/counter_day.h"
#include "lib/model/counter_peek.h"
#include "lib/model/day.h"
#include "worker/books.h"
#include "worker/budget_books.h"
#include "worker/commands.h"
#include "worker/drift.h"
#include "worker/flush.h"

#define DAYS_DEFAULT 2
#define DAYS_MAX 36500

struct run {
	struct command_context *context;
	struct job_result *result;
	int64_t days; /* to look back */
};

static void
add_drift(struct run *run, int64_t nanos)
{
	run->result->found = true;
	if (__builtin_add_overflow(run->result->drift_nanos, nanos, &run->result->drift_nanos))
		run->result->drift_nanos = INT64_MAX;
}

/* Also ends the transaction. */
static bool
tell(struct run *run, const struct drift *drift)
{
	return run->context->dry_run ? db_commit(run->context->task)
				     : drift_tell(run->context->task, drift);
}

static bool
heal_day(struct run *run, const struct tenant *tenant, const struct books *books)
{
	struct task *task = run->context->task;
	bool drifts = books->verdict == BOOKS_DRIFT;
	bool heals = drifts && !books->closed && !run->context->dry_run;
	bool whole = books->verdict == BOOKS_EQUAL && !books->open && !books->late;
	struct drift drift = { BOOK_DAILY_COSTS, books, &books->stored.totals, heals };

	if (heals && !day_correct(task, &books->log))
		return false;
	if (whole && !run->context->dry_run && !day_reconcile(task, tenant->zone, books->date))
		return false;
	if (heals)
		FAILPOINT("reconcile-corrected");
	if (drifts ? !tell(run, &drift) : !db_commit(task))
		return false;
	if (heals)
		FAILPOINT("reconcile-committed");
	if (books->verdict == BOOKS_EQUAL || books->verdict == BOOKS_GONE)
		return true;
	books_print(run->context, tenant, books, BOOK_DAILY_COSTS, NULL, heals);
	if (books->verdict != BOOKS_DRIFT)
		return true;
	add_drift(run, books_drift_nanos(&books->log.totals, &books->stored.totals));
	return true;
}

/*
 * What was pending before the log was summed and still is may belong to a process that died: not
 * drift, for the count is only too high, but healed without waiting for its time to be over.
 */
static bool
left_behind(struct run *run, const struct tenant *tenant, const struct counter_day *before,
    const struct counter_day *after)
{
	bool pending =
	    before->pending.at[TOTAL_REQUESTS] > 0 && after->pending.at[TOTAL_REQUESTS] > 0;

	return run->context->dry_run || !pending ||
	       counter_rebuild(run->context->task, tenant->zone);
}

static bool
heal_counter(struct run *run, const struct tenant *tenant, const struct books *books,
    const struct counter_day *before)
{
	struct command_context *context = run->context;
	struct counter_day after;

	if (before->from_postgres || before->date != books->date)
		return true;
	if (!counter_peek(context->task, &after))
		return false;
	if (!books_counter_drifts(books, before, &after))
		return left_behind(run, tenant, before, &after);
	FAILPOINT("reconcile-drifted");
	if (!context->dry_run && !counter_rebuild(context->task, tenant->zone))
		return false;
	FAILPOINT("reconcile-rebuilt");
	books_print(context, tenant, books, BOOK_COUNTER, &after, !context->dry_run);
	if (!tell(run, &(struct drift){ BOOK_COUNTER, books, &after.confirmed, !context->dry_run }))
		return false;
	add_drift(run, books_drift_nanos(&books->log.totals, &after.confirmed));
	return true;
}

static bool
reconcile_day(
    struct run *run, const struct tenant *tenant, int32_t date, const struct counter_day *before)
{
	struct books books;

	if (!books_read(run->context->task, tenant->zone, date, &books))
		return false;
	FAILPOINT("reconcile-read");
	run->result->rows += !books.closed;
	return heal_day(run, tenant, &books) && heal_counter(run, tenant, &books, before);
}

static bool
reconcile_budgets(struct run *run, const struct tenant *tenant)
{
	struct budget_books books;

	if (!budget_books_compare(run->context, tenant, !run->context->dry_run, &books))
		return false;
	run->result->rows += books.buckets;
	if (books.differing > 0)
		add_drift(run, books.drift_nanos);
	return true;
}

static bool
reconcile_tenant(struct run *run, const struct tenant *tenant)
{
	struct task *task = run->context->task;
	struct counter_day before = { .from_postgres = true };
	struct job_result flushed = { 0 };
	int32_t today = zone_date(tenant->zone, task->now), date;
	int32_t from = run->days > today ? 0 : today - (int32_t)run->days;
	bool any;

	if (!run->context->dry_run && !flush_tenant(run->context, tenant, &flushed))
		return false;
	if (tenant->counted && !counter_peek(task, &before))
		return false;
	for (date = from; day_next(task, tenant->zone, date, &any, &date) && any; date++) {
		struct arena_mark mark;

		if (!db_commit(task))
			return false;
		mark = arena_mark(task->arena);
		if (!reconcile_day(run, tenant, date, &before))
			return false;
		arena_undo(task->arena, mark);
	}
	return task->err.code == ERR_NONE && db_commit(task) && reconcile_budgets(run, tenant);
}

static bool
read_days(const struct command_context *context, int64_t *ret)
{
	*ret = command_flag(context, "full") ? DAYS_MAX : DAYS_DEFAULT;
	return command_int(context, "days", 0, DAYS_MAX, ret);
}

static bool
reconcile(struct command_context *context, struct job_result *result)
{
	struct run run = { .context = context, .result = result };
	struct tenants tenants = { .context = context };

	if (!read_days(context, &run.days))
		return false;
	result->drift_known = true;
	while (tenants_next(&tenants))
		tenants_done(&tenants, reconcile_tenant(&run, &tenants.tenant));
	return tenants_end(&tenants);
}

int
reconcile_run(struct command_context *context)
{
	int64_t days;

	/* A line that is not understood is no failure of the job. */
	if (!read_days(context, &days))
		return command_failed(context);
	return job_run(context, reconcile);
}
