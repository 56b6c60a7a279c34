/* Second factors of users, through nginx. */
#include "tests/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/core/totp.h"
#include "lib/model/login.h"
#include "tests/api.h"
#include "tests/authenticator.h"

#define PASSWORD "correct horse"

static const char *
mfa(const char *id, const char *rest)
{
	return api_text("/v1/users/%s/mfa%s", id, rest);
}

/* The id of the user of a new client, who has a password. */
static const char *
add_user(const char *client)
{
	const char *id;

	api_use_new_client(client);
	id = api_add("/v1/users", "{\"email\":\"ann@x.org\"}");
	api_expect(
	    204, "POST", api_text("/v1/users/%s/password", id), "{\"password\":\"" PASSWORD "\"}");
	return id;
}

static const char *
enrol(const char *id)
{
	api_expect(201, "POST", mfa(id, ""), NULL);
	return api_keep("secret");
}

/* As if no code had been shown yet: a test does not wait for the next. */
static void
forget_last_code(const char *id)
{
	api_sql("UPDATE user_mfa SET last_step = 0 WHERE user_id = '%s' RETURNING true", id);
}

static const char *
enable(const char *id)
{
	const char *secret = enrol(id);

	api_expect(200, "POST", mfa(id, "/confirm"),
	    api_text("{\"code\":\"%s\"}", authenticator_code(secret, 0)));
	forget_last_code(id);
	return secret;
}

static long
login(const char *more)
{
	return api_send("POST", "/v1/auth/login", NULL,
	    api_text("{\"email\":\"ann@x.org\",\"password\":\"" PASSWORD "\"%s}", more));
}

static long
login_by_code(const char *code)
{
	return login(api_text(",\"code\":\"%s\"", code));
}

static long
verify(const char *id, const char *member, const char *code)
{
	return api_send(
	    "POST", mfa(id, "/verify"), NULL, api_text("{\"%s\":\"%s\"}", member, code));
}

static void
a_secret_counts_once_it_is_confirmed(UNUSED void **state)
{
	const char *id = add_user("mfa-enrol");
	const char *secret, *uri;

	api_expect(201, "POST", mfa(id, ""), "{\"issuer\":\"Example Ltd\"}");
	secret = api_keep("secret");
	uri = api_keep("otpauth_uri");
	assert_string_equal(
	    uri, api_text("otpauth://totp/Example%%20Ltd:ann@x.org?secret=%s&issuer=Example%%20Ltd"
			  "&algorithm=SHA1&digits=6&period=30",
		     secret));
	assert_int_equal(login(""), 201);
	api_send("POST", mfa(id, "/confirm"), NULL, "{\"code\":\"12345\"}");
	api_expect_field("a code has six digits", "code");
	api_expect(200, "POST", mfa(id, "/confirm"),
	    api_text("{\"code\":\"%s\"}", authenticator_code(secret, 0)));
	api_expect(200, "GET", api_text("/v1/users/%s", id), NULL);
	api_expect_json("mfa_enabled", "true");
	assert_null(strstr(api_answer()->body, secret));
	api_expect(409, "POST", mfa(id, ""), NULL);
	api_expect(409, "POST", mfa(id, "/confirm"),
	    api_text("{\"code\":\"%s\"}", authenticator_code(secret, 0)));
}

static void
a_new_secret_takes_the_place_of_one_that_was_not_confirmed(UNUSED void **state)
{
	const char *id = add_user("mfa-again");
	const char *old = enrol(id), *secret = enrol(id);

	assert_string_not_equal(old, secret);
	api_send("POST", mfa(id, "/confirm"), NULL,
	    api_text("{\"code\":\"%s\"}", authenticator_code(old, 0)));
	api_expect_field("the old secret's code", "code");
	api_expect(200, "POST", mfa(id, "/confirm"),
	    api_text("{\"code\":\"%s\"}", authenticator_code(secret, 0)));
}

static void
logging_in_asks_for_a_code(UNUSED void **state)
{
	const char *id = add_user("mfa-login");
	const char *secret = enable(id);
	const char *code = authenticator_code(secret, 0);

	assert_int_equal(login(""), 401);
	assert_int_equal(login_by_code(strcmp(code, "000000") == 0 ? "111111" : "000000"), 401);
	assert_int_equal(login_by_code(code), 201);
	assert_int_equal(login_by_code(code), 401);
	api_send("POST", "/v1/auth/login", NULL,
	    "{\"email\":\"a@b\",\"password\":\"1\",\"code\":\"123456\","
	    "\"recovery_code\":\"abcd-efgh-jkmn-pqrs\"}");
	api_expect_field("one of both", "code");
	api_expect(204, "DELETE", mfa(id, ""), NULL);
	api_expect(204, "DELETE", mfa(id, ""), NULL);
	assert_int_equal(login(""), 201);
	api_expect(200, "GET", api_text("/v1/users/%s", id), NULL);
	api_expect_json("mfa_enabled", "false");
}

