#include "tests/redis_fixture.h"

#include <signal.h>
#include <stdlib.h>

#include "tests/test.h"

struct servers *redis_fixture_servers;
struct task redis_fixture_task;

struct redis_script redis_fixture_adds = { .source =
					       "return redis.call('INCRBY', KEYS[1], ARGV[1])" };

struct redis_settings
redis_fixture_settings(void)
{
	return (struct redis_settings){ .url = servers_redis_url(redis_fixture_servers),
		.connect_timeout_ms = 5000,
		.command_timeout_ms = 5000 };
}

int
redis_fixture_begin(void **state)
{
	struct redis_settings with = redis_fixture_settings();

	(void)state;
	free(servers_redis(redis_fixture_servers, "FLUSHALL"));
	task_init(&redis_fixture_task, arena_new());
	redis_fixture_task.redis = redis_new(&with);
	return 0;
}

int
redis_fixture_end(void **state)
{
	(void)state;
	redis_free(redis_fixture_task.redis);
	arena_free(redis_fixture_task.arena);
	return 0;
}

void
redis_fixture_fine(bool done)
{
	if (!done)
		fail_msg("%s", redis_fixture_task.err.text);
}

void
redis_fixture_fails(bool done)
{
	assert_false(done);
	assert_int_equal(redis_fixture_task.err.code, ERR_UNAVAILABLE);
	assert_int_equal(redis_fixture_task.err.retry_after, 1);
	task_clear_error(&redis_fixture_task);
}

bool
redis_fixture_run(struct redis_command *command, struct redis_reply *ret)
{
	return redis_run(&redis_fixture_task, &command, 1, ret);
}

struct redis_command *
redis_fixture_get(const char *key)
{
	struct redis_command *command = redis_command(&redis_fixture_task, "GET");

	redis_add(command, key);
	return command;
}

struct redis_command *
redis_fixture_add(const char *key, int64_t n)
{
	struct redis_command *command = redis_eval(&redis_fixture_task, &redis_fixture_adds, 1);

	redis_add(command, key);
	redis_add_int(command, n);
	return command;
}

struct redis_command *
redis_fixture_set(const char *key, const void *bytes, size_t len)
{
	struct redis_command *command = redis_command(&redis_fixture_task, "SET");

	redis_add(command, key);
	redis_add_n(command, bytes, len);
	return command;
}

void
redis_fixture_kill(void)
{
	servers_signal(redis_fixture_servers, SERVER_REDIS, SIGKILL);
	servers_wait(redis_fixture_servers, SERVER_REDIS);
}

int
redis_fixture_start(void **state)
{
	(void)state;
	redis_fixture_servers = servers_start(SERVER_REDIS);
	return 0;
}

int
redis_fixture_stop(void **state)
{
	(void)state;
	servers_stop(redis_fixture_servers);
	return 0;
}
