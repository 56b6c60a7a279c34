/* The second seed's integration test, "complete session lifecycle with credit tracking", and what
 * its views count of sessions. */
#include "tests/test.h"

#include <stdlib.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/paying.h"

static void
complete_session_lifecycle_with_credit_tracking(UNUSED void **state)
{
	const char *session;

	/* 1. Create user with credits */
	paying_use_client("seed2-agents", "user");
	paying_post("{\"type\":\"purchase\",\"amount\":25.0}");
	/* 2. Create session */
	session = api_add("/v1/agent-sessions",
	    api_text("{\"user_id\":\"%s\",\"external_id\":\"test_session_123\","
		     "\"vision\":\"Test agent execution\",\"working_directory\":\"/tmp/test\","
		     "\"git_branch\":\"main\"}",
		paying_user()));
	/* 3. Track progress */
	api_expect(200, "PATCH", api_text("/v1/agent-sessions/%s/progress", session),
	    "{\"phase\":\"EXPLORE\",\"progress\":0.5,\"tokens_used\":15000}");
	/* 4. Complete session with cost */
	api_expect(200, "POST", api_text("/v1/agent-sessions/%s/complete", session),
	    "{\"success\":true,\"total_cost_cents\":375,\"files_created\":[\"src/test.ts\"],"
	    "\"completion_report\":{\"summary\":\"Test completed successfully\"}}");
	/* 5. Verify credit deduction: 25.0 - 3.75 */
	paying_expect("current_balance", "21.25");
	paying_expect_ledger("purchase 25, usage -3.75");
	paying_check_books("seed2-agents");
	/* 6. Verify session persistence */
	api_expect(200, "GET", "/v1/agent-sessions?external_id=test_session_123", NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.id", session);
	api_expect_json("data.0.status", "completed");
	api_expect_json("data.0.success", "true");
	api_expect_json("data.0.total_cost_cents", "375");
	api_expect_json("data.0.tokens_used", "15000");
	api_expect_json("data.0.phase", "EXPLORE");
	api_expect_json("data.0.progress", "0.5");
	api_expect_json("data.0.files_created.0", "src/test.ts");
	api_expect_json("data.0.completion_report.summary", "Test completed successfully");
	api_expect_json("data.0.git_branch", "main");
	api_expect_json("data.0.vision", "Test agent execution");
	api_expect_json("data.0.working_directory", "/tmp/test");
}

/* "sessions_started" of daily_usage_stats, and both counts of dashboard_metrics. */
static void
the_views_count_sessions(UNUSED void **state)
{
	const char *client, *user, *done;
	char *output;

	paying_use_client("seed2-views", "off");
	client = api_sql("SELECT id FROM clients WHERE name = 'seed2-views'");
	user = paying_user();
	done = api_add("/v1/agent-sessions", api_text("{\"user_id\":\"%s\"}", user));
	api_add("/v1/agent-sessions", api_text("{\"user_id\":\"%s\"}", user));
	api_add("/v1/agent-sessions", "{}");
	api_expect(200, "POST", api_text("/v1/agent-sessions/%s/complete", done), "{}");
	api_add("/v1/chat-logs", paying_record("2", ""));
	assert_int_equal(servers_tally(api_servers(), &output, "rollup", NULL), 0);
	free(output);
	assert_string_equal(
	    api_sql("SELECT concat_ws(' ', sum(sessions_started), sum(sessions_completed),\n"
		    "sum(calls), sum(cost_cents)::bigint) FROM dashboard_metrics\n"
		    "WHERE client_id = '%s'",
		client),
	    "3 1 1 2");
	assert_string_equal(
	    api_sql("SELECT concat_ws(' ', sum(sessions_started), sum(sessions_completed),\n"
		    "sum(calls)) FROM daily_usage_stats WHERE client_id = '%s' AND user_id = '%s'",
		client, user),
	    "2 1 1");
	assert_string_equal(
	    api_sql("SELECT concat_ws(' ', sum(sessions_started), sum(calls))\n"
		    "FROM daily_usage_stats WHERE client_id = '%s' AND user_id IS NULL",
		client),
	    "1 0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complete_session_lifecycle_with_credit_tracking),
		cmocka_unit_test(the_views_count_sessions),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
