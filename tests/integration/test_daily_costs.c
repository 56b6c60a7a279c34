/* /v1/daily-costs through nginx: open, past and closed days, and what is adjusted. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

/* A client in whose zone it is about noon, so that no midnight comes in between. */
static void
use_new_client(const char *name)
{
	api_use_new_client(name);
	api_sql(
	    "UPDATE clients SET timezone = 'Etc/GMT' || CASE WHEN h < 0 THEN '' ELSE '+' END || h\n"
	    "FROM (SELECT extract(hour FROM now() AT TIME ZONE 'UTC')::integer - 12 AS h) AS v\n"
	    "WHERE name = '%s'",
	    name);
}

/* The client's date so many days ago. */
static const char *
date(const char *client, int days)
{
	return api_sql(
	    "SELECT (now() AT TIME ZONE timezone)::date - %d FROM clients WHERE name = '%s'", days,
	    client);
}

static const char *
day(const char *client, int days, const char *rest)
{
	return api_text("/v1/daily-costs/%s%s", date(client, days), rest);
}

/* A call of 2.5 cents, so many days ago at the same hour. */
static void
call(const char *user, int days)
{
	api_add("/v1/chat-logs",
	    api_text(
		"{\"output_tokens\":3,\"estimated_cost_cents\":2.5,\"external_user_id\":\"%s\","
		"\"created_at\":\"%s\"}",
		user,
		api_sql("SELECT to_char((now() - interval '%d days') AT TIME ZONE 'UTC',\n"
			"'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
		    days)));
}

static void
store_day(const char *client, int days, const char *cents)
{
	api_sql("INSERT INTO daily_costs (client_id, date, total_cost_cents, total_requests)\n"
		"SELECT id, '%s', %s, 1 FROM clients WHERE name = '%s'",
	    date(client, days), cents, client);
}

static void
adjust(const char *client, int days, const char *cents)
{
	api_expect(201, "POST", day(client, days, "/adjustments"),
	    api_text("{\"amount_cents\":%s,\"reason\":\"credit note 7\"}", cents));
}

static void
the_open_day_is_counted(UNUSED void **state)
{
	use_new_client("days-open");
	call("ann", 0);
	call("ann", 0);
	api_add("/v1/chat-logs", "{\"input_tokens\":1,\"success\":false}");
	adjust("days-open", 0, "-1.25");
	api_expect(200, "GET", day("days-open", 0, ""), NULL);
	assert_string_equal(api_json("date"), date("days-open", 0));
	assert_memory_equal(api_json("timezone"), "Etc/GMT", 7);
	assert_string_equal(api_json("total_cost_cents"), "5");
	assert_string_equal(api_json("adjustments_cents"), "-1.25");
	assert_string_equal(api_json("total_requests"), "3");
	assert_string_equal(api_json("failed_requests"), "1");
	assert_string_equal(api_json("unpriced_requests"), "1");
	assert_string_equal(api_json("unique_users"), "1");
	assert_string_equal(api_json("output_tokens"), "6");
	assert_string_equal(api_json("input_tokens"), "1");
	assert_string_equal(api_json("total_tokens"), "7");
	assert_string_equal(api_json("closed"), "false");
	assert_string_equal(api_json("source"), "redis");
}

static void
a_past_day_is_summed_until_it_is_stored(UNUSED void **state)
{
	char *output;

	use_new_client("days-past");
	call("ann", 3);
	call("bob", 3);
	api_expect(200, "GET", day("days-past", 3, ""), NULL);
	assert_string_equal(api_json("total_cost_cents"), "5");
	assert_string_equal(api_json("unique_users"), "2");
	assert_string_equal(api_json("source"), "postgres");
	assert_int_equal(servers_tally(api_servers(), &output, "flush", NULL), 0);
	free(output);
	assert_string_equal(
	    api_sql(
		"SELECT total_cost_cents FROM daily_costs AS d JOIN clients AS c ON c.id = client_id\n"
		"WHERE c.name = 'days-past' AND d.date = '%s'",
		date("days-past", 3)),
	    "5.0000000");
	api_expect(200, "GET", day("days-past", 3, ""), NULL);
	assert_string_equal(api_json("total_cost_cents"), "5");
	assert_string_equal(api_json("unique_users"), "2");
}

static void
a_stored_day_is_shown_when_its_log_is_gone(UNUSED void **state)
{
	use_new_client("days-stored");
	store_day("days-stored", 400, "12.3456789");
	api_sql("UPDATE daily_costs SET closed_at = now() WHERE total_cost_cents = 12.3456789");
	api_expect(200, "GET", day("days-stored", 400, ""), NULL);
	assert_string_equal(api_json("total_cost_cents"), "12.3456789");
	assert_string_equal(api_json("closed"), "true");
	adjust("days-stored", 400, "0.0000001");
	api_expect(200, "GET", day("days-stored", 400, ""), NULL);
	assert_string_equal(api_json("total_cost_cents"), "12.3456789");
	assert_string_equal(api_json("adjustments_cents"), "0.0000001");
}

