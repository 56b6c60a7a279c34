/* /v1/budgets/check through nginx: which budgets apply, in which order, and what they allow. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

static const char *
add(const char *name, const char *rest)
{
	return api_add(
	    "/v1/budgets", api_text("{\"name\":\"%s\",\"window\":\"total\",%s}", name, rest));
}

static void
call(const char *rest)
{
	api_add("/v1/chat-logs", api_text("{\"input_tokens\":10,%s}", rest));
}

static void
check(const char *query)
{
	api_expect(200, "GET", api_text("/v1/budgets/check%s", query), NULL);
}

/* The names of the budgets in the answer, in their order. */
static const char *
names(void)
{
	const char *all = "";

	for (int i = 0;; i++) {
		const char *name = api_keep(api_text("budgets.%d.name", i));

		if (strcmp(name, "(none)") == 0)
			return all;
		all = api_text("%s%s%s", all, i == 0 ? "" : " ", name);
	}
}

static void
a_client_without_budgets_is_allowed(UNUSED void **state)
{
	api_use_new_client("check-none");
	check("");
	assert_string_equal(api_json("allowed"), "true");
	assert_string_equal(api_json("budgets"), "[]");
	assert_string_equal(api_json("source"), "redis");
}

static const struct {
	const char *sentence;
	const char *query;
	const char *names;
} queries[] = {
	{ "a call of nothing", "", "all" },
	{ "a call of a feature", "?feature=chat", "all chat each-feature" },
	{ "a call of another feature", "?feature=mail", "all each-feature" },
	{ "a feature's case matters", "?feature=Chat", "all each-feature" },
	{ "every value of a scope must fit", "?provider=openai", "all" },
	{ "and when all do, it applies", "?provider=openai&model=gpt", "all model" },
	{ "a call with a tag", "?tag=blue", "all blue" },
	{ "a call with another tag", "?tag=green", "all" },
	{ "a call by a tier", "?user_tier=premium", "all premium" },
	{ "a tier's budget for each user needs a user", "?user_tier=free", "all" },
	{ "an external user that is not there is anonymous", "?external_user_id=nobody",
	    "all each-user" },
	{ "a tier given is taken", "?external_user_id=nobody&user_tier=premium",
	    "all premium each-user" },
	{ "a session", "?session_id=0193d7a0-0000-7000-8000-000000000001", "all session" },
	{ "an agent's session", "?agent_session_id=0193d7a0-0000-7000-8000-000000000001", "all" },
};

static void
budgets_apply_by_their_scope(UNUSED void **state)
{
	api_use_new_client("check-scope");
	/* The limits give the order. */
	add("all", "\"limit_cents\":1");
	add("chat", "\"limit_cents\":2,\"scope\":{\"feature\":\"chat\"}");
	add("model", "\"limit_cents\":2,\"scope\":{\"provider\":\"openai\",\"model\":\"gpt\"}");
	add("blue", "\"limit_cents\":2,\"scope\":{\"tag\":\"blue\"}");
	add("premium", "\"limit_cents\":2,\"scope\":{\"user_tier\":\"premium\"}");
	add("session", "\"limit_cents\":2,"
		       "\"scope\":{\"session_id\":\"0193d7a0-0000-7000-8000-000000000001\"}");
	add("each-feature", "\"limit_cents\":3,\"each\":\"feature\"");
	add("each-user", "\"limit_cents\":3,\"each\":\"user_id\"");
	add("free", "\"limit_cents\":4,\"scope\":{\"user_tier\":\"free\"},\"each\":\"user_id\"");
	add("deleted", "\"limit_cents\":5");
	api_expect(204, "DELETE", api_text("/v1/budgets/%s", api_keep("id")), NULL);
	for (size_t i = 0; i < COUNT(queries); i++) {
		check(queries[i].query);
		if (strcmp(names(), queries[i].names) != 0)
			fail_msg("%s: %s", queries[i].sentence, names());
	}
}

static void
a_user_is_found_with_its_tier(UNUSED void **state)
{
	const char *user;

	api_use_new_client("check-user");
	user = api_add("/v1/users", "{\"external_id\":\"ann\",\"tier\":\"premium\"}");
	add("premium", "\"limit_cents\":1,\"each\":\"user_id\","
		       "\"scope\":{\"user_tier\":\"premium\"}");
	add("free", "\"limit_cents\":1,\"each\":\"user_id\",\"scope\":{\"user_tier\":\"free\"}");
	check("?external_user_id=ann");
	assert_string_equal(names(), "premium");
	assert_string_equal(api_json("budgets.0.bucket"), user);
	check(api_text("?user_id=%s", user));
	assert_string_equal(names(), "premium");
	api_expect(200, "PATCH", api_text("/v1/users/%s", user), "{\"tier\":\"free\"}");
	check(api_text("?user_id=%s", user));
	assert_string_equal(names(), "free");
	api_expect(
	    422, "GET", api_text("/v1/budgets/check?user_id=%s&external_user_id=ann", user), NULL);
	api_send(
	    "GET", "/v1/budgets/check?user_id=0193d7a0-0000-7000-8000-000000000001", NULL, NULL);
	api_expect_field("a user is the client's", "user_id");
}

