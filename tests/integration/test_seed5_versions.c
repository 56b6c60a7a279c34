/*
 * The fifth seed's versions and token usage, by its own testing requirements: version management,
 * token_usage recording, foreign keys, cascading deletes, times that are set by themselves, the
 * unique pair of session and version, complex queries, large data sets. Its sessions are
 * conversations here, and its token usage is a view of the records.
 */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/conversing.h"

#define MANY 10000 /* versions and calls of one session */

/* "Start from 0 for initial generation, increment for each modification." */
static void
versions_are_managed(UNUSED void **state)
{
	const char *id;

	api_use_new_client("seed5-versions");
	id = api_add("/v1/conversations", "{}");
	api_add(
	    conversing_at(id, "/versions"), "{\"html\":\"<p>a</p>\",\"description\":\"initial\"}");
	api_expect_json("version", "0");
	api_add(
	    conversing_at(id, "/versions"), "{\"html\":\"<p>b</p>\",\"description\":\"modified\"}");
	api_expect_json("version", "1");
	api_expect(200, "GET", conversing_at(id, ""), NULL);
	api_expect_json("current_version", "1");
	api_expect(200, "GET", conversing_at(id, "/versions/0"), NULL);
	api_expect_json("html", "<p>a</p>");
	api_expect_json("description", "initial");
	api_expect(200, "POST", conversing_at(id, "/versions/0/current"), NULL);
	api_expect(200, "GET", conversing_at(id, ""), NULL);
	api_expect_json("current_version", "0");
	api_expect(200, "GET", conversing_at(id, "/versions"), NULL);
	assert_int_equal(api_rows(), 2);
}

/* "Test token_usage recording", as the view has the seed's columns. */
static void
token_usage_is_recorded(UNUSED void **state)
{
	static const struct {
		const char *column, *value;
	} columns[] = {
		{ "agent_type", "generation" },
		{ "model", "gpt-4o" },
		{ "input_tokens", "1200" },
		{ "output_tokens", "300" },
		{ "total_tokens", "1500" },
		{ "cost_usd::float", "0.0425" },
		{ "timestamp BETWEEN now() - interval '5 minutes' AND now()", "t" },
	};
	const char *id, *call;

	api_use_new_client("seed5-usage");
	id = api_add("/v1/conversations", "{}");
	call = api_add("/v1/chat-logs",
	    api_text("{\"conversation_id\":\"%s\",\"agent_type\":\"generation\","
		     "\"model\":\"gpt-4o\",\"input_tokens\":1200,\"output_tokens\":300,"
		     "\"verified_cost_cents\":4.25}",
		id));
	for (size_t i = 0; i < COUNT(columns); i++)
		assert_string_equal(api_sql("SELECT %s FROM token_usage WHERE session_id = '%s'"
					    " AND id = '%s'",
					columns[i].column, id, call),
		    columns[i].value);
	api_expect(200, "GET", conversing_at(id, "/token-usage"), NULL);
	api_expect_json("data.0.agent_type", "generation");
	api_expect_json("data.0.cost_cents", "4.25");
}

/* What becomes of a version that is inserted by hand. */
static const char *
insert(const char *conversation, int version)
{
	return api_sql("SELECT try_version(%s, %d)", conversation, version);
}

/* "Test foreign key constraint enforcement", and "unique constraints (session_id + version)". */
static void
constraints_are_enforced(UNUSED void **state)
{
	const char *id;

	api_use_new_client("seed5-keys");
	id = api_text("'%s'", api_add("/v1/conversations", "{}"));
	api_sql("CREATE FUNCTION try_version(conversation uuid, number integer) RETURNS text\n"
		"LANGUAGE plpgsql AS $$ BEGIN\n"
		"INSERT INTO versions (client_id, id, conversation_id, version, html)\n"
		"SELECT id, gen_random_uuid(), conversation, number, 'h' FROM clients\n"
		"WHERE name = 'seed5-keys'; RETURN 'taken';\n"
		"EXCEPTION WHEN integrity_constraint_violation OR foreign_key_violation\n"
		"OR unique_violation OR check_violation THEN\n"
		"RETURN (SELECT condition FROM (VALUES ('23503', 'foreign key'),\n"
		"('23505', 'unique'), ('23514', 'check')) AS v (state, condition)\n"
		"WHERE state = SQLSTATE); END $$");
	assert_string_equal(insert(id, 0), "taken");
	assert_string_equal(insert(id, 0), "unique");
	assert_string_equal(insert(id, -1), "check");
	assert_string_equal(insert("gen_random_uuid()", 0), "foreign key");
}

