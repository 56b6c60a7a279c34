/* Passwords of users, through nginx: what is taken, and what is kept of them. */
#include "tests/test.h"

#include <signal.h>
#include <string.h>

#include "lib/base.h"
#include "lib/model/login.h"
#include "lib/model/password.h"
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
		cmocka_unit_test(nothing_keeps_a_password),
		cmocka_unit_test(no_hash_of_a_password_is_kept_that_could_be_guessed_at),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
