/*
 * Whether a budget allows an amount. Pure. The unit is the caller's: nano-dollars, requests or
 * tokens.
 *
 * A sum that does not fit into int64_t is beyond every limit.
 */
#ifndef LIB_CORE_DECIDE_H
#define LIB_CORE_DECIDE_H

#include "lib/base.h"

#define DECIDE_NO_LIMIT INT64_MAX

enum verdict {
	VERDICT_ALLOW,
	VERDICT_PASS, /* beyond the limit, which this budget only reports */
	VERDICT_DENY
};

enum decide_mode {
	DECIDE_HARD, /* what is beyond the limit is denied */
	DECIDE_SOFT, /* it passes, and is told */
	DECIDE_SHADOW /* it passes: the budget is on trial */
};
extern const char *const decide_mode_names[]; /* in the order of the enum, NULL behind the last */

/* All amounts are 0 or more. */
struct account {
	int64_t limit; /* DECIDE_NO_LIMIT: none */
	int64_t extra; /* added to the limit until extra_until */
	int64_t extra_until; /* microseconds; 0: there is no extra */
	int64_t spent;
	int64_t held;
	enum decide_mode mode;
};

/* Whether amount may be spent beside what is spent and held. */
enum verdict decide(const struct account *account, int64_t amount, int64_t now);

/* The limit at this instant. */
int64_t decide_limit(const struct account *account, int64_t now);
/* What a caller may still spend, 0 when nothing; DECIDE_NO_LIMIT where there is no limit. */
int64_t decide_remaining(const struct account *account, int64_t now);

#endif
