/* Logging in with a password, through nginx. */
#include "tests/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/model/login.h"
#include "tests/api.h"
#include "tests/entering.h"

static void
the_right_password_opens_a_session(UNUSED void **state)
{
	const char *id =
	    entering_add_user("login-right", "{\"email\":\"Ann@x.org\",\"username\":\"Ann\","
					     "\"external_id\":\"7\"}");
	static const char *const names[] = { "\"email\":\"ann@X.org\"", "\"username\":\"aNN\"",
		"\"external_id\":\"7\"" };

	for (size_t i = 0; i < COUNT(names); i++) {
		const char *headers[2] = { NULL };

		assert_int_equal(entering_login(names[i], ENTERING_PASSWORD), 201);
		api_expect_json("user_id", id);
		headers[0] = api_text("X-Session-Token: %s", api_json("token"));
		assert_int_equal(api_send("GET", "/v1/sessions/current", headers, NULL), 200);
		api_expect_json("user_id", id);
	}
}

static void
a_login_is_noted(UNUSED void **state)
{
	const char *id = entering_add_user("login-noted", "{\"email\":\"a@b\"}");
	const char *session;

	api_expect(201, "POST", "/v1/auth/login",
	    "{\"email\":\"a@b\",\"password\":\"" ENTERING_PASSWORD
	    "\",\"ip_address\":\"192.0.2.7\","
	    "\"user_agent\":\"browser\",\"expires_in_s\":60}");
	session = api_keep("id");
	api_expect_json("ip_address", "192.0.2.7");
	api_expect_json("user_agent", "browser");
	assert_string_equal(api_sql("SELECT extract(epoch FROM expires_at - created_at)::int"
				    " BETWEEN 59 AND 60 FROM sessions WHERE id = '%s'",
				session),
	    "t");
	api_expect(200, "GET", api_text("/v1/users/%s", id), NULL);
	api_expect_json("last_login_ip", "192.0.2.7");
	assert_string_equal(api_sql("SELECT now() - last_login_at BETWEEN '0' AND '1 minute'"
				    " FROM users WHERE id = '%s'",
				id),
	    "t");
	assert_string_equal(api_sql("SELECT after FROM audit_log"
				    " WHERE action = 'login' AND entity_id = '%s'",
				id),
	    api_text("{\"ip_address\": \"192.0.2.7\", \"session_id\": \"%s\"}", session));
}

/* The answer without what differs from one request to the next. */
static const char *
problem(void)
{
	const char *id = api_json("instance");
	const char *body = api_answer()->body;
	const char *at = strstr(body, id);

	assert_non_null(at);
	return api_text(
	    "%ld %.*s%s", api_answer()->status, (int)(at - body), body, at + strlen(id));
}

/* Users who cannot log in, each for another reason. */
static const struct {
	const char *sentence;
	const char *name;
	const char *change; /* PATCHed; NULL: deleted */
	const char *password;
} refused[] = {
	{ "a wrong password", "wrong", "{}", ENTERING_OTHER },
	{ "another letter case", "case", "{}", "Correct horse" },
	{ "a suspended user", "suspended", "{\"account_status\":\"suspended\"}",
	    ENTERING_PASSWORD },
	{ "a closed account", "closed", "{\"account_status\":\"closed\"}", ENTERING_PASSWORD },
	{ "a deleted user", "deleted", NULL, ENTERING_PASSWORD },
	{ "a hash of another kind", "bcrypt",
	    "{\"password_hash\":\"$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW\"}",
	    ENTERING_PASSWORD },
};

static void
every_reason_has_the_same_answer(UNUSED void **state)
{
	const char *first;

	api_use_new_client("login-refused");
	entering_login("\"email\":\"nobody@x.org\"", ENTERING_PASSWORD);
	first = problem();
	assert_int_equal(api_answer()->status, 401);
	api_add("/v1/users", "{\"username\":\"none\"}");
	entering_login("\"username\":\"none\"", ENTERING_PASSWORD);
	assert_string_equal(problem(), first);
	for (size_t i = 0; i < COUNT(refused); i++) {
		const char *id =
		    api_add("/v1/users", api_text("{\"username\":\"%s\"}", refused[i].name));
		const char *path = api_text("/v1/users/%s", id);

		assert_int_equal(
		    entering_set_password(id, "\"password\":\"" ENTERING_PASSWORD "\""), 204);
		if (refused[i].change != NULL)
			api_expect(200, "PATCH", path, refused[i].change);
		else
			api_expect(204, "DELETE", path, NULL);
		entering_login(
		    api_text("\"username\":\"%s\"", refused[i].name), refused[i].password);
		if (strcmp(problem(), first) != 0)
			fail_msg("%s: %s", refused[i].sentence, problem());
	}
	assert_string_equal(api_sql("SELECT count(*) FROM sessions AS s JOIN users AS u"
				    " ON u.id = s.user_id WHERE u.username = 'suspended'"),
	    "0");
}

