/* /v1/credit-accounts through nginx: what is posted, what is refused, and what is told of it. */
#include "tests/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/paying.h"

#define ROUNDS 1000

/* Each on top of those before it. */
static const struct {
	const char *sentence;
	const char *body;
	const char *amount, *balance, *held;
} postings[] = {
	{ "what is purchased is there", "{\"type\":\"purchase\",\"amount\":10.5}", "10.5", "10.5",
	    "0" },
	{ "what is used is gone", "{\"type\":\"usage\",\"amount\":4.0001}", "-4.0001", "6.4999",
	    "0" },
	{ "what is refunded is back", "{\"type\":\"refund\",\"amount\":1}", "1", "7.4999", "0" },
	{ "an adjustment may add", "{\"type\":\"adjustment\",\"amount\":0.5001}", "0.5001", "8",
	    "0" },
	{ "an adjustment may take away", "{\"type\":\"adjustment\",\"amount\":-2}", "-2", "6",
	    "0" },
	{ "what is held is not available", "{\"type\":\"hold\",\"amount\":2}", "-2", "4", "2" },
	{ "all that is there can be used", "{\"type\":\"usage\",\"amount\":4}", "-4", "0", "2" },
};

static void
every_type_changes_the_balance(UNUSED void **state)
{
	paying_use_account("types");
	for (size_t i = 0; i < COUNT(postings); i++) {
		const char *id = paying_post(postings[i].body);

		if (strcmp(api_json("amount"), postings[i].amount) != 0 ||
		    strcmp(api_json("balance_after"), postings[i].balance) != 0)
			fail_msg("%s: %s", postings[i].sentence, api_answer()->body);
		api_expect(200, "GET", paying_path(api_text("/transactions/%s", id)), NULL);
		api_expect_json("balance_after", postings[i].balance);
		paying_expect("current_balance", postings[i].balance);
		api_expect_json("held", postings[i].held);
	}
	paying_expect("lifetime_purchased", "10.5");
	api_expect_json("lifetime_spent", "8.0001");
	api_expect_json("lifetime_refunded", "1");
	paying_check_books("types");
}

