/*
 * The count of the open day against PostgreSQL and Redis: never below the log, equal to it once
 * nothing is in flight, whatever happened to either.
 */
#include "tests/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/db.h"
#include "lib/model/batch.h"
#include "lib/model/counter.h"
#include "lib/model/daily_cost.h"
#include "lib/redis.h"
#include "lib/seal.h"
#include "tests/servers.h"

static struct servers *servers;
static struct db_pool *pool;
static struct redis_settings redis_settings;

/* A thread's view of one client, and a batch of one record for it. */
struct bench {
	struct task task;
	struct counter_book *book;
	const struct zone *zone;
	struct chat_log log;
	struct batch_row row;
	struct batch_client mark;
	struct batch batch;
	struct counter_part part;
};

static struct id
new_client(void)
{
	struct id id = id_new(clock_now());
	char text[ID_TEXT_SIZE], sql[200];

	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO clients (id, name) VALUES ('%s', 'counted') RETURNING 1",
	    id_format(id, text));
	free(servers_sql(servers, sql));
	return id;
}

static void
bench_open(struct bench *bench, struct id client)
{
	memset(bench, 0, sizeof(*bench));
	task_init(&bench->task, arena_new());
	bench->task.client = client;
	bench->task.pool = pool;
	bench->task.redis = redis_new(&redis_settings);
	bench->book = counter_book_new();
	assert_true(zone_find(&bench->task, servers_noon(), &bench->zone));
}

static void
bench_close(struct bench *bench)
{
	db_rollback(&bench->task);
	redis_free(bench->task.redis);
	counter_book_free(bench->book);
	arena_free(bench->task.arena);
}

static void
count_row(struct bench *bench, int64_t cost)
{
	bench->part.totals = (struct totals){ 0 };
	bench->part.totals.at[TOTAL_COST] = cost;
	bench->part.totals.at[TOTAL_REQUESTS] = 1;
	bench->part.totals.at[TOTAL_TOKENS] = 3;
	bench->part.totals.at[TOTAL_INPUT] = 3;
}

/* One record of the task's now, as a batch of its own. */
static void
make_batch(struct bench *bench, int64_t cost)
{
	bench->log = (struct chat_log){
		.id = id_new(bench->task.now),
		.created_at = bench->task.now - bench->task.now % 1000,
		.received_at = bench->task.now,
		.input_tokens = 3,
		.output_tokens = CHAT_LOG_NONE,
		.cached_input_tokens = CHAT_LOG_NONE,
		.cache_write_tokens = CHAT_LOG_NONE,
		.reasoning_tokens = CHAT_LOG_NONE,
		.tokens_used = 3,
		.message_length = CHAT_LOG_NONE,
		.response_length = CHAT_LOG_NONE,
		.estimated_cost_nanos = cost,
		.verified_cost_nanos = CHAT_LOG_NONE,
		.duration_ms = CHAT_LOG_NONE,
		.success = true,
	};
	bench->row = (struct batch_row){ .client = bench->task.client, .log = &bench->log };
	bench->mark = (struct batch_client){ .client = bench->task.client, .announced = true };
	bench->batch = (struct batch){
		.id = id_new(bench->task.now),
		.rows = &bench->row,
		.row_count = 1,
		.clients = &bench->mark,
		.client_count = 1,
	};
	bench->part = (struct counter_part){ .client = bench->task.client };
	count_row(bench, cost);
}

static bool
announce(struct bench *bench)
{
	if (!counter_state(&bench->task, bench->book, bench->zone, &bench->part.state))
		return false;
	bench->mark.epoch = bench->part.state.epoch;
	bench->part.answer = COUNTER_OK;
	counter_announce(&bench->task, bench->batch.id, &bench->part, 1);
	return bench->part.answer == COUNTER_OK;
}

static bool
commit(struct bench *bench)
{
	bool unknown;

	batch_begin(&bench->task, &bench->batch);
	return batch_store(&bench->task, &bench->batch, true, &unknown);
}

static void
confirm(struct bench *bench)
{
	counter_confirm(&bench->task, bench->batch.id, &bench->part, 1);
}

