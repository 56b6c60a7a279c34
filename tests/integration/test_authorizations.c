/* POST /v1/authorizations through nginx: what is held, what is refused, and what is told of it. */
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

#define POST "/v1/authorizations"

static const char *
path_of(const char *id, const char *verb)
{
	return api_text(POST "/%s%s", id, verb);
}

static void
what_is_held_is_shown(UNUSED void **state)
{
	const char *id;

	api_use_budget("shown", "\"window\":\"total\",\"limit_cents\":10");
	id = api_add(POST,
	    "{\"max_cost_cents\":4,\"input_tokens\":7,\"feature\":\"chat\",\"provider\":\"openai\","
	    "\"model\":\"m\",\"tags\":[\"a\",\"b\"],\"expires_in\":60,"
	    "\"agent_session_id\":\"0190a5b0-0000-7000-8000-000000000001\"}");
	api_expect_json("budget.name", "shown");
	api_expect_json("budget.bucket", "null");
	api_expect_json("budget.limit_cents", "10");
	api_expect_json("budget.spent_cents", "0");
	api_expect_json("budget.held_cents", "4");
	api_expect_json("budget.remaining_cents", "6");
	api_expect_json("exceeded", "[]");
	for (int i = 0; i < 2; i++) {
		api_expect_json("status", "held");
		api_expect_json("held_cents", "4");
		api_expect_json("held_tokens", "7");
		api_expect_json("model_pricing_id", "null");
		api_expect_json("settled_at", "null");
		api_expect_json("settled_by", "null");
		api_expect_json("cost_cents", "null");
		api_expect_json("over_authorized", "false");
		api_expect_json("excess_cents", "0");
		api_expect_json("voided_at", "null");
		api_expect_json("user_id", "null");
		api_expect_json("agent_session_id", "0190a5b0-0000-7000-8000-000000000001");
		api_expect_json("feature", "chat");
		api_expect_json("provider", "openai");
		api_expect_json("model", "m");
		api_expect_json("tags.1", "b");
		api_expect_json("api_key_id",
		    api_sql("SELECT k.id FROM auth_tokens k JOIN clients c ON c.id = k.client_id"
			    " WHERE c.name = 'shown'"));
		assert_string_equal(api_sql("SELECT timestamptz '%s' - timestamptz '%s'",
					api_keep("expires_at"), api_keep("created_at")),
		    "00:01:00");
		api_expect(200, "GET", path_of(id, ""), NULL);
	}
	api_expect_json("budget", "(none)");
}

static void
use_price(const char *model, const char *rate)
{
	api_sql("INSERT INTO model_pricing (id, client_id, provider, model, valid_from, input_rate,"
		" output_rate) VALUES (gen_random_uuid(), NULL, 'test', '%s',"
		" now() - interval '1 hour', %s, 5 * %s) RETURNING 1",
	    model, rate, rate);
}

/* For servers_await(): the price list has been read again. */
static bool
is_priced(UNUSED void *context)
{
	api_send("POST", POST, NULL,
	    "{\"model\":\"priced\",\"input_tokens\":100,\"max_output_tokens\":20}");
	return api_answer()->status == 201 && strcmp(api_json("held_cents"), "null") != 0;
}

static void
the_price_list_says_what_is_held(UNUSED void **state)
{
	api_use_new_client("quoted");
	use_price("dear", "200000000000");
	use_price("priced", "1000000");
	assert_true(servers_await(is_priced, NULL));
	/* A micro-dollar for each token of input, five for each of output. */
	api_expect_json("held_cents", "0.02");
	api_expect_json("held_tokens", "120");
	api_expect_json(
	    "model_pricing_id", api_sql("SELECT id FROM model_pricing WHERE model = 'priced'"));
	api_expect(422, "POST", POST,
	    "{\"model\":\"dear\",\"input_tokens\":5000000,\"max_output_tokens\":1}");
	api_expect_field("more than can be held", "max_output_tokens");
}

