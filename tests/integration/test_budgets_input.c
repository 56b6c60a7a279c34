/* What POST /v1/budgets takes and refuses, through nginx. */
#include "tests/test.h"

#include "lib/base.h"
#include "lib/model/budget.h"
#include "tests/api.h"

#define PLAIN "\"window\":\"day\",\"limit_cents\":100"

static const char *
add(const char *name, const char *rest)
{
	return api_add("/v1/budgets", api_text("{\"name\":\"%s\",%s}", name, rest));
}

static void
a_budget_comes_back_as_it_was_sent(UNUSED void **state)
{
	const char *id, *user, *sent;

	api_use_new_client("budgets-all");
	user = api_add("/v1/users", "{\"email\":\"a@b\"}");
	sent = api_text(
	    "\"scope\":{\"user_id\":\"%s\",\"user_tier\":\"premium\",\"feature\":\"chat\","
	    "\"provider\":\"openai\",\"model\":\"gpt\",\"tag\":\"\303\244\"},"
	    "\"each\":\"session_id\",\"window\":\"rolling\",\"rolling_hours\":5,"
	    "\"timezone\":\"Asia/Kathmandu\",\"limit_cents\":12.3456789,\"limit_requests\":7,"
	    "\"limit_tokens\":9000,\"mode\":\"soft\",\"thresholds\":[100,50,50,120],"
	    "\"unpriced\":\"fallback\",\"fallback_rate\":2.5,\"on_counter_loss\":\"closed\","
	    "\"override\":{\"amount_cents\":3,\"until\":\"2999-01-01T00:00:00Z\"}",
	    user);
	id = add("everything", sent);
	api_expect(200, "GET", api_text("/v1/budgets/%s", id), NULL);
	assert_string_equal(api_json("name"), "everything");
	assert_string_equal(api_json("scope"),
	    api_text("{\"user_id\":\"%s\",\"user_tier\":\"premium\",\"feature\":\"chat\","
		     "\"provider\":\"openai\",\"model\":\"gpt\",\"tag\":\"\303\244\"}",
		user));
	assert_string_equal(api_json("each"), "session_id");
	assert_string_equal(api_json("window"), "rolling");
	assert_string_equal(api_json("rolling_hours"), "5");
	assert_string_equal(api_json("timezone"), "Asia/Kathmandu");
	assert_string_equal(api_json("limit_cents"), "12.3456789");
	assert_string_equal(api_json("limit_requests"), "7");
	assert_string_equal(api_json("limit_tokens"), "9000");
	assert_string_equal(api_json("mode"), "soft");
	assert_string_equal(api_json("thresholds"), "[50,100,120]");
	assert_string_equal(api_json("unpriced"), "fallback");
	assert_string_equal(api_json("fallback_rate"), "2.5");
	assert_string_equal(api_json("on_counter_loss"), "closed");
	assert_string_equal(api_json("override.amount_cents"), "3");
	assert_string_equal(api_json("override.until"), "2999-01-01T00:00:00Z");
	assert_string_equal(
	    api_sql("SELECT fallback_rate FROM budgets WHERE id = '%s'", id), "2500000");
}

static void
what_is_not_given_has_its_default(UNUSED void **state)
{
	api_use_new_client("budgets-default");
	api_sql("UPDATE clients SET timezone = 'Europe/Berlin' WHERE name = 'budgets-default'");
	add("hard", PLAIN);
	assert_string_equal(api_json("scope"), "{}");
	assert_string_equal(api_json("each"), "null");
	assert_string_equal(api_json("timezone"), "Europe/Berlin");
	assert_string_equal(api_json("rolling_hours"), "null");
	assert_string_equal(api_json("limit_requests"), "null");
	assert_string_equal(api_json("limit_tokens"), "null");
	assert_string_equal(api_json("mode"), "hard");
	assert_string_equal(api_json("thresholds"), "[50,80,100]");
	assert_string_equal(api_json("unpriced"), "block");
	assert_string_equal(api_json("fallback_rate"), "null");
	assert_string_equal(api_json("on_counter_loss"), "closed");
	assert_string_equal(api_json("override"), "null");
	add("soft", PLAIN ",\"mode\":\"soft\",\"thresholds\":[]");
	assert_string_equal(api_json("unpriced"), "allow");
	assert_string_equal(api_json("on_counter_loss"), "open");
	assert_string_equal(api_json("thresholds"), "[]");
}

