#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tests/books.h"
#include "tests/servers.h"

/*
 * Two clients: short keeps its log for 2 days, long for 8, and so do the settings. Both have
 * records of each of the last 15 days.
 */
#define DAYS 15
#define RECORDS 3

/* The day on which the test began, also when it ends meanwhile. */
#define UTC_DAY(days_ago) "((SELECT day FROM test_today) - " #days_ago ")"
#define COUNT_RECORDS(name, days_ago) \
	"SELECT count(*) FROM chat_logs JOIN clients c ON c.id = client_id WHERE name = '" name \
	"' AND (chat_logs.created_at AT TIME ZONE 'UTC')::date = " UTC_DAY(days_ago)
#define COUNT_PARTITIONS(days_ago) \
	"SELECT count(*) FROM pg_class WHERE relname = day_partition_name('chat_logs', " UTC_DAY( \
	    days_ago) ")"
/* An authorization of the client long on that day. */
#define INSERT_AUTHORIZATION(days_ago, user) \
	"INSERT INTO authorizations (client_id, id, created_at, expires_at, user_id) " \
	"SELECT id, gen_random_uuid(), " UTC_DAY(days_ago) "::timestamptz + interval '12 hours', " UTC_DAY( \
	    days_ago) "::timestamptz + interval '13 hours', " user " " \
		      "FROM clients WHERE name = 'long' RETURNING 1"

static struct servers *servers;

static void
make_partitions(void)
{
	char *from = servers_sql(servers, "SELECT now()::date - 16");
	char *to = servers_sql(servers, "SELECT now()::date - 1");

	EXPECT_TALLY(EX_OK, NULL, "partitions", "--from", from, "--to", to);
	books_expect(servers,
	    "SELECT count(*) FROM pg_inherits WHERE inhparent = 'chat_logs'::regclass",
	    "25"); /* 16 past days, today, 7 ahead, and the default */
	EXPECT_TALLY(EX_OK, "\"rows\":0", "partitions", "--from", from, "--to", to, "--json");
	free(from);
	free(to);
}

static void
test_partitions(void **state)
{
	(void)state;
	make_partitions();
	books_insert(servers, "long", 40, 5);
	books_expect(servers, "SELECT count(*) FROM chat_logs_default", "5");
	EXPECT_TALLY(EX_OK, "\"rows\":1", "partitions", "--dry-run", "--json");
	books_expect(servers, "SELECT count(*) FROM chat_logs_default", "5");
	EXPECT_TALLY(EX_OK, "\"rows\":1", "partitions", "--json");
	books_expect(servers, "SELECT count(*) FROM chat_logs_default", "0");
	books_expect(servers, COUNT_RECORDS("long", 40), "5");
	books_expect(servers, COUNT_PARTITIONS(40), "1");
}

static void
test_dry_run(void **state)
{
	(void)state;
	for (int i = 0; i < DAYS; i++) {
		books_insert(servers, "short", i, RECORDS);
		books_insert(servers, "long", i, RECORDS);
	}
	EXPECT_TALLY(EX_OK, "dropped false", "purge", "--dry-run");
	books_expect(servers, "SELECT count(*) FROM chat_logs", "95");
	books_expect(servers, "SELECT count(*) FROM daily_costs", "0");
	books_expect(servers, COUNT_PARTITIONS(14), "1");
}

/* A day that flush has yet to sum stays open, and with it its partition. */
static void
test_waiting_day(void **state)
{
	(void)state;
	free(servers_sql(servers,
	    "INSERT INTO ingest_batches (client_id, id, epoch, late_days) "
	    "SELECT id, '01890000-0000-7000-8000-000000000009', 1, ARRAY[" UTC_DAY(
		13) "] FROM clients WHERE name = 'long'"));
	/* So do those behind it, and all as long as they are not rolled up. */
	EXPECT_TALLY(EX_OK, NULL, "purge");
	books_expect(servers, COUNT_PARTITIONS(14), "1");
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	EXPECT_TALLY(EX_OK, NULL, "purge");
	books_expect(servers, COUNT_PARTITIONS(14), "0");
	books_expect(servers, COUNT_PARTITIONS(13), "1");
	books_expect(servers, COUNT_PARTITIONS(12), "1");
	books_expect(servers, COUNT_RECORDS("long", 13), "3");
	books_expect(servers,
	    "SELECT count(*) FROM daily_costs JOIN clients c ON c.id = client_id "
	    "WHERE name = 'long' AND date = " UTC_DAY(13),
	    "0");
	EXPECT_TALLY(EX_OK, NULL, "flush");
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	EXPECT_TALLY(EX_OK, NULL, "purge");
	books_expect(servers, COUNT_PARTITIONS(13), "0");
	books_expect(servers, COUNT_PARTITIONS(40), "0");
}

