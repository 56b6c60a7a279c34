/*
 * What is killed under load loses nothing and doubles nothing: every record is sent until it is
 * acknowledged, while tallyd is killed, stopped, or loses PostgreSQL or Redis. Afterwards the log
 * holds each record once, the day's row and the counters equal the log.
 */
#include "tests/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/http.h"
#include "tests/process.h"
#include "tests/servers.h"

#define SENDERS 8
#define ROUND 150 /* records acknowledged between two faults */
#define ROUNDS 4

static struct servers *servers;
static struct http client;

static atomic_int acknowledged;
static atomic_bool enough;
static atomic_int unavailable; /* answers that a record was not stored */
static char stamp[32];

struct sender {
	pthread_t thread;
	int number;
	int sent;
	int refused; /* answers other than 200, 201, 502, 503, 504 and none */
};

/* Whether the record is stored now; what was not answered may be or not. */
static bool
send_once(struct sender *sender, const char *body)
{
	struct http_answer answer = http_send(&client, "POST", "/v1/chat-logs", NULL, body);
	bool stored = answer.status == 200 || answer.status == 201;

	if (answer.status == 503)
		atomic_fetch_add(&unavailable, 1);
	if (!stored && answer.status != 0 && answer.status != 502 && answer.status != 503 &&
	    answer.status != 504)
		sender->refused++;
	http_free(&answer);
	return stored;
}

static void *
send_records(void *argument)
{
	struct sender *sender = argument;
	char body[300];

	while (!atomic_load(&enough)) {
		(void)snprintf(body, sizeof(body),
		    "{\"id\":\"s%d-%d\",\"created_at\":\"%s\",\"message_length\":1,"
		    "\"external_user_id\":\"u%d\",\"verified_cost_cents\":0.000000%d}",
		    sender->number, sender->sent, stamp, sender->sent % 7, 1 + sender->sent % 9);
		/* Who asked on and on would take what the servers need to come back. */
		while (!send_once(sender, body))
			process_breathe();
		sender->sent++;
		atomic_fetch_add(&acknowledged, 1);
	}
	return NULL;
}

static bool
reached(void *context)
{
	return atomic_load(&acknowledged) >= *(const int *)context;
}

static void
wait_for_records(int more)
{
	int goal = atomic_load(&acknowledged) + more;

	assert_true(servers_await(reached, &goal));
}

static void
assert_sql(const char *sql, const char *value)
{
	char *found = servers_sql(servers, sql);

	if (strcmp(found, value) != 0)
		fail_msg("%s: %s instead of %s", sql, found, value);
	free(found);
}

static void
run_tally(const char *command)
{
	char *output;
	int status = servers_tally(servers, &output, command, NULL);

	if (status != 0)
		fail_msg("tally %s: %d %s", command, status, output);
	free(output);
}

/* The day from the counters; a thread may hold Redis for dead a little longer. */
static bool
is_counted(void *ret)
{
	struct http_answer *today = ret;
	const char *source;

	http_free(today);
	*today = http_send(&client, "GET", "/v1/daily-costs/today", NULL, NULL);
	source = http_json(today, "source", 0);
	return source != NULL && strcmp(source, "redis") == 0;
}

/* I1 and I2 over all that was sent. */
static void
check_books(const struct sender *senders, const char *name)
{
	char sql[600], number[16], *cost;
	struct http_answer today = { 0 };
	int sent = 0;

	for (int i = 0; i < SENDERS; i++) {
		assert_int_equal(senders[i].refused, 0);
		sent += senders[i].sent;
	}
	(void)snprintf(number, sizeof(number), "%d", sent);
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM chat_logs JOIN clients c ON c.id = client_id WHERE c.name = '%s'",
	    name);
	assert_sql(sql, number);
	run_tally("flush");
	run_tally("reconcile");
	(void)snprintf(sql, sizeof(sql),
	    "SELECT (d.total_cost_cents, d.total_requests, d.unique_users) = "
	    "(sum(l.verified_cost_cents), count(*), count(DISTINCT l.user_id)) "
	    "FROM clients c JOIN daily_costs d ON d.client_id = c.id "
	    "JOIN chat_logs l ON l.client_id = c.id WHERE c.name = '%s' "
	    "GROUP BY d.total_cost_cents, d.total_requests, d.unique_users",
	    name);
	assert_sql(sql, "t");
	(void)snprintf(sql, sizeof(sql),
	    "SELECT trim_scale(sum(l.verified_cost_cents)) FROM clients c "
	    "JOIN chat_logs l ON l.client_id = c.id WHERE c.name = '%s'",
	    name);
	cost = servers_sql(servers, sql);
	assert_true(servers_await(is_counted, &today));
	assert_string_equal(http_json(&today, "total_requests", 1), number);
	assert_string_equal(http_json(&today, "total_cost_cents", 2), cost);
	assert_string_equal(http_json(&today, "unique_users", 3), "7");
	http_free(&today);
	free(cost);
}

