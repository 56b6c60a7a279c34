/* /v1/organization through nginx, in the shapes of OpenAI's admin API, against the log. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"
#include "tests/random_log.h"

#define COSTS "/v1/organization/costs"
#define USAGE "/v1/organization/usage/completions"
#define FIVE_DAYS "?start_time=%ld&end_time=%ld"
#define DAY 86400

static void
run(const char *job)
{
	books_expect_tally(api_servers(), EX_OK, NULL, (const char *const[9]){ job });
}

static void
use_zone(const char *name, const char *zone)
{
	api_use_new_client(name);
	api_sql("UPDATE clients SET timezone = '%s' WHERE name = '%s'", zone, name);
}

static const char *
id_of(const char *client)
{
	return api_sql("SELECT id FROM clients WHERE name = '%s'", client);
}

/* The beginning of the UTC day that is so many days before the one on which the program began. */
static long
day_start(int days_ago)
{
	static long today;

	if (today == 0)
		today = atol(api_sql("SELECT extract(epoch FROM date_trunc('day', now(), 'UTC'))"));
	return today - (long)days_ago * DAY;
}

static int
count_results(int bucket)
{
	int count = 0;

	while (
	    strcmp(api_json(api_text("data.%d.results.%d.object", bucket, count)), "(none)") != 0)
		count++;
	return count;
}

/* The results of an answer beside what the log says of its buckets; OpenAI's input holds what was
 * cached. %s: the answer, its member that tells the group, the client, the log's column. */
static const char usage_sql[] =
    "WITH bucket AS (SELECT b, (b->>'start_time')::bigint AS start, "
    "(b->>'end_time')::bigint AS stop FROM jsonb_array_elements($$%s$$::jsonb->'data') AS b), "
    "answer AS (SELECT start, coalesce(r->>'%s', '-') AS key, (r->>'input_tokens')::bigint AS input, "
    "(r->>'input_cached_tokens')::bigint AS cached, (r->>'output_tokens')::bigint AS output, "
    "(r->>'num_model_requests')::bigint AS calls "
    "FROM bucket, jsonb_array_elements(b->'results') AS r), "
    "log AS (SELECT start, coalesce(%s::text, '-') AS key, "
    "sum(input_tokens + cached_input_tokens + cache_write_tokens) AS input, "
    "sum(cached_input_tokens) AS cached, sum(output_tokens) AS output, count(*) AS calls "
    "FROM bucket JOIN chat_logs ON created_at >= to_timestamp(start) "
    "AND created_at < to_timestamp(stop) WHERE client_id = '%s' GROUP BY 1, 2) "
    "SELECT count(*) FILTER (WHERE (answer.input, answer.cached, answer.output, answer.calls) "
    "IS DISTINCT FROM (log.input, log.cached, log.output, log.calls)) || ' of some ' || "
    "(count(*) > 0) FROM answer FULL JOIN log USING (start, key)";

static void
expect_usage(const char *client, const char *more, const char *member, const char *column)
{
	api_expect(
	    200, "GET", api_text(USAGE FIVE_DAYS "%s", day_start(4), day_start(-1), more), NULL);
	assert_string_equal(api_sql(usage_sql, api_answer()->body, member, column, id_of(client)),
	    "0 of some true");
}

static const char costs_sql[] =
    "WITH bucket AS (SELECT b, (b->>'start_time')::bigint AS start, "
    "(b->>'end_time')::bigint AS stop FROM jsonb_array_elements($$%s$$::jsonb->'data') AS b), "
    "answer AS (SELECT start, coalesce(r->>'line_item', '-') AS key, "
    "(r->'amount'->>'value')::numeric AS dollars "
    "FROM bucket, jsonb_array_elements(b->'results') AS r), "
    "log AS (SELECT start, coalesce(%s, '-') AS key, "
    "sum(coalesce(verified_cost_cents, estimated_cost_cents, 0)) / 100 AS dollars "
    "FROM bucket JOIN chat_logs ON created_at >= to_timestamp(start) "
    "AND created_at < to_timestamp(stop) WHERE client_id = '%s' GROUP BY 1, 2) "
    "SELECT count(*) FILTER (WHERE answer.dollars IS DISTINCT FROM log.dollars) || ' of some ' "
    "|| (count(*) > 0) FROM answer FULL JOIN log USING (start, key)";

static void
expect_costs(const char *client, const char *more, const char *column)
{
	api_expect(
	    200, "GET", api_text(COSTS FIVE_DAYS "%s", day_start(4), day_start(-1), more), NULL);
	assert_int_equal(api_rows(), 5);
	assert_string_equal(
	    api_sql(costs_sql, api_answer()->body, column, id_of(client)), "0 of some true");
}