static void
test_only_closed_days(void **state)
{
	(void)state;
	/* Every day that lost records is closed, and its row holds what was there. */
	books_expect(servers,
	    "SELECT count(*) FROM daily_costs WHERE closed_at IS NOT NULL "
	    "AND (total_requests, total_cost_cents, total_tokens) NOT IN ((3, 0.75, 30), "
	    "(5, 1.25, 50))",
	    "0");
	books_expect(servers, COUNT_RECORDS("short", 7), "0");
	books_expect(servers, COUNT_RECORDS("long", 7), "3");
	books_expect(servers, COUNT_PARTITIONS(7), "1");
	books_expect(servers, COUNT_RECORDS("short", 1), "3");
	books_expect(servers,
	    "SELECT count(*) FROM daily_costs WHERE closed_at IS NULL AND date < " UTC_DAY(12),
	    "0");
	books_expect(servers,
	    "SELECT sum(total_requests) FROM daily_costs JOIN clients c ON c.id = client_id "
	    "WHERE name = 'short' AND closed_at IS NOT NULL AND date <= " UTC_DAY(5),
	    "30");
	/* What is left was put into the log uncounted, and is no business of purge. */
	EXPECT_TALLY(1, NULL, "reconcile", "--full");
	EXPECT_TALLY(EX_OK, "\"differences\":0", "verify", "--json");
}

static void
test_again(void **state)
{
	char *before;

	(void)state;
	/* What it finds equal is marked once. */
	EXPECT_TALLY(EX_OK, NULL, "reconcile", "--full");
	before = servers_sql(servers, "SELECT max(updated_at) FROM daily_costs");
	EXPECT_TALLY(EX_OK, "\"rows\":0,\"bytes\":0", "purge", "--json");
	EXPECT_TALLY(EX_OK, NULL, "flush");
	EXPECT_TALLY(EX_OK, NULL, "reconcile", "--full");
	books_expect(servers, "SELECT max(updated_at) FROM daily_costs", before);
	free(before);
}

