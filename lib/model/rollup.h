/*
 * The writing side of cost_aggregates, for the jobs: what is new in the log is collected as spans
 * of time, and these are summed again. How it is known what is new stands in the migration
 * "rollups".
 */
#ifndef LIB_MODEL_ROLLUP_H
#define LIB_MODEL_ROLLUP_H

#include "lib/core/span.h"
#include "lib/db.h"
#include "lib/zone.h"

/*
 * Writes down the spans of all batches that were committed since the last call, and moves the
 * snapshot on; *ret_batches: how many. For task->client nil.
 */
NODISCARD bool rollup_collect(struct task *task, int64_t *ret_batches);

/* The calls below work on the rows of task->client. */

/*
 * Writes down the client's whole log where it has not been collected yet, or its days are of
 * another zone now. timezone: the zone's name. *ret_ready false: the client has just changed its
 * zone; its turn is the next time.
 */
NODISCARD bool rollup_begin(
    struct task *task, const struct zone *zone, const char *timezone, bool *ret_ready);
/* Writes down one more span. */
NODISCARD bool rollup_ask(struct task *task, struct span span);

struct rollup_pending {
	struct span *spans; /* tidy, of whole hours */
	size_t count;
	const struct db_rows *rows; /* as they were read */
};
NODISCARD bool rollup_find(struct task *task, struct rollup_pending *ret);
/* Says that all of these have been summed. */
NODISCARD bool rollup_clear(struct task *task, const struct rollup_pending *pending);

/*
 * Sums the span, of whole hours, again: from the log where it is whole, and its days from what that
 * gives. Holds day_lock(). *ret_rows: how many rows are new or were changed.
 */
NODISCARD bool rollup_sum(
    struct task *task, const struct zone *zone, struct span span, int64_t *ret_rows);
/* Makes the rows of a day that is over since the last call, or of users, of some days up to today;
 * *ret_more: there may be others. */
NODISCARD bool rollup_end_day(
    struct task *task, const struct zone *zone, bool *ret_more, int64_t *ret_rows);

/*
 * For purge, in the transaction that closes days: from now on nothing before the instant is summed
 * again. *ret_done false: a record from before it has not been summed yet, or it is not known
 * whether.
 */
NODISCARD bool rollup_close(struct task *task, int64_t before, bool *ret_done);

/* What there is of the client; each is 0 where nothing was said. */
struct rollup_bounds {
	int64_t whole_from; /* the instant of the last rollup_close() */
	int64_t days_until; /* rows by day of the days that were over by then */
	int64_t hours_from; /* rows by hour */
	int64_t days_from; /* rows by day of the zone that the days have now */
	int64_t users_until; /* rows by user and stretch of days, from days_from on */
	int64_t closed_from; /* rows of daily_costs of that zone, of days that were closed */
};
NODISCARD bool rollup_find_bounds(struct task *task, struct rollup_bounds *ret);

/*
 * From the last day that begins before the instant on there are rows by hour, of those before only
 * by day: as far as the log is closed and the days are of this zone. timezone: its name.
 */
NODISCARD bool rollup_close_hours(
    struct task *task, const struct zone *zone, const char *timezone, int64_t before);
/* Removes rows by hour from before that, at most so many. */
#define ROLLUP_FORGET_MAX 5000
NODISCARD bool rollup_forget_hours(struct task *task, int64_t *ret_count);

/* Batches committed and not collected, spans collected and not summed, over all clients. */
NODISCARD bool rollup_count_waiting(struct task *task, int64_t *ret_batches, int64_t *ret_spans);

/* Its SQL, for the tests; NULL behind the last. */
extern const char *const rollup_statements[];
extern const char *const rollup_sum_statements[];
extern const char *const rollup_hours_statements[];
extern const char *const rollup_user_statements[];

#endif
