#include "tests/counting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/redis.h"
#include "lib/seal.h"
#include "tests/test.h"

struct servers *counting_servers;

static struct db_pool *pool;
static struct redis_settings redis_settings;

struct id
counting_client(void)
{
	struct id id = id_new(clock_now());
	char text[ID_TEXT_SIZE], sql[200];

	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO clients (id, name, timezone) VALUES ('%s', 'counted', '%s') RETURNING 1",
	    id_format(id, text), servers_noon());
	free(servers_sql(counting_servers, sql));
	return id;
}

void
counting_open(struct counting *bench, struct id client)
{
	memset(bench, 0, sizeof(*bench));
	task_init(&bench->task, arena_new());
	bench->task.client = client;
	bench->task.pool = pool;
	bench->task.redis = redis_new(&redis_settings);
	bench->book = counter_book_new();
	assert_true(zone_find(&bench->task, servers_noon(), &bench->zone));
}

void
counting_close(struct counting *bench)
{
	db_rollback(&bench->task);
	redis_free(bench->task.redis);
	counter_book_free(bench->book);
	arena_free(bench->task.arena);
}

static void
count_row(struct counting *bench, int64_t cost)
{
	bench->totals = (struct totals){ 0 };
	bench->totals.at[TOTAL_COST] = cost;
	bench->totals.at[TOTAL_REQUESTS] = 1;
	bench->totals.at[TOTAL_TOKENS] = 3;
	bench->totals.at[TOTAL_INPUT] = 3;
}

void
counting_make(struct counting *bench, int64_t cost)
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

struct counter_sums
counting_sums(struct counting *bench)
{
	struct budget_call call = budget_call_of_log(&bench->log);
	struct task *task = &bench->task;
	struct budget_places places =
	    budget_set_places(task, bench->part.state.budgets, &call, bench->log.created_at);
	struct counter_sum *sums = arena_array(task->arena, places.count + 1, sizeof(*sums));

	sums[0] = counter_day_sum(task, bench->zone, bench->part.state.day, &bench->totals);
	for (size_t i = 0; i < places.count; i++)
		sums[i + 1] = counter_place_sum(task, &places.at[i]);
	return (struct counter_sums){ sums, places.count + 1 };
}

bool
counting_announce(struct counting *bench)
{
	if (!counter_state(&bench->task, bench->book, bench->zone, &bench->part.state))
		return false;
	bench->mark.epoch = bench->part.state.epoch;
	bench->mark.day = bench->part.state.day;
	bench->part.answer = COUNTER_OK;
	bench->part.announced = counting_sums(bench);
	counter_announce(&bench->task, bench->batch.id, &bench->part, 1);
	return bench->part.answer == COUNTER_OK;
}

bool
counting_commit(struct counting *bench)
{
	bool unknown;

	batch_begin(&bench->task, &bench->batch);
	return batch_store(&bench->task, &bench->batch, true, &unknown);
}

void
counting_confirm(struct counting *bench)
{
	bench->part.differs = true;
	bench->part.stored = counting_sums(bench);
	counter_confirm(
	    &bench->task, bench->batch.id, &bench->part, 1, (struct redis_commands){ 0 });
}

struct daily_cost
counting_log(struct counting *bench)
{
	struct daily_cost day;

	assert_true(daily_cost_sum(
	    &bench->task, bench->zone, zone_date(bench->zone, bench->task.now), &day));
	assert_true(db_commit(&bench->task));
	return day;
}

struct counter_day
counting_today(struct counting *bench)
{
	struct counter_day day;

	assert_true(counter_today(&bench->task, bench->book, bench->zone, &day));
	return day;
}

void
counting_equals_log(struct counting *bench, int64_t cost)
{
	struct counter_day day = counting_today(bench);
	struct daily_cost sum = counting_log(bench);

	assert_false(day.from_postgres);
	assert_int_equal(day.confirmed.at[TOTAL_COST], cost);
	assert_true(totals_equal(&day.confirmed, &sum.totals));
	assert_int_equal(day.pending.at[TOTAL_COST], 0);
	assert_int_equal(day.users, sum.unique_users);
}

int
counting_start(void **state)
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
	counting_servers = servers_start(SERVER_REDIS);
	settings.url = servers_database_url(counting_servers, "tally_app");
	pool = db_pool_new(&settings);
	redis_settings = (struct redis_settings){ .url = servers_redis_url(counting_servers),
		.connect_timeout_ms = 5000,
		.command_timeout_ms = 10000 };
	return 0;
}

int
counting_stop(void **state)
{
	(void)state;
	db_pool_free(pool);
	servers_stop(counting_servers);
	return 0;
}