static const struct {
	const char *sentence;
	const char *body;
	const char *field;
} bad_budgets[] = {
	{ "a budget has a name", "{" PLAIN "}", "name" },
	{ "a name is not empty", "{\"name\":\"\"," PLAIN "}", "name" },
	{ "a budget has a window", "{\"name\":\"b\",\"limit_cents\":1}", "window" },
	{ "a window is one of seven", "{\"name\":\"b\",\"limit_cents\":1,\"window\":\"hour\"}",
	    "window" },
	{ "a budget has a limit", "{\"name\":\"b\",\"window\":\"day\"}", "limit_cents" },
	{ "a limit is not below zero", "{\"name\":\"b\",\"window\":\"day\",\"limit_cents\":-1}",
	    "limit_cents" },
	{ "cents have a limit",
	    "{\"name\":\"b\",\"window\":\"day\",\"limit_cents\":900719925.4740993}",
	    "limit_cents" },
	{ "requests have a limit",
	    "{\"name\":\"b\",\"window\":\"day\",\"limit_requests\":9007199254740993}",
	    "limit_requests" },
	{ "tokens have a limit",
	    "{\"name\":\"b\",\"window\":\"day\",\"limit_tokens\":9007199254740993}",
	    "limit_tokens" },
	{ "rolling has hours", "{\"name\":\"b\",\"window\":\"rolling\",\"limit_cents\":1}",
	    "rolling_hours" },
	{ "a day has no rolling hours", "{\"name\":\"b\"," PLAIN ",\"rolling_hours\":24}",
	    "rolling_hours" },
	{ "rolling ends after a year",
	    "{\"name\":\"b\",\"window\":\"rolling\",\"limit_cents\":1,\"rolling_hours\":8785}",
	    "rolling_hours" },
	{ "a zone exists", "{\"name\":\"b\"," PLAIN ",\"timezone\":\"Mars/Base\"}", "timezone" },
	{ "a scope is an object", "{\"name\":\"b\"," PLAIN ",\"scope\":\"all\"}", "scope" },
	{ "a scope's members are known", "{\"name\":\"b\"," PLAIN ",\"scope\":{\"colour\":1}}",
	    "scope.colour" },
	{ "a user is an id", "{\"name\":\"b\"," PLAIN ",\"scope\":{\"user_id\":\"ann\"}}",
	    "scope.user_id" },
	{ "a tier is one of four", "{\"name\":\"b\"," PLAIN ",\"scope\":{\"user_tier\":\"x\"}}",
	    "scope.user_tier" },
	{ "a user is the client's",
	    "{\"name\":\"b\"," PLAIN
	    ",\"scope\":{\"user_id\":\"0193d7a0-0000-7000-8000-000000000001\"}}",
	    "scope.user_id" },
	{ "a key is the client's",
	    "{\"name\":\"b\"," PLAIN
	    ",\"scope\":{\"api_key_id\":\"0193d7a0-0000-7000-8000-000000000001\"}}",
	    "scope.api_key_id" },
	{ "each is a dimension", "{\"name\":\"b\"," PLAIN ",\"each\":\"hour\"}", "each" },
	{ "each has more than one value",
	    "{\"name\":\"b\"," PLAIN ",\"each\":\"model\",\"scope\":{\"model\":\"m\"}}", "each" },
	{ "thresholds are numbers", "{\"name\":\"b\"," PLAIN ",\"thresholds\":[\"50\"]}",
	    "thresholds" },
	{ "thresholds are whole", "{\"name\":\"b\"," PLAIN ",\"thresholds\":[50.5]}",
	    "thresholds" },
	{ "a threshold is not zero", "{\"name\":\"b\"," PLAIN ",\"thresholds\":[0]}",
	    "thresholds" },
	{ "a threshold has a limit", "{\"name\":\"b\"," PLAIN ",\"thresholds\":[1001]}",
	    "thresholds" },
	{ "there are ten thresholds at most",
	    "{\"name\":\"b\"," PLAIN ",\"thresholds\":[1,2,3,4,5,6,7,8,9,10,11]}", "thresholds" },
	{ "a fallback has a rate", "{\"name\":\"b\"," PLAIN ",\"unpriced\":\"fallback\"}",
	    "fallback_rate" },
	{ "a rate has a limit", "{\"name\":\"b\"," PLAIN ",\"fallback_rate\":1000001}",
	    "fallback_rate" },
	{ "an override has a time", "{\"name\":\"b\"," PLAIN ",\"override\":{\"amount_cents\":1}}",
	    "override.until" },
	{ "an override's time is to come",
	    "{\"name\":\"b\"," PLAIN
	    ",\"override\":{\"amount_cents\":1,\"until\":\"2020-01-01T00:00:00Z\"}}",
	    "override.until" },
	{ "an override raises cents",
	    "{\"name\":\"b\",\"window\":\"day\",\"limit_requests\":1,"
	    "\"override\":{\"amount_cents\":1,\"until\":\"2999-01-01T00:00:00Z\"}}",
	    "override" },
	{ "limit and override have a limit together",
	    "{\"name\":\"b\",\"window\":\"day\",\"limit_cents\":900719925.4740992,"
	    "\"override\":{\"amount_cents\":0.0000001,\"until\":\"2999-01-01T00:00:00Z\"}}",
	    "override.amount_cents" },
};

