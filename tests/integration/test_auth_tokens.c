/* /v1/auth-tokens: tokens of all types, and from where they may be used. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

#define TOKENS "/v1/auth-tokens"
#define NOBODY "0190a5b0-0000-7000-8000-000000000001"

static const char *user;

static const char *
add_user(void)
{
	return api_add("/v1/users", "{\"tier\":\"anonymous\"}");
}

static int
start(void **state)
{
	api_start(state);
	api_use_new_client("tokens");
	user = add_user();
	return 0;
}

static void
a_token_of_each_type_is_shown_once(UNUSED void **state)
{
	static const char *const types[] = { "api_key", "session", "jwt_refresh" };

	for (size_t i = 0; i < COUNT(types); i++) {
		const char *token, *path;

		path = api_text(TOKENS "/%s",
		    api_add(
			TOKENS, api_text("{\"name\":\"t\",\"token_type\":\"%s\",\"user_id\":\"%s\","
					 "\"scopes\":[\"users\"],\"user_agent\":\"curl\"}",
				    types[i], user)));
		token = api_keep("token");
		assert_int_equal(strlen(token), 72);
		api_expect(200, "GET", path, NULL);
		api_expect_json("token", "(none)");
		api_expect_json("token_hash", "(none)");
		api_expect_json("token_type", types[i]);
		api_expect_json("user_agent", "curl");
		api_expect_json("created_ip", "127.0.0.1");
		assert_null(strstr(api_answer()->body, strrchr(token, '_')));
		assert_string_equal(
		    api_sql("SELECT count(*) FROM audit_log a WHERE a::text LIKE '%%%s%%'",
			strrchr(token, '_')),
		    "0");
		assert_string_equal(
		    api_sql("SELECT token_hash = sha256('%s') FROM auth_tokens WHERE id = '%s'",
			token, strrchr(path, '/') + 1),
		    "t");
	}
}

/* A key, a session token: what is presented. A refresh token is for its one purpose. */
static void
a_refresh_token_is_no_key(UNUSED void **state)
{
	static const struct {
		const char *type;
		long status;
	} cases[] = { { "api_key", 200 }, { "session", 200 }, { "jwt_refresh", 401 } };
	const char *own = api_key();

	for (size_t i = 0; i < COUNT(cases); i++) {
		api_add(TOKENS, api_text("{\"name\":\"t\",\"token_type\":\"%s\",\"user_id\":\"%s\","
					 "\"scopes\":[\"logs:read\"]}",
				    cases[i].type, user));
		api_use_key(api_keep("token"));
		api_expect(cases[i].status, "GET", "/v1/chat-logs", NULL);
		api_use_key(own);
	}
}

static void
what_is_of_a_user_ends(UNUSED void **state)
{
	api_add(TOKENS, api_text("{\"name\":\"t\",\"token_type\":\"session\",\"user_id\":\"%s\","
				 "\"scopes\":[\"users\"]}",
			    user));
	assert_string_equal(api_sql("SELECT expires_at - created_at BETWEEN '899 s' AND '901 s'"
				    " FROM auth_tokens WHERE id = '%s'",
				api_keep("id")),
	    "t");
	api_add(
	    TOKENS, api_text("{\"name\":\"t\",\"token_type\":\"jwt_refresh\",\"user_id\":\"%s\","
			     "\"scopes\":[\"users\"]}",
			user));
	assert_string_equal(
	    api_sql("SELECT expires_at - created_at BETWEEN '30 d'::interval - '1 s'::interval"
		    " AND '30 d'::interval + '1 s'::interval FROM auth_tokens WHERE id = '%s'",
		api_keep("id")),
	    "t");
	api_send("PATCH", api_text(TOKENS "/%s", api_keep("id")), NULL, "{\"expires_at\":null}");
	api_expect_field("it may not live for ever", "expires_at");
}

static const struct {
	const char *sentence;
	const char *members;
	const char *field;
} bad[] = {
	{ "a session is somebody's", "\"token_type\":\"session\"", "user_id" },
	{ "a refresh token is somebody's", "\"token_type\":\"jwt_refresh\"", "user_id" },
	{ "the user exists", "\"user_id\":\"" NOBODY "\"", "user_id" },
	{ "an end lies ahead", "\"expires_at\":\"2020-01-01T00:00:00Z\"", "expires_at" },
	{ "a range is one", "\"allowed_addresses\":[\"192.0.2.0/33\"]", "allowed_addresses" },
	{ "a range has no bits behind it", "\"allowed_addresses\":[\"192.0.2.1/24\"]",
	    "allowed_addresses" },
	{ "a name is no range", "\"allowed_addresses\":[\"example.org\"]", "allowed_addresses" },
	{ "an empty list is none", "\"allowed_addresses\":[]", "allowed_addresses" },
};

