#include "lib/core/span.h"

#include <stdlib.h>

static int
compare(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->since > y->since) - (x->since < y->since);
}

size_t
span_tidy(struct span *at, size_t count)
{
	size_t kept = 0;

	qsort(at, count, sizeof(*at), compare);
	for (size_t i = 0; i < count; i++) {
		if (at[i].since >= at[i].until)
			continue;
		if (kept == 0 || at[kept - 1].until < at[i].since)
			at[kept++] = at[i];
		else if (at[kept - 1].until < at[i].until)
			at[kept - 1].until = at[i].until;
	}
	return kept;
}

int64_t
span_find(const struct span *at, size_t count, int64_t usec)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (at[middle].until <= usec)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == count)
		return INT64_MIN;
	return at[low].since <= usec ? at[low].until : ~at[low].since;
}

int64_t
span_floor(int64_t usec, int64_t unit)
{
	return usec <= 0 ? 0 : usec - usec % unit;
}

int64_t
span_ceil(int64_t usec, int64_t unit)
{
	int64_t down = span_floor(usec, unit);

	return down < usec && down <= INT64_MAX - unit ? down + unit : down;
}