static void
a_day_without_calls_is_zero(UNUSED void **state)
{
	use_new_client("days-none");
	api_expect(200, "GET", day("days-none", 5, ""), NULL);
	assert_string_equal(api_json("total_requests"), "0");
	assert_string_equal(api_json("total_cost_cents"), "0");
	adjust("days-none", 5, "3");
	api_expect(200, "GET", day("days-none", 5, ""), NULL);
	assert_string_equal(api_json("adjustments_cents"), "3");
	assert_string_equal(api_json("closed"), "false");
}

static void
a_day_that_has_not_begun_is_not_found(UNUSED void **state)
{
	use_new_client("days-future");
	api_expect(404, "GET", day("days-future", -1, ""), NULL);
	api_send("GET", "/v1/daily-costs/2026-02-30", NULL, NULL);
	api_expect_field("a date is in the calendar", "date");
	api_send("GET", "/v1/daily-costs/yesterday", NULL, NULL);
	api_expect_field("a date has the form of one", "date");
}

static void
a_list_is_newest_first_with_today(UNUSED void **state)
{
	use_new_client("days-list");
	store_day("days-list", 1, "1");
	store_day("days-list", 6, "6");
	store_day("days-list", 7, "7");
	call("ann", 0);
	api_expect(200, "GET", "/v1/daily-costs?days=7", NULL);
	assert_int_equal(api_rows(), 3);
	assert_string_equal(api_json("data.0.date"), date("days-list", 0));
	assert_string_equal(api_json("data.0.total_cost_cents"), "2.5");
	assert_string_equal(api_json("data.0.source"), "redis");
	assert_string_equal(api_json("data.1.total_cost_cents"), "1");
	assert_string_equal(api_json("data.2.total_cost_cents"), "6");
	api_expect(200, "GET", "/v1/daily-costs?days=8", NULL);
	assert_int_equal(api_rows(), 4);
	api_expect(200, "GET", "/v1/daily-costs?days=1", NULL);
	assert_int_equal(api_rows(), 1);
	api_expect(200, "GET", "/v1/daily-costs", NULL);
	assert_int_equal(api_rows(), 3);
}

static void
today_is_listed_once_after_a_flush(UNUSED void **state)
{
	char *output;

	use_new_client("days-once");
	call("ann", 0);
	assert_int_equal(servers_tally(api_servers(), &output, "flush", NULL), 0);
	free(output);
	adjust("days-once", 0, "2");
	call("ann", 0);
	api_expect(200, "GET", "/v1/daily-costs?days=2", NULL);
	assert_int_equal(api_rows(), 1);
	assert_string_equal(api_json("data.0.total_cost_cents"), "5");
	assert_string_equal(api_json("data.0.adjustments_cents"), "2");
}

static void
a_range_is_inclusive(UNUSED void **state)
{
	use_new_client("days-range");
	for (int days = 2; days <= 5; days++)
		store_day("days-range", days, "1");
	api_expect(200, "GET",
	    api_text(
		"/v1/daily-costs?since=%s&until=%s", date("days-range", 4), date("days-range", 3)),
	    NULL);
	assert_int_equal(api_rows(), 2);
	assert_string_equal(api_json("data.0.date"), date("days-range", 3));
	assert_string_equal(api_json("data.1.date"), date("days-range", 4));
	api_expect(200, "GET", api_text("/v1/daily-costs?since=%s", date("days-range", 4)), NULL);
	assert_int_equal(api_rows(), 4);
	assert_string_equal(api_json("data.0.total_requests"), "0");
}

static const struct {
	const char *sentence;
	const char *query;
	const char *field;
} bad_queries[] = {
	{ "a list has a day at least", "days=0", "days" },
	{ "a list has 366 days at most", "days=367", "days" },
	{ "days is a number", "days=a+week", "days" },
	{ "days stands alone", "days=7&since=2026-01-01", "days" },
	{ "an end has a beginning", "until=2026-01-01", "since" },
	{ "a range does not end before it begins", "since=2026-01-02&until=2026-01-01", "since" },
	{ "a range has 366 days at most", "since=2024-12-31&until=2026-01-01", "since" },
	{ "a date is in the calendar", "since=2026-13-01&until=2026-13-02", "since" },
};

static void
a_bad_query_is_refused_by_parameter(UNUSED void **state)
{
	use_new_client("days-bad");
	for (size_t i = 0; i < COUNT(bad_queries); i++) {
		api_send("GET", api_text("/v1/daily-costs?%s", bad_queries[i].query), NULL, NULL);
		api_expect_field(bad_queries[i].sentence, bad_queries[i].field);
	}
	api_expect(200, "GET", "/v1/daily-costs?since=2025-01-01&until=2026-01-01", NULL);
	api_expect(200, "GET", "/v1/daily-costs?days=366", NULL);
}

