/*
 * A client's days: totals that outlive the log, and the corrections made to them.
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
#define ADJUSTMENT_REASON_MAX 500
#define ADJUSTMENT_NANOS_MAX INT64_C(1000000000000000000) /* a thousand million dollars */

struct daily_cost {
	int32_t date;
	struct totals totals; /* cost: verified, else estimated; without adjustments */
	int64_t unique_users;
	int64_t closed_at; /* 0: open. Not set by daily_cost_sum(), as those below */
	int64_t updated_at;
	int64_t adjustments_nanos; /* sum of the day's adjustments */
};

struct daily_costs {
	const struct daily_cost *at;
	size_t count;
};

/* The exact totals of one day by summing the log; zeros where there was no call. */
NODISCARD bool daily_cost_sum(
    struct task *task, const struct zone *zone, int32_t date, struct daily_cost *ret);
/* The stored row of a day. ERR_NOT_FOUND where there is none. */
NODISCARD bool daily_cost_find(struct task *task, int32_t date, struct daily_cost *ret);
/* The stored rows of days from since to until, both inclusive, newest first. */
NODISCARD bool daily_cost_list(
    struct task *task, int32_t since, int32_t until, struct daily_costs *ret);
/* The sum of a day's adjustments alone. */
NODISCARD bool daily_cost_adjustments(struct task *task, int32_t date, int64_t *ret_nanos);

struct adjustment {
	struct id id;
	int32_t date;
	int64_t amount_nanos; /* not 0, may be negative */
	const char *reason;
	struct id api_key_id; /* nil: by the operator's command line */
	int64_t created_at;
};

struct adjustments {
	const struct adjustment *at;
	size_t count;
};

/* Sets id and created_at; the rest is the caller's. Writes the audit log. */
NODISCARD bool adjustment_add(struct task *task, struct adjustment *adjustment);
/* Of one day, newest first. after nil: from the start. */
NODISCARD bool adjustment_list(
    struct task *task, int32_t date, struct id after, int64_t limit, struct adjustments *ret);

void adjustment_write(struct json_out *out, const void *adjustment);
/* The members of an answer about a day, within an object that is open; source may be NULL. */
void daily_cost_write(struct json_out *out, const struct daily_cost *day, const char *timezone,
    const char *source, int64_t as_of);

extern const char *const daily_cost_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
