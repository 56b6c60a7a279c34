#include <stdlib.h>

#include "lib/model/batch_private.h"

static int
compare_ids(const struct batch_row *row, struct id client, struct id id)
{
	int order = id_compare(row->log->id, id);

	return order != 0 ? order : id_compare(row->client, client);
}

static int
compare_rows(const void *a, const void *b)
{
	const struct batch_row *x = *(struct batch_row *const *)a;
	const struct batch_row *y = *(struct batch_row *const *)b;
	int order = compare_ids(x, y->client, y->log->id);

	return order != 0 ? order : (x > y) - (x < y);
}

struct batch_row **
batch_sort(struct task *task, const struct batch *batch)
{
	struct batch_row **sorted = arena_array(task->arena, batch->row_count, sizeof(*sorted));

	for (size_t i = 0; i < batch->row_count; i++)
		sorted[i] = &batch->rows[i];
	qsort(sorted, batch->row_count, sizeof(struct batch_row *), compare_rows);
	return sorted;
}

/* The first of the rows alike. */
static size_t
find_row(struct batch_row *const *sorted, size_t count, struct id client, struct id id)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_ids(sorted[middle], client, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Of rows alike the first that could be stored is the one that was. */
static void
mark_stored(struct batch_row *const *sorted, size_t count, struct id client, struct id id)
{
	size_t first = find_row(sorted, count, client, id), at = first;

	while (at < count && compare_ids(sorted[at], client, id) == 0 &&
	       sorted[at]->outcome != BATCH_DUPLICATE)
		at++;
	if (at == count || compare_ids(sorted[at], client, id) != 0)
		at = first;
	sorted[at]->outcome = BATCH_STORED;
}

void
batch_read_outcomes(
    struct batch *batch, struct batch_row *const *sorted, const struct db_rows *stored)
{
	for (int i = 0; i < db_count(stored); i++)
		mark_stored(sorted, batch->row_count, db_id(stored, i, 0), db_id(stored, i, 1));
}
