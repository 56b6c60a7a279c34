#include "lib/model/billing_private.h"
#include "lib/model/cents_sql.h"

/* Without the days from $4 to $5. */
static const char costs_sql[] =
    "SELECT date_trunc('month', date::timestamp)::date, "
    "least(sum(total_cost_cents) * 10000000, " SUM_NANOS_MAX ")::bigint, "
    "sum(total_requests)::bigint, sum(total_tokens)::bigint, sum(input_tokens)::bigint, "
    "sum(output_tokens)::bigint, sum(cached_input_tokens)::bigint, "
    "sum(cache_write_tokens)::bigint, sum(reasoning_tokens)::bigint, "
    "sum(failed_requests)::bigint, sum(unpriced_requests)::bigint "
    "FROM daily_costs "
    "WHERE client_id = $1 "
    "AND date BETWEEN $2 AND $3 "
    "AND date NOT BETWEEN $4 AND $5 "
    "GROUP BY 1";

static const char adjustments_sql[] =
    "SELECT date_trunc('month', date::timestamp)::date, "
    "greatest(least(sum(amount_cents) * 10000000, " SUM_NANOS_MAX "), "
    "-" SUM_NANOS_MAX ")::bigint "
    "FROM cost_adjustments "
    "WHERE client_id = $1 "
    "AND date BETWEEN $2 AND $3 "
    "AND date NOT BETWEEN $4 AND $5 "
    "GROUP BY 1";

const char *const billing_month_statements[] = { costs_sql, adjustments_sql, NULL };

/* Today, and what else may have to be read again. */
static void
find_days(struct task *task, const struct zone *zone, const struct db_rows *stale, int32_t since,
    int32_t until, struct billing_days *days)
{
	int32_t today = zone_date(zone, task->now), first = INT32_MAX, last = since - 1;

	for (int i = -1; i < db_count(stale); i++) {
		int32_t date = i < 0 ? today : db_date(stale, i, 0);

		if (date < since || date > until)
			continue;
		first = date < first ? date : first;
		last = date > last ? date : last;
	}
	days->since = first > last ? since : first;
	days->count = (size_t)last + 1 - (size_t)days->since;
	days->at = arena_array(task->arena, days->count, sizeof(*days->at));
}

static void
read_month(const struct db_rows *rows, int row, struct billing_period *ret)
{
	for (int i = 0; i < TOTAL_COUNT; i++)
		ret->totals.at[daily_cost_columns[i]] = db_int(rows, row, i + 1);
}

static bool
read_months(struct task *task, int32_t since, int32_t until, struct billing_months *ret)
{
	const struct billing_days *days = &ret->days;
	struct db_params *params = db_params(task);
	struct db_step steps[] = { { costs_sql, params }, { adjustments_sql, params } };
	struct db_rows *rows[COUNT(steps)];
	int32_t first = billing_month_of(since);

	db_add_id(params, task->client);
	db_add_date(params, since);
	db_add_date(params, until);
	db_add_date(params, days->since);
	db_add_date(params, days->since + (int32_t)days->count - 1);
	if (!db_pipeline(task, steps, COUNT(steps), rows))
		return false;
	for (int i = 0; i < db_count(rows[0]); i++)
		read_month(rows[0], i, &ret->at[billing_month_of(db_date(rows[0], i, 0)) - first]);
	for (int i = 0; i < db_count(rows[1]); i++)
		ret->at[billing_month_of(db_date(rows[1], i, 0)) - first].adjustments_nanos =
		    db_int(rows[1], i, 1);
	return true;
}

bool
billing_find_months(struct task *task, const struct zone *zone, const char *timezone, int32_t since,
    int32_t until, struct billing_months *ret)
{
	int32_t first = billing_month_start(since), last = billing_month_start(until + 1) - 1;
	struct db_rows *stale;

	*ret = (struct billing_months){ .count = (size_t)(until - since) + 1 };
	ret->at = arena_array(task->arena, ret->count, sizeof(*ret->at));
	for (size_t i = 0; i < ret->count; i++)
		ret->at[i].month = since + (int32_t)i;
	db_set_snapshot(task);
	if (!billing_read_first(task, zone, &ret->days, &stale))
		return false;
	find_days(task, zone, stale, first, last, &ret->days);
	return read_months(task, first, last, ret) &&
	       (ret->days.count == 0 ||
		   billing_read_days(task, zone, timezone, stale, &ret->days)) &&
	       db_commit(task);
}