static void
a_user_of_another_client_cannot_log_in(UNUSED void **state)
{
	entering_add_user("login-own", "{\"email\":\"a@b\"}");
	api_use_new_client("login-other");
	assert_int_equal(entering_login("\"email\":\"a@b\"", ENTERING_PASSWORD), 401);
}

static const struct {
	const char *sentence;
	const char *body;
	const char *field;
} bad_logins[] = {
	{ "somebody is meant", "{\"password\":\"12345678\"}", "email" },
	{ "not two are meant", "{\"email\":\"a@b\",\"username\":\"a\",\"password\":\"12345678\"}",
	    "email" },
	{ "a password is given", "{\"email\":\"a@b\"}", "password" },
	{ "an empty password is none", "{\"email\":\"a@b\",\"password\":\"\"}", "password" },
	{ "an address is one", "{\"email\":\"a@b\",\"password\":\"1\",\"ip_address\":\"a.b\"}",
	    "ip_address" },
	{ "a session ends some day", "{\"email\":\"a@b\",\"password\":\"1\",\"expires_in_s\":0}",
	    "expires_in_s" },
};

static void
a_bad_login_is_refused_by_field(UNUSED void **state)
{
	api_use_new_client("login-bad");
	for (size_t i = 0; i < COUNT(bad_logins); i++) {
		api_send("POST", "/v1/auth/login", NULL, bad_logins[i].body);
		api_expect_field(bad_logins[i].sentence, bad_logins[i].field);
	}
	assert_string_equal(api_sql("SELECT count(*) FROM login_failures AS f JOIN clients AS c"
				    " ON c.id = f.client_id WHERE c.name = 'login-bad'"),
	    "0");
}

/* As if the time of the failures were over. */
static void
let_failures_pass(const char *client)
{
	api_sql("UPDATE login_failures SET until = now() WHERE client_id ="
		" (SELECT id FROM clients WHERE name = '%s')",
	    client);
}

static void
fail_to_log_in(const char *who, int times)
{
	for (int i = 0; i < times; i++)
		assert_int_equal(entering_login(who, ENTERING_OTHER), 401);
}

static void
too_many_failures_lock_a_user_out(UNUSED void **state)
{
	const char *id = entering_add_user("login-lock", "{\"email\":\"a@b\",\"username\":\"a\"}");
	const char *wrong;

	fail_to_log_in("\"email\":\"a@b\"", LOGIN_FAILURES_MAX - 1);
	assert_int_equal(entering_login("\"email\":\"a@b\"", ENTERING_PASSWORD), 201);
	fail_to_log_in("\"email\":\"a@b\"", LOGIN_FAILURES_MAX);
	wrong = problem();
	assert_int_equal(entering_login("\"email\":\"a@b\"", ENTERING_PASSWORD), 401);
	assert_string_equal(problem(), wrong);
	assert_int_equal(entering_login("\"username\":\"a\"", ENTERING_PASSWORD), 401);
	assert_string_equal(api_sql("SELECT count(*) FROM audit_log WHERE after->>'locked' = 'true'"
				    " AND action = 'login_failure' AND entity_id = '%s'",
				id),
	    "2");
	let_failures_pass("login-lock");
	assert_int_equal(entering_login("\"email\":\"a@b\"", ENTERING_PASSWORD), 201);
	fail_to_log_in("\"email\":\"a@b\"", LOGIN_FAILURES_MAX);
	assert_int_equal(entering_set_password(id, "\"password\":\"" ENTERING_OTHER "\""), 204);
	assert_int_equal(entering_login("\"email\":\"a@b\"", ENTERING_OTHER), 201);
}

static void
an_attempt_while_locked_out_does_not_prolong_it(UNUSED void **state)
{
	static const char until_sql[] =
	    "SELECT until FROM login_failures WHERE failures > %d AND client_id ="
	    " (SELECT id FROM clients WHERE name = 'login-prolong')";
	const char *until;

	entering_add_user("login-prolong", "{\"email\":\"a@b\"}");
	fail_to_log_in("\"email\":\"a@b\"", LOGIN_FAILURES_MAX + 1);
	until = api_sql(until_sql, LOGIN_FAILURES_MAX);
	fail_to_log_in("\"email\":\"a@b\"", 2);
	assert_string_equal(api_sql(until_sql, LOGIN_FAILURES_MAX), until);
}

#define GUESSERS 4

static void *
guess(void *context UNUSED)
{
	for (int i = 0; i < LOGIN_FAILURES_MAX; i++) {
		struct http_answer answer = api_call("POST", "/v1/auth/login", NULL,
		    "{\"email\":\"a@b\",\"password\":\"" ENTERING_OTHER "\"}");

		http_free(&answer);
	}
	return NULL;
}

