#include "app/price_set.h"

#include <stdlib.h>
#include <string.h>

struct price_set {
	struct arena *arena; /* NULL: a set of none */
	struct price *rows; /* by model, provider, valid_from */
	size_t count;
	uint32_t *slots; /* open addressing: 1 + the first row of a model; 0: free */
	size_t slot_count;
};

static uint64_t
hash(const char *text)
{
	uint64_t sum = UINT64_C(14695981039346656037);

	for (; *text; text++)
		sum = (sum ^ (uint8_t)*text) * UINT64_C(1099511628211);
	return sum;
}

static int
by_model(const void *a, const void *b)
{
	const struct price *first = a;
	const struct price *second = b;
	int order = strcmp(first->model, second->model);

	if (order == 0)
		order = strcmp(first->provider, second->provider);
	if (order == 0)
		order = (first->valid_from > second->valid_from) -
			(first->valid_from < second->valid_from);
	return order;
}

/* The slot of the model: its own, or the free one where it belongs. */
static uint32_t *
find_slot(const struct price_set *set, const char *model)
{
	size_t i = hash(model) % set->slot_count;

	while (set->slots[i] != 0 && strcmp(set->rows[set->slots[i] - 1].model, model) != 0)
		i = i + 1 < set->slot_count ? i + 1 : 0;
	return &set->slots[i];
}

static void
fill_slots(struct price_set *set)
{
	set->slot_count = 2 * set->count;
	set->slots = arena_array(set->arena, set->slot_count, sizeof *set->slots);
	for (size_t i = 0; i < set->count; i++) {
		uint32_t *slot = find_slot(set, set->rows[i].model);

		if (*slot == 0)
			*slot = (uint32_t)i + 1;
	}
}

struct price_set *
price_set_new(struct prices prices)
{
	struct price_set *set = calloc(1, sizeof *set);

	if (!set)
		abort();
	if (prices.count == 0)
		return set;
	set->arena = arena_new();
	set->count = prices.count;
	set->rows = arena_array(set->arena, prices.count, sizeof *set->rows);
	for (size_t i = 0; i < prices.count; i++) {
		set->rows[i] = prices.at[i];
		set->rows[i].provider = arena_strdup(set->arena, prices.at[i].provider);
		set->rows[i].model = arena_strdup(set->arena, prices.at[i].model);
		set->rows[i].source = NULL;
	}
	qsort(set->rows, set->count, sizeof *set->rows, by_model);
	fill_slots(set);
	return set;
}

void
price_set_free(struct price_set *set)
{
	if (set && set->arena)
		arena_free(set->arena);
	free(set);
}

static const struct price *
choose(const struct price *rows, size_t count, const char *provider, int64_t at)
{
	const struct price *last = NULL;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].provider, provider) == 0 && rows[i].valid_from <= at)
			last = &rows[i];
	}
	return last && at < last->valid_to ? last : NULL;
}

const struct price *
price_set_find(const struct price_set *set, const char *provider, const char *model, int64_t at)
{
	const struct price *rows;
	size_t count = 0;
	uint32_t first;

	if (set->count == 0)
		return NULL;
	first = *find_slot(set, model);
	if (first == 0)
		return NULL;
	rows = &set->rows[first - 1];
	while (first - 1 + count < set->count && strcmp(rows[count].model, model) == 0)
		count++;
	if (!provider) {
		if (strcmp(rows[0].provider, rows[count - 1].provider) != 0)
			return NULL;
		provider = rows[0].provider;
	}
	return choose(rows, count, provider, at);
}
