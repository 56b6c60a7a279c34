#include "tests/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/redis.h"
#include "tests/servers.h"

static struct servers *servers;
static struct task task;

static struct redis_script adds = { .source = "return redis.call('INCRBY', KEYS[1], ARGV[1])" };

static struct redis_settings
settings(void)
{
	return (struct redis_settings){ .url = servers_redis_url(servers),
		.connect_timeout_ms = 5000,
		.command_timeout_ms = 5000 };
}

static int
begin(void **state)
{
	struct redis_settings with = settings();

	(void)state;
	free(servers_redis(servers, "FLUSHALL"));
	task_init(&task, arena_new());
	task.redis = redis_new(&with);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	redis_free(task.redis);
	arena_free(task.arena);
	return 0;
}

static void
fine(bool done)
{
	if (!done)
		fail_msg("%s", task.err.text);
}

static void
fails(bool done)
{
	assert_false(done);
	assert_int_equal(task.err.code, ERR_UNAVAILABLE);
	assert_int_equal(task.err.retry_after, 1);
	task_clear_error(&task);
}

static bool
run(struct redis_command *command, struct redis_reply *ret)
{
	return redis_run(&task, &command, 1, ret);
}

static struct redis_command *
get(const char *key)
{
	struct redis_command *command = redis_command(&task, "GET");

	redis_add(command, key);
	return command;
}

static struct redis_command *
add(const char *key, int64_t n)
{
	struct redis_command *command = redis_eval(&task, &adds, 1);

	redis_add(command, key);
	redis_add_int(command, n);
	return command;
}

static struct redis_command *
set(const char *key, const void *bytes, size_t len)
{
	struct redis_command *command = redis_command(&task, "SET");

	redis_add(command, key);
	redis_add_n(command, bytes, len);
	return command;
}

static void
test_each_kind_of_answer(void **state)
{
	struct redis_command *commands[5] = { set("a", "x\0y", 3), get("a"), get("nothing"),
		redis_command(&task, "MGET"), redis_command(&task, "NONSENSE") };
	struct redis_reply replies[5];

	(void)state;
	redis_add(commands[3], "a");
	redis_add(commands[3], "nothing");
	fine(redis_run(&task, commands, 5, replies));
	assert_int_equal(replies[0].type, REDIS_TEXT);
	assert_string_equal(replies[0].text.at, "OK");
	assert_int_equal(replies[1].type, REDIS_TEXT);
	assert_int_equal(replies[1].text.len, 3);
	assert_memory_equal(replies[1].text.at, "x\0y", 3);
	assert_int_equal(replies[2].type, REDIS_NIL);
	assert_int_equal(replies[3].type, REDIS_ARRAY);
	assert_int_equal(replies[3].count, 2);
	assert_int_equal(replies[3].items[0].text.len, 3);
	assert_int_equal(replies[3].items[1].type, REDIS_NIL);
	assert_int_equal(replies[4].type, REDIS_ERROR);
	assert_non_null(strstr(replies[4].text.at, "unknown command"));
}

static void
test_many_arguments_and_whole_numbers(void **state)
{
	struct redis_command *push = redis_command(&task, "RPUSH");
	struct redis_command *range = redis_command(&task, "LRANGE");
	struct redis_reply reply;

	(void)state;
	redis_add(push, "list");
	for (int64_t i = 0; i < 1000; i++)
		redis_add_int(push, INT64_MIN + i);
	fine(run(push, &reply));
	assert_int_equal(reply.type, REDIS_INT);
	assert_int_equal(reply.integer, 1000);
	redis_add(range, "list");
	redis_add_int(range, 0);
	redis_add_int(range, -1);
	fine(run(range, &reply));
	assert_int_equal(reply.count, 1000);
	assert_string_equal(reply.items[0].text.at, "-9223372036854775808");
}

static void
test_a_script_is_sent_again_when_it_is_forgotten(void **state)
{
	struct redis_reply replies[3];
	struct redis_command *commands[3];

	(void)state;
	fine(run(add("n", 1), replies));
	assert_int_equal(replies[0].integer, 1);
	assert_int_equal(strlen(adds.sha), 40);
	free(servers_redis(servers, "SCRIPT FLUSH"));
	commands[0] = add("n", 1);
	commands[1] = add("n", 1);
	commands[2] = get("n");
	fine(redis_run(&task, commands, 3, replies));
	assert_int_equal(replies[0].type, REDIS_INT);
	assert_int_equal(replies[0].integer, 2);
	assert_int_equal(replies[1].integer, 3);
	free(servers_redis(servers, "SCRIPT FLUSH"));
	fine(run(add("n", 1), replies));
	assert_int_equal(replies[0].integer, 4);
}

