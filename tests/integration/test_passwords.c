/* Passwords of users, through nginx: what is taken, and what is kept of them. */
#include "tests/test.h"

#include <signal.h>
#include <string.h>

#include "lib/base.h"
#include "lib/model/login.h"
#include "lib/model/password.h"
#include "lib/model/session.h"
#include "tests/api.h"
#include "tests/entering.h"

static const char *
hash_of(const char *id)
{
	return api_sql("SELECT password_hash FROM users WHERE id = '%s'", id);
}

static void
a_password_has_its_limits(UNUSED void **state)
{
	const char *id = entering_add_user("password-limits", "{\"email\":\"a@b\"}");
	const char *most = api_text("%0*d", PASSWORD_MAX_BYTES, 7);

	entering_set_password(id, api_text("\"password\":\"%0*d\"", PASSWORD_MIN - 1, 7));
	api_expect_field("too short", "password");
	entering_set_password(id, api_text("\"password\":\"%s0\"", most));
	api_expect_field("too long", "password");
	entering_set_password(
	    id, api_text("\"password\":\"\xc3\xa4%0*d\"", PASSWORD_MAX_BYTES - 1, 7));
	api_expect_field("too many bytes, not too many characters", "password");
	assert_int_equal(
	    entering_set_password(id, api_text("\"password\":\"%0*d\"", PASSWORD_MIN, 7)), 204);
	assert_int_equal(entering_set_password(id, api_text("\"password\":\"%s\"", most)), 204);
	assert_int_equal(entering_login("\"email\":\"a@b\"", most), 201);
	entering_set_password("01890000-0000-7000-8000-000000000000", "\"password\":\"12345678\"");
	assert_int_equal(api_answer()->status, 404);
}

static void
the_current_password_must_be_right_where_it_is_given(UNUSED void **state)
{
	const char *id = entering_add_user("password-current", "{\"email\":\"a@b\"}");
	const char *before = hash_of(id);
	const char *wrong = "\"password\":\"12345678\",\"current_password\":\"" ENTERING_OTHER "\"";

	entering_set_password(id, wrong);
	api_expect_field("wrong", "current_password");
	assert_string_equal(hash_of(id), before);
	assert_int_equal(
	    entering_set_password(id, "\"password\":\"" ENTERING_OTHER
				      "\",\"current_password\":\"" ENTERING_PASSWORD "\""),
	    204);
	assert_string_not_equal(hash_of(id), before);
	assert_int_equal(entering_login("\"email\":\"a@b\"", ENTERING_OTHER), 201);
	wrong = "\"password\":\"12345678\",\"current_password\":\"" ENTERING_PASSWORD "\"";
	for (int i = 0; i < LOGIN_FAILURES_MAX; i++)
		entering_set_password(id, wrong);
	entering_set_password(
	    id, "\"password\":\"12345678\",\"current_password\":\"" ENTERING_OTHER "\"");
	api_expect_field("it is no way to guess on", "current_password");
	entering_set_password("01890000-0000-7000-8000-000000000000",
	    "\"password\":\"12345678\",\"current_password\":\"x\"");
	assert_int_equal(api_answer()->status, 404);
}

static void
a_hash_of_the_application_logs_in_and_is_renewed(UNUSED void **state)
{
	const char *made = hash_of(entering_add_user("password-given-1", "{\"email\":\"a@b\"}"));
	const char *id, *renewed;

	servers_setting(api_servers(), "password_ops", "2");
	servers_signal(api_servers(), SERVER_TALLYD, SIGTERM);
	(void)servers_wait(api_servers(), SERVER_TALLYD);
	servers_restart(api_servers(), SERVER_TALLYD);
	api_use_new_client("password-given");
	id = api_add("/v1/users", api_text("{\"email\":\"a@b\",\"password_hash\":\"%s\"}", made));
	assert_int_equal(entering_login("\"email\":\"a@b\"", ENTERING_OTHER), 401);
	assert_string_equal(hash_of(id), made);
	assert_int_equal(entering_login("\"email\":\"a@b\"", ENTERING_PASSWORD), 201);
	renewed = hash_of(id);
	assert_non_null(strstr(renewed, ",t=2,"));
	assert_int_equal(entering_login("\"email\":\"a@b\"", ENTERING_PASSWORD), 201);
	assert_string_equal(hash_of(id), renewed);
	assert_string_equal(
	    api_sql(
		"SELECT count(*) FROM sessions WHERE user_id = '%s' AND revoked_at IS NULL", id),
	    "2");
}

