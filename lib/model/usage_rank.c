#include <string.h>

#include "lib/model/cents_sql.h"
#include "lib/model/rollup_private.h"
#include "lib/model/usage_rank_private.h"

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

/* The same rows as they are, to be added up by whoever keeps them: ORDER BY and sums in numeric
 * take twice as long as reading the rows. */
static const char stretches_sql[] =
    "SELECT u.user_id, u.cost_nanos, u.calls "
    "FROM unnest($2::bigint[], $3::timestamptz[], $4::timestamptz[]) AS s (days, since, until) "
    "CROSS JOIN LATERAL ("
    "SELECT user_id, cost_nanos, calls "
    "FROM user_costs "
    "WHERE client_id = $1 AND days = s.days AND start >= s.since AND start < s.until "
    "OFFSET 0) AS u "
    "LIMIT $5";

/* Of hours there may be many for each user. */
static const char hours_sql[] =
    "SELECT coalesce(key, " USER_NOBODY ")::uuid, "
    "greatest(least(sum(nanos), " SUM_NANOS_MAX "), -" SUM_NANOS_MAX ")::bigint, add_up(calls) "
    "FROM (SELECT a.key[1] AS key, "
    "s.sign * least(a.cost_cents * 10000000, " SUM_NANOS_MAX ")::bigint AS nanos, "
    "s.sign * a.calls AS calls "
    "FROM unnest($2::text[], $3::timestamptz[], $4::timestamptz[], $5::bigint[]) "
    "AS s (grain, since, until, sign) "
    "CROSS JOIN LATERAL ("
    "SELECT key, cost_cents, calls "
    "FROM cost_rows($1, 'user', s.grain, s.since, s.until) "
    "OFFSET 0) AS a) AS u "
    "GROUP BY key "
    "LIMIT $6";

const char *const usage_rank_statements[] = { rank_sql, stretches_sql, hours_sql, NULL };

int
usage_cost_by_user(const void *a, const void *b)
{
	const struct usage_cost *x = a, *y = b;

	if (x->user == NULL || y->user == NULL)
		return (x->user != NULL) - (y->user != NULL);
	return strcmp(x->user, y->user);
}

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

/* Adds a row for each. */
static void
add_costs(struct task *task, const struct db_rows *from, struct usage_rows *rows)
{
	size_t count = (size_t)db_count(from);
	struct usage_rows more = { arena_array(task->arena, count, sizeof(*more.at)), count };

	for (size_t i = 0; i < count; i++) {
		struct id user = db_id(from, (int)i, 0);

		if (!id_is_nil(user))
			more.at[i].key[0] = id_format(user, arena_alloc(task->arena, ID_TEXT_SIZE));
		more.at[i].totals.at[TOTAL_COST] = db_int(from, (int)i, 1);
		more.at[i].totals.at[TOTAL_REQUESTS] = db_int(from, (int)i, 2);
	}
	usage_append(task, rows, &more);
}

bool
usage_rank_read(
    struct task *task, const struct usage_rank *rank, int64_t limit, struct usage_rows *ret)
{
	struct db_params *stretches = db_params(task), *hours = db_params(task);
	struct db_rows *found[2];
	struct db_step steps[COUNT(found)];
	size_t count = 0;

	*ret = (struct usage_rows){ 0 };
	db_add_id(stretches, task->client);
	add_stretches(stretches, rank);
	db_add_int(stretches, limit);
	db_add_id(hours, task->client);
	add_hours(hours, rank);
	db_add_int(hours, limit);
	if (rank->count > 0)
		steps[count++] = (struct db_step){ stretches_sql, stretches };
	if (rank->added.count + rank->taken.count > 0)
		steps[count++] = (struct db_step){ hours_sql, hours };
	if (count > 0 && !db_pipeline(task, steps, count, found))
		return false;
	for (size_t i = 0; i < count; i++)
		add_costs(task, found[i], ret);
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
