/* /v1/tools and /v1/client-tools: the catalogue, its schemas, and what a client has of it. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "lib/model/tool.h"
#include "tests/api.h"

static const char *operator_key, *client_key;

static int
start(void **state)
{
	api_start(state);
	api_use_new_client("tools");
	client_key = api_key();
	operator_key = api_use_operator();
	return 0;
}

/* The id of a new tool of the catalogue; the calls are the client's from here on. */
static const char *
add_tool(const char *members)
{
	const char *id;

	api_use_key(operator_key);
	id = api_add("/v1/tools", api_text("{%s}", members));
	api_use_key(client_key);
	return id;
}

static void
clients_read_what_operators_write(UNUSED void **state)
{
	const char *id =
	    add_tool("\"name\":\"weather.get\",\"category\":\"web\",\"description\":\"d\","
		     "\"parameters\":{\"type\":\"object\"}");

	api_expect(200, "GET", api_text("/v1/tools/%s", id), NULL);
	api_expect_json("name", "weather.get");
	api_expect_json("parameters.type", "object");
	api_expect_json("enabled", "true");
	api_expect(200, "GET", "/v1/tools?category=web&enabled=true", NULL);
	assert_int_equal(api_rows(), 1);
	api_expect(403, "POST", "/v1/tools", "{\"name\":\"n\"}");
	api_expect(403, "PATCH", api_text("/v1/tools/%s", id), "{\"enabled\":false}");
	api_expect(403, "DELETE", api_text("/v1/tools/%s", id), NULL);
	api_use_key(operator_key);
	api_expect(200, "GET", "/v1/tools?name=weather.get", NULL);
	assert_int_equal(api_rows(), 1);
	api_use_key(NULL);
	api_expect(401, "GET", "/v1/tools", NULL);
}

static void
a_name_has_a_form_and_is_there_once(UNUSED void **state)
{
	static const char *const bad[] = { "a b", "a/b", "\xc3\xa4", "a\\n", "a:b" };

	(void)add_tool("\"name\":\"Once_-.9\"");
	api_use_key(operator_key);
	api_expect(409, "POST", "/v1/tools", "{\"name\":\"Once_-.9\"}");
	api_expect_field("a name that is taken", "name");
	for (size_t i = 0; i < COUNT(bad); i++) {
		api_send("POST", "/v1/tools", NULL, api_text("{\"name\":\"%s\"}", bad[i]));
		api_expect_field(bad[i], "name");
	}
}

/* Each place is named; more of the rules stand in tests/unit/test_json_schema.c. */
static void
parameters_are_a_schema(UNUSED void **state)
{
	static const struct {
		const char *schema;
		const char *field;
	} bad[] = {
		{ "{\"type\":\"string\"}", "parameters.type" },
		{ "{\"properties\":{\"city\":{\"type\":\"text\"}}}",
		    "parameters.properties.city.type" },
		{ "{\"required\":[1]}", "parameters.required" },
		{ "{\"properties\":{\"a\":{\"enum\":[]}}}", "parameters.properties.a.enum" },
	};
	const char *id = add_tool("\"name\":\"schema\"");

	api_use_key(operator_key);
	for (size_t i = 0; i < COUNT(bad); i++) {
		api_send("POST", "/v1/tools", NULL,
		    api_text("{\"name\":\"bad\",\"parameters\":%s}", bad[i].schema));
		api_expect_field("added", bad[i].field);
		api_send("PATCH", api_text("/v1/tools/%s", id), NULL,
		    api_text("{\"parameters\":%s}", bad[i].schema));
		api_expect_field("changed", bad[i].field);
	}
	api_expect(200, "GET", api_text("/v1/tools/%s", id), NULL);
	api_expect_json("parameters", "{}");
}

static void
parameters_have_a_size(UNUSED void **state)
{
	const int inside = TOOL_PARAMETERS_MAX - (int)strlen("{\"title\":\"\"}");

	api_use_key(operator_key);
	api_expect(201, "POST", "/v1/tools",
	    api_text("{\"name\":\"fits\",\"parameters\":{\"title\":\"%0*d\"}}", inside, 0));
	api_send("POST", "/v1/tools", NULL,
	    api_text("{\"name\":\"toobig\",\"parameters\":{\"title\":\"%0*d\"}}", inside + 1, 0));
	api_expect_field("a byte more", "parameters");
}

