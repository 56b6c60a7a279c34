/* Redis is dead, stopped, busy, late, or was never there. */
#include "tests/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "tests/redis_fixture.h"

static bool
is_back(void *context)
{
	struct redis_reply reply;

	(void)context;
	task_clear_error(&redis_fixture_task);
	return redis_fixture_run(redis_fixture_get("a"), &reply);
}

static void
test_a_dead_server_is_for_later(void **state)
{
	struct redis_reply reply;

	(void)state;
	redis_fixture_fine(redis_fixture_run(redis_fixture_get("a"), &reply));
	redis_fixture_kill();
	redis_fixture_fails(redis_fixture_run(redis_fixture_get("a"), &reply));
	redis_fixture_fails(redis_fixture_run(redis_fixture_get("a"), &reply));
	servers_restart(redis_fixture_servers, SERVER_REDIS);
	assert_true(servers_await(is_back, NULL));
}

/* Long beside what a busy machine keeps a process waiting. */
#define WAIT_MS 400

/* The time-outs take a fifth of the time at most. */
static void
test_a_stopped_server_is_asked_rarely(void **state)
{
	struct redis_settings with = redis_fixture_settings();
	struct redis_reply reply;
	int64_t stopped, begun;

	(void)state;
	with.command_timeout_ms = WAIT_MS;
	redis_free(redis_fixture_task.redis);
	redis_fixture_task.redis = redis_new(&with);
	redis_fixture_fine(redis_fixture_run(redis_fixture_get("a"), &reply));
	servers_signal(redis_fixture_servers, SERVER_REDIS, SIGSTOP);
	stopped = clock_monotonic();
	redis_fixture_fails(redis_fixture_run(redis_fixture_get("a"), &reply));
	do {
		begun = clock_monotonic();
		redis_fixture_fails(redis_fixture_run(redis_fixture_get("a"), &reply));
	} while (clock_monotonic() - begun < INT64_C(1000) * WAIT_MS);
	/* A time-out, the pause, a time-out. */
	assert_true(
	    clock_monotonic() - stopped >= (REDIS_RETRY_FACTOR + 2) * INT64_C(1000) * WAIT_MS);
	servers_signal(redis_fixture_servers, SERVER_REDIS, SIGCONT);
	assert_true(servers_await(is_back, NULL));
}

/* One that has an answer ends the pause of all. */
static void
test_a_pause_ends_when_another_has_an_answer(void **state)
{
	struct redis_settings with = redis_fixture_settings();
	struct redis *hopeful = redis_fixture_task.redis, *failed;
	struct redis_reply reply;

	(void)state;
	with.command_timeout_ms = REDIS_RETRY_MAX_MS / REDIS_RETRY_FACTOR;
	failed = redis_new(&with);
	redis_fixture_task.redis = failed;
	redis_fixture_fine(redis_fixture_run(redis_fixture_get("a"), &reply));
	servers_signal(redis_fixture_servers, SERVER_REDIS, SIGSTOP);
	redis_fixture_fails(redis_fixture_run(redis_fixture_get("a"), &reply));
	redis_fixture_fails(redis_fixture_run(redis_fixture_get("a"), &reply));
	servers_signal(redis_fixture_servers, SERVER_REDIS, SIGCONT);
	redis_fixture_task.redis = hopeful;
	redis_fixture_fine(redis_fixture_run(redis_fixture_get("a"), &reply));
	redis_fixture_task.redis = failed;
	redis_fixture_fine(redis_fixture_run(redis_fixture_get("a"), &reply));
	redis_fixture_task.redis = hopeful;
	redis_free(failed);
}

/* One time-out, then everybody is told at once for a while. */
static void
test_a_stopped_server_holds_nobody_for_long(void **state)
{
	struct redis_settings with = redis_fixture_settings();
	struct redis_reply reply;
	int64_t begun;
	int failures = 0;

	(void)state;
	with.command_timeout_ms = 200;
	redis_free(redis_fixture_task.redis);
	redis_fixture_task.redis = redis_new(&with);
	redis_fixture_fine(redis_fixture_run(redis_fixture_get("a"), &reply));
	servers_signal(redis_fixture_servers, SERVER_REDIS, SIGSTOP);
	begun = clock_monotonic();
	redis_fixture_fails(redis_fixture_run(redis_fixture_get("a"), &reply));
	assert_true(clock_monotonic() - begun >= INT64_C(200000));
	begun = clock_monotonic();
	while (clock_monotonic() - begun < REDIS_RETRY_MS * INT64_C(500)) {
		redis_fixture_fails(redis_fixture_run(redis_fixture_get("a"), &reply));
		failures++;
	}
	assert_true(failures > 1);
	servers_signal(redis_fixture_servers, SERVER_REDIS, SIGCONT);
	assert_true(servers_await(is_back, NULL));
}

