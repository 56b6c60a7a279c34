/* /v1/tool-executions/statistics: the same as the rows say, and when they are gone. */
#include "tests/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"

#define PATH "/v1/tool-executions"

static struct servers *servers;

static int
start(void **state)
{
	api_start(state);
	servers = api_servers();
	return 0;
}

/* So many days ago: the client's zone is one where it is about noon. */
static const char *
noon(int days_ago)
{
	return api_sql("SELECT to_char((now() - interval '%d days') AT TIME ZONE 'UTC',\n"
		       "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
	    days_ago);
}

/* The day of that instant, of the client that was made last. */
static const char *
day(int days_ago)
{
	return api_sql("SELECT ((now() - interval '%d days') AT TIME ZONE timezone)::date\n"
		       "FROM clients ORDER BY id DESC LIMIT 1",
	    days_ago);
}

/* Twenty calls of two days ago, of 1 to 20 ms, of which each fifth failed. */
static const char *
twenty_calls(const char *tool)
{
	const char *at = noon(2), *body = "";

	for (int i = 1; i <= 20; i++)
		body = api_text("%s%s{\"tool\":\"%s\",\"created_at\":\"%s\",\"duration_ms\":%d,"
				"\"success\":%s}",
		    body, i == 1 ? "" : ",", tool, at, i, i % 5 == 0 ? "false" : "true");
	return api_text("[%s]", body);
}

static void
calls_are_counted_by_tool_and_day(UNUSED void **state)
{
	api_use_new_client("counted");
	api_expect(200, "POST", PATH, twenty_calls("a"));
	(void)api_add(PATH, api_text("{\"tool\":\"b\",\"created_at\":\"%s\"}", noon(2)));
	(void)api_add(
	    PATH, api_text("{\"tool\":\"a\",\"created_at\":\"%s\",\"duration_ms\":7}", noon(1)));
	api_expect(200, "GET", PATH "/statistics", NULL);
	assert_int_equal(api_rows(), 3);
	api_expect_json("complete", "true");
	api_expect_json("data.0.date", day(1));
	api_expect_json("data.0.calls", "1");
	api_expect_json("data.0.failure_rate", "0");
	api_expect_json("data.0.p95_ms", "7");
	api_expect_json("data.1.date", day(2));
	api_expect_json("data.1.tool", "a");
	api_expect_json("data.1.calls", "20");
	api_expect_json("data.1.failed_calls", "4");
	api_expect_json("data.1.failure_rate", "20");
	/* The 10th of 20, and the 19th: from 16 on a slot has two milliseconds. */
	api_expect_json("data.1.p50_ms", "10");
	api_expect_json("data.1.p95_ms", "18");
	api_expect_json("data.2.tool", "b");
	api_expect_json("data.2.p50_ms", "null");
}