/* What the log holds of the open day. */
static struct daily_cost
log_sum(struct bench *bench)
{
	struct daily_cost day;

	assert_true(daily_cost_sum(
	    &bench->task, bench->zone, zone_date(bench->zone, bench->task.now), &day));
	assert_true(db_commit(&bench->task));
	return day;
}

static struct counter_day
today(struct bench *bench)
{
	struct counter_day day;

	assert_true(counter_today(&bench->task, bench->book, bench->zone, &day));
	return day;
}

static void
assert_equals_log(struct bench *bench, int64_t cost)
{
	struct counter_day day = today(bench);
	struct daily_cost sum = log_sum(bench);

	assert_false(day.from_postgres);
	assert_int_equal(day.confirmed.at[TOTAL_COST], cost);
	assert_true(totals_equal(&day.confirmed, &sum.totals));
	assert_int_equal(day.pending.at[TOTAL_COST], 0);
	assert_int_equal(day.users, sum.unique_users);
}

static void
test_announced_committed_confirmed(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, new_client());
	assert_equals_log(&b, 0);
	make_batch(&b, 1234567);
	assert_true(announce(&b));
	assert_int_equal(today(&b).pending.at[TOTAL_COST], 1234567);
	assert_int_equal(today(&b).confirmed.at[TOTAL_COST], 0);
	assert_true(commit(&b));
	assert_int_equal(today(&b).pending.at[TOTAL_COST], 1234567);
	confirm(&b);
	assert_int_equal(b.part.answer, COUNTER_OK);
	assert_equals_log(&b, 1234567);
	bench_close(&b);
}

static void
test_dropped_batch_leaves_nothing(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, new_client());
	assert_equals_log(&b, 0);
	make_batch(&b, 5);
	assert_true(announce(&b));
	counter_drop(&b.task, b.batch.id, &b.part, 1);
	assert_equals_log(&b, 0);
	bench_close(&b);
}

static void
test_confirmed_twice_counts_once(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, new_client());
	make_batch(&b, 7);
	assert_true(announce(&b));
	assert_true(commit(&b));
	confirm(&b);
	b.part.answer = COUNTER_OK;
	confirm(&b);
	assert_equals_log(&b, 7);
	bench_close(&b);
}

/* The four ways in which a batch and the loading of its epoch can follow each other. */
static void
test_loaded_between_the_steps_of_a_batch(void **state)
{
	struct bench b;

	(void)state;
	for (int loaded_before = 1; loaded_before <= 4; loaded_before++) {
		bench_open(&b, new_client());
		assert_true(counter_open(&b.task, b.book, b.zone, &b.part.state));
		make_batch(&b, 11);
		if (loaded_before == 1)
			(void)today(&b);
		assert_true(announce(&b));
		if (loaded_before == 2)
			(void)today(&b);
		assert_true(commit(&b));
		if (loaded_before == 3)
			assert_int_equal(today(&b).confirmed.at[TOTAL_COST], 11);
		confirm(&b);
		assert_int_equal(b.part.answer, COUNTER_OK);
		assert_equals_log(&b, 11);
		bench_close(&b);
	}
}

static void
test_flushed_between_announcement_and_commit(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, new_client());
	assert_equals_log(&b, 0);
	make_batch(&b, 13);
	assert_true(announce(&b));
	free(servers_redis(servers, "FLUSHALL"));
	assert_true(commit(&b));
	confirm(&b);
	assert_int_equal(b.part.answer, COUNTER_LOST);
	assert_equals_log(&b, 13);
	make_batch(&b, 17);
	assert_true(announce(&b));
	assert_true(commit(&b));
	confirm(&b);
	assert_equals_log(&b, 30);
	bench_close(&b);
}

static void
test_flushed_and_announced_again_is_lost(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, new_client());
	assert_equals_log(&b, 0);
	free(servers_redis(servers, "FLUSHALL"));
	make_batch(&b, 1);
	assert_false(announce(&b));
	assert_int_equal(b.part.answer, COUNTER_LOST);
	bench_close(&b);
}

