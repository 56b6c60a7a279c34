/*
 * The first seed's chat logs, by its own steps (Task 1.1.4, "Verification" 1 to 4), and its
 * sessions.
 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

/* A client at noon with a user; the user's id. */
static const char *
use_user(const char *name)
{
	char *key = servers_key_at_noon(api_servers(), name);

	api_use_key(api_text("%s", key));
	free(key);
	return api_add(
	    "/v1/users", "{\"email\":\"logtest@example.com\",\"password_hash\":\"hash\"}");
}

/* What the seed logs. */
static const char *
log_call(const char *user, bool success)
{
	return api_add("/v1/chat-logs",
	    api_text("{\"user_id\":\"%s\",\"message_length\":100,\"response_length\":250,"
		     "\"tokens_used\":500,\"estimated_cost_cents\":5,\"success\":%s,"
		     "\"duration_ms\":1234}",
		user, success ? "true" : "false"));
}

/* ChatLogModel.create. */
static void
can_create_chat_logs(UNUSED void **state)
{
	static const struct {
		const char *member, *value;
	} members[] = {
		{ "message_length", "100" },
		{ "response_length", "250" },
		{ "tokens_used", "500" },
		{ "estimated_cost_cents", "5" },
		{ "success", "true" },
		{ "error_message", "null" },
		{ "duration_ms", "1234" },
		{ "tools_used", "null" },
		{ "session_id", "null" },
	};
	const char *user = use_user("seed1-log"), *id = log_call(user, true);

	api_expect(200, "GET", api_text("/v1/chat-logs/%s", id), NULL);
	api_expect_json("user_id", user);
	for (size_t i = 0; i < COUNT(members); i++)
		api_expect_json(members[i].member, members[i].value);
}

/* The seed's "value || null" makes NULL of 0; here 0 is 0. */
static void
zero_is_not_nothing(UNUSED void **state)
{
	const char *user = use_user("seed1-zero");

	api_add("/v1/chat-logs",
	    api_text("{\"user_id\":\"%s\",\"message_length\":0,\"response_length\":0,"
		     "\"tokens_used\":0,\"estimated_cost_cents\":0,\"success\":false,"
		     "\"duration_ms\":0}",
		user));
	api_expect_json("response_length", "0");
	api_expect_json("tokens_used", "0");
	api_expect_json("estimated_cost_cents", "0");
	api_expect_json("duration_ms", "0");
	api_expect_json("success", "false");
}

/* ChatLogModel.getByUserId, newest first, 50 where no limit is given. */
static void
can_query_by_user(UNUSED void **state)
{
	const char *user = use_user("seed1-history"), *other, *last = NULL;

	for (int i = 0; i < 51; i++)
		last = log_call(user, true);
	other = api_add("/v1/users", "{\"email\":\"other@example.com\"}");
	log_call(other, true);
	api_expect(200, "GET", api_text("/v1/users/%s/chat-logs", user), NULL);
	assert_int_equal(api_rows(), 50);
	api_expect_json("data.0.id", last);
	api_expect(200, "GET", api_text("/v1/users/%s/chat-logs?limit=3", user), NULL);
	assert_int_equal(api_rows(), 3);
	api_expect(200, "GET", api_text("/v1/users/%s/chat-logs", other), NULL);
	assert_int_equal(api_rows(), 1);
}

/* ChatLogModel.getTodayRequestCount. The day is the client's, where the seed's is the server's. */
static void
request_counting_works(UNUSED void **state)
{
	const char *user = use_user("seed1-today");

	api_expect(200, "GET", api_text("/v1/users/%s/usage", user), NULL);
	api_expect_json("today_requests", "0");
	log_call(user, true);
	log_call(user, false);
	api_add("/v1/chat-logs",
	    api_text("{\"user_id\":\"%s\",\"message_length\":1,\"created_at\":\"%s\"}", user,
		api_sql("SELECT to_char(now() AT TIME ZONE 'UTC' - interval '1 day',\n"
			"'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")));
	api_expect(200, "GET", api_text("/v1/users/%s/usage", user), NULL);
	api_expect_json("today_requests", "2");
	api_expect_json("today_cost_cents", "10");
	api_expect_json("today_tokens", "1000");
	api_expect_json("total_requests", "3");
}

static const struct {
	const char *sentence;
	int good, bad;
	const char *rate;
} rates[] = {
	{ "no call has no rate, where the seed says 0", 0, 0, "null" },
	{ "all is 100", 1, 0, "100" },
	{ "three of four is 75", 2, 1, "75" },
	{ "three of six is 50", 0, 2, "50" },
	{ "three of seven is 42.86", 0, 1, "42.86" },
};

/* ChatLogModel.getSuccessRate, in percent. */
static void
success_rate_calculation_is_correct(UNUSED void **state)
{
	const char *user = use_user("seed1-rate");

	for (size_t i = 0; i < COUNT(rates); i++) {
		for (int n = 0; n < rates[i].good; n++)
			log_call(user, true);
		for (int n = 0; n < rates[i].bad; n++)
			log_call(user, false);
		api_expect(200, "GET", api_text("/v1/users/%s/usage", user), NULL);
		if (strcmp(api_json("success_rate"), rates[i].rate) != 0)
			fail_msg("%s: %s", rates[i].sentence, api_answer()->body);
	}
}

/* "Track anonymous and authenticated sessions": the token is shown once and kept as its hash, where
 * the seed keeps it in clear. */
static void
sessions_are_anonymous_or_of_a_user(UNUSED void **state)
{
	static const char hours[] = "SELECT round(extract(epoch FROM expires_at - created_at))\n"
				    "FROM sessions WHERE id = '%s'";
	const char *user = use_user("seed1-sessions"), *id, *token;

	id = api_add("/v1/sessions", "{\"expires_in_s\":3600}");
	api_expect_json("user_id", "null");
	assert_string_equal(api_sql(hours, id), "3600");
	id = api_add("/v1/sessions",
	    api_text(
		"{\"user_id\":\"%s\",\"ip_address\":\"192.0.2.1\",\"user_agent\":\"curl\"}", user));
	token = api_keep("token");
	api_expect_json("ip_address", "192.0.2.1");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM sessions s WHERE s::text LIKE '%%%s%%'", token), "0");
	api_send("GET", "/v1/sessions/current",
	    (const char *const[]){ api_text("X-Session-Token: %s", token), NULL }, NULL);
	api_expect_json("id", id);
}

/* The end of the seed's test: the user goes, the log stays. */
static void
logs_outlive_their_user(UNUSED void **state)
{
	const char *user = use_user("seed1-cleanup"), *id = log_call(user, true);

	api_expect(204, "DELETE", api_text("/v1/users/%s", user), NULL);
	api_expect(200, "GET", api_text("/v1/chat-logs/%s", id), NULL);
	api_expect_json("user_id", user);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(can_create_chat_logs),
		cmocka_unit_test(zero_is_not_nothing),
		cmocka_unit_test(can_query_by_user),
		cmocka_unit_test(request_counting_works),
		cmocka_unit_test(success_rate_calculation_is_correct),
		cmocka_unit_test(sessions_are_anonymous_or_of_a_user),
		cmocka_unit_test(logs_outlive_their_user),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
