/*
 * Holds that are asked for together: what one call decides is what one call for each would have
 * decided, in their order.
 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "tests/holding.h"

#define MANY 250 /* more than one script takes */
#define MIXED 120
#define EXACT (INT64_C(1) << 53) /* from here on a double is not */

static struct counter_hold **
make_holds(struct counting *b, const int64_t *costs, size_t count)
{
	struct counter_hold **list = arena_array(b->task.arena, count, sizeof(*list));

	for (size_t i = 0; i < count; i++) {
		struct budget_call call = holding_call(costs[i]);

		list[i] = arena_alloc(b->task.arena, sizeof(**list));
		*list[i] = holding_make(b, &call);
	}
	return list;
}

static void
test_what_is_left_is_shared_in_their_order(UNUSED void **state)
{
	static const struct holding_budget budget = { "one", .limit = 100 };
	static const int64_t costs[] = { 60, 50, 40, 1, 0 };
	static const bool refused[] = { false, true, false, true, false };
	static const int64_t held[] = { 60, 60, 100, 100, 100 };
	struct counter_hold **holds;
	struct counting b;

	holding_open(&b, &budget, 1);
	holding_expect(&b, 0, 0);
	holds = make_holds(&b, costs, COUNT(costs));
	/* The second time they are there, and are left as they are. */
	for (int time = 0; time < 2; time++) {
		counter_reserve(&b.task, holds, COUNT(costs));
		for (size_t i = 0; i < COUNT(costs); i++) {
			assert_int_equal(holds[i]->answer, COUNTER_OK);
			assert_int_equal(holds[i]->refused, refused[i]);
			assert_int_equal(
			    holds[i]->uses[0].held[BUDGET_COST], time == 0 ? held[i] : 100);
		}
		holding_expect(&b, 0, 100);
	}
	counting_close(&b);
}

static void
test_many_never_take_more_than_the_limit(UNUSED void **state)
{
	static const struct holding_budget budget = { "one", .limit = 2 * MANY / 3 };
	int64_t costs[MANY], allowed = 0;
	struct counter_hold **holds;
	struct counting b;

	for (size_t i = 0; i < MANY; i++)
		costs[i] = 1;
	holding_open(&b, &budget, 1);
	holding_expect(&b, 0, 0);
	holds = make_holds(&b, costs, MANY);
	counter_reserve(&b.task, holds, MANY);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(holds[i]->answer, COUNTER_OK);
		allowed += !holds[i]->refused;
		if (holds[i]->refused)
			assert_int_equal(holds[i]->refused_by, 0);
	}
	assert_int_equal(allowed, budget.limit);
	holding_expect(&b, 0, budget.limit);
	counting_close(&b);
}

/* Calls of the last half hour and of several sizes, the same each time. */
static struct counter_hold **
make_mixed(struct counting *b, int64_t now)
{
	struct counter_hold **list = arena_array(b->task.arena, MIXED, sizeof(*list));
	uint32_t seed = 7;

	for (size_t i = 0; i < MIXED; i++) {
		struct budget_call call;

		seed = seed * 1103515245 + 12345;
		call = holding_call(seed >> 16 & 31);
		b->task.now = now - (seed >> 24 & 31) * 60 * CLOCK_SECOND;
		list[i] = arena_alloc(b->task.arena, sizeof(**list));
		*list[i] = holding_make(b, &call);
		b->task.now = now;
	}
	return list;
}

/* The budgets of two clients have the same names, in any order. */
static const struct budget_use *
use_of(const struct counter_hold *hold, const char *name)
{
	for (size_t i = 0; i < hold->places.count; i++) {
		if (strcmp(hold->places.at[i].budget->name, name) == 0)
			return &hold->uses[i];
	}
	return NULL;
}

static void
expect_same(const struct counter_hold *one, const struct counter_hold *other)
{
	assert_int_equal(one->answer, COUNTER_OK);
	assert_int_equal(other->answer, COUNTER_OK);
	assert_int_equal(one->refused, other->refused);
	assert_int_equal(one->places.count, other->places.count);
	for (size_t i = 0; i < one->places.count; i++)
		assert_memory_equal(&one->uses[i], use_of(other, one->places.at[i].budget->name),
		    sizeof(one->uses[i]));
}

static void
test_together_is_as_one_after_the_other(UNUSED void **state)
{
	static const struct holding_budget budgets[] = {
		{ "day", .limit = 1200 },
		{ "rolling", .period = "rolling", .limit = 900, .columns = "rolling_hours",
		    .values = "1" },
		{ "shown", .mode = "soft", .limit = 10 },
	};
	struct counter_hold **together, **alone;
	struct counting one, other;
	size_t refused = 0;

	holding_open(&one, budgets, COUNT(budgets));
	holding_open(&other, budgets, COUNT(budgets));
	other.task.now = one.task.now;
	together = make_mixed(&one, one.task.now);
	alone = make_mixed(&other, one.task.now);
	counter_reserve(&one.task, together, MIXED);
	for (size_t i = 0; i < MIXED; i++) {
		counter_reserve(&other.task, &alone[i], 1);
		expect_same(together[i], alone[i]);
		refused += together[i]->refused;
	}
	/* Else nothing was compared. */
	assert_in_range(refused, 10, MIXED - 10);
	counting_close(&one);
	counting_close(&other);
}