static void
a_hold_is_used_or_released(UNUSED void **state)
{
	const char *hold;

	paying_use_account("holds");
	paying_post("{\"type\":\"purchase\",\"amount\":10}");
	hold = paying_post("{\"type\":\"hold\",\"amount\":6,\"expires_in\":60}");
	api_expect(200, "GET", paying_path("/holds"), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.id", hold);
	paying_refuse(402, "{\"type\":\"usage\",\"amount\":5}");
	api_expect_json("held", "6");
	/* The whole hold comes back, and what was used goes. */
	paying_post(api_text("{\"type\":\"usage\",\"amount\":5,\"hold_id\":\"%s\"}", hold));
	api_expect_json("balance_after", "5");
	paying_expect("held", "0");
	paying_refuse(422, api_text("{\"type\":\"release\",\"hold_id\":\"%s\"}", hold));
	api_expect_field("it is closed", "hold_id");
	hold = paying_post("{\"type\":\"hold\",\"amount\":5}");
	paying_post(api_text("{\"type\":\"release\",\"hold_id\":\"%s\"}", hold));
	api_expect_json("amount", "5");
	api_expect_json("balance_after", "5");
	api_expect(200, "GET", paying_path("/holds"), NULL);
	assert_int_equal(api_rows(), 0);
	paying_check_books("holds");
}

static const struct {
	const char *sentence;
	const char *body;
	const char *field;
} inputs[] = {
	{ "nothing", "{}", "type" },
	{ "an expiry, which is nobody's", "{\"type\":\"expiry\",\"amount\":1}", "type" },
	{ "no amount", "{\"type\":\"usage\"}", "amount" },
	{ "an amount of nothing", "{\"type\":\"usage\",\"amount\":0}", "amount" },
	{ "less than nothing", "{\"type\":\"purchase\",\"amount\":-1}", "amount" },
	{ "an adjustment by nothing", "{\"type\":\"adjustment\",\"amount\":0}", "amount" },
	{ "five decimals", "{\"type\":\"usage\",\"amount\":0.00001}", "amount" },
	{ "more than a thousand million", "{\"type\":\"purchase\",\"amount\":1000000000.0001}",
	    "amount" },
	{ "an amount of a release",
	    "{\"type\":\"release\",\"amount\":1,"
	    "\"hold_id\":\"0190a5b0-0000-7000-8000-000000000001\"}",
	    "amount" },
	{ "a release of nothing", "{\"type\":\"release\"}", "hold_id" },
	{ "a hold of a purchase",
	    "{\"type\":\"purchase\",\"amount\":1,"
	    "\"hold_id\":\"0190a5b0-0000-7000-8000-000000000001\"}",
	    "hold_id" },
	{ "a hold that is not there",
	    "{\"type\":\"usage\",\"amount\":1,"
	    "\"hold_id\":\"0190a5b0-0000-7000-8000-000000000001\"}",
	    "hold_id" },
	{ "a refund of nothing that was used",
	    "{\"type\":\"refund\",\"amount\":1,"
	    "\"refunded_id\":\"0190a5b0-0000-7000-8000-000000000001\"}",
	    "refunded_id" },
	{ "a usage that refunds",
	    "{\"type\":\"usage\",\"amount\":1,"
	    "\"refunded_id\":\"0190a5b0-0000-7000-8000-000000000001\"}",
	    "refunded_id" },
	{ "a refund of more than was used", "{\"type\":\"refund\",\"amount\":0.0001}", "amount" },
	{ "a usage with a priority", "{\"type\":\"usage\",\"amount\":1,\"priority\":1}",
	    "priority" },
	{ "a priority above 100", "{\"type\":\"purchase\",\"amount\":1,\"priority\":101}",
	    "priority" },
	{ "a usage that expires", "{\"type\":\"usage\",\"amount\":1,\"expires_in\":1}",
	    "expires_in" },
	{ "a purchase that has expired",
	    "{\"type\":\"purchase\",\"amount\":1,\"expires_at\":\"2020-01-01T00:00:00Z\"}",
	    "expires_at" },
	{ "a purchase for more than ten years",
	    "{\"type\":\"purchase\",\"amount\":1,\"expires_at\":\"2999-01-01T00:00:00Z\"}",
	    "expires_at" },
	{ "a hold for more than 30 days", "{\"type\":\"hold\",\"amount\":1,\"expires_in\":2592001}",
	    "expires_in" },
	{ "two ends",
	    "{\"type\":\"hold\",\"amount\":1,\"expires_in\":1,"
	    "\"expires_at\":\"2999-01-01T00:00:00Z\"}",
	    "expires_at" },
	{ "an empty description", "{\"type\":\"usage\",\"amount\":1,\"description\":\"\"}",
	    "description" },
	{ "metadata that is no object", "{\"type\":\"usage\",\"amount\":1,\"metadata\":1}",
	    "metadata" },
};

static void
bad_input_is_named(UNUSED void **state)
{
	paying_use_account("inputs");
	for (size_t i = 0; i < COUNT(inputs); i++) {
		paying_refuse(422, inputs[i].body);
		api_expect_field(inputs[i].sentence, inputs[i].field);
	}
	paying_expect("current_balance", "0");
	api_expect_json("lifetime_spent", "0");
}

static void
a_refusal_says_what_is_missing(UNUSED void **state)
{
	paying_use_account("short");
	paying_post("{\"type\":\"purchase\",\"amount\":2.5}");
	paying_refuse(402, "{\"type\":\"usage\",\"amount\":10}");
	api_expect_json("type", "urn:tally:problem:payment");
	api_expect_json("reason", "credits");
	api_expect_json("balance", "2.5");
	api_expect_json("required", "10");
	api_expect_json("shortfall", "7.5");
	assert_null(http_header(api_answer(), "retry-after"));
	paying_refuse(402, "{\"type\":\"adjustment\",\"amount\":-2.5001}");
	api_expect_json("shortfall", "0.0001");
	paying_refuse(402, "{\"type\":\"hold\",\"amount\":2.5001}");
	paying_post("{\"type\":\"hold\",\"amount\":2.5}");
	assert_string_equal(api_sql("SELECT count(*) FROM credit_transactions t JOIN clients c\n"
				    "ON c.id = t.client_id WHERE c.name = 'short'"),
	    "2");
}

static void
the_same_key_posts_once(UNUSED void **state)
{
	static const char *const headers[] = { "Idempotency-Key: once", NULL };
	static const char *const other[] = { "Idempotency-Key: other", NULL };
	static const char body[] = "{\"type\":\"usage\",\"amount\":8}";
	const char *first;

	paying_use_account("keys");
	assert_int_equal(api_send("POST", paying_path("/transactions"), headers, body), 402);
	paying_post("{\"type\":\"purchase\",\"amount\":10}");
	/* A refusal left its key free. */
	assert_int_equal(api_send("POST", paying_path("/transactions"), headers, body), 201);
	first = api_text("%s", api_answer()->body);
	assert_int_equal(api_send("POST", paying_path("/transactions"), headers, body), 201);
	assert_string_equal(api_answer()->body, first);
	assert_string_equal(http_header(api_answer(), "idempotency-replayed"), "true");
	assert_int_equal(api_send("POST", paying_path("/transactions"), headers,
			     "{\"type\":\"usage\",\"amount\":1}"),
	    422);
	assert_int_equal(api_send("POST", paying_path("/transactions"), other, body), 402);
	paying_expect("current_balance", "2");
}

static void
the_check_holds_nothing(UNUSED void **state)
{
	paying_use_account("checked");
	paying_post("{\"type\":\"purchase\",\"amount\":5}");
	for (int i = 0; i < 2; i++) {
		api_expect(200, "GET", paying_path("/check?amount=5"), NULL);
		api_expect_json("sufficient", "true");
		api_expect_json("shortfall", "0");
	}
	api_expect(200, "GET", paying_path("/check?amount=5.5"), NULL);
	api_expect_json("sufficient", "false");
	api_expect_json("current_balance", "5");
	api_expect_json("required", "5.5");
	api_expect_json("shortfall", "0.5");
	api_expect(422, "GET", paying_path("/check"), NULL);
	api_expect_field("how much", "amount");
}

static void
pages_follow_each_other(UNUSED void **state)
{
	int seen = 0, pages = 0;
	const char *cursor = "";

	paying_use_account("pages");
	for (int i = 1; i <= 7; i++)
		paying_post(api_text("{\"type\":\"purchase\",\"amount\":%d}", i));
	do {
		api_expect(
		    200, "GET", paying_path(api_text("/transactions?limit=3%s", cursor)), NULL);
		for (int i = 0; i < api_rows(); i++, seen++)
			api_expect_json(api_text("data.%d.amount", i), api_text("%d", 7 - seen));
		cursor = api_text("&cursor=%s", api_keep("next_cursor"));
		pages++;
	} while (strcmp(api_json("next_cursor"), "null") != 0);
	assert_int_equal(seen, 7);
	assert_int_equal(pages, 3);
	api_expect(422, "GET", paying_path("/transactions?cursor=x"), NULL);
}

/* One of two callers at once. */
struct caller {
	pthread_barrier_t *start;
	const char *path;
	int paid, refused;
};

static void *
deduct(void *object)
{
	struct caller *caller = object;

	for (int i = 0; i < ROUNDS; i++) {
		struct http_answer answer;

		pthread_barrier_wait(caller->start);
		answer = api_call("POST", caller->path, NULL, "{\"type\":\"usage\",\"amount\":8}");
		caller->paid += answer.status == 201;
		caller->refused += answer.status == 402;
		http_free(&answer);
		pthread_barrier_wait(caller->start);
	}
	return NULL;
}

static void
prevents_double_spending_with_concurrent_transactions(UNUSED void **state)
{
	pthread_barrier_t start;
	struct caller callers[2];
	pthread_t threads[2];

	paying_use_account("double");
	paying_post("{\"type\":\"purchase\",\"amount\":2}");
	assert_int_equal(pthread_barrier_init(&start, NULL, 3), 0);
	for (int i = 0; i < 2; i++) {
		callers[i] = (struct caller){ &start, paying_path("/transactions"), 0, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, deduct, &callers[i]), 0);
	}
	for (int i = 1; i <= ROUNDS; i++) {
		paying_post("{\"type\":\"purchase\",\"amount\":8}");
		api_expect_json("balance_after", "10");
		pthread_barrier_wait(&start);
		pthread_barrier_wait(&start);
		paying_expect("current_balance", "2");
		assert_int_equal(callers[0].paid + callers[1].paid, i);
		assert_int_equal(callers[0].refused + callers[1].refused, i);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&start);
	paying_check_books("double");
}

