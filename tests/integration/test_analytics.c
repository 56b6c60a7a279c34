/* What was used, asked through nginx, before and after the rollups. */
#include "tests/test.h"

#include <stdlib.h>
#include <sysexits.h>

#include "app/api/analytics.h"
#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"

#define USAGE "/v1/analytics/usage"

static void
roll_up(void)
{
	books_expect_tally(api_servers(), EX_OK, NULL, (const char *const[9]){ "rollup" });
}

/* A time of the client's day, so many days ago. */
static const char *
day_time(int days_ago, const char *time)
{
	return api_sql("SELECT to_char(((now() AT TIME ZONE 'UTC')::date - %d + time '%s'), "
		       "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
	    days_ago, time);
}

static void
add_at(const char *at, const char *members)
{
	api_add("/v1/chat-logs", api_text("{\"created_at\":\"%s\",%s}", at, members));
}

static const char *
usage_of(int days_ago, const char *more)
{
	return api_text(USAGE "?timezone=UTC&since=%s&until=%s%s", day_time(days_ago, "00:00"),
	    day_time(days_ago - 1, "00:00"), more);
}

static void
expect_first_group(const char *const members[][2])
{
	for (size_t i = 0; members[i][0] != NULL; i++)
		api_expect_json(api_text("data.0.groups.0.%s", members[i][0]), members[i][1]);
}

static const char *const model_a[][2] = { { "model", "a" }, { "other", "false" },
	{ "cost_cents", "3.5" }, { "calls", "2" }, { "failed_calls", "1" },
	{ "unpriced_calls", "0" }, { "total_tokens", "30" }, { "input_tokens", "10" },
	{ "output_tokens", "20" }, { "success_rate", "50" }, { "p50_duration_ms", "10" },
	{ "p95_duration_ms", "991" }, { NULL, NULL } };

static void
expect_days_models(void)
{
	api_expect(200, "GET", usage_of(2, "&group_by=model"), NULL);
	api_expect_json("bucket", "day");
	api_expect_json("timezone", "UTC");
	api_expect_json("group_by.0", "model");
	expect_first_group(model_a);
	api_expect_json("data.0.groups.1.model", "b");
	api_expect_json("data.0.groups.1.cost_cents", "0.25");
	api_expect_json("data.0.groups.1.p50_duration_ms", "null");
	api_expect_json("data.0.groups.2.model", "null");
	api_expect_json("data.0.groups.2.unpriced_calls", "1");
	api_expect_json("data.0.groups.3", "(none)");
	api_expect_json("data.1", "(none)");
}

static void
the_same_before_and_after_the_rollup(UNUSED void **state)
{
	api_use_new_client("usage");
	add_at(day_time(2, "10:00"),
	    "\"model\":\"a\",\"feature\":\"f\",\"input_tokens\":10,"
	    "\"estimated_cost_cents\":9,\"verified_cost_cents\":2.5,\"duration_ms\":10,"
	    "\"external_user_id\":\"ann\",\"tags\":[\"x\",\"y\"]");
	add_at(day_time(2, "23:59:59"), "\"model\":\"a\",\"output_tokens\":20,"
					"\"estimated_cost_cents\":1,\"duration_ms\":1000,"
					"\"success\":false,\"external_user_id\":\"bob\"");
	add_at(day_time(2, "00:00"), "\"model\":\"b\",\"feature\":\"f\",\"tokens_used\":1,"
				     "\"estimated_cost_cents\":0.25,\"tags\":[\"x\"]");
	add_at(day_time(2, "12:00"), "\"message_length\":1");
	add_at(day_time(1, "00:00"), "\"message_length\":1,\"model\":\"another day\"");
	expect_days_models();
	roll_up();
	expect_days_models();
	books_expect(api_servers(), "SELECT count(*) FROM rollup_pending", "0");
	roll_up();
	expect_days_models();
}

static const struct {
	const char *more, *member, *first, *cost, *count;
} groupings[] = {
	{ "", "other", "(none)", "3.75", "1" },
	{ "&group_by=feature", "feature", "f", "2.75", "2" },
	{ "&group_by=agent_type", "agent_type", "null", "3.75", "1" },
	{ "&group_by=provider", "provider", "null", "3.75", "1" },
	{ "&group_by=tag", "tag", "x", "2.75", "3" },
	{ "&group_by=feature,model", "model", "a", "2.5", "4" },
	{ "&group_by=model,feature&limit=1", "feature", "f", "2.5", "2" },
};

