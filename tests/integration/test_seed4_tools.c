/*
 * The fourth seed's checklist, section 6, as far as it is of tools: the master catalogue, what a
 * client has of it, executions and their audit, and what goes with what. The seed's models are
 * routes here; its 90 days are a setting.
 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"

#define EXECUTIONS "/v1/tool-executions"

static const char *operator_key, *client_key, *search, *orders;

static const char *
add_tool(const char *body)
{
	const char *id;

	api_use_key(operator_key);
	id = api_add("/v1/tools", body);
	api_use_key(client_key);
	return id;
}

static int
start(void **state)
{
	api_start(state);
	api_use_new_client("seed4");
	client_key = api_key();
	operator_key = api_use_operator();
	return 0;
}

/* "Tools created in master catalog": Tool.create, findByName, findByCategory, update. */
static void
tools_created_in_master_catalog(UNUSED void **state)
{
	search =
	    add_tool("{\"name\":\"search_products\",\"category\":\"commerce\","
		     "\"description\":\"Finds products\",\"parameters\":{\"type\":\"object\","
		     "\"properties\":{\"query\":{\"type\":\"string\"}},\"required\":[\"query\"]}}");
	orders = add_tool("{\"name\":\"get_order\",\"category\":\"commerce\"}");
	api_expect(200, "GET", "/v1/tools?name=search_products", NULL);
	api_expect_json("data.0.id", search);
	api_expect(200, "GET", "/v1/tools?category=commerce", NULL);
	assert_int_equal(api_rows(), 2);
	api_use_key(operator_key);
	api_expect(
	    200, "PATCH", api_text("/v1/tools/%s", orders), "{\"description\":\"Shows an order\"}");
	api_use_key(client_key);
	api_expect(200, "GET", api_text("/v1/tools/%s", orders), NULL);
	api_expect_json("description", "Shows an order");
}

/* "Tools enabled for client": enable, disable, webhook URLs, enabled ones with details. */
static void
tools_enabled_for_client(UNUSED void **state)
{
	const char *second;

	(void)api_add("/v1/client-tools",
	    api_text("{\"tool_id\":\"%s\",\"webhook_url\":\"https://n8n.example/a\"}", search));
	second = api_add("/v1/client-tools", api_text("{\"tool_id\":\"%s\"}", orders));
	api_expect(200, "PATCH", api_text("/v1/client-tools/%s", second),
	    "{\"webhook_url\":\"https://n8n.example/b\"}");
	api_expect_json("webhook_url", "https://n8n.example/b");
	api_expect(200, "PATCH", api_text("/v1/client-tools/%s", second), "{\"enabled\":false}");
	api_expect(200, "GET", "/v1/client-tools?enabled=true", NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.tool.name", "search_products");
	api_expect_json("data.0.tool.parameters.required.0", "query");
	api_expect_json("data.0.webhook_url", "https://n8n.example/a");
}

/* "100 clients use same tool = 1 definition + 100 links" */
static void
many_clients_share_one_definition(UNUSED void **state)
{
	for (int i = 0; i < 3; i++) {
		api_use_new_client(api_text("seed4-%d", i));
		(void)api_add("/v1/client-tools", api_text("{\"tool_id\":\"%s\"}", search));
	}
	api_use_key(client_key);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM client_tools WHERE tool_id = '%s'", search), "4");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM tools WHERE name = 'search_products'"), "1");
}

/* "Tool execution logged", and "Get failed executions (debugging)". */
static void
tool_execution_logged(UNUSED void **state)
{
	const char *id = api_add(EXECUTIONS,
	    "{\"tool\":\"search_products\",\"conversation_id\":\"0190a5b0-0000-7000-8000-000000000001\","
	    "\"arguments\":{\"query\":\"shoes\"},\"result\":{\"found\":3},\"duration_ms\":120}");
	const char *failed = api_add(EXECUTIONS,
	    "{\"tool\":\"search_products\",\"success\":false,\"error_message\":\"time-out\","
	    "\"duration_ms\":5000}");

	api_expect(200, "GET", api_text(EXECUTIONS "/%s", id), NULL);
	api_expect_json("result.found", "3");
	api_expect(
	    200, "GET", EXECUTIONS "?conversation_id=0190a5b0-0000-7000-8000-000000000001", NULL);
	assert_int_equal(api_rows(), 1);
	api_expect(200, "GET", EXECUTIONS "?success=false", NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.id", failed);
	api_expect_json("data.0.error_message", "time-out");
}

/* "Tool usage statistics" */
static void
tool_usage_statistics(UNUSED void **state)
{
	api_expect(200, "GET", EXECUTIONS "/statistics?by=tool", NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.tool", "search_products");
	api_expect_json("data.0.calls", "2");
	api_expect_json("data.0.failed_calls", "1");
	api_expect_json("data.0.failure_rate", "50");
}

/* "Cleanup methods (90-day retention)" */
static void
executions_are_kept_for_ninety_days(UNUSED void **state)
{
	const char *old = api_sql("SELECT (now() AT TIME ZONE 'UTC')::date - 100");
	char *output;

	api_sql("SELECT day_partition_add('tool_executions', '%s')", old);
	api_sql("INSERT INTO tool_executions (client_id, id, created_at, tool, success)\n"
		"SELECT id, gen_random_uuid(), '%s'::date, 'old', true FROM clients\n"
		"WHERE name = 'seed4'",
	    old);
	assert_int_equal(servers_tally(api_servers(), &output, "purge", NULL), EX_OK);
	free(output);
	assert_string_equal(api_sql("SELECT string_agg(DISTINCT tool, ' ') FROM tool_executions"),
	    "search_products");
}

/* "Cascade delete verified": a tool goes with its links, and the audit of its calls stays. */
static void
cascade_delete_verified(UNUSED void **state)
{
	api_use_key(operator_key);
	api_expect(204, "DELETE", api_text("/v1/tools/%s", search), NULL);
	api_use_key(client_key);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM client_tools WHERE tool_id = '%s'", search), "0");
	api_expect(200, "GET", EXECUTIONS "?tool=search_products", NULL);
	assert_int_equal(api_rows(), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tools_created_in_master_catalog),
		cmocka_unit_test(tools_enabled_for_client),
		cmocka_unit_test(many_clients_share_one_definition),
		cmocka_unit_test(tool_execution_logged),
		cmocka_unit_test(tool_usage_statistics),
		cmocka_unit_test(executions_are_kept_for_ninety_days),
		cmocka_unit_test(cascade_delete_verified),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
