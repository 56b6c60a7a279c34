#include "worker/user_books.h"

#include <stdlib.h>

#include "lib/model/day.h"
#include "lib/model/usage_rank.h"
#include "worker/output.h"

/* Each but the first is made of rows of the one before. */
static const int32_t lengths[] = { 1, 2, 4, 8, USAGE_DAYS_MAX };

static struct usage_query
query_of(const struct tenant *tenant, const struct span *span)
{
	return (struct usage_query){
		.buckets = span,
		.bucket_count = 1,
		.by = { USAGE_USER },
		.by_count = 1,
		.zone = tenant->zone,
		.timezone = tenant->timezone,
		.rows_max = INT32_MAX - 1,
	};
}

/* In the order of the users. */
static bool
rank(struct task *task, const struct tenant *tenant, const struct span *span, int32_t days,
    struct usage_costs *ret)
{
	const struct usage_query query = query_of(tenant, span);
	const struct usage_limits limits = { INT64_MAX, days };

	if (!usage_rank(task, &query, &limits, ret))
		return false;
	qsort(ret->at, ret->count, sizeof(*ret->at), usage_cost_by_user);
	return true;
}

/* From rows of cost_aggregates. */
static bool
sum(struct task *task, const struct tenant *tenant, const struct span *span,
    const struct rollup_bounds *bounds, struct usage_costs *ret)
{
	struct usage_query query = query_of(tenant, span);
	struct usage_groups groups;
	struct usage_rows rows;

	query.coarsest = span->since < bounds->hours_from ? USAGE_DAY : USAGE_HOUR;
	if (!usage_find(task, &query, &rows))
		return false;
	usage_group(task, &rows, SIZE_MAX, &groups);
	ret->at = arena_array(task->arena, groups.count, sizeof(*ret->at));
	ret->count = groups.count;
	for (size_t i = 0; i < groups.count; i++)
		ret->at[i] = (struct usage_cost){
			.user = groups.at[i].key[0],
			.nanos = groups.at[i].totals.at[TOTAL_COST],
			.calls = groups.at[i].totals.at[TOTAL_REQUESTS],
		};
	qsort(ret->at, ret->count, sizeof(*ret->at), usage_cost_by_user);
	return true;
}

/* The first user of which they do not say the same. */
static bool
differ(const struct usage_costs *made, const struct usage_costs *of, struct usage_cost *ret_made,
    struct usage_cost *ret_of)
{
	for (size_t i = 0; i < made->count || i < of->count; i++) {
		int order = i >= made->count ? 1
			    : i >= of->count ? -1
					     : usage_cost_by_user(&made->at[i], &of->at[i]);

		*ret_made = order <= 0 ? made->at[i] : (struct usage_cost){ of->at[i].user, 0, 0 };
		*ret_of = order >= 0 ? of->at[i] : (struct usage_cost){ made->at[i].user, 0, 0 };
		if (order != 0 || ret_made->nanos != ret_of->nanos ||
		    ret_made->calls != ret_of->calls)
			return true;
	}
	return false;
}

static void
print(struct command_context *context, const struct tenant *tenant, int32_t date, int32_t days,
    const struct usage_cost *made, const struct usage_cost *of)
{
	struct output_line line = output_line(context, "difference");

	output_id(&line, "client", tenant->id);
	output_text(&line, "name", tenant->name);
	output_date(&line, "date", date);
	output_text(&line, "book", "user_costs");
	output_int(&line, "days", days);
	output_text(&line, "user", made->user == NULL ? "nobody" : made->user);
	output_cents(&line, "log_cents", of->nanos);
	output_cents(&line, "book_cents", made->nanos);
	output_int(&line, "log_requests", of->calls);
	output_int(&line, "book_requests", made->calls);
	output_print(&line);
}

static bool
compare(struct command_context *context, const struct tenant *tenant, size_t length, int32_t date,
    const struct rollup_bounds *bounds, int64_t *differences)
{
	struct task *task = context->task;
	int32_t days = lengths[length];
	struct span span = { zone_day_start(tenant->zone, date),
		zone_day_start(tenant->zone, date + days) };
	struct usage_costs made, of;
	struct usage_cost book, log;

	if (span.since >= span.until || span.since < bounds->days_from)
		return true;
	if (!rank(task, tenant, &span, days, &made))
		return false;
	if (!(length == 0 ? sum(task, tenant, &span, bounds, &of)
			  : rank(task, tenant, &span, lengths[length - 1], &of)))
		return false;
	if (differ(&made, &of, &book, &log)) {
		print(context, tenant, date, days, &book, &log);
		++*differences;
	}
	return true;
}

bool
user_books_compare(struct command_context *context, const struct tenant *tenant, int32_t date,
    const struct rollup_bounds *bounds, int64_t *differences)
{
	struct task *task = context->task;

	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct arena_mark mark = arena_mark(task->arena);
		int32_t start = date - date % lengths[i], first;
		bool any;

		if (!day_next(task, tenant->zone, start, &any, &first))
			return false;
		if (any && first == date &&
		    !compare(context, tenant, i, start, bounds, differences))
			return false;
		arena_undo(task->arena, mark);
	}
	return true;
}
