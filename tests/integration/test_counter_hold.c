/*
 * Holds against limits: how much is allowed, and in which budgets it is held.
 */
#include "tests/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/holding.h"

#define THREADS 32

static void
test_exactly_the_limit_is_allowed(void **state)
{
	static const struct {
		const char *sentence;
		int64_t limit, spent, held, asked;
		bool allowed;
	} cases[] = {
		{ "all of it", 100, 0, 0, 100, true },
		{ "one nano more", 100, 0, 0, 101, false },
		{ "what is left beside what is held", 100, 0, 60, 40, true },
		{ "one nano more beside what is held", 100, 0, 60, 41, false },
		{ "what is left beside what is spent", 100, 60, 0, 40, true },
		{ "one nano more beside what is spent", 100, 60, 0, 41, false },
		{ "what is left beside both", 100, 30, 30, 40, true },
		{ "one nano more beside both", 100, 30, 30, 41, false },
		{ "nothing, where nothing is left", 100, 100, 0, 0, true },
		{ "nothing, where more than the limit was spent", 100, 101, 0, 0, false },
		{ "2^53", BUDGET_MAX, 0, 0, BUDGET_MAX, true },
		{ "2^53 beside what is spent", BUDGET_MAX, 1, 0, BUDGET_MAX - 1, true },
		{ "2^53 + 1 beside what is spent", BUDGET_MAX, 1, 0, BUDGET_MAX, false },
		{ "2^53 + 1 beside what is held", BUDGET_MAX, 0, BUDGET_MAX, 1, false },
		{ "2^53 + 1 beside both", BUDGET_MAX, 1, BUDGET_MAX - 1, 1, false },
		{ "2^53 - 1 beside both", BUDGET_MAX, 1, BUDGET_MAX - 3, 1, true },
		{ "one nano of 2^53 that were spent by far", BUDGET_MAX, INT64_MAX, 0, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct holding_budget budget = { "one", .limit = cases[i].limit };
		struct counter_hold hold;
		struct counting b;

		holding_open(&b, &budget, 1);
		holding_expect(&b, 0, 0);
		if (cases[i].held > 0)
			assert_true(holding_take(&b, cases[i].held, &hold));
		if (cases[i].spent > 0) {
			counting_make(&b, cases[i].spent);
			assert_true(counting_announce(&b));
		}
		if (holding_take(&b, cases[i].asked, &hold) != cases[i].allowed)
			fail_msg(
			    "%s: %s", cases[i].sentence, cases[i].allowed ? "refused" : "allowed");
		counting_close(&b);
	}
}

static void
test_refusal_tells_place_measure_and_use(void **state)
{
	static const struct {
		const char *columns, *values;
		enum budget_measure measure;
	} cases[] = {
		{ NULL, NULL, BUDGET_COST },
		{ "limit_requests", "1", BUDGET_REQUESTS },
		{ "limit_tokens", "40", BUDGET_TOKENS },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct holding_budget budget = {
			.name = "one",
			.limit = cases[i].columns == NULL ? 50 : 0,
			.columns = cases[i].columns,
			.values = cases[i].values,
		};
		struct budget_call call = { .cost_nanos = 30, .tokens = 25 };
		struct counter_hold hold;
		struct counting b;

		holding_open(&b, &budget, 1);
		hold = holding_make(&b, &call);
		assert_true(holding_reserve(&b, &hold));
		assert_int_equal(hold.uses[0].held[BUDGET_COST], 30);
		assert_int_equal(hold.uses[0].held[BUDGET_REQUESTS], 1);
		assert_int_equal(hold.uses[0].held[BUDGET_TOKENS], 25);
		hold = holding_make(&b, &call);
		assert_false(holding_reserve(&b, &hold));
		assert_int_equal(hold.refused_by, 0);
		assert_int_equal(hold.measure, cases[i].measure);
		assert_int_equal(hold.uses[0].held[BUDGET_COST], 30);
		holding_expect(&b, 0, 30);
		counting_close(&b);
	}
}

static void
test_all_budgets_or_none(void **state)
{
	static const struct holding_budget budgets[] = {
		{ "wide", .limit = 1000 },
		{ "narrow", .limit = 50 },
		{ "wider", .period = "month", .limit = 5000 },
	};
	struct budget_call call = holding_call(51);
	const struct budget_use *uses;
	struct counter_hold hold;
	struct counting b;

	(void)state;
	holding_open(&b, budgets, COUNT(budgets));
	assert_true(holding_take(&b, 20, &hold));
	hold = holding_make(&b, &call);
	assert_false(holding_reserve(&b, &hold));
	assert_string_equal(hold.places.at[hold.refused_by].budget->name, "narrow");
	uses = holding_look(&b, &call);
	for (size_t i = 0; i < COUNT(budgets); i++) {
		assert_int_equal(uses[i].held[BUDGET_COST], 20);
		assert_int_equal(uses[i].held[BUDGET_REQUESTS], 1);
	}
	assert_true(holding_take(&b, 30, &hold));
	counting_close(&b);
}

static void
test_soft_and_shadow_budgets_never_refuse(void **state)
{
	static const char *const modes[] = { "soft", "shadow" };

	(void)state;
	for (size_t i = 0; i < COUNT(modes); i++) {
		struct holding_budget budget = { .name = "one", .mode = modes[i], .limit = 5 };
		struct counter_hold hold;
		struct counting b;

		holding_open(&b, &budget, 1);
		assert_true(holding_take(&b, 6, &hold));
		assert_true(holding_take(&b, 100, &hold));
		holding_expect(&b, 0, 106);
		counting_close(&b);
	}
}

/* One round trip asks for several: those behind the limit are refused, and only they. */
static void
test_holds_of_one_round_trip(void **state)
{
	static const struct holding_budget budget = { .name = "one", .limit = 30 };
	struct budget_call call = holding_call(10);
	struct counter_hold holds[5], *list[5];
	struct counting b;

	(void)state;
	holding_open(&b, &budget, 1);
	for (size_t i = 0; i < COUNT(holds); i++) {
		holds[i] = holding_make(&b, &call);
		list[i] = &holds[i];
	}
	counter_reserve(&b.task, list, COUNT(list));
	for (size_t i = 0; i < COUNT(holds); i++) {
		assert_int_equal(holds[i].answer, COUNTER_OK);
		assert_int_equal(holds[i].refused, i >= 3);
	}
	holding_expect(&b, 0, 30);
	counting_close(&b);
}

static void
test_the_same_hold_is_taken_once(void **state)
{
	static const struct holding_budget budget = { .name = "one", .limit = 10 };
	struct counter_hold hold;
	struct counting b;

	(void)state;
	holding_open(&b, &budget, 1);
	assert_true(holding_take(&b, 10, &hold));
	assert_true(holding_reserve(&b, &hold));
	assert_int_equal(hold.uses[0].held[BUDGET_COST], 10);
	holding_expect(&b, 0, 10);
	counting_close(&b);
}

static void
set_limit(struct counting *b, int64_t nanos)
{
	char client[ID_TEXT_SIZE];

	free(servers_sql(counting_servers,
	    arena_printf(b->task.arena,
		"UPDATE budgets SET limit_cents = %lld * 0.0000001 WHERE client_id = '%s'"
		" RETURNING 1",
		(long long)nanos, id_format(b->task.client, client))));
}

/* A limit changes without an epoch's end: who is not told of it has to ask each time. */
static void
test_changed_limit_holds_while_nobody_is_told(void **state)
{
	static const struct holding_budget budget = { .name = "one", .limit = 100 };
	struct counter_hold hold;
	struct counting b;

	(void)state;
	holding_open(&b, &budget, 1);
	counter_book_hear(b.book, false);
	assert_true(holding_take(&b, 60, &hold));
	set_limit(&b, 69);
	assert_false(holding_take(&b, 10, &hold));
	/* A doubt is asked about once, and not each time. */
	counter_book_doubt(b.book, b.task.client, &hold.state);
	hold = holding_make(&b, &(struct budget_call){ .cost_nanos = 1 });
	assert_int_equal(holding_make(&b, &(struct budget_call){ .cost_nanos = 1 }).state.epoch,
	    hold.state.epoch);
	counter_book_hear(b.book, true);
	holding_expect(&b, 0, 0);
	set_limit(&b, 70);
	counter_book_forget(b.book, b.task.client);
	assert_true(holding_take(&b, 10, &hold));
	counting_close(&b);
}

static struct id racing_client;
static atomic_int racing_allowed;
static pthread_barrier_t racing_start;

static void *
race(void *arg)
{
	struct budget_call call = holding_call(7);
	struct counter_hold hold;
	struct counting b;

	(void)arg;
	counting_open(&b, racing_client);
	hold = holding_prepare(&b, &call);
	pthread_barrier_wait(&racing_start);
	counter_reserve(&b.task, &(struct counter_hold *){ &hold }, 1);
	if (hold.answer == COUNTER_OK && !hold.refused)
		atomic_fetch_add(&racing_allowed, 1);
	counting_close(&b);
	return NULL;
}

static void
test_many_threads_get_exactly_the_limit(void **state)
{
	/* One nano less than another call costs is left over. */
	static const int fit = 11;
	struct holding_budget budget = { .name = "one", .limit = fit * 7 + 6 };
	pthread_t threads[THREADS];
	struct counting b;

	(void)state;
	holding_open(&b, &budget, 1);
	holding_expect(&b, 0, 0);
	racing_client = b.task.client;
	atomic_store(&racing_allowed, 0);
	assert_int_equal(pthread_barrier_init(&racing_start, NULL, THREADS), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&racing_start);
	assert_int_equal(atomic_load(&racing_allowed), fit);
	holding_expect(&b, 0, fit * 7);
	counting_close(&b);
}

static void
test_other_clients_are_not_touched(void **state)
{
	static const struct holding_budget budget = { .name = "one", .limit = 100 };
	struct counter_hold hold;
	struct counting a, b;

	(void)state;
	holding_open(&a, &budget, 1);
	holding_open(&b, &budget, 1);
	assert_true(holding_take(&a, 100, &hold));
	counter_release(&b.task, b.book, b.zone, hold.id);
	holding_expect(&a, 0, 100);
	assert_true(holding_take(&b, 100, &hold));
	counting_close(&a);
	counting_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exactly_the_limit_is_allowed),
		cmocka_unit_test(test_refusal_tells_place_measure_and_use),
		cmocka_unit_test(test_all_budgets_or_none),
		cmocka_unit_test(test_soft_and_shadow_budgets_never_refuse),
		cmocka_unit_test(test_holds_of_one_round_trip),
		cmocka_unit_test(test_the_same_hold_is_taken_once),
		cmocka_unit_test(test_changed_limit_holds_while_nobody_is_told),
		cmocka_unit_test(test_many_threads_get_exactly_the_limit),
		cmocka_unit_test(test_other_clients_are_not_touched),
	};

	return cmocka_run_group_tests(tests, counting_start, counting_stop);
}
