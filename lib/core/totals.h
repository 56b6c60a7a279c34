/*
 * The sums that are kept of a client's day: in Redis, in daily_costs, over the log. Pure.
 */
#ifndef LIB_CORE_TOTALS_H
#define LIB_CORE_TOTALS_H

#include "lib/base.h"

enum total {
	TOTAL_COST, /* nano-dollars */
	TOTAL_REQUESTS,
	TOTAL_TOKENS,
	TOTAL_INPUT,
	TOTAL_OUTPUT,
	TOTAL_CACHED,
	TOTAL_CACHE_WRITE,
	TOTAL_REASONING,
	TOTAL_FAILED,
	TOTAL_UNPRICED,
	TOTAL_COUNT
};

struct totals {
	int64_t at[TOTAL_COUNT];
};

/* Adds more to sum; a sum beyond INT64_MAX stays there. */
void totals_add(struct totals *sum, const struct totals *more);
bool totals_equal(const struct totals *a, const struct totals *b);
/* Whether any member of a is larger than b's. */
bool totals_exceed(const struct totals *a, const struct totals *b);

#endif