/* Runs the fault several times under load on a client of its own, then checks the books. */
static void
with_fault(const char *name, void (*fault)(void))
{
	struct sender senders[SENDERS] = { 0 };
	time_t now = time(NULL);
	struct tm tm;

	client.url = servers_http_url(servers);
	client.key = servers_key_at_noon(servers, name);
	(void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	atomic_store(&enough, false);
	for (int i = 0; i < SENDERS; i++) {
		senders[i].number = i;
		assert_int_equal(
		    pthread_create(&senders[i].thread, NULL, send_records, &senders[i]), 0);
	}
	for (int i = 0; i < ROUNDS; i++) {
		wait_for_records(ROUND);
		fault();
	}
	wait_for_records(ROUND);
	atomic_store(&enough, true);
	for (int i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_join(senders[i].thread, NULL), 0);
	check_books(senders, name);
	free((char *)(uintptr_t)client.key);
}

static void
kill_tallyd(void)
{
	servers_signal(servers, SERVER_TALLYD, SIGKILL);
	(void)servers_wait(servers, SERVER_TALLYD);
	servers_restart(servers, SERVER_TALLYD);
}

static void
stop_tallyd(void)
{
	int status;

	servers_signal(servers, SERVER_TALLYD, SIGTERM);
	status = servers_wait(servers, SERVER_TALLYD);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	servers_restart(servers, SERVER_TALLYD);
}

static void
kill_redis(void)
{
	servers_signal(servers, SERVER_REDIS, SIGKILL);
	(void)servers_wait(servers, SERVER_REDIS);
	/* Records go on without the counters. */
	wait_for_records(ROUND);
	servers_restart(servers, SERVER_REDIS);
}

static void
flush_redis(void)
{
	free(servers_redis(servers, "FLUSHALL"));
}

/* Immediate shutdown: the same as kill -9 for the data, without orphans that hold the shared
 * memory. */
static void
kill_postgres(void)
{
	servers_signal(servers, SERVER_POSTGRES, SIGQUIT);
	(void)servers_wait(servers, SERVER_POSTGRES);
	servers_restart(servers, SERVER_POSTGRES);
}

/* Slow is worse than dead: its clients wait for their time-outs. */
static void
stop_redis(void)
{
	servers_signal(servers, SERVER_REDIS, SIGSTOP);
	/* Records go on without the counters. */
	wait_for_records(ROUND);
	servers_signal(servers, SERVER_REDIS, SIGCONT);
}

static bool
is_refused(void *context)
{
	(void)context;
	return atomic_load(&unavailable) > 0;
}

static void
stop_postgres(void)
{
	atomic_store(&unavailable, 0);
	servers_signal(servers, SERVER_POSTGRES, SIGSTOP);
	assert_true(servers_await(is_refused, NULL));
	servers_signal(servers, SERVER_POSTGRES, SIGCONT);
}

static void
test_redis_stopped(void **state)
{
	(void)state;
	with_fault("redis stopped", stop_redis);
}

static void
test_postgres_stopped(void **state)
{
	(void)state;
	with_fault("postgres stopped", stop_postgres);
}

static void
test_tallyd_killed(void **state)
{
	(void)state;
	with_fault("tallyd killed", kill_tallyd);
}

static void
test_tallyd_stopped(void **state)
{
	(void)state;
	with_fault("tallyd stopped", stop_tallyd);
}

static void
test_redis_killed(void **state)
{
	(void)state;
	with_fault("redis killed", kill_redis);
}

static void
test_redis_flushed(void **state)
{
	(void)state;
	with_fault("redis flushed", flush_redis);
}

static void
test_postgres_killed(void **state)
{
	(void)state;
	with_fault("postgres killed", kill_postgres);
}

static int
set_up(void **state)
{
	(void)state;
	servers = servers_start(SERVER_NGINX);
	/* So that what is stopped is noticed soon. */
	servers_setting(servers, "database_statement_timeout_ms", "500");
	servers_setting(servers, "redis_command_timeout_ms", "200");
	kill_tallyd();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tallyd_killed),
		cmocka_unit_test(test_tallyd_stopped),
		cmocka_unit_test(test_redis_killed),
		cmocka_unit_test(test_redis_flushed),
		cmocka_unit_test(test_postgres_killed),
		cmocka_unit_test(test_redis_stopped),
		cmocka_unit_test(test_postgres_stopped),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
