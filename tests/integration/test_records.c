/*
 * POST /v1/chat-logs through nginx: forms, identity, prices, refusals, and what the day shows
 * afterwards.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http.h"
#include "tests/servers.h"

static struct servers *servers;
static struct http client;

static const char *const ndjson[] = { "Content-Type: application/x-ndjson", NULL };

static struct http_answer
post(const char *body)
{
	return http_send(&client, "POST", "/v1/chat-logs", NULL, body);
}

static void
assert_json(const struct http_answer *answer, const char *path, const char *value)
{
	const char *found = http_json(answer, path, 0);

	if (found == NULL)
		fail_msg("no %s in %s", path, answer->body);
	assert_string_equal(found, value);
}

static void
assert_sql(const char *sql, const char *value)
{
	char *found = servers_sql(servers, sql);

	assert_string_equal(found, value);
	free(found);
}

/* A client of its own for a test, so that its day begins at zero. */
static void
use_new_client(const char *name)
{
	free((char *)(uintptr_t)client.key);
	client.url = servers_http_url(servers);
	client.key = servers_key_at_noon(servers, name);
}

static void
test_one_record_is_stored_priced_and_counted(void **state)
{
	struct http_answer answer;

	(void)state;
	use_new_client("single");
	answer = post(
	    "{\"model\":\"gpt-4o\",\"provider\":\"openai\",\"input_tokens\":1000,"
	    "\"cached_input_tokens\":400,\"output_tokens\":7,\"external_user_id\":\"ann\","
	    "\"tools_used\":[\"a \\\"b\\\"\",\"c\\\\d\"],\"tags\":[\"x\"],\"metadata\":{\"k\":[1]}}");
	assert_int_equal(answer.status, 201);
	/* 600 at 2.5, 400 at 1.25, 7 at 10 dollars a million tokens: 0.207 cents. */
	assert_json(&answer, "estimated_cost_cents", "0.207");
	assert_json(&answer, "input_tokens", "600");
	assert_json(&answer, "cached_input_tokens", "400");
	assert_json(&answer, "tokens_used", "1007");
	assert_json(&answer, "success", "true");
	assert_json(&answer, "tools_used.0", "a \"b\"");
	assert_json(&answer, "tools_used.1", "c\\d");
	http_free(&answer);

	answer = http_send(&client, "GET", "/v1/daily-costs/today", NULL, NULL);
	assert_int_equal(answer.status, 200);
	assert_json(&answer, "total_cost_cents", "0.207");
	assert_json(&answer, "total_requests", "1");
	assert_json(&answer, "total_tokens", "1007");
	assert_json(&answer, "unique_users", "1");
	assert_json(&answer, "source", "redis");
	http_free(&answer);
}

static void
test_a_stored_record_is_read_as_it_was_answered(void **state)
{
	struct http_answer stored, found;
	char path[80];

	(void)state;
	use_new_client("read back");
	stored =
	    post("{\"message_length\":5,\"feature\":\"chat\",\"duration_ms\":12,\"success\":false,"
		 "\"error_message\":\"time-out\",\"verified_cost_cents\":0.0000001}");
	assert_int_equal(stored.status, 201);
	(void)snprintf(path, sizeof(path), "/v1/chat-logs/%s", http_json(&stored, "id", 1));
	found = http_send(&client, "GET", path, NULL, NULL);
	assert_int_equal(found.status, 200);
	assert_string_equal(found.body, stored.body);
	http_free(&stored);
	http_free(&found);
}

static void
test_unpriced_is_null_and_not_zero(void **state)
{
	struct http_answer answer;

	(void)state;
	use_new_client("unpriced");
	answer = post("{\"model\":\"no-such-model\",\"input_tokens\":10}");
	assert_int_equal(answer.status, 201);
	assert_json(&answer, "estimated_cost_cents", "null");
	http_free(&answer);
	answer = http_send(&client, "GET", "/v1/daily-costs/today", NULL, NULL);
	assert_json(&answer, "unpriced_requests", "1");
	assert_json(&answer, "total_cost_cents", "0");
	http_free(&answer);
}

