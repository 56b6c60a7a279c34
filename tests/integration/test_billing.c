/* /v1/billing through nginx: months against the log, the days and the adjustments. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"

#define CURRENT "/v1/billing/current"
#define PERIODS "/v1/billing/periods"

static const char *const ndjson[] = { "Content-Type: application/x-ndjson", NULL };

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

/* So many records of the last days, whose costs have fractions of a cent. */
static void
add_random(int count, int days)
{
	const char *body = api_sql(
	    "SELECT string_agg(json_build_object('created_at', to_char((now() - random() * "
	    "interval '%d days') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
	    "'model', 'm' || n %% 3, 'provider', 'p' || n %% 2, 'input_tokens', n, "
	    "'cached_input_tokens', n / 2, 'output_tokens', n %% 7, 'success', n %% 5 > 0, "
	    "'estimated_cost_cents', CASE WHEN n %% 9 > 0 THEN round((random() * 1000)::numeric, 7) "
	    "END, 'verified_cost_cents', CASE WHEN n %% 4 = 0 THEN 1.0000001 END)::text, E'\\n') "
	    "FROM generate_series(1, %d) AS n",
	    days, count);

	assert_int_equal(api_send("POST", "/v1/chat-logs", ndjson, body), 200);
	api_expect_json("accepted", api_text("%d", count));
}

static const char *
date(const char *client, int days_ago)
{
	return api_sql(
	    "SELECT (now() AT TIME ZONE timezone)::date - %d FROM clients WHERE name = '%s'",
	    days_ago, client);
}

static void
adjust(const char *client, int days_ago, const char *cents)
{
	api_expect(201, "POST", api_text("/v1/daily-costs/%s/adjustments", date(client, days_ago)),
	    api_text("{\"amount_cents\":%s,\"reason\":\"r\"}", cents));
}

static void
store_days(const char *client, int from, int to, const char *cents)
{
	api_sql("INSERT INTO daily_costs (client_id, date, total_cost_cents, total_requests, "
		"total_tokens) SELECT id, (now() AT TIME ZONE timezone)::date - n, %s, 1, 10 "
		"FROM clients, generate_series(%d, %d) AS n WHERE name = '%s'",
	    cents, to, from, client);
}

/* A sum over the log of the month that stands at the path of the last answer. */
static const char *
log_says(const char *client, const char *month, const char *sum)
{
	return api_sql("SELECT coalesce(trim_scale(sum(%s)), 0) FROM chat_logs l "
		       "JOIN clients c ON c.id = l.client_id WHERE c.name = '%s' "
		       "AND to_char(l.created_at AT TIME ZONE timezone, 'YYYY-MM') = '%s'",
	    sum, client, month);
}

#define COST "coalesce(verified_cost_cents, estimated_cost_cents, 0)"

static const struct {
	const char *member, *sum;
} sums[] = {
	{ "total_cost_cents", COST },
	{ "total_requests", "1" },
	{ "total_tokens", "tokens_used" },
	{ "input_tokens", "input_tokens" },
	{ "output_tokens", "output_tokens" },
	{ "cached_input_tokens", "cached_input_tokens" },
	{ "failed_requests", "(NOT success)::integer" },
	{ "unpriced_requests",
	    "(coalesce(verified_cost_cents, estimated_cost_cents) IS NULL)::integer" },
};

/* Whatever object the members stand in. */
static void
expect_month(const char *client, const char *prefix)
{
	const char *month = api_keep(api_text("%speriod", prefix)), *adjusted;

	for (size_t i = 0; i < COUNT(sums); i++)
		api_expect_json(
		    api_text("%s%s", prefix, sums[i].member), log_says(client, month, sums[i].sum));
	adjusted = api_sql("SELECT coalesce(trim_scale(sum(amount_cents)), 0) "
			   "FROM cost_adjustments a JOIN clients c ON c.id = a.client_id "
			   "WHERE c.name = '%s' AND to_char(date, 'YYYY-MM') = '%s'",
	    client, month);
	api_expect_json(api_text("%sadjustments_cents", prefix), adjusted);
	api_expect_json(api_text("%sbilled_cents", prefix),
	    api_sql("SELECT trim_scale(%s::numeric + %s)",
		api_json(api_text("%stotal_cost_cents", prefix)), adjusted));
}

