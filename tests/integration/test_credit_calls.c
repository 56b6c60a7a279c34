/* Calls that credits pay for: what is held for an authorization, and what a record takes. */
#include "tests/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/bound.h"
#include "tests/paying.h"

#define ASK "/v1/authorizations"
#define RECORDS "/v1/chat-logs"
#define CALLERS 16
#define FIT 40 /* calls that the account can pay */

static const char *
ask(const char *cents)
{
	return api_add(
	    ASK, api_text("{\"max_cost_cents\":%s,\"user_id\":\"%s\"}", cents, paying_user()));
}

static void
refuse(const char *cents)
{
	api_expect(402, "POST", ASK,
	    api_text("{\"max_cost_cents\":%s,\"user_id\":\"%s\"}", cents, paying_user()));
}

static const char *
of(const char *id, const char *verb)
{
	return api_text(ASK "/%s/%s", id, verb);
}

static void
an_authorization_holds_and_its_record_pays(UNUSED void **state)
{
	const char *id, *call;

	paying_use_payer("holds");
	id = ask("40");
	paying_expect_balance("0.6", "0.4");
	call = api_add(of(id, "settle"), "{\"message_length\":1,\"verified_cost_cents\":12.5}");
	paying_expect_balance("0.875", "0");
	paying_expect_ledger("purchase 1, hold -0.4, release 0.4, usage -0.125");
	api_expect_json("data.0.source_id", call);
	api_expect_json("data.2.source_id", id);
	/* A second settle pays nothing. */
	api_expect(200, "POST", of(id, "settle"), "{\"message_length\":1}");
	paying_expect_balance("0.875", "0");
	paying_check_books("holds");
}

static void
what_costs_a_nano_dollar_is_paid_to_the_nano_dollar(UNUSED void **state)
{
	paying_use_payer("nanos");
	api_add(RECORDS, paying_record("0.0000001", ""));
	paying_expect_balance("0.999999999", "0");
	ask("0.0000002");
	paying_expect_balance("0.999999997", "0.000000002");
}

static void
a_refusal_leaves_nothing_behind(UNUSED void **state)
{
	static const char *const headers[] = { "Idempotency-Key: refused", NULL };
	const char *body;

	paying_use_payer("refused");
	api_add("/v1/budgets", "{\"name\":\"b\",\"window\":\"day\",\"limit_cents\":1000}");
	ask("40");
	refuse("70");
	api_expect_json("type", "urn:tally:problem:payment");
	api_expect_json("reason", "credits");
	api_expect_json("balance", "0.6");
	api_expect_json("required", "0.7");
	api_expect_json("shortfall", "0.1");
	assert_null(http_header(api_answer(), "retry-after"));
	/* Neither is the budget held. */
	ask("10");
	api_expect_json("budget.held_cents", "50");
	body = api_text("{\"max_cost_cents\":90,\"user_id\":\"%s\"}", paying_user());
	assert_int_equal(api_send("POST", ASK, headers, body), 402);
	paying_post("{\"type\":\"purchase\",\"amount\":1}");
	assert_int_equal(api_send("POST", ASK, headers, body), 201);
	assert_int_equal(api_send("POST", ASK, headers, body), 201);
	assert_string_equal(http_header(api_answer(), "idempotency-replayed"), "true");
	paying_expect_balance("0.6", "1.4");
	/* What a budget refuses is not held by the account. */
	api_expect(402, "POST", ASK, "{\"max_cost_cents\":900}");
	api_expect_json("reason", "cost");
	assert_string_equal(api_sql("SELECT count(*) FROM authorizations a JOIN clients c\n"
				    "ON c.id = a.client_id WHERE c.name = 'refused'"),
	    "3");
	paying_check_books("refused");
}

static void
a_limit_of_the_account_refuses(UNUSED void **state)
{
	paying_use_payer("limited");
	api_expect(200, "PATCH", paying_path(""),
	    api_text("{\"daily_limit\":0.5,\"timezone\":\"%s\"}", servers_noon()));
	ask("30");
	refuse("20.1");
	api_expect_json("reason", "daily_limit");
	ask("20");
	/* Also one whose balance and overdraft together are more than a number holds. */
	api_expect(200, "PATCH", paying_path(""), "{\"overdraft\":1000000000}");
	for (int i = 0; i < 9; i++)
		paying_post("{\"type\":\"purchase\",\"amount\":1000000000}");
	refuse("20.1");
	api_expect_json("reason", "daily_limit");
	api_expect_json("shortfall", "0");
}