static void
a_key_sees_its_own_tenants_accounts(UNUSED void **state)
{
	const char *theirs, *transaction;

	paying_use_account("theirs");
	transaction = paying_post("{\"type\":\"purchase\",\"amount\":1}");
	theirs = paying_user();
	paying_use_account("ours");
	api_expect(404, "GET", paying_path(api_text("/transactions/%s", transaction)), NULL);
	paying_use_user(theirs);
	api_expect(404, "GET", paying_path(""), NULL);
	api_expect(404, "PATCH", paying_path(""), "{\"daily_limit\":1}");
	api_expect(404, "GET", paying_path("/check?amount=1"), NULL);
	api_expect(404, "GET", paying_path("/transactions"), NULL);
	api_expect(404, "GET", paying_path("/holds"), NULL);
	api_expect(404, "GET", paying_path("/grants"), NULL);
	paying_refuse(404, "{\"type\":\"purchase\",\"amount\":1}");
	paying_use_user("0190a5b0-0000-7000-8000-000000000001");
	paying_refuse(404, "{\"type\":\"purchase\",\"amount\":1}");
	paying_use_user("nobody");
	paying_refuse(404, "{\"type\":\"purchase\",\"amount\":1}");
	paying_check_books("theirs");
}

static void
a_key_without_the_scope_is_refused(UNUSED void **state)
{
	paying_use_account("scopes");
	api_use_scope("users");
	api_expect(403, "GET", paying_path(""), NULL);
	paying_refuse(403, "{\"type\":\"purchase\",\"amount\":1}");
	api_use_scope("credits");
	paying_post("{\"type\":\"purchase\",\"amount\":1}");
}

