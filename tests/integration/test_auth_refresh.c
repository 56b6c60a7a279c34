/* POST /v1/auth-tokens/refresh: each refresh token is good for one use, whoever comes when. */
#include "tests/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

#define TOKENS "/v1/auth-tokens"
#define REFRESH TOKENS "/refresh"
#define DETAIL "The refresh token is not valid."

static const char *own, *user;

static int
start(void **state)
{
	api_start(state);
	api_use_new_client("refreshing");
	own = api_key();
	user = api_add("/v1/users", "{\"tier\":\"anonymous\"}");
	return 0;
}

/* A token of the user that begins a line; its id is that of the line. */
static const char *
begin(const char *members)
{
	api_use_key(own);
	return api_add(
	    TOKENS, api_text("{\"name\":\"app\",\"token_type\":\"jwt_refresh\",\"user_id\":\"%s\","
			     "\"scopes\":[\"logs:read\"]%s}",
			user, members));
}

struct pair {
	const char *access;
	const char *refresh;
};

static const char *
body_of(const char *token)
{
	return api_text("{\"refresh_token\":\"%s\"}", token);
}

static struct pair
refresh(const char *token)
{
	struct pair pair;

	api_use_key(own);
	api_expect(200, "POST", REFRESH, body_of(token));
	pair.access = api_keep("access_token");
	pair.refresh = api_keep("refresh_token");
	return pair;
}

static void
expect_refused(const char *token)
{
	api_use_key(own);
	api_expect(401, "POST", REFRESH, body_of(token));
	api_expect_json("detail", DETAIL);
}

static const char *
active_of(const char *line)
{
	return api_sql("SELECT count(*) FROM auth_tokens WHERE coalesce(lineage_id, id) = '%s'"
		       " AND is_active",
	    line);
}

static bool
is_refused(void *context)
{
	const char *const *token = context;
	bool refused;

	api_use_key(*token);
	refused = api_send("GET", "/v1/chat-logs", NULL, NULL) == 401;
	api_use_key(own);
	return refused;
}

static void
expect_works(const char *token)
{
	api_use_key(token);
	api_expect(200, "GET", "/v1/chat-logs", NULL);
	api_use_key(own);
}

static void
a_pair_takes_the_place_of_the_last(UNUSED void **state)
{
	const char *line = begin(",\"allowed_addresses\":[\"127.0.0.0/8\"],"
				 "\"rate_limit_per_hour\":1000");
	struct pair first = refresh(api_keep("token")), second;

	api_expect_json("token_type", "Bearer");
	api_expect_json("expires_in", "900");
	api_expect_json("refresh_expires_in", "2592000");
	api_expect_json("scopes.0", "logs:read");
	api_expect_json("user_id", user);
	api_expect_json("lineage_id", line);
	expect_works(first.access);
	second = refresh(first.refresh);
	expect_works(second.access);
	assert_true(servers_await(is_refused, &first.access));
	assert_string_equal(active_of(line), "2");
	assert_string_equal(
	    api_sql("SELECT count(DISTINCT (scopes, allowed_addresses, rate_limit_per_hour,"
		    " user_id, name)) FROM auth_tokens WHERE coalesce(lineage_id, id) = '%s'",
		line),
	    "1");
	assert_string_equal(
	    api_sql("SELECT string_agg(action, ' ' ORDER BY created_at) FROM audit_log"
		    " WHERE entity_id = '%s'",
		line),
	    "add refresh");
	assert_string_equal(
	    api_sql("SELECT string_agg(action || ' ' || (after ->> 'token_type'), ', '"
		    " ORDER BY action, after ->> 'token_type') FROM audit_log"
		    " WHERE after ->> 'lineage_id' = '%s' AND request_id IS NOT NULL",
		line),
	    "add jwt_refresh, add jwt_refresh, add jwt_refresh, add session, add session, "
	    "refresh jwt_refresh, refresh jwt_refresh");
}

/* Who has a key for an hour must not get by it what works for a month. */
static void
no_pair_outlives_the_key_that_asks(UNUSED void **state)
{
	const char *key, *token;

	begin("");
	token = api_keep("token");
	api_add(
	    TOKENS, api_text("{\"name\":\"hour\",\"scopes\":[\"users\"],\"expires_at\":\"%s\"}",
			api_sql("SELECT to_char(now() AT TIME ZONE 'UTC' + interval '10 minutes',"
				" 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")));
	key = api_keep("id");
	api_use_key(api_keep("token"));
	api_expect(200, "POST", REFRESH, body_of(token));
	assert_string_equal(
	    api_sql("SELECT count(*) FROM auth_tokens t JOIN auth_tokens k ON k.id = '%s'"
		    " WHERE t.id IN ('%s', '%s') AND t.expires_at = k.expires_at",
		key, api_keep("access_token_id"), api_keep("refresh_token_id")),
	    "2");
	api_use_key(own);
}

static void
a_token_that_comes_again_ends_its_line(UNUSED void **state)
{
	const char *line = begin("");
	const char *first = api_keep("token");
	struct pair second = refresh(first), third = refresh(second.refresh);
	const char *other = begin("");

	expect_works(third.access);
	expect_refused(first);
	assert_true(servers_await(is_refused, &third.access));
	expect_refused(third.refresh);
	expect_refused(first);
	assert_string_equal(active_of(line), "0");
	assert_string_equal(active_of(other), "1");
	assert_string_equal(api_sql("SELECT count(*) FROM audit_log WHERE action = 'reuse'"
				    " AND entity = 'auth_tokens' AND entity_id = '%s'"
				    " AND ip_address = '127.0.0.1'",
				line),
	    "1");
}

