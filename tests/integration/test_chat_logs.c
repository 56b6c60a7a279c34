/* Reading the log through nginx: filters and pages. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

#define CONVERSATION "0189aaaa-0000-7000-8000-000000000001"
#define AGENT_SESSION "0189aaaa-0000-7000-8000-000000000002"
#define UNKNOWN "0189aaaa-0000-7000-8000-00000000000f"

/* The id of a new record. */
static const char *
add_log(const char *body)
{
	return api_add("/v1/chat-logs", body);
}

/* A time so many seconds ago, in the form that a query takes. */
static const char *
ago(long long seconds)
{
	return api_sql("SELECT to_char((now() - interval '%lld s') AT TIME ZONE 'UTC',\n"
		       "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
	    seconds);
}

static void
expect_only(const char *query, const char *id)
{
	api_expect(200, "GET", api_text("/v1/chat-logs?%s", query), NULL);
	if (api_rows() != 1 || strcmp(api_json("data.0.id"), id) != 0)
		fail_msg("%s: %s", query, api_answer()->body);
}

static void
a_record_is_read_as_it_was_stored(UNUSED void **state)
{
	const char *id;

	api_use_new_client("logs-one");
	id = add_log("{\"input_tokens\":7,\"feature\":\"a,\\\"b\\\"\",\"tags\":[\"x\"],"
		     "\"metadata\":{\"k\":[1,null]},\"verified_cost_cents\":0.0000001,"
		     "\"error_message\":\"no\",\"success\":false}");
	api_expect(200, "GET", api_text("/v1/chat-logs/%s", id), NULL);
	assert_string_equal(api_json("id"), id);
	assert_string_equal(api_json("input_tokens"), "7");
	assert_string_equal(api_json("output_tokens"), "null");
	assert_string_equal(api_json("feature"), "a,\"b\"");
	assert_string_equal(api_json("tags.0"), "x");
	assert_string_equal(api_json("tools_used"), "null");
	assert_string_equal(api_json("metadata.k.0"), "1");
	assert_string_equal(api_json("metadata.k.1"), "null");
	assert_string_equal(api_json("verified_cost_cents"), "0.0000001");
	assert_string_equal(api_json("estimated_cost_cents"), "null");
	assert_string_equal(api_json("success"), "false");
	assert_string_not_equal(api_json("api_key_id"), "null");
}

static void
what_is_not_there_is_not_found(UNUSED void **state)
{
	const char *id;

	api_use_new_client("logs-theirs");
	id = add_log("{\"message_length\":1}");
	api_use_new_client("logs-ours");
	api_expect(404, "GET", api_text("/v1/chat-logs/%s", id), NULL);
	api_expect(404, "GET", "/v1/chat-logs/" UNKNOWN, NULL);
	api_expect(404, "GET", "/v1/chat-logs/x", NULL);
	api_expect(404, "GET", "/v1/chat-logs/6ba7b810-9dad-11d1-80b4-00c04fd430c8", NULL);
	api_expect(200, "GET", "/v1/chat-logs", NULL);
	assert_int_equal(api_rows(), 0);
}

static void
each_filter_finds_its_record(UNUSED void **state)
{
	static const char *const queries[] = { "conversation_id=" CONVERSATION,
		"agent_session_id=" AGENT_SESSION, "trace_id=t1", "feature=chat+window",
		"agent_type=planner", "provider=acme", "model=acme%2Fone", "tag=blue",
		"success=false", "success=false&tag=red&trace_id=t1&model=acme%2Fone",
		"unpriced=true", "unpriced=true&success=false&conversation_id=" CONVERSATION };
	const char *user, *session, *id;

	api_use_new_client("logs-filters");
	api_expect(201, "POST", "/v1/users", "{\"tier\":\"anonymous\"}");
	user = api_keep("id");
	api_expect(201, "POST", "/v1/sessions", "{}");
	session = api_keep("id");
	add_log(
	    "{\"message_length\":1,\"estimated_cost_cents\":0,\"trace_id\":\"t2\",\"tags\":[\"green\"]}");
	id = add_log(
	    api_text("{\"message_length\":1,\"user_id\":\"%s\",\"session_id\":\"%s\","
		     "\"conversation_id\":\"" CONVERSATION "\","
		     "\"agent_session_id\":\"" AGENT_SESSION "\",\"trace_id\":\"t1\","
		     "\"feature\":\"chat window\",\"agent_type\":\"planner\",\"provider\":\"acme\","
		     "\"model\":\"acme/one\",\"tags\":[\"red\",\"blue\"],\"success\":false}",
		user, session));
	add_log("{\"message_length\":1,\"verified_cost_cents\":3}");
	for (size_t i = 0; i < COUNT(queries); i++)
		expect_only(queries[i], id);
	expect_only(api_text("user_id=%s", user), id);
	expect_only(api_text("session_id=%s", session), id);
	expect_only(api_text("session_id=%s&user_id=%s&trace_id=t1", session, user), id);
	api_expect(200, "GET", "/v1/chat-logs?trace_id=t1&tag=green", NULL);
	assert_int_equal(api_rows(), 0);
	api_expect(200, "GET", "/v1/chat-logs?unpriced=false", NULL);
	assert_int_equal(api_rows(), 2);
	api_expect(200, "GET", "/v1/chat-logs?success=true", NULL);
	assert_int_equal(api_rows(), 2);
	api_expect(200, "GET", "/v1/chat-logs?user_id=" UNKNOWN, NULL);
	assert_int_equal(api_rows(), 0);
}

