#include "tests/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "tests/db_fixture.h"

#define THREADS 8
#define ROUNDS 100

static void
test_a_superuser_is_refused(void **state)
{
	struct db_pool_settings with = settings("postgres");

	(void)state;
	with.refuse_superuser = true;
	use(&with);
	fails(db_query(&task, "SELECT 1", NULL, NULL), ERR_FORBIDDEN);
	with = settings("tally_app");
	with.refuse_superuser = true;
	use(&with);
	fine(db_query(&task, "SELECT 1", NULL, NULL));
}

static void
test_a_full_pool_makes_wait(void **state)
{
	struct db_pool_settings with = settings("tally_worker");
	struct task other;
	int64_t begun, open, used, ever;

	(void)state;
	with.max = 1;
	with.acquire_timeout_ms = 50;
	use(&with);
	other = task;
	fine(db_query(&other, "SELECT 1", NULL, NULL));
	begun = clock_monotonic();
	fails(db_query(&task, "SELECT 1", NULL, NULL), ERR_UNAVAILABLE);
	assert_true(clock_monotonic() - begun >= 50000);
	db_pool_count(pool, &open, &used, &ever);
	assert_int_equal(open, 1);
	assert_int_equal(used, 1);
	db_rollback(&other);
	fine(db_query(&task, "SELECT 1", NULL, NULL));
}

/* The tenants of a transaction that never began are not those of the next one. */
static void
test_what_was_set_does_not_outlive_a_full_pool(void **state)
{
	static const struct id named = { .bytes = { [15] = 7 } };
	struct db_pool_settings with = settings("tally_worker");
	struct task other;

	(void)state;
	with.max = 1;
	with.acquire_timeout_ms = 1;
	use(&with);
	other = task;
	fine(db_query(&other, "SELECT 1", NULL, NULL));
	db_set_clients(&task, &named, 1);
	db_set_snapshot(&task);
	fails(db_query(&task, "SELECT 1", NULL, NULL), ERR_UNAVAILABLE);
	db_rollback(&other);
	assert_string_equal(word("SELECT current_setting('app.client_id')"), "");
	assert_string_equal(word("SHOW transaction_isolation"), "read committed");
}

static void *
query_in_thread(void *ret)
{
	struct task mine;
	bool *done = ret;

	task_init(&mine, arena_new());
	mine.pool = pool;
	*done = db_query(&mine, "SELECT 1", NULL, NULL) && db_commit(&mine);
	arena_free(mine.arena);
	return NULL;
}

static bool
is_waited_for(void *context)
{
	(void)context;
	return opened() == 1;
}

static void
test_a_waiting_thread_gets_what_is_given_back(void **state)
{
	struct db_pool_settings with = settings("tally_worker");
	pthread_t thread;
	bool done = false;

	(void)state;
	with.max = 1;
	use(&with);
	fine(db_query(&task, "SELECT 1", NULL, NULL));
	assert_int_equal(pthread_create(&thread, NULL, query_in_thread, &done), 0);
	assert_true(servers_await(is_waited_for, NULL));
	fine(db_commit(&task));
	pthread_join(thread, NULL);
	assert_true(done);
	assert_int_equal(opened(), 1);
}

static void *
work_in_thread(void *ret)
{
	struct task mine;
	int *failures = ret;

	task_init(&mine, arena_new());
	mine.pool = pool;
	for (int i = 0; i < ROUNDS; i++) {
		if (!db_query(&mine, "SELECT 1", NULL, NULL) || !db_commit(&mine))
			++*failures;
		task_clear_error(&mine);
		arena_reset(mine.arena);
	}
	arena_free(mine.arena);
	return NULL;
}

static void
test_threads_share_a_few_connections(void **state)
{
	struct db_pool_settings with = settings("tally_worker");
	pthread_t threads[THREADS];
	int failures[THREADS] = { 0 };
	int64_t open, used, ever;

	(void)state;
	with.max = 3;
	with.acquire_timeout_ms = 60000;
	use(&with);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, work_in_thread, &failures[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(failures[i], 0);
	}
	db_pool_count(pool, &open, &used, &ever);
	assert_in_range(ever, 1, 3);
	assert_int_equal(used, 0);
}