static void
expect_all(const char *client)
{
	expect_usage(client, "", "no_group", "'-'");
	expect_usage(client, "&bucket_width=1h&limit=60&group_by[]=project_id", "no_group", "'-'");
	expect_usage(client, "&group_by=model&group_by=project_id", "model", "model");
	expect_usage(client, "&group_by%5B%5D=user_id", "user_id", "user_id");
	expect_costs(client, "", "'-'");
	expect_costs(client, "&group_by=line_item", "model");
}

/* A call of a day, at noon of UTC. */
static void
call(int days_ago, const char *members)
{
	api_add("/v1/chat-logs", api_text("{\"created_at\":\"%s\",%s}",
				     api_sql("SELECT to_char(to_timestamp(%ld) AT TIME ZONE 'UTC', "
					     "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
					 day_start(days_ago) + DAY / 2),
				     members));
}

static const char *const zones[] = { "UTC", "Asia/Kathmandu", "America/Los_Angeles" };

static void
buckets_are_the_logs(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(zones); i++) {
		const char *client = api_text("org-%zu", i);

		use_zone(client, zones[i]);
		random_log_insert(api_servers(), client, 1, 150, 4 * DAY);
		call(3, "\"input_tokens\":9,\"cached_input_tokens\":2,\"cache_write_tokens\":4,"
			"\"output_tokens\":3,\"estimated_cost_cents\":0.5");
		expect_all(client);
		run("rollup");
		expect_all(client);
		random_log_insert(api_servers(), client, 2, 20, 4 * DAY);
		expect_all(client);
	}
}

/* What OpenAI's document of the interface requires, and of which type. */
static const struct {
	const char *path, *pattern;
} usage_shape[] = {
	{ "object", "^page$" },
	{ "has_more", "^(true|false)$" },
	{ "next_page", "^null$" },
	{ "data.0.object", "^bucket$" },
	{ "data.0.start_time", "^[0-9]{10}$" },
	{ "data.0.end_time", "^[0-9]{10}$" },
	{ "data.0.results.0.object", "^organization.usage.completions.result$" },
	{ "data.0.results.0.input_tokens", "^33$" },
	{ "data.0.results.0.input_cached_tokens", "^20$" },
	{ "data.0.results.0.output_tokens", "^4$" },
	{ "data.0.results.0.input_audio_tokens", "^0$" },
	{ "data.0.results.0.output_audio_tokens", "^0$" },
	{ "data.0.results.0.num_model_requests", "^1$" },
	{ "data.0.results.0.project_id", "^null$" },
	{ "data.0.results.0.user_id", "^null$" },
	{ "data.0.results.0.api_key_id", "^null$" },
	{ "data.0.results.0.model", "^null$" },
	{ "data.0.results.0.batch", "^null$" },
	{ "data.0.results.0.service_tier", "^null$" },
	{ "data.0.results.1", "^.none.$" },
	{ "data.1", "^.none.$" },
}, costs_shape[] = {
	{ "object", "^page$" },
	{ "has_more", "^false$" },
	{ "next_page", "^null$" },
	{ "data.0.object", "^bucket$" },
	{ "data.0.start_time", "^[0-9]{10}$" },
	{ "data.0.end_time", "^[0-9]{10}$" },
	{ "data.0.results.0.object", "^organization.costs.result$" },
	{ "data.0.results.0.amount.value", "^0.015$" },
	{ "data.0.results.0.amount.currency", "^usd$" },
	{ "data.0.results.0.line_item", "^null$" },
	{ "data.0.results.0.project_id", "^null$" },
	{ "data.0.results.0.api_key_id", "^null$" },
	{ "data.0.results.1", "^.none.$" },
	{ "data.1", "^.none.$" },
};

static void
expect_pattern(const char *path, const char *pattern)
{
	const char *found = api_keep(path);

	if (strcmp(api_sql("SELECT '%s' ~ '%s'", found, pattern), "t") != 0)
		fail_msg("%s is %s", path, found);
}

static void
answers_have_openais_shape(UNUSED void **state)
{
	const char *range;

	api_use_new_client("org-shape");
	call(2, "\"model\":\"m\",\"provider\":\"anthropic\",\"input_tokens\":10,"
		"\"cached_input_tokens\":20,\"cache_write_tokens\":3,\"output_tokens\":4,"
		"\"estimated_cost_cents\":1.5");
	range = api_text("?start_time=%ld&end_time=%ld", day_start(2) + 5, day_start(1));
	api_expect(200, "GET", api_text(USAGE "%s", range), NULL);
	for (size_t i = 0; i < COUNT(usage_shape); i++)
		expect_pattern(usage_shape[i].path, usage_shape[i].pattern);
	api_expect_json("data.0.start_time", api_text("%ld", day_start(2)));
	api_expect_json("data.0.end_time", api_text("%ld", day_start(1)));
	api_expect(200, "GET", api_text(COSTS "%s", range), NULL);
	for (size_t i = 0; i < COUNT(costs_shape); i++)
		expect_pattern(costs_shape[i].path, costs_shape[i].pattern);
	api_expect(
	    200, "GET", api_text(USAGE "%s&group_by=project_id&group_by=model", range), NULL);
	api_expect_json("data.0.results.0.project_id", id_of("org-shape"));
	api_expect_json("data.0.results.0.model", "m");
	api_expect(200, "GET",
	    api_text(COSTS "%s&group_by[]=line_item&group_by[]=project_id", range), NULL);
	api_expect_json("data.0.results.0.project_id", id_of("org-shape"));
	api_expect_json("data.0.results.0.line_item", "m");
}

