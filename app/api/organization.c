#include "app/api/organization.h"

#include "app/api/organization_query.h"
#include "app/auth.h"
#include "lib/clock.h"
#include "lib/model/daily_cost.h"
#include "lib/money.h"

#define NANO_SCALE 9 /* of a dollar */

static const char *const cost_groups[] = { "project_id", "line_item", NULL };
static const char *const completion_groups[] = { "project_id", "model", "user_id", NULL };

static void
write_seconds(struct json_out *out, const struct span *bucket)
{
	json_int(out, "start_time", bucket->since / CLOCK_SECOND);
	json_int(out, "end_time", bucket->until / CLOCK_SECOND);
}

static void
write_project(
    struct json_out *out, const struct request *req, const struct organization_query *query)
{
	if (query->by[ORGANIZATION_PROJECT])
		json_id(out, "project_id", req->task->client);
	else
		json_null(out, "project_id");
}

static void
open_page(struct json_out *out)
{
	json_open(out);
	json_text(out, "object", "page");
	json_open_array_at(out, "data");
}

static void
close_page(struct json_out *out, const struct organization_query *query)
{
	json_close_array(out);
	json_bool(out, "has_more", query->next_page != NULL);
	json_text(out, "next_page", query->next_page);
	json_close(out);
}

static void
open_bucket(struct json_out *out, const struct span *bucket)
{
	json_open(out);
	json_text(out, "object", "bucket");
	write_seconds(out, bucket);
	json_open_array_at(out, "results");
}

static void
close_bucket(struct json_out *out)
{
	json_close_array(out);
	json_close(out);
}

static int64_t
add(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

/* Classes are disjoint in the books; input holds what was cached, and written to a cache, there. */
static void
write_completions(struct json_out *out, const struct request *req,
    const struct organization_query *query, const struct usage_group *group)
{
	const int64_t *totals = group->totals.at;
	const char *key = group->key[0];

	json_open(out);
	json_text(out, "object", "organization.usage.completions.result");
	json_int(out, "input_tokens",
	    add(add(totals[TOTAL_INPUT], totals[TOTAL_CACHED]), totals[TOTAL_CACHE_WRITE]));
	json_int(out, "output_tokens", totals[TOTAL_OUTPUT]);
	json_int(out, "input_cached_tokens", totals[TOTAL_CACHED]);
	json_int(out, "input_audio_tokens", 0);
	json_int(out, "output_audio_tokens", 0);
	json_int(out, "num_model_requests", totals[TOTAL_REQUESTS]);
	write_project(out, req, query);
	json_text(out, "user_id", query->by[ORGANIZATION_USER] ? key : NULL);
	json_null(out, "api_key_id");
	json_text(out, "model", query->by[ORGANIZATION_MODEL] ? key : NULL);
	json_null(out, "batch");
	json_null(out, "service_tier");
	json_close(out);
}

bool
organization_completions(struct request *req, struct reply *reply)
{
	struct organization_input input = { 0 };
	struct json_out *out = json_out_new(&reply->body);
	struct organization_query query;
	struct usage_groups groups;
	size_t next = 0;

	if (!request_read_query(req, &input) ||
	    !organization_read(req, &input, completion_groups, ORGANIZATION_DAYS_MAX, &query) ||
	    !organization_find(req, &input, &query, &groups))
		return false;
	open_page(out);
	for (size_t i = 0; i < query.usage.bucket_count; i++) {
		open_bucket(out, &query.usage.buckets[i]);
		for (; next < groups.count && groups.at[next].bucket == i; next++)
			write_completions(out, req, &query, &groups.at[next]);
		close_bucket(out);
	}
	close_page(out, &query);
	return reply_done(reply, 200, "application/json");
}

static void
write_cost(struct json_out *out, const struct request *req, const struct organization_query *query,
    int64_t nanos, const char *line_item)
{
	char dollars[MONEY_TEXT_SIZE];

	json_open(out);
	json_text(out, "object", "organization.costs.result");
	json_open_at(out, "amount");
	json_number(out, "value", money_format_scaled(nanos, NANO_SCALE, dollars));
	json_text(out, "currency", "usd");
	json_close(out);
	json_text(out, "line_item", line_item);
	write_project(out, req, query);
	json_null(out, "api_key_id");
	json_close(out);
}

/* Of the date that the UTC day has. */
static int64_t
find_adjustments(const struct daily_costs *days, const struct span *bucket)
{
	for (size_t i = 0; i < days->count; i++) {
		if (days->at[i].date == bucket->since / CLOCK_DAY)
			return days->at[i].adjustments_nanos;
	}
	return 0;
}

/* Corrections are part of the bill and of no model: a line of their own, or part of the only one.
 */
static void
write_costs(struct json_out *out, const struct request *req, const struct organization_query *query,
    const struct usage_groups *groups, size_t *next, size_t bucket, int64_t adjustments)
{
	bool lines = query->by[ORGANIZATION_MODEL];

	for (; *next < groups->count && groups->at[*next].bucket == bucket; ++*next) {
		const struct usage_group *group = &groups->at[*next];
		int64_t nanos = group->totals.at[TOTAL_COST];

		if (!lines) {
			nanos = add(nanos, adjustments);
			adjustments = 0;
		}
		write_cost(out, req, query, nanos, lines ? group->key[0] : NULL);
	}
	if (adjustments != 0)
		write_cost(out, req, query, adjustments, lines ? "adjustments" : NULL);
}

static bool
read_adjustments(
    const struct request *req, const struct organization_query *query, struct daily_costs *ret)
{
	const struct usage_query *usage = &query->usage;

	*ret = (struct daily_costs){ 0 };
	if (query->is_other || usage->bucket_count == 0)
		return true;
	return daily_cost_list(req->task, (int32_t)(usage->buckets[0].since / CLOCK_DAY),
	    (int32_t)(usage->buckets[usage->bucket_count - 1].since / CLOCK_DAY), ret);
}

bool
organization_costs(struct request *req, struct reply *reply)
{
	struct organization_input input = { 0 };
	struct json_out *out = json_out_new(&reply->body);
	struct organization_query query;
	struct usage_groups groups;
	struct daily_costs days;
	size_t next = 0;

	if (!request_read_query(req, &input) ||
	    !organization_read(req, &input, cost_groups, ORGANIZATION_COSTS_MAX, &query) ||
	    !organization_find(req, &input, &query, &groups) ||
	    !read_adjustments(req, &query, &days))
		return false;
	open_page(out);
	for (size_t i = 0; i < query.usage.bucket_count; i++) {
		const struct span *bucket = &query.usage.buckets[i];

		open_bucket(out, bucket);
		write_costs(out, req, &query, &groups, &next, i, find_adjustments(&days, bucket));
		close_bucket(out);
	}
	close_page(out, &query);
	return reply_done(reply, 200, "application/json");
}
