/* /v1/authorizations/{id} through nginx: settled, voided, expired, and shown. */
#include "tests/test.h"

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
expect_status(const char *id, const char *status)
{
	api_expect(200, "GET", path_of(id, ""), NULL);
	api_expect_json("status", status);
}

/* What the client's budget shows to a call that costs nothing. */
static void
expect_budget(const char *spent, const char *held)
{
	api_add(POST, "{\"max_cost_cents\":0}");
	api_expect_json("budget.spent_cents", spent);
	api_expect_json("budget.held_cents", held);
}

/* Ways to send a record that settles. */
static const struct {
	const char *path; /* NULL: the authorization's own */
	const char *type;
	const char *before, *behind;
	long status;
} ways[] = {
	{ NULL, "application/json", "", "", 201 },
	{ "/v1/chat-logs", "application/json", "", "", 201 },
	{ "/v1/chat-logs", "application/json", "[", "]", 200 },
	{ "/v1/chat-logs", "application/x-ndjson", "", "\n", 200 },
};

static const char *
record_of(size_t way, const char *id)
{
	const char *named = api_text("\"authorization_id\":\"%s\",", id);

	return api_text("%s{%s\"message_length\":1,\"verified_cost_cents\":0.5}%s",
	    ways[way].before, ways[way].path == NULL ? "" : named, ways[way].behind);
}

static void
every_record_settles(UNUSED void **state)
{
	api_use_budget("settled", "\"window\":\"day\",\"limit_cents\":100");
	for (size_t i = 0; i < COUNT(ways); i++) {
		const char *id = api_add(POST, "{\"max_cost_cents\":2}");
		const char *const headers[] = { api_text("Content-Type: %s", ways[i].type), NULL };
		const char *path = ways[i].path == NULL ? path_of(id, "/settle") : ways[i].path;

		assert_int_equal(api_send("POST", path, headers, record_of(i, id)), ways[i].status);
		expect_status(id, "settled");
		api_expect_json("cost_cents", "0.5");
		api_expect_json("over_authorized", "false");
		api_expect_json("settled_by",
		    api_sql("SELECT id FROM chat_logs WHERE authorization_id = '%s'", id));
		expect_budget(api_text(i % 2 == 0 ? "%zu.5" : "%zu", (i + 1) / 2), "0");
	}
}

static void
a_second_settle_changes_nothing(UNUSED void **state)
{
	const char *id, *record, *created;

	api_use_budget("again", "\"window\":\"day\",\"limit_cents\":100");
	id = api_add(POST, "{\"max_cost_cents\":2}");
	created = api_keep("created_at");
	record = api_add(path_of(id, "/settle"),
	    "{\"message_length\":1,\"verified_cost_cents\":1,\"feature\":\"first\"}");
	api_expect_json("authorization_id", id);
	api_expect_json("created_at", created);
	for (int i = 0; i < 2; i++) {
		api_expect(200, "POST", path_of(id, "/settle"),
		    i == 0 ? "{\"message_length\":1,\"verified_cost_cents\":7}"
			   : "{\"message_length\":1,\"id\":\"another\","
			     "\"created_at\":\"2020-01-01T00:00:00Z\"}");
		api_expect_json("id", record);
		api_expect_json("feature", "first");
	}
	/* By another way it is a call of its own, which settles nothing. */
	api_add("/v1/chat-logs", api_text("{\"authorization_id\":\"%s\",\"message_length\":1,"
					  "\"verified_cost_cents\":3}",
				     id));
	expect_status(id, "settled");
	api_expect_json("settled_by", record);
	api_expect_json("cost_cents", "1");
	expect_budget("4", "0");
	api_expect(422, "POST", path_of(id, "/settle"),
	    api_text("{\"message_length\":1,\"authorization_id\":\"%s\"}", id));
	api_expect_field("the path names it", "authorization_id");
}