static void
a_code_is_verified_once(UNUSED void **state)
{
	const char *id = add_user("mfa-verify");
	const char *secret, *code;

	assert_int_equal(verify(id, "code", "123456"), 401);
	secret = enable(id);
	code = authenticator_code(secret, 0);
	assert_int_equal(verify(id, "code", code), 200);
	api_expect_json("verified", "true");
	assert_int_equal(verify(id, "code", code), 401);
	api_send("POST", mfa(id, "/verify"), NULL, "{}");
	api_expect_field("something is shown", "code");
	assert_int_equal(verify("01890000-0000-7000-8000-000000000000", "code", "123456"), 404);
}

static void
guesses_lock_the_user_out(UNUSED void **state)
{
	const char *id = add_user("mfa-guess");
	const char *secret = enable(id);
	const char *wrong = authenticator_code(secret, -100);

	for (int i = 0; i < LOGIN_FAILURES_MAX; i++)
		assert_int_equal(verify(id, "code", wrong), 401);
	assert_int_equal(verify(id, "code", authenticator_code(secret, 0)), 401);
	assert_int_equal(login_by_code(authenticator_code(secret, 0)), 401);
	api_sql("UPDATE login_failures SET until = now() WHERE client_id ="
		" (SELECT id FROM clients WHERE name = 'mfa-guess') RETURNING true");
	assert_int_equal(verify(id, "code", authenticator_code(secret, 0)), 200);
	forget_last_code(id);
	assert_int_equal(login_by_code(authenticator_code(secret, 0)), 201);
}

static void
a_recovery_code_holds_once(UNUSED void **state)
{
	const char *id = add_user("mfa-recovery");
	const char *codes[RECOVERY_CODES], *upper;

	enable(id);
	for (int i = 0; i < RECOVERY_CODES; i++)
		codes[i] = api_keep(api_text("recovery_codes.%d", i));
	assert_string_equal(api_json(api_text("recovery_codes.%d", RECOVERY_CODES)), "(none)");
	assert_int_equal(login(api_text(",\"recovery_code\":\"%s\"", codes[0])), 201);
	assert_int_equal(login(api_text(",\"recovery_code\":\"%s\"", codes[0])), 401);
	assert_int_equal(verify(id, "recovery_code", codes[1]), 200);
	assert_int_equal(verify(id, "recovery_code", codes[1]), 401);
	upper = api_sql("SELECT upper(replace('%s', '-', ' '))", codes[2]);
	assert_int_equal(verify(id, "recovery_code", upper), 200);
	assert_string_equal(api_sql("SELECT string_agg(after->>'recovery_codes_left', ' '"
				    " ORDER BY created_at) FROM audit_log"
				    " WHERE entity_id = '%s' AND action = 'use_recovery_code'",
				id),
	    "9 8 7");
	api_expect(200, "POST", mfa(id, "/recovery-codes"), NULL);
	upper = api_keep("recovery_codes.0");
	assert_int_equal(verify(id, "recovery_code", codes[3]), 401);
	assert_int_equal(verify(id, "recovery_code", upper), 200);
}

struct race {
	const char *path, *body;
	atomic_int taken, refused;
};

static void *
run_race(void *context)
{
	struct race *race = context;
	struct http_answer answer = api_call("POST", race->path, NULL, race->body);

	if (answer.status == 200)
		race->taken++;
	else if (answer.status == 401)
		race->refused++;
	http_free(&answer);
	return NULL;
}

/* Everybody shows the same at the same time, and one is the first. */
static void
expect_one(const char *id, const char *member, const char *code)
{
	struct race race = { .path = mfa(id, "/verify"),
		.body = api_text("{\"%s\":\"%s\"}", member, code) };
	pthread_t threads[LOGIN_FAILURES_MAX];

	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_race, &race), 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(race.taken, 1);
	assert_int_equal(race.refused, COUNT(threads) - 1);
}

static void
of_many_who_show_a_code_at_once_one_has_it(UNUSED void **state)
{
	const char *id = add_user("mfa-race");
	const char *secret = enable(id), *code = api_keep("recovery_codes.0");

	expect_one(id, "code", authenticator_code(secret, 0));
	api_sql("DELETE FROM login_failures WHERE client_id ="
		" (SELECT id FROM clients WHERE name = 'mfa-race') RETURNING true");
	expect_one(id, "recovery_code", code);
}