static const struct {
	const char *sentence;
	const char *budget;
	long status;
	const char *reason; /* NULL: allowed */
} unpriced[] = {
	{ "blocked", "\"limit_cents\":10,\"unpriced\":\"block\"", 402, "unpriced" },
	{ "allowed", "\"limit_cents\":10,\"unpriced\":\"allow\"", 201, NULL },
	{ "by the fallback rate",
	    "\"limit_cents\":10,\"unpriced\":\"fallback\",\"fallback_rate\":1", 201, NULL },
	{ "only told", "\"limit_cents\":10,\"unpriced\":\"block\",\"mode\":\"soft\"", 201, NULL },
	{ "of no matter to a limit of requests", "\"limit_requests\":1,\"unpriced\":\"block\"", 201,
	    NULL },
};

static void
a_budget_says_what_becomes_of_unpriced_calls(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(unpriced); i++) {
		api_use_budget(api_text("unpriced %zu", i),
		    api_text("\"window\":\"day\",%s", unpriced[i].budget));
		api_send("POST", POST, NULL,
		    "{\"model\":\"nobody's\",\"input_tokens\":1,\"max_output_tokens\":1}");
		if (api_answer()->status != unpriced[i].status)
			fail_msg("%s: %s", unpriced[i].sentence, api_answer()->body);
		api_expect_json(unpriced[i].reason == NULL ? "held_cents" : "reason",
		    unpriced[i].reason == NULL ? "null" : unpriced[i].reason);
		assert_null(http_header(api_answer(), "retry-after"));
	}
}

/* The second of two calls is refused. */
static const struct {
	const char *sentence;
	const char *limit;
	const char *call;
	long status;
	const char *reason;
	const char *held; /* a member of the budget, and its value */
	const char *amount;
} refusals[] = {
	{ "of cost", "\"limit_cents\":10", "{\"max_cost_cents\":6}", 402, "cost",
	    "budget.held_cents", "6" },
	{ "of a nano-dollar", "\"limit_cents\":10", "{\"max_cost_cents\":5.0000001}", 402, "cost",
	    "budget.remaining_cents", "4.9999999" },
	{ "of requests", "\"limit_requests\":1", "{\"max_cost_cents\":1}", 429, "requests",
	    "budget.held_requests", "1" },
	{ "of tokens", "\"limit_tokens\":10",
	    "{\"max_cost_cents\":1,\"input_tokens\":4,\"max_output_tokens\":2}", 429, "tokens",
	    "budget.held_tokens", "6" },
};

static void
refuse_in(const char *window, size_t i)
{
	api_use_budget(api_text("%s %zu", window, i),
	    api_text("\"window\":\"%s\"%s,%s", window,
		strcmp(window, "rolling") == 0 ? ",\"rolling_hours\":5" : "", refusals[i].limit));
	api_add(POST, refusals[i].call);
	api_send("POST", POST, NULL, refusals[i].call);
	if (api_answer()->status != refusals[i].status)
		fail_msg("%s: %s", refusals[i].sentence, api_answer()->body);
	api_expect_json("type",
	    refusals[i].status == 402 ? "urn:tally:problem:payment" : "urn:tally:problem:rate");
	api_expect_json("reason", refusals[i].reason);
	api_expect_json("budget.mode", "hard");
	api_expect_json(refusals[i].held, refusals[i].amount);
}

/* Seconds of Retry-After; -1 where there is none. */
static long
retry_after(void)
{
	const char *value = http_header(api_answer(), "retry-after");

	return value == NULL ? -1 : strtol(value, NULL, 10);
}

static void
a_refusal_names_the_budget(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(refusals); i++) {
		refuse_in("total", i);
		assert_int_equal(retry_after(), -1);
		api_expect_json("budget.resets_at", "null");
		refuse_in("year", i);
		/* It was asked just before, so the difference is a few seconds at most. */
		assert_string_equal(
		    api_sql("SELECT abs(extract(epoch FROM timestamptz '%s' - now()) - %ld) < 60",
			api_keep("budget.resets_at"), retry_after()),
		    "t");
		/* A rolling window moves by a part of its hours. */
		refuse_in("rolling", i);
		assert_in_range(retry_after(), 1, 5 * 3600 / 2);
	}
}

