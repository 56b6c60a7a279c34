/*
 * Idempotency-Key on POST /v1/chat-logs, where requests with and without keys share commits.
 */
#include "tests/test.h"

#include <pthread.h>
#include <stdio.h>

#include "tests/api.h"

static void
test_idempotency_key(void **state)
{
	static const char *const headers[] = { "Idempotency-Key: once", NULL };
	static const char *const bad[] = { "Idempotency-Key: caf\xc3\xa9", NULL };
	static const char body[] = "{\"message_length\":1,\"verified_cost_cents\":2}";
	struct http_answer first, again, other;

	(void)state;
	api_use_new_client("idempotent");
	first = api_call("POST", "/v1/chat-logs", headers, body);
	again = api_call("POST", "/v1/chat-logs", headers, body);
	assert_int_equal(first.status, 201);
	assert_int_equal(again.status, 201);
	assert_string_equal(first.body, again.body);
	assert_null(http_header(&first, "idempotency-replayed"));
	assert_string_equal(http_header(&again, "idempotency-replayed"), "true");
	other = api_call("POST", "/v1/chat-logs", headers, "{\"message_length\":2}");
	assert_int_equal(other.status, 422);
	http_free(&other);
	other = api_call("POST", "/v1/chat-logs", bad, body);
	assert_int_equal(other.status, 422);
	http_free(&first);
	http_free(&again);
	http_free(&other);
	first = api_call("GET", "/v1/daily-costs/today", NULL, NULL);
	assert_string_equal(http_json(&first, "total_requests", 0), "1");
	http_free(&first);
}

static void
test_refused_record_leaves_its_key_free(void **state)
{
	static const char *const headers[] = { "Idempotency-Key: refused", NULL };
	struct http_answer answer;

	(void)state;
	answer = api_call("POST", "/v1/chat-logs", headers,
	    "{\"message_length\":1,\"user_id\":\"0190a5b0-0000-7000-8000-000000000001\"}");
	assert_int_equal(answer.status, 422);
	http_free(&answer);
	answer = api_call("POST", "/v1/chat-logs", headers, "{\"message_length\":1}");
	assert_int_equal(answer.status, 201);
	http_free(&answer);
}

#define CALLERS 16
#define CALLS 25

struct caller {
	pthread_t thread;
	int number;
	int stored, replayed;
};

/* Every caller uses the same keys in its own order. */
static void *
call_with_keys(void *argument)
{
	struct caller *caller = argument;

	for (int i = 0; i < CALLS; i++) {
		char header[64];
		const char *const headers[] = { header, NULL };
		struct http_answer answer;

		(void)snprintf(header, sizeof(header), "Idempotency-Key: k%d",
		    caller->number % 2 == 0 ? i : CALLS - 1 - i);
		answer = api_call("POST", "/v1/chat-logs", headers, "{\"message_length\":1}");
		if (answer.status == 201 && http_header(&answer, "idempotency-replayed") == NULL)
			caller->stored++;
		else if (answer.status == 201)
			caller->replayed++;
		http_free(&answer);
	}
	return NULL;
}

static void
test_concurrent_callers_with_the_same_keys(void **state)
{
	struct caller callers[CALLERS] = { 0 };
	struct http_answer answer;
	int stored = 0, replayed = 0;

	(void)state;
	api_use_new_client("same keys");
	for (int i = 0; i < CALLERS; i++) {
		callers[i].number = i;
		assert_int_equal(
		    pthread_create(&callers[i].thread, NULL, call_with_keys, &callers[i]), 0);
	}
	for (int i = 0; i < CALLERS; i++) {
		assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
		stored += callers[i].stored;
		replayed += callers[i].replayed;
	}
	assert_int_equal(stored, CALLS);
	assert_int_equal(replayed, CALLERS * CALLS - CALLS);
	answer = api_call("GET", "/v1/daily-costs/today", NULL, NULL);
	assert_string_equal(http_json(&answer, "total_requests", 0), "25");
	http_free(&answer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idempotency_key),
		cmocka_unit_test(test_refused_record_leaves_its_key_free),
		cmocka_unit_test(test_concurrent_callers_with_the_same_keys),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
