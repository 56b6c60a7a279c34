/* The trees of /v1/agent-sessions: who is below whom, how many there are, what a subtree took. */
#include "tests/test.h"

#include <pthread.h>
#include <string.h>

#include "lib/base.h"
#include "lib/model/agent_session.h"
#include "tests/agents.h"
#include "tests/api.h"

#define UNKNOWN "01890000-0000-7000-8000-000000000000"

static void
a_child_is_below_its_parent(UNUSED void **state)
{
	const char *user, *root, *child;

	api_use_new_client("agents-child");
	user = api_add("/v1/users", "{\"external_id\":\"ann\"}");
	root = api_add(AGENTS_PATH, api_text("{\"user_id\":\"%s\"}", user));
	child = agents_begin_below(root);
	api_expect_json("depth", "1");
	api_expect_json("root_id", root);
	api_expect_json("user_id", user);
	(void)agents_begin_below(child);
	api_expect_json("depth", "2");
	api_expect_json("root_id", root);
	api_send("POST", AGENTS_PATH, NULL, "{\"parent_id\":\"" UNKNOWN "\"}");
	api_expect_field("nobody's child", "parent_id");
	api_send("POST", AGENTS_PATH, NULL,
	    api_text("{\"parent_id\":\"%s\",\"user_id\":\"%s\"}", root,
		api_add("/v1/users", "{\"external_id\":\"bob\"}")));
	api_expect_field("another user's child", "user_id");
	api_expect(200, "GET", api_text(AGENTS_PATH "?parent_id=%s", root), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect(200, "GET", api_text(AGENTS_PATH "?root_id=%s", root), NULL);
	assert_int_equal(api_rows(), 3);
	api_use_new_client("agents-child-2");
	api_send("POST", AGENTS_PATH, NULL, api_text("{\"parent_id\":\"%s\"}", root));
	api_expect_field("another client's child", "parent_id");
}

static void
a_tree_is_so_deep(UNUSED void **state)
{
	const char *id;

	api_use_new_client("agents-deep");
	id = agents_begin();
	for (int depth = 1; depth <= AGENT_DEPTH_MAX; depth++)
		id = agents_begin_below(id);
	api_expect_json("depth", "64");
	api_send("POST", AGENTS_PATH, NULL, api_text("{\"parent_id\":\"%s\"}", id));
	api_expect_field("one level more", "parent_id");
}

#define ADDERS 4

struct adder {
	pthread_t thread;
	const char *body;
	long status;
};

static void *
add_in_thread(void *argument)
{
	struct adder *adder = argument;
	struct http_answer answer = api_call("POST", AGENTS_PATH, NULL, adder->body);

	adder->status = answer.status;
	http_free(&answer);
	return NULL;
}

/* Sessions below it until the tree has so many, ended ones: they count, too. */
static void
fill_up(const char *root, int count)
{
	(void)api_sql("INSERT INTO agent_sessions\n"
		      "SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(),"
		      " 'parent_id', id, 'depth', 1, 'status', 'failed', 'ended_at', now()))).*\n"
		      "FROM agent_sessions AS s, generate_series(2, %d) WHERE id = '%s'",
	    count, root);
}

static void
a_tree_has_so_many_and_the_last_place_is_taken_once(UNUSED void **state)
{
	struct adder adders[ADDERS];
	const char *root;
	int added = 0;

	api_use_new_client("agents-many");
	root = agents_begin();
	fill_up(root, AGENT_TREE_MAX - 1);
	for (int i = 0; i < ADDERS; i++) {
		adders[i].body = api_text("{\"parent_id\":\"%s\"}", root);
		assert_int_equal(
		    pthread_create(&adders[i].thread, NULL, add_in_thread, &adders[i]), 0);
	}
	for (int i = 0; i < ADDERS; i++) {
		assert_int_equal(pthread_join(adders[i].thread, NULL), 0);
		assert_true(adders[i].status == 201 || adders[i].status == 409);
		added += adders[i].status == 201;
	}
	assert_int_equal(added, 1);
	(void)agents_begin();
}

static void
a_subtree_is_cancelled_as_far_as_it_runs(UNUSED void **state)
{
	const char *root, *left, *right, *done, *below_done, *below;

	api_use_new_client("agents-cancel");
	root = agents_begin();
	left = agents_begin_below(root);
	right = agents_begin_below(root);
	done = agents_begin_below(left);
	below_done = agents_begin_below(done);
	below = agents_begin_below(left);
	api_expect(200, "POST", agents_at(done, "/complete"), "{}");
	api_expect(200, "POST", agents_at(left, "/cancel"), NULL);
	api_expect_json("cancelled", "3");
	agents_expect_status(left, "cancelled");
	agents_expect_status(below, "cancelled");
	agents_expect_status(below_done, "cancelled");
	agents_expect_status(done, "completed");
	agents_expect_status(root, "running");
	agents_expect_status(right, "running");
	api_expect(200, "POST", agents_at(root, "/cancel"), NULL);
	api_expect_json("cancelled", "2");
	api_expect(404, "POST", agents_at(UNKNOWN, "/cancel"), NULL);
}

/* Sessions begin below the root while it is cancelled: none is left running. */
static void
nothing_begins_below_what_is_cancelled(UNUSED void **state)
{
	struct adder adders[ADDERS];
	const char *root;

	api_use_new_client("agents-cancel-race");
	root = agents_begin();
	for (int i = 0; i < ADDERS; i++) {
		adders[i].body = api_text("{\"parent_id\":\"%s\"}", root);
		assert_int_equal(
		    pthread_create(&adders[i].thread, NULL, add_in_thread, &adders[i]), 0);
	}
	api_expect(200, "POST", agents_at(root, "/cancel"), NULL);
	for (int i = 0; i < ADDERS; i++) {
		assert_int_equal(pthread_join(adders[i].thread, NULL), 0);
		assert_true(adders[i].status == 201 || adders[i].status == 409);
	}
	assert_string_equal(api_sql("SELECT count(*) FROM agent_sessions"
				    " WHERE root_id = '%s' AND status = 'running'",
				root),
	    "0");
}

static const struct {
	const char *shape;
	const char *parent; /* of the n-th session; the root is the 0th */
} shapes[] = {
	{ "ten below each", "n / 10" },
	{ "chains to the greatest depth", "CASE WHEN n % 64 = 1 THEN 0 ELSE n - 1 END" },
	{ "all below the root", "0" },
};

/* Sessions that have ended below the root until there are AGENT_TREE_MAX; two of three have
 * records, one of five has stated what it took. */
static void
grow(const char *root, const char *parent)
{
	(void)api_sql(
	    "WITH RECURSIVE edges AS (\n"
	    "SELECT n, %s AS p FROM generate_series(1, %d) AS n),\n"
	    "grown AS (\n"
	    "SELECT 0 AS n, 0 AS p, 0 AS depth\n"
	    "UNION ALL SELECT e.n, e.p, g.depth + 1 FROM grown AS g JOIN edges AS e ON e.p = g.n)\n"
	    "INSERT INTO agent_sessions\n"
	    "SELECT (jsonb_populate_record(s, jsonb_build_object(\n"
	    "'id', md5(s.id::text || n)::uuid, 'depth', g.depth, 'status', 'completed',\n"
	    "'parent_id', CASE WHEN p = 0 THEN s.id ELSE md5(s.id::text || p)::uuid END,\n"
	    "'ended_at', s.started_at + n * interval '1 ms', 'tool_calls_count', n %% 11,\n"
	    "'stated_cost_cents', CASE WHEN n %% 5 = 0 THEN n * 0.0000001 END,\n"
	    "'stated_tokens', CASE WHEN n %% 5 = 0 THEN n END))).*\n"
	    "FROM grown AS g, agent_sessions AS s\n"
	    "WHERE s.id = '%s' AND n > 0",
	    parent, AGENT_TREE_MAX - 1, root);
	(void)api_sql("INSERT INTO agent_session_usage\n"
		      "SELECT client_id, id, 1 + tool_calls_count, 7 * tool_calls_count, 3\n"
		      "FROM agent_sessions WHERE root_id = '%s' AND tool_calls_count %% 3 > 0",
	    root);
	(void)api_sql("UPDATE agent_sessions SET status = 'completed', ended_at = started_at\n"
		      "WHERE id = '%s'",
	    root);
	(void)api_sql("ANALYZE agent_sessions, agent_session_usage");
}

/* How many sessions of the last answer differ from what SQL adds up for them, each for itself. */
static const char *
count_differences(const char *root)
{
	return api_sql(
	    "WITH RECURSIVE own AS (\n"
	    "SELECT s.id, s.parent_id, coalesce(greatest(s.stated_cost_cents * 10000000,\n"
	    "u.cost_nanos), 0) / 10000000 AS cost, coalesce(greatest(s.stated_tokens, u.tokens), 0)\n"
	    "AS tokens, coalesce(u.calls, 0) AS calls, s.tool_calls_count AS tools,\n"
	    "extract(epoch FROM s.ended_at - s.started_at) * 1000 AS ms\n"
	    "FROM agent_sessions AS s LEFT JOIN agent_session_usage AS u\n"
	    "ON (u.client_id, u.agent_session_id) = (s.client_id, s.id) WHERE s.root_id = '%s'),\n"
	    "above AS (SELECT id, id AS top FROM own\n"
	    "UNION ALL SELECT a.id, o.parent_id FROM above AS a JOIN own AS o ON o.id = a.top\n"
	    "WHERE o.parent_id IS NOT NULL),\n"
	    "expected AS (SELECT top AS id, count(*) AS sessions, sum(cost) AS cost, sum(tokens)\n"
	    "AS tokens, sum(calls) AS calls, sum(tools) AS tools, sum(ms) AS ms\n"
	    "FROM above JOIN own USING (id) GROUP BY top),\n"
	    "found AS (SELECT (t->>'id')::uuid AS id, t->'total' AS t\n"
	    "FROM json_array_elements('%s'::json->'data') AS t)\n"
	    "SELECT count(*) FROM expected AS e FULL JOIN found AS f USING (id)\n"
	    "WHERE (e.sessions, e.cost, e.tokens, e.calls, e.tools, e.ms) IS DISTINCT FROM\n"
	    "((t->>'sessions')::numeric, (t->>'cost_cents')::numeric, (t->>'tokens')::numeric,\n"
	    "(t->>'calls')::numeric, (t->>'tool_calls')::numeric, (t->>'duration_ms')::numeric)",
	    root, api_answer()->body);
}

static void
the_totals_of_subtrees_are_those_of_sql(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(shapes); i++) {
		const char *root;

		api_use_new_client(api_text("agents-tree-%zu", i));
		root = agents_begin();
		grow(root, shapes[i].parent);
		api_expect(200, "GET", agents_at(root, "/tree"), NULL);
		api_expect_json("data.0.id", root);
		api_expect_json("data.0.total.sessions", "10000");
		if (strcmp(count_differences(root), "0") != 0)
			fail_msg("%s: %s differ", shapes[i].shape, count_differences(root));
	}
}