static const struct {
	const char *sentence;
	const char *kept; /* NULL: none; @n: the n-th of two of the user's and one of another's */
	const char *first, *second; /* whether they go on */
} endings[] = {
	{ "all end", NULL, "f", "f" },
	{ "but the one that asks", "@0", "t", "f" },
	{ "whichever that is", "@1", "f", "t" },
	{ "another user's keeps none", "@2", "f", "f" },
	{ "nobody's keeps none", "tallys_0", "f", "f" },
};

static const char *
opened(const char *user)
{
	api_expect(201, "POST", "/v1/sessions", api_text("{\"user_id\":\"%s\"}", user));
	return api_keep("token");
}

static const char *
goes_on(const char *token)
{
	return api_sql(
	    "SELECT revoked_at IS NULL FROM sessions WHERE token_hash = sha256('%s')", token);
}

static void
a_new_password_ends_sessions(UNUSED void **state)
{
	const char *id = entering_add_user("password-sessions", "{\"email\":\"a@b\"}");
	const char *other = api_add("/v1/users", "{\"email\":\"c@d\"}");

	for (size_t i = 0; i < COUNT(endings); i++) {
		const char *tokens[] = { opened(id), opened(id), opened(other) };
		const char *kept = endings[i].kept;
		const char *members = "\"password\":\"" ENTERING_OTHER "\"";

		if (kept != NULL && kept[0] == '@')
			kept = tokens[kept[1] - '0'];
		if (kept != NULL)
			members = api_text("%s,\"session_token\":\"%s\"", members, kept);
		assert_int_equal(entering_set_password(id, members), 204);
		if (strcmp(goes_on(tokens[0]), endings[i].first) != 0 ||
		    strcmp(goes_on(tokens[1]), endings[i].second) != 0)
			fail_msg("%s", endings[i].sentence);
		assert_string_equal(goes_on(tokens[2]), "t");
	}
}

static void
a_refused_password_ends_none(UNUSED void **state)
{
	const char *id = entering_add_user("password-refused", "{\"email\":\"a@b\"}");
	const char *token = opened(id);

	entering_set_password(
	    id, "\"password\":\"12345678\",\"current_password\":\"" ENTERING_OTHER "\"");
	api_expect_field("wrong", "current_password");
	entering_set_password(id, api_text("\"password\":\"12345678\",\"session_token\":\"%0*d\"",
				      (int)SESSION_TOKEN_SIZE, 7));
	api_expect_field("too long for one", "session_token");
	assert_string_equal(goes_on(token), "t");
}

static void
so_does_a_hash_of_the_application(UNUSED void **state)
{
	const char *hash = hash_of(entering_add_user("password-hash-1", "{\"email\":\"a@b\"}"));
	const char *id = entering_add_user("password-hash", "{\"email\":\"a@b\"}");
	const char *path = api_text("/v1/users/%s", id), *token = opened(id);

	api_expect(200, "PATCH", path, api_text("{\"password_hash\":\"%s\"}", hash));
	assert_string_equal(goes_on(token), "f");
	token = opened(id);
	api_expect(200, "PATCH", path,
	    api_text("{\"password_hash\":\"%s\",\"display_name\":\"n\"}", hash));
	assert_string_equal(goes_on(token), "t");
}

static const char *
active_tokens(const char *user)
{
	return api_sql("SELECT string_agg(token_type, ' ' ORDER BY token_type) FROM auth_tokens"
		       " WHERE user_id = '%s' AND is_active",
	    user);
}