static void
nobody_has_anothers_codes(UNUSED void **state)
{
	const char *id = add_user("mfa-own");
	const char *other, *code;

	enable(id);
	code = api_keep("recovery_codes.0");
	other = api_add("/v1/users", "{\"email\":\"bob@x.org\"}");
	api_expect(409, "POST", mfa(other, "/recovery-codes"), NULL);
	enable(other);
	assert_int_equal(verify(other, "recovery_code", code), 401);
	/* Nor is the sealed secret of one worth anything in the row of another. */
	api_sql("UPDATE user_mfa AS m SET secret = o.secret FROM user_mfa AS o"
		" WHERE m.user_id = '%s' AND o.user_id = '%s' RETURNING true",
	    other, id);
	assert_int_equal(verify(other, "code", "123456"), 503);
}

static void
no_secret_is_kept_in_clear(UNUSED void **state)
{
	const char *id = add_user("mfa-secret");
	const char *secret = enable(id), *code = api_keep("recovery_codes.0");
	char bytes[TOTP_SECRET_SIZE], hex[2 * TOTP_SECRET_SIZE + 1];

	authenticator_secret(secret, bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", (unsigned)(unsigned char)bytes[i]);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM user_mfa AS m, users AS u, audit_log AS a,"
		    " (VALUES ('%s'), ('%s'), ('%s')) AS v (secret)"
		    " WHERE m.user_id = '%s' AND u.id = m.user_id AND a.entity_id = u.id::text"
		    " AND concat(m, u, a) ILIKE '%%' || v.secret || '%%'",
		secret, hex, code, id),
	    "0");
	api_expect(204, "DELETE", mfa(id, ""), NULL);
	assert_string_equal(api_sql("SELECT string_agg(action, ' ' ORDER BY created_at)"
				    " FROM audit_log WHERE entity_id = '%s'",
				id),
	    "add set_password enrol_mfa enable_mfa disable_mfa");
	assert_string_equal(api_sql("SELECT count(*) FROM user_mfa WHERE user_id = '%s'", id), "0");
}

static void
a_bad_issuer_is_refused(UNUSED void **state)
{
	const char *id = add_user("mfa-issuer");

	api_send("POST", mfa(id, ""), NULL, "{\"issuer\":\"a:b\"}");
	api_expect_field("a colon ends the issuer", "issuer");
	api_send(
	    "POST", mfa(id, ""), NULL, api_text("{\"issuer\":\"%0*d\"}", MFA_ISSUER_MAX + 1, 7));
	api_expect_field("too long", "issuer");
}

static void
restart_with(const char *setting, const char *value)
{
	servers_setting(api_servers(), setting, value);
	servers_signal(api_servers(), SERVER_TALLYD, SIGTERM);
	(void)servers_wait(api_servers(), SERVER_TALLYD);
	servers_restart(api_servers(), SERVER_TALLYD);
}

/* Who is refused gives the request's connection back before the failure is noted on another: as
 * many guesses at once as there are connections would else wait for each other. */
static void
a_refusal_needs_one_connection(UNUSED void **state)
{
	const char *id = add_user("mfa-connection");

	enable(id);
	servers_setting(api_servers(), "database_pool_min", "1");
	restart_with("database_pool_max", "1");
	assert_int_equal(login(""), 401);
	assert_int_equal(verify(id, "recovery_code", "abcd-efgh-jkmn-pqrs"), 401);
	assert_string_equal(api_sql("SELECT count(*) FROM audit_log WHERE entity_id = '%s'"
				    " AND action = 'login_failure'",
				id),
	    "2");
	restart_with("database_pool_max", "20");
}

/* The last test: the servers have no seal_key from here on. */
static void
without_a_seal_key_nothing_is_sealed(UNUSED void **state)
{
	const char *id = add_user("mfa-no-key");

	restart_with("seal_key", "");
	api_expect(503, "POST", mfa(id, ""), NULL);
	assert_non_null(strstr(api_json("detail"), "seal_key"));
	assert_int_equal(login(""), 201);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_counts_once_it_is_confirmed),
		cmocka_unit_test(a_new_secret_takes_the_place_of_one_that_was_not_confirmed),
		cmocka_unit_test(logging_in_asks_for_a_code),
		cmocka_unit_test(a_code_is_verified_once),
		cmocka_unit_test(guesses_lock_the_user_out),
		cmocka_unit_test(a_recovery_code_holds_once),
		cmocka_unit_test(of_many_who_show_a_code_at_once_one_has_it),
		cmocka_unit_test(nobody_has_anothers_codes),
		cmocka_unit_test(no_secret_is_kept_in_clear),
		cmocka_unit_test(a_bad_issuer_is_refused),
		cmocka_unit_test(a_refusal_needs_one_connection),
		cmocka_unit_test(without_a_seal_key_nothing_is_sealed),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
