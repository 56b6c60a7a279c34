#include "app/api/daily_costs.h"

#include "app/api/today.h"
#include "app/auth.h"
#include "lib/model/adjustment.h"
#include "lib/model/daily_cost.h"

struct list_query {
	int64_t days;
	bool has_days;
	int32_t since, until;
	bool has_since, has_until;
};

const struct json_field daily_costs_list_fields[3] = {
	{ .name = "days",
	    .type = JSON_INT,
	    .offset = offsetof(struct list_query, days),
	    .given = offsetof(struct list_query, has_days),
	    .min = 1,
	    .max = DAILY_COST_DAYS_MAX,
	    .about = "So many days up to today; 7 where nothing is given." },
	{ .name = "since",
	    .type = JSON_DATE,
	    .offset = offsetof(struct list_query, since),
	    .given = offsetof(struct list_query, has_since),
	    .about = "The first day, instead of days." },
	{ .name = "until",
	    .type = JSON_DATE,
	    .offset = offsetof(struct list_query, until),
	    .given = offsetof(struct list_query, has_until),
	    .about = "The last day, with since; today where not given." },
};

bool
daily_costs_read_date(const struct request *req, int32_t *ret)
{
	static const struct json_field field = { .name = "date", .type = JSON_DATE };

	return json_read_value(req->task, &field, req->params[0], ret);
}

static int32_t
today(const struct request *req)
{
	return zone_date(req->identity->zone, req->task->now);
}

static void
write_day(struct json_out *out, const struct request *req, const struct daily_cost *day,
    const char *source)
{
	bool stored = day->updated_at != 0;

	json_open(out);
	daily_cost_write(
	    out, day, req->identity->timezone, source, stored ? day->updated_at : req->task->now);
	json_cents(out, "adjustments_cents", day->adjustments_nanos);
	json_bool(out, "closed", day->closed_at != 0);
	json_close(out);
}

/* What is stored of a day, else what the log says. */
static bool
find_past(struct request *req, int32_t date, struct daily_cost *ret)
{
	struct daily_costs found;

	if (!daily_cost_list(req->task, date, date, &found))
		return false;
	if (found.count > 0 && found.at[0].updated_at != 0) {
		*ret = found.at[0];
		return true;
	}
	if (!daily_cost_sum(req->task, req->identity->zone, date, ret))
		return false;
	if (found.count > 0)
		ret->adjustments_nanos = found.at[0].adjustments_nanos;
	return true;
}

bool
daily_costs_find(struct request *req, struct reply *reply)
{
	struct json_out *out = json_out_new(&reply->body);
	struct daily_cost day = { .date = -1 };
	const char *source = "postgres";
	int32_t date;

	if (!daily_costs_read_date(req, &date))
		return false;
	if (date > today(req))
		return task_fail(req->task, ERR_NOT_FOUND, "The day has not begun.");
	if (date == today(req) && !today_count(req, &day, &source))
		return false;
	if (day.date != date) {
		source = "postgres";
		if (!find_past(req, date, &day))
			return false;
	} else if (!adjustment_sum(req->task, date, &day.adjustments_nanos)) {
		return false;
	}
	write_day(out, req, &day, source);
	return reply_done(reply, 200, "application/json");
}

/* Either days, or since with or without until. */
static bool
read_range(struct request *req, int32_t *ret_since, int32_t *ret_until)
{
	struct list_query query = { .days = DAILY_COSTS_DAYS_DEFAULT, .until = today(req) };

	if (!request_read_query(req, &query))
		return false;
	if (query.has_days && (query.has_since || query.has_until))
		return task_fail_field(req->task, "days", "cannot be given with since or until");
	if (query.has_until && !query.has_since)
		return task_fail_field(req->task, "since", "must be given with until");
	if (!query.has_since)
		query.since = query.until - (int32_t)query.days + 1;
	if (query.since > query.until)
		return task_fail_field(req->task, "since", "must not be later than until");
	if (query.until - query.since >= DAILY_COST_DAYS_MAX)
		return task_fail_field(req->task, "since", "must be at most 366 days before until");
	*ret_since = query.since;
	*ret_until = query.until;
	return true;
}

bool
daily_costs_list(struct request *req, struct reply *reply)
{
	struct json_out *out = json_out_new(&reply->body);
	struct daily_cost open_day = { .date = -1 };
	const char *source = NULL;
	struct daily_costs days;
	int32_t since = 0, until = 0;

	if (!read_range(req, &since, &until))
		return false;
	if (today(req) >= since && today(req) <= until && !today_count(req, &open_day, &source))
		return false;
	if (!daily_cost_list(req->task, since, until, &days))
		return false;
	json_open(out);
	json_open_array_at(out, "data");
	for (size_t i = 0; i < days.count; i++)
		if (days.at[i].date == open_day.date)
			open_day.adjustments_nanos = days.at[i].adjustments_nanos;
	if (open_day.date >= 0)
		write_day(out, req, &open_day, source);
	for (size_t i = 0; i < days.count; i++)
		if (days.at[i].date != open_day.date)
			write_day(out, req, &days.at[i], "postgres");
	json_close_array(out);
	json_close(out);
	return reply_done(reply, 200, "application/json");
}