/* A key is the application's, whoever it is bound to. */
static void
a_new_password_ends_tokens_but_no_keys(UNUSED void **state)
{
	static const char *const types[] = { "api_key", "jwt_refresh", "session" };
	const char *id = entering_add_user("password-tokens", "{\"email\":\"a@b\"}");
	const char *other = api_add("/v1/users", "{\"email\":\"c@d\"}");

	for (size_t i = 0; i < 2 * COUNT(types); i++)
		api_add("/v1/auth-tokens",
		    api_text("{\"name\":\"t\",\"token_type\":\"%s\",\"scopes\":[\"logs:read\"],"
			     "\"user_id\":\"%s\"}",
			types[i / 2], i % 2 == 0 ? id : other));
	assert_string_equal(active_tokens(id), "api_key jwt_refresh session");
	assert_int_equal(entering_set_password(id, "\"password\":\"" ENTERING_OTHER "\""), 204);
	assert_string_equal(active_tokens(id), "api_key");
	assert_string_equal(active_tokens(other), "api_key jwt_refresh session");
}

static void
nothing_keeps_a_password(UNUSED void **state)
{
	static const char *const headers[] = { "Idempotency-Key: one", NULL };
	const char *id = entering_add_user("password-secret", "{\"email\":\"a@b\"}");
	const char *path = api_text("/v1/users/%s/password", id);
	const char *first;

	assert_int_equal(
	    api_send("POST", path, headers, "{\"password\":\"" ENTERING_PASSWORD "\"}"), 204);
	assert_int_equal(api_send("POST", "/v1/auth/login",
			     (const char *const[]){ "Idempotency-Key: two", NULL },
			     "{\"email\":\"a@b\",\"password\":\"" ENTERING_PASSWORD "\"}"),
	    201);
	first = api_keep("token");
	assert_int_equal(api_send("POST", "/v1/auth/login",
			     (const char *const[]){ "Idempotency-Key: two", NULL },
			     "{\"email\":\"a@b\",\"password\":\"" ENTERING_PASSWORD "\"}"),
	    201);
	assert_string_equal(api_json("token"), first);
	assert_string_equal(
	    api_sql("SELECT string_agg(action, ' ' ORDER BY created_at) FROM audit_log"
		    " WHERE entity_id = '%s'",
		id),
	    "add set_password set_password login");
	assert_string_equal(api_sql("SELECT count(*) FROM audit_log AS a WHERE a::text LIKE"
				    " '%%" ENTERING_PASSWORD "%%' OR a::text LIKE '%%argon2%%'"),
	    "0");
}

/* What is kept of a body that holds a password follows from the key, too: two clients that say the
 * same keep different hashes. */
static void
no_hash_of_a_password_is_kept_that_could_be_guessed_at(UNUSED void **state)
{
	static const char *const headers[] = { "Idempotency-Key: guess", NULL };

	for (int i = 0; i < 2; i++) {
		entering_add_user(api_text("password-guess-%d", i), "{\"email\":\"a@b\"}");
		assert_int_equal(api_send("POST", "/v1/auth/login", headers,
				     "{\"email\":\"a@b\",\"password\":\"" ENTERING_PASSWORD "\"}"),
		    201);
	}
	assert_string_equal(api_sql("SELECT count(DISTINCT request_hash) FROM idempotency_keys"
				    " WHERE key = 'guess'"),
	    "2");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_password_has_its_limits),
		cmocka_unit_test(the_current_password_must_be_right_where_it_is_given),
		cmocka_unit_test(a_hash_of_the_application_logs_in_and_is_renewed),
		cmocka_unit_test(a_new_password_ends_sessions),
		cmocka_unit_test(a_refused_password_ends_none),
		cmocka_unit_test(so_does_a_hash_of_the_application),
		cmocka_unit_test(a_new_password_ends_tokens_but_no_keys),
		cmocka_unit_test(nothing_keeps_a_password),
		cmocka_unit_test(no_hash_of_a_password_is_kept_that_could_be_guessed_at),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
