#include "lib/core/totals.h"

void
totals_add(struct totals *sum, const struct totals *more)
{
	for (int i = 0; i < TOTAL_COUNT; i++) {
		if (__builtin_add_overflow(sum->at[i], more->at[i], &sum->at[i]))
			sum->at[i] = INT64_MAX;
	}
}

bool
totals_equal(const struct totals *a, const struct totals *b)
{
	for (int i = 0; i < TOTAL_COUNT; i++) {
		if (a->at[i] != b->at[i])
			return false;
	}
	return true;
}

bool
totals_exceed(const struct totals *a, const struct totals *b)
{
	for (int i = 0; i < TOTAL_COUNT; i++) {
		if (a->at[i] > b->at[i])
			return true;
	}
	return false;
}