static void
since_is_inclusive_and_until_exclusive(UNUSED void **state)
{
	const char *old, *new, *id;

	api_use_new_client("logs-times");
	old = ago(2 * 86400);
	new = ago(60);
	id = add_log(api_text("{\"message_length\":1,\"created_at\":\"%s\"}", old));
	add_log(api_text("{\"message_length\":1,\"created_at\":\"%s\"}", new));
	expect_only(api_text("until=%s", new), id);
	expect_only(api_text("since=%s&until=%s", old, new), id);
	api_expect(200, "GET", api_text("/v1/chat-logs?since=%s", old), NULL);
	assert_int_equal(api_rows(), 2);
	assert_string_equal(api_json("data.1.id"), id);
	api_expect(200, "GET", api_text("/v1/chat-logs?until=%s", old), NULL);
	assert_int_equal(api_rows(), 0);
	api_expect(200, "GET", api_text("/v1/chat-logs?since=%s", ago(0)), NULL);
	assert_int_equal(api_rows(), 0);
}

static const struct {
	const char *sentence;
	const char *query;
	const char *field;
} bad_queries[] = {
	{ "a page in JSON has 500 records at most", "limit=501", "limit" },
	{ "a page has a record at least", "limit=0", "limit" },
	{ "a cursor is one that was given", "cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAA", "cursor" },
	{ "a cursor is not empty", "cursor=", "cursor" },
	{ "a user has the form of an id", "user_id=ann", "user_id" },
	{ "a time has the form of one", "since=yesterday", "since" },
	{ "a span of time is not empty", "since=2026-01-02T00:00:00Z&until=2026-01-02T00:00:00Z",
	    "until" },
	{ "a truth value is true or false", "success=1", "success" },
	{ "an unknown parameter is named", "colour=red", "colour" },
	{ "a parameter is given once", "model=a&model=b", "model" },
};

static void
a_bad_query_is_refused_by_parameter(UNUSED void **state)
{
	api_use_new_client("logs-bad");
	for (size_t i = 0; i < COUNT(bad_queries); i++) {
		api_send("GET", api_text("/v1/chat-logs?%s", bad_queries[i].query), NULL, NULL);
		assert_int_equal(api_answer()->status, 422);
		api_expect_field(bad_queries[i].sentence, bad_queries[i].field);
	}
}

/* So many records, a second apart, in one request; the youngest is a minute old. */
static void
add_many(int count)
{
	static const char *const ndjson[] = { "Content-Type: application/x-ndjson", NULL };
	const char *body = api_sql(
	    "SELECT string_agg(jsonb_build_object('message_length', i,\n"
	    "'created_at', date_trunc('ms', now()) - interval '1 minute' - i * interval '1 s')::text,\n"
	    "E'\\n')\n"
	    "FROM generate_series(0, %d) AS i",
	    count - 1);

	assert_int_equal(api_send("POST", "/v1/chat-logs", ndjson, body), 200);
}

static void
pages_are_stable_when_records_come(UNUSED void **state)
{
	const char *path = "/v1/chat-logs?limit=3";
	int expected = 0;

	api_use_new_client("logs-pages");
	add_many(8);
	for (int page = 0; page < 3; page++) {
		api_expect(200, "GET", path, NULL);
		assert_int_equal(api_rows(), page < 2 ? 3 : 2);
		for (int i = 0; i < api_rows(); i++)
			assert_int_equal(
			    atoi(api_json(api_text("data.%d.message_length", i))), expected++);
		path = api_text("/v1/chat-logs?limit=3&cursor=%s", api_keep("next_cursor"));
		add_log("{\"message_length\":99}");
		api_expect(200, "GET", "/v1/chat-logs?limit=1", NULL);
		assert_string_equal(api_json("data.0.message_length"), "99");
	}
	assert_int_equal(expected, 8);
}

static void
a_last_page_that_is_full_has_no_cursor(UNUSED void **state)
{
	api_use_new_client("logs-full");
	add_many(4);
	api_expect(200, "GET", "/v1/chat-logs?limit=4", NULL);
	assert_int_equal(api_rows(), 4);
	assert_string_equal(api_json("next_cursor"), "null");
}

static void
reading_needs_its_scope(UNUSED void **state)
{
	api_use_new_client("logs-scope");
	api_use_scope("logs:write");
	api_expect(403, "GET", "/v1/chat-logs", NULL);
	api_expect(403, "GET", "/v1/chat-logs/" UNKNOWN, NULL);
	api_use_scope("logs:read");
	api_expect(200, "GET", "/v1/chat-logs", NULL);
	api_expect(403, "POST", "/v1/chat-logs", "{\"message_length\":1}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_read_as_it_was_stored),
		cmocka_unit_test(what_is_not_there_is_not_found),
		cmocka_unit_test(each_filter_finds_its_record),
		cmocka_unit_test(since_is_inclusive_and_until_exclusive),
		cmocka_unit_test(a_bad_query_is_refused_by_parameter),
		cmocka_unit_test(pages_are_stable_when_records_come),
		cmocka_unit_test(a_last_page_that_is_full_has_no_cursor),
		cmocka_unit_test(reading_needs_its_scope),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
