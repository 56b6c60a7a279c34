/* Budgets of trees of agent sessions: a runaway agent is stopped with all that it began. */
#include "tests/test.h"

#include <stdlib.h>

#include "lib/base.h"
#include "tests/agents.h"
#include "tests/api.h"

static const char *root, *child, *grandchild, *other;

/* A new client with a tree of three, and a session beside it. */
static void
use_tree(const char *name)
{
	api_use_new_client(name);
	root = agents_begin();
	child = agents_begin_below(root);
	grandchild = agents_begin_below(child);
	other = agents_begin();
}

static const char *
add_budget(const char *members)
{
	return api_add("/v1/budgets",
	    api_text("{\"name\":\"tree\",\"window\":\"total\",\"limit_cents\":10%s}", members));
}

static void
spend(const char *session, const char *cents)
{
	api_add("/v1/chat-logs", api_text("{\"agent_session_id\":\"%s\",\"message_length\":1,"
					  "\"verified_cost_cents\":%s}",
				     session, cents));
}

static void
ask(long status, const char *session, const char *cents)
{
	api_expect(status, "POST", "/v1/authorizations",
	    api_text("{\"agent_session_id\":\"%s\",\"max_cost_cents\":%s}", session, cents));
}

static void
expect_spent(const char *budget, const char *cents, const char *held)
{
	api_expect(200, "GET", api_text("/v1/budgets/%s/status", budget), NULL);
	api_expect_json("spent_cents", cents);
	api_expect_json("held_cents", held);
	api_expect_json("source", "redis");
}

static void
a_tree_is_stopped_as_a_whole(UNUSED void **state)
{
	const char *budget, *authorization;

	use_tree("tree-stopped");
	budget = add_budget(api_text(",\"scope\":{\"agent_root_id\":\"%s\"}", root));
	spend(root, "1");
	spend(grandchild, "4");
	spend(other, "50");
	expect_spent(budget, "5", "0");
	ask(201, child, "3");
	authorization = api_keep("id");
	expect_spent(budget, "5", "3");
	ask(402, grandchild, "2.1");
	ask(201, other, "100");
	api_expect(201, "POST", api_text("/v1/authorizations/%s/settle", authorization),
	    "{\"message_length\":1,\"verified_cost_cents\":2.5}");
	expect_spent(budget, "7.5", "0");
	/* A session that begins only now is of the tree, too. */
	ask(402, agents_begin_below(grandchild), "2.6");
	ask(201, agents_begin_below(grandchild), "2.5");
}

static void
each_tree_has_its_own(UNUSED void **state)
{
	use_tree("tree-each");
	(void)add_budget(",\"each\":\"agent_root_id\"");
	spend(grandchild, "9");
	spend(other, "3");
	ask(402, root, "2");
	ask(201, other, "7");
	ask(402, other, "1");
	/* What is of no tree falls into none. */
	api_add("/v1/authorizations", "{\"max_cost_cents\":100}");
}

static void
the_check_knows_the_tree(UNUSED void **state)
{
	use_tree("tree-check");
	(void)add_budget(api_text(",\"scope\":{\"agent_root_id\":\"%s\"}", root));
	spend(child, "10");
	api_expect(200, "GET", api_text("/v1/budgets/check?agent_session_id=%s", grandchild), NULL);
	api_expect_json("allowed", "false");
	api_expect_json("budgets.0.spent_cents", "10");
	api_expect(200, "GET", api_text("/v1/budgets/check?agent_root_id=%s", root), NULL);
	api_expect_json("allowed", "false");
	api_expect(200, "GET", api_text("/v1/budgets/check?agent_session_id=%s", other), NULL);
	api_expect_json("allowed", "true");
	assert_string_equal(api_json("budgets.0.bucket"), "(none)");
}

static void
records_and_authorizations_keep_their_tree(UNUSED void **state)
{
	use_tree("tree-kept");
	spend(grandchild, "1");
	api_expect_json("agent_root_id", root);
	spend("0193d7a0-0000-7000-8000-000000000001", "1");
	api_expect_json("agent_root_id", "null");
	ask(201, child, "1");
	assert_string_equal(
	    api_sql("SELECT agent_root_id FROM authorizations WHERE id = '%s'", api_json("id")),
	    root);
}

/* Also of holds: both come from PostgreSQL again. */
static void
the_sums_are_the_same_once_the_counters_are_lost(UNUSED void **state)
{
	const char *budget;

	use_tree("tree-lost");
	spend(child, "2");
	/* What was spent before the budget was made counts, too. */
	budget = add_budget(api_text(",\"scope\":{\"agent_root_id\":\"%s\"}", root));
	spend(grandchild, "3.5");
	ask(201, grandchild, "1");
	expect_spent(budget, "5.5", "1");
	free(servers_redis(api_servers(), "FLUSHALL"));
	ask(402, root, "3.6");
	expect_spent(budget, "5.5", "1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_is_stopped_as_a_whole),
		cmocka_unit_test(each_tree_has_its_own),
		cmocka_unit_test(the_check_knows_the_tree),
		cmocka_unit_test(records_and_authorizations_keep_their_tree),
		cmocka_unit_test(the_sums_are_the_same_once_the_counters_are_lost),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
