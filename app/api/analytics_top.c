#include "app/api/analytics_top.h"

#include "app/api/analytics_input.h"
#include "app/api/analytics_sums.h"
#include "app/auth.h"
#include "lib/clock.h"
#include "lib/model/client_top.h"
#include "lib/money.h"

/* Those of usage, and one more. */
#define BY_CLIENT USAGE_DIMENSIONS
static const char *const by_names[] = {
	[USAGE_FEATURE] = "feature",
	[USAGE_AGENT_TYPE] = "agent_type",
	[USAGE_PROVIDER] = "provider",
	[USAGE_MODEL] = "model",
	[USAGE_USER] = "user",
	[USAGE_TAG] = "tag",
	[BY_CLIENT] = "client",
	NULL,
};

struct top_input {
	int by;
	struct analytics_range range;
	int64_t limit;
};

const struct json_field analytics_top_fields[4] = {
	{ .name = "by",
	    .type = JSON_CHOICE,
	    .offset = offsetof(struct top_input, by),
	    .given = JSON_ALWAYS,
	    .required = true,
	    .choices = by_names,
	    .about = "A call with two tags counts in both; client is for operators." },
	ANALYTICS_TIME(struct top_input, range, "since", since,
	    "Inclusive, down to a quarter-hour; where not given, the beginning of the 30th day "
	    "up to until. Of clients the day of UTC."),
	ANALYTICS_TIME(struct top_input, range, "until", until,
	    "Exclusive, up to a quarter-hour; now where not given. Of clients the day of UTC "
	    "that ends it."),
	{ .name = "limit",
	    .type = JSON_INT,
	    .offset = offsetof(struct top_input, limit),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = ANALYTICS_TOP_MAX,
	    .about = "The others are told together. 10 where not given." },
};

__extension__ typedef __int128 int128;

/* In percent with two decimals, half up; null where nothing cost anything. */
static void
write_share(struct json_out *out, int64_t nanos, int64_t total)
{
	int128 share = total > 0 ? ((int128)nanos * 20000 + total) / ((int128)total * 2) : 0;
	char digits[MONEY_TEXT_SIZE];

	if (total <= 0)
		json_null(out, "share");
	else
		json_number(out, "share", money_format_scaled((int64_t)share, 2, digits));
}

static void
write_groups(struct json_out *out, int by, const struct usage_group *total,
    const struct usage_groups *groups)
{
	json_open_at(out, "total");
	analytics_write_sums(out, total);
	json_close(out);
	json_open_array_at(out, "data");
	for (size_t i = 0; i < groups->count; i++) {
		const struct usage_group *group = &groups->at[i];

		json_open(out);
		json_text(out, analytics_key_names[by], group->key == NULL ? NULL : group->key[0]);
		json_bool(out, "other", group->key == NULL);
		write_share(out, group->totals.at[TOTAL_COST], total->totals.at[TOTAL_COST]);
		analytics_write_sums(out, group);
		json_close(out);
	}
	json_close_array(out);
}

/* What was used in all. A call has more than one tag, or none, so tags do not tell. */
static bool
find_total(struct task *task, const struct usage_query *query, struct usage_rows rows,
    struct usage_group *ret)
{
	struct usage_query all = *query;
	struct usage_groups groups;

	all.by_count = 0;
	*ret = (struct usage_group){ .p50_ms = -1, .p95_ms = -1, .p99_ms = -1 };
	if (query->by[0] == USAGE_TAG && !usage_find(task, &all, &rows))
		return false;
	usage_group(task, &rows, 0, &groups);
	if (groups.count > 0)
		*ret = groups.at[0];
	return true;
}

static bool
find(struct request *req, const struct top_input *input, struct span range,
    struct usage_group *ret_total, struct usage_groups *ret)
{
	struct usage_query query = {
		.buckets = &range,
		.bucket_count = 1,
		.by = { (enum usage_dimension)input->by },
		.by_count = 1,
		.zone = req->identity->zone,
		.timezone = req->identity->timezone,
		.rows_max = USAGE_ROWS_MAX,
		.groups_max = (size_t)input->limit,
	};
	struct usage_rows rows = { 0 };