/* An answer that comes late must not be taken for the next command's. */
static void
test_a_late_answer_is_not_mixed_up(void **state)
{
	struct redis_settings with = redis_fixture_settings();
	struct redis_reply reply;

	(void)state;
	with.command_timeout_ms = 50;
	redis_free(redis_fixture_task.redis);
	redis_fixture_task.redis = redis_new(&with);
	redis_fixture_fine(redis_fixture_run(redis_fixture_set("a", "1", 1), &reply));
	redis_fixture_fine(redis_fixture_run(redis_fixture_set("b", "2", 1), &reply));
	servers_signal(redis_fixture_servers, SERVER_REDIS, SIGSTOP);
	redis_fixture_fails(redis_fixture_run(redis_fixture_get("a"), &reply));
	servers_signal(redis_fixture_servers, SERVER_REDIS, SIGCONT);
	assert_true(servers_await(is_back, NULL));
	redis_fixture_fine(redis_fixture_run(redis_fixture_get("b"), &reply));
	assert_string_equal(reply.text.at, "2");
}

static void
test_a_busy_server_is_for_later(void **state)
{
	struct redis_settings with = redis_fixture_settings();
	struct redis *mine = redis_fixture_task.redis;
	struct redis_command *loop = redis_command(&redis_fixture_task, "EVAL");
	struct redis_reply reply;

	(void)state;
	free(servers_redis(redis_fixture_servers, "CONFIG SET busy-reply-threshold 1"));
	with.command_timeout_ms = 50;
	redis_fixture_task.redis = redis_new(&with);
	redis_add(loop, "while true do end");
	redis_add(loop, "0");
	redis_fixture_fails(redis_fixture_run(loop, &reply));
	redis_free(redis_fixture_task.redis);
	redis_fixture_task.redis = mine;
	redis_fixture_fails(redis_fixture_run(redis_fixture_get("a"), &reply));
	free(servers_redis(redis_fixture_servers, "SCRIPT KILL"));
	assert_true(servers_await(is_back, NULL));
}

/* Nobody listens on port 1. */
static const struct {
	const char *url;
	enum err_code code;
} addresses[] = {
	{ "redis://127.0.0.1:1", ERR_UNAVAILABLE },
	{ "redis://[::1]:1", ERR_UNAVAILABLE },
	{ "unix:/nonexistent/redis.sock", ERR_UNAVAILABLE },
	{ "http://127.0.0.1:1", ERR_INVALID },
};

static void
test_addresses_where_nobody_is(void **state)
{
	struct redis_settings with = redis_fixture_settings();
	struct redis_reply reply;

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		with.url = addresses[i].url;
		redis_free(redis_fixture_task.redis);
		redis_fixture_task.redis = redis_new(&with);
		if (redis_fixture_run(redis_fixture_get("a"), &reply) ||
		    redis_fixture_task.err.code != addresses[i].code)
			fail_msg("%s: %s", with.url, redis_fixture_task.err.text);
		task_clear_error(&redis_fixture_task);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		REDIS_TEST(test_a_dead_server_is_for_later),
		REDIS_TEST(test_a_stopped_server_is_asked_rarely),
		REDIS_TEST(test_a_pause_ends_when_another_has_an_answer),
		REDIS_TEST(test_a_stopped_server_holds_nobody_for_long),
		REDIS_TEST(test_a_late_answer_is_not_mixed_up),
		REDIS_TEST(test_a_busy_server_is_for_later),
		REDIS_TEST(test_addresses_where_nobody_is),
	};

	return cmocka_run_group_tests(tests, redis_fixture_start, redis_fixture_stop);
}
