/* The totals of subtrees: each session's own, and all below it. */
#include "tests/test.h"

#include "lib/model/agent_session_tree.h"

static struct id
id_of(int n)
{
	struct id id = { 0 };

	id.bytes[15] = (uint8_t)n;
	return id;
}

/* A session below the parent, 0: none that is in the tree. */
static struct agent_node
node(int id, int parent, int64_t cost)
{
	return (struct agent_node){ .id = id_of(id),
		.parent = id_of(parent),
		.own = { .sessions = 1, .cost_nanos = cost, .tokens = cost % 1000000 } };
}

static void
expect_totals(struct agent_node *nodes, size_t count, const int64_t *costs)
{
	struct agent_tree tree = { nodes, count };
	struct task task;

	task_init(&task, arena_new());
	agent_tree_total(&task, &tree);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(nodes[i].total.cost_nanos, costs[i]);
	arena_free(task.arena);
}

static void
test_a_session_is_counted_by_all_above_it(void **state)
{
	/* Ids in no order: children only stand behind their parents. */
	struct agent_node nodes[] = { node(9, 0, 1), node(3, 9, 10), node(7, 9, 100),
		node(1, 3, 1000), node(8, 1, 10000) };
	static const int64_t costs[] = { 11111, 11010, 100, 11000, 10000 };

	(void)state;
	expect_totals(nodes, COUNT(nodes), costs);
	assert_int_equal(nodes[0].total.sessions, 5);
	assert_int_equal(nodes[0].total.tokens, 11111);
	assert_int_equal(nodes[1].total.sessions, 3);
	assert_int_equal(nodes[0].own.cost_nanos, 1);
}

/* The tree that is asked for need not begin at a root. */
static void
test_the_parent_of_the_first_is_left_out(void **state)
{
	struct agent_node nodes[] = { node(2, 1, 5), node(3, 2, 6) };
	static const int64_t costs[] = { 11, 6 };

	(void)state;
	expect_totals(nodes, COUNT(nodes), costs);
}

static void
test_a_sum_ends_at_the_largest_number(void **state)
{
	struct agent_node nodes[] = { node(1, 0, 1), node(2, 1, INT64_MAX / 2),
		node(3, 1, INT64_MAX / 2), node(4, 1, INT64_MAX / 2) };
	static const int64_t costs[] = { INT64_MAX, INT64_MAX / 2, INT64_MAX / 2, INT64_MAX / 2 };

	(void)state;
	expect_totals(nodes, COUNT(nodes), costs);
	assert_int_equal(nodes[0].total.sessions, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_session_is_counted_by_all_above_it),
		cmocka_unit_test(test_the_parent_of_the_first_is_left_out),
		cmocka_unit_test(test_a_sum_ends_at_the_largest_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
