/*
 * Budgets and holds when Redis lost them: what is loaded is the log and the authorizations that are
 * held.
 */
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "tests/holding.h"

static const struct holding_budget day_budget = { .name = "one", .limit = 1000 };

static void
test_every_period_is_loaded(void **state)
{
	static const struct holding_budget budgets[] = {
		{ "day", .limit = 1000 },
		{ "week", .period = "week", .limit = 1000 },
		{ "month", .period = "month", .limit = 1000 },
		{ "quarter", .period = "quarter", .limit = 1000 },
		{ "year", .period = "year", .limit = 1000 },
		{ "total", .period = "total", .limit = 1000 },
		{ "rolling", .period = "rolling", .limit = 1000, .columns = "rolling_hours",
		    .values = "24" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(budgets); i++) {
		struct budget_call call = holding_call(0);
		struct counting b;
		struct id hold = holding_open_used(&b, &budgets[i]);
		const struct budget_use *use;

		assert_true(counter_rebuild(&b.task, b.zone));
		counter_book_forget(b.book, b.task.client);
		use = holding_look(&b, &call);
		if (use->spent[BUDGET_COST] != 30 || use->held[BUDGET_COST] != 40)
			fail_msg("%s: %lld spent, %lld held", budgets[i].name,
			    (long long)use->spent[BUDGET_COST], (long long)use->held[BUDGET_COST]);
		holding_settle(&b, &hold, 35);
		holding_expect(&b, 65, 0);
		holding_equals_log(&b, &call);
		counting_close(&b);
	}
}

static void
test_flushed(void **state)
{
	struct budget_call call = holding_call(1);
	struct counter_hold hold;
	struct counting b;
	struct id held;

	(void)state;
	held = holding_open_used(&b, &day_budget);
	hold = holding_make(&b, &call);
	free(servers_redis(counting_servers, "FLUSHALL"));
	assert_int_equal(holding_ask(&b, &hold), COUNTER_LOST);
	assert_true(counter_open(&b.task, b.book, b.zone, &hold.state));
	assert_int_equal(holding_ask(&b, &hold), COUNTER_LOADING);
	holding_expect(&b, 30, 40);
	holding_settle(&b, &held, 40);
	holding_expect(&b, 70, 0);
	holding_equals_log(&b, &call);
	counting_close(&b);
}

static void
test_old_snapshot_is_put_back(void **state)
{
	struct budget_call call = holding_call(40);
	struct counter_hold hold;
	struct counting b;
	struct id held;

	(void)state;
	held = holding_open_used(&b, &day_budget);
	free(servers_redis(counting_servers, "SAVE"));
	/* Behind the snapshot one hold is settled and another is made. */
	holding_settle(&b, &held, 25);
	hold = holding_make(&b, &call);
	assert_true(holding_reserve(&b, &hold));
	holding_store(&b, &hold, &call);
	servers_signal(counting_servers, SERVER_REDIS, SIGKILL);
	servers_wait(counting_servers, SERVER_REDIS);
	servers_restart(counting_servers, SERVER_REDIS);
	hold = holding_prepare(&b, &call);
	assert_int_equal(holding_ask(&b, &hold), COUNTER_LOST);
	holding_expect(&b, 55, 40);
	holding_equals_log(&b, &call);
	counting_close(&b);
}

/* By the clock of PostgreSQL. */
static void
end_its_life(struct id hold)
{
	char id[ID_TEXT_SIZE], sql[200];

	(void)snprintf(sql, sizeof(sql),
	    "UPDATE authorizations SET granted_at = now() - (expires_at - created_at)"
	    " WHERE id = '%s' RETURNING 1",
	    id_format(hold, id));
	free(servers_sql(counting_servers, sql));
}

static void
test_a_clock_that_is_set_back_brings_nothing_back(void **state)
{
	struct budget_call call = holding_call(40);
	struct counter_hold hold;
	struct counting b;

	(void)state;
	(void)holding_open_used(&b, &day_budget);
	hold = holding_make(&b, &call);
	holding_store(&b, &hold, &call);
	end_its_life(hold.id);
	b.task.now -= COUNTER_SKEW_USEC;
	/* By the right clock this one ended before it began. */
	hold = holding_make(&b, &call);
	hold.expires_at = id_time(hold.id) + CLOCK_SECOND * 60;
	holding_store(&b, &hold, &call);
	assert_true(counter_rebuild(&b.task, b.zone));
	counter_book_forget(b.book, b.task.client);
	holding_expect(&b, 30, 80);
	b.task.now += COUNTER_SKEW_USEC;
	assert_true(counter_rebuild(&b.task, b.zone));
	counter_book_forget(b.book, b.task.client);
	holding_expect(&b, 30, 80);
	counting_close(&b);
}

static void
test_what_is_not_held_any_more_is_not_loaded(void **state)
{
	struct budget_call call = holding_call(40);
	struct authorization found;
	struct counter_hold hold;
	struct counting b;
	struct id held;

	(void)state;
	held = holding_open_used(&b, &day_budget);
	assert_true(authorization_void(&b.task, held, &found));
	assert_true(db_commit(&b.task));
	/* One whose time is over, and one that was never stored. */
	hold = holding_make(&b, &call);
	holding_store(&b, &hold, &call);
	end_its_life(hold.id);
	assert_true(holding_take(&b, 40, &hold));
	holding_expect(&b, 30, 80);
	assert_true(counter_rebuild(&b.task, b.zone));
	counter_book_forget(b.book, b.task.client);
	holding_expect(&b, 30, 0);
	counting_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_period_is_loaded),
		cmocka_unit_test(test_flushed),
		cmocka_unit_test(test_old_snapshot_is_put_back),
		cmocka_unit_test(test_what_is_not_held_any_more_is_not_loaded),
		cmocka_unit_test(test_a_clock_that_is_set_back_brings_nothing_back),
	};

	return cmocka_run_group_tests(tests, counting_start, counting_stop);
}