static void
test_old_snapshot_of_redis_is_not_trusted(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, new_client());
	make_batch(&b, 19);
	assert_true(announce(&b));
	assert_true(commit(&b));
	confirm(&b);
	assert_equals_log(&b, 19);
	/* The snapshot holds 19; what comes after it is lost with the server. */
	free(servers_redis(servers, "SAVE"));
	make_batch(&b, 23);
	assert_true(announce(&b));
	assert_true(commit(&b));
	confirm(&b);
	servers_signal(servers, SERVER_REDIS, SIGKILL);
	servers_wait(servers, SERVER_REDIS);
	servers_restart(servers, SERVER_REDIS);
	assert_equals_log(&b, 42);
	bench_close(&b);
}

static void
test_redis_away_answers_from_postgres(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, new_client());
	make_batch(&b, 29);
	assert_true(announce(&b));
	assert_true(commit(&b));
	confirm(&b);
	servers_signal(servers, SERVER_REDIS, SIGKILL);
	servers_wait(servers, SERVER_REDIS);
	assert_true(today(&b).from_postgres);
	assert_int_equal(today(&b).confirmed.at[TOTAL_COST], 29);
	make_batch(&b, 31);
	assert_false(announce(&b));
	assert_int_equal(b.part.answer, COUNTER_AWAY);
	b.mark.announced = false;
	assert_true(commit(&b));
	assert_int_equal(today(&b).confirmed.at[TOTAL_COST], 60);
	servers_restart(servers, SERVER_REDIS);
	bench_close(&b);

	/* A process that knows nothing of it finds the count declared broken. */
	bench_open(&b, b.task.client);
	assert_equals_log(&b, 60);
	bench_close(&b);
}

static void
test_old_epoch_cannot_commit(void **state)
{
	struct bench b, other;
	struct counter_state next;

	(void)state;
	bench_open(&b, new_client());
	bench_open(&other, b.task.client);
	make_batch(&b, 37);
	assert_true(announce(&b));
	assert_true(counter_open(&other.task, other.book, other.zone, &next));
	assert_int_equal(next.epoch, b.part.state.epoch + 1);
	assert_false(commit(&b));
	assert_string_equal(b.task.err.sqlstate, BATCH_EPOCH_OVER);
	task_clear_error(&b.task);
	assert_equals_log(&b, 0);
	bench_close(&other);
	bench_close(&b);
}

static void
test_batch_left_behind_is_healed(void **state)
{
	struct bench b;
	bool healed;

	(void)state;
	for (int committed = 0; committed <= 1; committed++) {
		bench_open(&b, new_client());
		assert_equals_log(&b, 0);
		make_batch(&b, 41);
		b.batch.id = id_new(b.task.now - (COUNTER_STALE_MS + 1000) * INT64_C(1000));
		assert_true(announce(&b));
		if (committed == 1)
			assert_true(commit(&b));
		assert_true(counter_heal(&b.task, b.zone, &healed));
		assert_true(healed);
		counter_book_forget(b.book, b.task.client);
		assert_equals_log(&b, committed == 1 ? 41 : 0);
		assert_true(counter_heal(&b.task, b.zone, &healed));
		assert_false(healed);
		bench_close(&b);
	}
}

static void
test_next_day_is_another_epoch(void **state)
{
	struct bench b;
	struct counter_state first, second, back;
	char sql[300], text[ID_TEXT_SIZE], date[DATE_TEXT_SIZE], *days;

	(void)state;
	bench_open(&b, new_client());
	make_batch(&b, 43);
	assert_true(announce(&b));
	assert_true(commit(&b));
	confirm(&b);
	first = b.part.state;
	b.task.now += CLOCK_DAY;
	assert_true(counter_state(&b.task, b.book, b.zone, &second));
	assert_int_equal(second.day, first.day + 1);
	assert_int_equal(second.epoch, first.epoch + 1);
	assert_equals_log(&b, 0);
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM ingest_batches WHERE client_id = '%s' AND late_days = "
	    "ARRAY[date '%s']",
	    id_format(b.task.client, text), date_format(first.day, date));
	days = servers_sql(servers, sql);
	assert_string_equal(days, "1");
	free(days);
	/* A clock that steps back does not open the day before again. */
	b.task.now -= CLOCK_DAY;
	assert_true(counter_state(&b.task, b.book, b.zone, &back));
	assert_int_equal(back.day, second.day);
	assert_int_equal(back.epoch, second.epoch);
	bench_close(&b);
}

