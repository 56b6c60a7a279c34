/* Who costs most, of what is kept from one question to the next: days that are over, and the rest
 * until more is rolled up. */
#include <stdlib.h>

#include "lib/model/usage_memory.h"
#include "lib/model/usage_rank_private.h"

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
make_key(struct task *task, struct id revision, const struct usage_rank *rank)
{
	struct buf buf;

	usage_key_begin(task, USAGE_SET_RANK, &buf);
	usage_key_int(&buf, (int64_t)rank->count);
	for (size_t i = 0; i < rank->count; i++) {
		usage_key_int(&buf, rank->at[i].days);
		usage_key_int(&buf, rank->at[i].span.since);
		usage_key_int(&buf, rank->at[i].span.until);
	}
	usage_key_parts(&buf, &rank->added);
	usage_key_parts(&buf, &rank->taken);
	return usage_key_end(revision, &buf);
}

/* One row that says so stands for too many. */
static bool
is_many(const struct usage_rows *rows)
{
	return rows->count > 0 && rows->at[0].other;
}

static int
compare_costs(const void *a, const void *b)
{
	const struct usage_cost *x = a, *y = b;

	if (x->nanos != y->nanos)
		return x->nanos > y->nanos ? -1 : 1;
	if (x->calls != y->calls)
		return x->calls > y->calls ? -1 : 1;
	return usage_cost_by_user(a, b);
}

static void
add_costs(struct usage_costs *costs, const struct usage_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		const struct usage_row *row = &rows->at[i];

		costs->at[costs->count++] = (struct usage_cost){ row->key[0],
			row->totals.at[TOTAL_COST], row->totals.at[TOTAL_REQUESTS] };
	}
}

/* What there is of each user becomes one. */
static void
add_up(struct usage_costs *costs)
{
	size_t count = 0;

	qsort(costs->at, costs->count, sizeof(*costs->at), usage_cost_by_user);
	for (size_t i = 0; i < costs->count;) {
		struct usage_cost sum = { .user = costs->at[i].user };
		int128 nanos = 0;

		for (; i < costs->count && usage_cost_by_user(&sum, &costs->at[i]) == 0; i++) {
			nanos += costs->at[i].nanos;
			sum.calls += costs->at[i].calls;
		}
		sum.nanos = nanos > INT64_MAX ? INT64_MAX : (int64_t)nanos;
		if (sum.calls > 0)
			costs->at[count++] = sum;
	}
	costs->count = count;
}

static void
make_rows(struct task *task, const struct usage_costs *costs, struct usage_rows *ret)
{
	struct usage_row *at = arena_array(task->arena, costs->count, sizeof(*at));

	for (size_t i = 0; i < costs->count; i++) {
		at[i].key[0] = costs->at[i].user;
		at[i].totals.at[TOTAL_COST] = costs->at[i].nanos;
		at[i].totals.at[TOTAL_REQUESTS] = costs->at[i].calls;
	}
	*ret = (struct usage_rows){ at, costs->count };
}

static bool
read_new(struct task *task, const struct usage_rank *rank, struct usage_rows *ret)
{
	struct usage_costs costs = { 0 };
	struct usage_rows rows;

	if (!usage_rank_read(task, rank, USAGE_RANK_ROWS_MAX + 1, &rows))
		return false;
	if (rows.count > USAGE_RANK_ROWS_MAX) {
		rows.at[0] = (struct usage_row){ .other = true };
		*ret = (struct usage_rows){ rows.at, 1 };
		return true;
	}
	costs.at = arena_array(task->arena, rows.count, sizeof(*costs.at));
	add_costs(&costs, &rows);
	add_up(&costs);
	make_rows(task, &costs, ret);
	return true;
}

static bool
read_set(
    struct task *task, struct id revision, const struct usage_rank *rank, struct usage_rows *ret)
{
	struct id key;

	*ret = (struct usage_rows){ 0 };
	if (rank->count + rank->added.count + rank->taken.count == 0)
		return true;
	key = make_key(task, revision, rank);
	if (usage_memory_find(task->usage_memory, task, key, ret))
		return true;
	if (!read_new(task, rank, ret))
		return false;
	usage_memory_keep(task->usage_memory, key, ret);
	return true;
}

bool
usage_rank_kept(struct task *task, const struct usage_changed *changed,
    const struct usage_rank *rank, const struct usage_rows *log, int64_t limit,
    struct usage_costs *ret, bool *ret_done)
{
	struct usage_rows before, today;
	struct usage_rank over, open;

	*ret_done = false;
	split(task, changed, rank, &over, &open);
	if (!read_set(task, changed->revision, &over, &before))
		return false;
	if (is_many(&before))
		return true;
	if (!read_set(task, changed->open_revision, &open, &today))
		return false;
	if (is_many(&today))
		return true;
	ret->at =
	    arena_array(task->arena, before.count + today.count + log->count, sizeof(*ret->at));
	ret->count = 0;
	add_costs(ret, &before);
	add_costs(ret, &today);
	add_costs(ret, log);
	add_up(ret);
	qsort(ret->at, ret->count, sizeof(*ret->at), compare_costs);
	if (ret->count > (size_t)limit)
		ret->count = (size_t)limit;
	*ret_done = true;
	return true;
}