static void
test_the_same_id_is_stored_once(void **state)
{
	static const char body[] =
	    "{\"id\":\"litellm-1\",\"created_at\":\"%s\",\"message_length\":%d,"
	    "\"verified_cost_cents\":1}";
	char *now = servers_sql(
	    servers, "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
	struct http_answer first, second;
	char text[200];

	(void)state;
	use_new_client("twice");
	(void)snprintf(text, sizeof(text), body, now, 5);
	first = post(text);
	assert_int_equal(first.status, 201);
	(void)snprintf(text, sizeof(text), body, now, 6);
	second = post(text);
	assert_int_equal(second.status, 200);
	assert_string_equal(first.body, second.body);
	http_free(&first);
	http_free(&second);
	first = http_send(&client, "GET", "/v1/daily-costs/today", NULL, NULL);
	assert_json(&first, "total_requests", "1");
	assert_json(&first, "total_cost_cents", "1");
	http_free(&first);
	free(now);
}

static void
test_array_stores_the_good_and_names_the_bad(void **state)
{
	struct http_answer answer;

	(void)state;
	use_new_client("array");
	answer = post("[{\"message_length\":1},{\"colour\":1,\"message_length\":\"x\"},"
		      "{\"message_length\":1,\"user_id\":\"0190a5b0-0000-7000-8000-000000000000\"},"
		      "{\"message_length\":2,\"external_user_id\":\"bob\"},{}]");
	assert_int_equal(answer.status, 200);
	assert_json(&answer, "accepted", "2");
	assert_json(&answer, "duplicates", "0");
	assert_json(&answer, "rejected.0.index", "1");
	assert_json(&answer, "rejected.0.errors.0.field", "colour");
	assert_json(&answer, "rejected.0.errors.1.field", "message_length");
	assert_json(&answer, "rejected.1.index", "2");
	assert_json(&answer, "rejected.1.errors.0.field", "user_id");
	assert_json(&answer, "rejected.2.index", "4");
	http_free(&answer);
	answer = http_send(&client, "GET", "/v1/daily-costs/today", NULL, NULL);
	assert_json(&answer, "total_requests", "2");
	assert_json(&answer, "unique_users", "1");
	http_free(&answer);
}

static void
test_broken_array_stores_nothing(void **state)
{
	static const char *const bodies[] = { "[{\"message_length\":1}",
		"[{\"message_length\":1},]", "[{\"message_length\":1}]x",
		"[{\"message_length\":1} {\"message_length\":1}]" };
	struct http_answer answer;

	(void)state;
	use_new_client("broken array");
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		answer = post(bodies[i]);
		assert_int_equal(answer.status, 400);
		http_free(&answer);
	}
	answer = http_send(&client, "GET", "/v1/daily-costs/today", NULL, NULL);
	assert_json(&answer, "total_requests", "0");
	http_free(&answer);
}

static char *
repeat(const char *element, const char *between, size_t count, const char *head, const char *tail)
{
	char *text = malloc(count * (strlen(element) + strlen(between)) + 16), *at = text;

	assert_non_null(text);
	at = stpcpy(at, head);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(stpcpy(at, i == 0 ? "" : between), element);
	(void)stpcpy(at, tail);
	return text;
}

static void
test_limits_of_length(void **state)
{
	static const char element[] = "{\"message_length\":1}";
	static const struct {
		const char *about;
		bool lines;
		size_t count;
		long status;
	} cases[] = {
		{ "an array of 1,000 is taken", false, 1000, 200 },
		{ "an array of 1,001 is not", false, 1001, 413 },
		{ "10,000 lines are taken", true, 10000, 200 },
		{ "10,001 lines are not", true, 10001, 413 },
	};

	(void)state;
	use_new_client("limits");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool lines = cases[i].lines;
		char *body = repeat(element, lines ? "\n" : ",", cases[i].count, lines ? "" : "[",
		    lines ? "" : "]");
		struct http_answer answer =
		    http_send(&client, "POST", "/v1/chat-logs", lines ? ndjson : NULL, body);

		if (answer.status != cases[i].status)
			fail_msg("%s: %ld %s", cases[i].about, answer.status, answer.body);
		http_free(&answer);
		free(body);
	}
}

static void
test_lines_stand_each_for_itself(void **state)
{
	struct http_answer answer;

	(void)state;
	use_new_client("lines");
	answer = http_send(&client, "POST", "/v1/chat-logs", ndjson,
	    "{\"message_length\":1}\n\n{broken\n{\"message_length\":1}\r\n[]\n");
	assert_int_equal(answer.status, 200);
	assert_json(&answer, "accepted", "2");
	assert_json(&answer, "rejected.0.index", "2");
	assert_json(&answer, "rejected.1.index", "4");
	http_free(&answer);
}

