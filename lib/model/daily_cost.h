/*
 * A client's days: totals that outlive the log.
 *
 * A date is a calendar day of the client's time zone. Every call sees only the rows of
 * task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_DAILY_COST_H
#define LIB_MODEL_DAILY_COST_H

#include "lib/core/totals.h"
#include "lib/db.h"
#include "lib/json_write.h"
#include "lib/zone.h"

#define DAILY_COST_DAYS_MAX 366

struct daily_cost {
	int32_t date;
	struct totals totals; /* cost: verified, else estimated; without adjustments */
	int64_t unique_users;
	int64_t closed_at; /* 0: open. Not set by daily_cost_sum(), as those below */
	int64_t updated_at; /* 0: there is no row, only adjustments */
	int64_t adjustments_nanos; /* sum of the day's adjustments */
};

struct daily_costs {
	const struct daily_cost *at;
	size_t count;
};

/* The exact totals of one day by summing the log; zeros where there was no call. */
NODISCARD bool daily_cost_sum(
    struct task *task, const struct zone *zone, int32_t date, struct daily_cost *ret);
/* What is stored of the days from since to until, both inclusive, newest first: those with a row or
 * with adjustments. */
NODISCARD bool daily_cost_list(
    struct task *task, int32_t since, int32_t until, struct daily_costs *ret);

/* The members of an answer about a day, within an object that is open, without adjustments. */
void daily_cost_write(struct json_out *out, const struct daily_cost *day, const char *timezone,
    const char *source, int64_t as_of);

/* The totals in the order of the columns of every statement that sums days. */
extern const enum total daily_cost_columns[TOTAL_COUNT];
extern const char *const daily_cost_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
