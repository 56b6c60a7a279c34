/* Verification of e-mail addresses: through nginx, tally alerts and a real webhook. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "lib/model/delivery.h"
#include "lib/model/verification.h"
#include "tests/api.h"
#include "tests/receiver.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0"
#define FAILED "HTTP/1.1 500 Oh no\r\nContent-Length: 0"

static int
start(void **state)
{
	receiver_start();
	api_start(state);
	servers_setting(api_servers(), "webhook_allow_private", "yes");
	return 0;
}

static int
stop(void **state)
{
	api_stop(state);
	receiver_stop();
	return 0;
}

/* A new client with a webhook, and the id of its user. */
static const char *
begin(const char *client, const char *user)
{
	receiver_forget();
	receiver_answer(OK);
	api_use_new_client(client);
	api_sql("INSERT INTO webhooks (client_id, id, url, secret, events)\n"
		"SELECT id, gen_random_uuid(), 'http://127.0.0.1:%d/', repeat('s', 40),\n"
		"'{user.email_verification}' FROM clients WHERE name = '%s' RETURNING true",
	    receiver_port(), client);
	return api_add("/v1/users", user);
}

static long
ask(const char *id)
{
	return api_send("POST", api_text("/v1/users/%s/email-verification", id), NULL, NULL);
}

/* As if the last token had been made some time ago. */
static void
let_time_pass(const char *id)
{
	api_sql("UPDATE email_verifications SET created_at = created_at - interval '%d s'"
		" WHERE user_id = '%s' RETURNING true",
	    VERIFICATION_EVERY_S, id);
}

static void
deliver(void)
{
	char *output;

	assert_int_equal(servers_tally(api_servers(), &output, "alerts", NULL), EX_OK);
	free(output);
}

/* The token of the last delivery, kept until the program ends. */
static const char *
delivered(void)
{
	const char *at;

	deliver();
	assert_true(receiver_count() > 0);
	at = strstr(receiver_request(receiver_count() - 1).body, VERIFICATION_PREFIX);
	assert_non_null(at);
	return api_text("%.*s", (int)VERIFICATION_TOKEN_SIZE - 1, at);
}

static long
take(const char *token)
{
	return api_send(
	    "POST", "/v1/auth/verify-email", NULL, api_text("{\"token\":\"%s\"}", token));
}

static void
expect_refused(const char *sentence, const char *token)
{
	take(token);
	api_expect_field(sentence, "token");
}

static void
the_token_goes_to_the_webhook_and_nowhere_else(UNUSED void **state)
{
	const char *id = begin("verify-once", "{\"email\":\"ann@x.org\"}");
	const char *token;

	assert_int_equal(ask(id), 202);
	api_expect_json("email", "ann@x.org");
	api_expect_json("webhooks", "1");
	assert_null(strstr(api_answer()->body, VERIFICATION_PREFIX));
	api_expect(200, "GET", "/v1/alerts", NULL);
	api_expect_json("data.0.type", "user.email_verification");
	api_expect_json("data.0.data.user_id", id);
	api_expect_json("data.0.data.email", "ann@x.org");
	assert_null(strstr(api_answer()->body, VERIFICATION_PREFIX));
	token = delivered();
	assert_string_equal(
	    api_sql("SELECT count(*) FROM webhook_deliveries WHERE token IS NOT NULL"), "0");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM audit_log AS a WHERE a::text LIKE '%%%s%%'", token), "0");
	assert_int_equal(take(token), 200);
	api_expect_json("id", id);
	api_expect_json("email_verified", "true");
	expect_refused("it holds once", token);
	assert_string_equal(api_sql("SELECT string_agg(action, ' ' ORDER BY created_at)"
				    " FROM audit_log WHERE entity_id = '%s'",
				id),
	    "add send_verification verify_email");
	assert_int_equal(ask(id), 409);
}

static void
a_token_holds_for_a_day(UNUSED void **state)
{
	const char *id = begin("verify-day", "{\"email\":\"a@b\"}");
	const char *token;

	assert_int_equal(ask(id), 202);
	token = delivered();
	assert_string_equal(api_sql("SELECT extract(epoch FROM expires_at - created_at)::int"
				    " FROM email_verifications WHERE user_id = '%s'",
				id),
	    "86400");
	api_sql("UPDATE email_verifications SET expires_at = now() WHERE user_id = '%s'"
		" RETURNING true",
	    id);
	expect_refused("its day is over", token);
	deliver();
	api_expect(200, "GET", api_text("/v1/users/%s", id), NULL);
	api_expect_json("email_verified", "false");
}