static void
a_bad_budget_is_refused_by_field(UNUSED void **state)
{
	api_use_new_client("budgets-bad");
	for (size_t i = 0; i < COUNT(bad_budgets); i++) {
		api_send("POST", "/v1/budgets", NULL, bad_budgets[i].body);
		api_expect_field(bad_budgets[i].sentence, bad_budgets[i].field);
	}
	api_expect(200, "GET", "/v1/budgets", NULL);
	assert_int_equal(api_rows(), 0);
	_Static_assert(BUDGET_MAX == 9007199254740992, "the sentences name it");
	add("largest",
	    "\"window\":\"rolling\",\"rolling_hours\":8784,\"limit_cents\":900719925.4740992,"
	    "\"limit_requests\":9007199254740992,\"limit_tokens\":9007199254740992");
	assert_string_equal(api_json("limit_cents"), "900719925.4740992");
	assert_string_equal(api_json("limit_tokens"), "9007199254740992");
}

static void
every_bad_field_is_named_at_once(UNUSED void **state)
{
	api_use_new_client("budgets-many");
	api_expect(422, "POST", "/v1/budgets",
	    "{\"window\":1,\"scope\":{\"user_id\":2,\"tag\":\"\"},\"limit_cents\":\"x\"}");
	assert_string_equal(api_json("errors.0.field"), "window");
	assert_string_equal(api_json("errors.1.field"), "scope.user_id");
	assert_string_equal(api_json("errors.2.field"), "scope.tag");
	assert_string_equal(api_json("errors.3.field"), "limit_cents");
	assert_string_equal(api_json("errors.4.field"), "name");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_budget_comes_back_as_it_was_sent),
		cmocka_unit_test(what_is_not_given_has_its_default),
		cmocka_unit_test(a_bad_budget_is_refused_by_field),
		cmocka_unit_test(every_bad_field_is_named_at_once),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
