/*
 * Budgets and holds when an epoch ends: what is loaded is the log and the authorizations that are
 * held, and nothing that was given back meanwhile.
 */
#include "tests/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/model/counter_private.h"
#include "tests/holding.h"

static const struct holding_budget day_budget = { .name = "one", .limit = 1000 };

/* A client with a record of 30 and a stored hold of 40. */
static struct id
open_used(struct counting *b, const struct holding_budget *budget)
{
	struct budget_call call = holding_call(40);
	struct counter_hold hold;

	holding_open(b, budget, 1);
	counting_make(b, 30);
	holding_record(b);
	hold = holding_make(b, &call);
	assert_true(holding_reserve(b, &hold));
	holding_store(b, &hold, &call);
	holding_expect(b, 30, 40);
	return hold.id;
}

static void
settle(struct counting *b, const struct id *hold, int64_t cost)
{
	counting_make(b, cost);
	holding_settle_by_record(b, hold);
	holding_record(b);
}

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
		struct id hold = open_used(&b, &budgets[i]);
		const struct budget_use *use;

		assert_true(counter_rebuild(&b.task, b.zone));
		counter_book_forget(b.book, b.task.client);
		use = holding_look(&b, &call);
		if (use->spent[BUDGET_COST] != 30 || use->held[BUDGET_COST] != 40)
			fail_msg("%s: %lld spent, %lld held", budgets[i].name,
			    (long long)use->spent[BUDGET_COST], (long long)use->held[BUDGET_COST]);
		settle(&b, &hold, 35);
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
	held = open_used(&b, &day_budget);
	hold = holding_make(&b, &call);
	free(servers_redis(counting_servers, "FLUSHALL"));
	assert_int_equal(holding_ask(&b, &hold), COUNTER_LOST);
	assert_true(counter_open(&b.task, b.book, b.zone, &hold.state));
	assert_int_equal(holding_ask(&b, &hold), COUNTER_LOADING);
	holding_expect(&b, 30, 40);
	settle(&b, &held, 40);
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
	held = open_used(&b, &day_budget);
	free(servers_redis(counting_servers, "SAVE"));
	/* Behind the snapshot one hold is settled and another is made. */
	settle(&b, &held, 25);
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

static void
test_what_is_not_held_any_more_is_not_loaded(void **state)
{
	struct budget_call call = holding_call(40);
	struct authorization found;
	struct counter_hold hold;
	struct counting b;
	struct id held;

	(void)state;
	held = open_used(&b, &day_budget);
	assert_true(authorization_void(&b.task, held, &found));
	assert_true(db_commit(&b.task));
	/* One whose time is over, and one that was never stored. */
	hold = holding_make(&b, &call);
	hold.id = id_new(b.task.now - 60 * CLOCK_SECOND);
	hold.expires_at = b.task.now - 1000;
	holding_store(&b, &hold, &call);
	assert_true(holding_take(&b, 40, &hold));
	holding_expect(&b, 30, 80);
	assert_true(counter_rebuild(&b.task, b.zone));
	counter_book_forget(b.book, b.task.client);
	holding_expect(&b, 30, 0);
	counting_close(&b);
}

/* A load that has its snapshot and waits for the test. */
struct loader {
	struct counting bench;
	struct counter_state state;
	pthread_t thread;
	enum counter_answer answer;
	bool loaded;
};

static void *
load(void *object)
{
	struct loader *loader = object;
	struct counting *b = &loader->bench;

	loader->loaded = counter_load(&b->task, b->zone, &loader->state, &loader->answer);
	return NULL;
}

