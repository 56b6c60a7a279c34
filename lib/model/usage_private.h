/*
 * Between the files of the usage: how the time of a question is divided.
 */
#ifndef LIB_MODEL_USAGE_PRIVATE_H
#define LIB_MODEL_USAGE_PRIVATE_H

#include "lib/buf.h"
#include "lib/model/usage_rank.h"

struct usage_changed {
	struct span *at;
	size_t count;
	int64_t whole_from; /* before this the log may have lost records: it is not asked */
	int64_t days_from, days_until; /* between them there are rows by day of the client's zone */
	int64_t hours_from; /* there are rows by hour from here on */
	int64_t users_until; /* from days_from on there are rows of user_costs; 0: there are none */
	struct id revision; /* names what there is of the days before days_until */
	struct id open_revision; /* names all that there is */
};

/* Since it was rolled up, within the time of the question. */
NODISCARD bool usage_find_changed(
    struct task *task, const struct usage_query *query, struct usage_changed *ret);

/* Leaves what lies in the range: tidy, of whole quarter-hours. */
void usage_clip(struct usage_changed *changed, struct span range);

/* The bucket of a row: the one that it begins in, or that holds its noon, twelve hours later. */
#define USAGE_BY_START SIZE_MAX
#define USAGE_BY_NOON (SIZE_MAX - 1)
#define USAGE_NO_BUCKET SIZE_MAX

/*
 * Where days of the client lie in two buckets, as those of another zone do, each such day counts in
 * the bucket that holds its noon, and what lies in another is lent: it counts there and is taken
 * from the first.
 */
struct usage_part {
	enum usage_grain grain;
	struct span span;
	size_t into; /* the bucket where its rows count, or see above */
	size_t from; /* the bucket that they are taken from, if any */
};

struct usage_parts {
	struct usage_part *at;
	size_t count, room;
};

/* What has not changed, in parts of the coarsest grain that fits the buckets. ERR_INVALID where
 * that takes hours that are not kept any more. */
NODISCARD bool usage_divide(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, struct usage_parts *ret);

/* The same of a span; adds to parts. */
NODISCARD bool usage_divide_span(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, struct span span, struct usage_parts *parts);

/* The last bucket that begins by then. */
size_t usage_bucket_at(const struct usage_query *query, int64_t at);

/* ERR_INVALID on the field that the question names for its time; false. */
bool usage_fail(struct task *task, const struct usage_query *query, const char *message);

extern const char *const usage_grain_names[]; /* of enum usage_grain */

/* The dimension whose rows answer the question with the fewest; USAGE_DIMENSIONS: those of all four
 * together. */
enum usage_dimension usage_dimension_of(const struct usage_query *query);

/* The calls below add what they find to rows. *ret_more: there are more than rows_max, and nothing
 * was added. */
NODISCARD bool usage_read_rollups(struct task *task, const struct usage_query *query,
    const struct usage_parts *parts, struct usage_rows *rows, bool *ret_more);
/* Only these; of a question by user. */
NODISCARD bool usage_read_some(struct task *task, const struct usage_query *query,
    const struct usage_parts *parts, const struct usage_costs *users, struct usage_rows *rows);
/*
 * The same of either: of some users, or where users is NULL of all. What is kept comes from
 * task->usage_memory.
 */
NODISCARD bool usage_read_parts(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, const struct usage_parts *parts,
    const struct usage_costs *users, struct usage_rows *rows, bool *ret_more);

/* Adds to the lists what is of days that are over, and what is not. */
void usage_split(struct task *task, const struct usage_changed *changed,
    const struct usage_parts *parts, struct usage_parts *over, struct usage_parts *open);
void usage_push(struct task *task, struct usage_parts *parts, struct usage_part part);
/* Rows of one bucket and key become one. */
void usage_compact(struct task *task, struct usage_rows *rows);
void usage_append(struct task *task, struct usage_rows *rows, const struct usage_rows *more);

/* What a set of sums depends on is put into a buffer, which makes its key. */
enum usage_set { USAGE_SET_ROWS, USAGE_SET_RANK };
void usage_key_begin(struct task *task, enum usage_set set, struct buf *buf);
void usage_key_int(struct buf *buf, int64_t value);
void usage_key_text(struct buf *buf, const char *text); /* NULL is another than any */
void usage_key_parts(struct buf *buf, const struct usage_parts *parts);
struct id usage_key_end(struct id revision, const struct buf *buf);

/* ERR_UNAVAILABLE: there are too many. */
NODISCARD bool usage_read_log(
    struct task *task, const struct usage_query *query, struct span span, struct usage_rows *rows);
/* All that has changed, of the log. */
NODISCARD bool usage_read_changed(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, struct usage_rows *rows);

/*
 * Of users PostgreSQL chooses the groups_max that cost most, and of the others only the sum of each
 * bucket is read. rows holds what the log has, and nothing else.
 */
bool usage_can_choose(const struct usage_query *query);
NODISCARD bool usage_choose(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, const struct usage_parts *parts, struct usage_rows *rows);

#endif