static void
test_an_error_inside_a_script_is_an_answer(void **state)
{
	struct redis_reply reply;

	(void)state;
	fine(run(set("n", "x", 1), &reply));
	fine(run(add("n", 1), &reply));
	assert_int_equal(reply.type, REDIS_ERROR);
}

static void
kill_redis(void)
{
	servers_signal(servers, SERVER_REDIS, SIGKILL);
	servers_wait(servers, SERVER_REDIS);
}

static void
test_the_run_id_changes_with_the_server(void **state)
{
	const char *before, *again, *after;
	struct redis_reply reply;

	(void)state;
	fine(redis_run_id(&task, &before));
	assert_int_equal(strlen(before), REDIS_RUN_ID_SIZE - 1);
	fine(redis_run_id(&task, &again));
	assert_string_equal(before, again);
	kill_redis();
	servers_restart(servers, SERVER_REDIS);
	fine(redis_run_id(&task, &after));
	assert_string_not_equal(before, after);
	fine(run(get("a"), &reply));
}

/* What was meant for the server of a run id does not reach its successor. */
static void
test_who_knows_a_run_id_is_told_of_a_restart(void **state)
{
	const char *run_id;
	struct redis_reply reply;

	(void)state;
	fine(redis_run_id(&task, &run_id));
	kill_redis();
	servers_restart(servers, SERVER_REDIS);
	fails(run(set("a", "1", 1), &reply));
	fine(run(get("a"), &reply));
	assert_int_equal(reply.type, REDIS_NIL);
}

static void
test_a_restart_costs_nothing_otherwise(void **state)
{
	struct redis_reply reply;

	(void)state;
	fine(run(get("a"), &reply));
	kill_redis();
	servers_restart(servers, SERVER_REDIS);
	fine(run(set("a", "1", 1), &reply));
	/* Scripts are gone with the server. */
	fine(run(add("a", 1), &reply));
	assert_int_equal(reply.integer, 2);
}

static bool
is_back(void *context)
{
	struct redis_reply reply;

	(void)context;
	task_clear_error(&task);
	return run(get("a"), &reply);
}

static void
test_a_dead_server_is_for_later(void **state)
{
	struct redis_reply reply;

	(void)state;
	fine(run(get("a"), &reply));
	kill_redis();
	fails(run(get("a"), &reply));
	fails(run(get("a"), &reply));
	servers_restart(servers, SERVER_REDIS);
	assert_true(servers_await(is_back, NULL));
}

/* The time-outs take a fifth of the time at most. */
static void
test_a_stopped_server_is_asked_rarely(void **state)
{
	struct redis_settings with = settings();
	struct redis_reply reply;
	int64_t stopped, begun;

	(void)state;
	with.command_timeout_ms = 100;
	redis_free(task.redis);
	task.redis = redis_new(&with);
	fine(run(get("a"), &reply));
	servers_signal(servers, SERVER_REDIS, SIGSTOP);
	stopped = clock_monotonic();
	fails(run(get("a"), &reply));
	do {
		begun = clock_monotonic();
		fails(run(get("a"), &reply));
	} while (clock_monotonic() - begun < INT64_C(100000));
	/* A time-out, the pause, a time-out. */
	assert_true(clock_monotonic() - stopped >= (REDIS_RETRY_FACTOR + 2) * INT64_C(100000));
	servers_signal(servers, SERVER_REDIS, SIGCONT);
	assert_true(servers_await(is_back, NULL));
}

