#include <string.h>

#include "lib/model/cents_sql.h"
#include "lib/model/rollup_private.h"
#include "lib/model/usage_private.h"

/* Stretches of days ($2 to $4), rows by hour that are added or taken away ($5 to $8), and the log
 * ($9 to $11). */
static const char rank_sql[] =
    "SELECT nullif(user_id, " USER_NOBODY ")::text, least(sum(nanos), " SUM_NANOS_MAX ")::bigint, "
    "add_up(calls) "
    "FROM (SELECT u.user_id, u.cost_nanos AS nanos, u.calls "
    "FROM unnest($2::bigint[], $3::timestamptz[], $4::timestamptz[]) AS s (days, since, until) "
    "CROSS JOIN LATERAL ("
    "SELECT user_id, cost_nanos, calls "
    "FROM user_costs "
    "WHERE client_id = $1 AND days = s.days AND start >= s.since AND start < s.until "
    "OFFSET 0) AS u "
    "UNION ALL "
    "SELECT coalesce(a.key[1], " USER_NOBODY ")::uuid, "
    "s.sign * least(a.cost_cents * 10000000, " SUM_NANOS_MAX ")::bigint, s.sign * a.calls "
    "FROM unnest($5::text[], $6::timestamptz[], $7::timestamptz[], $8::bigint[]) "
    "AS s (grain, since, until, sign) "
    "CROSS JOIN LATERAL ("
    "SELECT key, cost_cents, calls "
    "FROM cost_rows($1, 'user', s.grain, s.since, s.until) "
    "OFFSET 0) AS a "
    "UNION ALL "
    "SELECT coalesce(key, " USER_NOBODY ")::uuid, nanos, calls "
    "FROM unnest($9::text[], $10::bigint[], $11::bigint[]) AS l (key, nanos, calls)) AS u "
    "GROUP BY user_id "
    "HAVING add_up(calls) > 0 "
    "ORDER BY sum(nanos) DESC, add_up(calls) DESC, user_id "
    "LIMIT $12";

const char *const usage_rank_statements[] = { rank_sql, NULL };

static void
add_stretches(struct db_params *params, const struct usage_rank *rank)
{
	struct db_array *days = db_add_array(params, DB_ARRAY_INT);
	struct db_array *since = db_add_array(params, DB_ARRAY_TIME);
	struct db_array *until = db_add_array(params, DB_ARRAY_TIME);

	for (size_t i = 0; i < rank->count; i++) {
		db_array_int(days, rank->at[i].days);
		db_array_time(since, rank->at[i].span.since);
		db_array_time(until, rank->at[i].span.until);
	}
}

static void
add_hours(struct db_params *params, const struct usage_rank *rank)
{
	const struct usage_parts *const lists[] = { &rank->added, &rank->taken };
	static const int64_t signs[] = { 1, -1 };
	struct db_array *grains = db_add_array(params, DB_ARRAY_TEXT);
	struct db_array *since = db_add_array(params, DB_ARRAY_TIME);
	struct db_array *until = db_add_array(params, DB_ARRAY_TIME);
	struct db_array *sign = db_add_array(params, DB_ARRAY_INT);

	for (size_t i = 0; i < COUNT(lists); i++) {
		for (size_t j = 0; j < lists[i]->count; j++) {
			const struct usage_part *part = &lists[i]->at[j];
			const char *name = usage_grain_names[part->grain];

			db_array_text(grains, (struct text){ name, strlen(name) });
			db_array_time(since, part->span.since);
			db_array_time(until, part->span.until);
			db_array_int(sign, signs[i]);
		}
	}
}

static void
add_log(struct db_params *params, const struct usage_rows *rows)
{
	struct db_array *keys = db_add_array(params, DB_ARRAY_TEXT);
	struct db_array *nanos = db_add_array(params, DB_ARRAY_INT);
	struct db_array *calls = db_add_array(params, DB_ARRAY_INT);

	for (size_t i = 0; i < rows->count; i++) {
		const char *key = rows->at[i].key[0];

		db_array_text(keys, (struct text){ key, key == NULL ? 0 : strlen(key) });
		db_array_int(nanos, rows->at[i].totals.at[TOTAL_COST]);
		db_array_int(calls, rows->at[i].totals.at[TOTAL_REQUESTS]);
	}
}

bool
usage_rank_find(struct task *task, const struct usage_rank *rank, const struct usage_rows *log,
    int64_t limit, struct usage_costs *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	add_stretches(params, rank);
	add_hours(params, rank);
	add_log(params, log);
	db_add_int(params, limit);
	if (!db_query(task, rank_sql, params, &rows))
		return false;
	ret->count = (size_t)db_count(rows);
	ret->at = arena_array(task->arena, ret->count, sizeof(*ret->at));
	for (size_t i = 0; i < ret->count; i++)
		ret->at[i] = (struct usage_cost){ db_text(rows, (int)i, 0), db_int(rows, (int)i, 1),
			db_int(rows, (int)i, 2) };
	return true;
}

bool
usage_rank_rows(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, const struct usage_rows *log,
    const struct usage_limits *limits, struct usage_costs *ret)
{
	struct usage_rank rank;
	bool done = false;

	if (!usage_rank_divide(task, query, changed, limits->days, &rank))
		return false;
	if (task->usage_memory != NULL &&
	    !usage_rank_kept(task, changed, &rank, log, limits->users, ret, &done))
		return false;
	return done || usage_rank_find(task, &rank, log, limits->users, ret);
}

bool
usage_rank(struct task *task, const struct usage_query *query, const struct usage_limits *limits,
    struct usage_costs *ret)
{
	struct usage_changed changed;
	struct usage_rows log = { 0 };

	return usage_find_changed(task, query, &changed) &&
	       usage_read_changed(task, query, &changed, &log) &&
	       usage_rank_rows(task, query, &changed, &log, limits, ret);
}
