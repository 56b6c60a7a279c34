/*
 * The writing side of daily_costs, for the jobs. tallyd reads days (daily_cost.h) and never writes
 * them.
 *
 * Every call works on the rows of task->client. Whoever changes days holds day_lock() for the
 * transaction, so that what one job has summed is not overtaken by another.
 */
#ifndef LIB_MODEL_DAY_H
#define LIB_MODEL_DAY_H

#include "lib/model/daily_cost.h"

/* Waits for the client's books and keeps them until the end of the transaction. */
NODISCARD bool day_lock(struct task *task);

/*
 * Raises the row of an open day to at least these totals, member by member; never lowers one, and
 * leaves a closed day alone. *ret_changed: whether the row is new or was raised.
 */
NODISCARD bool day_raise(struct task *task, const struct daily_cost *day, bool *ret_changed);

/*
 * Sets the row of an open day to these totals. Unique users are raised only: the log forgets who
 * called when a person is erased, the day does not.
 */
NODISCARD bool day_correct(struct task *task, const struct daily_cost *day);

/* The day takes corrections as adjustments only from now on. Without a row, nothing happens. */
NODISCARD bool day_close(struct task *task, int32_t date);

/*
 * From the first to the last date that the client has anything of, in the log or among its days.
 * *ret_any false: it has nothing. open_only: days that are closed do not count.
 */
NODISCARD bool day_span(struct task *task, const struct zone *zone, bool open_only, bool *ret_any,
    int32_t *ret_first, int32_t *ret_last);

extern const char *const day_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
