/*
 * Between the files of the usage: how the time of a question is divided.
 */
#ifndef LIB_MODEL_USAGE_PRIVATE_H
#define LIB_MODEL_USAGE_PRIVATE_H

#include "lib/model/usage.h"

struct usage_changed {
	struct span *at;
	size_t count;
	int64_t whole_from; /* before this the log may have lost records: it is not asked */
	int64_t days_from, days_until; /* between them there are rows by day of the client's zone */
	int64_t hours_from; /* there are rows by hour from here on */
};

/* Leaves what lies in the range: tidy, of whole quarter-hours. */
void usage_clip(struct usage_changed *changed, struct span range);

struct usage_part {
	enum usage_grain grain;
	struct span span;
};

struct usage_parts {
	struct usage_part *at;
	size_t count, room;
};

/* What has not changed, in parts of the coarsest grain that fits the buckets. ERR_INVALID where
 * that takes hours that are not kept any more. */
NODISCARD bool usage_divide(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, struct usage_parts *ret);

/* ERR_INVALID on the field that the question names for its time; false. */
bool usage_fail(struct task *task, const struct usage_query *query, const char *message);

/* The dimension whose rows answer the question with the fewest; USAGE_DIMENSIONS: those of all four
 * together. */
enum usage_dimension usage_dimension_of(const struct usage_query *query);

/* The calls below add what they find to rows. *ret_more: there are more than rows_max, and nothing
 * was added. */
NODISCARD bool usage_read_rollups(struct task *task, const struct usage_query *query,
    const struct usage_parts *parts, struct usage_rows *rows, bool *ret_more);
/* Only the keys in the first column; of a question by user. */
NODISCARD bool usage_read_some(struct task *task, const struct usage_query *query,
    const struct usage_parts *parts, const struct db_rows *keys, struct usage_rows *rows);
/* ERR_UNAVAILABLE: there are too many. */
NODISCARD bool usage_read_log(
    struct task *task, const struct usage_query *query, struct span span, struct usage_rows *rows);

/*
 * Where there are too many rows by user: PostgreSQL chooses the groups_max that cost most, and of
 * the others only the sum of each bucket is read. rows holds what the log has, and nothing else.
 */
bool usage_can_choose(const struct usage_query *query);
NODISCARD bool usage_choose(struct task *task, const struct usage_query *query,
    const struct usage_parts *parts, struct usage_rows *rows);

#endif
