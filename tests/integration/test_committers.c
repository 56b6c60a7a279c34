/*
 * When a batch begins beside another one. The lock of one client's counter holds the first, until
 * the other client's answer is there.
 */
#include "tests/test.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "tests/api.h"

/* As in app/ingest/ingest.c. */
#define LEADER_MIN 64
#define ASKED_MAX 1000000

#define RECORD "{\"message_length\":1}"

#define FIRST_WAITS \
	"SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
static char waits_sql[] = FIRST_WAITS ")";
static char waits_long_sql[] = FIRST_WAITS " AND waitstart < clock_timestamp() - interval '0.1 s')";

static struct http held_client;
static char *other_key;

/* For servers_await(). */
static bool
is_true(void *sql)
{
	char *value = servers_sql(api_servers(), sql);
	bool yes = strcmp(value, "t") == 0;

	free(value);
	return yes;
}

static void *
post_held(void *answer)
{
	*(struct http_answer *)answer =
	    http_send(&held_client, "POST", "/v1/chat-logs", NULL, RECORD);
	return NULL;
}

static PGconn *
lock_client(void)
{
	PGconn *db = PQconnectdb(servers_database_url(api_servers(), "postgres"));

	PQclear(PQexec(db, "BEGIN"));
	PQclear(PQexec(db, "SELECT pg_advisory_xact_lock(counter_lock_key(id)) FROM clients "
			   "WHERE name = 'held'"));
	assert_int_equal(PQtransactionStatus(db), PQTRANS_INTRANS);
	return db;
}

/* Asked again at once: the other request must come before the first has waited long. */
static void
await_first(PGconn *db)
{
	bool waits = false;

	for (int i = 0; i < ASKED_MAX && !waits; i++) {
		PGresult *result = PQexec(db, waits_sql);

		waits = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
		PQclear(result);
	}
	assert_true(waits);
}

/* The answer to the other client's request comes while the first one's waits. */
static void
expect_beside_held(int status, const char *body, bool waits_long)
{
	struct http_answer answer;
	pthread_t thread;
	PGconn *lock = lock_client();

	assert_int_equal(pthread_create(&thread, NULL, post_held, &answer), 0);
	await_first(lock);
	if (waits_long)
		assert_true(servers_await(is_true, waits_long_sql));
	api_expect(status, "POST", "/v1/chat-logs", body);
	assert_true(is_true(waits_sql));
	PQfinish(lock);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(answer.status, 201);
	http_free(&answer);
}

static void
test_a_batch_that_waits_long_stops_nobody(void **state)
{
	(void)state;
	expect_beside_held(201, RECORD, true);
}

static void
test_who_comes_before_it_has_waited_long_needs_nobody_to_come_behind(void **state)
{
	(void)state;
	expect_beside_held(201, RECORD, false);
}

static void
test_so_many_do_not_wait(void **state)
{
	struct arena *arena = arena_new();
	struct buf body = { .arena = arena };

	(void)state;
	for (int i = 0; i < LEADER_MIN; i++)
		buf_puts(&body, i == 0 ? "[" RECORD : "," RECORD);
	buf_putc(&body, ']');
	expect_beside_held(200, body.at, false);
	arena_free(arena);
}

/* Each has its epoch, the opening of which takes the lock, too. */
static int
set_up(void **state)
{
	api_start(state);
	held_client.url = servers_http_url(api_servers());
	held_client.key = servers_key(api_servers(), "held");
	api_use_key(held_client.key);
	api_expect(201, "POST", "/v1/chat-logs", RECORD);
	other_key = servers_key(api_servers(), "other");
	api_use_key(other_key);
	api_expect(201, "POST", "/v1/chat-logs", RECORD);
	return 0;
}

static int
tear_down(void **state)
{
	free((char *)(uintptr_t)held_client.key);
	free(other_key);
	return api_stop(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_batch_that_waits_long_stops_nobody),
		cmocka_unit_test(
		    test_who_comes_before_it_has_waited_long_needs_nobody_to_come_behind),
		cmocka_unit_test(test_so_many_do_not_wait),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