static void
each_bucket_has_the_whole_limit(UNUSED void **state)
{
	api_use_new_client("check-each");
	add("users", "\"limit_cents\":5,\"each\":\"user_id\"");
	call("\"external_user_id\":\"ann\",\"estimated_cost_cents\":5");
	call("\"external_user_id\":\"bob\",\"estimated_cost_cents\":2");
	check("?external_user_id=ann");
	assert_string_equal(api_json("allowed"), "false");
	assert_string_equal(api_json("budgets.0.remaining_cents"), "0");
	check("?external_user_id=bob");
	assert_string_equal(api_json("allowed"), "true");
	assert_string_equal(api_json("budgets.0.spent_cents"), "2");
	assert_string_equal(api_json("budgets.0.remaining_cents"), "3");
	check("?external_user_id=cid");
	assert_string_equal(api_json("budgets.0.remaining_cents"), "5");
}

static void
the_tightest_comes_first(UNUSED void **state)
{
	api_use_new_client("check-order");
	add("wide", "\"limit_cents\":1000");
	add("requests", "\"limit_requests\":3");
	add("tokens", "\"limit_tokens\":1000");
	add("narrow", "\"limit_cents\":10,\"mode\":\"soft\"");
	call("\"estimated_cost_cents\":4");
	check("");
	assert_string_equal(names(), "narrow wide tokens requests");
	assert_string_equal(api_json("budgets.0.remaining_cents"), "6");
	assert_string_equal(api_json("budgets.2.remaining_tokens"), "990");
	assert_string_equal(api_json("budgets.3.remaining_requests"), "2");
	assert_string_equal(api_json("budgets.3.remaining_cents"), "null");
	call("\"estimated_cost_cents\":4");
	call("\"estimated_cost_cents\":4");
	check("");
	assert_string_equal(names(), "requests narrow wide tokens");
	assert_string_equal(api_json("allowed"), "false");
	assert_string_equal(api_json("budgets.0.allowed"), "false");
	assert_string_equal(api_json("budgets.1.allowed"), "true");
	assert_string_equal(api_json("budgets.1.remaining_cents"), "0");
	assert_string_equal(api_json("budgets.1.spent_cents"), "12");
}

static void
only_a_hard_budget_refuses(UNUSED void **state)
{
	const char *id;

	api_use_new_client("check-mode");
	id = add("b", "\"limit_cents\":1,\"mode\":\"shadow\"");
	call("\"estimated_cost_cents\":2");
	check("");
	assert_string_equal(api_json("allowed"), "true");
	api_expect(200, "PATCH", api_text("/v1/budgets/%s", id), "{\"mode\":\"soft\"}");
	check("");
	assert_string_equal(api_json("allowed"), "true");
	api_expect(200, "PATCH", api_text("/v1/budgets/%s", id), "{\"mode\":\"hard\"}");
	check("");
	assert_string_equal(api_json("allowed"), "false");
	api_expect(200, "PATCH", api_text("/v1/budgets/%s", id),
	    "{\"override\":{\"amount_cents\":1.0000001,\"until\":\"2999-01-01T00:00:00Z\"}}");
	check("");
	assert_string_equal(api_json("allowed"), "true");
	assert_string_equal(api_json("budgets.0.limit_cents"), "2.0000001");
	assert_string_equal(api_json("budgets.0.remaining_cents"), "0.0000001");
	assert_string_equal(api_json("budgets.0.spent_cents"), "2");
	api_expect(200, "PATCH", api_text("/v1/budgets/%s", id), "{\"limit_cents\":0.9999999}");
	check("");
	assert_string_equal(api_json("allowed"), "false");
}

static void
calls_without_a_price_cost_what_the_budget_says(UNUSED void **state)
{
	api_use_new_client("check-unpriced");
	add("nothing", "\"limit_cents\":100,\"unpriced\":\"allow\"");
	add("rate", "\"limit_cents\":90,\"unpriced\":\"fallback\",\"fallback_rate\":0.00005");
	/* 10 tokens at 50 pico-dollars are half a nano-dollar: to even, down; 30 are 1.5: up. */
	call("\"provider\":\"none\",\"model\":\"none\"");
	call("\"provider\":\"none\",\"model\":\"none\",\"tokens_used\":30");
	call("\"estimated_cost_cents\":1");
	check("");
	assert_string_equal(names(), "rate nothing");
	assert_string_equal(api_json("budgets.0.spent_cents"), "1.0000002");
	assert_string_equal(api_json("budgets.0.unpriced_requests"), "2");
	assert_string_equal(api_json("budgets.1.spent_cents"), "1");
	assert_string_equal(api_json("budgets.1.unpriced_requests"), "2");
}

static void
budgets_and_spending_are_a_clients_own(UNUSED void **state)
{
	api_use_new_client("check-theirs");
	add("theirs", "\"limit_cents\":0");
	call("\"estimated_cost_cents\":2,\"feature\":\"f\"");
	api_use_new_client("check-ours");
	add("ours", "\"limit_cents\":1");
	check("?feature=f");
	assert_string_equal(names(), "ours");
	assert_string_equal(api_json("budgets.0.spent_cents"), "0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_without_budgets_is_allowed),
		cmocka_unit_test(budgets_apply_by_their_scope),
		cmocka_unit_test(a_user_is_found_with_its_tier),
		cmocka_unit_test(each_bucket_has_the_whole_limit),
		cmocka_unit_test(the_tightest_comes_first),
		cmocka_unit_test(only_a_hard_budget_refuses),
		cmocka_unit_test(calls_without_a_price_cost_what_the_budget_says),
		cmocka_unit_test(budgets_and_spending_are_a_clients_own),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