static void
a_token_is_for_one_address(UNUSED void **state)
{
	const char *id = begin("verify-address", "{\"email\":\"a@b\"}");
	const char *token;

	assert_int_equal(ask(id), 202);
	token = delivered();
	api_expect(200, "PATCH", api_text("/v1/users/%s", id), "{\"email\":\"c@b\"}");
	expect_refused("the address is another one", token);
	api_expect(200, "PATCH", api_text("/v1/users/%s", id), "{\"email\":\"a@b\"}");
	assert_int_equal(take(token), 200);
}

static void
a_new_token_takes_the_place_of_the_old(UNUSED void **state)
{
	const char *id = begin("verify-again", "{\"email\":\"a@b\"}");
	const char *old, *token;

	assert_int_equal(ask(id), 202);
	old = delivered();
	assert_int_equal(ask(id), 429);
	assert_non_null(http_header(api_answer(), "retry-after"));
	let_time_pass(id);
	assert_int_equal(ask(id), 202);
	token = delivered();
	assert_string_not_equal(token, old);
	expect_refused("another one took its place", old);
	assert_int_equal(take(token), 200);
}

static void
a_token_is_of_one_client(UNUSED void **state)
{
	const char *id = begin("verify-own", "{\"email\":\"a@b\"}");
	const char *token, *key = api_key();

	assert_int_equal(ask(id), 202);
	token = delivered();
	api_use_new_client("verify-other");
	expect_refused("another client's is unknown", token);
	api_use_key(key);
	api_expect(204, "DELETE", api_text("/v1/users/%s", id), NULL);
	expect_refused("a deleted user verifies nothing", token);
	api_expect(200, "POST", api_text("/v1/users/%s/restore", id), NULL);
	assert_int_equal(take(token), 200);
	expect_refused("what is no token is unknown", "x");
}

static void
nothing_is_made_that_nobody_would_get(UNUSED void **state)
{
	const char *id;

	api_use_new_client("verify-nobody");
	id = api_add("/v1/users", "{\"email\":\"a@b\"}");
	assert_int_equal(ask(id), 409);
	assert_non_null(strstr(api_json("detail"), "user.email_verification"));
	assert_string_equal(
	    api_sql("SELECT count(*) FROM email_verifications WHERE user_id = '%s'", id), "0");
	api_expect(200, "GET", "/v1/alerts", NULL);
	assert_int_equal(api_rows(), 0);
	id = begin("verify-nothing", "{\"username\":\"a\"}");
	assert_int_equal(ask(id), 409);
	assert_int_equal(ask("01890000-0000-7000-8000-000000000000"), 404);
}

static void
a_token_that_cannot_be_delivered_is_gone(UNUSED void **state)
{
	const char *id = begin("verify-dead", "{\"email\":\"a@b\"}");

	assert_int_equal(ask(id), 202);
	receiver_answer(FAILED);
	for (int i = 1; i <= DELIVERY_ATTEMPTS_MAX; i++) {
		const char *kept;

		deliver();
		kept = api_sql("SELECT count(*) FROM webhook_deliveries"
			       " WHERE token IS NOT NULL AND dead_at IS NULL");
		assert_string_equal(kept, i < DELIVERY_ATTEMPTS_MAX ? "1" : "0");
		api_sql("UPDATE webhook_deliveries SET next_attempt_at = now()"
			" WHERE next_attempt_at IS NOT NULL RETURNING true");
	}
	assert_int_equal(receiver_count(), DELIVERY_ATTEMPTS_MAX);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM webhook_deliveries WHERE token IS NOT NULL"), "0");
}

static void
the_service_cannot_read_what_it_sends(UNUSED void **state)
{
	assert_string_equal(api_sql("SELECT has_column_privilege('tally_app',"
				    " 'webhook_deliveries', 'token', 'SELECT')"),
	    "f");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_token_goes_to_the_webhook_and_nowhere_else),
		cmocka_unit_test(a_token_holds_for_a_day),
		cmocka_unit_test(a_token_is_for_one_address),
		cmocka_unit_test(a_new_token_takes_the_place_of_the_old),
		cmocka_unit_test(a_token_is_of_one_client),
		cmocka_unit_test(nothing_is_made_that_nobody_would_get),
		cmocka_unit_test(a_token_that_cannot_be_delivered_is_gone),
		cmocka_unit_test(the_service_cannot_read_what_it_sends),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