/* How many were looked at is what the audit log says; it says nothing of those that found no
 * place. */
static void
guesses_at_the_same_time_are_no_more_guesses(UNUSED void **state)
{
	const char *id = entering_add_user("login-guess", "{\"email\":\"a@b\"}");
	pthread_t threads[GUESSERS];

	for (int i = 0; i < GUESSERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, guess, NULL), 0);
	for (int i = 0; i < GUESSERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(entering_login("\"email\":\"a@b\"", ENTERING_PASSWORD), 401);
	assert_in_range(strtol(api_sql("SELECT count(*) FROM audit_log"
				       " WHERE after->>'locked' = 'false'"
				       " AND action = 'login_failure' AND entity_id = '%s'",
				   id),
			    NULL, 10),
	    1, LOGIN_FAILURES_MAX);
}

static long
login_from(const char *address, const char *name, const char *password)
{
	return api_send("POST", "/v1/auth/login", NULL,
	    api_text("{\"email\":\"%s\",\"password\":\"%s\",\"ip_address\":\"%s\"}", name, password,
		address));
}

static void
too_many_failures_from_an_address_are_refused(UNUSED void **state)
{
	entering_add_user("login-address", "{\"email\":\"a@b\"}");
	for (int i = 0; i < LOGIN_ADDRESS_FAILURES_MAX - 1; i++)
		assert_int_equal(
		    login_from("192.0.2.1", api_text("u%d@b", i), ENTERING_PASSWORD), 401);
	/* A success is none of them. */
	assert_int_equal(login_from("192.0.2.1", "a@b", ENTERING_PASSWORD), 201);
	assert_int_equal(login_from("192.0.2.1", "last@b", ENTERING_PASSWORD), 401);
	assert_int_equal(login_from("192.0.2.1", "a@b", ENTERING_PASSWORD), 429);
	assert_non_null(http_header(api_answer(), "retry-after"));
	assert_int_equal(login_from("192.0.2.2", "a@b", ENTERING_PASSWORD), 201);
	assert_int_equal(entering_login("\"email\":\"a@b\"", ENTERING_PASSWORD), 201);
	api_use_new_client("login-address-2");
	assert_int_equal(login_from("192.0.2.1", "a@b", ENTERING_PASSWORD), 401);
	let_failures_pass("login-address");
}

static void
restart_tallyd(void)
{
	servers_signal(api_servers(), SERVER_TALLYD, SIGTERM);
	(void)servers_wait(api_servers(), SERVER_TALLYD);
	servers_restart(api_servers(), SERVER_TALLYD);
}

static void *
guess_once(void *status)
{
	struct http_answer answer = api_call("POST", "/v1/auth/login", NULL,
	    "{\"email\":\"a@b\",\"password\":\"" ENTERING_OTHER "\",\"ip_address\":\"192.0.2.9\"}");

	*(long *)status = answer.status;
	http_free(&answer);
	return NULL;
}

/* Or whoever keeps the service busy would lock out those who try again. The last test: a password
 * takes long to check from here on, and one is checked at a time. */
static void
a_password_that_was_not_looked_at_is_no_failure(UNUSED void **state)
{
	pthread_t threads[LOGIN_FAILURES_MAX];
	long statuses[LOGIN_FAILURES_MAX], looked_at = 0;

	servers_setting(api_servers(), "threads", "2");
	servers_setting(api_servers(), "password_ops", "10");
	servers_setting(api_servers(), "password_memory_kib", "65536");
	restart_tallyd();
	entering_add_user("login-busy", "{\"email\":\"a@b\"}");
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, guess_once, &statuses[i]), 0);
	for (size_t i = 0; i < COUNT(threads); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_true(statuses[i] == 401 || statuses[i] == 503);
		looked_at += statuses[i] == 401;
	}
	assert_string_equal(api_sql("SELECT string_agg(failures::text, ' ') FROM login_failures"
				    " WHERE client_id = (SELECT id FROM clients"
				    " WHERE name = 'login-busy')"),
	    api_text("%ld %ld", looked_at, looked_at));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_password_opens_a_session),
		cmocka_unit_test(a_login_is_noted),
		cmocka_unit_test(every_reason_has_the_same_answer),
		cmocka_unit_test(a_user_of_another_client_cannot_log_in),
		cmocka_unit_test(a_bad_login_is_refused_by_field),
		cmocka_unit_test(too_many_failures_lock_a_user_out),
		cmocka_unit_test(an_attempt_while_locked_out_does_not_prolong_it),
		cmocka_unit_test(guesses_at_the_same_time_are_no_more_guesses),
		cmocka_unit_test(too_many_failures_from_an_address_are_refused),
		cmocka_unit_test(a_password_that_was_not_looked_at_is_no_failure),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