static void
test_expired_things(void **state)
{
	(void)state;
	free(servers_sql(servers,
	    "INSERT INTO users (client_id, id, email, deleted_at) "
	    "SELECT c.id, md5('u' || n)::uuid, 'u' || n || '@example.org', "
	    "CASE n WHEN 1 THEN now() - interval '31 days' WHEN 2 THEN now() - interval '29 days' "
	    "END FROM clients c, generate_series(1, 3) AS n WHERE name = 'long'"));
	free(servers_sql(servers,
	    "INSERT INTO sessions (client_id, id, token_hash, expires_at, revoked_at) "
	    "SELECT c.id, md5('s' || n)::uuid, sha256(n::text::bytea), "
	    "now() + (n - 2) * interval '1 hour', CASE n WHEN 3 THEN now() END "
	    "FROM clients c, generate_series(1, 4) AS n WHERE name = 'long'"));
	free(servers_sql(servers,
	    "INSERT INTO auth_tokens (client_id, id, public_id, token_hash, name, expires_at) "
	    "SELECT c.id, md5('t' || n)::uuid, 'public-' || n, sha256(n::text::bytea), 'token', "
	    "CASE n WHEN 1 THEN now() - interval '1 minute' WHEN 2 THEN now() + interval '1 hour' "
	    "END FROM clients c, generate_series(1, 3) AS n WHERE name = 'long'"));
	free(servers_sql(servers,
	    "INSERT INTO idempotency_keys (client_id, key, request_hash, created_at) "
	    "SELECT c.id, n, sha256(n::text::bytea), now() - n * interval '13 hours' "
	    "FROM clients c, generate_series(1, 2) AS n WHERE name = 'long'"));
	free(servers_sql(servers,
	    "UPDATE chat_logs SET user_id = md5('u1')::uuid FROM clients c "
	    "WHERE c.id = client_id AND name = 'long' AND chat_logs.created_at > now() - "
	    "interval '2 days'"));
	free(servers_sql(servers, INSERT_AUTHORIZATION(1, "md5('u1')::uuid")));
	free(servers_sql(servers, INSERT_AUTHORIZATION(1, "md5('u2')::uuid")));
	EXPECT_TALLY(EX_OK, "\"at_least\":1", "purge", "--dry-run", "--json");
	books_expect(servers, "SELECT count(*) FROM users", "3");
	EXPECT_TALLY(EX_OK, NULL, "purge");
	books_expect(servers, "SELECT string_agg(email, ' ' ORDER BY email) FROM users",
	    "u2@example.org u3@example.org");
	/* The one that was revoked is shown until its time is over. */
	books_expect(servers, "SELECT count(*) FROM sessions", "2");
	books_expect(servers, "SELECT count(*) FROM auth_tokens", "2");
	books_expect(servers, "SELECT count(*) FROM idempotency_keys", "1");
	books_expect(servers, "SELECT count(*) FROM chat_logs WHERE user_id IS NOT NULL", "0");
	books_expect(servers,
	    "SELECT string_agg(coalesce(email, 'nobody'), ' ' ORDER BY email) "
	    "FROM authorizations a LEFT JOIN users u ON u.id = a.user_id",
	    "u2@example.org nobody");
	books_expect(servers, COUNT_RECORDS("long", 1), "3");
	books_expect(
	    servers, "SELECT removed ->> 'chat_logs' FROM erasures WHERE origin = 'purge'", "6");
	books_expect(servers,
	    "SELECT count(*) FROM audit_log WHERE action = 'erase' AND entity = 'erasures'", "1");
}

#define COUNT_AUTHORIZATIONS(table) "SELECT count(*) FROM " table

/* They need no closed day: nothing is summed from them. */
static void
test_authorizations(void **state)
{
	char *before = servers_sql(servers, COUNT_AUTHORIZATIONS("authorizations"));

	(void)state;
	books_expect(servers,
	    "SELECT count(*) FROM pg_inherits WHERE inhparent = 'authorizations'::regclass",
	    "9"); /* today, 7 ahead, and the default */
	free(servers_sql(servers, INSERT_AUTHORIZATION(12, "NULL")));
	free(servers_sql(servers, INSERT_AUTHORIZATION(8, "NULL")));
	EXPECT_TALLY(EX_OK, "\"table\":\"authorizations\"", "partitions", "--json");
	books_expect(servers, COUNT_AUTHORIZATIONS("authorizations_default"), "0");
	EXPECT_TALLY(EX_OK, "\"dropped\":false", "purge", "--dry-run", "--json");
	EXPECT_TALLY(EX_OK, "\"dropped\":true", "purge", "--json");
	books_expect(
	    servers, COUNT_AUTHORIZATIONS("authorizations WHERE created_at < " UTC_DAY(10)), "0");
	books_expect(
	    servers, COUNT_AUTHORIZATIONS("authorizations WHERE created_at < " UTC_DAY(7)), "1");
	books_expect(servers,
	    COUNT_AUTHORIZATIONS("authorizations WHERE created_at >= " UTC_DAY(7)), before);
	free(before);
}

/*
 * A record at noon is of the day after it where the clocks are 14 hours ahead: its partition waits
 * for that day, and for no other of the client's.
 */
