/*
 * What a key that is bound to a user sends is that user's, in whatever form it comes; and what it
 * is told of budgets, stored records and earlier answers is nothing of others.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/api.h"
#include "tests/bound.h"
#include "tests/otlp.h"

static struct bound_person own = { .mark = "only-for-one", .cost = "0" };
static struct bound_person other = { .mark = "only-for-two", .cost = "471147.1147" };
static const char *client, *free_key, *bound_key;

/* Each test has a client of its own. */
static int
make_client(UNUSED void **state)
{
	static int number;
	const char *name = api_text("house %d", number++);

	api_use_new_client(name);
	free_key = api_key();
	client = api_sql("SELECT id FROM clients WHERE name = '%s'", name);
	bound_make_person(&own);
	bound_make_person(&other);
	bound_key = bound_make_key(client, own.user);
	api_use_key(bound_key);
	return 0;
}

static const char *
records_of(const char *user)
{
	return api_sql("SELECT count(*) FROM chat_logs WHERE client_id = '%s' AND user_id = '%s'",
	    client, user);
}

static void
a_record_is_the_users_of_the_key(UNUSED void **state)
{
	api_expect(201, "POST", "/v1/chat-logs", "{\"input_tokens\":1}");
	api_expect_json("user_id", own.user);
	api_expect(201, "POST", "/v1/chat-logs",
	    api_text("{\"user_id\":\"%s\",\"session_id\":\"%s\",\"input_tokens\":1}", own.user,
		own.session));
	api_expect(201, "POST", "/v1/chat-logs",
	    api_text("{\"external_user_id\":\"%s\",\"input_tokens\":1}", own.mark));
	api_expect_json("user_id", own.user);
	assert_string_equal(records_of(own.user), "4");
	assert_string_equal(records_of(other.user), "1");
}

