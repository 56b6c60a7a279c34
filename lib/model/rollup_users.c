/* user_costs: days from cost_aggregates, longer stretches from shorter ones. */
#include <string.h>

#include "lib/model/cents_sql.h"
#include "lib/model/rollup_private.h"

/* Rows of users that called no more go, others are written, in the order in which they are read,
 * and equal ones are not even locked. */
#define REPLACE(sums) \
	"WITH sums AS MATERIALIZED (" sums "), " \
	"gone AS (" \
	"DELETE FROM user_costs u " \
	"WHERE u.client_id = $1 AND u.days = $2 AND u.start = ANY ($4) " \
	"AND NOT EXISTS (" \
	"SELECT FROM sums s " \
	"WHERE s.start = u.start AND s.user_id = u.user_id)) " \
	"INSERT INTO user_costs (client_id, days, start, user_id, cost_nanos, calls) " \
	"SELECT $1, $2, start, user_id, cost_nanos, calls " \
	"FROM sums s " \
	"WHERE NOT EXISTS (" \
	"SELECT FROM user_costs o " \
	"WHERE o.client_id = $1 AND o.days = $2 AND o.start = ANY ($4) " \
	"AND o.start = s.start AND o.user_id = s.user_id " \
	"AND o.cost_nanos = s.cost_nanos AND o.calls = s.calls) " \
	"ORDER BY start, user_id " \
	"ON CONFLICT (client_id, days, start, user_id) DO UPDATE " \
	"SET cost_nanos = excluded.cost_nanos, calls = excluded.calls"

static const char days_sql[] =
    REPLACE("SELECT s.since AS start, coalesce(a.key[1], " USER_NOBODY ")::uuid AS user_id, "
	    "least(sum(a.cost_cents) * 10000000, " SUM_NANOS_MAX ")::bigint AS cost_nanos, "
	    "sum(a.calls)::bigint AS calls "
	    "FROM unnest($3::text[], $4::timestamptz[], $5::timestamptz[]) "
	    "AS s (grain, since, until) "
	    "CROSS JOIN LATERAL ("
	    "SELECT key, cost_cents, calls "
	    "FROM cost_rows($1, 'user', s.grain, s.since, s.until) "
	    "OFFSET 0) AS a "
	    "GROUP BY 1, 2");

static const char stretches_sql[] =
    REPLACE("SELECT s.since AS start, a.user_id, "
	    "least(sum(a.cost_nanos), " SUM_NANOS_MAX ")::bigint AS cost_nanos, "
	    "sum(a.calls)::bigint AS calls "
	    "FROM unnest($4::timestamptz[], $5::timestamptz[]) AS s (since, until) "
	    "CROSS JOIN LATERAL ("
	    "SELECT user_id, cost_nanos, calls "
	    "FROM user_costs "
	    "WHERE client_id = $1 AND days = $3 AND start >= s.since AND start < s.until "
	    "OFFSET 0) AS a "
	    "GROUP BY 1, 2");

/* Where the client's days that are kept begin. */
static const char first_sql[] = "SELECT least((SELECT min(start) "
				"FROM cost_aggregates "
				"WHERE client_id = $1 "
				"AND dimension = 'provider' "
				"AND grain = 'day' "
				"AND start >= $2), "
				"(SELECT min(start) "
				"FROM cost_aggregates "
				"WHERE client_id = $1 "
				"AND dimension = 'provider' "
				"AND grain = 'hour' "
				"AND start >= $2))";

static const char ended_sql[] = "UPDATE rollup_clients "
				"SET users_until = $2, " ROLLUP_REVISED " "
				"WHERE client_id = $1";

const char *const rollup_user_statements[] = { days_sql, stretches_sql, first_sql, ended_sql,
	NULL };

const int32_t rollup_user_days[ROLLUP_USER_LEVELS] = { 1, 2, 4, 8, 16 };

/* Of one portion of rollup_end_users(). */
#define PORTION 32

static const char *
grain_of(const struct rollup_bounds *kept, struct span day)
{
	if (day.until <= kept->days_until)
		return "day";
	return day.since % SPAN_HOUR == 0 && day.until % SPAN_HOUR == 0 ? "hour" : "quarter";
}

/* Not where there are neither hours nor a day any more. */
static bool
is_kept(const struct rollup_bounds *kept, struct span day)
{
	if (day.since >= day.until || day.since < kept->days_from)
		return false;
	return day.since >= kept->hours_from || day.until <= kept->days_until;
}

static bool
store(struct task *task, const char *sql, struct db_params *params, int64_t *rows)
{
	struct db_rows *stored;

	if (!db_query(task, sql, params, &stored))
		return false;
	*rows += db_changed(stored);
	return true;
}

