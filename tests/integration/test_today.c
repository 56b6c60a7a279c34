/*
 * GET /v1/daily-costs/today asked by many at once: requests share what is read, and each is told of
 * every record that was acknowledged before it was sent.
 */
#include "tests/test.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

#define CALLERS 16
#define ROUNDS 12

/* What the callers of a client share. */
struct run {
	const char *key; /* as a header */
	atomic_int told; /* records that were acknowledged */
	atomic_int asked;
	atomic_int few; /* answers with fewer than were told before, of records or of users */
	atomic_int others; /* answers that are neither 200 nor 201 */
};

struct caller {
	pthread_t thread;
	struct run *run;
	int number;
};

/* By its text: http_json() keeps what it gave to a thread. name with its quotes and colon. */
static long
member(const struct http_answer *answer, const char *name)
{
	const char *at = strstr(answer->body, name);

	return at == NULL ? -1 : strtol(at + strlen(name), NULL, 10);
}

static void
send_record(struct caller *caller, int round)
{
	const char *const headers[] = { caller->run->key, NULL };
	struct http_answer answer;
	char body[128];

	(void)snprintf(body, sizeof(body),
	    "{\"external_user_id\":\"u%d-%d\",\"input_tokens\":1,\"verified_cost_cents\":1}",
	    caller->number, round);
	answer = api_call("POST", "/v1/chat-logs", headers, body);
	if (answer.status == 201)
		atomic_fetch_add(&caller->run->told, 1);
	else
		atomic_fetch_add(&caller->run->others, 1);
	http_free(&answer);
}

static void
ask(struct caller *caller)
{
	const char *const headers[] = { caller->run->key, NULL };
	int told = atomic_load(&caller->run->told);
	struct http_answer answer = api_call("GET", "/v1/daily-costs/today", headers, NULL);

	atomic_fetch_add(&caller->run->asked, 1);
	if (answer.status != 200)
		atomic_fetch_add(&caller->run->others, 1);
	else if (member(&answer, "\"total_requests\":") < told ||
		 member(&answer, "\"unique_users\":") < told)
		atomic_fetch_add(&caller->run->few, 1);
	http_free(&answer);
}

static void *
call(void *argument)
{
	struct caller *caller = argument;

	for (int round = 0; round < ROUNDS; round++) {
		send_record(caller, round);
		ask(caller);
		ask(caller);
	}
	return NULL;
}

static void
begin(struct run *run, const char *name)
{
	*run = (struct run){ 0 };
	api_use_new_client(name);
	run->key = api_text("Authorization: Bearer %s", api_key());
}

static void
start_callers(struct caller *callers, struct run *runs, size_t run_count)
{
	for (int i = 0; i < CALLERS; i++) {
		callers[i].run = &runs[(size_t)i % run_count];
		callers[i].number = i;
		assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
	}
}

static void
join_callers(struct caller *callers)
{
	for (int i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
}

static void
expect_run(struct run *run)
{
	const char *const headers[] = { run->key, NULL };

	assert_int_equal(run->others, 0);
	assert_int_equal(run->few, 0);
	api_use_key(NULL);
	assert_int_equal(api_send("GET", "/v1/daily-costs/today", headers, NULL), 200);
	api_expect_json("total_requests", api_text("%d", run->told));
	api_expect_json("unique_users", api_text("%d", run->told));
	api_expect_json("total_cost_cents", api_text("%d", run->told));
	api_expect_json("source", "redis");
}

static void
each_sees_what_was_acknowledged_before(UNUSED void **state)
{
	struct caller callers[CALLERS];
	struct run runs[2];

	begin(&runs[0], "one");
	begin(&runs[1], "other");
	api_use_key(NULL);
	start_callers(callers, runs, COUNT(runs));
	join_callers(callers);
	for (size_t i = 0; i < COUNT(runs); i++) {
		expect_run(&runs[i]);
		assert_int_equal(runs[i].told, CALLERS / 2 * ROUNDS);
	}
}

static void
what_redis_forgets_meanwhile_is_told_all_the_same(UNUSED void **state)
{
	struct caller callers[CALLERS];
	struct run run;

	begin(&run, "forgotten");
	api_use_key(NULL);
	start_callers(callers, &run, 1);
	for (int i = 1; i <= 4; i++) {
		while (atomic_load(&run.asked) < i * CALLERS * ROUNDS * 2 / 5)
			(void)sched_yield();
		free(servers_redis(api_servers(), "FLUSHALL"));
	}
	join_callers(callers);
	expect_run(&run);
}

static void
without_redis_each_is_told_from_the_log(UNUSED void **state)
{
	struct caller callers[CALLERS];
	struct run run;

	begin(&run, "away");
	api_use_key(NULL);
	start_callers(callers, &run, 1);
	while (atomic_load(&run.asked) < CALLERS * ROUNDS / 2)
		(void)sched_yield();
	servers_signal(api_servers(), SERVER_REDIS, SIGKILL);
	servers_wait(api_servers(), SERVER_REDIS);
	join_callers(callers);
	assert_int_equal(run.others, 0);
	assert_int_equal(run.few, 0);
	servers_restart(api_servers(), SERVER_REDIS);
}

static void
a_head_has_no_body(UNUSED void **state)
{
	api_use_new_client("head");
	assert_int_equal(api_send("HEAD", "/v1/daily-costs/today", NULL, NULL), 200);
	assert_int_equal(api_answer()->len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_sees_what_was_acknowledged_before),
		cmocka_unit_test(what_redis_forgets_meanwhile_is_told_all_the_same),
		cmocka_unit_test(a_head_has_no_body),
		cmocka_unit_test(without_redis_each_is_told_from_the_log),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
