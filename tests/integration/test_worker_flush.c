#include "tests/test.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tests/books.h"
#include "tests/http.h"
#include "tests/servers.h"

#define DONE(rows) "\"rows\":" #rows ","

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

/* created_at is at this time of the day, so many days ago. */
static void
post_late(int days_ago)
{
	char sql[200], body[200], *at;

	(void)snprintf(sql, sizeof(sql),
	    "SELECT to_char(now() AT TIME ZONE 'UTC' - %d * interval '1 day', "
	    "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
	    days_ago);
	at = servers_sql(servers, sql);
	(void)snprintf(body, sizeof(body),
	    "{\"created_at\":\"%s\",\"input_tokens\":100,\"estimated_cost_cents\":0.0000003}", at);
	post(body);
	free(at);
}

static void
test_open_day(void **state)
{
	(void)state;
	post("{\"input_tokens\":1000,\"estimated_cost_cents\":1.2345678,"
	     "\"external_user_id\":\"ann\"}");
	post("{\"output_tokens\":7,\"verified_cost_cents\":2,\"success\":false,"
	     "\"external_user_id\":\"bob\"}");
	post("{\"message_length\":5,\"model\":\"unheard-of\",\"external_user_id\":\"ann\"}");
	EXPECT_TALLY(EX_OK, DONE(1), "flush", "--dry-run", "--json");
	books_expect(servers, "SELECT count(*) FROM daily_costs", "0");
	EXPECT_TALLY(EX_OK, DONE(1), "flush", "--json");
	books_expect(servers,
	    "SELECT concat_ws(' ', total_cost_cents, total_requests, total_tokens, "
	    "failed_requests, unpriced_requests, unique_users) FROM daily_costs",
	    "3.2345678 3 1007 1 1 2");
	books_expect_differences(servers, "0");
}

/* As if the process had died between the commit of the first call and its confirmation. */
static void
test_batch_left_behind(void **state)
{
	char *pending = servers_sql(servers,
	    "SELECT format('HSET tally:{%s}:%s:pending %s \"p d:%s 9999999999 12345678 1 1000 1000;|\"',"
	    "client_id, epoch, (lpad(to_hex(floor(extract(epoch FROM now()) * 1000)::bigint - 5000),"
	    "12, '0') || '70008000000000000001')::uuid, day) FROM counter_states");

	(void)state;
	free(servers_sql(servers, "DELETE FROM daily_costs"));
	free(servers_redis(servers, pending));
	EXPECT_TALLY(EX_OK, DONE(1), "flush", "--json");
	books_expect(servers,
	    "SELECT concat_ws(' ', total_cost_cents, total_requests, total_tokens) "
	    "FROM daily_costs",
	    "3.2345678 3 1007");
	books_expect_differences(servers, "0");
	free(pending);
}

static void
test_twice_is_once(void **state)
{
	char *before = servers_sql(servers, "SELECT updated_at FROM daily_costs");

	(void)state;
	EXPECT_TALLY(EX_OK, DONE(0), "flush", "--json");
	books_expect(servers, "SELECT updated_at FROM daily_costs", before);
	free(before);
}

static void
test_late_records(void **state)
{
	(void)state;
	post_late(1);
	post_late(3);
	post_late(3);
	books_expect_differences(servers, "2");
	books_expect(
	    servers, "SELECT count(*) FROM ingest_batches WHERE late_days IS NOT NULL", "3");
	EXPECT_TALLY(EX_OK, NULL, "flush");
	books_expect_differences(servers, "0");
	books_expect(
	    servers, "SELECT count(*) FROM ingest_batches WHERE late_days IS NOT NULL", "0");
	EXPECT_TALLY(EX_OK, DONE(0), "flush", "--json");
}