static void
test_unused_connections_are_closed(void **state)
{
	struct db_pool_settings with = settings("tally_worker");
	struct task others[3];
	int64_t open, used, ever;

	(void)state;
	with.idle_timeout_ms = 1;
	with.min = 2;
	use(&with);
	for (size_t i = 0; i < COUNT(others); i++) {
		others[i] = task;
		fine(db_query(&others[i], "SELECT pg_sleep(0.002)", NULL, NULL));
	}
	for (size_t i = 0; i < COUNT(others); i++)
		fine(db_commit(&others[i]));
	fine(db_query(&task, "SELECT pg_sleep(0.005)", NULL, NULL));
	fine(db_commit(&task));
	db_pool_count(pool, &open, &used, &ever);
	assert_int_equal(open, 2);
	assert_int_equal(used, 0);
	assert_int_equal(ever, 3);
}

static const struct {
	const char *sentence;
	const char *parameters;
	bool plain;
} urls[] = {
	{ "without TLS there is no connection", "", false },
	{ "nor to an address", "&hostaddr=127.0.0.1", false },
	{ "unless less is asked for", "&sslmode=disable", true },
	{ "or both will do", "&sslmode=prefer", true },
};

/* A server without TLS: whether the client goes on in the clear. */
static void *
refuse_tls(void *context)
{
	static const unsigned char wish[] = { 0, 0, 0, 8, 4, 210, 22, 47 };
	int fd = accept(*(int *)context, NULL, NULL);
	unsigned char packet[8];
	bool plain = recv(fd, packet, sizeof(packet), MSG_WAITALL) == sizeof(packet);

	if (plain && memcmp(packet, wish, sizeof(wish)) == 0)
		plain = send(fd, "N", 1, MSG_NOSIGNAL) == 1 &&
			recv(fd, packet, sizeof(packet), MSG_WAITALL) == sizeof(packet);
	close(fd);
	return plain ? context : NULL;
}

static int
listen_on_loopback(int *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void
test_tls_is_wanted_outside_of_unix_sockets(void **state)
{
	struct db_pool_settings with = settings("tally_worker");
	int port;
	int listener = listen_on_loopback(&port);
	char url[128];

	(void)state;
	for (size_t i = 0; i < COUNT(urls); i++) {
		pthread_t thread;
		void *plain;

		snprintf(url, sizeof(url), "postgresql://me@127.0.0.1:%d/x?gssencmode=disable%s",
		    port, urls[i].parameters);
		with.url = url;
		use(&with);
		assert_int_equal(pthread_create(&thread, NULL, refuse_tls, &listener), 0);
		fails(db_query(&task, "SELECT 1", NULL, NULL), ERR_UNAVAILABLE);
		pthread_join(thread, &plain);
		if ((plain != NULL) != urls[i].plain)
			fail_msg("%s", urls[i].sentence);
	}
	close(listener);
}

static void
test_a_long_statement_is_ended(void **state)
{
	struct db_pool_settings with = settings("tally_worker");

	(void)state;
	with.statement_timeout_ms = 50;
	use(&with);
	fails(db_query(&task, "SELECT pg_sleep(60)", NULL, NULL), ERR_UNAVAILABLE);
	assert_int_equal(number("SELECT 1"), 1);
	assert_int_equal(opened(), 1);
}

static void
test_a_killed_backend_costs_one_query(void **state)
{
	char sql[64];
	int64_t pid;

	(void)state;
	pid = number("SELECT pg_backend_pid()");
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d, 10000)", (int)pid);
	free(servers_sql(servers, sql));
	fails(db_query(&task, "SELECT 1", NULL, NULL), ERR_UNAVAILABLE);
	/* One that was idle costs nothing. */
	pid = number("SELECT pg_backend_pid()");
	fine(db_commit(&task));
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d, 10000)", (int)pid);
	free(servers_sql(servers, sql));
	assert_int_equal(number("SELECT 1"), 1);
}

static void
restart(int signal)
{
	servers_signal(servers, SERVER_POSTGRES, signal);
	servers_wait(servers, SERVER_POSTGRES);
	servers_restart(servers, SERVER_POSTGRES);
}

