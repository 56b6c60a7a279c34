#include <stdlib.h>
#include <string.h>

#include "lib/model/usage_rank_private.h"

bool
usage_can_choose(const struct usage_query *query)
{
	return query->groups_max > 0 && query->by_count == 1 && query->by[0] == USAGE_USER &&
	       query->only[USAGE_USER] == NULL;
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

/* There are no others. */
static bool
read_all(struct task *task, const struct usage_query *query, const struct usage_changed *changed,
    const struct usage_parts *parts, struct usage_rows *rows)
{
	bool more;

	if (!usage_read_parts(task, query, changed, parts, NULL, rows, &more))
		return false;
	return !more || usage_fail(task, query, "has too many groups in this time");
}

bool
usage_choose(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, const struct usage_parts *parts, struct usage_rows *rows)
{
	const struct usage_limits limits = { (int64_t)query->groups_max + 1, USAGE_DAYS_MAX };
	struct usage_rows all = { 0 }, chosen = { 0 };
	struct usage_query everything = *query;
	struct usage_costs users;
	bool more, more_chosen;

	if (!usage_rank_rows(task, query, changed, rows, &limits, &users))
		return false;
	if (users.count <= query->groups_max)
		return read_all(task, query, changed, parts, rows);
	users.count = query->groups_max;
	/* The same users are the same set, whoever of them comes first. */
	qsort(users.at, users.count, sizeof(*users.at), usage_cost_by_user);
	everything.by_count = 0;
	if (!usage_read_parts(task, query, changed, parts, &users, &chosen, &more_chosen) ||
	    !usage_read_parts(task, &everything, changed, parts, NULL, &all, &more))
		return false;
	if (more || more_chosen)
		return usage_fail(task, query, "has too many groups in this time");
	add_rest(task, query, &all, &chosen, rows);
	return true;
}