static void
test_only_raises(void **state)
{
	(void)state;
	free(servers_sql(servers, "UPDATE daily_costs SET total_requests = total_requests + 5"));
	EXPECT_TALLY(EX_OK, DONE(0), "flush", "--json");
	books_expect_differences(servers, "3");
	free(servers_sql(servers, "UPDATE daily_costs SET total_requests = total_requests - 5"));
}

/* A client that keeps its log longer than before may get records of a day that is closed. */
static void
test_late_record_of_a_closed_day(void **state)
{
	(void)state;
	free(servers_sql(servers, "UPDATE daily_costs SET closed_at = now() "
				  "WHERE date = " BOOKS_TODAY("acme") " - 3"));
	post_late(3);
	EXPECT_TALLY(EX_OK, "\"waiting_for_flush\":1", "verify", "--json");
	EXPECT_TALLY(EX_OK, DONE(1), "flush", "--json");
	books_expect(servers, "SELECT concat_ws(' ', amount_cents, reason) FROM cost_adjustments",
	    "0.0000003 records that came after the day was closed");
	EXPECT_TALLY(EX_OK, NULL, "verify");
	post_late(3);
	EXPECT_TALLY(EX_OK, DONE(1), "flush", "--json");
	books_expect(servers, "SELECT sum(amount_cents) FROM cost_adjustments", "0.0000006");
	books_expect(
	    servers, "SELECT total_requests FROM daily_costs WHERE closed_at IS NOT NULL", "2");
	free(
	    servers_sql(servers, "DELETE FROM chat_logs WHERE received_at > ("
				 "SELECT closed_at FROM daily_costs WHERE closed_at IS NOT NULL)"));
	EXPECT_TALLY(EX_OK, DONE(0), "flush", "--json");
}

/* The day that was open is over: its last records are summed once more from the log. */
static void
test_day_that_ended(void **state)
{
	(void)state;
	free(servers_sql(servers, "UPDATE counter_states SET day = day - 1"));
	books_insert(servers, "acme", 1, 4);
	books_expect_differences(servers, "1");
	EXPECT_TALLY(EX_OK, NULL, "flush");
	books_expect_differences(servers, "0");
	books_expect(servers,
	    "SELECT count(*) FROM counter_states WHERE day < " BOOKS_TODAY("acme") "", "0");
}

static void
test_without_redis(void **state)
{
	(void)state;
	servers_signal(servers, SERVER_REDIS, SIGKILL);
	(void)servers_wait(servers, SERVER_REDIS);
	post("{\"input_tokens\":1,\"estimated_cost_cents\":0.5}");
	EXPECT_TALLY(EX_OK, NULL, "flush");
	books_expect_differences(servers, "0");
	servers_restart(servers, SERVER_REDIS);
	post("{\"input_tokens\":1,\"estimated_cost_cents\":0.5}");
	EXPECT_TALLY(EX_OK, NULL, "flush");
	books_expect_differences(servers, "0");
}

static void
test_old_batches_are_forgotten(void **state)
{
	static const char old[] = "SELECT count(*) FROM ingest_batches "
				  "WHERE id = '01890000-0000-7000-8000-000000000001'";

	(void)state;
	free(servers_sql(servers,
	    "INSERT INTO ingest_batches (client_id, id, epoch, late_days) "
	    "SELECT id, '01890000-0000-7000-8000-000000000001'::uuid, 1, NULL FROM clients "
	    "WHERE name = 'acme'"));
	EXPECT_TALLY(EX_OK, NULL, "flush");
	books_expect(servers, old, "1");
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	EXPECT_TALLY(EX_OK, NULL, "flush");
	books_expect(servers, old, "0");
	books_expect(servers, "SELECT count(*) > 0 FROM ingest_batches", "t");
}

static void
test_one_at_a_time(void **state)
{
	PGconn *conn = PQconnectdb(servers_database_url(servers, "postgres"));
	char *before = servers_sql(servers, "SELECT started_at FROM job_runs WHERE job = 'flush'");

	(void)state;
	PQclear(PQexec(conn, "BEGIN"));
	PQclear(
	    PQexec(conn, "SELECT pg_advisory_xact_lock(hashtextextended('tally job flush', 0))"));
	EXPECT_TALLY(EX_OK, "another instance", "flush");
	books_expect(servers, "SELECT started_at FROM job_runs WHERE job = 'flush'", before);
	PQfinish(conn);
	free(before);
}

