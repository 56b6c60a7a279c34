/*
 * The promise of hard budgets, through HTTP: two tallyd on the same Redis and PostgreSQL never
 * allow more than the limit, whoever calls and whatever is killed, and what is spent is the sum of
 * the log, to the nano-dollar.
 *
 * OVERSPEND_ROUNDS says how often (5 where not set); by hand:
 *	OVERSPEND_ROUNDS=100 tests/integration/test_overspend
 */
#include "tests/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/process.h"
#include "tests/twin.h"

#define CALLERS 64
#define FIT 64 /* calls that a budget allows */
#define CALLS (2 * FIT)
#define COST "0.0000123"
#define LIMIT "0.0007872" /* FIT times */
#define SETTLES 10000
#define SPENT_NANOS INT64_C(10000000)

static pid_t twin;

static int
start(void **state)
{
	(void)api_start(state);
	twin = twin_start(api_servers());
	return 0;
}

static int
stop(void **state)
{
	int status = twin_stop(twin);

	(void)api_stop(state);
	return status;
}

static int
rounds(void)
{
	const char *text = getenv("OVERSPEND_ROUNDS");

	return text == NULL ? 5 : atoi(text);
}

/* What the callers of a run share. */
struct run {
	const char *body; /* of each authorization */
	const char *name; /* of the budget that refuses */
	const char *named; /* the same as a refusal has it */
	atomic_int left; /* calls to be made */
	atomic_int allowed, refused, others;
	atomic_int wrong; /* refusals that do not name the budget */
	pthread_barrier_t start;
};

static void
count(struct run *run, const struct http_answer *answer)
{
	switch (answer->status) {
	case 201:
		atomic_fetch_add(&run->allowed, 1);
		break;
	case 402:
		atomic_fetch_add(&run->refused, 1);
		if (strstr(answer->body, run->named) == NULL)
			atomic_fetch_add(&run->wrong, 1);
		break;
	default:
		atomic_fetch_add(&run->others, 1);
	}
}

static void *
call(void *object)
{
	struct run *run = object;

	pthread_barrier_wait(&run->start);
	while (atomic_fetch_sub(&run->left, 1) > 0) {
		struct http_answer answer = api_call("POST", "/v1/authorizations", NULL, run->body);

		count(run, &answer);
		http_free(&answer);
	}
	return NULL;
}

static bool
half_is_allowed(void *object)
{
	const struct run *run = object;

	return atomic_load(&run->allowed) >= FIT / 2 || atomic_load(&run->left) <= 0;
}

static void
kill_tallyd(void)
{
	servers_signal(api_servers(), SERVER_TALLYD, SIGKILL);
	(void)servers_wait(api_servers(), SERVER_TALLYD);
	servers_restart(api_servers(), SERVER_TALLYD);
}

static void
kill_redis(void)
{
	servers_signal(api_servers(), SERVER_REDIS, SIGKILL);
	(void)servers_wait(api_servers(), SERVER_REDIS);
	servers_restart(api_servers(), SERVER_REDIS);
}

static void
flush_redis(void)
{
	free(servers_redis(api_servers(), "FLUSHALL"));
}

/* Calls at once from all callers, and in the middle a fault, or NULL. */
static void
run_calls(struct run *run, void (*fault)(void))
{
	pthread_t threads[CALLERS];

	atomic_store(&run->left, CALLS);
	assert_int_equal(pthread_barrier_init(&run->start, NULL, CALLERS), 0);
	for (int i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call, run), 0);
	if (fault != NULL) {
		assert_true(servers_await(half_is_allowed, run));
		fault();
	}
	for (int i = 0; i < CALLERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&run->start);
}

static void
use_budget(struct run *run, const char *kind, int round)
{
	run->name = api_text("%s %d", kind, round);
	run->named = api_text("\"name\":\"%s\"", run->name);
	api_use_budget(run->name, "\"window\":\"total\",\"limit_cents\":" LIMIT);
}

static int
stored(const char *client)
{
	return atoi(api_sql("SELECT count(*) FROM authorizations a JOIN clients c ON c.id = "
			    "a.client_id WHERE c.name = '%s'",
	    client));
}

static void
exactly_the_limit_is_allowed(UNUSED void **state)
{
	for (int round = 0; round < rounds(); round++) {
		struct run run = { .body = "{\"max_cost_cents\":" COST "}" };

		use_budget(&run, "crowd", round);
		run_calls(&run, NULL);
		assert_int_equal(atomic_load(&run.others), 0);
		assert_int_equal(atomic_load(&run.allowed), FIT);
		assert_int_equal(atomic_load(&run.refused), CALLS - FIT);
		assert_int_equal(atomic_load(&run.wrong), 0);
		assert_int_equal(stored(run.name), FIT);
	}
}

static void
a_kill_allows_nothing_more(UNUSED void **state)
{
	for (int round = 0; round < rounds(); round++) {
		struct run run = { .body = "{\"max_cost_cents\":" COST "}" };

		use_budget(&run, "killed", round);
		run_calls(&run, kill_tallyd);
		assert_true(stored(run.name) <= FIT);
		assert_true(stored(run.name) >= atomic_load(&run.allowed));
		assert_int_equal(atomic_load(&run.wrong), 0);
	}
}

static bool
nothing_is_left(void *object)
{
	const struct run *run = object;

	return api_send("POST", "/v1/authorizations", NULL, run->body) == 402;
}