	db_set_snapshot(req->task);
	if (!usage_find(req->task, &query, &rows) ||
	    !find_total(req->task, &query, rows, ret_total) || !db_commit(req->task))
		return false;
	usage_group(req->task, &rows, (size_t)input->limit, ret);
	return true;
}

static bool
top_of_client(
    struct request *req, struct reply *reply, const struct top_input *input, struct span range)
{
	struct json_out *out = json_out_new(&reply->body);
	const struct zone *zone = req->identity->zone;
	struct usage_groups groups;
	struct usage_group total;

	if (input->range.since == NULL)
		range.since = zone_day_start(zone, zone_date(zone, range.until - 1) - 29);
	range.since = span_floor(range.since, SPAN_QUARTER);
	range.until = span_ceil(range.until, SPAN_QUARTER);
	if (!find(req, input, range, &total, &groups))
		return false;
	json_open(out);
	json_text(out, "by", by_names[input->by]);
	json_text(out, "timezone", req->identity->timezone);
	json_time(out, "since", range.since);
	json_time(out, "until", range.until);
	write_groups(out, input->by, &total, &groups);
	json_close(out);
	return reply_done(reply, 200, "application/json");
}

static void
write_client_sums(struct json_out *out, const struct client_sums *sums)
{
	json_cents(out, "cost_cents", sums->totals.at[TOTAL_COST]);
	json_cents(out, "adjustments_cents", sums->adjustments_nanos);
	json_int(out, "calls", sums->totals.at[TOTAL_REQUESTS]);
	json_int(out, "failed_calls", sums->totals.at[TOTAL_FAILED]);
	json_int(out, "unpriced_calls", sums->totals.at[TOTAL_UNPRICED]);
	json_int(out, "total_tokens", sums->totals.at[TOTAL_TOKENS]);
}

static void
write_clients(struct json_out *out, const struct client_tops *clients)
{
	struct client_sums total = { 0 };

	for (size_t i = 0; i < clients->count; i++) {
		totals_add(&total.totals, &clients->at[i].totals);
		if (__builtin_add_overflow(total.adjustments_nanos,
			clients->at[i].adjustments_nanos, &total.adjustments_nanos))
			total.adjustments_nanos = INT64_MAX;
	}
	json_open_at(out, "total");
	write_client_sums(out, &total);
	json_close(out);
	json_open_array_at(out, "data");
	for (size_t i = 0; i < clients->count; i++) {
		const struct client_sums *client = &clients->at[i];

		json_open(out);
		json_id(out, "client_id", client->client);
		json_text(out, "name", client->name);
		json_bool(out, "other", id_is_nil(client->client));
		write_share(out, client->totals.at[TOTAL_COST], total.totals.at[TOTAL_COST]);
		write_client_sums(out, client);
		json_close(out);
	}
	json_close_array(out);
}

static bool
top_of_clients(
    struct request *req, struct reply *reply, const struct top_input *input, struct span range)
{
	struct json_out *out = json_out_new(&reply->body);
	int32_t since = (int32_t)(range.since / CLOCK_DAY);
	int32_t until = (int32_t)((range.until - 1) / CLOCK_DAY);
	struct client_tops clients;

	if (until - since >= ANALYTICS_TOP_DAYS_MAX)
		return task_fail_field(
		    req->task, "since", "must be less than 3660 days before until");
	if (!client_top(req->task, since, until, input->limit, &clients))
		return false;
	json_open(out);
	json_text(out, "by", by_names[input->by]);
	json_date(out, "since", since);
	json_date(out, "until", until + 1);
	write_clients(out, &clients);
	json_close(out);
	return reply_done(reply, 200, "application/json");
}

bool
analytics_top(struct request *req, struct reply *reply)
{
	struct top_input input = { .limit = ANALYTICS_TOP_DEFAULT };
	struct span range;

	if (!request_read_query(req, &input) ||
	    !analytics_read_range(
		req->task, req->identity->zone, &input.range, 30 * CLOCK_DAY, &range))
		return false;
	if (input.by == BY_CLIENT) {
		if (!req->task->operator_key)
			return task_fail(req->task, ERR_FORBIDDEN,
			    "Only an operator's key may compare clients.");
		return top_of_clients(req, reply, &input, range);
	}
	if (req->task->operator_key)
		return task_fail_field(
		    req->task, "by", "must be client where the key is an operator's");
	return top_of_client(req, reply, &input, range);
}