static void
adjustments_are_listed_and_audited(UNUSED void **state)
{
	const char *path, *first;

	use_new_client("days-adjust");
	path = day("days-adjust", 2, "/adjustments");
	adjust("days-adjust", 2, "-0.0000001");
	first = api_keep("id");
	assert_string_equal(api_json("amount_cents"), "-0.0000001");
	assert_string_equal(api_json("reason"), "credit note 7");
	assert_string_equal(api_json("date"), date("days-adjust", 2));
	assert_string_not_equal(api_json("api_key_id"), "null");
	adjust("days-adjust", 2, "100000000000");
	adjust("days-adjust", 3, "1");
	api_expect(200, "GET", path, NULL);
	assert_int_equal(api_rows(), 2);
	api_expect(200, "GET", api_text("%s?limit=1", path), NULL);
	api_expect(
	    200, "GET", api_text("%s?limit=1&cursor=%s", path, api_json("next_cursor")), NULL);
	assert_int_equal(api_rows(), 1);
	assert_string_equal(api_json("next_cursor"), "null");
	api_expect(200, "GET", day("days-adjust", 2, ""), NULL);
	assert_string_equal(api_json("adjustments_cents"), "99999999999.9999999");
	assert_string_equal(
	    api_sql(
		"SELECT count(*) FROM audit_log WHERE entity = 'cost_adjustments'\n"
		"AND action = 'add' AND entity_id = '%s' AND after->>'reason' = 'credit note 7'",
		first),
	    "1");
}

static const struct {
	const char *sentence;
	const char *body;
	const char *field;
} bad_adjustments[] = {
	{ "an amount is needed", "{\"reason\":\"r\"}", "amount_cents" },
	{ "a reason is needed", "{\"amount_cents\":1}", "reason" },
	{ "a reason is not empty", "{\"amount_cents\":1,\"reason\":\"\"}", "reason" },
	{ "nothing is not an amount", "{\"amount_cents\":0,\"reason\":\"r\"}", "amount_cents" },
	{ "an amount is exact", "{\"amount_cents\":0.00000001,\"reason\":\"r\"}", "amount_cents" },
	{ "an amount is a number", "{\"amount_cents\":\"1\",\"reason\":\"r\"}", "amount_cents" },
	{ "an amount has a limit", "{\"amount_cents\":100000000000.1,\"reason\":\"r\"}",
	    "amount_cents" },
	{ "an amount has a limit below zero", "{\"amount_cents\":-1e12,\"reason\":\"r\"}",
	    "amount_cents" },
};

static void
a_bad_adjustment_is_refused_by_field(UNUSED void **state)
{
	use_new_client("days-refused");
	for (size_t i = 0; i < COUNT(bad_adjustments); i++) {
		api_send(
		    "POST", day("days-refused", 1, "/adjustments"), NULL, bad_adjustments[i].body);
		api_expect_field(bad_adjustments[i].sentence, bad_adjustments[i].field);
	}
	api_send("POST", day("days-refused", -1, "/adjustments"), NULL,
	    "{\"amount_cents\":1,\"reason\":\"r\"}");
	api_expect_field("tomorrow is not adjusted", "date");
	api_expect(200, "GET", day("days-refused", 1, "/adjustments"), NULL);
	assert_int_equal(api_rows(), 0);
}

static void
days_and_adjustments_are_a_clients_own(UNUSED void **state)
{
	use_new_client("days-theirs");
	store_day("days-theirs", 1, "9");
	adjust("days-theirs", 1, "9");
	use_new_client("days-ours");
	api_expect(200, "GET", day("days-ours", 1, ""), NULL);
	assert_string_equal(api_json("total_cost_cents"), "0");
	assert_string_equal(api_json("adjustments_cents"), "0");
	api_expect(200, "GET", day("days-ours", 1, "/adjustments"), NULL);
	assert_int_equal(api_rows(), 0);
}

static void
an_adjustment_needs_an_admin(UNUSED void **state)
{
	use_new_client("days-scope");
	api_use_scope("logs:read");
	api_expect(200, "GET", "/v1/daily-costs", NULL);
	api_expect(403, "POST", day("days-scope", 1, "/adjustments"),
	    "{\"amount_cents\":1,\"reason\":\"r\"}");
	api_use_scope("admin");
	adjust("days-scope", 1, "1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_open_day_is_counted),
		cmocka_unit_test(a_past_day_is_summed_until_it_is_stored),
		cmocka_unit_test(a_stored_day_is_shown_when_its_log_is_gone),
		cmocka_unit_test(a_day_without_calls_is_zero),
		cmocka_unit_test(a_day_that_has_not_begun_is_not_found),
		cmocka_unit_test(a_list_is_newest_first_with_today),
		cmocka_unit_test(today_is_listed_once_after_a_flush),
		cmocka_unit_test(a_range_is_inclusive),
		cmocka_unit_test(a_bad_query_is_refused_by_parameter),
		cmocka_unit_test(adjustments_are_listed_and_audited),
		cmocka_unit_test(a_bad_adjustment_is_refused_by_field),
		cmocka_unit_test(days_and_adjustments_are_a_clients_own),
		cmocka_unit_test(an_adjustment_needs_an_admin),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