static void
a_range_and_a_tool_can_be_asked_for(UNUSED void **state)
{
	api_use_new_client("asked");
	api_expect(200, "POST", PATH, twenty_calls("a"));
	(void)api_add(PATH, api_text("{\"tool\":\"a\",\"created_at\":\"%s\"}", noon(1)));
	(void)api_add(PATH, api_text("{\"tool\":\"b\",\"created_at\":\"%s\"}", noon(1)));
	api_expect(
	    200, "GET", api_text(PATH "/statistics?since=%s&until=%s", day(2), day(2)), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect(200, "GET", PATH "/statistics?tool=b", NULL);
	assert_int_equal(api_rows(), 1);
	api_expect(200, "GET", PATH "/statistics?by=tool", NULL);
	assert_int_equal(api_rows(), 2);
	api_expect_json("data.0.tool", "a");
	api_expect_json("data.0.calls", "21");
	api_expect_json("data.0.failure_rate", "19.05");
	api_expect_json("data.0.date", "(none)");
	api_expect(
	    422, "GET", api_text(PATH "/statistics?since=%s&until=%s", day(1), day(2)), NULL);
	api_expect(200, "GET", PATH "/statistics?since=2025-01-01&until=2026-01-01", NULL);
	api_expect(422, "GET", PATH "/statistics?since=2025-01-01&until=2026-01-02", NULL);
}

/* A call of now, by a new client in this zone; the day on which it is counted. */
static const char *
counted_day(const char *name, const char *zone)
{
	api_use_new_client(name);
	api_sql("UPDATE clients SET timezone = '%s' WHERE name = '%s'", zone, name);
	(void)api_add(PATH, "{\"tool\":\"a\"}");
	api_expect(200, "GET", PATH "/statistics", NULL);
	assert_int_equal(api_rows(), 1);
	return api_keep("data.0.date");
}

/* Of these two zones the one is always a day ahead of the other, or two. */
static void
days_are_the_clients(UNUSED void **state)
{
	const char *ahead = counted_day("ahead", "Pacific/Kiritimati");

	assert_string_equal(ahead, day(0));
	assert_string_not_equal(counted_day("behind", "Pacific/Pago_Pago"), ahead);
}

#define POSTERS 8
#define CALLS 50

struct poster {
	pthread_t thread;
	const char *body;
	long status;
};

static pthread_barrier_t ready;

static void *
post(void *argument)
{
	struct poster *poster = argument;
	struct http_answer answer;

	(void)pthread_barrier_wait(&ready);
	answer = api_call("POST", PATH, NULL, poster->body);
	poster->status = answer.status;
	http_free(&answer);
	return NULL;
}

/* The same calls, of two tools; every other body has them the other way round. */
static const char *
same_calls(const char *at, bool backwards)
{
	const char *body = "";

	for (int i = 0; i < CALLS; i++) {
		int n = backwards ? CALLS - 1 - i : i;

		body = api_text("%s%s{\"id\":\"call-%d\",\"created_at\":\"%s\",\"tool\":\"%c\","
				"\"duration_ms\":%d}",
		    body, i == 0 ? "" : ",", n, at, 'a' + n % 2, n % 7);
	}
	return api_text("[%s]", body);
}

static void
what_many_send_at_once_is_counted_once(UNUSED void **state)
{
	struct poster posters[POSTERS];
	const char *at = noon(1);

	api_use_new_client("at-once");
	assert_int_equal(pthread_barrier_init(&ready, NULL, POSTERS), 0);
	for (int i = 0; i < POSTERS; i++) {
		posters[i].body = same_calls(at, i % 2 == 1);
		assert_int_equal(pthread_create(&posters[i].thread, NULL, post, &posters[i]), 0);
	}
	for (int i = 0; i < POSTERS; i++) {
		pthread_join(posters[i].thread, NULL);
		assert_int_equal(posters[i].status, 200);
	}
	assert_string_equal(
	    api_sql(
		"SELECT concat((SELECT count(*) FROM tool_executions e WHERE client_id = c.id),\n"
		"' ', (SELECT sum(calls) FROM tool_statistics s WHERE client_id = c.id))\n"
		"FROM clients AS c WHERE name = 'at-once'"),
	    "50 50");
}

/* Partitions hold what was sent of their day, and go with it. */
static void
statistics_outlive_the_rows(UNUSED void **state)
{
	const char *kept, *partitions;

	api_use_new_client("outlived");
	(void)api_add(PATH, api_text("{\"tool\":\"a\",\"created_at\":\"%s\"}", noon(80)));
	(void)api_add(PATH, api_text("{\"tool\":\"a\",\"created_at\":\"%s\"}", noon(2)));
	EXPECT_TALLY(EX_OK, "\"table\":\"tool_executions\"", "partitions", "--json");
	books_expect(servers, "SELECT count(*) FROM tool_executions_default", "0");
	partitions = api_sql(
	    "SELECT count(*) FROM pg_inherits WHERE inhparent = 'tool_executions'::regclass");
	kept = api_sql("SELECT count(*) - 1 FROM tool_executions");
	servers_setting(servers, "tool_executions_retention_days", "60");
	EXPECT_TALLY(EX_OK, "\"dropped\":false", "purge", "--dry-run", "--json");
	EXPECT_TALLY(EX_OK, "\"table\":\"tool_executions\"", "purge", "--json");
	books_expect(servers, "SELECT count(*) FROM tool_executions", kept);
	books_expect(servers,
	    "SELECT count(*) + 1 FROM pg_inherits WHERE inhparent = 'tool_executions'::regclass",
	    partitions);
	api_expect(200, "GET", api_text(PATH "/statistics?since=%s", day(90)), NULL);
	assert_int_equal(api_rows(), 2);
	api_expect_json("data.1.date", day(80));
	EXPECT_TALLY(EX_OK, "\"rows\":0", "partitions", "--json");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_counted_by_tool_and_day),
		cmocka_unit_test(a_range_and_a_tool_can_be_asked_for),
		cmocka_unit_test(days_are_the_clients),
		cmocka_unit_test(what_many_send_at_once_is_counted_once),
		cmocka_unit_test(statistics_outlive_the_rows),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