/* A month may begin between any two calls, and have no record yet. */
static void
expect_all_months(const char *client)
{
	const char *open_month, *newest;

	api_expect(200, "GET", CURRENT, NULL);
	open_month = api_keep("period");
	assert_string_equal(
	    open_month, api_sql("SELECT to_char(timestamptz '%s' AT TIME ZONE timezone, 'YYYY-MM') "
				"FROM clients WHERE name = '%s'",
			    api_json("as_of"), client));
	expect_month(client, "");
	api_expect(200, "GET", PERIODS, NULL);
	newest = api_keep("data.0.period");
	assert_true(strcmp(newest, open_month) >= 0);
	assert_int_equal(api_rows(),
	    atoi(api_sql("SELECT count(*) FROM (SELECT date_trunc('month', "
			 "min(l.created_at AT TIME ZONE timezone)) AS first FROM chat_logs l "
			 "JOIN clients c ON c.id = l.client_id WHERE c.name = '%s') AS f, "
			 "generate_series(first, timestamp '%s-01', '1 month')",
		client, newest)));
	for (int i = 0, months = api_rows(); i < months; i++)
		expect_month(client, api_text("data.%d.", i));
}

static const char *const zones[] = { "UTC", "Asia/Kathmandu", "America/St_Johns",
	"Pacific/Kiritimati", "Europe/Berlin" };

static void
months_are_the_logs(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(zones); i++) {
		const char *client = api_text("billing-%zu", i);

		use_zone(client, zones[i]);
		api_sql("SELECT setseed(0.%zu)", i);
		add_random(200, 75);
		/* Nothing is stored of these days. */
		expect_all_months(client);
		run("flush");
		expect_all_months(client);
		adjust(client, 0, "-12.3456789");
		adjust(client, 33, "7");
		add_random(50, 40);
		/* Some are stored, and are not what they were. */
		expect_all_months(client);
		run("rollup");
		expect_all_months(client);
		run("flush");
		expect_all_months(client);
	}
}