static void
test_holds_past_what_a_double_has_are_exact(UNUSED void **state)
{
	static const struct holding_budget budget = { "one", .mode = "soft", .limit = 100 };
	static const int64_t costs[] = { EXACT - 1, 7, EXACT + 1, 3 };
	struct id settled[3];
	struct counter_hold **holds;
	struct counting b;

	holding_open(&b, &budget, 1);
	holding_expect(&b, 0, 0);
	holds = make_holds(&b, costs, COUNT(costs));
	counter_reserve(&b.task, holds, COUNT(costs));
	for (size_t i = 0; i < COUNT(costs); i++)
		assert_int_equal(holds[i]->answer, COUNTER_OK);
	/* By one script, two of which a sum in doubles would get wrong. */
	settled[0] = holds[0]->id;
	settled[1] = holds[1]->id;
	settled[2] = holds[2]->id;
	counting_make(&b, 5);
	assert_true(counting_announce(&b));
	assert_true(counting_commit(&b));
	b.part.settled = settled;
	b.part.settled_count = COUNT(settled);
	counting_confirm(&b);
	holding_expect(&b, 5, 3);
	counter_release(&b.task, b.book, b.zone, holds[3]->id);
	holding_expect(&b, 5, 0);
	counting_close(&b);
}

/* What is given back is exact in a double, what it is taken from is not. */
static void
test_a_large_hold_is_released_from_what_is_larger(UNUSED void **state)
{
	static const struct holding_budget budget = { "one", .mode = "soft", .limit = 100 };
	static const int64_t costs[] = { EXACT - 1, EXACT - 3 };
	struct counter_hold **holds;
	struct counting b;

	holding_open(&b, &budget, 1);
	holding_expect(&b, 0, 0);
	holds = make_holds(&b, costs, COUNT(costs));
	counter_reserve(&b.task, holds, COUNT(costs));
	holding_expect(&b, 0, 2 * EXACT - 4);
	counter_release(&b.task, b.book, b.zone, holds[0]->id);
	holding_expect(&b, 0, EXACT - 3);
	counter_release(&b.task, b.book, b.zone, holds[1]->id);
	holding_expect(&b, 0, 0);
	counting_close(&b);
}

static void
test_many_are_released_together(UNUSED void **state)
{
	static const struct holding_budget budget = { "one", .limit = 1000 };
	struct counter_hold **holds;
	int64_t costs[MANY];
	struct id settled[MANY + 1];
	struct counting b;

	for (size_t i = 0; i < MANY; i++)
		costs[i] = 2;
	holding_open(&b, &budget, 1);
	holding_expect(&b, 0, 0);
	holds = make_holds(&b, costs, MANY);
	counter_reserve(&b.task, holds, MANY);
	holding_expect(&b, 0, 2 * MANY);
	/* One twice, and one that is not there. */
	for (size_t i = 0; i < MANY - 1; i++)
		settled[i] = holds[i]->id;
	settled[MANY - 1] = holds[0]->id;
	settled[MANY] = id_new(b.task.now);
	counting_make(&b, 5);
	assert_true(counting_announce(&b));
	assert_true(counting_commit(&b));
	b.part.settled = settled;
	b.part.settled_count = COUNT(settled);
	counting_confirm(&b);
	assert_int_equal(b.part.answer, COUNTER_OK);
	holding_expect(&b, 5, 2);
	counting_close(&b);
}

static void
test_totals_past_what_a_double_has_are_exact(UNUSED void **state)
{
	struct counting b;

	counting_open(&b, counting_client());
	counting_equals_log(&b, 0);
	for (int64_t sum = EXACT - 1, i = 0; i < 4; i++, sum += 1) {
		counting_make(&b, i == 0 ? sum : 1);
		assert_true(counting_announce(&b));
		assert_true(counting_commit(&b));
		counting_confirm(&b);
		counting_equals_log(&b, sum);
	}
	counting_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_left_is_shared_in_their_order),
		cmocka_unit_test(test_many_never_take_more_than_the_limit),
		cmocka_unit_test(test_together_is_as_one_after_the_other),
		cmocka_unit_test(test_holds_past_what_a_double_has_are_exact),
		cmocka_unit_test(test_a_large_hold_is_released_from_what_is_larger),
		cmocka_unit_test(test_many_are_released_together),
		cmocka_unit_test(test_totals_past_what_a_double_has_are_exact),
	};

	return cmocka_run_group_tests(tests, counting_start, counting_stop);
}