/* Dates, both inclusive. */
static bool
store_days(struct task *task, const struct zone *zone, const struct rollup_bounds *kept,
    int32_t first, int32_t last, int64_t *rows)
{
	struct db_params *params = db_params(task);
	struct db_array *grains, *since, *until;
	const char *grain;
	bool any = false;

	db_add_id(params, task->client);
	db_add_int(params, 1);
	grains = db_add_array(params, DB_ARRAY_TEXT);
	since = db_add_array(params, DB_ARRAY_TIME);
	until = db_add_array(params, DB_ARRAY_TIME);
	for (int32_t date = first; date <= last; date++) {
		struct span day = { zone_day_start(zone, date), zone_day_start(zone, date + 1) };

		if (!is_kept(kept, day))
			continue;
		grain = grain_of(kept, day);
		db_array_text(grains, (struct text){ grain, strlen(grain) });
		db_array_time(since, day.since);
		db_array_time(until, day.until);
		any = true;
	}
	return !any || store(task, days_sql, params, rows);
}

/* The stretches that hold dates from first to last and end with a date before open. */
static bool
store_stretches(struct task *task, const struct zone *zone, const struct rollup_bounds *kept,
    int level, int32_t first, int32_t last, int32_t open, int64_t *rows)
{
	int32_t days = rollup_user_days[level];
	struct db_params *params = db_params(task);
	struct db_array *since, *until;
	bool any = false;

	db_add_id(params, task->client);
	db_add_int(params, days);
	db_add_int(params, rollup_user_days[level - 1]);
	since = db_add_array(params, DB_ARRAY_TIME);
	until = db_add_array(params, DB_ARRAY_TIME);
	for (int32_t date = first - first % days; date <= last && date + days <= open;
	     date += days) {
		int64_t start = zone_day_start(zone, date);

		if (start < kept->days_from)
			continue;
		db_array_time(since, start);
		db_array_time(until, zone_day_start(zone, date + days));
		any = true;
	}
	return !any || store(task, stretches_sql, params, rows);
}

/* Shorter stretches first: longer ones are made of them. */
static bool
store_longer(struct task *task, const struct zone *zone, const struct rollup_bounds *kept,
    int32_t first, int32_t last, int32_t open, int64_t *rows)
{
	for (int level = 1; level < ROLLUP_USER_LEVELS; level++) {
		if (!store_stretches(task, zone, kept, level, first, last, open, rows))
			return false;
	}
	return true;
}

bool
rollup_sum_users(struct task *task, const struct zone *zone, struct span span,
    const struct rollup_bounds *kept, int64_t *rows)
{
	int32_t first = zone_date(zone, span.since), last = zone_date(zone, span.until - 1);
	int32_t open = zone_date(zone, kept->users_until - 1);

	/* A day that has no hours is as it is. */
	while (first <= last && zone_day_start(zone, first) < kept->hours_from)
		first++;
	if (last > open)
		last = open;
	if (kept->users_until == 0 || first > last)
		return true;
	return store_days(task, zone, kept, first, last, rows) &&
	       store_longer(task, zone, kept, first, last, open, rows);
}

static bool
find_first(
    struct task *task, const struct zone *zone, const struct rollup_bounds *kept, int32_t *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	if (kept->users_until > 0) {
		*ret = zone_date(zone, kept->users_until);
		return true;
	}
	db_add_id(params, task->client);
	db_add_time(params, kept->days_from);
	if (!db_query_one(task, first_sql, params, &rows))
		return false;
	*ret = zone_date(zone, db_null(rows, 0, 0) ? task->now : db_time(rows, 0, 0));
	return true;
}

static bool
write_ended(struct task *task, int64_t until)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_time(params, until);
	return db_query(task, ended_sql, params, NULL);
}

bool
rollup_end_users(struct task *task, const struct zone *zone, const struct rollup_bounds *kept,
    bool *ret_more, int64_t *rows)
{
	int32_t today = zone_date(zone, task->now), first, last;

	*ret_more = false;
	if (kept->users_until >= zone_day_start(zone, today + 1))
		return true;
	if (!find_first(task, zone, kept, &first))
		return false;
	last = first + PORTION - 1 < today ? first + PORTION - 1 : today;
	*ret_more = last < today;
	/* The day that was open when this was last done is over, too. */
	return store_days(task, zone, kept, first, last, rows) &&
	       store_longer(task, zone, kept, first > 0 ? first - 1 : 0, last - 1, last, rows) &&
	       write_ended(task, zone_day_start(zone, last + 1));
}
