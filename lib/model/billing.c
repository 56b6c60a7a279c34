#include <string.h>

#include "lib/model/billing_private.h"
#include "lib/model/usage.h"

static const char first_sql[] = "SELECT (SELECT min(date) FROM daily_costs WHERE client_id = $1), "
				"(SELECT min(date) FROM cost_adjustments WHERE client_id = $1)";

/* Days with records that are not summed in daily_costs yet: those that batches name, and the open
 * one of the counters until these have seen that it is over. */
static const char stale_sql[] = "SELECT day "
				"FROM ingest_batches "
				"CROSS JOIN LATERAL unnest(late_days) AS day "
				"WHERE client_id = $1 "
				"AND late_days IS NOT NULL "
				"UNION "
				"SELECT day "
				"FROM counter_states "
				"WHERE client_id = $1 "
				"AND day < $2";

const char *const billing_statements[] = { first_sql, stale_sql, NULL };

static int32_t
least_date(int32_t a, int32_t b)
{
	return a < b ? a : b;
}

static int32_t
read_date(const struct db_rows *rows, int row, int column)
{
	return db_null(rows, row, column) ? INT32_MAX : db_date(rows, row, column);
}

bool
billing_read_first(struct task *task, const struct zone *zone, struct billing_days *ret,
    struct db_rows **ret_stale)
{
	struct db_params *first = db_params(task), *stale = db_params(task);
	struct db_step steps[] = { { first_sql, first }, { stale_sql, stale } };
	struct db_rows *rows[COUNT(steps)];

	db_add_id(first, task->client);
	db_add_id(stale, task->client);
	db_add_date(stale, zone_date(zone, task->now));
	if (!db_pipeline(task, steps, COUNT(steps), rows))
		return false;
	ret->first_calls = read_date(rows[0], 0, 0);
	for (int i = 0; i < db_count(rows[1]); i++)
		ret->first_calls = least_date(ret->first_calls, db_date(rows[1], i, 0));
	ret->first = least_date(ret->first_calls, read_date(rows[0], 0, 1));
	*ret_stale = rows[1];
	return true;
}

bool
billing_find_first(struct task *task, const struct zone *zone, struct billing_days *ret)
{
	struct db_rows *stale;

	*ret = (struct billing_days){ 0 };
	return billing_read_first(task, zone, ret, &stale);
}

/* Marks those that are closed: what comes to them is billed as an adjustment. */
static bool
read_stored(struct task *task, struct billing_days *days, bool *closed)
{
	struct daily_costs stored;

	if (!daily_cost_list(task, days->since, days->since + (int32_t)days->count - 1, &stored))
		return false;
	for (size_t i = 0; i < stored.count; i++) {
		const struct daily_cost *from = &stored.at[i];
		struct billing_day *day = &days->at[from->date - days->since];

		day->totals = from->totals;
		day->adjustments_nanos = from->adjustments_nanos;
		closed[from->date - days->since] = from->closed_at != 0;
	}
	return true;
}

/* What the rollups know of the days from since to until, both of which are among days. */
static bool
read_rollups(struct task *task, const struct zone *zone, const char *timezone,
    const struct billing_days *days, int32_t since, int32_t until, struct totals *ret)
{
	size_t most = (size_t)(until - since) + 1;
	struct span *buckets = arena_array(task->arena, most, sizeof(*buckets));
	int32_t *dates = arena_array(task->arena, most, sizeof(*dates));
	struct usage_query query = {
		.buckets = buckets, .zone = zone, .timezone = timezone, .rows_max = USAGE_ROWS_MAX
	};
	struct usage_rows rows;

	for (int32_t date = since; date <= until; date++) {
		struct span day = { zone_day_start(zone, date), zone_day_start(zone, date + 1) };

		/* A date that the zone never had is no bucket. */
		if (day.since == day.until)
			continue;
		dates[query.bucket_count] = date;
		buckets[query.bucket_count++] = day;
	}
	if (query.bucket_count == 0)
		return true;
	if (!usage_find(task, &query, &rows))
		return false;
	for (size_t i = 0; i < rows.count; i++)
		totals_add(&ret[dates[rows.at[i].bucket] - days->since], &rows.at[i].totals);
	return true;
}

static bool
read_stale(struct task *task, const struct zone *zone, const char *timezone,
    const struct db_rows *stale, const bool *closed, struct billing_days *days)
{
	struct totals *fresh = arena_array(task->arena, days->count, sizeof(*fresh));
	bool *wanted = arena_array(task->arena, days->count, sizeof(*wanted));
	size_t first = days->count, last = 0;

	for (int i = 0; i < db_count(stale); i++) {
		int64_t at = (int64_t)db_date(stale, i, 0) - days->since;

		if (at < 0 || at >= (int64_t)days->count || closed[at])
			continue;
		wanted[at] = true;
		first = (size_t)at < first ? (size_t)at : first;
		last = (size_t)at > last ? (size_t)at : last;
	}
	if (first == days->count)
		return true;
	if (!read_rollups(task, zone, timezone, days, days->since + (int32_t)first,
		days->since + (int32_t)last, fresh))
		return false;
	for (size_t at = first; at <= last; at++) {
		if (wanted[at])
			days->at[at].totals = fresh[at];
	}
	return true;
}

bool
billing_read_days(struct task *task, const struct zone *zone, const char *timezone,
    const struct db_rows *stale, struct billing_days *days)
{
	bool *closed = arena_array(task->arena, days->count, sizeof(*closed));

	return read_stored(task, days, closed) &&
	       read_stale(task, zone, timezone, stale, closed, days);
}

bool
billing_find_days(struct task *task, const struct zone *zone, const char *timezone, int32_t since,
    int32_t until, struct billing_days *ret)
{
	size_t count = (size_t)(until - since) + 1;
	struct db_rows *stale;

	*ret = (struct billing_days){
		.at = arena_array(task->arena, count, sizeof(*ret->at)),
		.count = count,
		.since = since,
	};
	db_set_snapshot(task);
	return billing_read_first(task, zone, ret, &stale) &&
	       billing_read_days(task, zone, timezone, stale, ret) && db_commit(task);
}

bool
billing_find_limits(struct task *task, const char *timezone, struct budgets *ret)
{
	static const struct budget_scope any;
	struct budgets all;
	struct budget *kept;
	size_t count = 0;

	/* What is known of no call limits each. */
	if (!budget_list_applying(task, &any, &all))
		return false;
	kept = arena_array(task->arena, all.count, sizeof(*kept));
	for (size_t i = 0; i < all.count; i++) {
		const struct budget *budget = &all.at[i];

		if (budget->period == PERIOD_MONTH && strcmp(budget->timezone, timezone) == 0)
			kept[count++] = *budget;
	}
	*ret = (struct budgets){ kept, count };
	return true;
}
