/* Months: sums of days, without the database. */
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/model/billing.h"
#include "lib/model/budget_status.h"

static const struct {
	const char *name;
	enum total total;
} members[] = {
	{ "total_requests", TOTAL_REQUESTS },
	{ "total_tokens", TOTAL_TOKENS },
	{ "input_tokens", TOTAL_INPUT },
	{ "output_tokens", TOTAL_OUTPUT },
	{ "cached_input_tokens", TOTAL_CACHED },
	{ "cache_write_tokens", TOTAL_CACHE_WRITE },
	{ "reasoning_tokens", TOTAL_REASONING },
	{ "failed_requests", TOTAL_FAILED },
	{ "unpriced_requests", TOTAL_UNPRICED },
};
_Static_assert(COUNT(members) == TOTAL_COUNT - 1, "a total without a member");

/* The order of enum budget_measure. */
static const enum total measured[BUDGET_MEASURES] = { TOTAL_COST, TOTAL_REQUESTS, TOTAL_TOKENS };

bool
billing_parse_month(const char *text, int32_t *ret)
{
	char first[DATE_TEXT_SIZE];
	int32_t date;

	if (strlen(text) != BILLING_MONTH_SIZE - 1)
		return false;
	snprintf(first, sizeof(first), "%s-01", text);
	if (!date_parse((struct text){ first, strlen(first) }, &date))
		return false;
	*ret = billing_month_of(date);
	return true;
}

char *
billing_format_month(int32_t month, char out[BILLING_MONTH_SIZE])
{
	char first[DATE_TEXT_SIZE];

	date_format(billing_month_start(month), first);
	memcpy(out, first, BILLING_MONTH_SIZE - 1);
	out[BILLING_MONTH_SIZE - 1] = '\0';
	return out;
}

int32_t
billing_month_of(int32_t date)
{
	int year, month, day;

	date_to_civil(date, &year, &month, &day);
	return 12 * year + month - 1;
}

int32_t
billing_month_start(int32_t month)
{
	return date_from_civil(month / 12, month % 12 + 1, 1);
}

/* A sum beyond what fits stays at its end. */
static int64_t
add(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

struct billing_period
billing_sum(const struct billing_days *days, int32_t month)
{
	struct billing_period period = { .month = month };
	int32_t end = days->since + (int32_t)days->count;
	int32_t date = billing_month_start(month), next = billing_month_start(month + 1);

	if (date < days->since)
		date = days->since;
	for (; date < next && date < end; date++) {
		const struct billing_day *day = &days->at[date - days->since];

		totals_add(&period.totals, &day->totals);
		period.adjustments_nanos = add(period.adjustments_nanos, day->adjustments_nanos);
	}
	period.billed_nanos = add(period.totals.at[TOTAL_COST], period.adjustments_nanos);
	return period;
}

struct billing_period
billing_add(const struct billing_months *months, int32_t month)
{
	struct billing_period period = months->at[month - months->at[0].month];
	struct billing_period more = billing_sum(&months->days, month);

	totals_add(&period.totals, &more.totals);
	period.adjustments_nanos = add(period.adjustments_nanos, more.adjustments_nanos);
	period.billed_nanos = add(period.totals.at[TOTAL_COST], period.adjustments_nanos);
	return period;
}

bool
billing_forecast(const struct billing_days *days, const struct zone *zone, int64_t now,
    struct forecast *ret, int64_t *ret_days_left)
{
	int64_t closed[FORECAST_DAYS_MAX], start, end, left;
	int32_t today = zone_date(zone, now), month = billing_month_of(today);
	int32_t first = today - FORECAST_DAYS_MAX;
	size_t count = 0;

	if (first < days->since)
		first = days->since;
	if (first < days->first_calls)
		first = days->first_calls;
	for (int32_t date = first; date < today; date++)
		closed[count++] = days->at[date - days->since].totals.at[TOTAL_COST];
	start = zone_day_start(zone, today);
	end = zone_day_start(zone, today + 1);
	left = end > now && end > start ? (end - now) * FORECAST_WHOLE_DAY / (end - start) : 0;
	*ret_days_left = billing_month_start(month + 1) - 1 - today;
	return forecast_find(
	    &(struct forecast_input){
		.days = closed,
		.count = count,
		.so_far = billing_sum(days, month).billed_nanos,
		.today_left = left < FORECAST_WHOLE_DAY ? left : FORECAST_WHOLE_DAY,
		.days_left = *ret_days_left,
	    },
	    ret);
}

bool
billing_is_over(const struct billing_period *period, const struct budget *budget, int64_t now)
{
	struct budget_use use = { 0 };
	bool over = false;

	for (int i = 0; i < BUDGET_MEASURES; i++) {
		struct account account;

		use.spent[i] = period->totals.at[measured[i]];
		account = budget_status_account(budget, &use, (enum budget_measure)i);
		over |= account.spent > decide_limit(&account, now);
	}
	return over;
}

void
billing_write_period(struct json_out *out, const struct billing_period *period,
    const struct zone *zone, const char *timezone)
{
	char month[BILLING_MONTH_SIZE];

	json_text(out, "period", billing_format_month(period->month, month));
	json_text(out, "timezone", timezone);
	json_time(out, "start", zone_day_start(zone, billing_month_start(period->month)));
	json_time(out, "end", zone_day_start(zone, billing_month_start(period->month + 1)));
	json_cents(out, "billed_cents", period->billed_nanos);
	json_cents(out, "total_cost_cents", period->totals.at[TOTAL_COST]);
	json_cents(out, "adjustments_cents", period->adjustments_nanos);
	for (size_t i = 0; i < COUNT(members); i++)
		json_int(out, members[i].name, period->totals.at[members[i].total]);
}
