#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tests/books.h"
#include "tests/http.h"
#include "tests/servers.h"

#define FOUND 1 /* exit status: it worked, and what it found is not well */

static struct servers *servers;
static struct http http;

static void
post(const char *body)
{
	struct http_answer answer = http_send(&http, "POST", "/v1/chat-logs", NULL, body);

	if (answer.status != 201)
		fail_msg("%ld: %s", answer.status, answer.body);
	http_free(&answer);
}

/* HINCRBY of a member of the client's count in Redis. */
static void
bend_counter(const char *member, int by)
{
	char *key = servers_sql(servers,
	    "SELECT 'tally:{' || client_id || '}:' || epoch || ':d:' || day FROM counter_states "
	    "WHERE client_id = (SELECT id FROM clients WHERE name = 'acme')");
	char command[200];

	(void)snprintf(command, sizeof(command), "HINCRBY %s %s %d", key, member, by);
	free(servers_redis(servers, command));
	free(key);
}

static void
expect_today(const char *member, const char *expected)
{
	struct http_answer answer = http_send(&http, "GET", "/v1/daily-costs/today", NULL, NULL);

	assert_int_equal(answer.status, 200);
	assert_string_equal(http_json(&answer, "source", 0), "redis");
	assert_string_equal(http_json(&answer, member, 1), expected);
	http_free(&answer);
}

static void
test_equal_books(void **state)
{
	(void)state;
	post("{\"input_tokens\":1000,\"estimated_cost_cents\":1.5,\"external_user_id\":\"ann\"}");
	post("{\"input_tokens\":1000,\"estimated_cost_cents\":1.5,\"external_user_id\":\"bob\"}");
	EXPECT_TALLY(EX_OK, "\"drift_cents\":0", "reconcile", "--json");
	EXPECT_TALLY(EX_OK, "\"differences\":0", "verify", "--json");
	books_expect(servers, "SELECT drift_nanos FROM job_runs WHERE job = 'reconcile'", "0");
	books_expect_differences(servers, "0");
}

static void
test_row_too_high(void **state)
{
	(void)state;
	free(
	    servers_sql(servers, "UPDATE daily_costs SET total_cost_cents = total_cost_cents + 2"));
	EXPECT_TALLY(FOUND, "\"book_cents\":5", "verify", "--json");
	EXPECT_TALLY(FOUND, "\"healed\":false", "reconcile", "--dry-run", "--json");
	books_expect_differences(servers, "1");
	books_expect(servers, "SELECT count(*) FROM alerts", "0");
	EXPECT_TALLY(FOUND, "\"drift_cents\":2", "reconcile", "--json");
	books_expect_differences(servers, "0");
	books_expect(servers,
	    "SELECT payload - 'date' FROM alerts WHERE kind = 'counter.drift'\n"
	    "AND client_id = (SELECT id FROM clients WHERE name = 'acme')",
	    "{\"book\": \"daily_costs\", \"healed\": true, \"log_cents\": 3, \"book_cents\": 5, "
	    "\"log_requests\": 2, \"book_requests\": 2}");
	books_expect(
	    servers, "SELECT drift_nanos FROM job_runs WHERE job = 'reconcile'", "20000000");
	EXPECT_TALLY(EX_OK, "\"drift_cents\":0", "reconcile", "--json");
}

/* A row of the open day that is too low is only behind: flush raises it. */
static void
test_row_too_low(void **state)
{
	(void)state;
	free(servers_sql(servers, "UPDATE daily_costs SET total_requests = 0"));
	EXPECT_TALLY(EX_OK, "\"differences\":0", "verify", "--json");
	EXPECT_TALLY(EX_OK, NULL, "reconcile");
	books_expect_differences(servers, "0");
}

static void
test_counter_too_high(void **state)
{
	(void)state;
	bend_counter("0", 70000000);
	EXPECT_TALLY(FOUND, "\"book\":\"counter\"", "verify", "--json");
	expect_today("total_cost_cents", "10");
	EXPECT_TALLY(FOUND, "\"book\":\"counter\"", "reconcile", "--json");
	expect_today("total_cost_cents", "3");
	books_expect(servers,
	    "SELECT concat_ws(' ', payload->>'log_cents', payload->>'book_cents',\n"
	    "payload->>'healed') FROM alerts WHERE payload->>'book' = 'counter'",
	    "3 10 true");
	/* The flush before the comparison carried the error into the row; both were set right. */
	books_expect_differences(servers, "0");
	EXPECT_TALLY(EX_OK, "\"drift_cents\":0", "reconcile", "--json");
}