static void
a_tree_begins_anywhere_and_shows_parents_first(UNUSED void **state)
{
	const char *root, *middle, *leaf;

	api_use_new_client("agents-tree-part");
	root = agents_begin();
	middle = agents_begin_below(root);
	leaf = agents_begin_below(middle);
	(void)agents_begin_below(root);
	api_add("/v1/chat-logs",
	    api_text("{\"agent_session_id\":\"%s\",\"input_tokens\":5,\"verified_cost_cents\":2}",
		leaf));
	api_expect(200, "POST", agents_at(middle, "/complete"),
	    "{\"total_cost_cents\":1.5,\"tokens_used\":4,\"tool_calls_count\":3}");
	api_expect(200, "GET", agents_at(middle, "/tree"), NULL);
	assert_int_equal(api_rows(), 2);
	api_expect_json("data.0.id", middle);
	api_expect_json("data.0.parent_id", root);
	api_expect_json("data.0.status", "completed");
	api_expect_json("data.0.own.cost_cents", "1.5");
	api_expect_json("data.0.own.running", "0");
	api_expect_json("data.0.total.sessions", "2");
	api_expect_json("data.0.total.running", "1");
	api_expect_json("data.0.total.cost_cents", "3.5");
	api_expect_json("data.0.total.tokens", "9");
	api_expect_json("data.0.total.calls", "1");
	api_expect_json("data.0.total.tool_calls", "3");
	api_expect_json("data.1.id", leaf);
	api_expect_json("data.1.parent_id", middle);
	api_expect_json("data.1.total.cost_cents", "2");
	api_expect(200, "GET", agents_at(root, "/tree"), NULL);
	assert_int_equal(api_rows(), 4);
	api_expect_json("data.0.total.cost_cents", "3.5");
	api_expect(404, "GET", agents_at(UNKNOWN, "/tree"), NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_is_below_its_parent),
		cmocka_unit_test(a_tree_is_so_deep),
		cmocka_unit_test(a_tree_has_so_many_and_the_last_place_is_taken_once),
		cmocka_unit_test(a_subtree_is_cancelled_as_far_as_it_runs),
		cmocka_unit_test(nothing_begins_below_what_is_cancelled),
		cmocka_unit_test(the_totals_of_subtrees_are_those_of_sql),
		cmocka_unit_test(a_tree_begins_anywhere_and_shows_parents_first),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