static void
a_client_switches_a_tool_on_and_off(UNUSED void **state)
{
	const char *tool = add_tool("\"name\":\"switched\",\"description\":\"d\","
				    "\"parameters\":{\"required\":[\"a\"]}");
	const char *path, *id;

	id = api_add("/v1/client-tools",
	    api_text("{\"tool_id\":\"%s\",\"webhook_url\":\"https://example.com/hook\"}", tool));
	path = api_text("/v1/client-tools/%s", id);
	api_expect_json("enabled", "true");
	api_expect_json("tool.name", "switched");
	api_expect_json("tool.parameters.required.0", "a");
	api_expect(200, "PATCH", path, "{\"enabled\":false,\"webhook_url\":null}");
	api_expect_json("webhook_url", "null");
	api_expect(200, "GET", "/v1/client-tools?enabled=true", NULL);
	assert_int_equal(api_rows(), 0);
	api_expect(200, "GET", api_text("/v1/client-tools?tool_id=%s", tool), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.tool.description", "d");
	api_send("POST", "/v1/client-tools", NULL, api_text("{\"tool_id\":\"%s\"}", tool));
	api_expect_field("a tool twice", "tool_id");
	api_expect(204, "DELETE", path, NULL);
	api_expect(200, "GET", api_text("/v1/tools/%s", tool), NULL);
}

/* A list says what the catalogue says now; who changes the client's row need not have seen it. */
static void
the_catalogue_shows_through(UNUSED void **state)
{
	const char *tool = add_tool("\"name\":\"shown\"");
	const char *path = api_text("/v1/client-tools/%s",
	    api_add("/v1/client-tools", api_text("{\"tool_id\":\"%s\"}", tool)));
	const char *match = api_text("If-Match: %s", http_header(api_answer(), "etag"));
	const char *const headers[] = { match, NULL };

	api_use_key(operator_key);
	api_expect(200, "PATCH", api_text("/v1/tools/%s", tool),
	    "{\"enabled\":false,\"description\":\"newer\"}");
	api_use_key(client_key);
	api_expect(200, "GET", path, NULL);
	api_expect_json("enabled", "true");
	api_expect_json("tool.enabled", "false");
	api_expect_json("tool.description", "newer");
	assert_int_equal(api_send("PATCH", path, headers, "{\"enabled\":false}"), 200);
	assert_int_equal(api_send("PATCH", path, headers, "{\"enabled\":true}"), 412);
}

static void
a_webhook_url_is_held_to_the_rules_of_webhooks(UNUSED void **state)
{
	static const char *const bad[] = { "http://example.com/", "ftp://example.com/",
		"example.com", "https://u:p@example.com/", "https://exa mple.com/" };
	const char *tool = add_tool("\"name\":\"urls\"");

	for (size_t i = 0; i < COUNT(bad); i++) {
		api_send("POST", "/v1/client-tools", NULL,
		    api_text("{\"tool_id\":\"%s\",\"webhook_url\":\"%s\"}", tool, bad[i]));
		api_expect_field(bad[i], "webhook_url");
	}
}

static void
what_leaves_the_catalogue_leaves_the_clients(UNUSED void **state)
{
	const char *tool = add_tool("\"name\":\"leaving\"");
	const char *path = api_text("/v1/client-tools/%s",
	    api_add("/v1/client-tools", api_text("{\"tool_id\":\"%s\"}", tool)));

	api_use_key(operator_key);
	api_expect(204, "DELETE", api_text("/v1/tools/%s", tool), NULL);
	api_use_key(client_key);
	api_expect(404, "GET", path, NULL);
	api_expect(404, "GET", api_text("/v1/tools/%s", tool), NULL);
}

/* One value, as the service itself would see it for this client. */
static const char *
seen_by(const char *client, const char *sql)
{
	return api_sql(
	    "SET ROLE tally_app; SELECT set_config('app.client_id', '%s', false); %s", client, sql);
}

static void
policies_keep_clients_from_writing(UNUSED void **state)
{
	static const char remove[] =
	    "WITH gone AS (DELETE FROM tools RETURNING 1) SELECT count(*) FROM gone";
	static const char any[] = "SELECT count(*) > 0 FROM tools";
	const char *client = api_sql("SELECT id FROM clients WHERE name = 'tools'");

	(void)add_tool("\"name\":\"kept\"");
	assert_string_equal(seen_by(client, remove), "0");
	assert_string_equal(seen_by(client, any), "t");
	assert_string_equal(seen_by("", any), "f");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_read_what_operators_write),
		cmocka_unit_test(a_name_has_a_form_and_is_there_once),
		cmocka_unit_test(parameters_are_a_schema),
		cmocka_unit_test(parameters_have_a_size),
		cmocka_unit_test(a_client_switches_a_tool_on_and_off),
		cmocka_unit_test(the_catalogue_shows_through),
		cmocka_unit_test(a_webhook_url_is_held_to_the_rules_of_webhooks),
		cmocka_unit_test(what_leaves_the_catalogue_leaves_the_clients),
		cmocka_unit_test(policies_keep_clients_from_writing),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
