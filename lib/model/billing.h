/*
 * What is billed: a client's days, exact to the day, and the calendar months of its zone that they
 * make up.
 *
 * A day that is stored is taken from daily_costs; one that got records since it was stored from the
 * rollups, as lib/model/usage.h reads them. Every call sees only the rows of task->client.
 */
#ifndef LIB_MODEL_BILLING_H
#define LIB_MODEL_BILLING_H

#include "lib/core/forecast.h"
#include "lib/model/budget.h"
#include "lib/model/daily_cost.h"

#define BILLING_MONTHS_MAX 120 /* of one answer */

/* Months since the year 0: 12 * year + month - 1. */
#define BILLING_MONTH_MIN (12 * 1970)
#define BILLING_MONTH_MAX (12 * 9999 + 11)
/* "2026-11" */
#define BILLING_MONTH_SIZE 8
NODISCARD bool billing_parse_month(const char *text, int32_t *ret);
char *billing_format_month(int32_t month, char out[BILLING_MONTH_SIZE]);
int32_t billing_month_of(int32_t date);
int32_t billing_month_start(int32_t month); /* its first date */

struct billing_day {
	struct totals totals;
	int64_t adjustments_nanos;
};

struct billing_days {
	struct billing_day *at; /* one each day, in order */
	size_t count;
	int32_t since; /* the first date */
	int32_t first; /* the client's first day with calls or adjustments; INT32_MAX: none */
	int32_t first_calls; /* with calls */
};

/* The days from since to until, both inclusive, at one state of the database. The task must be in
 * no transaction. */
NODISCARD bool billing_find_days(struct task *task, const struct zone *zone, const char *timezone,
    int32_t since, int32_t until, struct billing_days *ret);
/* Where the client begins; the days of ret are none. */
NODISCARD bool billing_find_first(
    struct task *task, const struct zone *zone, struct billing_days *ret);

struct billing_period {
	int32_t month;
	struct totals totals;
	int64_t adjustments_nanos;
	int64_t billed_nanos; /* what the totals cost and the adjustments together */
};

struct billing_months {
	struct billing_period *at; /* one each month, in order; without what days has */
	size_t count;
	/* From the first to the last of those that may have to be read again: today is among them.
	 */
	struct billing_days days;
};

/* The months from since to until, both inclusive, as billing_find_days() finds days. */
NODISCARD bool billing_find_months(struct task *task, const struct zone *zone, const char *timezone,
    int32_t since, int32_t until, struct billing_months *ret);
/* The month, with what days has of it by now. */
struct billing_period billing_add(const struct billing_months *months, int32_t month);

/* Of the days that are there. */
struct billing_period billing_sum(const struct billing_days *days, int32_t month);

/*
 * What the month of now will have cost at its end. days: up to today, with FORECAST_DAYS_MAX before
 * it. False: there are too few.
 */
bool billing_forecast(const struct billing_days *days, const struct zone *zone, int64_t now,
    struct forecast *ret, int64_t *ret_days_left);

/* The budgets that limit all of the client's calls in the calendar months of the zone. */
NODISCARD bool billing_find_limits(struct task *task, const char *timezone, struct budgets *ret);
/* Whether the month is beyond one of the budget's limits. */
bool billing_is_over(const struct billing_period *period, const struct budget *budget, int64_t now);

/* The members of an answer about a month, within an object that is open. */
void billing_write_period(struct json_out *out, const struct billing_period *period,
    const struct zone *zone, const char *timezone);

/* Its SQL, for the tests; NULL behind the last. */
extern const char *const billing_statements[];
extern const char *const billing_month_statements[];

#endif