static void
what_costs_more_takes_what_is_there(UNUSED void **state)
{
	const char *id;

	paying_use_payer("over");
	id = ask("40");
	api_add(of(id, "settle"), "{\"message_length\":1,\"verified_cost_cents\":90}");
	paying_expect_balance("0.1", "0");
	id = ask("10");
	api_add(of(id, "settle"), "{\"message_length\":1,\"verified_cost_cents\":60}");
	/* The call was made: what is missing is not forgotten, and not owed. */
	paying_expect_balance("0", "0");
	api_expect_json("uncovered", "0.5");
	api_add(RECORDS, paying_record("5", ""));
	paying_expect("uncovered", "0.55");
	paying_check_books("over");
}

static void
a_void_gives_back(UNUSED void **state)
{
	const char *id;

	paying_use_payer("voided");
	id = ask("100");
	refuse("1");
	for (int i = 0; i < 2; i++)
		api_expect(200, "POST", of(id, "void"), NULL);
	paying_expect_balance("1", "0");
	/* The call is paid all the same. */
	api_add(of(id, "settle"), "{\"message_length\":1,\"verified_cost_cents\":25}");
	paying_expect_balance("0.75", "0");
	id = ask("10");
	api_add(of(id, "settle"), "{\"message_length\":1,\"verified_cost_cents\":5}");
	api_expect(409, "POST", of(id, "void"), NULL);
	paying_expect_balance("0.7", "0");
	paying_expect_ledger("purchase 1, hold -1, release 1, usage -0.25, hold -0.1, release 0.1, "
			     "usage -0.05");
	paying_check_books("voided");
}

/* For servers_await(): the hold of a second is given back with the next posting. */
static bool
is_released(UNUSED void *context)
{
	paying_post("{\"type\":\"purchase\",\"amount\":0.0001}");
	api_expect(200, "GET", paying_path(""), NULL);
	return strcmp(api_json("held"), "0") == 0;
}

static void
what_nobody_settles_comes_back(UNUSED void **state)
{
	const char *id, *before;

	paying_use_payer("expired");
	id = api_add(ASK, api_text("{\"max_cost_cents\":100,\"user_id\":\"%s\",\"expires_in\":1}",
			      paying_user()));
	assert_true(servers_await(is_released, NULL));
	before = api_keep("current_balance");
	api_add(of(id, "settle"), "{\"message_length\":1,\"verified_cost_cents\":25}");
	paying_expect_balance(api_sql("SELECT trim_scale(%s - 0.25)", before), "0");
	paying_check_books("expired");
}

static void
a_call_without_a_price_pays_nothing(UNUSED void **state)
{
	const char *id;

	paying_use_payer("unpriced");
	api_add(RECORDS, api_text("{\"user_id\":\"%s\",\"model\":\"nobody's\",\"input_tokens\":1}",
			     paying_user()));
	id = api_add(ASK, api_text("{\"user_id\":\"%s\",\"model\":\"nobody's\","
				   "\"input_tokens\":1,\"max_output_tokens\":1}",
			      paying_user()));
	paying_expect_balance("1", "0");
	api_add(of(id, "settle"), "{\"message_length\":1}");
	id = ask("30");
	paying_expect_balance("0.7", "0.3");
	api_add(of(id, "settle"), "{\"message_length\":1}");
	paying_expect_ledger("purchase 1, hold -0.3, release 0.3");
	paying_expect_balance("1", "0");
}

static void
a_user_of_the_first_call_has_an_account(UNUSED void **state)
{
	paying_use_client("new users", "user");
	api_expect(402, "POST", ASK, "{\"max_cost_cents\":1,\"external_user_id\":\"bob\"}");
	api_add(RECORDS, "{\"message_length\":1,\"verified_cost_cents\":3,"
			 "\"external_user_id\":\"carl\"}");
	paying_use_user(api_keep("user_id"));
	paying_expect("uncovered", "0.03");
	paying_post("{\"type\":\"purchase\",\"amount\":1}");
	api_add(ASK, "{\"max_cost_cents\":100,\"external_user_id\":\"carl\"}");
	paying_expect_balance("0", "1");
	paying_check_books("new users");
}

