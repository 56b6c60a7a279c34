/*
 * The fourth seed's checklist, section 6, as far as it is of clients and of what they are billed,
 * and its walk through all models together. Its Client model is /v1/clients with their API keys;
 * its api_usage is what /v1/billing answers.
 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"

static const char *operator_key, *client, *first_key, *first_path;

static int
start(void **state)
{
	api_start(state);
	operator_key = api_use_operator();
	return 0;
}

/* "Client created and authenticated": create, findById, find by API key. */
static void
client_created_and_authenticated(UNUSED void **state)
{
	client = api_add("/v1/clients",
	    api_text("{\"name\":\"seed4\",\"plan\":\"pro\",\"timezone\":\"%s\"}", servers_noon()));
	api_expect(200, "GET", api_text("/v1/clients/%s", client), NULL);
	api_expect_json("plan", "pro");
	first_path = api_text("/v1/clients/%s/api-keys/%s", client,
	    api_add(api_text("/v1/clients/%s/api-keys", client),
		"{\"name\":\"k\",\"scopes\":[\"logs:write\",\"logs:read\",\"analytics\","
		"\"budgets:read\",\"budgets:write\",\"conversations\",\"tools\"]}"));
	first_key = api_keep("key");
	api_use_key(first_key);
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	api_use_key(api_text("%.*sAAAAAA", (int)strlen(first_key) - 6, first_key));
	api_expect(401, "GET", "/v1/daily-costs/today", NULL);
	api_use_key(operator_key);
}

/* update, count by plan. */
static void
clients_are_updated_and_counted_by_plan(UNUSED void **state)
{
	int before;

	api_expect(200, "GET", "/v1/clients/count?by=plan", NULL);
	before = atoi(api_json("by_plan.pro"));
	api_add("/v1/clients", "{\"name\":\"seed4 too\",\"plan\":\"pro\"}");
	api_expect(200, "GET", "/v1/clients/count?by=plan", NULL);
	assert_int_equal(atoi(api_json("by_plan.pro")), before + 1);
	api_expect(200, "PATCH", api_text("/v1/clients/%s", client), "{\"plan\":\"enterprise\"}");
	api_expect(200, "GET", "/v1/clients/count?by=plan", NULL);
	assert_int_equal(atoi(api_json("by_plan.pro")), before);
}

/* A change of a key that was used reaches tallyd a moment later. */
static bool
is_refused(UNUSED void *context)
{
	return api_send("GET", "/v1/daily-costs/today", NULL, NULL) == 401;
}

/* Regenerate the API key: the old one ends at once where no grace is given. */
static void
api_key_regenerated(UNUSED void **state)
{
	const char *second;

	api_expect(201, "POST", api_text("%s/rotate", first_path), "{\"grace_seconds\":0}");
	second = api_keep("key");
	api_use_key(first_key);
	assert_true(servers_await(is_refused, NULL));
	api_use_key(second);
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	first_key = second;
}

/* "API usage recorded and billed": current period, cost, over the limit, top clients. */
static void
api_usage_recorded_and_billed(UNUSED void **state)
{
	api_use_key(first_key);
	api_add("/v1/budgets", "{\"name\":\"month\",\"window\":\"month\",\"mode\":\"soft\","
			       "\"limit_cents\":100}");
	for (int i = 0; i < 3; i++)
		api_add("/v1/chat-logs", "{\"input_tokens\":40,\"output_tokens\":2,\"model\":\"m\","
					 "\"verified_cost_cents\":50.5}");
	api_expect(200, "GET", "/v1/billing/current", NULL);
	assert_non_null(strstr(api_answer()->body, "151.5"));
	books_expect_tally(api_servers(), EX_OK, NULL, (const char *const[9]){ "flush" });
	api_use_key(operator_key);
	api_expect(200, "GET", "/v1/billing/clients?over_limit=true", NULL);
	api_expect_json("data.0.name", "seed4");
	api_expect(200, "GET", "/v1/billing/clients?limit=1", NULL);
	api_expect_json("data.0.name", "seed4");
}

/* "Cross-model queries working": one conversation, with its messages, calls and executions. */
static void
cross_model_queries_working(UNUSED void **state)
{
	const char *conversation, *path;

	api_use_key(first_key);
	conversation = api_add("/v1/conversations", "{\"title\":\"Where is my order?\"}");
	path = api_text("/v1/conversations/%s", conversation);
	api_add(api_text("%s/messages", path),
	    "{\"role\":\"user\",\"content\":\"Where is my order?\",\"tokens\":5}");
	api_add("/v1/chat-logs", api_text("{\"conversation_id\":\"%s\",\"model\":\"m\","
					  "\"agent_type\":\"support\",\"input_tokens\":5,"
					  "\"output_tokens\":7,\"verified_cost_cents\":2}",
				     conversation));
	api_add("/v1/tool-executions",
	    api_text("{\"conversation_id\":\"%s\",\"tool\":\"get_order\"}", conversation));
	api_expect(200, "GET", path, NULL);
	api_expect_json("message_count", "1");
	api_expect_json("token_count", "5");
	api_expect(200, "GET", api_text("%s/token-usage", path), NULL);
	assert_non_null(strstr(api_answer()->body, "support"));
	api_expect(200, "GET", api_text("/v1/chat-logs?conversation_id=%s", conversation), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect(
	    200, "GET", api_text("/v1/tool-executions?conversation_id=%s", conversation), NULL);
	assert_int_equal(api_rows(), 1);
}

/* deactivate: soft, and its keys stop working; what was billed stays. */
static void
client_deactivated(UNUSED void **state)
{
	api_use_key(operator_key);
	api_expect(200, "POST", api_text("/v1/clients/%s/deactivate", client), NULL);
	api_expect(200, "GET", "/v1/billing/clients?limit=1", NULL);
	api_expect_json("data.0.name", "seed4");
	api_use_key(first_key);
	assert_true(servers_await(is_refused, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_created_and_authenticated),
		cmocka_unit_test(clients_are_updated_and_counted_by_plan),
		cmocka_unit_test(api_key_regenerated),
		cmocka_unit_test(api_usage_recorded_and_billed),
		cmocka_unit_test(cross_model_queries_working),
		cmocka_unit_test(client_deactivated),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
