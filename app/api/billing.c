#include "app/api/billing.h"

#include "app/api/today.h"
#include "app/auth.h"
#include "app/page.h"
#include "lib/model/billing.h"
#include "lib/model/budget_status.h"

struct periods_query {
	const char *since, *until;
	struct page page;
};

const struct json_field billing_periods_fields[4] = {
	{ .name = "since",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct periods_query, since),
	    .given = JSON_ALWAYS,
	    .min = BILLING_MONTH_SIZE - 1,
	    .max = BILLING_MONTH_SIZE - 1,
	    .about = "The first month, as in 2026-01; the client's first where not given." },
	{ .name = "until",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct periods_query, until),
	    .given = JSON_ALWAYS,
	    .min = BILLING_MONTH_SIZE - 1,
	    .max = BILLING_MONTH_SIZE - 1,
	    .about = "The last month, inclusive; the open one where not given." },
	{ .name = "limit",
	    .type = JSON_INT,
	    .offset = offsetof(struct periods_query, page.limit),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = BILLING_MONTHS_MAX,
	    .about = "Months of a page; 12 where not given." },
	{ .name = "cursor",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct periods_query, page.cursor),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = 64,
	    .about = "next_cursor of the page before." },
};

static int32_t
today(const struct request *req)
{
	return zone_date(req->identity->zone, req->task->now);
}

/* The open day is counted: its row lags behind. *ret_source: where the count is. */
static bool
find_days(struct request *req, int32_t since, int32_t until, struct billing_days *ret,
    const char **ret_source)
{
	const struct identity *identity = req->identity;
	struct daily_cost open_day = { .date = -1 };

	*ret_source = "postgres";
	if (until >= today(req) && !today_count(req, &open_day, ret_source))
		return false;
	if (!billing_find_days(req->task, identity->zone, identity->timezone, since, until, ret))
		return false;
	if (open_day.date >= since && open_day.date <= until)
		ret->at[open_day.date - since].totals = open_day.totals;
	return true;
}

static void
write_count(struct json_out *out, const char *name, int64_t limit)
{
	if (limit == DECIDE_NO_LIMIT)
		json_null(out, name);
	else
		json_int(out, name, limit);
}

static void
write_limit(struct json_out *out, const struct budget *budget, const struct billing_period *period,
    int64_t now)
{
	struct budget_use use = { 0 };
	struct account account = budget_status_account(budget, &use, BUDGET_COST);

	json_open(out);
	json_id(out, "budget_id", budget->head.id);
	json_text(out, "name", budget->name);
	json_text(out, "mode", decide_mode_names[budget->mode]);
	if (budget->limits[BUDGET_COST] == DECIDE_NO_LIMIT)
		json_null(out, "limit_cents");
	else
		json_cents(out, "limit_cents", decide_limit(&account, now));
	write_count(out, "limit_requests", budget->limits[BUDGET_REQUESTS]);
	write_count(out, "limit_tokens", budget->limits[BUDGET_TOKENS]);
	json_bool(out, "over_limit", billing_is_over(period, budget, now));
	json_close(out);
}

/* A budget on trial limits nothing. */
static void
write_limits(struct json_out *out, const struct budgets *budgets,
    const struct billing_period *period, int64_t now)
{
	bool over = false;

	for (size_t i = 0; i < budgets->count; i++)
		over |= budgets->at[i].mode != DECIDE_SHADOW &&
			billing_is_over(period, &budgets->at[i], now);
	json_bool(out, "over_limit", over);
	json_open_array_at(out, "limits");
	for (size_t i = 0; i < budgets->count; i++)
		write_limit(out, &budgets->at[i], period, now);
	json_close_array(out);
}

static void
write_forecast(struct json_out *out, const struct request *req, const struct billing_days *days)
{
	struct forecast forecast;
	int64_t days_left;

	if (!billing_forecast(days, req->identity->zone, req->task->now, &forecast, &days_left)) {
		json_null(out, "forecast");
		return;
	}
	json_open_at(out, "forecast");
	json_cents(out, "cost_cents", forecast.expected);
	json_cents(out, "low_cents", forecast.low);
	json_cents(out, "high_cents", forecast.high);
	json_int(out, "confidence", FORECAST_CONFIDENCE);
	json_text(out, "method", forecast.by_weekday ? "weekday_mean" : "mean");
	json_int(out, "days_used", forecast.days_used);
	json_int(out, "days_left", days_left);
	json_close(out);
}