static void
a_limit_of_tokens_wants_their_number(UNUSED void **state)
{
	api_use_budget("counted", "\"window\":\"day\",\"limit_tokens\":10");
	api_expect(422, "POST", POST, "{\"max_cost_cents\":1}");
	api_expect_field("no tokens", "input_tokens");
	api_add(POST, "{\"max_cost_cents\":1,\"max_output_tokens\":10}");
	api_use_budget("told", "\"window\":\"day\",\"limit_tokens\":10,\"mode\":\"soft\"");
	api_add(POST, "{\"max_cost_cents\":1}");
	api_expect_json("held_tokens", "null");
}

static void
what_is_not_hard_is_told(UNUSED void **state)
{
	api_use_budget("soft one", "\"window\":\"day\",\"limit_cents\":1,\"mode\":\"soft\"");
	api_add("/v1/budgets", "{\"name\":\"shadow\",\"window\":\"day\",\"limit_requests\":1,"
			       "\"mode\":\"shadow\"}");
	api_add("/v1/budgets", "{\"name\":\"hard\",\"window\":\"day\",\"limit_cents\":9}");
	api_add(POST, "{\"max_cost_cents\":1}");
	api_expect_json("exceeded", "[]");
	api_add(POST, "{\"max_cost_cents\":1}");
	api_expect_json("exceeded.1.id",
	    api_sql("SELECT id FROM budgets WHERE name = '%s'",
		strcmp(api_json("exceeded.0.name"), "shadow") == 0 ? "soft one" : "shadow"));
	api_expect_json("exceeded.2", "(none)");
	api_expect_json("budget.remaining_cents", "0");
}

static void
a_user_has_a_tier(UNUSED void **state)
{
	const char *user;

	api_use_budget("tiers", "\"window\":\"day\",\"limit_requests\":1,\"each\":\"user_id\","
				"\"scope\":{\"user_tier\":\"anonymous\"}");
	user = api_add("/v1/users", "{\"external_id\":\"paying\",\"tier\":\"premium\"}");
	for (int i = 0; i < 2; i++) {
		api_add(POST, "{\"max_cost_cents\":1,\"external_user_id\":\"paying\"}");
		api_expect_json("budget", "null");
		api_expect_json("user_id", user);
	}
	api_add(POST, "{\"max_cost_cents\":1,\"external_user_id\":\"new\"}");
	user = api_keep("user_id");
	api_expect_json("budget.bucket", user);
	api_expect(429, "POST", POST, "{\"max_cost_cents\":1,\"external_user_id\":\"new\"}");
	api_expect_json("budget.bucket", user);
	api_add(POST, "{\"max_cost_cents\":1,\"external_user_id\":\"newer\"}");
	api_add(POST, "{\"max_cost_cents\":1}");
}

static void
the_same_key_gets_the_same_answer(UNUSED void **state)
{
	static const char *const headers[] = { "Idempotency-Key: once", NULL };
	static const char *const other[] = { "Idempotency-Key: twice", NULL };
	static const char body[] = "{\"max_cost_cents\":10}";
	const char *first, *id;

	api_use_budget("once", "\"window\":\"day\",\"limit_cents\":10");
	assert_int_equal(api_send("POST", POST, headers, body), 201);
	first = api_text("%s", api_answer()->body);
	id = api_keep("id");
	/* Though nothing is left for another one. */
	assert_int_equal(api_send("POST", POST, headers, body), 201);
	assert_string_equal(api_answer()->body, first);
	assert_string_equal(http_header(api_answer(), "idempotency-replayed"), "true");
	assert_int_equal(api_send("POST", POST, headers, "{\"max_cost_cents\":1}"), 422);
	assert_int_equal(api_send("POST", POST, other, body), 402);
	api_expect(200, "POST", path_of(id, "/void"), NULL);
	/* A refusal left its key free. */
	assert_int_equal(api_send("POST", POST, other, body), 201);
}