static void
an_answer_that_was_lost_is_asked_for_again(UNUSED void **state)
{
	static const char *const headers[] = { "Idempotency-Key: lost", NULL };
	const char *line = begin("");
	const char *body = body_of(api_keep("token")), *token;

	assert_int_equal(api_send("POST", REFRESH, headers, body), 200);
	token = api_keep("refresh_token");
	assert_int_equal(api_send("POST", REFRESH, headers, body), 200);
	api_expect_json("refresh_token", token);
	assert_string_equal(active_of(line), "2");
	/* The end of a line stays, though the answer is a failure. */
	api_expect(401, "POST", REFRESH, body);
	assert_string_equal(active_of(line), "0");
}

static void
a_failure_with_a_key_ends_the_line_too(UNUSED void **state)
{
	static const char *const headers[] = { "Idempotency-Key: twice", NULL };
	const char *line = begin("");
	const char *body = body_of(api_keep("token"));

	(void)refresh(api_keep("token"));
	assert_int_equal(api_send("POST", REFRESH, headers, body), 401);
	assert_string_equal(active_of(line), "0");
}

static void
what_is_no_refresh_token_of_the_client_is_refused(UNUSED void **state)
{
	const char *line = begin(""), *token = api_keep("token");
	char *spoiled = strdup(token);

	spoiled[30] = spoiled[30] == 'a' ? 'b' : 'a';
	expect_refused(spoiled);
	free(spoiled);
	expect_refused("x");
	expect_refused(own);
	expect_refused(refresh(token).access);
	api_use_new_client("stranger");
	api_expect(401, "POST", REFRESH, body_of(token));
	assert_string_equal(active_of(line), "2");
	api_use_key(own);
	api_send("POST", REFRESH, NULL, "{}");
	api_expect_field("a token is needed", "refresh_token");
}

static void
a_token_that_ended_is_refused(UNUSED void **state)
{
	const char *line = begin(""), *token = api_keep("token"), *whose;

	api_sql("UPDATE auth_tokens SET expires_at = now() WHERE id = '%s' RETURNING 1", line);
	expect_refused(token);
	line = begin("");
	token = api_keep("token");
	api_expect(204, "DELETE", api_text(TOKENS "/%s", line), NULL);
	expect_refused(token);
	whose = user;
	user = api_add("/v1/users", "{\"tier\":\"anonymous\"}");
	(void)begin("");
	token = refresh(api_keep("token")).refresh;
	api_expect(204, "DELETE", api_text("/v1/users/%s", user), NULL);
	expect_refused(token);
	user = whose;
}

static void
whoever_revokes_a_refresh_token_ends_its_line(UNUSED void **state)
{
	const char *line = begin("");
	struct pair pair = refresh(api_keep("token"));

	api_expect(204, "DELETE", api_text(TOKENS "/%s", api_keep("refresh_token_id")), NULL);
	assert_string_equal(active_of(line), "0");
	assert_true(servers_await(is_refused, &pair.access));
}

#define CALLERS 8
#define ROUNDS 20

struct caller {
	pthread_t thread;
	const char *body;
	long status;
};

static void *
call(void *argument)
{
	struct caller *caller = argument;
	struct http_answer answer = api_call("POST", REFRESH, NULL, caller->body);

	caller->status = answer.status;
	http_free(&answer);
	return NULL;
}

/* How many got a pair. */
static int
call_at_once(struct caller *callers, int count)
{
	int won = 0;

	for (int i = 0; i < count; i++)
		assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
	for (int i = 0; i < count; i++) {
		assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
		if (callers[i].status != 200)
			assert_int_equal(callers[i].status, 401);
		won += callers[i].status == 200;
	}
	return won;
}

static void
of_many_at_once_one_wins(UNUSED void **state)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct caller callers[CALLERS];
		const char *line = begin(""), *body = body_of(api_keep("token"));

		for (int i = 0; i < CALLERS; i++)
			callers[i].body = body;
		assert_int_equal(call_at_once(callers, CALLERS), 1);
		assert_string_equal(active_of(line), "0");
	}
}

/* The thief with the old token and the user with the new one: whoever is first, nothing is left. */
static void
no_token_slips_through_the_end_of_its_line(UNUSED void **state)
{
	for (int round = 0; round < ROUNDS; round++) {
		const char *line = begin(""), *old = api_keep("token");
		struct caller callers[2] = { { .body = body_of(old) },
			{ .body = body_of(refresh(old).refresh) } };

		assert_in_range(call_at_once(callers, 2), 0, 1);
		assert_int_equal(callers[0].status, 401);
		assert_string_equal(active_of(line), "0");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pair_takes_the_place_of_the_last),
		cmocka_unit_test(no_pair_outlives_the_key_that_asks),
		cmocka_unit_test(a_token_that_comes_again_ends_its_line),
		cmocka_unit_test(an_answer_that_was_lost_is_asked_for_again),
		cmocka_unit_test(a_failure_with_a_key_ends_the_line_too),
		cmocka_unit_test(what_is_no_refresh_token_of_the_client_is_refused),
		cmocka_unit_test(a_token_that_ended_is_refused),
		cmocka_unit_test(whoever_revokes_a_refresh_token_ends_its_line),
		cmocka_unit_test(of_many_at_once_one_wins),
		cmocka_unit_test(no_token_slips_through_the_end_of_its_line),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