/* One that has an answer ends the pause of all. */
static void
test_a_pause_ends_when_another_has_an_answer(void **state)
{
	struct redis_settings with = settings();
	struct redis *hopeful = task.redis, *failed;
	struct redis_reply reply;

	(void)state;
	with.command_timeout_ms = REDIS_RETRY_MAX_MS / REDIS_RETRY_FACTOR;
	failed = redis_new(&with);
	task.redis = failed;
	fine(run(get("a"), &reply));
	servers_signal(servers, SERVER_REDIS, SIGSTOP);
	fails(run(get("a"), &reply));
	fails(run(get("a"), &reply));
	servers_signal(servers, SERVER_REDIS, SIGCONT);
	task.redis = hopeful;
	fine(run(get("a"), &reply));
	task.redis = failed;
	fine(run(get("a"), &reply));
	task.redis = hopeful;
	redis_free(failed);
}

/* One time-out, then everybody is told at once for a while. */
static void
test_a_stopped_server_holds_nobody_for_long(void **state)
{
	struct redis_settings with = settings();
	struct redis_reply reply;
	int64_t begun;
	int failures = 0;

	(void)state;
	with.command_timeout_ms = 200;
	redis_free(task.redis);
	task.redis = redis_new(&with);
	fine(run(get("a"), &reply));
	servers_signal(servers, SERVER_REDIS, SIGSTOP);
	begun = clock_monotonic();
	fails(run(get("a"), &reply));
	assert_true(clock_monotonic() - begun >= INT64_C(200000));
	begun = clock_monotonic();
	while (clock_monotonic() - begun < REDIS_RETRY_MS * INT64_C(500)) {
		fails(run(get("a"), &reply));
		failures++;
	}
	assert_true(failures > 1);
	servers_signal(servers, SERVER_REDIS, SIGCONT);
	assert_true(servers_await(is_back, NULL));
}

/* An answer that comes late must not be taken for the next command's. */
static void
test_a_late_answer_is_not_mixed_up(void **state)
{
	struct redis_settings with = settings();
	struct redis_reply reply;

	(void)state;
	with.command_timeout_ms = 50;
	redis_free(task.redis);
	task.redis = redis_new(&with);
	fine(run(set("a", "1", 1), &reply));
	fine(run(set("b", "2", 1), &reply));
	servers_signal(servers, SERVER_REDIS, SIGSTOP);
	fails(run(get("a"), &reply));
	servers_signal(servers, SERVER_REDIS, SIGCONT);
	assert_true(servers_await(is_back, NULL));
	fine(run(get("b"), &reply));
	assert_string_equal(reply.text.at, "2");
}

static void
test_a_busy_server_is_for_later(void **state)
{
	struct redis_settings with = settings();
	struct redis *mine = task.redis;
	struct redis_command *loop = redis_command(&task, "EVAL");
	struct redis_reply reply;

	(void)state;
	free(servers_redis(servers, "CONFIG SET busy-reply-threshold 1"));
	with.command_timeout_ms = 50;
	task.redis = redis_new(&with);
	redis_add(loop, "while true do end");
	redis_add(loop, "0");
	fails(run(loop, &reply));
	redis_free(task.redis);
	task.redis = mine;
	fails(run(get("a"), &reply));
	free(servers_redis(servers, "SCRIPT KILL"));
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
	struct redis_settings with = settings();
	struct redis_reply reply;

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		with.url = addresses[i].url;
		redis_free(task.redis);
		task.redis = redis_new(&with);
		if (run(get("a"), &reply) || task.err.code != addresses[i].code)
			fail_msg("%s: %s", with.url, task.err.text);
		task_clear_error(&task);
	}
}

static int
start(void **state)
{
	(void)state;
	servers = servers_start(SERVER_REDIS);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	servers_stop(servers);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_kind_of_answer),
		TEST(test_many_arguments_and_whole_numbers),
		TEST(test_a_script_is_sent_again_when_it_is_forgotten),
		TEST(test_an_error_inside_a_script_is_an_answer),
		TEST(test_the_run_id_changes_with_the_server),
		TEST(test_who_knows_a_run_id_is_told_of_a_restart),
		TEST(test_a_restart_costs_nothing_otherwise),
		TEST(test_a_dead_server_is_for_later),
		TEST(test_a_stopped_server_is_asked_rarely),
		TEST(test_a_pause_ends_when_another_has_an_answer),
		TEST(test_a_stopped_server_holds_nobody_for_long),
		TEST(test_a_late_answer_is_not_mixed_up),
		TEST(test_a_busy_server_is_for_later),
		TEST(test_addresses_where_nobody_is),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