static void
a_key_of_a_user_has_that_users_account(UNUSED void **state)
{
	const char *mine, *other;

	paying_use_account("bound");
	mine = paying_user();
	other = api_add("/v1/users", "{\"external_id\":\"bob\"}");
	paying_post("{\"type\":\"purchase\",\"amount\":3}");
	/* Nobody has presented it yet, so it is read as it stands then. */
	api_use_scope("credits");
	api_sql("UPDATE auth_tokens SET user_id = '%s' WHERE client_id =\n"
		"(SELECT id FROM clients WHERE name = 'bound')",
	    mine);
	paying_expect("current_balance", "3");
	/* It is read, and filled by others. */
	paying_refuse(403, "{\"type\":\"purchase\",\"amount\":1}");
	paying_use_user(other);
	api_expect(404, "GET", paying_path(""), NULL);
	api_expect(404, "GET", paying_path("/transactions"), NULL);
	paying_use_user("client");
	api_expect(404, "GET", paying_path(""), NULL);
}

static void
a_client_has_an_account_of_its_own(UNUSED void **state)
{
	paying_use_account("own");
	paying_use_user("client");
	paying_post("{\"type\":\"purchase\",\"amount\":4,\"metadata\":{\"invoice\":\"7\"}}");
	api_expect_json("metadata.invoice", "7");
	paying_expect("current_balance", "4");
	api_expect_json("owner", "client");
	api_expect_json("user_id", "null");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_changes_the_balance),
		cmocka_unit_test(a_hold_is_used_or_released),
		cmocka_unit_test(bad_input_is_named),
		cmocka_unit_test(a_refusal_says_what_is_missing),
		cmocka_unit_test(the_same_key_posts_once),
		cmocka_unit_test(the_check_holds_nothing),
		cmocka_unit_test(pages_follow_each_other),
		cmocka_unit_test(prevents_double_spending_with_concurrent_transactions),
		cmocka_unit_test(a_key_sees_its_own_tenants_accounts),
		cmocka_unit_test(a_key_without_the_scope_is_refused),
		cmocka_unit_test(a_key_of_a_user_has_that_users_account),
		cmocka_unit_test(a_client_has_an_account_of_its_own),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