static void
test_users_are_counted_once(void **state)
{
	struct bench b;
	struct id users[3];

	(void)state;
	bench_open(&b, new_client());
	assert_equals_log(&b, 0);
	for (size_t i = 0; i < COUNT(users); i++)
		users[i] = id_new(b.task.now);
	for (size_t i = 0; i < 9; i++) {
		make_batch(&b, 1);
		b.log.user_id = users[i % COUNT(users)];
		b.row.external_user_id = i % COUNT(users) == 0	 ? "a"
					 : i % COUNT(users) == 1 ? "b"
								 : "c";
		b.part.users = &b.log.user_id;
		b.part.user_count = 1;
		assert_true(announce(&b));
		assert_true(commit(&b));
		confirm(&b);
	}
	assert_int_equal(today(&b).users, 3);
	assert_equals_log(&b, 9);
	free(servers_redis(servers, "FLUSHALL"));
	assert_equals_log(&b, 9);
	bench_close(&b);
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
	struct bench b;

	bench_open(&b, writer->client);
	for (int i = 1; i <= BATCHES; i++) {
		make_batch(&b, i);
		while (!announce(&b)) {
			task_clear_error(&b.task);
			counter_book_forget(b.book, b.task.client);
			if (b.part.answer == COUNTER_LOST &&
			    !counter_open(&b.task, b.book, b.zone, &b.part.state))
				task_clear_error(&b.task);
		}
		if (!commit(&b)) {
			assert_string_equal(b.task.err.sqlstate, BATCH_EPOCH_OVER);
			task_clear_error(&b.task);
			counter_book_forget(b.book, b.task.client);
			i--;
			continue;
		}
		writer->cost += i;
		confirm(&b);
	}
	bench_close(&b);
	return NULL;
}

static void
test_never_below_the_log_under_fire(void **state)
{
	struct writer writers[WRITERS] = { 0 };
	struct id client = new_client();
	int64_t cost = 0;
	struct bench b;

	(void)state;
	bench_open(&b, client);
	for (size_t i = 0; i < WRITERS; i++) {
		writers[i].client = client;
		assert_int_equal(
		    pthread_create(&writers[i].thread, NULL, write_batches, &writers[i]), 0);
	}
	for (int i = 0; i < 60; i++) {
		struct daily_cost before = log_sum(&b);
		struct counter_day day = today(&b);

		totals_add(&day.confirmed, &day.pending);
		assert_false(totals_exceed(&before.totals, &day.confirmed));
		if (i % 6 == 3)
			free(servers_redis(servers, "FLUSHALL"));
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
	assert_equals_log(&b, cost);
	bench_close(&b);
}

static int
set_up(void **state)
{
	struct db_pool_settings settings = { .max = 16,
		.min = 1,
		.idle_timeout_ms = 30000,
		.connect_timeout_ms = 5000,
		.acquire_timeout_ms = 10000,
		.statement_timeout_ms = 30000,
		.application = "test_counter" };

	(void)state;
	seal_init();
	servers = servers_start(SERVER_REDIS);
	settings.url = servers_database_url(servers, "tally_app");
	pool = db_pool_new(&settings);
	redis_settings = (struct redis_settings){ .url = servers_redis_url(servers),
		.connect_timeout_ms = 5000,
		.command_timeout_ms = 10000 };
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	db_pool_free(pool);
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_announced_committed_confirmed),
		cmocka_unit_test(test_dropped_batch_leaves_nothing),
		cmocka_unit_test(test_confirmed_twice_counts_once),
		cmocka_unit_test(test_loaded_between_the_steps_of_a_batch),
		cmocka_unit_test(test_flushed_between_announcement_and_commit),
		cmocka_unit_test(test_flushed_and_announced_again_is_lost),
		cmocka_unit_test(test_old_snapshot_of_redis_is_not_trusted),
		cmocka_unit_test(test_redis_away_answers_from_postgres),
		cmocka_unit_test(test_old_epoch_cannot_commit),
		cmocka_unit_test(test_batch_left_behind_is_healed),
		cmocka_unit_test(test_next_day_is_another_epoch),
		cmocka_unit_test(test_users_are_counted_once),
		cmocka_unit_test(test_never_below_the_log_under_fire),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
