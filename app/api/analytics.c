#include "app/api/analytics.h"

#include <assert.h>
#include <string.h>

#include "app/api/analytics_buckets.h"
#include "app/api/analytics_input.h"
#include "app/api/analytics_sums.h"
#include "app/auth.h"
#include "lib/clock.h"
#include "lib/model/daily_cost.h"
#include "lib/model/usage.h"

struct usage_input {
	int bucket;
	struct json_texts group_by;
	struct analytics_only only;
	struct analytics_range range;
	const char *timezone;
	int64_t limit;
};

const struct json_field analytics_usage_fields[12] = {
	{ .name = "bucket",
	    .type = JSON_CHOICE,
	    .offset = offsetof(struct usage_input, bucket),
	    .given = JSON_ALWAYS,
	    .choices = analytics_bucket_names,
	    .about = "day where not given." },
	{ .name = "group_by",
	    .type = JSON_TEXTS,
	    .offset = offsetof(struct usage_input, group_by),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = USAGE_KEYS_MAX,
	    .max_item = 16,
	    .about =
		"feature, agent_type, provider and model, alone or together; or user; or tag. A "
		"call with two tags is in the groups of both." },
	ANALYTICS_TIME(struct usage_input, range, "since", since,
	    "Inclusive; the bucket that holds it is the first. 30 days, or 24 hours by hour, "
	    "before until where not given."),
	ANALYTICS_TIME(struct usage_input, range, "until", until,
	    "Exclusive; the bucket that it falls into is the last, and whole. Now where not "
	    "given."),
	{ .name = "timezone",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct usage_input, timezone),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = ZONE_NAME_MAX,
	    .about = "In which days and hours begin; the client's where not given." },
	{ .name = "limit",
	    .type = JSON_INT,
	    .offset = offsetof(struct usage_input, limit),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = ANALYTICS_GROUPS_MAX,
	    .about =
		"Groups, those that cost most; the others are told together. 100 where not given." },
	ANALYTICS_ONLY_FIELDS(struct usage_input, only),
};

static bool
has(const struct usage_query *query, enum usage_dimension dimension)
{
	for (size_t i = 0; i < query->by_count; i++) {
		if (query->by[i] == dimension)
			return true;
	}
	return false;
}

static bool
read_group_by(struct task *task, const struct json_texts *names, struct usage_query *query)
{
	for (size_t i = 0; i < names->count; i++) {
		int dimension = 0;

		while (dimension < USAGE_DIMENSIONS &&
		       strcmp(usage_dimension_names[dimension], names->at[i]) != 0)
			dimension++;
		if (dimension == USAGE_DIMENSIONS)
			return task_fail_field(task, "group_by",
			    "must be of feature, agent_type, provider, model, user and tag");
		if (has(query, (enum usage_dimension)dimension))
			return task_fail_field(task, "group_by", "names something twice");
		query->by[query->by_count++] = (enum usage_dimension)dimension;
	}
	if (query->by_count > 1 && (has(query, USAGE_USER) || has(query, USAGE_TAG)))
		return task_fail_field(task, "group_by", "has user or tag beside others");
	return true;
}

static bool
read_query(struct request *req, struct usage_input *input, struct usage_query *query)
{
	const struct identity *identity = req->identity;
	struct task *task = req->task;
	const struct zone *zone = identity->zone;
	struct span range;

	if (!request_read_query(req, input) ||
	    !analytics_read_range(task, zone, &input->range,
		input->bucket == ANALYTICS_DAY ? 30 * CLOCK_DAY : CLOCK_DAY, &range) ||
	    !read_group_by(task, &input->group_by, query) ||
	    !analytics_read_only(task, &input->only, query))
		return false;
	if (input->timezone == NULL) {
		input->timezone = identity->timezone;
	} else if (!zone_find(task, input->timezone, &zone)) {
		task_clear_error(task);
		return task_fail_field(task, "timezone", "is not the name of an IANA time zone");
	}
	query->zone = identity->zone;
	query->timezone = identity->timezone;
	if (!analytics_find_buckets(task, (enum analytics_bucket)input->bucket, zone, range,
		&query->buckets, &query->bucket_count))
		return task_fail_field(task, "since", "must be at most 1000 buckets before until");
	return true;
}

