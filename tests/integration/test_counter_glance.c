/*
 * The open days of several clients at one round trip: right, or nothing.
 */
#include "tests/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/model/counter_glance.h"
#include "lib/redis.h"
#include "tests/counting.h"

static struct counter_glance
glance_at(struct counting *b)
{
	struct counter_glance glance, *list[] = { &glance };
	bool open;

	assert_true(counter_glance_begin(&b->task, b->book, b->zone, &glance, &open));
	assert_true(open);
	counter_glance(&b->task, list, 1);
	return glance;
}

static void
send_record(struct counting *b, int64_t cost, struct id user)
{
	counting_make(b, cost);
	b->log.user_id = user;
	b->row.external_user_id = id_is_nil(user) ? NULL : "ada";
	assert_true(counting_announce(b));
	b->part.users[0] = (struct counter_users){ b->part.state.day, &b->log.user_id, 1 };
	assert_true(counting_commit(b));
	counting_confirm(b);
}

static void
test_a_glance_is_what_a_look_says(UNUSED void **state)
{
	struct counting b;
	struct counter_glance glance;
	struct counter_day day;

	counting_open(&b, counting_client());
	counting_equals_log(&b, 0);
	send_record(&b, 1234567, id_new(b.task.now));
	counting_make(&b, 11);
	assert_true(counting_announce(&b));
	glance = glance_at(&b);
	day = counting_today(&b);
	totals_add(&day.confirmed, &day.pending);
	assert_true(glance.found);
	assert_false(glance.day.from_postgres);
	assert_int_equal(glance.day.date, day.date);
	assert_int_equal(glance.day.users, 1);
	assert_int_equal(glance.day.confirmed.at[TOTAL_COST], 1234567 + 11);
	assert_true(totals_equal(&glance.day.confirmed, &day.confirmed));
	counting_close(&b);
}

static void
test_several_clients_share_a_round_trip(UNUSED void **state)
{
	struct counting clients[3];
	struct counter_glance glances[COUNT(clients)], *list[COUNT(clients)];
	bool open;

	for (size_t i = 0; i < COUNT(clients); i++) {
		counting_open(&clients[i], counting_client());
		/* The last one is not loaded yet. */
		if (i + 1 < COUNT(clients))
			counting_equals_log(&clients[i], 0);
		send_record(&clients[i], 100 + (int64_t)i, (struct id){ 0 });
		assert_true(counter_glance_begin(
		    &clients[i].task, clients[i].book, clients[i].zone, &glances[i], &open));
		list[i] = &glances[i];
	}
	counter_glance(&clients[0].task, list, COUNT(clients));
	assert_true(glances[0].found);
	assert_int_equal(glances[0].day.confirmed.at[TOTAL_COST], 100);
	assert_true(glances[1].found);
	assert_int_equal(glances[1].day.confirmed.at[TOTAL_COST], 101);
	assert_false(glances[2].found);
	for (size_t i = 0; i < COUNT(clients); i++)
		counting_close(&clients[i]);
}

static void
flush(UNUSED struct counting *b)
{
	free(servers_redis(counting_servers, "FLUSHALL"));
}

static void
open_next(struct counting *b)
{
	struct counter_state next;

	assert_true(counter_open(&b->task, NULL, b->zone, &next));
}

static void
run(struct counting *b, const char *command, const char *rest)
{
	char text[ID_TEXT_SIZE], line[200];

	(void)snprintf(line, sizeof(line), "%s tally:{%s}:state %s", command,
	    id_format(b->task.client, text), rest);
	free(servers_redis(counting_servers, line));
}

static void
make_unready(struct counting *b)
{
	run(b, "HDEL", "ready");
}

static void
lose_state(struct counting *b)
{
	run(b, "DEL", "");
}

static void
come_back_from_a_snapshot(struct counting *b)
{
	run(b, "HSET", "run 0000000000000000000000000000000000000000");
}

static void
fall_behind(struct counting *b)
{
	run(b, "HSET", "epoch 0");
}

static void
go_away(UNUSED struct counting *b)
{
	servers_signal(counting_servers, SERVER_REDIS, SIGKILL);
	servers_wait(counting_servers, SERVER_REDIS);
}

static void
test_what_is_not_whole_is_not_found(UNUSED void **state)
{
	static const struct {
		const char *sentence;
		void (*change)(struct counting *b);
	} cases[] = {
		{ "Redis was flushed", flush },
		{ "another process opened the next epoch", open_next },
		{ "the epoch is being loaded", make_unready },
		{ "the state is gone", lose_state },
		{ "the keys are of an earlier life of Redis", come_back_from_a_snapshot },
		{ "the state is of an earlier epoch", fall_behind },
		{ "Redis is away", go_away },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct counting b;

		counting_open(&b, counting_client());
		counting_equals_log(&b, 0);
		send_record(&b, 7, (struct id){ 0 });
		assert_true(glance_at(&b).found);
		cases[i].change(&b);
		if (glance_at(&b).found)
			fail_msg("%s, and a count was found", cases[i].sentence);
		assert_int_equal(b.task.err.code, ERR_NONE);
		counting_close(&b);
	}
	servers_restart(counting_servers, SERVER_REDIS);
}

