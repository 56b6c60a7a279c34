/*
 * Between the files of what tells who costs most: how its time is divided, and what is kept.
 */
#ifndef LIB_MODEL_USAGE_RANK_PRIVATE_H
#define LIB_MODEL_USAGE_RANK_PRIVATE_H

#include "lib/model/usage_private.h"

/* A stretch of so many days, or several that follow each other. */
struct usage_stretch {
	int64_t days;
	struct span span;
};

/* What tells who costs most: stretches, and rows by hour beside them or out of them. */
struct usage_rank {
	struct usage_stretch *at;
	size_t count, room;
	struct usage_parts added, taken;
};

/* Whatever has not changed, in one piece: buckets do not matter. Fails as usage_divide(). */
NODISCARD bool usage_rank_divide(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, int64_t days_max, struct usage_rank *ret);
/* Of more rows it is only kept that there are: PostgreSQL adds them up and gives the first. */
#define USAGE_RANK_ROWS_MAX 8000
/* The same as usage_rank_find(), of what is kept; *ret_done false: there are too many rows. */
NODISCARD bool usage_rank_kept(struct task *task, const struct usage_changed *changed,
    const struct usage_rank *rank, const struct usage_rows *log, int64_t limit,
    struct usage_costs *ret, bool *ret_done);
/* Rows of users with cost and calls, several of one user; of stretches and of hours at most so many
 * each. */
NODISCARD bool usage_rank_read(
    struct task *task, const struct usage_rank *rank, int64_t limit, struct usage_rows *ret);
/* By PostgreSQL; at most so many users. */
NODISCARD bool usage_rank_find(struct task *task, const struct usage_rank *rank,
    const struct usage_rows *log, int64_t limit, struct usage_costs *ret);
void usage_rank_push(struct task *task, struct usage_rank *rank, struct usage_stretch stretch);
/* log: what has changed, by user. */
NODISCARD bool usage_rank_rows(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, const struct usage_rows *log,
    const struct usage_limits *limits, struct usage_costs *ret);

#endif