static void
a_bad_token_is_refused_by_field(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		api_send("POST", TOKENS, NULL,
		    api_text("{\"name\":\"t\",\"scopes\":[\"users\"],%s}", bad[i].members));
		api_expect_field(bad[i].sentence, bad[i].field);
	}
	api_send("POST", TOKENS, NULL, "{\"name\":\"t\",\"scopes\":[\"users\",\"operator\"]}");
	api_expect_field("a client's token is no operator's", "scopes");
}

static void
sixteen_ranges_are_the_most(UNUSED void **state)
{
	const char *ranges = "";

	for (int i = 0; i < 16; i++)
		ranges = api_text("%s%s\"10.%d.0.0/16\"", ranges, i > 0 ? "," : "", i);
	api_add(TOKENS,
	    api_text("{\"name\":\"t\",\"scopes\":[\"users\"],\"allowed_addresses\":[%s]}", ranges));
	api_send("POST", TOKENS, NULL,
	    api_text("{\"name\":\"t\",\"scopes\":[\"users\"],"
		     "\"allowed_addresses\":[%s,\"10.16.0.0/16\"]}",
		ranges));
	api_expect_field("seventeen are too many", "allowed_addresses");
}

static bool
is_refused(UNUSED void *context)
{
	return api_send("GET", "/v1/chat-logs", NULL, NULL) == 401;
}

static void
a_change_is_audited_tagged_and_at_once(UNUSED void **state)
{
	const char *own = api_key(), *path, *tag, *key;
	const char *headers[2] = { NULL };

	path = api_text(
	    TOKENS "/%s", api_add(TOKENS, "{\"name\":\"t\",\"scopes\":[\"users\",\"agents\"]}"));
	key = api_keep("token");
	api_use_key(key);
	api_expect(200, "GET", "/v1/users", NULL);
	api_use_key(own);
	api_expect(200, "GET", path, NULL);
	tag = api_text("%s", http_header(api_answer(), "etag"));
	headers[0] = api_text("If-Match: %s", tag);
	assert_int_equal(api_send("PATCH", path, headers, "{\"scopes\":[\"agents\"]}"), 200);
	api_use_key(key);
	api_expect(403, "GET", "/v1/users", NULL);
	api_use_key(own);
	assert_int_equal(api_send("PATCH", path, headers, "{\"name\":\"u\"}"), 412);
	api_expect(200, "GET", path, NULL);
	api_expect_json("name", "t");
	assert_string_equal(
	    api_sql("SELECT before -> 'scopes' = '[\"users\", \"agents\"]'"
		    " AND after -> 'scopes' = '[\"agents\"]' FROM audit_log"
		    " WHERE entity = 'auth_tokens' AND entity_id = '%s' AND action = 'change'",
		strrchr(path, '/') + 1),
	    "t");
	api_expect(204, "DELETE", path, NULL);
	api_use_key(key);
	api_expect(401, "GET", "/v1/users", NULL);
	api_use_key(own);
}