static void
a_record_may_name_nothing_of_others(UNUSED void **state)
{
	const struct {
		const char *sentence, *field, *value, *named;
	} cases[] = {
		{ "another user", "user_id", other.user, "user_id" },
		{ "another user by its own name", "external_user_id", other.mark, "user_id" },
		{ "a user who would be made", "external_user_id", "new-here", "user_id" },
		{ "another user's session", "session_id", other.session, "session_id" },
		{ "another user's authorization", "authorization_id", other.authorization,
		    "authorization_id" },
		{ "an authorization that is not there", "authorization_id", other.user,
		    "authorization_id" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *record =
		    api_text("{\"%s\":\"%s\",\"input_tokens\":1}", cases[i].field, cases[i].value);

		api_send("POST", "/v1/chat-logs", NULL, record);
		api_expect_field(cases[i].sentence, cases[i].named);
		api_expect(
		    200, "POST", "/v1/chat-logs", api_text("[%s,{\"input_tokens\":1}]", record));
		api_expect_json("accepted", "1");
		api_expect_json("rejected.0.index", "0");
		api_expect_json("rejected.0.errors.0.field", cases[i].named);
	}
	assert_string_equal(records_of(other.user), "1");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM users WHERE client_id = '%s'", client), "2");
	assert_string_equal(api_sql("SELECT settled_at IS NULL FROM authorizations WHERE id = '%s'",
				other.authorization),
	    "t");
}

static void
lines_are_held_to_the_user_each(UNUSED void **state)
{
	const char *const headers[] = { "Content-Type: application/x-ndjson", NULL };

	api_send("POST", "/v1/chat-logs", headers,
	    api_text(
		"{\"input_tokens\":1}\n{\"user_id\":\"%s\",\"input_tokens\":1}\n", other.user));
	api_expect_json("accepted", "1");
	api_expect_json("rejected.0.index", "1");
	assert_string_equal(records_of(own.user), "2");
	assert_string_equal(records_of(other.user), "1");
}

static void
payloads_of_litellm_are_held_to_the_user_each(UNUSED void **state)
{
	api_expect(200, "POST", "/v1/ingest/litellm",
	    api_text("[{\"id\":\"a\",\"startTime\":%s,\"prompt_tokens\":1},"
		     "{\"id\":\"b\",\"startTime\":%s,\"prompt_tokens\":1,\"end_user\":\"%s\"},"
		     "{\"id\":\"c\",\"startTime\":%s,\"prompt_tokens\":1,\"end_user\":\"%s\"}]",
		api_sql("SELECT extract(epoch FROM now())"),
		api_sql("SELECT extract(epoch FROM now())"), own.mark,
		api_sql("SELECT extract(epoch FROM now())"), other.mark));
	api_expect_json("accepted", "2");
	api_expect_json("rejected.0.index", "2");
	assert_string_equal(records_of(own.user), "3");
	assert_string_equal(records_of(other.user), "1");
}

static void
spans_are_held_to_the_user_each(UNUSED void **state)
{
	struct otlp_span spans[] = { otlp_span(1), otlp_span(2), otlp_span(3) };

	spans[0].attributes = "gen_ai.operation.name=chat;gen_ai.usage.input_tokens=#1";
	spans[1].attributes = api_text("%s;user.id=%s", spans[0].attributes, own.mark);
	spans[2].attributes = api_text("%s;user.id=%s", spans[0].attributes, other.mark);
	otlp_expect(otlp_send(OTEL_JSON, spans, COUNT(spans)),
	    "accepted=2, duplicates=0, rejected=1, ignored=0");
	assert_string_equal(records_of(own.user), "3");
	assert_string_equal(records_of(other.user), "1");
}

static void
a_stored_record_of_another_user_is_not_shown(UNUSED void **state)
{
	const char *record = api_text("{\"id\":\"%s\",\"input_tokens\":1}", other.record);

	api_expect(409, "POST", "/v1/chat-logs", record);
	assert_null(strstr(api_answer()->body, other.mark));
	api_expect(200, "POST", "/v1/chat-logs",
	    api_text("{\"id\":\"%s\",\"input_tokens\":1}", own.record));
	api_expect_json("feature", own.mark);
}

static void
an_earlier_answer_is_not_for_another_users_key(UNUSED void **state)
{
	const char *const headers[] = { "Idempotency-Key: the same", NULL };
	const char *others_key = bound_make_key(client, other.user);
	const char *paths[] = { "/v1/chat-logs", "/v1/sessions" };
	const char *bodies[] = { "{\"input_tokens\":1}", "{}" };

	for (size_t i = 0; i < COUNT(paths); i++) {
		api_sql("DELETE FROM idempotency_keys");
		api_use_key(others_key);
		assert_int_equal(api_send("POST", paths[i], headers, bodies[i]), 201);
		api_expect_json("user_id", other.user);
		api_use_key(bound_key);
		assert_int_equal(api_send("POST", paths[i], headers, bodies[i]), 422);
		assert_null(strstr(api_answer()->body, other.user));
		api_use_key(others_key);
		assert_int_equal(api_send("POST", paths[i], headers, bodies[i]), 201);
	}
}

static void
an_authorization_is_the_users_of_the_key(UNUSED void **state)
{
	const char *id = api_add("/v1/authorizations", "{\"max_cost_cents\":0.1}");

	api_expect_json("user_id", own.user);
	api_expect(201, "POST", api_text("/v1/authorizations/%s/settle", id),
	    "{\"input_tokens\":1,\"verified_cost_cents\":0.1}");
	api_expect_json("user_id", own.user);
	api_send("POST", "/v1/authorizations", NULL,
	    api_text("{\"user_id\":\"%s\",\"max_cost_cents\":0.1}", other.user));
	api_expect_field("another user", "user_id");
	api_send("POST", "/v1/authorizations", NULL,
	    api_text("{\"external_user_id\":\"%s\",\"max_cost_cents\":0.1}", other.mark));
	api_expect_field("another user by its own name", "user_id");
	api_send("POST", "/v1/authorizations", NULL,
	    api_text("{\"session_id\":\"%s\",\"max_cost_cents\":0.1}", other.session));
	api_expect_field("another user's session", "session_id");
	id = api_add("/v1/authorizations", "{\"max_cost_cents\":0.1}");
	api_send("POST", api_text("/v1/authorizations/%s/settle", id), NULL,
	    api_text("{\"user_id\":\"%s\",\"input_tokens\":1}", other.user));
	api_expect_field("a settle for another user", "user_id");
}

/* The client's budget has 471,147 of 471,149 cents spent, by the other. */
static void
a_budget_of_the_client_tells_a_user_no_sums(UNUSED void **state)
{
	api_use_key(free_key);
	api_add("/v1/budgets", "{\"name\":\"whole\",\"window\":\"total\",\"limit_cents\":471149}");
	api_expect(201, "POST", "/v1/authorizations", "{\"max_cost_cents\":0.1}");
	api_expect_json("budget.name", "whole");
	api_use_key(bound_key);
	api_expect(201, "POST", "/v1/authorizations", "{\"max_cost_cents\":0.1}");
	api_expect_json("budget.name", own.mark);
	assert_null(strstr(api_answer()->body, "4711"));
	api_expect(402, "POST", "/v1/authorizations", "{\"max_cost_cents\":5}");
	api_expect_json("budget.name", "whole");
	assert_null(strstr(api_answer()->body, "4711"));
}

/* The first request after a start reads the client's budgets for all that follow. */
static void
a_users_request_does_not_hide_the_clients_budgets_from_others(UNUSED void **state)
{
	const char *id;

	api_use_key(free_key);
	api_add("/v1/budgets", "{\"name\":\"whole\",\"window\":\"total\",\"limit_cents\":471149}");
	api_use_key(bound_key);
	id = api_add("/v1/authorizations", "{\"max_cost_cents\":0.1}");
	servers_kill_tree(api_servers(), SERVER_TALLYD);
	servers_restart(api_servers(), SERVER_TALLYD);
	api_expect(200, "POST", api_text("/v1/authorizations/%s/void", id), NULL);
	api_use_key(free_key);
	api_expect(402, "POST", "/v1/authorizations", "{\"max_cost_cents\":5}");
	api_expect_json("budget.name", "whole");
}

static const char *
answer_to(const char *key, const char *path)
{
	api_use_key(key);
	api_expect(200, "GET", path, NULL);
	return api_text("%s", api_answer()->body);
}

/* From the rollups as well as from the log. */
static void
a_user_is_told_of_its_use_what_its_client_is_told(UNUSED void **state)
{
	const char *const paths[] = { api_text("/v1/users/%s/usage", own.user),
		api_text("/v1/usage-stats/daily?user_id=%s", own.user),
		api_text("/v1/users/%s/chat-logs", own.user) };
	char *output;

	api_use_key(free_key);
	api_expect(200, "POST", "/v1/chat-logs",
	    api_text("[{\"user_id\":\"%s\",\"input_tokens\":5,\"verified_cost_cents\":3,"
		     "\"created_at\":\"%s\"},"
		     "{\"user_id\":\"%s\",\"input_tokens\":5,\"verified_cost_cents\":471147,"
		     "\"created_at\":\"%s\"}]",
		own.user,
		api_sql(
		    "SELECT to_char(now() - interval '3 days', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"),
		other.user,
		api_sql(
		    "SELECT to_char(now() - interval '3 days', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")));
	for (int rolled_up = 0; rolled_up < 2; rolled_up++) {
		for (size_t i = 0; i < COUNT(paths); i++) {
			assert_string_equal(
			    answer_to(bound_key, paths[i]), answer_to(free_key, paths[i]));
			assert_null(strstr(api_answer()->body, "4711"));
		}
		assert_int_equal(servers_tally(api_servers(), &output, "flush", NULL), 0);
		free(output);
		assert_int_equal(servers_tally(api_servers(), &output, "rollup", NULL), 0);
		free(output);
	}
	answer_to(bound_key, paths[0]);
	api_expect_json("total_requests", "2");
	api_expect_json("total_cost_cents", "3");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_record_is_the_users_of_the_key, make_client),
		cmocka_unit_test_setup(a_record_may_name_nothing_of_others, make_client),
		cmocka_unit_test_setup(lines_are_held_to_the_user_each, make_client),
		cmocka_unit_test_setup(payloads_of_litellm_are_held_to_the_user_each, make_client),
		cmocka_unit_test_setup(spans_are_held_to_the_user_each, make_client),
		cmocka_unit_test_setup(a_stored_record_of_another_user_is_not_shown, make_client),
		cmocka_unit_test_setup(an_earlier_answer_is_not_for_another_users_key, make_client),
		cmocka_unit_test_setup(an_authorization_is_the_users_of_the_key, make_client),
		cmocka_unit_test_setup(a_budget_of_the_client_tells_a_user_no_sums, make_client),
		cmocka_unit_test_setup(
		    a_users_request_does_not_hide_the_clients_budgets_from_others, make_client),
		cmocka_unit_test_setup(
		    a_user_is_told_of_its_use_what_its_client_is_told, make_client),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
