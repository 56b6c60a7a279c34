/* What a conversation has used, through nginx and as the view token_usage shows it. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "lib/model/token_usage.h"
#include "tests/api.h"
#include "tests/bound.h"

#define ABSENT "00000000-0000-7000-8000-000000000001"

static const char *
add_conversation(void)
{
	return api_add("/v1/conversations", "{}");
}

/* A call of the conversation; members: the others, as JSON. */
static const char *
add_call(const char *conversation, const char *members)
{
	return api_add(
	    "/v1/chat-logs", api_text("{\"conversation_id\":\"%s\",%s}", conversation, members));
}

static void
show(const char *conversation)
{
	api_expect(200, "GET", api_text("/v1/conversations/%s/token-usage", conversation), NULL);
}

static void
sums_are_by_agent_type_and_model(UNUSED void **state)
{
	const char *id, *other;

	api_use_new_client("usage-sums");
	id = add_conversation();
	other = add_conversation();
	add_call(id, "\"agent_type\":\"interview\",\"model\":\"a\",\"input_tokens\":100,"
		     "\"output_tokens\":50,\"verified_cost_cents\":1.5");
	add_call(id, "\"agent_type\":\"interview\",\"model\":\"a\",\"input_tokens\":10,"
		     "\"cached_input_tokens\":3,\"output_tokens\":5,\"verified_cost_cents\":0.25,"
		     "\"success\":false");
	add_call(id, "\"agent_type\":\"interview\",\"model\":\"b\",\"input_tokens\":7,"
		     "\"output_tokens\":0,\"verified_cost_cents\":9");
	add_call(id, "\"model\":\"a\",\"input_tokens\":1,\"output_tokens\":2");
	add_call(other, "\"agent_type\":\"interview\",\"model\":\"a\",\"input_tokens\":1000");
	add_call(ABSENT, "\"agent_type\":\"interview\",\"model\":\"a\",\"input_tokens\":1000");
	show(id);
	api_expect_json("conversation_id", id);
	assert_int_equal(api_rows(), 3);
	api_expect_json("more", "false");
	api_expect_json("total.calls", "4");
	api_expect_json("total.failed_calls", "1");
	api_expect_json("total.unpriced_calls", "1");
	api_expect_json("total.cost_cents", "10.75");
	api_expect_json("total.input_tokens", "115");
	api_expect_json("total.cached_input_tokens", "3");
	api_expect_json("total.output_tokens", "57");
	api_expect_json("total.total_tokens", "175");
	api_expect_json("data.0.agent_type", "interview");
	api_expect_json("data.0.model", "b");
	api_expect_json("data.0.cost_cents", "9");
	api_expect_json("data.1.agent_type", "interview");
	api_expect_json("data.1.model", "a");
	api_expect_json("data.1.calls", "2");
	api_expect_json("data.1.failed_calls", "1");
	api_expect_json("data.1.total_tokens", "165");
	api_expect_json("data.1.cost_cents", "1.75");
	api_expect_json("data.2.agent_type", "null");
	api_expect_json("data.2.unpriced_calls", "1");
}

static void
a_conversation_without_calls_has_used_nothing(UNUSED void **state)
{
	api_use_new_client("usage-none");
	show(add_conversation());
	assert_int_equal(api_rows(), 0);
	api_expect_json("total.calls", "0");
	api_expect_json("total.cost_cents", "0");
	api_expect(404, "GET", "/v1/conversations/" ABSENT "/token-usage", NULL);
	api_expect(404, "GET", "/v1/conversations/none/token-usage", NULL);
}

static void
groups_beyond_500_are_in_the_total_alone(UNUSED void **state)
{
	const char *id;

	api_use_new_client("usage-many");
	id = add_conversation();
	api_sql("INSERT INTO chat_logs (client_id, id, created_at, conversation_id, model,"
		" tokens_used, verified_cost_cents) SELECT client_id, gen_random_uuid(), now(), id,"
		" 'm' || n, n, n FROM conversations, generate_series(1, %d) AS n WHERE id = '%s'",
	    TOKEN_USAGE_GROUPS_MAX, id);
	show(id);
	assert_int_equal(api_rows(), TOKEN_USAGE_GROUPS_MAX);
	api_expect_json("more", "false");
	api_expect_json("data.499.model", "m1");
	add_call(id, "\"model\":\"free\",\"input_tokens\":7,\"verified_cost_cents\":0");
	show(id);
	assert_int_equal(api_rows(), TOKEN_USAGE_GROUPS_MAX);
	api_expect_json("more", "true");
	api_expect_json("data.499.model", "m1");
	api_expect_json("total.calls", "501");
	api_expect_json("total.total_tokens", "125257");
}

/* No sum fails, however large: each record may be as expensive as one can be. */
static void
a_sum_beyond_what_a_number_holds_ends_there(UNUSED void **state)
{
	const char *id;

	api_use_new_client("usage-huge");
	id = add_conversation();
	api_sql("INSERT INTO chat_logs (client_id, id, created_at, conversation_id,"
		" verified_cost_cents) SELECT client_id, gen_random_uuid(), now(), id,"
		" 900000000000 FROM conversations, generate_series(1, 2) AS n WHERE id = '%s'",
	    id);
	show(id);
	api_expect_json("total.cost_cents", "922337203685.4775807");
}

