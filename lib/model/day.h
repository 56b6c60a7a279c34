/*
 * The writing side of daily_costs, for the jobs. tallyd reads days (daily_cost.h) and never writes
 * them.
 *
 * Every call but day_raise_all() works on the rows of task->client. Whoever changes days holds
 * day_lock() for the transaction, so that what one job has summed is not overtaken by another.
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

/* The same for the days of many clients, with the lock of each; *ret_changed: how many rows. */
struct client_day {
	struct id client;
	struct daily_cost day;
};
NODISCARD bool day_raise_all(
    struct task *task, const struct client_day *list, size_t count, int64_t *ret_changed);

/*
 * Sets the row of an open day to these totals. Unique users are raised only: the log forgets who
 * called when a person is erased, the day does not.
 */
NODISCARD bool day_correct(struct task *task, const struct daily_cost *day);

/* The day takes corrections as adjustments only from now on. Without a row, nothing happens. */
NODISCARD bool day_close(struct task *task, int32_t date);

/* Says that the row of an open day was found equal to the log, with no record on its way into it.
 */
NODISCARD bool day_reconcile(struct task *task, const struct zone *zone, int32_t date);

enum day_state {
	DAY_OPEN,
	DAY_RECONCILED, /* day_reconcile(), and nothing came since */
	DAY_CLOSED
};
NODISCARD bool day_find_state(
    struct task *task, const struct zone *zone, int32_t date, enum day_state *ret);

/*
 * Books what records cost that came after the day was closed (the client's retention was raised
 * since) as an adjustment; *ret_nanos: how much, 0 when it was booked already.
 */
#define DAY_LATE_REASON "records that came after the day was closed"
NODISCARD bool day_book_late(struct task *task, const struct zone *zone,
    const struct daily_cost *stored, int64_t *ret_nanos);

/*
 * The first date from this one on that has records in the log or a row of its own. *ret_any false:
 * there is none.
 */
NODISCARD bool day_next(
    struct task *task, const struct zone *zone, int32_t from, bool *ret_any, int32_t *ret_date);

/* Whether the date is the one that Redis counts, so that its row may lag behind the log. */
NODISCARD bool day_is_open(struct task *task, int32_t date, bool *ret);

extern const char *const day_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
