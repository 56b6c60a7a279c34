/*
 * What was used, by bucket of time and group: read from the rollups, and from the log where that
 * has changed since.
 *
 * An answer is of one snapshot of the database: a record that was committed by then is in it once,
 * rolled up or not. Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_USAGE_H
#define LIB_MODEL_USAGE_H

#include "lib/core/histogram.h"
#include "lib/core/span.h"
#include "lib/core/totals.h"
#include "lib/db.h"
#include "lib/json_read.h"
#include "lib/zone.h"

/* The first four may be combined. */
enum usage_dimension {
	USAGE_FEATURE,
	USAGE_AGENT_TYPE,
	USAGE_PROVIDER,
	USAGE_MODEL,
	USAGE_USER,
	USAGE_TAG,
	USAGE_DIMENSIONS
};
extern const char *const usage_dimension_names[]; /* NULL behind the last */

#define USAGE_KEYS_MAX 4
#define USAGE_ROWS_MAX 200000 /* of the rollups, for one answer of the service */
#define USAGE_LATER_S 60 /* until more is rolled up */

enum usage_grain { USAGE_DAY, USAGE_HOUR, USAGE_QUARTER };

struct usage_query {
	const struct span *buckets; /* in order, of whole quarter-hours, without a gap */
	size_t bucket_count;
	enum usage_dimension by[USAGE_KEYS_MAX]; /* user and tag only by themselves */
	size_t by_count; /* 0: one group */
	/* Only calls with these; NULL: any. user and tag stand beside nothing but the same in by.
	 */
	const char *only[USAGE_DIMENSIONS];
	const struct zone *zone; /* the client's, and its name */
	const char *timezone;
	enum usage_grain coarsest; /* of the rows that are read: each holds the same sums */
	int rows_max; /* of the rollups, and of what the log has besides */
	const char *since_name; /* the field that errors name; NULL: since */
	/* By user only: PostgreSQL chooses so many that cost most, and the others come as one of
	 * each bucket. 0: all come. */
	size_t groups_max;
};

/* Some may have less than no calls: they take back what another has too much. */
struct usage_row {
	size_t bucket;
	const char *key[USAGE_KEYS_MAX]; /* as in by; NULL: none was given */
	struct totals totals;
	struct json_ints slots, calls; /* of the histogram */
	bool other; /* of those that were not chosen: key is not theirs */
	size_t group; /* usage_group() numbers it */
};

struct usage_rows {
	struct usage_row *at;
	size_t count;
};

/* Whether the rollups can answer: of user and tag they know nothing else. False: *ret_beside is one
 * that stands beside others. */
bool usage_fits(const struct usage_query *query, enum usage_dimension *ret_beside);

/* In a transaction of one snapshot (db_set_snapshot()). ERR_INVALID on the field "since": more than
 * rows_max of days that are over, or of the rest, or a time of which there are no hours any more.
 * ERR_UNAVAILABLE: more than rows_max that are not rolled up yet. */
NODISCARD bool usage_find(
    struct task *task, const struct usage_query *query, struct usage_rows *ret);
/* The same of the log alone, as if nothing were rolled up. */
NODISCARD bool usage_find_in_log(
    struct task *task, const struct usage_query *query, struct usage_rows *ret);
/* usage_find() in a transaction of its own; the task must be in none. */
NODISCARD bool usage_read(
    struct task *task, const struct usage_query *query, struct usage_rows *ret);

struct usage_group {
	size_t bucket;
	const char *const *key; /* NULL: all groups beyond the limit */
	struct totals totals;
	int64_t p50_ms, p95_ms, p99_ms; /* -1: no call has a duration */
};

struct usage_groups {
	struct usage_group *at; /* by bucket, and in each what costs most over all buckets first */
	size_t count;
};

/* Adds up what belongs together; limit: groups over all buckets, groups_max where that is given.
 * Sorts the rows. */
void usage_group(
    struct task *task, struct usage_rows *rows, size_t limit, struct usage_groups *ret);

/* Rows that the caller puts together; zeros at first. */
struct usage_sum {
	struct totals totals;
	struct histogram histogram;
};
void usage_sum_add(struct usage_sum *sum, const struct usage_row *row);
/* A group without bucket and key. */
struct usage_group usage_sum_group(const struct usage_sum *sum);

/* Its SQL, for the tests; NULL behind the last. */
extern const char *const usage_statements[];
extern const char *const usage_row_statements[];

#endif