static const struct {
	const char *sentence;
	const char *body;
	const char *field;
} inputs[] = {
	{ "nothing is given", "{}", "max_cost_cents" },
	{ "a model alone", "{\"model\":\"m\"}", "max_cost_cents" },
	{ "no output", "{\"model\":\"m\",\"input_tokens\":1}", "max_cost_cents" },
	{ "no input", "{\"model\":\"m\",\"max_output_tokens\":1}", "max_cost_cents" },
	{ "no model", "{\"input_tokens\":1,\"max_output_tokens\":1}", "max_cost_cents" },
	{ "less than nothing", "{\"max_cost_cents\":-1}", "max_cost_cents" },
	{ "more than a million dollars", "{\"max_cost_cents\":100000000.0000001}",
	    "max_cost_cents" },
	{ "no time", "{\"max_cost_cents\":1,\"expires_in\":0}", "expires_in" },
	{ "more than an hour", "{\"max_cost_cents\":1,\"expires_in\":3601}", "expires_in" },
	{ "a tier, which is the user's", "{\"max_cost_cents\":1,\"user_tier\":\"free\"}",
	    "user_tier" },
	{ "a user by two names",
	    "{\"max_cost_cents\":1,\"external_user_id\":\"a\","
	    "\"user_id\":\"0190a5b0-0000-7000-8000-000000000001\"}",
	    "external_user_id" },
	{ "a user that is not there",
	    "{\"max_cost_cents\":1,\"user_id\":\"0190a5b0-0000-7000-8000-000000000001\"}",
	    "user_id" },
	{ "a session that is not there",
	    "{\"max_cost_cents\":1,\"session_id\":\"0190a5b0-0000-7000-8000-000000000001\"}",
	    "session_id" },
	{ "17 tags",
	    "{\"max_cost_cents\":1,\"tags\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\","
	    "\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]}",
	    "tags" },
};

static void
bad_input_is_named(UNUSED void **state)
{
	api_use_new_client("inputs");
	for (size_t i = 0; i < COUNT(inputs); i++) {
		api_expect(422, "POST", POST, inputs[i].body);
		api_expect_field(inputs[i].sentence, inputs[i].field);
	}
	api_add(POST, "{\"max_cost_cents\":100000000,\"expires_in\":3600}");
	api_add(POST, "{\"max_cost_cents\":0,\"expires_in\":1}");
	api_expect_json("budget", "null");
}

static void
a_closed_budget_says_that_its_counters_are_away(UNUSED void **state)
{
	api_use_budget("closed", "\"window\":\"day\",\"limit_cents\":10");
	api_add(POST, "{\"max_cost_cents\":1}");
	servers_signal(api_servers(), SERVER_REDIS, SIGKILL);
	servers_wait(api_servers(), SERVER_REDIS);
	api_expect(503, "POST", POST, "{\"max_cost_cents\":1}");
	api_expect_json("reason", "away");
	api_expect_json("budget.name", "closed");
	assert_int_equal(retry_after(), 1);
	api_use_budget(
	    "open", "\"window\":\"day\",\"limit_cents\":10,\"on_counter_loss\":\"open\"");
	api_add(POST, "{\"max_cost_cents\":1}");
	api_expect_json("status", "held");
	servers_restart(api_servers(), SERVER_REDIS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_held_is_shown),
		cmocka_unit_test(the_price_list_says_what_is_held),
		cmocka_unit_test(a_budget_says_what_becomes_of_unpriced_calls),
		cmocka_unit_test(a_refusal_names_the_budget),
		cmocka_unit_test(a_limit_of_tokens_wants_their_number),
		cmocka_unit_test(what_is_not_hard_is_told),
		cmocka_unit_test(a_user_has_a_tier),
		cmocka_unit_test(the_same_key_gets_the_same_answer),
		cmocka_unit_test(bad_input_is_named),
		cmocka_unit_test(a_closed_budget_says_that_its_counters_are_away),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
