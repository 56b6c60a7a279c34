#include <stdlib.h>
#include <string.h>

#include "lib/model/usage_private.h"

/* All rows with one key. */
struct sum {
	const struct usage_row *row;
	int64_t cost_nanos, calls;
};

static int
compare_texts(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

static int
compare_keys(const struct usage_row *a, const struct usage_row *b)
{
	int order = 0;

	for (size_t i = 0; i < USAGE_KEYS_MAX && order == 0; i++)
		order = compare_texts(a->key[i], b->key[i]);
	return order;
}

/* Those that were not chosen behind all others. */
static int
compare_by_key(const void *a, const void *b)
{
	const struct usage_row *x = a, *y = b;

	if (x->other != y->other)
		return x->other ? 1 : -1;
	return compare_keys(a, b);
}

static int
compare_by_cost(const void *a, const void *b)
{
	const struct sum *x = a, *y = b;

	if (x->cost_nanos != y->cost_nanos)
		return x->cost_nanos > y->cost_nanos ? -1 : 1;
	if (x->calls != y->calls)
		return x->calls > y->calls ? -1 : 1;
	return compare_keys(x->row, y->row);
}

static int
compare_by_place(const void *a, const void *b)
{
	const struct usage_row *x = a, *y = b;

	if (x->bucket != y->bucket)
		return x->bucket < y->bucket ? -1 : 1;
	return (x->group > y->group) - (x->group < y->group);
}

/* The rows are sorted by key. */
static size_t
sum_keys(struct usage_rows *rows, struct sum *sums)
{
	size_t count = 0;

	for (size_t i = 0; i < rows->count && !rows->at[i].other; i++) {
		const struct usage_row *row = &rows->at[i];
		struct sum *sum;

		if (i == 0 || compare_keys(row - 1, row) != 0)
			sums[count++] = (struct sum){ .row = row };
		sum = &sums[count - 1];
		if (__builtin_add_overflow(
			sum->cost_nanos, row->totals.at[TOTAL_COST], &sum->cost_nanos))
			sum->cost_nanos = INT64_MAX;
		sum->calls += row->totals.at[TOTAL_REQUESTS];
	}
	return count;
}

/* Numbers the groups by what they cost; those beyond the limit are one. */
static void
number_groups(struct task *task, struct usage_rows *rows, size_t limit)
{
	struct sum *sums = arena_array(task->arena, rows->count, sizeof(*sums));
	const struct usage_row *end = rows->at + rows->count;
	size_t count;

	qsort(rows->at, rows->count, sizeof(*rows->at), compare_by_key);
	count = sum_keys(rows, sums);
	qsort(sums, count, sizeof(*sums), compare_by_cost);
	for (size_t i = 0; i < count; i++) {
		struct usage_row *row = &rows->at[sums[i].row - rows->at];

		for (; row < end && compare_by_key(row, sums[i].row) == 0; row++)
			row->group = i < limit ? i : limit;
	}
	for (size_t i = rows->count; i > 0 && rows->at[i - 1].other; i--)
		rows->at[i - 1].group = limit;
}

/* The sum as the row that stands for all of them. */
static void
write_sum(struct task *task, const struct usage_sum *sum, struct usage_row *row)
{
	int64_t *slots, *calls;
	size_t count = 0;

	row->totals = sum->totals;
	for (size_t slot = 0; slot < HISTOGRAM_SLOTS; slot++)
		count += sum->histogram.calls[slot] != 0;
	slots = arena_array(task->arena, count, sizeof(*slots));
	calls = arena_array(task->arena, count, sizeof(*calls));
	row->slots = (struct json_ints){ slots, count };
	row->calls = (struct json_ints){ calls, count };
	count = 0;
	for (size_t slot = 0; slot < HISTOGRAM_SLOTS; slot++) {
		if (sum->histogram.calls[slot] == 0)
			continue;
		slots[count] = (int64_t)slot;
		calls[count++] = sum->histogram.calls[slot];
	}
}

static int
compare_by_bucket(const void *a, const void *b)
{
	const struct usage_row *x = a, *y = b;

	if (x->bucket != y->bucket)
		return x->bucket < y->bucket ? -1 : 1;
	return compare_keys(x, y);
}

void
usage_compact(struct task *task, struct usage_rows *rows)
{
	struct usage_sum *sum = arena_alloc(task->arena, sizeof(*sum));
	size_t count = 0;

	qsort(rows->at, rows->count, sizeof(*rows->at), compare_by_bucket);
	for (size_t i = 0; i < rows->count;) {
		size_t first = i;

		memset(sum, 0, sizeof(*sum));
		for (; i < rows->count && compare_by_bucket(&rows->at[first], &rows->at[i]) == 0;
		     i++)
			usage_sum_add(sum, &rows->at[i]);
		rows->at[count] = rows->at[first];
		write_sum(task, sum, &rows->at[count++]);
	}
	rows->count = count;
}

void
usage_sum_add(struct usage_sum *sum, const struct usage_row *row)
{
	totals_add(&sum->totals, &row->totals);
	for (size_t i = 0; i < row->slots.count && i < row->calls.count; i++)
		histogram_add(&sum->histogram, (size_t)row->slots.at[i], row->calls.at[i]);
}

struct usage_group
usage_sum_group(const struct usage_sum *sum)
{
	return (struct usage_group){
		.totals = sum->totals,
		.p50_ms = histogram_quantile(&sum->histogram, 500),
		.p95_ms = histogram_quantile(&sum->histogram, 950),
		.p99_ms = histogram_quantile(&sum->histogram, 990),
	};
}

static struct usage_group
finish(const struct usage_sum *sum, const struct usage_row *row, size_t limit)
{
	struct usage_group group = usage_sum_group(sum);

	group.bucket = row->bucket;
	group.key = row->group < limit ? row->key : NULL;
	return group;
}

void
usage_group(struct task *task, struct usage_rows *rows, size_t limit, struct usage_groups *ret)
{
	struct usage_sum *sum = arena_alloc(task->arena, sizeof(*sum));

	number_groups(task, rows, limit);
	qsort(rows->at, rows->count, sizeof(*rows->at), compare_by_place);
	ret->at = arena_array(task->arena, rows->count, sizeof(*ret->at));
	ret->count = 0;
	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < rows->count; i++) {
		const struct usage_row *row = &rows->at[i];

		usage_sum_add(sum, row);
		if (i + 1 < rows->count && compare_by_place(row, row + 1) == 0)
			continue;
		/* All of it may have been taken back. */
		if (sum->totals.at[TOTAL_REQUESTS] > 0)
			ret->at[ret->count++] = finish(sum, row, limit);
		memset(sum, 0, sizeof(*sum));
	}
}