static void
test_a_restart_costs_no_query(void **state)
{
	(void)state;
	fine(db_query(&task, "SELECT 1", NULL, NULL));
	fine(db_commit(&task));
	restart(SIGINT);
	assert_int_equal(number("SELECT 1"), 1);
	fine(db_commit(&task));
	restart(SIGKILL);
	assert_int_equal(number("SELECT 1"), 1);
	assert_int_equal(opened(), 3);
}

static void
test_a_dead_server_is_for_later(void **state)
{
	(void)state;
	servers_signal(servers, SERVER_POSTGRES, SIGINT);
	servers_wait(servers, SERVER_POSTGRES);
	fails(db_query(&task, "SELECT 1", NULL, NULL), ERR_UNAVAILABLE);
	servers_restart(servers, SERVER_POSTGRES);
	assert_true(servers_await(is_back, NULL));
}

/* A thread is held for a time-out once; then the others are told at once. */
static void
test_a_stopped_server_holds_nobody_for_long(void **state)
{
	struct db_pool_settings with = settings("tally_worker");
	struct db_step step = { .sql = "SELECT 1" };
	bool unknown = false;
	int64_t begun;

	(void)state;
	with.statement_timeout_ms = 100;
	with.connect_timeout_ms = 100;
	use(&with);
	fine(db_query(&task, "SELECT 1", NULL, NULL));
	servers_signal(servers, SERVER_POSTGRES, SIGSTOP);
	begun = clock_monotonic();
	fails(db_pipeline_commit(&task, &step, 1, NULL, &unknown), ERR_UNAVAILABLE);
	assert_true(unknown);
	assert_true(clock_monotonic() - begun < 10 * CLOCK_SECOND);
	begun = clock_monotonic();
	for (int i = 0; i < 1000; i++)
		fails(db_query(&task, "SELECT 1", NULL, NULL), ERR_UNAVAILABLE);
	assert_true(clock_monotonic() - begun < 10 * CLOCK_SECOND);
	servers_signal(servers, SERVER_POSTGRES, SIGCONT);
	assert_true(servers_await(is_back, NULL));
}

static void
test_a_listener_hears_its_channel(void **state)
{
	struct db_pool_settings with = settings("tally_worker");
	struct db_listener *listener;
	const char *payload = NULL;
	int fds[2];

	(void)state;
	fine(db_listen(&task, &with, "test_db", &listener));
	free(servers_sql(
	    servers, "NOTIFY other, 'no'; NOTIFY test_db, 'one'; NOTIFY test_db, 'two'"));
	assert_true(db_listen_wait(listener, 30000, -1, &payload));
	assert_string_equal(payload, "one");
	assert_true(db_listen_wait(listener, 30000, -1, &payload));
	assert_string_equal(payload, "two");
	assert_true(db_listen_wait(listener, 10, -1, &payload));
	assert_null(payload);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_true(db_listen_wait(listener, -1, fds[0], &payload));
	assert_null(payload);
	close(fds[0]);
	close(fds[1]);
	servers_signal(servers, SERVER_POSTGRES, SIGQUIT);
	assert_false(db_listen_wait(listener, 30000, -1, &payload));
	servers_wait(servers, SERVER_POSTGRES);
	servers_restart(servers, SERVER_POSTGRES);
	fine(db_listen(&task, &with, "test_db", &listener));
	db_listen_close(listener);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_superuser_is_refused),
		TEST(test_a_full_pool_makes_wait),
		TEST(test_what_was_set_does_not_outlive_a_full_pool),
		TEST(test_a_waiting_thread_gets_what_is_given_back),
		TEST(test_threads_share_a_few_connections),
		TEST(test_unused_connections_are_closed),
		TEST(test_tls_is_wanted_outside_of_unix_sockets),
		TEST(test_a_long_statement_is_ended),
		TEST(test_a_killed_backend_costs_one_query),
		TEST(test_a_restart_costs_no_query),
		TEST(test_a_dead_server_is_for_later),
		TEST(test_a_stopped_server_holds_nobody_for_long),
		TEST(test_a_listener_hears_its_channel),
	};

	return cmocka_run_group_tests(tests, start_postgres, stop_postgres);
}