/* What was held and never stored is gone with Redis; the rest is found in PostgreSQL. */
static void
lose_redis(const char *kind, void (*fault)(void))
{
	for (int round = 0; round < rounds(); round++) {
		struct run run = { .body = "{\"max_cost_cents\":" COST "}" };

		use_budget(&run, kind, round);
		run_calls(&run, fault);
		assert_true(stored(run.name) <= FIT);
		assert_true(stored(run.name) >= atomic_load(&run.allowed));
		assert_int_equal(atomic_load(&run.wrong), 0);
		assert_true(servers_await(nothing_is_left, &run));
		assert_int_equal(stored(run.name), FIT);
	}
}

static void
a_flush_of_redis_allows_nothing_more(UNUSED void **state)
{
	lose_redis("flushed", flush_redis);
}

static void
a_restart_of_redis_allows_nothing_more(UNUSED void **state)
{
	lose_redis("restarted", kill_redis);
}

static bool
all_is_left(UNUSED void *context)
{
	return api_send("POST", "/v1/authorizations", NULL, "{\"max_cost_cents\":" LIMIT "}") ==
	       201;
}

/* Whatever died between the hold and its row. */
static void
what_a_kill_left_behind_expires(UNUSED void **state)
{
	for (int round = 0; round < rounds(); round++) {
		struct run run = { .body = "{\"max_cost_cents\":" COST ",\"expires_in\":1}" };

		use_budget(&run, "expired", round);
		run_calls(&run, kill_tallyd);
		assert_true(servers_await(all_is_left, NULL));
		api_expect(402, "POST", "/v1/authorizations", "{\"max_cost_cents\":0.0000001}");
	}
}

/* Costs of 10,000 calls that are 10,000,000 nano-dollars together; the same in every run. */
static int64_t *
make_costs(void)
{
	int64_t *costs = calloc(SETTLES, sizeof(*costs));
	uint64_t seed = 88172645463325252;

	assert_non_null(costs);
	for (int64_t rest = SPENT_NANOS; rest > 0;) {
		int64_t some;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		some = (int64_t)(seed >> 20) % 700 + 1;
		if (some > rest)
			some = rest;
		costs[seed % SETTLES] += some;
		rest -= some;
	}
	return costs;
}

struct settling {
	int64_t *costs;
	atomic_int next;
	atomic_int failed;
};

/* The id that an authorization's answer begins with; NULL: it is none. */
static const char *
find_id(const struct http_answer *answer, char ret[37])
{
	const char *id = answer->status == 201 ? strstr(answer->body, "\"id\":\"") : NULL;

	if (id == NULL)
		return NULL;
	(void)snprintf(ret, 37, "%s", id + strlen("\"id\":\""));
	return ret;
}

static bool
settle(int64_t nanos)
{
	struct http_answer answer =
	    api_call("POST", "/v1/authorizations", NULL, "{\"max_cost_cents\":0.0001}");
	char id[37], body[200];
	bool fine = find_id(&answer, id) != NULL;

	http_free(&answer);
	if (!fine)
		return false;
	(void)snprintf(body, sizeof(body),
	    "{\"message_length\":1,\"authorization_id\":\"%s\","
	    "\"verified_cost_cents\":0.%07lld}",
	    id, (long long)nanos);
	answer = api_call("POST", "/v1/chat-logs", NULL, body);
	fine = answer.status == 201;
	http_free(&answer);
	return fine;
}

static void *
settle_some(void *object)
{
	struct settling *settling = object;
	int i;

	while ((i = atomic_fetch_add(&settling->next, 1)) < SETTLES) {
		if (!settle(settling->costs[i]))
			atomic_fetch_add(&settling->failed, 1);
	}
	return NULL;
}

static void
what_is_spent_is_the_log_to_the_nano(UNUSED void **state)
{
	struct settling settling = { .costs = make_costs() };
	pthread_t threads[CALLERS];
	const char *budget;

	api_use_new_client("settling");
	budget = api_add(
	    "/v1/budgets", api_text("{\"name\":\"all\",\"timezone\":\"%s\",\"window\":\"total\","
				    "\"limit_cents\":100}",
			       servers_noon()));
	for (int i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, settle_some, &settling), 0);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(threads[i], NULL);
	free(settling.costs);
	assert_int_equal(atomic_load(&settling.failed), 0);
	assert_string_equal(
	    api_sql("SELECT sum(verified_cost_cents) FROM chat_logs l JOIN clients c"
		    " ON c.id = l.client_id WHERE c.name = 'settling'"),
	    "1.0000000");
	api_expect(200, "GET", api_text("/v1/budgets/%s/status", budget), NULL);
	assert_string_equal(api_json("source"), "redis");
	assert_string_equal(api_json("spent_cents"), "1");
	assert_string_equal(api_json("held_cents"), "0");
	assert_string_equal(api_json("spent_requests"), api_text("%d", SETTLES));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_the_limit_is_allowed),
		cmocka_unit_test(a_kill_allows_nothing_more),
		cmocka_unit_test(a_flush_of_redis_allows_nothing_more),
		cmocka_unit_test(a_restart_of_redis_allows_nothing_more),
		cmocka_unit_test(what_a_kill_left_behind_expires),
		cmocka_unit_test(what_is_spent_is_the_log_to_the_nano),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
