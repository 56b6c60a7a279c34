/* Who costs most, of which the days that are over are kept from one question to the next. */
#include <stdlib.h>
#include <string.h>

#include "lib/model/usage_memory.h"
#include "lib/model/usage_private.h"

__extension__ typedef __int128 int128;

static void
split(struct task *task, const struct usage_changed *changed, const struct usage_rank *rank,
    struct usage_rank *over, struct usage_rank *open)
{
	*over = (struct usage_rank){ 0 };
	*open = (struct usage_rank){ 0 };
	for (size_t i = 0; i < rank->count; i++) {
		struct usage_stretch before = rank->at[i], behind = rank->at[i];

		/* One day after the other; longer ones end with a day that is over. */
		if (before.days == 1 && before.span.until > changed->days_until)
			before.span.until = changed->days_until;
		if (behind.span.since < before.span.until)
			behind.span.since = before.span.until;
		if (before.span.until > changed->days_until)
			behind = before;
		else if (before.span.since < before.span.until)
			usage_rank_push(task, over, before);
		if (behind.span.since < behind.span.until)
			usage_rank_push(task, open, behind);
	}
	usage_split(task, changed, &rank->added, &over->added, &open->added);
	usage_split(task, changed, &rank->taken, &over->taken, &open->taken);
}

static struct id
make_key(struct task *task, const struct usage_changed *changed, const struct usage_rank *over)
{
	struct buf buf;

	usage_key_begin(task, USAGE_SET_RANK, &buf);
	usage_key_int(&buf, (int64_t)over->count);
	for (size_t i = 0; i < over->count; i++) {
		usage_key_int(&buf, over->at[i].days);
		usage_key_int(&buf, over->at[i].span.since);
		usage_key_int(&buf, over->at[i].span.until);
	}
	usage_key_parts(&buf, &over->added);
	usage_key_parts(&buf, &over->taken);
	return usage_key_end(changed, &buf);
}

/* Users one after the other; nobody is first, as by the nil id. */
static int
compare_users(const void *a, const void *b)
{
	const struct usage_row *x = a, *y = b;

	if (x->key[0] == NULL || y->key[0] == NULL)
		return (x->key[0] != NULL) - (y->key[0] != NULL);
	return strcmp(x->key[0], y->key[0]);
}

/* One row that says so stands for too many. */
static bool
is_many(const struct usage_rows *rows)
{
	return rows->count > 0 && rows->at[0].other;
}

static bool
read_over(struct task *task, const struct usage_changed *changed, const struct usage_rank *over,
    struct usage_rows *ret)
{
	struct id key = make_key(task, changed, over);

	if (usage_memory_find(task->usage_memory, task, key, ret))
		return true;
	if (!usage_rank_read(task, over, USAGE_RANK_ROWS_MAX + 1, ret))
		return false;
	if (ret->count > USAGE_RANK_ROWS_MAX) {
		ret->at[0] = (struct usage_row){ .other = true };
		ret->count = 1;
	}
	usage_compact(task, ret);
	usage_memory_keep(task->usage_memory, key, ret);
	return true;
}

static int
compare_costs(const void *a, const void *b)
{
	const struct usage_cost *x = a, *y = b;

	if (x->nanos != y->nanos)
		return x->nanos > y->nanos ? -1 : 1;
	if (x->calls != y->calls)
		return x->calls > y->calls ? -1 : 1;
	if (x->user == NULL || y->user == NULL)
		return (x->user != NULL) - (y->user != NULL);
	return strcmp(x->user, y->user);
}

/* Sorts the rows. */
static void
rank_rows(struct task *task, struct usage_rows *rows, int64_t limit, struct usage_costs *ret)
{
	ret->at = arena_array(task->arena, rows->count, sizeof(*ret->at));
	ret->count = 0;
	qsort(rows->at, rows->count, sizeof(*rows->at), compare_users);
	for (size_t i = 0; i < rows->count;) {
		struct usage_cost cost = { .user = rows->at[i].key[0] };
		size_t first = i;
		int128 nanos = 0;

		for (; i < rows->count && compare_users(&rows->at[first], &rows->at[i]) == 0; i++) {
			nanos += rows->at[i].totals.at[TOTAL_COST];
			cost.calls += rows->at[i].totals.at[TOTAL_REQUESTS];
		}
		cost.nanos = nanos > INT64_MAX ? INT64_MAX : (int64_t)nanos;
		if (cost.calls > 0)
			ret->at[ret->count++] = cost;
	}
	qsort(ret->at, ret->count, sizeof(*ret->at), compare_costs);
	if (ret->count > (size_t)limit)
		ret->count = (size_t)limit;
}

bool
usage_rank_kept(struct task *task, const struct usage_changed *changed,
    const struct usage_rank *rank, const struct usage_rows *log, int64_t limit,
    struct usage_costs *ret, bool *ret_done)
{
	struct usage_rows rows = { 0 }, kept = { 0 }, rest;
	struct usage_rank over, open;

	*ret_done = false;
	split(task, changed, rank, &over, &open);
	if (over.count + over.added.count > 0 && !read_over(task, changed, &over, &kept))
		return false;
	if (is_many(&kept))
		return true;
	if (!usage_rank_read(task, &open, USAGE_RANK_ROWS_MAX + 1, &rest))
		return false;
	if (rest.count > USAGE_RANK_ROWS_MAX)
		return true;
	usage_append(task, &rows, &kept);
	usage_append(task, &rows, &rest);
	usage_append(task, &rows, log);
	rank_rows(task, &rows, limit, ret);
	*ret_done = true;
	return true;
}