static void
test_counter_too_low(void **state)
{
	(void)state;
	bend_counter("1", -1);
	expect_today("total_requests", "1");
	EXPECT_TALLY(FOUND, "\"members\":\"requests\"", "reconcile", "--json");
	expect_today("total_requests", "2");
	/* The same book of the same day drifted a moment ago, which was told. */
	books_expect(
	    servers, "SELECT count(*) FROM alerts WHERE payload->>'book' = 'counter'", "1");
	books_expect_differences(servers, "0");
}

/* Beyond the days to look back nothing is touched, unless it is asked for. */
static void
test_past_days(void **state)
{
	(void)state;
	books_insert(servers, "acme", 10, 3);
	EXPECT_TALLY(EX_OK, NULL, "reconcile");
	books_expect_differences(servers, "1");
	EXPECT_TALLY(
	    FOUND, "\"log_requests\":3,\"book_requests\":0", "reconcile", "--full", "--json");
	books_expect_differences(servers, "0");
	free(servers_sql(servers, "UPDATE daily_costs SET failed_requests = 1 "
				  "WHERE date < " BOOKS_TODAY("acme") ""));
	EXPECT_TALLY(EX_OK, NULL, "reconcile", "--days", "9");
	EXPECT_TALLY(FOUND, "failed_requests", "reconcile", "--days", "10");
	EXPECT_TALLY(EX_OK, NULL, "verify");
}

/* What a batch still waits to have summed is explained, also by a dry run. */
static void
test_waiting_batch(void **state)
{
	(void)state;
	books_insert(servers, "acme", 1, 2);
	free(servers_sql(servers,
	    "INSERT INTO ingest_batches (client_id, id, epoch, late_days) "
	    "SELECT id, '01890000-0000-7000-8000-000000000009', 1, "
	    "ARRAY[" BOOKS_TODAY("acme") " - 1] FROM clients WHERE name = 'acme'"));
	EXPECT_TALLY(EX_OK, "\"waiting_for_flush\":1", "verify", "--json");
	EXPECT_TALLY(EX_OK, "\"explained\":true", "reconcile", "--dry-run", "--json");
	EXPECT_TALLY(EX_OK, "\"drift_cents\":0", "reconcile", "--json");
	books_expect_differences(servers, "0");
}

/* A person who is erased stays in the number of users. */
static void
test_erased_user(void **state)
{
	(void)state;
	free(servers_sql(servers, "DELETE FROM users WHERE external_id = 'bob'"));
	EXPECT_TALLY(EX_OK, "\"drift_cents\":0", "reconcile", "--json");
	EXPECT_TALLY(EX_OK, NULL, "verify");
	books_expect(servers,
	    "SELECT unique_users FROM daily_costs WHERE date = " BOOKS_TODAY("acme") "", "2");
}

static void
test_closed_day(void **state)
{
	(void)state;
	free(servers_sql(servers, "UPDATE daily_costs SET closed_at = now() "
				  "WHERE date = " BOOKS_TODAY("acme") " - 10"));
	EXPECT_TALLY(EX_OK, "\"skipped_log_gone\":0", "verify", "--json");
	free(servers_sql(
	    servers, "DELETE FROM chat_logs WHERE created_at < now() - interval '5 days'"));
	EXPECT_TALLY(EX_OK, "\"skipped_log_gone\":1", "verify", "--json");
	EXPECT_TALLY(EX_OK, NULL, "reconcile", "--full");
	books_expect(
	    servers, "SELECT total_requests FROM daily_costs WHERE closed_at IS NOT NULL", "3");
	books_insert(servers, "acme", 10, 4);
	EXPECT_TALLY(FOUND, "\"book_requests\":3", "verify", "--json");
}

static int
start(void **state)
{
	(void)state;
	servers = servers_start(SERVER_NGINX);
	http = (struct http){ .url = servers_http_url(servers),
		.key = servers_key_at_noon(servers, "acme") };
	EXPECT_TALLY(EX_OK, NULL, "partitions");
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_books),
		cmocka_unit_test(test_row_too_high),
		cmocka_unit_test(test_row_too_low),
		cmocka_unit_test(test_counter_too_high),
		cmocka_unit_test(test_counter_too_low),
		cmocka_unit_test(test_past_days),
		cmocka_unit_test(test_waiting_batch),
		cmocka_unit_test(test_erased_user),
		cmocka_unit_test(test_closed_day),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
