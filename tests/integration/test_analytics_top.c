/* Who costs most, asked through nginx, is what the log says. */
#include "tests/test.h"

#include <stdlib.h>
#include <sysexits.h>

#include "app/api/analytics_top.h"
#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"
#include "tests/random_log.h"

#define TOP "/v1/analytics/top"
#define DAY 86400

static const char *client, *since;
static int seed = 1;

static void
use_client(const char *name, const char *zone)
{
	client = name;
	api_use_new_client(name);
	api_sql("UPDATE clients SET timezone = '%s' WHERE name = '%s'", zone, name);
}

static void
roll_up(void)
{
	books_expect_tally(api_servers(), EX_OK, NULL, (const char *const[9]){ "rollup" });
}

static const struct {
	const char *by, *member, *key;
} dimensions[] = {
	{ "feature", "feature", "feature" },
	{ "agent_type", "agent_type", "agent_type" },
	{ "provider", "provider", "provider" },
	{ "model", "model", "model" },
	{ "user", "user_id", "user_id::text" },
	{ "tag", "tag", "tag" },
};

/* What the log says of the range: the place's group, or those behind it together. */
static const char *
ask_log(size_t i, int place, bool rest, const char *value)
{
	return api_sql(
	    "WITH logs AS (SELECT %s AS key, "
	    "coalesce(verified_cost_cents, estimated_cost_cents) AS cost, l.* "
	    "FROM chat_logs l%s WHERE client_id = (SELECT id FROM clients WHERE name = '%s') "
	    "AND created_at >= '%s'), "
	    "ranked AS (SELECT key, row_number() OVER (ORDER BY coalesce(sum(cost), 0) DESC, "
	    "count(*) DESC, key COLLATE \"C\" NULLS FIRST) AS place FROM logs GROUP BY key) "
	    "SELECT coalesce(%s, 'null') FROM logs JOIN ranked ON logs.key IS NOT DISTINCT FROM "
	    "ranked.key WHERE place %s %d",
	    dimensions[i].key,
	    dimensions[i].key[0] == 't' ? ", unnest(coalesce(tags, '{NULL}')) AS tag" : "", client,
	    since, value, rest ? ">" : "=", place);
}

static const struct {
	const char *member, *value;
} sums[] = {
	{ "cost_cents", "trim_scale(coalesce(sum(cost), 0))::text" },
	{ "calls", "count(*)::text" },
	{ "failed_calls", "(count(*) FILTER (WHERE NOT success))::text" },
	{ "unpriced_calls", "(count(*) FILTER (WHERE cost IS NULL))::text" },
	{ "total_tokens", "coalesce(sum(tokens_used), 0)::text" },
	{ "input_tokens", "coalesce(sum(input_tokens), 0)::text" },
	{ "output_tokens", "coalesce(sum(output_tokens), 0)::text" },
	{ "cached_input_tokens", "coalesce(sum(cached_input_tokens), 0)::text" },
	{ "cache_write_tokens", "coalesce(sum(cache_write_tokens), 0)::text" },
	{ "reasoning_tokens", "coalesce(sum(reasoning_tokens), 0)::text" },
};

static void
expect_group(size_t i, int at, int place, bool rest)
{
	if (!rest)
		api_expect_json(api_text("data.%d.%s", at, dimensions[i].member),
		    ask_log(i, place, false, "min(ranked.key)"));
	api_expect_json(api_text("data.%d.other", at), rest ? "true" : "false");
	for (size_t s = 0; s < COUNT(sums); s++)
		api_expect_json(api_text("data.%d.%s", at, sums[s].member),
		    ask_log(i, place, rest, sums[s].value));
	if (i + 1 < COUNT(dimensions)) /* of tags the total is not the sum */
		api_expect_json(api_text("data.%d.share", at),
		    ask_log(i, place, rest,
			"trim_scale(round(sum(cost) * 100 / (SELECT sum(cost) FROM logs), 2))::text"));
}

/* The first two and the rest. */
static void
expect_top(void)
{
	since =
	    api_sql("SELECT to_char((date_bin('15 minutes', now(), 'epoch') "
		    "- interval '2 days') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
	for (size_t i = 0; i < COUNT(dimensions); i++) {
		api_expect(200, "GET",
		    api_text(TOP "?by=%s&limit=2&since=%s", dimensions[i].by, since), NULL);
		api_expect_json("by", dimensions[i].by);
		api_expect_json("since", since);
		expect_group(i, 0, 1, false);
		expect_group(i, 1, 2, false);
		api_expect_json("total.calls",
		    api_sql("SELECT count(*) FROM chat_logs WHERE created_at >= '%s' AND client_id "
			    "= (SELECT id FROM clients WHERE name = '%s')",
			since, client));
		if (api_rows() > 2)
			expect_group(i, 2, 2, true);
	}
}

static const char *const zones[] = { "Asia/Kathmandu", "America/St_Johns", "UTC" };

static void
the_top_is_what_the_log_says(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(zones); i++) {
		use_client(api_text("top %zu", i), zones[i]);
		random_log_insert(api_servers(), client, seed++, 300, 4 * DAY);
		expect_top();
		roll_up();
		expect_top();
		random_log_insert(api_servers(), client, seed++, 30, 4 * DAY);
		random_log_insert(api_servers(), client, seed++, 30, 60);
		expect_top();
		roll_up();
		expect_top();
	}
}