#define RUN_ID "0123456789012345678901234567890123456789"
#define INFO "$49\r\n\r\nrun_id:" RUN_ID "\r\n"
#define STATE(epoch, run, ready, loader) \
	"*4\r\n$1\r\n" epoch "\r\n$40\r\n" run "\r\n" ready "$1\r\n" loader "\r\n"
#define READY "$1\r\n1\r\n"
#define USERS ":2\r\n"
#define TOTALS \
	"*10\r\n$1\r\n7\r\n$1\r\n1\r\n$1\r\n3\r\n$1\r\n3\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n"

/* A Redis that says what it is told to say: to INFO first, then to a glance. */
struct script {
	int listener;
	const char *answer;
};

static void *
say(void *argument)
{
	const struct script *script = argument;
	const char *const answers[] = { INFO, script->answer };
	int fd = accept(script->listener, NULL, NULL);
	char asked[4096];

	for (size_t i = 0; fd >= 0 && i < COUNT(answers); i++) {
		if (read(fd, asked, sizeof(asked)) <= 0)
			break;
		(void)!write(fd, answers[i], strlen(answers[i]));
	}
	close(fd);
	return NULL;
}

static int
listen_at(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static struct counter_glance
glance_of(const char *answer)
{
	char folder[] = "/tmp/glance-XXXXXX", path[64], url[80];
	struct counter_glance glance = { .state.epoch = 5 }, *list[] = { &glance };
	struct redis_settings settings = { url, 5000, 5000 };
	struct script script = { .answer = answer };
	struct task task;
	pthread_t thread;

	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/redis.sock", folder);
	(void)snprintf(url, sizeof(url), "unix:%s", path);
	script.listener = listen_at(path);
	assert_int_equal(pthread_create(&thread, NULL, say, &script), 0);
	task_init(&task, arena_new());
	task.redis = redis_new(&settings);
	counter_glance(&task, list, 1);
	redis_free(task.redis);
	assert_int_equal(pthread_join(thread, NULL), 0);
	close(script.listener);
	unlink(path);
	rmdir(folder);
	arena_free(task.arena);
	return glance;
}

/* What no other client can bring about by will: a state that changes between the reads. */
static void
test_the_state_must_be_the_same_at_both_ends(UNUSED void **state)
{
	static const struct {
		const char *sentence, *answer;
		bool found;
	} cases[] = {
		{ "ready at both ends",
		    STATE("5", RUN_ID, READY, "a") USERS TOTALS STATE("5", RUN_ID, READY, "a"),
		    true },
		{ "loaded again between",
		    STATE("5", RUN_ID, READY, "a") USERS TOTALS STATE("5", RUN_ID, READY, "b"),
		    false },
		{ "not ready at first",
		    STATE("5", RUN_ID, "$-1\r\n", "a") USERS TOTALS STATE("5", RUN_ID, READY, "a"),
		    false },
		{ "not ready any more",
		    STATE("5", RUN_ID, READY, "a") USERS TOTALS STATE("5", RUN_ID, "$-1\r\n", "a"),
		    false },
		{ "the next epoch was opened between",
		    STATE("5", RUN_ID, READY, "a") USERS TOTALS STATE("6", RUN_ID, READY, "a"),
		    false },
		{ "lost between",
		    STATE("5", RUN_ID, READY, "a") USERS TOTALS
		    "*4\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
		    false },
		{ "the totals are an error",
		    STATE("5", RUN_ID, READY, "a") USERS
		    "-WRONGTYPE no\r\n" STATE("5", RUN_ID, READY, "a"),
		    false },
		{ "the users are an error",
		    STATE("5", RUN_ID, READY, "a") "-WRONGTYPE no\r\n" TOTALS STATE(
			"5", RUN_ID, READY, "a"),
		    false },
		{ "an answer is cut off", STATE("5", RUN_ID, READY, "a") USERS "*10\r\n", false },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct counter_glance glance = glance_of(cases[i].answer);

		if (glance.found != cases[i].found)
			fail_msg("%s: found is %d", cases[i].sentence, glance.found);
		if (!glance.found)
			continue;
		assert_int_equal(glance.day.users, 2);
		assert_int_equal(glance.day.confirmed.at[0], 7);
		assert_int_equal(glance.day.confirmed.at[4], 0);
	}
}

static void
test_a_day_that_is_not_open_is_not_looked_for(UNUSED void **state)
{
	struct counting b;
	struct counter_glance glance;
	bool open;

	counting_open(&b, counting_client());
	counting_equals_log(&b, 0);
	b.task.now += CLOCK_DAY;
	counting_equals_log(&b, 0);
	b.task.now -= CLOCK_DAY;
	assert_true(counter_glance_begin(&b.task, b.book, b.zone, &glance, &open));
	assert_false(open);
	counting_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_glance_is_what_a_look_says),
		cmocka_unit_test(test_several_clients_share_a_round_trip),
		cmocka_unit_test(test_what_is_not_whole_is_not_found),
		cmocka_unit_test(test_the_state_must_be_the_same_at_both_ends),
		cmocka_unit_test(test_a_day_that_is_not_open_is_not_looked_for),
	};

	return cmocka_run_group_tests(tests, counting_start, counting_stop);
}