static void
test_refusals_of_one_record(void **state)
{
	static const struct {
		const char *body;
		long status;
		const char *field;
	} cases[] = {
		{ "{}", 422, "message_length" },
		{ "{\"message_length\":-1}", 422, "message_length" },
		{ "{\"message_length\":1,\"input_tokens\":1000000001}", 422, "input_tokens" },
		{ "{\"input_tokens\":5,\"cached_input_tokens\":6}", 422, "cached_input_tokens" },
		{ "{\"output_tokens\":5,\"reasoning_tokens\":6}", 422, "reasoning_tokens" },
		{ "{\"message_length\":1,\"id\":\"abc\"}", 422, "created_at" },
		{ "{\"message_length\":1,\"created_at\":\"2019-01-01T00:00:00Z\"}", 422,
		    "created_at" },
		{ "{\"message_length\":1,\"created_at\":\"2999-01-01T00:00:00Z\"}", 422,
		    "created_at" },
		{ "{\"message_length\":1,\"id\":\"0190a5b0-0000-7000-8000-000000000001\","
		  "\"created_at\":\"2026-01-01T00:00:00Z\"}",
		    422, "created_at" },
		{ "{\"message_length\":1,\"external_user_id\":\"a\","
		  "\"user_id\":\"0190a5b0-0000-7000-8000-000000000001\"}",
		    422, "external_user_id" },
		{ "{\"message_length\":1,\"session_id\":\"0190a5b0-0000-7000-8000-000000000001\"}",
		    422, "session_id" },
		{ "{\"message_length\":1,\"estimated_cost_cents\":0.00000001}", 422,
		    "estimated_cost_cents" },
		{ "{\"message_length\":1,\"feature\":\"a\\u0000b\"}", 422, "feature" },
		{ "{\"message_length\":1,\"metadata\":{\"a\":\"\\u0000\"}}", 422, "metadata" },
		{ "{\"message_length\":1,\"metadata\":[1]}", 422, "metadata" },
		{ "\"text\"", 400, NULL },
		{ "{\"message_length\":1", 400, NULL },
		{ "", 400, NULL },
	};

	(void)state;
	use_new_client("refusals");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_answer answer = post(cases[i].body);

		if (answer.status != cases[i].status)
			fail_msg("%s: %ld %s", cases[i].body, answer.status, answer.body);
		if (cases[i].field != NULL)
			assert_json(&answer, "errors.0.field", cases[i].field);
		http_free(&answer);
	}
	assert_sql("SELECT count(*) FROM chat_logs l JOIN clients c ON c.id = l.client_id "
		   "WHERE c.name = 'refusals'",
	    "0");
}

static void
test_only_json_is_taken(void **state)
{
	static const char *const headers[] = { "Content-Type: text/plain", NULL };
	struct http_answer answer;

	(void)state;
	answer = http_send(&client, "POST", "/v1/chat-logs", headers, "{\"message_length\":1}");
	assert_int_equal(answer.status, 415);
	http_free(&answer);
}

/* The price list that the project carries. */
static const char *
prices_path(void)
{
	static char path[4096];
	const char *source = getenv("TALLY_SRCDIR");

	(void)snprintf(
	    path, sizeof(path), "%s/conf/model_prices.json", source == NULL ? "." : source);
	return path;
}

static int
set_up(void **state)
{
	char *output;

	(void)state;
	servers = servers_start(SERVER_NGINX);
	assert_int_equal(
	    servers_tally(servers, &output, "prices", "import", prices_path(), NULL), 0);
	free(output);
	use_new_client("first");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	free((char *)(uintptr_t)client.key);
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_record_is_stored_priced_and_counted),
		cmocka_unit_test(test_a_stored_record_is_read_as_it_was_answered),
		cmocka_unit_test(test_unpriced_is_null_and_not_zero),
		cmocka_unit_test(test_the_same_id_is_stored_once),
		cmocka_unit_test(test_array_stores_the_good_and_names_the_bad),
		cmocka_unit_test(test_broken_array_stores_nothing),
		cmocka_unit_test(test_limits_of_length),
		cmocka_unit_test(test_lines_stand_each_for_itself),
		cmocka_unit_test(test_refusals_of_one_record),
		cmocka_unit_test(test_only_json_is_taken),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
