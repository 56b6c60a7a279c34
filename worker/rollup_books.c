#include "worker/rollup_books.h"

#include "lib/model/rollup.h"
#include "lib/model/usage.h"

static const char *const grain_names[] = { "day", "hour", "quarter" };

struct view {
	enum usage_grain grain;
	bool by_user;
};

static bool
sum_view(struct task *task, const struct tenant *tenant, const struct span *day,
    const struct view *view, struct totals *ret)
{
	struct usage_query query = {
		.buckets = day,
		.bucket_count = 1,
		.by = { USAGE_USER },
		.by_count = view->by_user,
		.zone = tenant->zone,
		.timezone = tenant->timezone,
		.coarsest = view->grain,
		.rows_max = INT32_MAX - 1,
	};
	struct usage_rows rows;

	*ret = (struct totals){ 0 };
	if (!usage_find(task, &query, &rows))
		return false;
	for (size_t i = 0; i < rows.count; i++)
		totals_add(ret, &rows.at[i].totals);
	return true;
}

static void
print(struct command_context *context, const struct tenant *tenant, int32_t date,
    const struct view *view, const struct totals *expected, const struct totals *found)
{
	struct output_line line = output_line(context, "difference");

	output_id(&line, "client", tenant->id);
	output_text(&line, "name", tenant->name);
	output_date(&line, "date", date);
	output_text(&line, "book", "cost_aggregates");
	output_text(&line, "grain", grain_names[view->grain]);
	output_bool(&line, "by_user", view->by_user);
	output_cents(&line, "log_cents", expected->at[TOTAL_COST]);
	output_cents(&line, "book_cents", found->at[TOTAL_COST]);
	output_int(&line, "log_requests", expected->at[TOTAL_REQUESTS]);
	output_int(&line, "book_requests", found->at[TOTAL_REQUESTS]);
	output_print(&line);
}

static bool
compare(struct command_context *context, const struct tenant *tenant, const struct books *books,
    const struct span *day, int64_t *differences)
{
	struct task *task = context->task;
	struct daily_cost log = books->stored;
	struct rollup_bounds bounds;

	if (!rollup_find_bounds(task, &bounds))
		return false;
	/* What was closed in another zone is not to be had by days of this one. */
	if (day->since < bounds.closed_from)
		return true;
	if ((day->until > bounds.whole_from &&
		!daily_cost_sum(task, tenant->zone, books->date, &log)))
		return false;
	for (int i = 0; i < 6; i++) {
		struct view view = { (enum usage_grain)(i / 2), i % 2 == 1 };
		struct arena_mark mark = arena_mark(task->arena);
		struct totals found;

		if (day->since < (view.grain == USAGE_DAY ? bounds.days_from : bounds.hours_from))
			continue;
		if (!sum_view(task, tenant, day, &view, &found))
			return false;
		arena_undo(task->arena, mark);
		if (totals_equal(&found, &log.totals))
			continue;
		print(context, tenant, books->date, &view, &log.totals, &found);
		++*differences;
	}
	return true;
}

bool
rollup_books_compare(struct command_context *context, const struct tenant *tenant,
    const struct books *books, int64_t *differences)
{
	struct span day = { zone_day_start(tenant->zone, books->date),
		zone_day_start(tenant->zone, books->date + 1) };

	if (day.since >= day.until)
		return true;
	db_rollback(context->task);
	db_set_snapshot(context->task);
	return compare(context, tenant, books, &day, differences) && db_commit(context->task);
}
