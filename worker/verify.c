/*
 * verify: sums every day, its rollups and every budget's open window again from the log, and every
 * credit account from its transactions, changes nothing, and names every difference.
 */
#include "lib/model/counter_day.h"
#include "lib/model/counter_peek.h"
#include "lib/model/day.h"
#include "worker/books.h"
#include "worker/budget_books.h"
#include "worker/commands.h"
#include "worker/credit_books.h"
#include "worker/rollup_books.h"

#include <sysexits.h>

struct tally {
	int64_t days, buckets, accounts, differences, waiting, gone;
};

static void
count(struct command_context *context, const struct tenant *tenant, const struct books *books,
    struct tally *tally)
{
	tally->days++;
	if (books->verdict == BOOKS_GONE)
		tally->gone++;
	if (books->verdict == BOOKS_LATE)
		tally->waiting++;
	if (books->verdict != BOOKS_DRIFT)
		return;
	tally->differences++;
	books_print(context, tenant, books, BOOK_DAILY_COSTS, NULL, false);
}

static bool
verify_counter(struct command_context *context, const struct tenant *tenant,
    const struct books *books, const struct counter_day *before, struct tally *tally)
{
	struct counter_day after;

	if (before->from_postgres || before->date != books->date)
		return true;
	if (!counter_peek(context->task, &after))
		return false;
	if (!books_counter_drifts(books, before, &after))
		return true;
	tally->differences++;
	books_print(context, tenant, books, BOOK_COUNTER, &after, false);
	return true;
}

static bool
verify_budgets(struct command_context *context, const struct tenant *tenant, struct tally *tally)
{
	struct budget_books books;

	if (!budget_books_compare(context, tenant, false, &books))
		return false;
	tally->buckets += books.buckets;
	tally->differences += books.differing;
	return true;
}

static bool
verify_credits(struct command_context *context, const struct tenant *tenant, struct tally *tally)
{
	struct credit_books books;

	if (!credit_books_compare(context, tenant, &books))
		return false;
	tally->accounts += books.accounts;
	tally->differences += books.differing;
	return true;
}

static bool
verify_tenant(struct command_context *context, const struct tenant *tenant, struct tally *tally)
{
	struct counter_day before = { .from_postgres = true };
	struct task *task = context->task;
	struct books books;
	int32_t date;
	bool any;

	if (tenant->counted && !counter_peek(task, &before))
		return false;
	for (date = 0; day_next(task, tenant->zone, date, &any, &date) && any; date++) {
		struct arena_mark mark = arena_mark(task->arena);

		if (!books_read(task, tenant->zone, date, &books) || !db_commit(task))
			return false;
		count(context, tenant, &books, tally);
		if (!verify_counter(context, tenant, &books, &before, tally) ||
		    !rollup_books_compare(context, tenant, &books, &tally->differences))
			return false;
		arena_undo(task->arena, mark);
	}
	return task->err.code == ERR_NONE && db_commit(task) &&
	       verify_budgets(context, tenant, tally) && verify_credits(context, tenant, tally);
}

int
verify_run(struct command_context *context)
{
	struct output_line line = output_line(context, "verify");
	struct tenants tenants = { .context = context };
	struct tally tally = { 0 };

	while (tenants_next(&tenants))
		tenants_done(&tenants, verify_tenant(context, &tenants.tenant, &tally));
	if (!tenants_end(&tenants))
		return command_failed(context);
	output_int(&line, "days", tally.days);
	output_int(&line, "budget_buckets", tally.buckets);
	output_int(&line, "credit_accounts", tally.accounts);
	output_int(&line, "differences", tally.differences);
	output_int(&line, "waiting_for_flush", tally.waiting);
	output_int(&line, "skipped_log_gone", tally.gone);
	output_print(&line);
	return tally.differences > 0 ? COMMAND_FOUND : EX_OK;
}
