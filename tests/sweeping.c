#include "tests/sweeping.h"

#include "tests/test.h"

#include <stdlib.h>

#include "tests/holding.h"

static const struct holding_budget budgets[] = {
	{ .name = "day", .limit = 1000 },
	{ .name = "for ever", .period = "total", .limit = 1000 },
};

static struct db_pool *pool; /* as the worker, who sees every client */

struct counter_sweep
sweeping_try(struct counting *bench, bool dry_run)
{
	struct task task;
	struct counter_sweep sweep;

	task_init(&task, bench->task.arena);
	task.pool = pool;
	task.redis = bench->task.redis;
	assert_true(counter_sweep(&task, dry_run, &sweep));
	assert_int_equal(task.err.code, ERR_NONE);
	assert_null(task.db);
	return sweep;
}

int64_t
sweeping_run(struct counting *bench)
{
	struct counter_sweep swept = sweeping_try(bench, false);

	assert_null(swept.failure);
	return swept.keys;
}

const char *
sweeping_key(struct counting *bench, const char *rest)
{
	char id[ID_TEXT_SIZE];

	return arena_printf(
	    bench->task.arena, "tally:{%s}:%s", id_format(bench->task.client, id), rest);
}

const char *
sweeping_ask(struct counting *bench, const char *command)
{
	char *answer = servers_redis(counting_servers, command);
	const char *copy = arena_strdup(bench->task.arena, answer);

	free(answer);
	return copy;
}

int64_t
sweeping_count(struct counting *bench, const char *rest)
{
	const char *answer = sweeping_ask(bench,
	    arena_printf(bench->task.arena, "EVAL \"return #redis.call('KEYS', ARGV[1])\" 0 %s",
		sweeping_key(bench, rest)));

	return strtoll(answer, NULL, 10);
}

void
sweeping_lose_state(struct counting *bench)
{
	const char *command =
	    arena_printf(bench->task.arena, "DEL %s", sweeping_key(bench, "state"));

	assert_string_equal(sweeping_ask(bench, command), "1");
}

void
sweeping_open_next(struct counting *bench)
{
	struct counter_state state;
	bool healed;

	assert_true(counter_open(&bench->task, bench->book, bench->zone, &state));
	assert_true(counter_heal(&bench->task, bench->book, bench->zone, &healed));
}

void
sweeping_open_used(struct counting *bench)
{
	static const struct id user = { .bytes = { 1 } };
	struct budget_call call = holding_call(40);
	struct counter_hold hold;

	holding_open(bench, budgets, COUNT(budgets));
	counting_make(bench, 30);
	assert_true(counting_announce(bench));
	assert_true(counting_commit(bench));
	bench->part.users[0] = (struct counter_users){ bench->part.state.day, &user, 1 };
	counting_confirm(bench);
	hold = holding_make(bench, &call);
	assert_true(holding_reserve(bench, &hold));
	holding_store(bench, &hold, &call);
	counting_make(bench, 5);
	assert_true(counting_announce(bench));
	assert_int_equal(bench->part.state.epoch, 1);
}

int
sweeping_start(void **state)
{
	struct db_pool_settings settings = { .max = 1,
		.min = 1,
		.idle_timeout_ms = 30000,
		.connect_timeout_ms = 5000,
		.acquire_timeout_ms = 10000,
		.statement_timeout_ms = 30000,
		.application = "test_counter_sweep" };

	counting_start(state);
	settings.url = servers_database_url(counting_servers, "tally_worker");
	pool = db_pool_new(&settings);
	return 0;
}

int
sweeping_stop(void **state)
{
	db_pool_free(pool);
	return counting_stop(state);
}

int
sweeping_empty(void **state)
{
	(void)state;
	free(servers_redis(counting_servers, "FLUSHALL"));
	return 0;
}