static void
pages_follow_each_other(UNUSED void **state)
{
	const char *first = api_text("?start_time=%ld&bucket_width=1h&limit=9", day_start(2));
	const char *path = first;
	long start = day_start(2);
	int calls = 0, pages = 0;

	api_use_new_client("org-pages");
	for (int i = 0; i < 3; i++)
		call(i + 1, "\"output_tokens\":1");
	for (bool more = true; more; pages++) {
		api_expect(200, "GET", api_text(USAGE "%s", path), NULL);
		for (int i = 0, rows = api_rows(); i < rows; i++, start += 3600) {
			api_expect_json(api_text("data.%d.start_time", i), api_text("%ld", start));
			calls += count_results(i);
		}
		more = strcmp(api_json("has_more"), "true") == 0;
		path = api_text("%s&page=%s", first, api_keep("next_page"));
	}
	api_expect_json("next_page", "null");
	assert_int_equal(calls, 2);
	assert_in_range(pages, 6, 9);
	api_expect(200, "GET", api_text(COSTS "?start_time=%ld", day_start(9)), NULL);
	assert_int_equal(api_rows(), 7);
	api_expect_json("has_more", "true");
	api_send("GET",
	    api_text(COSTS "?start_time=%ld&page=%s", day_start(1), api_json("next_page")), NULL,
	    NULL);
	api_expect_field("a page is of its parameters", "page");
}

static void
only_what_is_asked_for(UNUSED void **state)
{
	const char *range = api_text("?start_time=%ld&limit=1", day_start(2)), *ann;

	api_use_new_client("org-filters");
	call(2, "\"model\":\"a\",\"output_tokens\":1,\"external_user_id\":\"ann\"");
	ann = api_keep("user_id");
	call(2, "\"model\":\"b\",\"output_tokens\":2,\"external_user_id\":\"bob\"");
	call(2, "\"model\":\"c\",\"output_tokens\":4,\"external_user_id\":\"ann\"");
	api_expect(200, "GET", api_text(USAGE "%s&models=a&models=b", range), NULL);
	api_expect_json("data.0.results.0.output_tokens", "3");
	api_expect_json("data.0.results.0.model", "null");
	api_expect_json("data.0.results.1", "(none)");
	api_expect(200, "GET", api_text(USAGE "%s&models=c,x&group_by=model", range), NULL);
	api_expect_json("data.0.results.0.model", "c");
	api_expect_json("data.0.results.1", "(none)");
	api_expect(200, "GET", api_text(USAGE "%s&user_ids[]=%s", range, ann), NULL);
	api_expect_json("data.0.results.0.output_tokens", "5");
	api_expect(200, "GET",
	    api_text(USAGE "%s&project_ids=x&project_ids=%s", range, id_of("org-filters")), NULL);
	api_expect_json("data.0.results.0.output_tokens", "7");
	api_expect(200, "GET", api_text(USAGE "%s&project_ids=x", range), NULL);
	api_expect_json("data.0.object", "bucket");
	api_expect_json("data.0.results.0", "(none)");
}

static void
corrections_are_part_of_the_bill(UNUSED void **state)
{
	const char *range = api_text("?start_time=%ld&limit=2", day_start(2));

	api_use_new_client("org-adjusted");
	call(2, "\"model\":\"a\",\"output_tokens\":1,\"estimated_cost_cents\":250");
	for (int i = 1; i <= 2; i++)
		api_expect(201, "POST",
		    api_text("/v1/daily-costs/%s/adjustments",
			api_sql(
			    "SELECT (to_timestamp(%ld) AT TIME ZONE 'UTC')::date", day_start(i))),
		    "{\"amount_cents\":-50.0000001,\"reason\":\"r\"}");
	api_expect(200, "GET", api_text(COSTS "%s", range), NULL);
	api_expect_json("data.0.results.0.amount.value", "1.999999999");
	api_expect_json("data.0.results.1", "(none)");
	api_expect_json("data.1.results.0.amount.value", "-0.500000001");
	api_expect(200, "GET", api_text(COSTS "%s&group_by=line_item", range), NULL);
	api_expect_json("data.0.results.0.amount.value", "2.5");
	api_expect_json("data.0.results.0.line_item", "a");
	api_expect_json("data.0.results.1.amount.value", "-0.500000001");
	api_expect_json("data.0.results.1.line_item", "adjustments");
	api_expect(200, "GET", api_text(COSTS "%s&project_ids=x", range), NULL);
	api_expect_json("data.0.results.0", "(none)");
}

