#include "lib/model/dashboard.h"

#include <stdlib.h>
#include <string.h>

#include "lib/core/period.h"
#include "lib/model/daily_cost.h"

static const char jobs_sql[] = "SELECT max(succeeded_at) FILTER (WHERE job = 'flush'), "
			       "max(succeeded_at) FILTER (WHERE job = 'rollup'), "
			       "max(succeeded_at) FILTER (WHERE job = 'reconcile'), "
			       "bool_or(drift_nanos <> 0) FILTER (WHERE job = 'reconcile') "
			       "FROM job_runs";

const char *const dashboard_statements[] = { jobs_sql, NULL };

/* Every part begins and ends between two buckets. */
struct division {
	int64_t bounds[2 * DASHBOARD_PARTS];
	struct span buckets[2 * DASHBOARD_PARTS];
	size_t count; /* of buckets */
};

static void
find_spans(const struct zone *zone, int64_t now, struct span spans[DASHBOARD_PARTS])
{
	int32_t date = zone_date(zone, now);
	struct span today = { zone_day_start(zone, date), zone_day_start(zone, date + 1) };
	int64_t yesterday = zone_day_start(zone, date - 1);
	int64_t same_time = yesterday + span_floor(now - today.since, SPAN_QUARTER);
	int64_t first_hour = span_floor(now, SPAN_HOUR) - (DASHBOARD_HOURS - 1) * SPAN_HOUR;

	spans[DASHBOARD_TODAY] = today;
	spans[DASHBOARD_YESTERDAY] =
	    (struct span){ yesterday, same_time < today.since ? same_time : today.since };
	spans[DASHBOARD_MONTH] =
	    (struct span){ period_window(PERIOD_MONTH, zone, now, 0).start, today.until };
	for (int i = 0; i < DASHBOARD_HOURS; i++)
		spans[DASHBOARD_FIRST_HOUR + i] =
		    (struct span){ first_hour + i * SPAN_HOUR, first_hour + (i + 1) * SPAN_HOUR };
}

static int
compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
divide(const struct span spans[DASHBOARD_PARTS], struct division *ret)
{
	size_t count = 0;

	for (int i = 0; i < DASHBOARD_PARTS; i++) {
		ret->bounds[count++] = spans[i].since;
		ret->bounds[count++] = spans[i].until;
	}
	qsort(ret->bounds, count, sizeof(ret->bounds[0]), compare_times);
	ret->count = 0;
	for (size_t i = 1; i < count; i++) {
		if (ret->bounds[i - 1] < ret->bounds[i])
			ret->buckets[ret->count++] =
			    (struct span){ ret->bounds[i - 1], ret->bounds[i] };
	}
}

static void
sum_part(const struct usage_rows *rows, const struct division *division, struct span part,
    struct usage_sum *sum, struct usage_group *ret)
{
	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < rows->count; i++) {
		int64_t at = division->buckets[rows->at[i].bucket].since;

		if (at >= part.since && at < part.until)
			usage_sum_add(sum, &rows->at[i]);
	}
	*ret = usage_sum_group(sum);
}

static int
compare_names(const void *a, const void *b)
{
	const struct dashboard_model *x = a, *y = b;

	if (x->model == NULL || y->model == NULL)
		return (x->model != NULL) - (y->model != NULL);
	return strcmp(x->model, y->model);
}

static int
compare_calls(const void *a, const void *b)
{
	const struct dashboard_model *x = a, *y = b;

	if (x->calls != y->calls)
		return x->calls > y->calls ? -1 : 1;
	return compare_names(a, b);
}

static void
find_unpriced(struct task *task, const struct usage_rows *rows, const struct division *division,
    struct dashboard *ret)
{
	struct dashboard_model *at = arena_array(task->arena, rows->count, sizeof(*at));
	struct span month = ret->spans[DASHBOARD_MONTH];
	size_t all = 0, count = 0;

	for (size_t i = 0; i < rows->count; i++) {
		const struct usage_row *row = &rows->at[i];
		int64_t since = division->buckets[row->bucket].since;
		int64_t calls = row->totals.at[TOTAL_UNPRICED];

		if (calls != 0 && since >= month.since && since < month.until)
			at[all++] = (struct dashboard_model){ row->key[0], calls };
	}
	qsort(at, all, sizeof(*at), compare_names);
	for (size_t i = 0; i < all; i++) {
		if (count > 0 && compare_names(&at[count - 1], &at[i]) == 0)
			at[count - 1].calls += at[i].calls;
		else
			at[count++] = at[i];
	}
	qsort(at, count, sizeof(*at), compare_calls);
	while (count > 0 && at[count - 1].calls == 0)
		count--;
	ret->unpriced = at;
	ret->unpriced_count = count < DASHBOARD_MODELS_MAX ? count : DASHBOARD_MODELS_MAX;
}

static bool
find_usage(struct task *task, const struct zone *zone, const char *timezone, struct dashboard *ret)
{
	struct division *division = arena_alloc(task->arena, sizeof(*division));
	struct usage_sum *sum = arena_alloc(task->arena, sizeof(*sum));
	struct usage_query query = {
		.buckets = division->buckets,
		.by = { USAGE_MODEL },
		.by_count = 1,
		.zone = zone,
		.timezone = timezone,
		.rows_max = USAGE_ROWS_MAX,
	};
	struct usage_rows rows;

	divide(ret->spans, division);
	query.bucket_count = division->count;
	if (!usage_find(task, &query, &rows))
		return false;
	for (int i = 0; i < DASHBOARD_PARTS; i++)
		sum_part(&rows, division, ret->spans[i], sum, &ret->sums[i]);
	find_unpriced(task, &rows, division, ret);
	return true;
}

static bool
find_adjustments(struct task *task, const struct zone *zone, struct dashboard *ret)
{
	struct span month = ret->spans[DASHBOARD_MONTH];
	struct daily_costs days;

	if (!daily_cost_list(
		task, zone_date(zone, month.since), zone_date(zone, month.until - 1), &days))
		return false;
	for (size_t i = 0; i < days.count; i++) {
		if (__builtin_add_overflow(ret->adjustments_nanos, days.at[i].adjustments_nanos,
			&ret->adjustments_nanos))
			ret->adjustments_nanos = INT64_MAX;
	}
	return true;
}

static bool
find_jobs(struct task *task, struct dashboard *ret)
{
	struct db_rows *rows;

	if (!db_query_one(task, jobs_sql, NULL, &rows))
		return false;
	ret->flushed_at = db_time(rows, 0, 0);
	ret->rolled_up_at = db_time(rows, 0, 1);
	ret->reconciled_at = db_time(rows, 0, 2);
	ret->drifts = db_bool(rows, 0, 3);
	return true;
}

bool
dashboard_find(
    struct task *task, const struct zone *zone, const char *timezone, struct dashboard *ret)
{
	*ret = (struct dashboard){ 0 };
	find_spans(zone, task->now, ret->spans);
	db_set_snapshot(task);
	return find_usage(task, zone, timezone, ret) && find_adjustments(task, zone, ret) &&
	       find_jobs(task, ret) && db_commit(task);
}