static void
a_closed_day_is_billed_as_it_was(UNUSED void **state)
{
	api_use_new_client("billing-closed");
	store_days("billing-closed", 70, 70, "12.5");
	api_sql("UPDATE daily_costs SET closed_at = now() WHERE client_id = "
		"(SELECT id FROM clients WHERE name = 'billing-closed')");
	api_sql("INSERT INTO ingest_batches (client_id, id, epoch, late_days, stored_by) "
		"SELECT id, gen_random_uuid(), 1, ARRAY[date '%s'], NULL FROM clients "
		"WHERE name = 'billing-closed'",
	    date("billing-closed", 70));
	api_expect(
	    200, "GET", api_text(PERIODS "?until=%.7s&limit=1", date("billing-closed", 70)), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.billed_cents", "12.5");
	api_expect_json("data.0.closed", "true");
	api_expect_json("next_cursor", "null");
}

static void
a_client_without_calls_has_the_open_month(UNUSED void **state)
{
	api_use_new_client("billing-none");
	api_expect(200, "GET", CURRENT, NULL);
	api_expect_json("billed_cents", "0");
	api_expect_json("forecast", "null");
	api_expect_json("over_limit", "false");
	api_expect_json("limits.0", "(none)");
	api_expect(200, "GET", PERIODS, NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.billed_cents", "0");
	api_expect_json("data.0.closed", "false");
	api_expect(200, "GET", PERIODS "?until=2001-01", NULL);
	assert_int_equal(api_rows(), 0);
}

static void
periods_are_paged(UNUSED void **state)
{
	const char *since, *until, *cursor;

	api_use_new_client("billing-pages");
	store_days("billing-pages", 400, 400, "1");
	store_days("billing-pages", 0, 0, "1");
	since = api_text("%.7s", date("billing-pages", 400));
	until = api_text("%.7s", date("billing-pages", 0));
	api_expect(200, "GET", PERIODS "?limit=120", NULL);
	int months = api_rows();
	assert_in_range(months, 13, 15);
	assert_string_equal(api_json("data.0.period"), until);
	assert_string_equal(api_json(api_text("data.%d.period", months - 1)), since);
	api_expect_json("next_cursor", "null");
	api_expect(200, "GET", PERIODS, NULL);
	assert_int_equal(api_rows(), 12);
	cursor = api_keep("next_cursor");
	api_expect(200, "GET", api_text(PERIODS "?limit=%d&cursor=%s", months - 12, cursor), NULL);
	assert_int_equal(api_rows(), months - 12);
	assert_string_equal(api_json(api_text("data.%d.period", months - 13)), since);
	api_expect_json("next_cursor", "null");
	api_expect(200, "GET", api_text(PERIODS "?since=%s&until=%s", since, since), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.total_requests", "1");
	api_expect_json("next_cursor", "null");
}

static const struct {
	const char *sentence, *query, *field;
} bad_queries[] = {
	{ "a month is one of twelve", "since=2026-13", "since" },
	{ "a month is no date", "until=2026-01-01", "until" },
	{ "a month has two digits", "until=2026-1x", "until" },
	{ "a range does not end before it begins", "since=2026-02&until=2026-01", "since" },
	{ "a page has a month at least", "limit=0", "limit" },
	{ "a page has 120 months at most", "limit=121", "limit" },
	{ "a cursor is one of ours", "cursor=AAAA", "cursor" },
};

static void
a_bad_query_is_refused_by_parameter(UNUSED void **state)
{
	api_use_new_client("billing-bad");
	for (size_t i = 0; i < COUNT(bad_queries); i++) {
		api_send("GET", api_text(PERIODS "?%s", bad_queries[i].query), NULL, NULL);
		api_expect_field(bad_queries[i].sentence, bad_queries[i].field);
	}
	/* One of another list: it holds an id. */
	api_add("/v1/budgets", "{\"name\":\"a\",\"window\":\"day\",\"limit_cents\":1}");
	api_add("/v1/budgets", "{\"name\":\"b\",\"window\":\"day\",\"limit_cents\":1}");
	api_expect(200, "GET", "/v1/budgets?limit=1", NULL);
	api_send("GET", api_text(PERIODS "?cursor=%s", api_json("next_cursor")), NULL, NULL);
	api_expect_field("a cursor is of this list", "cursor");
}

static void
expect_over(const char *all, const char *first, const char *second)
{
	api_expect(200, "GET", CURRENT, NULL);
	api_expect_json("over_limit", all);
	api_expect_json("limits.0.over_limit", first);
	api_expect_json("limits.1.over_limit", second);
}

static void
the_limits_are_those_of_all_calls_of_the_month(UNUSED void **state)
{
	api_use_budget(
	    "billing-limits", "\"window\":\"month\",\"limit_cents\":20,\"mode\":\"soft\"");
	api_add("/v1/budgets",
	    "{\"name\":\"trial\",\"window\":\"month\",\"limit_requests\":1,\"mode\":\"shadow\"}");
	api_add("/v1/budgets", "{\"name\":\"day\",\"window\":\"day\",\"limit_cents\":1}");
	api_add("/v1/budgets", "{\"name\":\"zone\",\"window\":\"month\",\"limit_cents\":1,"
			       "\"timezone\":\"Asia/Kathmandu\"}");
	api_add("/v1/budgets", "{\"name\":\"model\",\"window\":\"month\",\"limit_cents\":1,"
			       "\"scope\":{\"model\":\"m\"}}");
	api_add("/v1/budgets", "{\"name\":\"each\",\"window\":\"month\",\"limit_cents\":1,"
			       "\"each\":\"model\"}");
	store_days("billing-limits", 0, 0, "0");
	expect_over("false", "false", "false");
	api_expect_json("limits.0.name", "billing-limits");
	api_expect_json("limits.0.mode", "soft");
	api_expect_json("limits.0.limit_cents", "20");
	api_expect_json("limits.0.limit_requests", "null");
	api_expect_json("limits.1.name", "trial");
	api_expect_json("limits.1.limit_cents", "null");
	api_expect_json("limits.1.limit_requests", "1");
	api_expect_json("limits.2", "(none)");
	api_add("/v1/chat-logs", "{\"output_tokens\":3,\"estimated_cost_cents\":20}");
	/* All of it, and no more. */
	expect_over("false", "false", "false");
	api_add("/v1/chat-logs", "{\"output_tokens\":3}");
	expect_over("false", "false", "true");
	api_add("/v1/chat-logs", "{\"output_tokens\":3,\"estimated_cost_cents\":0.0000001}");
	expect_over("true", "true", "true");
}

#define expect_true(...) assert_string_equal(api_sql("SELECT " __VA_ARGS__), "t")

static void
the_forecast_goes_on_as_it_was(UNUSED void **state)
{
	const char *left;

	api_use_new_client("billing-forecast");
	store_days("billing-forecast", 6, 1, "10");
	api_expect(200, "GET", CURRENT, NULL);
	api_expect_json("forecast", "null");
	store_days("billing-forecast", 7, 7, "10");
	api_expect(200, "GET", CURRENT, NULL);
	api_expect_json("forecast.days_used", "7");
	api_expect_json("forecast.method", "mean");
	store_days("billing-forecast", 27, 8, "10");
	store_days("billing-forecast", 29, 29, "1000000");
	adjust("billing-forecast", 0, "-5");
	api_expect(200, "GET", CURRENT, NULL);
	/* The day before the first of 28 was one without calls. */
	api_expect_json("forecast.days_used", "28");
	api_expect_json("forecast.method", "weekday_mean");
	api_expect_json("forecast.confidence", "80");
	left = api_sql("SELECT (date_trunc('month', date '%s') + interval '1 month - 1 day')::date "
		       "- date '%s'",
	    date("billing-forecast", 0), date("billing-forecast", 0));
	assert_string_equal(api_json("forecast.days_left"), left);
	/* One of the four days of this weekday had none. */
	expect_true("%s BETWEEN %s + 10 * (%s - 2) AND %s + 10 * (%s + 1)",
	    api_keep("forecast.cost_cents"), api_keep("billed_cents"), left,
	    api_keep("billed_cents"), left);
	expect_true("%s BETWEEN %s AND %s", api_keep("forecast.cost_cents"),
	    api_keep("forecast.low_cents"), api_keep("forecast.high_cents"));
}

static void
months_are_a_clients_own(UNUSED void **state)
{
	api_use_new_client("billing-theirs");
	api_add("/v1/chat-logs", "{\"output_tokens\":3,\"estimated_cost_cents\":20}");
	store_days("billing-theirs", 7, 1, "10");
	adjust("billing-theirs", 0, "3");
	api_add("/v1/budgets", "{\"name\":\"a\",\"window\":\"month\",\"limit_cents\":1}");
	api_use_new_client("billing-ours");
	api_expect(200, "GET", CURRENT, NULL);
	api_expect_json("billed_cents", "0");
	api_expect_json("forecast", "null");
	api_expect_json("limits.0", "(none)");
	api_expect(200, "GET", PERIODS, NULL);
	assert_int_equal(api_rows(), 1);
	api_use_scope("logs:read");
	api_expect(403, "GET", CURRENT, NULL);
	api_expect(403, "GET", PERIODS, NULL);
}

/* The last day that a client used: its row lags behind until the counters see that it is over, and
 * no batch names it. */
static void
a_day_that_nobody_has_ended_is_whole(UNUSED void **state)
{
	const char *client = "billing-last";

	api_use_new_client(client);
	books_insert(api_servers(), client, 40, 7);
	api_sql(
	    "INSERT INTO counter_states (client_id, epoch, day, since) SELECT id, 1, '%s', '%s' "
	    "FROM clients WHERE name = '%s'",
	    date(client, 40), date(client, 40), client);
	api_expect(200, "GET", api_text(PERIODS "?until=%.7s", date(client, 40)), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.total_requests", "7");
	expect_month(client, "data.0.");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(months_are_the_logs),
		cmocka_unit_test(a_closed_day_is_billed_as_it_was),
		cmocka_unit_test(a_client_without_calls_has_the_open_month),
		cmocka_unit_test(periods_are_paged),
		cmocka_unit_test(a_bad_query_is_refused_by_parameter),
		cmocka_unit_test(the_limits_are_those_of_all_calls_of_the_month),
		cmocka_unit_test(the_forecast_goes_on_as_it_was),
		cmocka_unit_test(months_are_a_clients_own),
		cmocka_unit_test(a_day_that_nobody_has_ended_is_whole),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
