/* /v1/tool-executions: what is stored, what is not, and what is counted. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ingest/ingest.h"
#include "lib/base.h"
#include "lib/model/tool_execution.h"
#include "tests/api.h"
#include "tests/bound.h"

#define PATH "/v1/tool-executions"
#define ID "01a20000-0000-7000-8000-000000000001"

static const char *const ndjson[] = { "Content-Type: application/x-ndjson", NULL };

static const char *
rows(const char *client)
{
	return api_sql(
	    "SELECT count(*) FROM tool_executions e JOIN clients c ON c.id = e.client_id\n"
	    "WHERE c.name = '%s'",
	    client);
}

/* Calls and failed ones that were counted. */
static const char *
counted(const char *client)
{
	return api_sql(
	    "SELECT concat(coalesce(sum(calls), 0), ' ', coalesce(sum(failed_calls), 0))\n"
	    "FROM tool_statistics s JOIN clients c ON c.id = s.client_id\n"
	    "WHERE c.name = '%s'",
	    client);
}

static void
one_is_stored_as_it_was_given(UNUSED void **state)
{
	const char *user, *id;

	api_use_new_client("one");
	user = api_add("/v1/users", "{\"external_id\":\"ada\"}");
	id = api_add(PATH,
	    "{\"tool\":\"weather\",\"external_user_id\":\"ada\",\"conversation_id\":\"" ID "\","
	    "\"agent_session_id\":\"" ID "\",\"arguments\":{\"city\":\"Bonn\"},"
	    "\"result\":{\"degrees\":7.50},\"success\":false,\"error_message\":\"late\","
	    "\"duration_ms\":31}");
	for (int i = 0; i < 2; i++) {
		api_expect_json("tool", "weather");
		api_expect_json("user_id", user);
		api_expect_json("conversation_id", ID);
		api_expect_json("agent_session_id", ID);
		api_expect_json("arguments.city", "Bonn");
		api_expect_json("result.degrees", "7.50");
		api_expect_json("success", "false");
		api_expect_json("error_message", "late");
		api_expect_json("duration_ms", "31");
		api_expect(200, "GET", api_text(PATH "/%s", id), NULL);
	}
	(void)api_add(PATH, "{\"tool\":\"weather\"}");
	api_expect_json("success", "true");
	api_expect_json("arguments", "null");
	api_expect_json("duration_ms", "null");
	assert_string_equal(counted("one"), "2 1");
}

