/*
 * A load that waits behind its snapshot: what is settled, voided and dropped meanwhile is in the
 * count afterwards, and nothing that was given back is held again.
 */
#include "tests/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/model/counter_private.h"
#include "tests/holding.h"

static const struct holding_budget day_budget = { .name = "one", .limit = 1000 };

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
	held = holding_open_used(&b, &day_budget);
	begin_load(&loader, &keeper, &b);
	holding_settle(&b, &held, 33);
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
	held = holding_open_used(&b, &day_budget);
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
	held = holding_open_used(&b, &day_budget);
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
	held = holding_open_used(&b, &day_budget);
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
	held = holding_open_used(&b, &day_budget);
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
	(void)holding_open_used(&b, &day_budget);
	begin_load(&loader, &keeper, &b);
	counting_make(&b, 33);
	assert_true(counting_announce(&b));
	end_load(&loader, &keeper);
	holding_expect(&b, 63, 40);
	counter_drop(&b.task, b.batch.id, &b.part, 1);
	holding_expect(&b, 30, 40);
	counting_close(&b);
}

/* Also of an epoch that ends before it is loaded. */
static void
test_no_key_stays_for_ever(void **state)
{
	struct counting b, keeper;
	struct loader loader;
	char client[ID_TEXT_SIZE], *count;
	struct id held;

	(void)state;
	held = holding_open_used(&b, &day_budget);
	begin_load(&loader, &keeper, &b);
	counter_release(&b.task, b.book, b.zone, held);
	count = servers_redis(counting_servers,
	    arena_printf(b.task.arena,
		"EVAL \"local n = 0 for _, key in ipairs(redis.call('KEYS', 'tally:{%s}:*')) do "
		"if redis.call('TTL', key) == -1 then n = n + 1 end end return n\" 0",
		id_format(b.task.client, client)));
	assert_string_equal(count, "0");
	free(count);
	end_load(&loader, &keeper);
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
	held = holding_open_used(&b, &day_budget);
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
	holding_settle(&b, &held, 1);
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
		cmocka_unit_test(test_settled_while_loading),
		cmocka_unit_test(test_settle_spans_the_load),
		cmocka_unit_test(test_voided_while_loading),
		cmocka_unit_test(test_voided_while_loading_by_another_process),
		cmocka_unit_test(test_dropped_while_loading),
		cmocka_unit_test(test_dropped_behind_the_load),
		cmocka_unit_test(test_no_key_stays_for_ever),
		cmocka_unit_test(test_load_that_another_overtook),
	};

	return cmocka_run_group_tests(tests, counting_start, counting_stop);
}
