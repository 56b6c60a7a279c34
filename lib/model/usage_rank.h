/*
 * Who costs most over a time: users by their sums over stretches of days (migration "user_costs"),
 * and over hours and the log at its ends.
 */
#ifndef LIB_MODEL_USAGE_RANK_H
#define LIB_MODEL_USAGE_RANK_H

#include "lib/model/usage.h"

/* What a user cost in the whole time. */
struct usage_cost {
	const char *user; /* NULL: the calls of nobody */
	int64_t nanos, calls;
};

/* For qsort(): in the order of the users, nobody first, as by the nil id. */
int usage_cost_by_user(const void *a, const void *b);

struct usage_costs {
	struct usage_cost *at; /* what costs most first, then most calls, then by user */
	size_t count;
};

struct usage_limits {
	int64_t users;
	int64_t
	    days; /* the longest stretch that is read in one row: each length holds the same sums */
};
#define USAGE_DAYS_MAX 16

/* In a transaction of one snapshot; fails as usage_find(). Of the query the time, not by and only.
 */
NODISCARD bool usage_rank(struct task *task, const struct usage_query *query,
    const struct usage_limits *limits, struct usage_costs *ret);

/* Its SQL, for the tests; NULL behind the last. */
extern const char *const usage_rank_statements[];

#endif
