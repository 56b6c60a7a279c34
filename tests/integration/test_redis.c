/* Redis answers: commands, scripts, and what a restart changes. */
#include "tests/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "tests/redis_fixture.h"

static void
test_each_kind_of_answer(void **state)
{
	struct redis_command *commands[5] = { redis_fixture_set("a", "x\0y", 3),
		redis_fixture_get("a"), redis_fixture_get("nothing"),
		redis_command(&redis_fixture_task, "MGET"),
		redis_command(&redis_fixture_task, "NONSENSE") };
	struct redis_reply replies[5];

	(void)state;
	redis_add(commands[3], "a");
	redis_add(commands[3], "nothing");
	redis_fixture_fine(redis_run(&redis_fixture_task, commands, 5, replies));
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
	struct redis_command *push = redis_command(&redis_fixture_task, "RPUSH");
	struct redis_command *range = redis_command(&redis_fixture_task, "LRANGE");
	struct redis_reply reply;

	(void)state;
	redis_add(push, "list");
	for (int64_t i = 0; i < 1000; i++)
		redis_add_int(push, INT64_MIN + i);
	redis_fixture_fine(redis_fixture_run(push, &reply));
	assert_int_equal(reply.type, REDIS_INT);
	assert_int_equal(reply.integer, 1000);
	redis_add(range, "list");
	redis_add_int(range, 0);
	redis_add_int(range, -1);
	redis_fixture_fine(redis_fixture_run(range, &reply));
	assert_int_equal(reply.count, 1000);
	assert_string_equal(reply.items[0].text.at, "-9223372036854775808");
}

static void
test_a_script_is_sent_again_when_it_is_forgotten(void **state)
{
	struct redis_reply replies[3];
	struct redis_command *commands[3];

	(void)state;
	redis_fixture_fine(redis_fixture_run(redis_fixture_add("n", 1), replies));
	assert_int_equal(replies[0].integer, 1);
	assert_int_equal(strlen(redis_fixture_adds.sha), 40);
	free(servers_redis(redis_fixture_servers, "SCRIPT FLUSH"));
	commands[0] = redis_fixture_add("n", 1);
	commands[1] = redis_fixture_add("n", 1);
	commands[2] = redis_fixture_get("n");
	redis_fixture_fine(redis_run(&redis_fixture_task, commands, 3, replies));
	assert_int_equal(replies[0].type, REDIS_INT);
	assert_int_equal(replies[0].integer, 2);
	assert_int_equal(replies[1].integer, 3);
	free(servers_redis(redis_fixture_servers, "SCRIPT FLUSH"));
	redis_fixture_fine(redis_fixture_run(redis_fixture_add("n", 1), replies));
	assert_int_equal(replies[0].integer, 4);
}

static void
test_an_error_inside_a_script_is_an_answer(void **state)
{
	struct redis_reply reply;

	(void)state;
	redis_fixture_fine(redis_fixture_run(redis_fixture_set("n", "x", 1), &reply));
	redis_fixture_fine(redis_fixture_run(redis_fixture_add("n", 1), &reply));
	assert_int_equal(reply.type, REDIS_ERROR);
}

static void
test_the_run_id_changes_with_the_server(void **state)
{
	const char *before, *again, *after;
	struct redis_reply reply;

	(void)state;
	redis_fixture_fine(redis_run_id(&redis_fixture_task, &before));
	assert_int_equal(strlen(before), REDIS_RUN_ID_SIZE - 1);
	redis_fixture_fine(redis_run_id(&redis_fixture_task, &again));
	assert_string_equal(before, again);
	redis_fixture_kill();
	servers_restart(redis_fixture_servers, SERVER_REDIS);
	redis_fixture_fine(redis_run_id(&redis_fixture_task, &after));
	assert_string_not_equal(before, after);
	redis_fixture_fine(redis_fixture_run(redis_fixture_get("a"), &reply));
}

/* What was meant for the server of a run id does not reach its successor. */
static void
test_who_knows_a_run_id_is_told_of_a_restart(void **state)
{
	const char *run_id;
	struct redis_reply reply;

	(void)state;
	redis_fixture_fine(redis_run_id(&redis_fixture_task, &run_id));
	redis_fixture_kill();
	servers_restart(redis_fixture_servers, SERVER_REDIS);
	redis_fixture_fails(redis_fixture_run(redis_fixture_set("a", "1", 1), &reply));
	redis_fixture_fine(redis_fixture_run(redis_fixture_get("a"), &reply));
	assert_int_equal(reply.type, REDIS_NIL);
}

static void
test_a_restart_costs_nothing_otherwise(void **state)
{
	struct redis_reply reply;

	(void)state;
	redis_fixture_fine(redis_fixture_run(redis_fixture_get("a"), &reply));
	redis_fixture_kill();
	servers_restart(redis_fixture_servers, SERVER_REDIS);
	redis_fixture_fine(redis_fixture_run(redis_fixture_set("a", "1", 1), &reply));
	/* Scripts are gone with the server. */
	redis_fixture_fine(redis_fixture_run(redis_fixture_add("a", 1), &reply));
	assert_int_equal(reply.integer, 2);
}

/* More than the sockets hold: nobody may wait for the other for ever. */
#define SENT 20000

static void
test_answers_are_received_later(void **state)
{
	struct redis_command **commands =
	    arena_array(redis_fixture_task.arena, SENT, sizeof(struct redis_command *));
	struct redis_reply *replies = arena_array(redis_fixture_task.arena, SENT, sizeof(*replies));
	char text[1000];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < SENT; i++) {
		commands[i] = redis_command(&redis_fixture_task, "ECHO");
		redis_add_n(commands[i], text, i % sizeof(text));
	}
	redis_fixture_fine(redis_send(&redis_fixture_task, commands, SENT));
	redis_fixture_fine(redis_receive(&redis_fixture_task, commands, SENT, replies));
	for (size_t i = 0; i < SENT; i++)
		assert_int_equal(replies[i].text.len, i % sizeof(text));
}

static void
test_answers_are_lost_behind_another_command(void **state)
{
	struct redis_command *command = redis_command(&redis_fixture_task, "PING");
	struct redis_command *other = redis_command(&redis_fixture_task, "ECHO");
	struct redis_reply reply;

	(void)state;
	redis_add(other, "other");
	redis_fixture_fine(redis_send(&redis_fixture_task, &command, 1));
	redis_fixture_fine(redis_fixture_run(other, &reply));
	assert_string_equal(reply.text.at, "other");
	assert_false(redis_receive(&redis_fixture_task, &command, 1, &reply));
	assert_int_equal(redis_fixture_task.err.code, ERR_UNAVAILABLE);
	task_clear_error(&redis_fixture_task);
	redis_fixture_fine(redis_fixture_run(other, &reply));
	assert_string_equal(reply.text.at, "other");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		REDIS_TEST(test_each_kind_of_answer),
		REDIS_TEST(test_many_arguments_and_whole_numbers),
		REDIS_TEST(test_a_script_is_sent_again_when_it_is_forgotten),
		REDIS_TEST(test_an_error_inside_a_script_is_an_answer),
		REDIS_TEST(test_the_run_id_changes_with_the_server),
		REDIS_TEST(test_who_knows_a_run_id_is_told_of_a_restart),
		REDIS_TEST(test_a_restart_costs_nothing_otherwise),
		REDIS_TEST(test_answers_are_received_later),
		REDIS_TEST(test_answers_are_lost_behind_another_command),
	};

	return cmocka_run_group_tests(tests, redis_fixture_start, redis_fixture_stop);
}