#define SINCE "start_time=1750000000"

static const struct {
	const char *sentence, *path, *field;
} refused[] = {
	{ "a range has a beginning", USAGE, "start_time" },
	{ "a time is in seconds", USAGE "?start_time=1750000000000", "start_time" },
	{ "a range does not end before it begins", USAGE "?" SINCE "&end_time=1740000000",
	    "end_time" },
	{ "minutes are not kept", USAGE "?" SINCE "&bucket_width=1m", "bucket_width" },
	{ "costs are by day", COSTS "?" SINCE "&bucket_width=1h", "bucket_width" },
	{ "a page by day has 31 buckets", USAGE "?" SINCE "&limit=32", "limit" },
	{ "a page by hour has 168", USAGE "?" SINCE "&bucket_width=1h&limit=169", "limit" },
	{ "a page of costs has 180", COSTS "?" SINCE "&limit=181", "limit" },
	{ "keys are not kept", USAGE "?" SINCE "&group_by=api_key_id", "group_by" },
	{ "nor in costs", COSTS "?" SINCE "&group_by[]=api_key_id", "group_by" },
	{ "batches are not kept", USAGE "?" SINCE "&group_by=batch", "group_by" },
	{ "line items are of costs", USAGE "?" SINCE "&group_by=line_item", "group_by" },
	{ "models are of usage", COSTS "?" SINCE "&group_by=model", "group_by" },
	{ "no group is unknown", USAGE "?" SINCE "&group_by=colour", "group_by" },
	{ "user and model are not known of each other",
	    USAGE "?" SINCE "&group_by=model&group_by=user_id", "group_by" },
	{ "nor a user's models", USAGE "?" SINCE "&group_by=model&user_ids=x", "user_ids" },
	{ "nor a model's users", USAGE "?" SINCE "&models=x&group_by=user_id", "group_by" },
	{ "calls are not told by key", USAGE "?" SINCE "&api_key_ids=x", "api_key_ids" },
	{ "a page is one of ours", USAGE "?" SINCE "&page=page_AAAAAGdGxdEiJdKOAAAAAGcqsYA",
	    "page" },
	/* 1760054400 + 2^58: in microseconds the same as 1760054400. */
	{ "a page is of a time that there is", USAGE "?" SINCE "&page=AAAAAAAAAAAEAAAAaOhMgE7cvOOP",
	    "page" },
};

static void
what_is_not_known_is_refused(UNUSED void **state)
{
	api_use_new_client("org-refused");
	for (size_t i = 0; i < COUNT(refused); i++) {
		api_send("GET", refused[i].path, NULL, NULL);
		api_expect_field(refused[i].sentence, refused[i].field);
	}
	api_expect(200, "GET", USAGE "?" SINCE "&limit=31", NULL);
	api_expect(200, "GET", USAGE "?" SINCE "&bucket_width=1h&limit=168", NULL);
	api_expect(200, "GET", COSTS "?" SINCE "&limit=180", NULL);
	assert_int_equal(api_rows(), 180);
}

static void
buckets_are_a_clients_own(UNUSED void **state)
{
	const char *range = api_text("?start_time=%ld&limit=1", day_start(2));

	api_use_new_client("org-theirs");
	call(2, "\"model\":\"a\",\"output_tokens\":1,\"estimated_cost_cents\":250");
	api_use_new_client("org-ours");
	api_expect(200, "GET", api_text(USAGE "%s", range), NULL);
	api_expect_json("data.0.results.0", "(none)");
	api_expect(
	    200, "GET", api_text(COSTS "%s&project_ids=%s", range, id_of("org-theirs")), NULL);
	api_expect_json("data.0.results.0", "(none)");
	api_use_scope("logs:read");
	api_expect(403, "GET", api_text(COSTS "%s", range), NULL);
	api_expect(403, "GET", api_text(USAGE "%s", range), NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_are_the_logs),
		cmocka_unit_test(answers_have_openais_shape),
		cmocka_unit_test(pages_follow_each_other),
		cmocka_unit_test(only_what_is_asked_for),
		cmocka_unit_test(corrections_are_part_of_the_bill),
		cmocka_unit_test(what_is_not_known_is_refused),
		cmocka_unit_test(buckets_are_a_clients_own),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