static void
expect_groupings(void)
{
	for (size_t i = 0; i < COUNT(groupings); i++) {
		api_expect(200, "GET", usage_of(2, groupings[i].more), NULL);
		api_expect_json(
		    api_text("data.0.groups.0.%s", groupings[i].member), groupings[i].first);
		api_expect_json("data.0.groups.0.cost_cents", groupings[i].cost);
		api_expect_json(api_text("data.0.groups.%s", groupings[i].count), "(none)");
	}
	api_expect_json("data.0.groups.1.other", "true");
	api_expect_json("data.0.groups.1.model", "null");
}

static void
each_grouping(UNUSED void **state)
{
	expect_groupings();
	/* The day is read from the log again. */
	add_at(day_time(2, "05:00"), "\"message_length\":1,\"model\":\"b\",\"feature\":\"f\"");
	expect_groupings();
	roll_up();
	expect_groupings();
	api_expect(200, "GET", usage_of(2, "&group_by=user"), NULL);
	assert_string_equal(api_json("data.0.groups.0.user_id"),
	    api_sql("SELECT id FROM users WHERE external_id = 'ann'"));
}

static const struct {
	const char *query, *first, *cost, *count;
} filters[] = {
	{ "model=a", "(none)", "3.5", "1" },
	{ "model=a&group_by=model", "a", "3.5", "1" },
	{ "feature=f&group_by=model", "a", "2.5", "2" },
	{ "feature=f&model=b", "(none)", "0.25", "1" },
	{ "feature=f&model=c", "(none)", "(none)", "0" },
	{ "tag=x", "(none)", "2.75", "1" },
	{ "tag=x&group_by=tag", "(none)", "2.75", "1" },
};

static void
expect_filters(const char *ann)
{
	for (size_t i = 0; i < COUNT(filters); i++) {
		api_expect(200, "GET", usage_of(2, api_text("&%s", filters[i].query)), NULL);
		api_expect_json("data.0.groups.0.model", filters[i].first);
		api_expect_json("data.0.groups.0.cost_cents", filters[i].cost);
		api_expect_json(api_text("data.0.groups.%s", filters[i].count), "(none)");
		api_expect_json("data.0.adjustments_cents", "(none)");
	}
	api_expect(200, "GET", usage_of(2, api_text("&user_id=%s", ann)), NULL);
	api_expect_json("data.0.groups.0.cost_cents", "2.5");
	api_expect_json("data.0.groups.0.calls", "1");
}

static void
filters_before_and_after_the_rollup(UNUSED void **state)
{
	const char *ann = api_sql("SELECT id FROM users WHERE external_id = 'ann'");

	expect_filters(ann);
	add_at(day_time(2, "06:00"), "\"message_length\":1,\"model\":\"b\",\"feature\":\"f\"");
	expect_filters(ann);
	roll_up();
	expect_filters(ann);
}

#define SOMEBODY "018f0000-0000-7000-8000-000000000001"

static const struct {
	const char *sentence, *query, *field;
} refusals[] = {
	{ "a user beside a model", "user_id=" SOMEBODY "&model=a", "user_id" },
	{ "a user by model", "user_id=" SOMEBODY "&group_by=model", "user_id" },
	{ "a model by user", "model=a&group_by=user", "group_by" },
	{ "a tag beside a user", "tag=x&user_id=" SOMEBODY, "tag" },
	{ "a tag by feature", "tag=x&group_by=feature", "tag" },
	{ "a feature by tag", "feature=f&group_by=tag", "group_by" },
	{ "a user that is no id", "user_id=ann", "user_id" },
	{ "a tag without letters", "tag=", "tag" },
	{ "more groups than are told", "group_by=model&limit=501", "limit" },
};

static void
what_the_rollups_cannot_tell_is_refused(UNUSED void **state)
{
	_Static_assert(ANALYTICS_GROUPS_MAX == 500, "the test asks for one more");
	for (size_t i = 0; i < COUNT(refusals); i++) {
		api_expect(422, "GET", api_text(USAGE "?%s", refusals[i].query), NULL);
		api_expect_field(refusals[i].sentence, refusals[i].field);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_before_and_after_the_rollup),
		cmocka_unit_test(each_grouping),
		cmocka_unit_test(filters_before_and_after_the_rollup),
		cmocka_unit_test(what_the_rollups_cannot_tell_is_refused),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
