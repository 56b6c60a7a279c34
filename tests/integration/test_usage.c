/* A user's history and figures through nginx. */
#include "tests/test.h"

#include "lib/base.h"
#include "tests/api.h"

#define UNKNOWN "0189aaaa-0000-7000-8000-00000000000f"

static const char *const csv[] = { "Accept: text/csv", NULL };

/* The id of a new record. */
static const char *
add_log(const char *body)
{
	return api_add("/v1/chat-logs", body);
}

static void
a_users_history_is_his_own(UNUSED void **state)
{
	const char *ann, *path;

	api_use_new_client("logs-history");
	add_log("{\"message_length\":1,\"external_user_id\":\"bob\"}");
	add_log("{\"message_length\":2,\"external_user_id\":\"ann\"}");
	ann = api_keep("user_id");
	add_log("{\"message_length\":3,\"external_user_id\":\"ann\",\"model\":\"m\"}");
	path = api_text("/v1/users/%s/chat-logs", ann);
	api_expect(200, "GET", path, NULL);
	assert_int_equal(api_rows(), 2);
	assert_string_equal(api_json("data.0.user_id"), ann);
	api_expect(200, "GET", api_text("%s?model=m", path), NULL);
	assert_int_equal(api_rows(), 1);
	assert_string_equal(api_json("data.0.message_length"), "3");
	assert_int_equal(api_send("GET", path, csv, NULL), 200);
	assert_int_equal(api_lines(), 3);
	api_expect(422, "GET", api_text("%s?user_id=%s", path, ann), NULL);
	api_expect(404, "GET", "/v1/users/" UNKNOWN "/chat-logs", NULL);
}

static void
a_record_keeps_the_tier_of_its_time(UNUSED void **state)
{
	const char *first, *second, *budget;

	api_use_new_client("logs-tiers");
	first = add_log("{\"message_length\":1,\"external_user_id\":\"t\"}");
	api_sql("UPDATE users SET tier = 'premium' WHERE external_id = 't'");
	second =
	    add_log(api_text("{\"message_length\":2,\"user_id\":\"%s\"}", api_keep("user_id")));
	api_expect(200, "GET", api_text("/v1/chat-logs/%s", first), NULL);
	assert_string_equal(api_json("user_tier"), "anonymous");
	api_expect(200, "GET", api_text("/v1/chat-logs/%s", second), NULL);
	assert_string_equal(api_json("user_tier"), "premium");
	budget =
	    api_add("/v1/budgets", "{\"name\":\"tiers\",\"window\":\"total\","
				   "\"limit_requests\":9,\"scope\":{\"user_tier\":\"anonymous\"}}");
	api_expect(200, "GET", api_text("/v1/budgets/%s/status", budget), NULL);
	assert_string_equal(api_json("spent_requests"), "1");
}

/* In a zone where it is about noon, so that no midnight comes in between. */
static void
usage_counts_the_clients_day(UNUSED void **state)
{
	const char *user, *start;

	api_use_new_client("logs-usage");
	api_sql(
	    "UPDATE clients SET timezone = 'Etc/GMT' || CASE WHEN h < 0 THEN '' ELSE '+' END || h\n"
	    "FROM (SELECT extract(hour FROM now() AT TIME ZONE 'UTC')::integer - 12 AS h) AS v\n"
	    "WHERE name = 'logs-usage'");
	start =
	    api_sql("SELECT to_char(date_trunc('day', now() AT TIME ZONE timezone)\n"
		    "AT TIME ZONE timezone AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')\n"
		    "FROM clients WHERE name = 'logs-usage'");
	add_log(api_text(
	    "{\"tokens_used\":5,\"output_tokens\":5,\"external_user_id\":\"u\","
	    "\"estimated_cost_cents\":9,\"verified_cost_cents\":1.5,\"created_at\":\"%s\"}",
	    start));
	user = api_keep("user_id");
	add_log("{\"output_tokens\":2,\"external_user_id\":\"u\",\"estimated_cost_cents\":0.25,"
		"\"success\":false}");
	add_log(
	    api_text("{\"output_tokens\":100,\"external_user_id\":\"u\",\"estimated_cost_cents\":4,"
		     "\"created_at\":\"%s\"}",
		api_sql("SELECT to_char((timestamptz '%s' - interval '1 ms') AT TIME ZONE 'UTC',\n"
			"'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
		    start)));
	add_log("{\"output_tokens\":1,\"external_user_id\":\"another\"}");
	api_expect(200, "GET", api_text("/v1/users/%s/usage", user), NULL);
	assert_string_equal(api_json("user_id"), user);
	assert_memory_equal(api_json("timezone"), "Etc/GMT", 7);
	assert_string_equal(
	    api_json("date"), api_sql("SELECT (now() AT TIME ZONE timezone)::date FROM clients\n"
				      "WHERE name = 'logs-usage'"));
	assert_string_equal(api_json("today_requests"), "2");
	assert_string_equal(api_json("today_failed_requests"), "1");
	assert_string_equal(api_json("today_tokens"), "7");
	assert_string_equal(api_json("today_cost_cents"), "1.75");
	assert_string_equal(api_json("total_requests"), "3");
	assert_string_equal(api_json("total_failed_requests"), "1");
	assert_string_equal(api_json("total_tokens"), "107");
	assert_string_equal(api_json("total_cost_cents"), "5.75");
	assert_string_equal(api_json("success_rate"), "66.67");
}

static void
a_user_without_calls_has_no_success_rate(UNUSED void **state)
{
	api_use_new_client("logs-unused");
	api_expect(201, "POST", "/v1/users", "{\"email\":\"a@b\"}");
	api_expect(200, "GET", api_text("/v1/users/%s/usage", api_keep("id")), NULL);
	assert_string_equal(api_json("success_rate"), "null");
	assert_string_equal(api_json("today_requests"), "0");
	assert_string_equal(api_json("total_cost_cents"), "0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_users_history_is_his_own),
		cmocka_unit_test(a_record_keeps_the_tier_of_its_time),
		cmocka_unit_test(usage_counts_the_clients_day),
		cmocka_unit_test(a_user_without_calls_has_no_success_rate),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
