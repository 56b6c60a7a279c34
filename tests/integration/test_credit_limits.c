/* What limits an account of credits: overdraft, day and month, what expires, what can be refunded.
 */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/paying.h"

static void
a_sum_has_an_end(UNUSED void **state)
{
	paying_use_account("overflow");
	for (int i = 0; i < 9; i++)
		paying_post("{\"type\":\"purchase\",\"amount\":1000000000}");
	paying_refuse(422, "{\"type\":\"purchase\",\"amount\":1000000000}");
	api_expect_field("2^63 nano-dollars", "amount");
	paying_expect("current_balance", "9000000000");
}

static void
limits_of_day_and_month_hold(UNUSED void **state)
{
	static const struct {
		const char *member, *reason;
	} limits[] = { { "daily_limit", "daily_limit" }, { "monthly_limit", "monthly_limit" } };

	for (size_t i = 0; i < COUNT(limits); i++) {
		paying_use_account(limits[i].member);
		paying_post("{\"type\":\"purchase\",\"amount\":100}");
		api_expect(200, "PATCH", paying_path(""),
		    api_text("{\"%s\":5,\"timezone\":\"%s\"}", limits[i].member, servers_noon()));
		api_expect_json(limits[i].member, "5");
		paying_post("{\"type\":\"usage\",\"amount\":2}");
		paying_post("{\"type\":\"hold\",\"amount\":2}");
		/* What is held counts, too. */
		paying_refuse(402, "{\"type\":\"usage\",\"amount\":1.0001}");
		api_expect_json("reason", limits[i].reason);
		api_expect_json("limit", "5");
		api_expect_json("spent", "2");
		paying_refuse(402, "{\"type\":\"hold\",\"amount\":1.0001}");
		api_expect(200, "GET", paying_path("/check?amount=1.0001"), NULL);
		api_expect_json("sufficient", "false");
		api_expect_json("available", "1");
		paying_post("{\"type\":\"usage\",\"amount\":1}");
		api_expect(
		    200, "PATCH", paying_path(""), api_text("{\"%s\":null}", limits[i].member));
		api_expect_json(limits[i].member, "null");
		paying_post("{\"type\":\"usage\",\"amount\":50}");
	}
}

