/*
 * The count of the open day when Redis, a process or an epoch goes away: never below the log, equal
 * to it once nothing is in flight.
 */
#include "tests/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "tests/counting.h"

static void
test_flushed_between_announcement_and_commit(void **state)
{
	struct counting b;

	(void)state;
	counting_open(&b, counting_client());
	counting_equals_log(&b, 0);
	counting_make(&b, 13);
	assert_true(counting_announce(&b));
	free(servers_redis(counting_servers, "FLUSHALL"));
	assert_true(counting_commit(&b));
	counting_confirm(&b);
	assert_int_equal(b.part.answer, COUNTER_LOST);
	counting_equals_log(&b, 13);
	counting_make(&b, 17);
	assert_true(counting_announce(&b));
	assert_true(counting_commit(&b));
	counting_confirm(&b);
	counting_equals_log(&b, 30);
	counting_close(&b);
}

static void
test_flushed_and_announced_again_is_lost(void **state)
{
	struct counting b;

	(void)state;
	counting_open(&b, counting_client());
	counting_equals_log(&b, 0);
	free(servers_redis(counting_servers, "FLUSHALL"));
	counting_make(&b, 1);
	assert_false(counting_announce(&b));
	assert_int_equal(b.part.answer, COUNTER_LOST);
	counting_close(&b);
}

static void
test_old_snapshot_of_redis_is_not_trusted(void **state)
{
	struct counting b;

	(void)state;
	counting_open(&b, counting_client());
	counting_make(&b, 19);
	assert_true(counting_announce(&b));
	assert_true(counting_commit(&b));
	counting_confirm(&b);
	counting_equals_log(&b, 19);
	/* The snapshot holds 19; what comes after it is lost with the server. */
	free(servers_redis(counting_servers, "SAVE"));
	counting_make(&b, 23);
	assert_true(counting_announce(&b));
	assert_true(counting_commit(&b));
	counting_confirm(&b);
	servers_signal(counting_servers, SERVER_REDIS, SIGKILL);
	servers_wait(counting_servers, SERVER_REDIS);
	servers_restart(counting_servers, SERVER_REDIS);
	counting_equals_log(&b, 42);
	counting_close(&b);
}

static void
test_redis_away_answers_from_postgres(void **state)
{
	struct counting b;

	(void)state;
	counting_open(&b, counting_client());
	counting_make(&b, 29);
	assert_true(counting_announce(&b));
	assert_true(counting_commit(&b));
	counting_confirm(&b);
	servers_signal(counting_servers, SERVER_REDIS, SIGKILL);
	servers_wait(counting_servers, SERVER_REDIS);
	assert_true(counting_today(&b).from_postgres);
	assert_int_equal(counting_today(&b).confirmed.at[TOTAL_COST], 29);
	counting_make(&b, 31);
	assert_false(counting_announce(&b));
	assert_int_equal(b.part.answer, COUNTER_AWAY);
	b.mark.announced = false;
	assert_true(counting_commit(&b));
	assert_int_equal(counting_today(&b).confirmed.at[TOTAL_COST], 60);
	servers_restart(counting_servers, SERVER_REDIS);
	counting_close(&b);

	/* A process that knows nothing of it finds the count declared broken. */
	counting_open(&b, b.task.client);
	counting_equals_log(&b, 60);
	counting_close(&b);
}

static void
test_old_epoch_cannot_commit(void **state)
{
	struct counting b, other;
	struct counter_state next;

	(void)state;
	counting_open(&b, counting_client());
	counting_open(&other, b.task.client);
	counting_make(&b, 37);
	assert_true(counting_announce(&b));
	assert_true(counter_open(&other.task, other.book, other.zone, &next));
	assert_int_equal(next.epoch, b.part.state.epoch + 1);
	assert_false(counting_commit(&b));
	assert_string_equal(b.task.err.sqlstate, BATCH_EPOCH_OVER);
	task_clear_error(&b.task);
	counting_equals_log(&b, 0);
	counting_close(&other);
	counting_close(&b);
}

