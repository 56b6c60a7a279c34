/*
 * How the hourly rate of a key is counted: exactly for any number of processes, each hour and each
 * key for itself.
 */
#include "tests/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/model/rate.h"
#include "tests/servers.h"

#define HOUR (3600 * CLOCK_SECOND)
#define HOUR_TEXT "480000"
#define NOW (INT64_C(480000) * HOUR + 1)

static struct servers *servers;

/* Some process: a task with a connection to Redis of its own, at an hour of the test's own. */
struct process_view {
	pthread_t thread;
	struct task task;
	struct id client, key;
	int allowed;
	int64_t remaining; /* sum of what each call was told is left */
};

static struct process_view
open_view(void)
{
	struct process_view view = { 0 };
	const struct redis_settings settings = { servers_redis_url(servers), 5000, 5000 };

	task_init(&view.task, arena_new());
	view.task.now = NOW;
	view.task.redis = redis_new(&settings);
	view.client = id_new(clock_now());
	view.key = id_new(clock_now());
	return view;
}

static void
close_view(struct process_view *view)
{
	redis_free(view->task.redis);
	arena_free(view->task.arena);
}

static struct rate
count(struct process_view *view, int64_t limit)
{
	struct rate rate;

	rate_count(&view->task, view->client, view->key, limit, &rate);
	assert_int_equal(view->task.err.code, ERR_NONE);
	return rate;
}

static void
expect(struct process_view *view, int64_t limit, bool allowed, int64_t remaining)
{
	struct rate rate = count(view, limit);

	assert_true(rate.counted);
	assert_int_equal(rate.allowed, allowed);
	assert_int_equal(rate.remaining, remaining);
}

#define PROCESSES 32
#define CALLS 50
#define LIMIT 1000

static void *
call_often(void *argument)
{
	struct process_view *view = argument;

	for (int i = 0; i < CALLS; i++) {
		struct rate rate = count(view, LIMIT);

		view->allowed += rate.counted && rate.allowed;
		view->remaining += rate.remaining;
	}
	return NULL;
}

static void
many_processes_count_as_one(UNUSED void **state)
{
	struct process_view views[PROCESSES];
	int64_t remaining = 0;
	int allowed = 0;

	for (int i = 0; i < PROCESSES; i++) {
		views[i] = open_view();
		views[i].client = views[0].client;
		views[i].key = views[0].key;
	}
	for (int i = 0; i < PROCESSES; i++)
		assert_int_equal(pthread_create(&views[i].thread, NULL, call_often, &views[i]), 0);
	for (int i = 0; i < PROCESSES; i++) {
		assert_int_equal(pthread_join(views[i].thread, NULL), 0);
		allowed += views[i].allowed;
		remaining += views[i].remaining;
		close_view(&views[i]);
	}
	assert_int_equal(allowed, LIMIT);
	/* Each of LIMIT - 1 to 0 once. */
	assert_int_equal(remaining, LIMIT * (LIMIT - 1) / 2);
}

static void
an_hour_ends_and_a_new_one_begins(UNUSED void **state)
{
	struct process_view view = open_view();

	expect(&view, 1, true, 0);
	expect(&view, 1, false, 0);
	view.task.now = NOW + HOUR - 2; /* the hour's last microsecond */
	expect(&view, 1, false, 0);
	view.task.now++;
	expect(&view, 1, true, 0);
	expect(&view, 1, false, 0);
	/* A process whose clock is behind. */
	view.task.now--;
	expect(&view, 1, false, 0);
	close_view(&view);
}

static void
each_key_has_its_own_count(UNUSED void **state)
{
	struct process_view view = open_view();
	struct id client = view.client;

	expect(&view, 1, true, 0);
	expect(&view, 1, false, 0);
	view.key = id_new(clock_now());
	expect(&view, 1, true, 0);
	/* An operator's. */
	view.client = (struct id){ 0 };
	expect(&view, 1, true, 0);
	expect(&view, 1, false, 0);
	view.client = client;
	expect(&view, 1, false, 0);
	close_view(&view);
}

static void
a_refused_request_does_not_count(UNUSED void **state)
{
	struct process_view view = open_view();

	expect(&view, 2, true, 1);
	expect(&view, 2, true, 0);
	for (int i = 0; i < 5; i++)
		expect(&view, 2, false, 0);
	/* A limit that was raised or lowered holds at once. */
	expect(&view, 4, true, 1);
	expect(&view, 1, false, 0);
	expect(&view, 4, true, 0);
	expect(&view, 4, false, 0);
	close_view(&view);
}

/* A command on the view's count. */
static char *
ask_redis(struct process_view *view, const char *name, const char *value)
{
	char client[ID_TEXT_SIZE], key[ID_TEXT_SIZE];
	char *command, *answer;

	assert_true(asprintf(&command, "%s tally:{%s}:rate:%s:" HOUR_TEXT " %s", name,
			id_format(view->client, client), id_format(view->key, key), value) > 0);
	answer = servers_redis(servers, command);
	free(command);
	return answer;
}

static void
a_count_expires_by_itself(UNUSED void **state)
{
	struct process_view view = open_view();
	char *text;

	expect(&view, RATE_MAX, true, RATE_MAX - 1);
	expect(&view, RATE_MAX, true, RATE_MAX - 2);
	text = ask_redis(&view, "TTL", "");
	assert_in_range(strtol(text, NULL, 10), RATE_EXPIRE_S - 600, RATE_EXPIRE_S);
	free(text);
	close_view(&view);
}

static void
the_largest_rate_is_counted_to_its_end(UNUSED void **state)
{
	struct process_view view = open_view();

	free(ask_redis(&view, "SET", "999999999"));
	expect(&view, RATE_MAX, true, 0);
	expect(&view, RATE_MAX, false, 0);
	close_view(&view);
}

static void
what_is_no_count_refuses_nobody(UNUSED void **state)
{
	struct process_view view = open_view();
	struct rate rate;

	free(ask_redis(&view, "SET", "word"));
	rate = count(&view, 1);
	assert_false(rate.counted);
	assert_true(rate.allowed);
	close_view(&view);
}

static bool
is_counted(void *view)
{
	return count(view, 2).counted;
}

/* Whoever waits for Redis in vain is let pass, and the count goes on with what it finds. */
static void
without_redis_nobody_is_refused(UNUSED void **state)
{
	struct process_view view = open_view();
	struct rate rate;

	expect(&view, 1, true, 0);
	servers_signal(servers, SERVER_REDIS, SIGKILL);
	servers_wait(servers, SERVER_REDIS);
	rate = count(&view, 1);
	assert_false(rate.counted);
	assert_true(rate.allowed);
	servers_restart(servers, SERVER_REDIS);
	assert_true(servers_await(is_counted, &view));
	close_view(&view);
}

static int
start(UNUSED void **state)
{
	servers = servers_start(SERVER_REDIS);
	return 0;
}

static int
stop(UNUSED void **state)
{
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_processes_count_as_one),
		cmocka_unit_test(an_hour_ends_and_a_new_one_begins),
		cmocka_unit_test(each_key_has_its_own_count),
		cmocka_unit_test(a_refused_request_does_not_count),
		cmocka_unit_test(a_count_expires_by_itself),
		cmocka_unit_test(the_largest_rate_is_counted_to_its_end),
		cmocka_unit_test(what_is_no_count_refuses_nobody),
		cmocka_unit_test(without_redis_nobody_is_refused),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