/* One with the caller's own id, of half an hour ago. */
static const char *
named(const char *id, const char *tool)
{
	static const char *at;

	if (at == NULL)
		at = api_sql("SELECT to_char((now() - interval '30 minutes') AT TIME ZONE 'UTC',\n"
			     "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
	return api_text("{\"id\":\"%s\",\"created_at\":\"%s\",\"tool\":\"%s\"}", id, at, tool);
}

static void
the_same_id_is_stored_once(UNUSED void **state)
{
	const char *id;

	api_use_new_client("twice");
	id = api_add(PATH, named("call-1", "a"));
	assert_int_equal(id[14], '7');
	api_expect(200, "POST", PATH, named("call-1", "b"));
	api_expect_json("id", id);
	api_expect_json("tool", "a");
	api_expect(200, "POST", PATH, api_text("{\"id\":\"%s\",\"tool\":\"c\"}", id));
	api_expect_json("tool", "a");
	api_expect(200, "POST", PATH,
	    api_text("[{\"id\":\"%s\",\"tool\":\"c\"},{\"tool\":\"d\"},%s,%s]", id,
		named("call-2", "e"), named("call-2", "f")));
	api_expect_json("accepted", "2");
	api_expect_json("duplicates", "2");
	api_expect_json("rejected", "[]");
	assert_string_equal(rows("twice"), "3");
	assert_string_equal(counted("twice"), "3 0");
	assert_string_equal(
	    api_sql("SELECT string_agg(tool, '' ORDER BY tool) FROM tool_statistics s\n"
		    "JOIN clients c ON c.id = s.client_id WHERE c.name = 'twice'"),
	    "ade");
}

static void
the_good_are_stored_whatever_the_bad(UNUSED void **state)
{
	api_use_new_client("mixed");
	api_expect(200, "POST", PATH,
	    "[{\"tool\":\"a\"},{},{\"tool\":\"a\",\"user_id\":\"" ID "\"},7,"
	    "{\"tool\":\"a\",\"success\":\"no\",\"nothing\":1},{\"tool\":\"a\",\"success\":false}]");
	api_expect_json("accepted", "2");
	api_expect_json("duplicates", "0");
	api_expect_json("rejected.0.index", "1");
	api_expect_json("rejected.0.errors.0.field", "tool");
	api_expect_json("rejected.1.index", "2");
	api_expect_json("rejected.1.errors.0.field", "user_id");
	api_expect_json("rejected.2.index", "3");
	api_expect_json("rejected.3.index", "4");
	api_expect_json("rejected.3.errors.1.field", "nothing");
	assert_int_equal(
	    api_send("POST", PATH, ndjson, "{\"tool\":\"a\"}\n\n{\"tool\":\n{\"tool\":\"b\"}"),
	    200);
	api_expect_json("accepted", "2");
	api_expect_json("rejected.0.index", "2");
	assert_string_equal(rows("mixed"), "4");
	assert_string_equal(counted("mixed"), "4 1");
	api_expect(422, "POST", PATH, "{\"tool\":\"a\",\"user_id\":\"" ID "\"}");
	api_expect(400, "POST", PATH, "[{\"tool\":\"a\"},{\"tool\"]");
	api_expect(400, "POST", PATH, "{\"tool\":");
	assert_string_equal(rows("mixed"), "4");
}

static void
nothing_is_nothing(UNUSED void **state)
{
	api_use_new_client("nothing");
	api_expect(200, "POST", PATH, "[]");
	api_expect_json("accepted", "0");
	assert_int_equal(api_send("POST", PATH, ndjson, "\n"), 200);
	assert_string_equal(rows("nothing"), "0");
}

/* The setting has more names; how a name is found stands in tests/unit/test_redact.c. */
static void
secrets_are_taken_out_before(UNUSED void **state)
{
	static const char secret[] = "hush-hush";
	const char *id, *kept;

	api_use_new_client("secrets");
	id = api_add(
	    PATH, api_text("{\"tool\":\"a\",\"arguments\":{\"user\":\"u\",\"Password\":\"%s\","
			   "\"headers\":[{\"Authorization\":\"%s\",\"X-API-Key\":[\"%s\"]}]},"
			   "\"result\":{\"accessToken\":{\"x\":\"%s\"},\"client_secret\":\"%s\"}}",
		      secret, secret, secret, secret, secret));
	api_expect_json("arguments.user", "u");
	api_expect_json("arguments.Password", "[redacted]");
	api_expect_json("result.accessToken", "[redacted]");
	assert_null(strstr(api_answer()->body, secret));
	api_expect(200, "GET", api_text(PATH "/%s", id), NULL);
	api_expect_json("arguments.headers.0.Authorization", "[redacted]");
	kept = api_sql("SELECT arguments::text || result FROM tool_executions WHERE id = '%s'", id);
	assert_null(strstr(kept, secret));
	assert_non_null(strstr(kept, "\"client_secret\": \"[redacted]\""));
}

/* Nor a hash of what was taken out: two clients that say the same keep different ones. */
static void
no_hash_of_a_secret_is_kept_that_could_be_guessed_at(UNUSED void **state)
{
	static const char *const headers[] = { "Idempotency-Key: guess", NULL };

	for (int i = 0; i < 2; i++) {
		api_use_new_client(api_text("secrets-guess-%d", i));
		assert_int_equal(api_send("POST", PATH, headers,
				     "{\"tool\":\"a\",\"arguments\":{\"password\":\"hush-hush\"}}"),
		    201);
	}
	assert_string_equal(api_sql("SELECT count(DISTINCT request_hash) FROM idempotency_keys"
				    " WHERE key = 'guess'"),
	    "2");
}

/* A call with so many letters in this place. */
static const char *
sized(const char *before, const char *behind, int letters)
{
	return api_text("{%s%0*d%s}", before, letters, 7, behind);
}

static void
limits_are_held(UNUSED void **state)
{
	static const struct {
		const char *field;
		const char *before, *behind;
		int most;
	} limits[] = {
		{ "tool", "\"tool\":\"", "\"", TOOL_EXECUTION_TOOL_MAX },
		{ "error_message", "\"tool\":\"a\",\"error_message\":\"", "\"",
		    TOOL_EXECUTION_ERROR_MAX },
		{ "arguments", "\"tool\":\"a\",\"arguments\":{\"a\":\"", "\"}",
		    TOOL_EXECUTION_ARGUMENTS_MAX - (int)sizeof "{\"a\":\"\"}" + 1 },
		{ "result", "\"tool\":\"a\",\"result\":{\"a\":\"", "\"}",
		    TOOL_EXECUTION_RESULT_MAX - (int)sizeof "{\"a\":\"\"}" + 1 },
	};

	api_use_new_client("limits");
	for (size_t i = 0; i < COUNT(limits); i++) {
		api_expect(
		    201, "POST", PATH, sized(limits[i].before, limits[i].behind, limits[i].most));
		api_send("POST", PATH, NULL,
		    sized(limits[i].before, limits[i].behind, limits[i].most + 1));
		api_expect_field("one more", limits[i].field);
	}
	api_expect(201, "POST", PATH, "{\"tool\":\"a\",\"duration_ms\":86400000}");
	api_send("POST", PATH, NULL, "{\"tool\":\"a\",\"duration_ms\":86400001}");
	api_expect_field("one more", "duration_ms");
	assert_int_equal(TOOL_EXECUTION_DURATION_MAX_MS, 86400000);
	api_send("POST", PATH, NULL, "{\"tool\":\"a\",\"arguments\":[1]}");
	api_expect_field("an array", "arguments");
}

/* So many of the smallest, behind each other. */
static const char *
many(const char *before, const char *between, const char *behind, int count)
{
	char *text = calloc((size_t)count, 20);
	size_t size = (size_t)count * 20;
	FILE *out = fmemopen(text, size, "w");
	const char *kept;

	fputs(before, out);
	for (int i = 0; i < count; i++)
		fprintf(out, "%s{\"tool\":\"m\"}", i == 0 ? "" : between);
	fputs(behind, out);
	fclose(out);
	kept = api_text("%s", text);
	free(text);
	return kept;
}

static void
a_body_has_so_many(UNUSED void **state)
{
	api_use_new_client("many");
	api_expect(200, "POST", PATH, many("[", ",", "]", INGEST_ARRAY_MAX));
	api_expect_json("accepted", "1000");
	api_expect(413, "POST", PATH, many("[", ",", "]", INGEST_ARRAY_MAX + 1));
	assert_int_equal(api_send("POST", PATH, ndjson, many("", "\n", "", INGEST_LINES_MAX)), 200);
	api_expect_json("accepted", "10000");
	assert_int_equal(
	    api_send("POST", PATH, ndjson, many("", "\n", "", INGEST_LINES_MAX + 1)), 413);
	assert_string_equal(rows("many"), "11000");
	assert_string_equal(counted("many"), "11000 0");
}

static void
times_have_bounds(UNUSED void **state)
{
	static const struct {
		const char *sentence;
		const char *age; /* of an interval */
		bool stored;
	} times[] = {
		{ "a day ago", "1 day", true },
		{ "nearly as long as they are kept", "89 days 23 hours", true },
		{ "longer than they are kept", "90 days 1 hour", false },
		{ "a clock that is ahead", "-4 minutes", true },
		{ "the future", "-6 minutes", false },
	};

	api_use_new_client("times");
	for (size_t i = 0; i < COUNT(times); i++) {
		const char *at =
		    api_sql("SELECT to_char((now() - interval '%s') AT TIME ZONE 'UTC',\n"
			    "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
			times[i].age);

		api_send(
		    "POST", PATH, NULL, api_text("{\"tool\":\"a\",\"created_at\":\"%s\"}", at));
		if (times[i].stored)
			assert_int_equal(api_answer()->status, 201);
		else
			api_expect_field(times[i].sentence, "created_at");
	}
}

static void
lists_are_filtered(UNUSED void **state)
{
	static const struct {
		const char *query;
		int rows;
	} lists[] = {
		{ "", 4 },
		{ "?tool=a", 3 },
		{ "?tool=none", 0 },
		{ "?success=false", 2 },
		{ "?success=true", 2 },
		{ "?success=false&tool=a", 1 },
		{ "?conversation_id=" ID, 1 },
		{ "?agent_session_id=" ID, 1 },
		{ "?user_id=" ID, 0 },
		{ "?since=2020-01-01T00:00:00Z", 4 },
		{ "?until=2020-01-01T00:00:00Z", 0 },
		{ "?limit=3", 3 },
	};
	const char *cursor;

	api_use_new_client("lists");
	api_expect(200, "POST", PATH,
	    "[{\"tool\":\"a\",\"conversation_id\":\"" ID "\"},{\"tool\":\"a\",\"success\":false},"
	    "{\"tool\":\"b\",\"success\":false},{\"tool\":\"a\",\"agent_session_id\":\"" ID "\"}]");
	for (size_t i = 0; i < COUNT(lists); i++) {
		api_expect(200, "GET", api_text(PATH "%s", lists[i].query), NULL);
		if (api_rows() != lists[i].rows)
			fail_msg("%s: %d", lists[i].query, api_rows());
	}
	cursor = api_keep("next_cursor");
	api_expect(200, "GET", api_text(PATH "?limit=3&cursor=%s", cursor), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("next_cursor", "null");
	api_expect(422, "GET", PATH "?since=2020-01-01T00:00:00Z&until=2020-01-01T00:00:00Z", NULL);
	api_expect(404, "GET", PATH "/" ID, NULL);
	api_expect(404, "GET", PATH "/11111111-1111-4111-8111-111111111111", NULL);
}

static void
a_bound_key_logs_and_sees_its_users(UNUSED void **state)
{
	const char *one, *two, *client, *id;

	api_use_new_client("bound");
	client = api_sql("SELECT id FROM clients WHERE name = 'bound'");
	one = api_add("/v1/users", "{\"external_id\":\"one\"}");
	two = api_add("/v1/users", "{\"external_id\":\"two\"}");
	id = api_add(PATH, api_text("{\"tool\":\"a\",\"user_id\":\"%s\"}", two));
	api_use_key(bound_make_key(client, one));
	(void)api_add(PATH, "{\"tool\":\"a\"}");
	api_expect_json("user_id", one);
	(void)api_add(PATH, "{\"tool\":\"a\",\"external_user_id\":\"one\"}");
	api_expect(422, "POST", PATH, "{\"tool\":\"a\",\"external_user_id\":\"two\"}");
	api_expect(422, "POST", PATH, api_text("{\"tool\":\"a\",\"user_id\":\"%s\"}", two));
	api_expect(409, "POST", PATH, api_text("{\"tool\":\"a\",\"id\":\"%s\"}", id));
	api_expect(404, "GET", api_text(PATH "/%s", id), NULL);
	api_expect(200, "GET", PATH, NULL);
	assert_int_equal(api_rows(), 2);
	api_expect(403, "GET", PATH "/statistics", NULL);
	assert_string_equal(counted("bound"), "3 0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_stored_as_it_was_given),
		cmocka_unit_test(the_same_id_is_stored_once),
		cmocka_unit_test(the_good_are_stored_whatever_the_bad),
		cmocka_unit_test(nothing_is_nothing),
		cmocka_unit_test(secrets_are_taken_out_before),
		cmocka_unit_test(no_hash_of_a_secret_is_kept_that_could_be_guessed_at),
		cmocka_unit_test(limits_are_held),
		cmocka_unit_test(a_body_has_so_many),
		cmocka_unit_test(times_have_bounds),
		cmocka_unit_test(lists_are_filtered),
		cmocka_unit_test(a_bound_key_logs_and_sees_its_users),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