static void
test_day_of_another_zone(void **state)
{
	(void)state;
	EXPECT_TALLY(
	    EX_OK, NULL, "client", "create", "--name=east", "--timezone=Pacific/Kiritimati");
	free(servers_sql(servers,
	    "INSERT INTO chat_logs (client_id, id, created_at) "
	    "SELECT id, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') "
	    "|| '70008000000000000001')::uuid, at "
	    "FROM clients, (SELECT " UTC_DAY(20) "::timestamptz + interval '12 hours' AS at) AS v "
						 "WHERE name = 'east'"));
	free(servers_sql(servers,
	    "INSERT INTO ingest_batches (client_id, id, epoch, late_days) "
	    "SELECT id, '01890000-0000-7000-8000-000000000019', 1, ARRAY[" UTC_DAY(
		19) "] FROM clients WHERE name = 'east'"));
	EXPECT_TALLY(EX_OK, "\"rows\":1", "partitions", "--json");
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	EXPECT_TALLY(EX_OK, "\"open_days\":1", "purge", "--json");
	books_expect(servers, COUNT_PARTITIONS(20), "1");
	EXPECT_TALLY(EX_OK, NULL, "flush");
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	EXPECT_TALLY(EX_OK, "\"open_days\":0", "purge", "--json");
	books_expect(servers, COUNT_PARTITIONS(20), "0");
	books_expect(servers,
	    "SELECT count(*) FROM daily_costs JOIN clients c ON c.id = client_id "
	    "WHERE name = 'east' AND total_requests = 1 AND date = " UTC_DAY(19),
	    "1");
}

/* In Cuba the clocks go back from one to midnight: the first of the two hours is of the new day,
 * too. */
static void
test_midnight_that_comes_twice(void **state)
{
	(void)state;
	EXPECT_TALLY(EX_OK, NULL, "client", "create", "--name=cuba", "--timezone=America/Havana");
	EXPECT_TALLY(EX_OK, NULL, "partitions", "--from", "2025-11-01", "--to", "2025-11-02");
	free(servers_sql(servers,
	    "INSERT INTO chat_logs (client_id, id, created_at) "
	    "SELECT c.id, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') "
	    "|| '70008000000000000001')::uuid, at "
	    "FROM clients c, unnest(ARRAY['2025-11-01 12:00Z', '2025-11-02 04:30Z']::timestamptz[]) AS at "
	    "WHERE name = 'cuba'"));
	free(servers_sql(servers,
	    "INSERT INTO ingest_batches (client_id, id, epoch, late_days) "
	    "SELECT id, '01890000-0000-7000-8000-000000000020', 1, ARRAY['2025-11-02'::date] "
	    "FROM clients WHERE name = 'cuba'"));
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	EXPECT_TALLY(EX_OK, NULL, "purge", "--json");
	books_expect(servers,
	    "SELECT string_agg(date::text, ' ') FROM daily_costs JOIN clients c ON c.id = client_id "
	    "WHERE name = 'cuba' AND closed_at IS NOT NULL",
	    "2025-11-01");
	books_expect(servers, "SELECT to_regclass('chat_logs_20251102') IS NOT NULL", "t");
	EXPECT_TALLY(EX_OK, NULL, "flush");
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	EXPECT_TALLY(EX_OK, NULL, "purge", "--json");
	books_expect(servers, "SELECT to_regclass('chat_logs_20251102') IS NOT NULL", "f");
	books_expect(servers,
	    "SELECT total_requests FROM daily_costs JOIN clients c ON c.id = client_id "
	    "WHERE name = 'cuba' AND date = '2025-11-02'",
	    "1");
}

static int
start(void **state)
{
	(void)state;
	servers = servers_start(SERVER_REDIS);
	free(servers_sql(
	    servers, "CREATE TABLE test_today AS SELECT (now() AT TIME ZONE 'UTC')::date AS day"));
	servers_setting(servers, "log_retention_days", "8");
	EXPECT_TALLY(EX_OK, NULL, "client", "create", "--name=short", "--log-retention-days=2");
	EXPECT_TALLY(EX_OK, NULL, "client", "create", "--name=long");
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
		cmocka_unit_test(test_partitions),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_waiting_day),
		cmocka_unit_test(test_only_closed_days),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_expired_things),
		cmocka_unit_test(test_authorizations),
		cmocka_unit_test(test_day_of_another_zone),
		cmocka_unit_test(test_midnight_that_comes_twice),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