#define VIEW(columns, id) api_sql("SELECT " columns " FROM token_usage WHERE session_id = '%s'", id)

static void
the_view_has_the_calls_one_by_one(UNUSED void **state)
{
	const char *conversation, *call;

	api_use_new_client("usage-view");
	conversation = add_conversation();
	call = add_call(conversation,
	    "\"agent_type\":\"refinement\",\"model\":\"m\",\"input_tokens\":100,"
	    "\"cached_input_tokens\":20,\"cache_write_tokens\":3,\"output_tokens\":50,"
	    "\"verified_cost_cents\":12.3456789");
	assert_string_equal(VIEW("id", conversation), call);
	assert_string_equal(VIEW("agent_type || ' ' || model", conversation), "refinement m");
	assert_string_equal(
	    VIEW("concat_ws(' ', input_tokens, output_tokens, total_tokens)", conversation),
	    "100 50 150");
	assert_string_equal(VIEW("trim_scale(cost_usd)", conversation), "0.123456789");
	assert_string_equal(VIEW("pg_typeof(cost_usd)", conversation), "numeric");
	assert_string_equal(
	    VIEW("timestamp = (SELECT created_at FROM chat_logs l WHERE l.id = token_usage.id)",
		conversation),
	    "t");
}

static void
the_view_knows_no_cost_of_what_has_no_price(UNUSED void **state)
{
	const char *conversation;

	api_use_new_client("usage-unpriced");
	conversation = add_conversation();
	add_call(conversation, "\"model\":\"unheard-of\",\"message_length\":5");
	assert_string_equal(VIEW("cost_usd IS NULL AND agent_type IS NULL", conversation), "t");
	assert_string_equal(VIEW("input_tokens + output_tokens + total_tokens", conversation), "0");
}

/* How many rows tally_app sees in a transaction of this client and user. */
static const char *
seen(const char *client, const char *user)
{
	return api_sql("SET ROLE tally_app; BEGIN; SELECT set_config('app.client_id', '%s', true),"
		       " set_config('app.user_id', '%s', true);"
		       " SELECT count(*) FROM token_usage",
	    client, user);
}

static void
the_view_shows_nothing_of_others(UNUSED void **state)
{
	const char *client, *stranger, *ann, *bob;

	api_use_new_client("usage-stranger");
	stranger = api_sql("SELECT id FROM clients WHERE name = 'usage-stranger'");
	api_use_new_client("usage-seen");
	client = api_sql("SELECT id FROM clients WHERE name = 'usage-seen'");
	ann = api_add("/v1/users", "{\"external_id\":\"ann\"}");
	bob = api_add("/v1/users", "{\"external_id\":\"bob\"}");
	add_call(ABSENT, api_text("\"user_id\":\"%s\",\"input_tokens\":1", ann));
	add_call(ABSENT, "\"input_tokens\":1");
	assert_string_equal(seen(client, ""), "2");
	assert_string_equal(seen(client, ann), "1");
	assert_string_equal(seen(client, bob), "0");
	assert_string_equal(seen(stranger, ""), "0");
}

static void
a_bound_key_sees_the_calls_of_its_user(UNUSED void **state)
{
	const char *client, *ann, *bob, *of_ann, *of_bob;

	api_use_new_client("usage-bound");
	client = api_sql("SELECT id FROM clients WHERE name = 'usage-bound'");
	ann = api_add("/v1/users", "{\"external_id\":\"ann\"}");
	bob = api_add("/v1/users", "{\"external_id\":\"bob\"}");
	of_ann = api_add("/v1/conversations", api_text("{\"user_id\":\"%s\"}", ann));
	of_bob = api_add("/v1/conversations", api_text("{\"user_id\":\"%s\"}", bob));
	add_call(of_ann, api_text("\"user_id\":\"%s\",\"input_tokens\":1", ann));
	add_call(of_ann, api_text("\"user_id\":\"%s\",\"input_tokens\":20", bob));
	show(of_ann);
	api_expect_json("total.input_tokens", "21");
	api_use_key(bound_make_key(client, ann));
	show(of_ann);
	api_expect_json("total.input_tokens", "1");
	api_expect(404, "GET", api_text("/v1/conversations/%s/token-usage", of_bob), NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_by_agent_type_and_model),
		cmocka_unit_test(a_conversation_without_calls_has_used_nothing),
		cmocka_unit_test(groups_beyond_500_are_in_the_total_alone),
		cmocka_unit_test(a_sum_beyond_what_a_number_holds_ends_there),
		cmocka_unit_test(the_view_has_the_calls_one_by_one),
		cmocka_unit_test(the_view_knows_no_cost_of_what_has_no_price),
		cmocka_unit_test(the_view_shows_nothing_of_others),
		cmocka_unit_test(a_bound_key_sees_the_calls_of_its_user),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
