#include "worker/rollup_books.h"

#include "lib/model/rollup.h"
#include "lib/model/usage.h"
#include "worker/user_books.h"

static const char *const grain_names[] = { "day", "hour", "quarter" };

/* All that is kept, and by what it is read: of two it is the rows of all four together. */
static const struct view {
	enum usage_grain grain;
	const char *dimension;
	enum usage_dimension by[2];
	size_t by_count;
} views[] = {
	{ USAGE_DAY, "feature", { USAGE_FEATURE }, 1 },
	{ USAGE_DAY, "agent_type", { USAGE_AGENT_TYPE }, 1 },
	{ USAGE_DAY, "provider", { USAGE_PROVIDER }, 1 },
	{ USAGE_DAY, "model", { USAGE_MODEL }, 1 },
	{ USAGE_DAY, "call", { USAGE_FEATURE, USAGE_MODEL }, 2 },
	{ USAGE_DAY, "user", { USAGE_USER }, 1 },
	{ USAGE_DAY, "tag", { USAGE_TAG }, 1 },
	{ USAGE_HOUR, "feature", { USAGE_FEATURE }, 1 },
	{ USAGE_HOUR, "agent_type", { USAGE_AGENT_TYPE }, 1 },
	{ USAGE_HOUR, "provider", { USAGE_PROVIDER }, 1 },
	{ USAGE_HOUR, "model", { USAGE_MODEL }, 1 },
	{ USAGE_HOUR, "call", { USAGE_FEATURE, USAGE_MODEL }, 2 },
	{ USAGE_HOUR, "user", { USAGE_USER }, 1 },
	{ USAGE_HOUR, "tag", { USAGE_TAG }, 1 },
	{ USAGE_QUARTER, "call", { USAGE_FEATURE, USAGE_MODEL }, 2 },
	{ USAGE_QUARTER, "user", { USAGE_USER }, 1 },
	{ USAGE_QUARTER, "tag", { USAGE_TAG }, 1 },
};

/* What each view should say of a day. */
struct expected {
	struct totals all;
	struct totals tags; /* a call counts once for each */
	bool has_tags;
};

typedef bool (*finder)(struct task *, const struct usage_query *, struct usage_rows *);

static bool
sum_view(struct task *task, const struct tenant *tenant, const struct span *day,
    const struct view *view, finder find, struct totals *ret)
{
	struct usage_query query = {
		.buckets = day,
		.bucket_count = 1,
		.by = { view->by[0], view->by[1] },
		.by_count = view->by_count,
		.zone = tenant->zone,
		.timezone = tenant->timezone,
		.coarsest = view->grain,
		.rows_max = INT32_MAX - 1,
	};
	struct arena_mark mark = arena_mark(task->arena);
	struct usage_rows rows;

	*ret = (struct totals){ 0 };
	if (!find(task, &query, &rows))
		return false;
	for (size_t i = 0; i < rows.count; i++)
		totals_add(ret, &rows.at[i].totals);
	arena_undo(task->arena, mark);
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
	output_text(&line, "dimension", view->dimension);
	output_cents(&line, "log_cents", expected->at[TOTAL_COST]);
	output_cents(&line, "book_cents", found->at[TOTAL_COST]);
	output_int(&line, "log_requests", expected->at[TOTAL_REQUESTS]);
	output_int(&line, "book_requests", found->at[TOTAL_REQUESTS]);
	output_print(&line);
}

/* From the log as far as it is there; of tags nothing else tells, and rows by day are what those by
 * hour are compared with. */
static bool
find_expected(struct task *task, const struct tenant *tenant, const struct books *books,
    const struct span *day, const struct rollup_bounds *bounds, struct expected *ret)
{
	static const struct view tags = { USAGE_DAY, "tag", { USAGE_TAG }, 1 };
	struct daily_cost log;

	*ret = (struct expected){ .all = books->stored.totals };
	ret->has_tags = day->until > bounds->whole_from || day->since >= bounds->days_from;
	if (day->until <= bounds->whole_from)
		return !ret->has_tags || sum_view(task, tenant, day, &tags, usage_find, &ret->tags);
	if (!daily_cost_sum(task, tenant->zone, books->date, &log))
		return false;
	ret->all = log.totals;
	return sum_view(task, tenant, day, &tags, usage_find_in_log, &ret->tags);
}

static bool
compare_view(struct command_context *context, const struct tenant *tenant,
    const struct books *books, const struct span *day, const struct view *view,
    const struct expected *expected, int64_t *differences)
{
	bool tags = view->by[0] == USAGE_TAG;
	const struct totals *log = tags ? &expected->tags : &expected->all;
	struct totals found;

	if (tags && !expected->has_tags)
		return true;
	if (!sum_view(context->task, tenant, day, view, usage_find, &found))
		return false;
	if (!totals_equal(&found, log)) {
		print(context, tenant, books->date, view, log, &found);
		++*differences;
	}
	return true;
}

/*
 * An hour that two days share is read by its quarters for either: that its row is their sum is seen
 * of the hour by itself, and told of each day.
 */
static bool
compare_shared_hour(struct command_context *context, const struct tenant *tenant,
    const struct books *books, int64_t midnight, const struct rollup_bounds *bounds,
    int64_t *differences)
{
	static const struct view calls = { USAGE_QUARTER, "call", { USAGE_FEATURE, USAGE_MODEL },
		2 };
	static const struct view tags = { USAGE_QUARTER, "tag", { USAGE_TAG }, 1 };
	struct span hour = { span_floor(midnight, SPAN_HOUR), span_ceil(midnight, SPAN_HOUR) };
	finder find = hour.since < bounds->whole_from ? usage_find : usage_find_in_log;
	struct expected expected = { .has_tags = true };

	if (hour.since == hour.until || hour.since < bounds->hours_from)
		return true;
	if (!sum_view(context->task, tenant, &hour, &calls, find, &expected.all) ||
	    !sum_view(context->task, tenant, &hour, &tags, find, &expected.tags))
		return false;
	for (size_t i = 0; i < COUNT(views); i++) {
		if (views[i].grain == USAGE_HOUR &&
		    !compare_view(context, tenant, books, &hour, &views[i], &expected, differences))
			return false;
	}
	return true;
}

static bool
compare(struct command_context *context, const struct tenant *tenant, const struct books *books,
    const struct span *day, int64_t *differences)
{
	struct task *task = context->task;
	struct rollup_bounds bounds;
	struct expected expected;

	if (!rollup_find_bounds(task, &bounds))
		return false;
	/* What was closed in another zone is not to be had by days of this one. */
	if (day->since < bounds.closed_from)
		return true;
	if (!find_expected(task, tenant, books, day, &bounds, &expected))
		return false;
	for (size_t i = 0; i < COUNT(views); i++) {
		bool days = views[i].grain == USAGE_DAY;

		if (day->since < (days ? bounds.days_from : bounds.hours_from))
			continue;
		if (!compare_view(context, tenant, books, day, &views[i], &expected, differences))
			return false;
	}
	return compare_shared_hour(context, tenant, books, day->since, &bounds, differences) &&
	       compare_shared_hour(context, tenant, books, day->until, &bounds, differences) &&
	       user_books_compare(context, tenant, books->date, &bounds, differences);
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