static bool
is_waiting(void *context)
{
	char *count = servers_sql(counting_servers,
	    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
	bool waits = strcmp(count, "1") == 0;

	(void)context;
	free(count);
	return waits;
}

/* The next epoch; keeper holds the lock for which the load waits behind its snapshot. */
static void
begin_load(struct loader *loader, struct counting *keeper, struct counting *b)
{
	static const char lock_sql[] =
	    "SELECT pg_advisory_xact_lock(hashtextextended('load ' || $1::uuid::text, 0))";
	struct db_params *params;

	counting_open(keeper, b->task.client);
	params = db_params(&keeper->task);
	db_add_id(params, b->task.client);
	assert_true(db_query(&keeper->task, lock_sql, params, NULL));
	assert_true(counter_open(&b->task, b->book, b->zone, &b->part.state));
	counting_open(&loader->bench, b->task.client);
	loader->state = b->part.state;
	assert_int_equal(pthread_create(&loader->thread, NULL, load, loader), 0);
	assert_true(servers_await(is_waiting, NULL));
}

static void
end_load(struct loader *loader, struct counting *keeper)
{
	db_rollback(&keeper->task);
	pthread_join(loader->thread, NULL);
	assert_true(loader->loaded);
	assert_int_equal(loader->answer, COUNTER_OK);
	counting_close(&loader->bench);
	counting_close(keeper);
}

static void
test_settled_while_loading(void **state)
{
	struct counting b, keeper;
	struct loader loader;
	struct id held;

	(void)state;
	held = open_used(&b, &day_budget);
	begin_load(&loader, &keeper, &b);
	settle(&b, &held, 33);
	end_load(&loader, &keeper);
	holding_expect(&b, 63, 0);
	holding_equals_log(&b, &(struct budget_call){ 0 });
	counting_close(&b);
}

/* Committed behind the snapshot, confirmed when the epoch is loaded. */
static void
test_settle_spans_the_load(void **state)
{
	struct counting b, keeper;
	struct loader loader;
	struct id held;

	(void)state;
	held = open_used(&b, &day_budget);
	begin_load(&loader, &keeper, &b);
	counting_make(&b, 33);
	holding_settle_by_record(&b, &held);
	assert_true(counting_announce(&b));
	assert_true(counting_commit(&b));
	end_load(&loader, &keeper);
	holding_expect(&b, 63, 40);
	counting_confirm(&b);
	holding_expect(&b, 63, 0);
	holding_equals_log(&b, &(struct budget_call){ 0 });
	counting_close(&b);
}

static void
test_voided_while_loading(void **state)
{
	struct counting b, keeper;
	struct authorization found;
	struct loader loader;
	struct id held;

	(void)state;
	held = open_used(&b, &day_budget);
	begin_load(&loader, &keeper, &b);
	assert_true(authorization_void(&b.task, held, &found));
	assert_true(db_commit(&b.task));
	counter_release(&b.task, b.book, b.zone, held);
	end_load(&loader, &keeper);
	holding_expect(&b, 30, 0);
	counting_close(&b);
}

/* By a process that has not heard of the epoch yet. */
static void
test_voided_while_loading_by_another_process(void **state)
{
	struct counting b, keeper, other;
	struct counter_state known;
	struct authorization found;
	struct loader loader;
	struct id held;

	(void)state;
	held = open_used(&b, &day_budget);
	counting_open(&other, b.task.client);
	assert_true(counter_state(&other.task, other.book, other.zone, &known));
	begin_load(&loader, &keeper, &b);
	assert_true(authorization_void(&other.task, held, &found));
	assert_true(db_commit(&other.task));
	counter_release(&other.task, other.book, other.zone, held);
	end_load(&loader, &keeper);
	holding_expect(&b, 30, 0);
	counting_close(&other);
	counting_close(&b);
}

static void
test_dropped_while_loading(void **state)
{
	struct counting b, keeper;
	struct loader loader;
	struct id held;

	(void)state;
	held = open_used(&b, &day_budget);
	begin_load(&loader, &keeper, &b);
	counting_make(&b, 33);
	holding_settle_by_record(&b, &held);
	assert_true(counting_announce(&b));
	counter_drop(&b.task, b.batch.id, &b.part, 1);
	end_load(&loader, &keeper);
	holding_expect(&b, 30, 40);
	counting_close(&b);
}

static void
test_dropped_behind_the_load(void **state)
{
	struct counting b, keeper;
	struct loader loader;

	(void)state;
	(void)open_used(&b, &day_budget);
	begin_load(&loader, &keeper, &b);
	counting_make(&b, 33);
	assert_true(counting_announce(&b));
	end_load(&loader, &keeper);
	holding_expect(&b, 63, 40);
	counter_drop(&b.task, b.batch.id, &b.part, 1);
	holding_expect(&b, 30, 40);
	counting_close(&b);
}

/* A slow loader must not write over what came after it. */
static void
test_load_that_another_overtook(void **state)
{
	struct counting b, keeper, other;
	struct loader loader;
	struct counter_state next;
	enum counter_answer answer;
	struct id held;

	(void)state;
	held = open_used(&b, &day_budget);
	begin_load(&loader, &keeper, &b);
	counting_open(&other, b.task.client);
	assert_true(counter_open(&other.task, other.book, other.zone, &next));
	db_rollback(&keeper.task);
	pthread_join(loader.thread, NULL);
	assert_true(loader.loaded);
	assert_int_equal(loader.answer, COUNTER_OVER);
	assert_true(counter_load(&other.task, other.zone, &next, &answer));
	assert_int_equal(answer, COUNTER_OK);
	counter_book_forget(b.book, b.task.client);
	holding_expect(&b, 30, 40);
	settle(&b, &held, 1);
	holding_expect(&b, 31, 0);
	counting_close(&loader.bench);
	counting_close(&keeper);
	counting_close(&other);
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
		cmocka_unit_test(test_settled_while_loading),
		cmocka_unit_test(test_settle_spans_the_load),
		cmocka_unit_test(test_voided_while_loading),
		cmocka_unit_test(test_voided_while_loading_by_another_process),
		cmocka_unit_test(test_dropped_while_loading),
		cmocka_unit_test(test_dropped_behind_the_load),
		cmocka_unit_test(test_load_that_another_overtook),
	};

	return cmocka_run_group_tests(tests, counting_start, counting_stop);
}
