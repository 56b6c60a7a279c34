/* tally status: what hard budgets have left, from the counters or from the log. And which disk
 * tally doctor looks at. */
#include "tests/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"

static struct servers *servers;

static void
add_budget(const char *members)
{
	api_add("/v1/budgets",
	    api_text("{%s,\"window\":\"day\",\"timezone\":\"%s\"}", members, servers_noon()));
}

static void
spend(const char *user, const char *cents)
{
	api_add("/v1/chat-logs",
	    api_text("{\"message_length\":1,\"verified_cost_cents\":%s,\"tokens_used\":7,"
		     "\"external_user_id\":\"%s\"}",
		cents, user));
}

static void
start_spending(void)
{
	api_use_new_client("shown");
	add_budget("\"name\":\"all\",\"limit_cents\":10,\"limit_tokens\":100");
	add_budget("\"name\":\"each\",\"limit_requests\":5,\"each\":\"user_id\"");
	add_budget("\"name\":\"told\",\"limit_cents\":1,\"mode\":\"soft\"");
	spend("ann", "1.5");
	spend("bob", "0.5");
	spend("bob", "0.5");
	api_add("/v1/authorizations", "{\"max_cost_cents\":4,\"input_tokens\":20,"
				      "\"max_output_tokens\":30,\"external_user_id\":\"ann\"}");
}

static const char *
of_ann(void)
{
	return api_sql("SELECT id FROM users WHERE external_id = 'ann'");
}

static void
what_is_left_is_shown(UNUSED void **state)
{
	EXPECT_TALLY(EX_OK,
	    "\"budget\":\"all\",\"bucket\":null,\"measure\":\"cents\",\"spent\":2.5,\"held\":4,"
	    "\"limit\":10,\"remaining\":3.5,\"resets_at\":\"",
	    "status", "--json");
	EXPECT_TALLY(EX_OK,
	    "\"measure\":\"tokens\",\"spent\":21,\"held\":50,\"limit\":100,\"remaining\":29",
	    "status", "--json");
	EXPECT_TALLY(EX_OK,
	    api_text("\"budget\":\"each\",\"bucket\":\"%s\",\"measure\":\"requests\",\"spent\":1,"
		     "\"held\":1,\"limit\":5,\"remaining\":3",
		of_ann()),
	    "status", "--json");
	EXPECT_TALLY(
	    EX_OK, "\"open_holds\":1,\"held_cents\":4,\"source\":\"redis\"", "status", "--json");
	EXPECT_TALLY(EX_OK, "remaining", "status");
}

static void
soft_budgets_are_not(UNUSED void **state)
{
	char *output;

	assert_int_equal(servers_tally(servers, &output, "status", NULL), EX_OK);
	assert_null(strstr(output, "told"));
	assert_non_null(strstr(output, "each"));
	free(output);
}

static void
without_redis_the_log_tells(UNUSED void **state)
{
	servers_signal(servers, SERVER_REDIS, SIGKILL);
	(void)servers_wait(servers, SERVER_REDIS);
	EXPECT_TALLY(EX_OK,
	    "\"measure\":\"cents\",\"spent\":2.5,\"held\":null,\"limit\":10,\"remaining\":7.5",
	    "status", "--json");
	EXPECT_TALLY(
	    EX_OK, "\"spent\":1,\"held\":null,\"limit\":5,\"remaining\":4,", "status", "--json");
	EXPECT_TALLY(
	    EX_OK, "\"open_holds\":1,\"held_cents\":4,\"source\":\"log\"", "status", "--json");
	servers_restart(servers, SERVER_REDIS);
	EXPECT_TALLY(EX_OK, "\"spent\":2.5,\"held\":4", "status", "--json");
}

static int
start(void **state)
{
	int failed = api_start(state);

	servers = api_servers();
	start_spending();
	return failed;
}

static void
doctor_looks_where_the_data_are(UNUSED void **state)
{
	char *data = servers_sql(servers, "SHOW data_directory"), *output;

	(void)servers_tally(servers, &output, "doctor", "--json", NULL);
	assert_null(strstr(output, data));
	free(output);
	free(servers_sql(servers, "GRANT pg_read_all_settings TO tally_worker"));
	(void)servers_tally(servers, &output, "doctor", "--json", NULL);
	assert_non_null(strstr(output, data));
	free(output);
	free(servers_sql(servers, "REVOKE pg_read_all_settings FROM tally_worker"));
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_is_shown),
		cmocka_unit_test(soft_budgets_are_not),
		cmocka_unit_test(doctor_looks_where_the_data_are),
		cmocka_unit_test(without_redis_the_log_tells),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
