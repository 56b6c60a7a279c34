#include "app/api/usage_stats.h"

#include "app/api/analytics_input.h"
#include "app/api/analytics_sums.h"
#include "app/auth.h"
#include "lib/model/user.h"

struct daily_input {
	struct id user;
	int32_t since, until;
	bool has_since, has_until;
};

const struct json_field usage_stats_daily_fields[3] = {
	{ .name = "user_id",
	    .type = JSON_ID,
	    .offset = offsetof(struct daily_input, user),
	    .given = JSON_ALWAYS,
	    .required = true },
	{ .name = "since",
	    .type = JSON_DATE,
	    .offset = offsetof(struct daily_input, since),
	    .given = offsetof(struct daily_input, has_since),
	    .about = "The first day; six days before until where not given." },
	{ .name = "until",
	    .type = JSON_DATE,
	    .offset = offsetof(struct daily_input, until),
	    .given = offsetof(struct daily_input, has_until),
	    .about = "The last day; today where not given." },
};

/* What the user has used in each of the spans. */
static bool
find(struct request *req, struct id user, const struct span *spans, size_t count,
    struct usage_groups *ret)
{
	struct usage_query query = {
		.buckets = spans,
		.bucket_count = count,
		.only = { [USAGE_USER] =
			      id_format(user, arena_alloc(req->task->arena, ID_TEXT_SIZE)) },
		.zone = req->identity->zone,
		.timezone = req->identity->timezone,
		.rows_max = USAGE_ROWS_MAX,
	};
	struct usage_rows rows = { 0 };
	struct user found;

	if (!resource_find(req->task, &user_resource, user, &found) || !db_commit(req->task) ||
	    (count > 0 && !usage_read(req->task, &query, &rows)))
		return false;
	usage_group(req->task, &rows, 1, ret);
	return true;
}

static bool
check_date(const struct request *req, const char *field, int32_t date)
{
	int64_t start = zone_day_start(req->identity->zone, date);

	if (start < ANALYTICS_FIRST || start > ANALYTICS_LAST)
		return task_fail_field(req->task, field, "must lie in the years from 2000 to 2099");
	return true;
}

static bool
read_daily(struct request *req, struct daily_input *input)
{
	int32_t today = zone_date(req->identity->zone, req->task->now);

	if (!request_read_query(req, input))
		return false;
	if (!input->has_until)
		input->until = today;
	if (!input->has_since)
		input->since = input->until - USAGE_STATS_DAYS_DEFAULT + 1;
	if (!check_date(req, "since", input->since) || !check_date(req, "until", input->until))
		return false;
	if (input->since > input->until)
		return task_fail_field(req->task, "since", "must not be later than until");
	if (input->until - input->since >= USAGE_STATS_DAYS_MAX)
		return task_fail_field(
		    req->task, "since", "must be less than 366 days before until");
	return true;
}

/* Oldest first; a date that the zone never had is none. */
static size_t
find_days(const struct zone *zone, const struct daily_input *input, struct span *ret)
{
	size_t count = 0;

	for (int32_t date = input->since; date <= input->until; date++) {
		struct span day = { zone_day_start(zone, date), zone_day_start(zone, date + 1) };

		if (day.since < day.until)
			ret[count++] = day;
	}
	return count;
}

bool
usage_stats_daily(struct request *req, struct reply *reply)
{
	struct span *days = arena_array(req->task->arena, USAGE_STATS_DAYS_MAX, sizeof(*days));
	struct json_out *out = json_out_new(&reply->body);
	struct daily_input input = { 0 };
	struct usage_groups groups = { 0 };
	size_t count;

	if (!read_daily(req, &input))
		return false;
	count = find_days(req->identity->zone, &input, days);
	if (!find(req, input.user, days, count, &groups))
		return false;
	json_open(out);
	json_id(out, "user_id", input.user);
	json_text(out, "timezone", req->identity->timezone);
	json_open_array_at(out, "data");
	for (size_t i = groups.count; i-- > 0;) {
		json_open(out);
		json_date(
		    out, "date", zone_date(req->identity->zone, days[groups.at[i].bucket].since));
		analytics_write_sums(out, &groups.at[i]);
		json_close(out);
	}
	json_close_array(out);
	json_close(out);
	return reply_done(reply, 200, "application/json");
}

/* Up to today, and in it. */
static void
write_usage(struct json_out *out, const struct totals *past, const struct totals *today)
{
	struct totals all = *past;

	totals_add(&all, today);
	json_int(out, "today_requests", today->at[TOTAL_REQUESTS]);
	json_int(out, "today_failed_requests", today->at[TOTAL_FAILED]);
	json_int(out, "today_tokens", today->at[TOTAL_TOKENS]);
	json_cents(out, "today_cost_cents", today->at[TOTAL_COST]);
	json_int(out, "total_requests", all.at[TOTAL_REQUESTS]);
	json_int(out, "total_failed_requests", all.at[TOTAL_FAILED]);
	json_int(out, "total_tokens", all.at[TOTAL_TOKENS]);
	json_cents(out, "total_cost_cents", all.at[TOTAL_COST]);
	analytics_write_success_rate(out, &all);
}

bool
usage_stats_of_user(struct request *req, struct reply *reply)
{
	const struct zone *zone = req->identity->zone;
	int32_t today = zone_date(zone, req->task->now);
	struct span spans[] = {
		{ zone_day_start(zone, zone_date(zone, ANALYTICS_FIRST) + 1),
		    zone_day_start(zone, today) },
		{ zone_day_start(zone, today), zone_day_start(zone, today + 1) },
	};
	struct json_out *out = json_out_new(&reply->body);
	struct totals totals[COUNT(spans)] = { 0 };
	struct usage_groups groups;
	struct id id;

	if (!request_id_param(req, 0, &id) || !find(req, id, spans, COUNT(spans), &groups))
		return false;
	for (size_t i = 0; i < groups.count; i++)
		totals_add(&totals[groups.at[i].bucket], &groups.at[i].totals);
	json_open(out);
	json_id(out, "user_id", id);
	json_text(out, "timezone", req->identity->timezone);
	json_date(out, "date", today);
	write_usage(out, &totals[0], &totals[1]);
	json_close(out);
	return reply_done(reply, 200, "application/json");
}