static void
an_overdraft_is_for_admins_to_set(UNUSED void **state)
{
	const char *key;

	paying_use_account("overdraft");
	key = api_key();
	api_use_scope("credits");
	api_expect(403, "PATCH", paying_path(""), "{\"overdraft\":3}");
	api_expect(200, "PATCH", paying_path(""), "{\"daily_limit\":30}");
	api_use_key(key);
	api_expect(200, "PATCH", paying_path(""), "{\"overdraft\":3,\"daily_limit\":null}");
	paying_post("{\"type\":\"purchase\",\"amount\":1}");
	paying_refuse(402, "{\"type\":\"usage\",\"amount\":4.0001}");
	api_expect_json("overdraft", "3");
	api_expect_json("shortfall", "0.0001");
	paying_post("{\"type\":\"usage\",\"amount\":4}");
	api_expect_json("balance_after", "-3");
	/* Not below what is owed. */
	api_expect(422, "PATCH", paying_path(""), "{\"overdraft\":2}");
	api_expect_field("it is owed", "overdraft");
	paying_post("{\"type\":\"purchase\",\"amount\":5}");
	api_expect_json("balance_after", "2");
	api_expect(200, "GET", paying_path("/grants"), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.remaining", "2");
	paying_check_books("overdraft");
}

static void
a_change_wants_what_it_was_based_on(UNUSED void **state)
{
	const char *headers[] = { NULL, NULL };

	paying_use_account("etags");
	api_expect(200, "GET", paying_path(""), NULL);
	headers[0] = api_text("If-Match: %s", http_header(api_answer(), "etag"));
	/* What is posted is no change of the settings. */
	paying_post("{\"type\":\"purchase\",\"amount\":1}");
	assert_int_equal(api_send("PATCH", paying_path(""), headers,
			     "{\"auto_recharge_enabled\":true,\"auto_recharge_threshold\":5,"
			     "\"auto_recharge_amount\":20,\"timezone\":\"Asia/Kathmandu\"}"),
	    200);
	api_expect_json("auto_recharge_enabled", "true");
	api_expect_json("auto_recharge_threshold", "5");
	api_expect_json("auto_recharge_amount", "20");
	api_expect_json("timezone", "Asia/Kathmandu");
	assert_int_equal(
	    api_send("PATCH", paying_path(""), headers, "{\"auto_recharge_enabled\":false}"), 412);
	api_expect(422, "PATCH", paying_path(""), "{\"timezone\":\"Mars/Olympus\"}");
	api_expect_field("no such zone", "timezone");
	api_expect(200, "PATCH", paying_path(""), "{\"timezone\":null}");
	api_expect_json("timezone", "null");
	/* It is below the threshold. */
	assert_string_not_equal(api_json("recharge_due_at"), "null");
	assert_string_equal(
	    api_sql(
		"SELECT string_agg(action || ' ' || entity, ', ' ORDER BY l.id) FROM audit_log l\n"
		"JOIN clients c ON c.id = l.client_id\n"
		"WHERE c.name = 'etags' AND entity LIKE 'credit%%'"),
	    "purchase credit_transactions, change credit_accounts, change credit_accounts");
}

static void
what_was_given_is_used_in_order(UNUSED void **state)
{
	static const char *const left[] = { "first", "second", "third" };

	paying_use_account("grants");
	paying_post("{\"type\":\"purchase\",\"amount\":1,\"description\":\"third\"}");
	paying_post(
	    "{\"type\":\"purchase\",\"amount\":2,\"description\":\"second\",\"expires_in\":600}");
	paying_post(
	    "{\"type\":\"purchase\",\"amount\":3,\"description\":\"first\",\"priority\":0}");
	api_expect(200, "GET", paying_path("/grants"), NULL);
	for (int i = 0; i < 3; i++) {
		api_expect(200, "GET", paying_path("/grants"), NULL);
		assert_int_equal(api_rows(), 3 - i);
		api_expect(200, "GET",
		    paying_path(api_text("/transactions/%s", api_keep("data.0.id"))), NULL);
		api_expect_json("description", left[i]);
		paying_post(api_text("{\"type\":\"usage\",\"amount\":%d}", 3 - i));
	}
	paying_expect("current_balance", "0");
	paying_check_books("grants");
}

/* For servers_await(): what was given for a second is gone with the next posting. */
static bool
is_expired(UNUSED void *context)
{
	paying_post("{\"type\":\"purchase\",\"amount\":0.0001}");
	api_expect(200, "GET", paying_path("/transactions"), NULL);
	return strcmp(api_json("data.1.type"), "expiry") == 0;
}

static void
what_expires_is_taken_away(UNUSED void **state)
{
	paying_use_account("expiry");
	paying_post("{\"type\":\"purchase\",\"amount\":7,\"expires_in\":1}");
	assert_true(servers_await(is_expired, NULL));
	api_expect_json("data.1.amount", "-7");
	paying_refuse(402, "{\"type\":\"usage\",\"amount\":7}");
	paying_check_books("expiry");
}

static void
a_refund_has_limits(UNUSED void **state)
{
	const char *usage, *other;

	paying_use_account("refunds");
	paying_post("{\"type\":\"purchase\",\"amount\":10}");
	usage = paying_post("{\"type\":\"usage\",\"amount\":4}");
	other = paying_post("{\"type\":\"usage\",\"amount\":2}");
	paying_post(api_text("{\"type\":\"refund\",\"amount\":3,\"refunded_id\":\"%s\"}", usage));
	api_expect_json("refunded_id", usage);
	paying_refuse(
	    422, api_text("{\"type\":\"refund\",\"amount\":2,\"refunded_id\":\"%s\"}", usage));
	api_expect_field("1 is left of it", "amount");
	paying_post(api_text("{\"type\":\"refund\",\"amount\":2,\"refunded_id\":\"%s\"}", other));
	paying_refuse(422, "{\"type\":\"refund\",\"amount\":1.0001}");
	api_expect_field("1 is left in all", "amount");
	paying_post("{\"type\":\"refund\",\"amount\":1}");
	paying_expect("current_balance", "10");
	/* Another account's is none of this one's. */
	paying_use_user("client");
	paying_refuse(
	    422, api_text("{\"type\":\"refund\",\"amount\":1,\"refunded_id\":\"%s\"}", usage));
	api_expect_field("it is another's", "refunded_id");
	paying_check_books("refunds");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sum_has_an_end),
		cmocka_unit_test(limits_of_day_and_month_hold),
		cmocka_unit_test(an_overdraft_is_for_admins_to_set),
		cmocka_unit_test(a_change_wants_what_it_was_based_on),
		cmocka_unit_test(what_was_given_is_used_in_order),
		cmocka_unit_test(what_expires_is_taken_away),
		cmocka_unit_test(a_refund_has_limits),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