/* One client's failure is told, and is no other client's. */
static void
test_failure_of_one_client(void **state)
{
	(void)state;
	free(servers_sql(servers,
	    "INSERT INTO clients (id, name, timezone) "
	    "VALUES ('00000000-0000-7000-8000-000000000001', 'lost', 'Nowhere/Land')"));
	post("{\"input_tokens\":1,\"estimated_cost_cents\":0.5}");
	EXPECT_TALLY(EX_SOFTWARE, "client 00000000-0000-7000-8000-000000000001", "flush");
	books_expect_differences(servers, "0");
	books_expect(
	    servers, "SELECT error FROM job_runs WHERE job = 'flush'", "it failed for 1 clients");
	free(servers_sql(servers, "UPDATE clients SET timezone = 'UTC' WHERE name = 'lost'"));
	EXPECT_TALLY(EX_OK, NULL, "flush");
	books_expect(servers, "SELECT error IS NULL FROM job_runs WHERE job = 'flush'", "t");
}

/* More clients than are taken together, with a record each, none of them in Redis; then all are. */
static void
test_many_clients(void **state)
{
	(void)state;
	free(servers_sql(servers,
	    "INSERT INTO clients (id, name) "
	    "SELECT gen_random_uuid(), 'many ' || n FROM generate_series(1, 501) AS n"));
	free(servers_sql(servers,
	    "INSERT INTO counter_states (client_id, epoch, day) "
	    "SELECT id, 7, current_date FROM clients WHERE name LIKE 'many %'"));
	free(servers_sql(servers,
	    "INSERT INTO chat_logs (client_id, id, created_at, verified_cost_cents) "
	    "SELECT id, (lpad(to_hex(floor(extract(epoch FROM now()) * 1000)::bigint), 12, '0') || "
	    "'70008000000000000001')::uuid, date_trunc('milliseconds', now()), 0.0000001 "
	    "FROM clients WHERE name LIKE 'many %'"));
	for (int i = 0; i < 2; i++) {
		EXPECT_TALLY(EX_OK, DONE(501), "flush", "--json");
		books_expect(servers,
		    "SELECT concat_ws(' ', count(*), sum(total_cost_cents), sum(total_requests)) "
		    "FROM daily_costs JOIN clients ON id = client_id WHERE name LIKE 'many %'",
		    "501 0.0000501 501");
		books_expect_differences(servers, "0");
		free(servers_sql(servers, "DELETE FROM daily_costs USING clients "
					  "WHERE id = client_id AND name LIKE 'many %'"));
	}
}

static void
test_without_postgres(void **state)
{
	(void)state;
	servers_signal(servers, SERVER_POSTGRES, SIGINT);
	(void)servers_wait(servers, SERVER_POSTGRES);
	EXPECT_TALLY(EX_TEMPFAIL, "PostgreSQL", "flush");
	servers_restart(servers, SERVER_POSTGRES);
	EXPECT_TALLY(EX_OK, NULL, "flush");
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
		cmocka_unit_test(test_open_day),
		cmocka_unit_test(test_batch_left_behind),
		cmocka_unit_test(test_twice_is_once),
		cmocka_unit_test(test_late_records),
		cmocka_unit_test(test_only_raises),
		cmocka_unit_test(test_late_record_of_a_closed_day),
		cmocka_unit_test(test_day_that_ended),
		cmocka_unit_test(test_without_redis),
		cmocka_unit_test(test_old_batches_are_forgotten),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_failure_of_one_client),
		cmocka_unit_test(test_many_clients),
		cmocka_unit_test(test_without_postgres),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