static void
write_group(struct json_out *out, const struct usage_query *query, const struct usage_group *group)
{
	json_open(out);
	for (size_t i = 0; i < query->by_count; i++)
		json_text(out, analytics_key_names[query->by[i]],
		    group->key == NULL ? NULL : group->key[i]);
	if (query->by_count > 0)
		json_bool(out, "other", group->key == NULL);
	analytics_write_sums(out, group);
	json_close(out);
}

static void
write_head(struct json_out *out, const struct usage_input *input, const struct usage_query *query)
{
	/* A range is never empty. */
	assert(query->buckets != NULL && query->bucket_count > 0);
	json_text(out, "bucket", analytics_bucket_names[input->bucket]);
	json_open_array_at(out, "group_by");
	for (size_t i = 0; i < query->by_count; i++)
		json_text(out, NULL, usage_dimension_names[query->by[i]]);
	json_close_array(out);
	json_text(out, "timezone", input->timezone);
	json_time(out, "since", query->buckets[0].since);
	json_time(out, "until", query->buckets[query->bucket_count - 1].until);
}

/* Corrections are of the client's days, and of no model or user: they stand beside the groups. */
static void
write_adjustments(struct json_out *out, const struct request *req, const struct daily_costs *days,
    struct span bucket)
{
	int32_t date = zone_date(req->identity->zone, bucket.since);
	int64_t nanos = 0;

	for (size_t i = 0; i < days->count; i++) {
		if (days->at[i].date == date)
			nanos = days->at[i].adjustments_nanos;
	}
	json_cents(out, "adjustments_cents", nanos);
}

static void
write_buckets(struct json_out *out, const struct request *req, const struct usage_query *query,
    const struct usage_groups *groups, const struct daily_costs *days)
{
	size_t next = 0;

	json_open_array_at(out, "data");
	for (size_t i = 0; i < query->bucket_count; i++) {
		json_open(out);
		json_time(out, "start", query->buckets[i].since);
		json_time(out, "end", query->buckets[i].until);
		if (days != NULL)
			write_adjustments(out, req, days, query->buckets[i]);
		json_open_array_at(out, "groups");
		for (; next < groups->count && groups->at[next].bucket == i; next++)
			write_group(out, query, &groups->at[next]);
		json_close_array(out);
		json_close(out);
	}
	json_close_array(out);
}

/* Where the buckets are the client's days, and all that was used in them is asked for. */
static bool
find_days(struct request *req, const struct usage_input *input, const struct usage_query *query,
    struct daily_costs *found, const struct daily_costs **ret)
{
	const struct zone *zone = req->identity->zone;

	*ret = NULL;
	for (int i = 0; i < USAGE_DIMENSIONS; i++) {
		if (query->only[i] != NULL)
			return true;
	}
	if (input->bucket != ANALYTICS_DAY || strcmp(input->timezone, query->timezone) != 0)
		return true;
	*ret = found;
	return daily_cost_list(req->task, zone_date(zone, query->buckets[0].since),
	    zone_date(zone, query->buckets[query->bucket_count - 1].since), found);
}

bool
analytics_usage(struct request *req, struct reply *reply)
{
	struct usage_input input = { .bucket = ANALYTICS_DAY, .limit = ANALYTICS_GROUPS_DEFAULT };
	struct json_out *out = json_out_new(&reply->body);
	struct usage_query query = { .rows_max = USAGE_ROWS_MAX };
	const struct daily_costs *days;
	struct daily_costs found;
	struct usage_groups groups;
	struct usage_rows rows;

	if (!read_query(req, &input, &query))
		return false;
	query.groups_max = (size_t)input.limit;
	db_set_snapshot(req->task);
	if (!usage_find(req->task, &query, &rows) ||
	    !find_days(req, &input, &query, &found, &days) || !db_commit(req->task))
		return false;
	usage_group(req->task, &rows, (size_t)input.limit, &groups);
	json_open(out);
	write_head(out, &input, &query);
	write_buckets(out, req, &query, &groups, days);
	json_close(out);
	return reply_done(reply, 200, "application/json");
}