static void
test_batch_left_behind_is_healed(void **state)
{
	struct counting b;
	bool healed;

	(void)state;
	for (int committed = 0; committed <= 1; committed++) {
		counting_open(&b, counting_client());
		counting_equals_log(&b, 0);
		counting_make(&b, 41);
		b.batch.id = id_new(b.task.now - (COUNTER_STALE_MS + 1000) * INT64_C(1000));
		assert_true(counting_announce(&b));
		if (committed == 1)
			assert_true(counting_commit(&b));
		assert_true(counter_heal(&b.task, NULL, b.zone, &healed));
		assert_true(healed);
		counter_book_forget(b.book, b.task.client);
		counting_equals_log(&b, committed == 1 ? 41 : 0);
		assert_true(counter_heal(&b.task, NULL, b.zone, &healed));
		assert_false(healed);
		counting_close(&b);
	}
}

#define WRITERS 4
#define BATCHES 150

struct writer {
	pthread_t thread;
	struct id client;
	int64_t cost; /* of what was committed */
};

/* Commits batches, whatever it takes. */
static void *
write_batches(void *argument)
{
	struct writer *writer = argument;
	struct counting b;

	counting_open(&b, writer->client);
	for (int i = 1; i <= BATCHES; i++) {
		counting_make(&b, i);
		while (!counting_announce(&b)) {
			task_clear_error(&b.task);
			counter_book_forget(b.book, b.task.client);
			if (b.part.answer == COUNTER_LOST &&
			    !counter_open(&b.task, b.book, b.zone, &b.part.state))
				task_clear_error(&b.task);
		}
		if (!counting_commit(&b)) {
			assert_string_equal(b.task.err.sqlstate, BATCH_EPOCH_OVER);
			task_clear_error(&b.task);
			counter_book_forget(b.book, b.task.client);
			i--;
			continue;
		}
		writer->cost += i;
		counting_confirm(&b);
	}
	counting_close(&b);
	return NULL;
}

static void
test_never_below_the_log_under_fire(void **state)
{
	struct writer writers[WRITERS] = { 0 };
	struct id client = counting_client();
	int64_t cost = 0;
	struct counting b;

	(void)state;
	counting_open(&b, client);
	for (size_t i = 0; i < WRITERS; i++) {
		writers[i].client = client;
		assert_int_equal(
		    pthread_create(&writers[i].thread, NULL, write_batches, &writers[i]), 0);
	}
	for (int i = 0; i < 60; i++) {
		struct daily_cost before = counting_log(&b);
		struct counter_day day = counting_today(&b);

		totals_add(&day.confirmed, &day.pending);
		assert_false(totals_exceed(&before.totals, &day.confirmed));
		if (i % 6 == 3)
			free(servers_redis(counting_servers, "FLUSHALL"));
		if (i % 6 == 5)
			assert_true(counter_rebuild(&b.task, b.zone));
		arena_reset(b.task.arena);
		counter_book_forget(b.book, client);
	}
	for (size_t i = 0; i < WRITERS; i++) {
		assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
		cost += writers[i].cost;
	}
	counter_book_forget(b.book, client);
	counting_equals_log(&b, cost);
	counting_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flushed_between_announcement_and_commit),
		cmocka_unit_test(test_flushed_and_announced_again_is_lost),
		cmocka_unit_test(test_old_snapshot_of_redis_is_not_trusted),
		cmocka_unit_test(test_redis_away_answers_from_postgres),
		cmocka_unit_test(test_old_epoch_cannot_commit),
		cmocka_unit_test(test_batch_left_behind_is_healed),
		cmocka_unit_test(test_never_below_the_log_under_fire),
	};

	return cmocka_run_group_tests(tests, counting_start, counting_stop);
}
