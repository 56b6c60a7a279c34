#include <string.h>

#include "lib/model/usage_private.h"

/* What the rollups and ($5 to $7) the log have of each user. */
static const char choose_sql[] =
    "SELECT key "
    "FROM (SELECT a.key[1] AS key, a.cost_cents AS cents, a.calls "
    "FROM unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) AS s (grain, since, until) "
    "CROSS JOIN LATERAL ("
    "SELECT key, cost_cents, calls "
    "FROM cost_rows($1, 'user', s.grain, s.since, s.until) "
    "OFFSET 0) AS a "
    "UNION ALL "
    "SELECT key, nanos * 0.0000001, calls "
    "FROM unnest($5::text[], $6::bigint[], $7::bigint[]) AS l (key, nanos, calls)) AS u "
    "GROUP BY key "
    "ORDER BY sum(cents) DESC, sum(calls) DESC, key COLLATE \"C\" NULLS FIRST "
    "LIMIT $8";

const char *const usage_choose_statements[] = { choose_sql, NULL };

bool
usage_can_choose(const struct usage_query *query)
{
	return query->groups_max > 0 && query->by_count == 1 && query->by[0] == USAGE_USER;
}

static void
add_parts(struct db_params *params, const struct usage_parts *parts)
{
	static const char *const names[] = { "day", "hour", "quarter" };
	struct db_array *grains = db_add_array(params, DB_ARRAY_TEXT);
	struct db_array *since = db_add_array(params, DB_ARRAY_TIME);
	struct db_array *until = db_add_array(params, DB_ARRAY_TIME);

	for (size_t i = 0; i < parts->count; i++) {
		const char *name = names[parts->at[i].grain];

		db_array_text(grains, (struct text){ name, strlen(name) });
		db_array_time(since, parts->at[i].span.since);
		db_array_time(until, parts->at[i].span.until);
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

static bool
find_keys(struct task *task, const struct usage_query *query, const struct usage_parts *parts,
    const struct usage_rows *log, struct db_rows **ret)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	add_parts(params, parts);
	add_log(params, log);
	db_add_int(params, (int64_t)query->groups_max);
	return db_query(task, choose_sql, params, ret);
}

struct bucket {
	int64_t totals[TOTAL_COUNT];
	int64_t calls[HISTOGRAM_SLOTS];
};

static void
add_to_bucket(struct bucket *bucket, const struct usage_row *row, int64_t sign)
{
	for (int i = 0; i < TOTAL_COUNT; i++)
		bucket->totals[i] += sign * row->totals.at[i];
	for (size_t i = 0; i < row->slots.count && i < row->calls.count; i++)
		bucket->calls[row->slots.at[i]] += sign * row->calls.at[i];
}

/* A row of what is left of a bucket. */
static struct usage_row
make_rest(struct task *task, size_t number, const struct bucket *bucket)
{
	int64_t *slots = arena_array(task->arena, HISTOGRAM_SLOTS, sizeof(*slots));
	int64_t *calls = arena_array(task->arena, HISTOGRAM_SLOTS, sizeof(*calls));
	struct usage_row row = { .bucket = number, .other = true };
	size_t count = 0;

	memcpy(row.totals.at, bucket->totals, sizeof(row.totals.at));
	for (int64_t slot = 0; slot < HISTOGRAM_SLOTS; slot++) {
		slots[count] = slot;
		calls[count] = bucket->calls[slot];
		count += bucket->calls[slot] > 0;
	}
	row.slots = (struct json_ints){ slots, count };
	row.calls = (struct json_ints){ calls, count };
	return row;
}

/* All of each bucket without what was chosen: a call has one user, or none. */
static void
add_rest(struct task *task, const struct usage_query *query, const struct usage_rows *all,
    const struct usage_rows *chosen, struct usage_rows *rows)
{
	struct bucket *buckets = arena_array(task->arena, query->bucket_count, sizeof(*buckets));
	struct usage_row *at = arena_array(
	    task->arena, rows->count + chosen->count + query->bucket_count, sizeof(*at));
	size_t count = rows->count;

	if (rows->count > 0)
		memcpy(at, rows->at, rows->count * sizeof(*at));
	for (size_t i = 0; i < all->count; i++)
		add_to_bucket(&buckets[all->at[i].bucket], &all->at[i], 1);
	for (size_t i = 0; i < chosen->count; i++) {
		add_to_bucket(&buckets[chosen->at[i].bucket], &chosen->at[i], -1);
		at[count++] = chosen->at[i];
	}
	for (size_t i = 0; i < query->bucket_count; i++) {
		if (buckets[i].totals[TOTAL_REQUESTS] > 0)
			at[count++] = make_rest(task, i, &buckets[i]);
	}
	*rows = (struct usage_rows){ at, count };
}

bool
usage_choose(struct task *task, const struct usage_query *query, const struct usage_parts *parts,
    struct usage_rows *rows)
{
	struct usage_query everything = *query, wide = *query;
	struct usage_rows all = { 0 }, chosen = { 0 };
	struct db_rows *keys;
	bool more;

	everything.by_count = 0;
	everything.rows_max = wide.rows_max = USAGE_ROWS_MAX;
	if (!find_keys(task, query, parts, rows, &keys) ||
	    !usage_read_some(task, &wide, parts, keys, &chosen) ||
	    !usage_read_rollups(task, &everything, parts, &all, &more))
		return false;
	if (more || chosen.count > USAGE_ROWS_MAX)
		return usage_fail(task, query, "has too many groups in this time");
	add_rest(task, query, &all, &chosen, rows);
	return true;
}