/* "Test default values and auto-timestamps." */
static void
times_are_set(UNUSED void **state)
{
	const char *id, *updated;

	api_use_new_client("seed5-times");
	id = api_add("/v1/conversations", "{}");
	updated = api_keep("updated_at");
	api_add(conversing_at(id, "/versions"), "{\"html\":\"h\"}");
	assert_string_equal(
	    api_sql("SELECT created_at BETWEEN now() - interval '5 minutes' AND now()\n"
		    "AND description IS NULL FROM versions WHERE conversation_id = '%s'",
		id),
	    "t");
	assert_string_equal(
	    api_sql("SELECT updated_at > '%s' FROM conversations WHERE id = '%s'", updated, id),
	    "t");
}

/* "Test cascade delete behavior." What was spent stays with the records. */
static void
versions_go_with_their_session(UNUSED void **state)
{
	const char *id;

	api_use_new_client("seed5-cascade");
	id = api_add("/v1/conversations", "{}");
	api_add(conversing_at(id, "/versions"), "{\"html\":\"h\"}");
	api_add("/v1/chat-logs", api_text("{\"conversation_id\":\"%s\",\"input_tokens\":1}", id));
	api_sql("DELETE FROM conversations WHERE id = '%s'", id);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM versions WHERE conversation_id = '%s'", id), "0");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM token_usage WHERE session_id = '%s'", id), "1");
}

/* Whether the plan of a query looks into an index, and reads no table through. */
static void
assert_by_index(const char *query, const char *column, const char *id)
{
	const char *client = api_sql("SELECT id FROM clients WHERE name = 'seed5-large'");
	const char *plan =
	    api_sql("CREATE OR REPLACE FUNCTION plan_of(query text) RETURNS text\n"
		    "LANGUAGE plpgsql AS $$ DECLARE line text; plan text := '';\n"
		    "BEGIN FOR line IN EXECUTE 'EXPLAIN ' || query LOOP\n"
		    "plan := plan || line || E'\\n'; END LOOP; RETURN plan; END $$;\n"
		    "SELECT plan_of($q$%s client_id = '%s' AND %s = '%s'$q$)",
		query, client, column, id);

	assert_non_null(strstr(plan, "Index"));
	if (strstr(plan, "Seq Scan") != NULL)
		fail_msg("%s", plan);
}

/* "Integration tests for complex queries", and "performance tests for large datasets": what is
 * asked of one session among many rows is found by an index. */
static void
large_sessions_are_read_by_index(UNUSED void **state)
{
	const char *id, *other;

	api_use_new_client("seed5-large");
	id = api_add("/v1/conversations", "{}");
	other = api_add("/v1/conversations", "{}");
	api_sql("INSERT INTO versions (client_id, id, conversation_id, version, html)\n"
		"SELECT client_id, gen_random_uuid(), id, n, 'html ' || n\n"
		"FROM conversations, generate_series(0, %d - 1) AS n WHERE id IN ('%s', '%s')",
	    MANY, id, other);
	api_sql("INSERT INTO chat_logs (client_id, id, created_at, conversation_id, agent_type,\n"
		"model, input_tokens, tokens_used, verified_cost_cents)\n"
		"SELECT client_id, gen_random_uuid(), now(), CASE n %% 50 WHEN 0 THEN id\n"
		"ELSE gen_random_uuid() END, 'a' || n %% 3, 'm' || n %% 2, n, n, 0.5\n"
		"FROM conversations, generate_series(1, %d) AS n WHERE id = '%s'",
	    MANY, id);
	api_sql("ANALYZE versions, chat_logs");
	api_expect(200, "GET", conversing_at(id, "/versions?limit=2"), NULL);
	api_expect_json("data.0.version", "9999");
	api_expect_json("data.1.version", "9998");
	api_expect(200, "GET", conversing_at(id, "/versions/5000"), NULL);
	api_expect_json("html", "html 5000");
	api_expect(200, "GET", conversing_at(id, "/token-usage"), NULL);
	api_expect_json("total.calls", "200");
	api_expect_json("total.cost_cents", "100");
	api_expect_json("total.input_tokens", "1005000");
	assert_int_equal(api_rows(), 3); /* every fiftieth is even */
	assert_by_index("SELECT html FROM versions WHERE version = 7 AND", "conversation_id", id);
	assert_by_index("SELECT sum(total_tokens) FROM token_usage WHERE", "session_id", id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_managed),
		cmocka_unit_test(token_usage_is_recorded),
		cmocka_unit_test(constraints_are_enforced),
		cmocka_unit_test(times_are_set),
		cmocka_unit_test(versions_go_with_their_session),
		cmocka_unit_test(large_sessions_are_read_by_index),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