static void
tokens_are_listed_by_user_type_and_state(UNUSED void **state)
{
	const char *whose = add_user();
	const char *body, *list;

	body = api_text("{\"name\":\"t\",\"scopes\":[\"users\"],\"user_id\":\"%s\","
			"\"token_type\":\"session\"}",
	    whose);
	api_add(TOKENS, body);
	api_expect(204, "DELETE", api_text(TOKENS "/%s", api_add(TOKENS, body)), NULL);
	api_add(
	    TOKENS, api_text("{\"name\":\"k\",\"scopes\":[\"users\"],\"user_id\":\"%s\"}", whose));
	list = api_text(TOKENS "?user_id=%s", whose);
	api_expect(200, "GET", list, NULL);
	assert_int_equal(api_rows(), 3);
	api_expect_json("data.0.name", "k");
	api_expect(200, "GET", api_text("%s&token_type=session", list), NULL);
	assert_int_equal(api_rows(), 2);
	api_expect(200, "GET", api_text("%s&token_type=session&active=true", list), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect(200, "GET", api_text("%s&active=false", list), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect(200, "GET", api_text("%s&token_type=jwt_refresh", list), NULL);
	assert_int_equal(api_rows(), 0);
}

static void
the_tokens_of_a_user_end_with_it(UNUSED void **state)
{
	const char *own = api_key(), *whose = add_user(), *key;

	api_add(TOKENS,
	    api_text("{\"name\":\"k\",\"scopes\":[\"logs:read\"],\"user_id\":\"%s\"}", whose));
	key = api_keep("token");
	api_use_key(key);
	api_expect(200, "GET", "/v1/chat-logs", NULL);
	api_use_key(own);
	api_expect(204, "DELETE", api_text("/v1/users/%s", whose), NULL);
	api_send("POST", TOKENS, NULL,
	    api_text("{\"name\":\"k\",\"scopes\":[\"users\"],\"user_id\":\"%s\"}", whose));
	api_expect_field("a deleted user gets no token", "user_id");
	api_expect(200, "POST", api_text("/v1/users/%s/restore", whose), NULL);
	api_use_key(key);
	assert_true(servers_await(is_refused, NULL));
	api_use_key(own);
}

static const char *
token_of(const char *whose, const char *type)
{
	return api_text("{\"name\":\"t\",\"token_type\":\"%s\",\"scopes\":[\"logs:read\"],"
			"\"user_id\":\"%s\"}",
	    type, whose);
}

/* As a session does. A key is the application's, whoever it is bound to. */
static void
what_a_users_programs_have_ends_when_the_user_is_suspended(UNUSED void **state)
{
	static const char *const types[] = { "session", "jwt_refresh" };
	const char *own = api_key(), *whose = add_user(), *key, *refresh, *session;
	const char *path = api_text("/v1/users/%s", whose);

	api_add(TOKENS, token_of(whose, "api_key"));
	key = api_keep("token");
	api_add(TOKENS, token_of(whose, "jwt_refresh"));
	refresh = api_text("{\"refresh_token\":\"%s\"}", api_keep("token"));
	api_add(TOKENS, token_of(whose, "session"));
	session = api_keep("token");
	api_use_key(session);
	api_expect(200, "GET", "/v1/chat-logs", NULL);
	api_use_key(own);
	api_expect(200, "PATCH", path, "{\"account_status\":\"suspended\"}");
	api_expect(401, "POST", TOKENS "/refresh", refresh);
	for (size_t i = 0; i < COUNT(types); i++) {
		api_send("POST", TOKENS, NULL, token_of(whose, types[i]));
		api_expect_field(types[i], "user_id");
	}
	api_expect(200, "PATCH", path, "{\"account_status\":\"active\"}");
	api_expect(401, "POST", TOKENS "/refresh", refresh);
	api_use_key(session);
	assert_true(servers_await(is_refused, NULL));
	api_use_key(key);
	api_expect(200, "GET", "/v1/chat-logs", NULL);
	api_use_key(own);
}

/* nginx is at 127.0.0.1, and so is who asks it. */
static void
a_key_works_from_its_ranges_only(UNUSED void **state)
{
	static const struct {
		const char *ranges;
		long status;
	} cases[] = {
		{ "\"127.0.0.1\"", 200 },
		{ "\"10.0.0.0/8\",\"127.0.0.0/24\"", 200 },
		{ "\"::ffff:127.0.0.1\"", 200 },
		{ "\"10.0.0.0/8\"", 403 },
		{ "\"::/0\"", 403 },
	};
	const char *own = api_key();

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *path = api_text(TOKENS "/%s",
		    api_add(TOKENS, api_text("{\"name\":\"t\",\"scopes\":[\"logs:read\"],"
					     "\"allowed_addresses\":[%s]}",
					cases[i].ranges)));

		api_use_key(api_keep("token"));
		for (int again = 0; again < 2; again++)
			if (api_send("GET", "/v1/chat-logs", NULL, NULL) != cases[i].status)
				fail_msg("%s: %ld", cases[i].ranges, api_answer()->status);
		if (cases[i].status == 403)
			api_expect_json("detail", "The key may not be used from this address.");
		api_use_key(own);
		if (cases[i].status == 200)
			continue;
		api_expect(200, "PATCH", path, "{\"allowed_addresses\":null}");
		api_expect_json("allowed_addresses", "null");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_of_each_type_is_shown_once),
		cmocka_unit_test(a_refresh_token_is_no_key),
		cmocka_unit_test(what_is_of_a_user_ends),
		cmocka_unit_test(a_bad_token_is_refused_by_field),
		cmocka_unit_test(sixteen_ranges_are_the_most),
		cmocka_unit_test(a_change_is_audited_tagged_and_at_once),
		cmocka_unit_test(tokens_are_listed_by_user_type_and_state),
		cmocka_unit_test(the_tokens_of_a_user_end_with_it),
		cmocka_unit_test(what_a_users_programs_have_ends_when_the_user_is_suspended),
		cmocka_unit_test(a_key_works_from_its_ranges_only),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