static void
a_settle_may_have_its_own_id_and_time(UNUSED void **state)
{
	static const char *const csv[] = { "Content-Type: text/csv", NULL };
	const char *id, *time;

	api_use_new_client("own id");
	id = api_add(POST, "{\"max_cost_cents\":2}");
	time = api_keep("created_at");
	api_add(path_of(id, "/settle"), "{\"message_length\":1,\"id\":\"call-1\"}");
	api_expect_json("created_at", time);
	id = api_add(POST, "{\"max_cost_cents\":2}");
	time = api_sql("SELECT to_char(now() AT TIME ZONE 'UTC' - interval '1 hour',"
		       " 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
	api_add(
	    path_of(id, "/settle"), api_text("{\"message_length\":1,\"created_at\":\"%s\"}", time));
	assert_string_equal(
	    api_sql("SELECT timestamptz '%s' = timestamptz '%s'", time, api_keep("created_at")),
	    "t");
	expect_status(id, "settled");
	id = api_add(POST, "{\"max_cost_cents\":2}");
	api_expect(422, "POST", path_of(id, "/settle"),
	    "{\"message_length\":1,\"created_at\":\"1950-01-01T00:00:00Z\"}");
	api_expect_field("before all time", "created_at");
	expect_status(id, "held");
	assert_int_equal(
	    api_send("POST", path_of(id, "/settle"), csv, "{\"message_length\":1}"), 415);
}

static void
a_void_gives_back(UNUSED void **state)
{
	const char *id, *at;

	api_use_budget("voided", "\"window\":\"day\",\"limit_cents\":10");
	id = api_add(POST, "{\"max_cost_cents\":10}");
	api_expect(402, "POST", POST, "{\"max_cost_cents\":1}");
	api_expect(200, "POST", path_of(id, "/void"), NULL);
	api_expect_json("status", "voided");
	at = api_keep("voided_at");
	api_expect(200, "POST", path_of(id, "/void"), NULL);
	api_expect_json("voided_at", at);
	expect_budget("0", "0");
	/* The money is spent all the same. */
	api_add(path_of(id, "/settle"), "{\"message_length\":1,\"verified_cost_cents\":4}");
	expect_status(id, "settled");
	api_expect_json("voided_at", at);
	expect_budget("4", "0");
	api_expect(409, "POST", path_of(id, "/void"), NULL);
}

/* For servers_await(): what nobody settled is over. */
static bool
is_expired(void *context)
{
	api_send("GET", path_of(context, ""), NULL, NULL);
	return strcmp(api_json("status"), "expired") == 0;
}

static void
what_nobody_settles_expires(UNUSED void **state)
{
	char *id;

	api_use_budget("expired", "\"window\":\"day\",\"limit_cents\":10");
	id = strdup(api_add(POST, "{\"max_cost_cents\":10,\"expires_in\":1}"));
	assert_true(servers_await(is_expired, id));
	expect_budget("0", "0");
	api_expect(200, "POST", path_of(id, "/void"), NULL);
	api_expect_json("status", "expired");
	api_add(path_of(id, "/settle"), "{\"message_length\":1,\"verified_cost_cents\":4}");
	expect_status(id, "settled");
	expect_budget("4", "0");
	free(id);
}

static long
metric(const char *name)
{
	const char *at;

	api_expect(200, "GET", "/metrics", NULL);
	at = strstr(api_answer()->body, api_text("\n%s ", name));
	assert_non_null(at);
	return strtol(at + strlen(name) + 2, NULL, 10);
}

static void
what_costs_more_is_counted_in_full(UNUSED void **state)
{
	long over = metric("tally_over_authorized_total");
	long allowed = metric("tally_authorizations_total{result=\"allowed\"}");
	long refused = metric("tally_authorizations_total{result=\"cost\"}");
	const char *id;

	api_use_budget("over", "\"window\":\"day\",\"limit_cents\":10");
	id = api_add(POST, "{\"max_cost_cents\":4}");
	api_add(path_of(id, "/settle"), "{\"message_length\":1,\"verified_cost_cents\":9.5}");
	expect_status(id, "settled");
	api_expect_json("over_authorized", "true");
	api_expect_json("excess_cents", "5.5");
	api_expect_json("cost_cents", "9.5");
	api_expect(402, "POST", POST, "{\"max_cost_cents\":1}");
	api_expect_json("budget.spent_cents", "9.5");
	assert_int_equal(metric("tally_over_authorized_total"), over + 1);
	assert_int_equal(metric("tally_authorizations_total{result=\"allowed\"}"), allowed + 1);
	assert_int_equal(metric("tally_authorizations_total{result=\"cost\"}"), refused + 1);
}

static void
a_settle_with_a_key_is_answered_alike(UNUSED void **state)
{
	static const char *const headers[] = { "Idempotency-Key: settle", NULL };
	const char *path;

	api_use_new_client("settled once");
	path = path_of(api_add(POST, "{\"max_cost_cents\":2}"), "/settle");
	assert_int_equal(api_send("POST", path, headers, "{\"message_length\":1}"), 201);
	assert_int_equal(api_send("POST", path, headers, "{\"message_length\":1}"), 201);
	assert_string_equal(http_header(api_answer(), "idempotency-replayed"), "true");
	api_expect(200, "POST", path, "{\"message_length\":1}");
}

static void
another_tenants_are_not_there(UNUSED void **state)
{
	const char *id;

	api_use_new_client("theirs");
	id = api_add(POST, "{\"max_cost_cents\":1}");
	api_use_new_client("ours");
	api_expect(404, "GET", path_of(id, ""), NULL);
	api_expect(404, "POST", path_of(id, "/void"), NULL);
	api_expect(404, "POST", path_of(id, "/settle"), "{\"message_length\":1}");
	/* A record that names it is a record, and settles nothing. */
	api_add(
	    "/v1/chat-logs", api_text("{\"message_length\":1,\"authorization_id\":\"%s\"}", id));
	assert_string_equal(
	    api_sql("SELECT settled_at IS NULL FROM authorizations WHERE id = '%s'", id), "t");
	api_expect(404, "GET", path_of("0190a5b0-0000-7000-8000-000000000001", ""), NULL);
	api_expect(404, "GET", path_of("0190a5b0-0000-4000-8000-000000000001", ""), NULL);
	api_expect(404, "GET", path_of("x", ""), NULL);
}

/* So that the record falls into the buckets in which its amount is held. */
static void
what_is_not_given_follows_from_the_authorization(UNUSED void **state)
{
	const char *id, *user;

	api_use_budget("followed", "\"window\":\"day\",\"limit_cents\":100,\"each\":\"user_id\"");
	id =
	    api_add(POST, "{\"max_cost_cents\":2,\"external_user_id\":\"ann\",\"feature\":\"chat\","
			  "\"provider\":\"p\",\"model\":\"m\",\"tags\":[\"a\",\"b\"]}");
	user = api_sql("SELECT id FROM users WHERE external_id = 'ann' AND tier = 'anonymous'");
	assert_string_not_equal(user, "");
	api_add(path_of(id, "/settle"), "{\"output_tokens\":5,\"verified_cost_cents\":1}");
	api_expect_json("user_id", user);
	api_expect_json("feature", "chat");
	api_expect_json("provider", "p");
	api_expect_json("model", "m");
	api_expect_json("tags", "[\"a\",\"b\"]");
	api_expect(200, "GET", "/v1/budgets/check?external_user_id=ann", NULL);
	api_expect_json("budgets.0.spent_cents", "1");
	api_expect_json("budgets.0.held_cents", "0");
	id = api_add(
	    POST, "{\"max_cost_cents\":2,\"feature\":\"chat\",\"model\":\"m\",\"provider\":\"p\"}");
	api_add(
	    path_of(id, "/settle"), "{\"output_tokens\":5,\"feature\":\"mail\",\"model\":\"n\"}");
	api_expect_json("feature", "mail");
	api_expect_json("model", "n");
	api_expect_json("provider", "null");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_record_settles),
		cmocka_unit_test(a_second_settle_changes_nothing),
		cmocka_unit_test(a_settle_may_have_its_own_id_and_time),
		cmocka_unit_test(a_void_gives_back),
		cmocka_unit_test(what_nobody_settles_expires),
		cmocka_unit_test(what_costs_more_is_counted_in_full),
		cmocka_unit_test(a_settle_with_a_key_is_answered_alike),
		cmocka_unit_test(another_tenants_are_not_there),
		cmocka_unit_test(what_is_not_given_follows_from_the_authorization),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
