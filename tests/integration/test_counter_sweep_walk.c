/*
 * The sweep of Redis as purge runs it: in portions, dry, and without Redis.
 */
#include "tests/test.h"

#include <stdlib.h>
#include <sysexits.h>

#include "tests/books.h"
#include "tests/sweeping.h"

#define MANY (5 * COUNTER_SWEEP_PORTION / 2)

static void
add_many(struct counting *b, int epoch)
{
	assert_int_equal(
	    strtoll(
		sweeping_ask(b,
		    arena_printf(b->task.arena,
			"EVAL \"for i = 1, %d do redis.call('HSET', KEYS[1] .. i, "
			"0, 1) end return %d\" 1 %s",
			MANY, MANY, sweeping_key(b, arena_printf(b->task.arena, "%d:b:", epoch)))),
		NULL, 10),
	    MANY);
}

static void
test_more_than_a_portion(void **state)
{
	struct counting b, other;

	(void)state;
	counting_open(&b, counting_client());
	counting_open(&other, counting_client());
	sweeping_open_next(&b);
	sweeping_open_next(&b);
	sweeping_open_next(&other);
	(void)sweeping_run(&b);
	add_many(&b, 1);
	add_many(&b, 2);
	add_many(&other, 1);
	assert_int_equal(sweeping_run(&b), MANY);
	assert_int_equal(sweeping_count(&b, "1:*"), 0);
	assert_true(sweeping_count(&b, "2:b:*") == MANY);
	assert_true(sweeping_count(&other, "1:b:*") == MANY);
	counting_close(&other);
	counting_close(&b);
}

static void
test_dry_run(void **state)
{
	struct counter_sweep dry;
	struct counting b;
	int64_t old;

	(void)state;
	sweeping_open_used(&b);
	sweeping_open_next(&b);
	old = sweeping_count(&b, "1:*");
	dry = sweeping_try(&b, true);
	assert_null(dry.failure);
	assert_int_equal(dry.keys, old);
	assert_int_equal(sweeping_count(&b, "1:*"), old);
	assert_int_equal(sweeping_run(&b), old);
	counting_close(&b);
}

static void
expect_purge(const char *prints, const char *option)
{
	books_expect_tally(
	    counting_servers, EX_OK, prints, (const char *const[9]){ "purge", option });
}

static void
test_purge_sweeps(void **state)
{
	struct counting b;
	const char *keys;

	(void)state;
	sweeping_open_used(&b);
	sweeping_open_next(&b);
	keys = arena_printf(
	    b.task.arena, "\"redis_keys\":%lld}", (long long)sweeping_count(&b, "1:*"));
	books_expect_tally(counting_servers, EX_OK, keys,
	    (const char *const[9]){ "purge", "--dry-run", "--json" });
	expect_purge(keys, "--json");
	expect_purge("\"redis_keys\":0}", "--json");
	assert_int_equal(sweeping_count(&b, "1:*"), 0);
	counting_equals_log(&b, 30);
	counting_close(&b);
}

/* Once it is asked for replicas that are not there, Redis reads and does not write. */
static void
test_redis_that_refuses(void **state)
{
	struct counter_sweep swept;
	struct counting b;
	int64_t old;

	(void)state;
	sweeping_open_used(&b);
	sweeping_open_next(&b);
	old = sweeping_count(&b, "1:*");
	assert_string_equal(sweeping_ask(&b, "CONFIG SET min-replicas-to-write 1"), "OK");
	swept = sweeping_try(&b, false);
	assert_string_equal(swept.failure, "Redis refused a command");
	assert_int_equal(swept.keys, 0);
	assert_string_equal(sweeping_ask(&b, "CONFIG SET min-replicas-to-write 0"), "OK");
	assert_int_equal(sweeping_run(&b), old);
	counting_close(&b);
}

static void
test_redis_away(void **state)
{
	struct counter_sweep swept;
	struct counting b;

	(void)state;
	counting_open(&b, counting_client());
	servers_kill_tree(counting_servers, SERVER_REDIS);
	swept = sweeping_try(&b, false);
	assert_string_equal(swept.failure, "Redis cannot be reached");
	expect_purge("redis_keys 0, redis Redis cannot be reached", NULL);
	servers_restart(counting_servers, SERVER_REDIS);
	expect_purge("redis_keys 0\n", NULL);
	counting_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SWEEPING_TEST(test_more_than_a_portion),
		SWEEPING_TEST(test_dry_run),
		SWEEPING_TEST(test_purge_sweeps),
		SWEEPING_TEST(test_redis_that_refuses),
		SWEEPING_TEST(test_redis_away),
	};

	return cmocka_run_group_tests(tests, sweeping_start, sweeping_stop);
}
