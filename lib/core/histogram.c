#include "lib/core/histogram.h"

#define EXACT 16 /* slots of one millisecond */
#define EXACT_BITS 4 /* EXACT is 2 to this */
#define PART_BITS 3 /* slots to a power of two, as a power of two */

int64_t
histogram_bound(size_t slot)
{
	size_t octave, part;

	if (slot < EXACT)
		return (int64_t)slot;
	octave = (slot - EXACT) >> PART_BITS;
	part = (slot - EXACT) & ((1 << PART_BITS) - 1);
	return ((INT64_C(1) << PART_BITS) + (int64_t)part) << (octave + EXACT_BITS - PART_BITS);
}

size_t
histogram_slot(int64_t ms)
{
	size_t log, slot;

	if (ms < EXACT)
		return (size_t)ms;
	log = 63 - (size_t)__builtin_clzll((unsigned long long)ms);
	slot = EXACT + ((log - EXACT_BITS) << PART_BITS) +
	       (((size_t)ms >> (log - PART_BITS)) & ((1 << PART_BITS) - 1));
	return slot < HISTOGRAM_SLOTS ? slot : HISTOGRAM_SLOTS - 1;
}

void
histogram_add(struct histogram *histogram, size_t slot, int64_t calls)
{
	int64_t *at = &histogram->calls[slot < HISTOGRAM_SLOTS ? slot : HISTOGRAM_SLOTS - 1];

	if (__builtin_add_overflow(*at, calls, at))
		*at = INT64_MAX;
	if (__builtin_add_overflow(histogram->total, calls, &histogram->total))
		histogram->total = INT64_MAX;
}

/* ceil(total * permille / 1000), without the product. */
static int64_t
rank_of(int64_t total, int permille)
{
	return total / 1000 * permille + (total % 1000 * permille + 999) / 1000;
}

int64_t
histogram_quantile(const struct histogram *histogram, int permille)
{
	int64_t rank = rank_of(histogram->total, permille), passed = 0;

	if (histogram->total == 0)
		return -1;
	for (size_t i = 0; i + 1 < HISTOGRAM_SLOTS; i++) {
		passed += histogram->calls[i];
		if (passed >= rank)
			return (histogram_bound(i) + histogram_bound(i + 1) - 1) / 2;
	}
	return histogram_bound(HISTOGRAM_SLOTS - 1);
}