static void
nothing_has_no_share(UNUSED void **state)
{
	api_use_new_client("top nothing");
	api_expect(200, "GET", TOP "?by=model", NULL);
	assert_int_equal(api_rows(), 0);
	api_expect_json("total.calls", "0");
	api_expect_json("total.success_rate", "null");
	api_add("/v1/chat-logs", "{\"message_length\":1}");
	api_expect(200, "GET", TOP "?by=model", NULL);
	api_expect_json("data.0.model", "null");
	api_expect_json("data.0.other", "false");
	api_expect_json("data.0.share", "null");
}

static void
operators_compare_clients(UNUSED void **state)
{
	const char *key;

	api_use_new_client("top small");
	key = api_key();
	api_use_new_client("top free");
	api_use_new_client("top adjusted");
	api_use_new_client("top large");
	api_sql("INSERT INTO daily_costs (client_id, date, total_cost_cents, total_requests, "
		"failed_requests, total_tokens) SELECT id, d, CASE name WHEN 'top large' THEN 75 "
		"ELSE 25 END, 2, 1, 10 FROM clients, (VALUES (date '2020-01-01'), ('2020-01-31')) "
		"AS v (d) WHERE name IN ('top large', 'top small')");
	api_sql("INSERT INTO cost_adjustments (client_id, id, date, amount_cents, reason) "
		"SELECT id, id, '2020-01-31', -5.5, 'r' FROM clients WHERE name = 'top large'");
	/* Neither cost anything, and one has called. */
	api_sql("INSERT INTO daily_costs (client_id, date, total_requests) "
		"SELECT id, '2019-01-01', 1 FROM clients WHERE name = 'top free'");
	api_sql("INSERT INTO cost_adjustments (client_id, id, date, amount_cents, reason) "
		"SELECT id, id, '2019-01-01', 5, 'r' FROM clients WHERE name = 'top adjusted'");
	api_use_operator();
	api_expect(200, "GET",
	    TOP "?by=client&since=2019-01-01T00:00:00Z&until=2019-01-02T00:00:00Z", NULL);
	api_expect_json("data.0.name", "top free");
	api_expect_json("data.1.name", "top adjusted");
	api_expect(200, "GET",
	    TOP "?by=client&since=2020-01-01T00:00:00Z&until=2020-02-01T00:00:00Z&limit=1", NULL);
	api_expect_json("since", "2020-01-01");
	api_expect_json("until", "2020-02-01");
	api_expect_json("total.cost_cents", "200");
	api_expect_json(
	    "data.0.client_id", api_sql("SELECT id FROM clients WHERE name = 'top large'"));
	api_expect_json("data.0.name", "top large");
	api_expect_json("data.0.cost_cents", "150");
	api_expect_json("data.0.adjustments_cents", "-5.5");
	api_expect_json("data.0.share", "75");
	api_expect_json("data.0.calls", "4");
	api_expect_json("data.1.client_id", "null");
	api_expect_json("data.1.other", "true");
	api_expect_json("data.1.cost_cents", "50");
	api_expect_json("data.1.failed_calls", "2");
	api_expect_json("data.2", "(none)");
	api_expect(200, "GET",
	    TOP "?by=client&since=2020-01-02T00:00:00Z&until=2020-01-31T00:00:01Z", NULL);
	api_expect_json("total.cost_cents", "100");
	api_expect_json("data.1.name", "top small");
	api_expect(422, "GET", TOP "?by=model", NULL);
	api_expect_field("an operator has no models", "by");
	api_use_key(key);
	api_expect(403, "GET", TOP "?by=client", NULL);
	api_use_scope("logs:read");
	api_expect(403, "GET", TOP "?by=model", NULL);
}

static const struct {
	const char *sentence, *query, *field;
} refusals[] = {
	{ "by is needed", "", "by" },
	{ "by what is not known", "?by=color", "by" },
	{ "more than may be asked for", "?by=model&limit=101", "limit" },
	{ "until before since", "?by=model&since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
	    "until" },
	{ "a date before 2000", "?by=model&since=1999-12-30", "since" },
	{ "a date that is none", "?by=model&since=2026-02-30", "since" },
	{ "a time before 2000", "?by=model&since=1999-01-02T00:00:00Z", "since" },
};

static void
what_cannot_be_is_refused(UNUSED void **state)
{
	api_use_new_client("top refusals");
	_Static_assert(ANALYTICS_TOP_MAX == 100, "the test asks for one more");
	for (size_t i = 0; i < COUNT(refusals); i++) {
		api_expect(422, "GET", api_text(TOP "%s", refusals[i].query), NULL);
		api_expect_field(refusals[i].sentence, refusals[i].field);
	}
	api_use_operator();
	api_expect(422, "GET",
	    TOP "?by=client&since=2010-01-01T00:00:00Z&until=2026-01-01T00:00:00Z", NULL);
	api_expect_field("too many days", "since");
}

static void
a_date_is_where_its_day_begins(UNUSED void **state)
{
	use_client("top dates", "Asia/Kathmandu");
	api_expect(200, "GET", TOP "?by=model&since=2026-01-02&until=2026-01-03", NULL);
	api_expect_json("since", "2026-01-01T18:15:00Z");
	api_expect_json("until", "2026-01-02T18:15:00Z");
	api_expect(
	    200, "GET", "/v1/analytics/usage?timezone=UTC&since=2026-01-02&until=2026-01-03", NULL);
	api_expect_json("since", "2026-01-01T00:00:00Z");
	api_expect_json("until", "2026-01-03T00:00:00Z");
	api_use_operator();
	api_expect(200, "GET", TOP "?by=client&since=2020-01-01&until=2020-01-02", NULL);
	api_expect_json("until", "2020-01-02");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_top_is_what_the_log_says),
		cmocka_unit_test(nothing_has_no_share),
		cmocka_unit_test(operators_compare_clients),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(a_date_is_where_its_day_begins),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