bool
billing_current(struct request *req, struct reply *reply)
{
	struct json_out *out = json_out_new(&reply->body);
	const struct identity *identity = req->identity;
	int32_t month = billing_month_of(today(req)), since = billing_month_start(month);
	struct billing_period period;
	struct billing_days days;
	struct budgets limits;
	const char *source;

	if (since > today(req) - FORECAST_DAYS_MAX)
		since = today(req) - FORECAST_DAYS_MAX;
	if (!find_days(req, since, today(req), &days, &source) ||
	    !billing_find_limits(req->task, identity->timezone, &limits))
		return false;
	period = billing_sum(&days, month);
	json_open(out);
	billing_write_period(out, &period, identity->zone, identity->timezone);
	json_bool(out, "closed", false);
	write_limits(out, &limits, &period, req->task->now);
	write_forecast(out, req, &days);
	json_text(out, "source", source);
	json_time(out, "as_of", req->task->now);
	json_close(out);
	return reply_done(reply, 200, "application/json");
}

/* The cursor is the last month shown, in place of an id. */
static struct id
month_id(int32_t month)
{
	struct id id = { 0 };

	id.bytes[14] = (uint8_t)(month >> 8 & 0xff);
	id.bytes[15] = (uint8_t)(month & 0xff);
	id.bytes[13] = (uint8_t)(month >> 16 & 0xff);
	return id;
}

static bool
read_cursor(struct task *task, struct id after, int32_t *ret_until)
{
	int32_t month = after.bytes[13] << 16 | after.bytes[14] << 8 | after.bytes[15];

	if (id_is_nil(after))
		return true;
	if (!id_equal(after, month_id(month)) || month <= BILLING_MONTH_MIN ||
	    month > BILLING_MONTH_MAX)
		return task_fail_field(task, "cursor", "is not one that this service gave");
	if (month - 1 < *ret_until)
		*ret_until = month - 1;
	return true;
}

static bool
read_month(struct task *task, const char *field, const char *text, int32_t *ret)
{
	if (text == NULL || billing_parse_month(text, ret))
		return true;
	return task_fail_field(task, field, "must be a month as in 2026-11");
}

static bool
read_months(struct request *req, int32_t *ret_since, int32_t *ret_until, int64_t *ret_limit)
{
	struct periods_query query = { .page.limit = BILLING_PERIODS_DEFAULT };
	int32_t open_month = billing_month_of(today(req));
	struct id after;

	*ret_since = BILLING_MONTH_MIN;
	*ret_until = open_month;
	if (!request_read_query(req, &query) ||
	    !read_month(req->task, "since", query.since, ret_since) ||
	    !read_month(req->task, "until", query.until, ret_until))
		return false;
	if (*ret_since > *ret_until)
		return task_fail_field(req->task, "since", "must not be later than until");
	if (*ret_until > open_month)
		*ret_until = open_month;
	return page_read(req->task, &query.page, ret_limit, &after) &&
	       read_cursor(req->task, after, ret_until);
}

/* find_days() of whole months. */
static bool
find_months(struct request *req, int32_t since, int32_t until, struct billing_months *ret)
{
	const struct identity *identity = req->identity;
	struct daily_cost open_day = { .date = -1 };
	struct billing_days *days = &ret->days;
	const char *source;

	if (until >= billing_month_of(today(req)) && !today_count(req, &open_day, &source))
		return false;
	if (!billing_find_months(req->task, identity->zone, identity->timezone, since, until, ret))
		return false;
	if (open_day.date >= days->since && open_day.date - days->since < (int64_t)days->count)
		days->at[open_day.date - days->since].totals = open_day.totals;
	return true;
}

static void
write_periods(struct json_out *out, const struct request *req, const struct billing_months *months,
    int32_t since, int32_t until)
{
	const struct identity *identity = req->identity;

	for (int32_t month = until; month >= since; month--) {
		struct billing_period period = billing_add(months, month);

		json_open(out);
		billing_write_period(out, &period, identity->zone, identity->timezone);
		json_bool(out, "closed", month < billing_month_of(today(req)));
		json_close(out);
	}
}

/* The client's first month; the open one, where there is none. */
static bool
find_first(struct request *req, int32_t *ret)
{
	struct billing_days none;

	if (!billing_find_first(req->task, req->identity->zone, &none) || !db_commit(req->task))
		return false;
	*ret = billing_month_of(none.first < today(req) ? none.first : today(req));
	return true;
}

bool
billing_periods(struct request *req, struct reply *reply)
{
	struct billing_months months = { 0 };
	int32_t first, since = 0, until = 0, least;
	int64_t limit = BILLING_PERIODS_DEFAULT;

	if (!read_months(req, &since, &until, &limit) || !find_first(req, &first))
		return false;
	if (since < first)
		since = first;
	least = until - since < limit ? since : until - (int32_t)limit + 1;
	if (least <= until && !find_months(req, least, until, &months))
		return false;
	struct json_out *out = page_begin(reply);
	write_periods(out, req, &months, least, until);
	return page_end(reply, out, least > since && least <= until, month_id(least));
}