/* The record names another user than the authorization: who held it pays. */
static void
who_holds_pays(UNUSED void **state)
{
	const char *id, *payer;

	paying_use_payer("holder");
	payer = paying_user();
	id = ask("40");
	paying_use_user(api_add("/v1/users", "{\"external_id\":\"bob\"}"));
	api_add(RECORDS, paying_record("30", api_text(",\"authorization_id\":\"%s\"", id)));
	paying_expect_balance("0", "0");
	api_expect_json("uncovered", "0");
	paying_use_user(payer);
	paying_expect_balance("0.7", "0");
	paying_check_books("holder");
}

/* The key sees its user's authorization, and not the account that pays for it. */
static void
a_bound_key_gives_back_what_its_client_paid(UNUSED void **state)
{
	const char *free_key, *user, *id;

	paying_use_client("bound to one", "client");
	paying_use_user("client");
	paying_post("{\"type\":\"purchase\",\"amount\":1}");
	free_key = api_key();
	user = api_add("/v1/users", "{\"external_id\":\"bob\"}");
	api_use_key(
	    bound_make_key(api_sql("SELECT id FROM clients WHERE name = 'bound to one'"), user));
	id = api_add(ASK, "{\"max_cost_cents\":40}");
	for (int i = 0; i < 2; i++)
		api_expect(200, "POST", of(id, "void"), NULL);
	api_use_key(free_key);
	paying_expect_balance("1", "0");
	id = api_add(ASK, "{\"max_cost_cents\":40}");
	api_use_key(
	    bound_make_key(api_sql("SELECT id FROM clients WHERE name = 'bound to one'"), user));
	api_expect(404, "POST", of(id, "void"), NULL);
	api_use_key(free_key);
	paying_expect_balance("0.6", "0.4");
	paying_check_books("bound to one");
}

struct crowd {
	const char *body;
	atomic_int allowed, refused, others;
};

static void *
call(void *object)
{
	struct crowd *crowd = object;

	for (int i = 0; i < 2 * FIT / CALLERS; i++) {
		struct http_answer answer = api_call("POST", ASK, NULL, crowd->body);

		atomic_fetch_add(answer.status == 201	? &crowd->allowed
				 : answer.status == 402 ? &crowd->refused
							: &crowd->others,
		    1);
		http_free(&answer);
	}
	return NULL;
}

static void
no_more_is_allowed_than_is_there(UNUSED void **state)
{
	struct crowd crowd = { .body = "{\"max_cost_cents\":2.5}" };
	pthread_t threads[CALLERS];

	paying_use_client("crowd", "client");
	paying_use_user("client");
	paying_post("{\"type\":\"purchase\",\"amount\":1}");
	for (int i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call, &crowd), 0);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&crowd.others), 0);
	assert_int_equal(atomic_load(&crowd.allowed), FIT);
	assert_int_equal(atomic_load(&crowd.refused), FIT);
	paying_expect_balance("0", "1");
	paying_check_books("crowd");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_authorization_holds_and_its_record_pays),
		cmocka_unit_test(what_costs_a_nano_dollar_is_paid_to_the_nano_dollar),
		cmocka_unit_test(a_refusal_leaves_nothing_behind),
		cmocka_unit_test(a_limit_of_the_account_refuses),
		cmocka_unit_test(what_costs_more_takes_what_is_there),
		cmocka_unit_test(a_void_gives_back),
		cmocka_unit_test(what_nobody_settles_comes_back),
		cmocka_unit_test(a_call_without_a_price_pays_nothing),
		cmocka_unit_test(a_user_of_the_first_call_has_an_account),
		cmocka_unit_test(who_holds_pays),
		cmocka_unit_test(a_bound_key_gives_back_what_its_client_paid),
		cmocka_unit_test(no_more_is_allowed_than_is_there),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
