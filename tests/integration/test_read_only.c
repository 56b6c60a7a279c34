/*
 * Every GET is answered from a PostgreSQL that takes no writes, as one that follows another does:
 * so a tallyd beside it can serve them. A route whose path this test does not know fails it.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/router.h"
#include "tests/api.h"

static const char *record, *budget, *user, *authorization, *webhook, *client;
static const char *session, *token, *transaction, *erasure, *conversation, *agent, *websocket;
static const char *integration, *endpoint;
static const char *tool, *client_tool, *tool_execution;
static const char *session_token; /* as a header */

/* What stands for the {...} behind these; a list that has none is of nobody, and answered too. */
static const char *
value_of(const char *path, size_t len)
{
	const struct {
		const char *prefix;
		const char *value;
	} values[] = {
		{ "/v1/chat-logs/", record },
		{ "/v1/budgets/", budget },
		{ "/v1/users/", user },
		{ "/v1/authorizations/", authorization },
		{ "/v1/webhooks/", webhook },
		{ "/v1/integrations/", integration },
		{ "/v1/integrations/{integration_id}/endpoints/", endpoint },
		{ "/v1/clients/", client },
		{ "/v1/daily-costs/", "2026-01-01" },
		{ "/v1/prompts/", record },
		{ "/v1/sessions/", session },
		{ "/v1/agent-sessions/", agent },
		{ "/v1/websocket-connections/", websocket },
		{ "/v1/auth-tokens/", token },
		{ "/v1/clients/{id}/api-keys/", token },
		{ "/v1/erasures/", erasure },
		{ "/v1/conversations/{id}/versions/", "0" },
		{ "/v1/conversations/", conversation },
		{ "/v1/tools/", tool },
		{ "/v1/client-tools/", client_tool },
		{ "/v1/tool-executions/", tool_execution },
		{ "/v1/credit-accounts/", user },
		{ "/v1/credit-accounts/{user_id}/transactions/", transaction },
		{ "/v1/credit-accounts/{user_id}/statements/", "2026-01" },
	};

	for (size_t i = 0; i < COUNT(values); i++) {
		if (strlen(values[i].prefix) == len && strncmp(path, values[i].prefix, len) == 0)
			return values[i].value;
	}
	fail_msg("this test does not know what to put into %s behind %zu letters", path, len);
	return NULL;
}

/* A parameter without which there is no answer. */
static const char *
parameter(const char *name)
{
	if (strcmp(name, "user_id") == 0)
		return user;
	if (strcmp(name, "start_time") == 0)
		return "1767225600";
	if (strcmp(name, "amount") == 0)
		return "1";
	if (strcmp(name, "from") == 0 || strcmp(name, "to") == 0)
		return "0";
	return "model";
}

static const char *
fill_path(const char *pattern)
{
	const char *path = "", *rest = pattern;

	for (const char *at; (at = strchr(rest, '{')) != NULL; rest = strchr(at, '}') + 1)
		path = api_text("%s%.*s%s", path, (int)(at - rest), rest,
		    value_of(pattern, (size_t)(at - pattern)));
	return api_text("%s%s", path, rest);
}

static const char *
fill(const struct route *route)
{
	const char *path = fill_path(route->path);
	struct route_fields query = router_query(route);
	const char *before = "?";

	for (size_t i = 0; i < query.count; i++) {
		if (!query.at[i].required)
			continue;
		path = api_text(
		    "%s%s%s=%s", path, before, query.at[i].name, parameter(query.at[i].name));
		before = "&";
	}
	return path;
}

static void
refuse_writes(void)
{
	free(servers_sql(
	    api_servers(), "ALTER ROLE tally_app SET default_transaction_read_only = on"));
	free(servers_sql(api_servers(),
	    "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity\n"
	    "WHERE usename = 'tally_app'"));
}

/* The first try may only find that its connection is gone. */
static bool
writes_are_refused(UNUSED void *context)
{
	return api_send("POST", "/v1/chat-logs", NULL, "{\"input_tokens\":1}") == 503 &&
	       strstr(api_answer()->body, "read-only") != NULL;
}

static int
start(void **state)
{
	api_start(state);
	api_use_budget("client", "\"window\":\"day\",\"limit_cents\":100");
	client = api_sql("SELECT id FROM clients WHERE name = 'client'");
	budget = api_sql("SELECT id FROM budgets");
	record = api_add("/v1/chat-logs", "{\"input_tokens\":1,\"external_user_id\":\"ada\"}");
	authorization = api_add("/v1/authorizations", "{\"max_cost_cents\":0.1}");
	api_expect(200, "POST", "/v1/prompts/analyze",
	    api_text("{\"event_id\":\"%s\",\"prompt\":\"a\"}", record));
	webhook = api_add("/v1/webhooks", "{\"url\":\"https://example.com/\"}");
	conversation = api_add("/v1/conversations", "{}");
	agent = api_add("/v1/agent-sessions", "{}");
	api_add(api_text("/v1/conversations/%s/versions", conversation), "{\"html\":\"n\"}");
	integration = api_add("/v1/integrations",
	    "{\"type\":\"http\",\"name\":\"n\",\"base_url\":\"https://example.com\"}");
	endpoint = api_add(api_text("/v1/integrations/%s/endpoints", integration),
	    "{\"name\":\"n\",\"path\":\"/products\"}");
	session = api_add("/v1/sessions", "{}");
	session_token = api_text("X-Session-Token: %s", api_json("token"));
	user = api_sql("SELECT id FROM users");
	token = api_sql("SELECT id FROM auth_tokens WHERE client_id = '%s'", client);
	transaction = api_add(api_text("/v1/credit-accounts/%s/transactions", user),
	    "{\"type\":\"purchase\",\"amount\":1}");
	api_expect(202, "POST",
	    api_text("/v1/users/%s/erase", api_add("/v1/users", "{\"email\":\"a@example.com\"}")),
	    "{}");
	erasure = api_keep("id");
	api_sql(
	    "INSERT INTO tools (id, name, parameters) VALUES (gen_random_uuid(), 'tool', '{}')");
	tool = api_sql("SELECT id FROM tools");
	client_tool = api_add("/v1/client-tools", api_text("{\"tool_id\":\"%s\"}", tool));
	tool_execution = api_add("/v1/tool-executions", "{\"tool\":\"tool\"}");
	websocket = api_add("/v1/websocket-connections",
	    api_text("{\"user_id\":\"%s\",\"connection_id\":\"c\",\"client_type\":\"t\"}", user));
	refuse_writes();
	assert_true(servers_await(writes_are_refused, NULL));
	return 0;
}

static void
every_get_is_answered(UNUSED void **state)
{
	const char *key = api_key();
	const char *const headers[] = { session_token, NULL };
	const char *missed = "";

	for (size_t i = 0; route_at(i) != NULL; i++) {
		const struct route *route = route_at(i);
		const char *path;
		long status;

		if (strcmp(route->method, "GET") != 0 || strcmp(route->path, "/readyz") == 0)
			continue;
		path = fill(route);
		if (route->scope == SCOPE_OPERATOR)
			(void)api_use_operator();
		else
			api_use_key(key);
		/* An answer without an end is asked for its head. */
		status = api_send(
		    strcmp(route->path, "/v1/events") == 0 ? "HEAD" : "GET", path, headers, NULL);
		if (status != 200)
			missed = api_text("%s %s: %ld", missed, path, status);
	}
	assert_string_equal(missed, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_get_is_answered),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
