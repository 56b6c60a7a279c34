/* tally alerts: thresholds that budgets reach, each told once. */
#include "tests/test.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/books.h"
#include "tests/process.h"
#include "tests/servers.h"

#define KEYS \
	"SELECT string_agg(concat_ws(' ', payload->>'budget_name', payload->>'bucket',\n" \
	"payload->>'measure', payload->>'threshold_percent'), ', '\n" \
	"ORDER BY payload->>'bucket', payload->>'measure',\n" \
	"(payload->>'threshold_percent')::integer)\n" \
	"FROM alerts"

static struct servers *servers;

static int
start(UNUSED void **state)
{
	servers = servers_start(SERVER_REDIS);
	EXPECT_TALLY(
	    EX_OK, NULL, "client", "create", "--name", "acme", "--timezone", servers_noon());
	EXPECT_TALLY(EX_OK, NULL, "client", "create", "--name", "other");
	return 0;
}

static int
stop(UNUSED void **state)
{
	servers_stop(servers);
	return 0;
}

static int
begin(UNUSED void **state)
{
	free(
	    servers_sql(servers, "DELETE FROM alerts; DELETE FROM chat_logs; DELETE FROM budgets;\n"
				 "DELETE FROM webhooks"));
	return 0;
}

static void
run(const char *rows)
{
	char expected[40];

	(void)snprintf(expected, sizeof expected, "\"rows\":%s,", rows);
	EXPECT_TALLY(EX_OK, expected, "alerts", "--json");
}

static void
expect(const char *sql, const char *expected)
{
	books_expect(servers, sql, expected);
}

/* A budget a day of acme, in requests; each NULL: one bucket. */
static void
set_budget(const char *limit, const char *mode, const char *each)
{
	char *output;
	int status = servers_tally(servers, &output, "budget", "set", "--client", "acme", "--name",
	    "b", "--window", "day", "--limit-requests", limit, "--mode", mode,
	    each != NULL ? "--each" : NULL, each, NULL);

	if (status != EX_OK)
		fail_msg("%s", output);
	free(output);
}

static void
each_threshold_is_told_once(UNUSED void **state)
{
	set_budget("10", "hard", NULL);
	run("0");
	books_insert(servers, "acme", 0, 4);
	run("0");
	books_insert(servers, "acme", 0, 1);
	run("1");
	run("0");
	expect(KEYS, "b requests 50");
	books_insert(servers, "acme", 0, 6);
	run("2");
	run("0");
	expect(KEYS, "b requests 50, b requests 80, b requests 100");
	expect("SELECT count(*) FROM alerts WHERE kind = 'budget.threshold'\n"
	       "AND client_id = (SELECT id FROM clients WHERE name = 'acme')",
	    "3");
	expect("SELECT payload - 'budget_id' - 'window_start' - 'resets_at' FROM alerts\n"
	       "ORDER BY id LIMIT 1",
	    "{\"each\": null, \"mode\": \"hard\", \"scope\": {}, \"bucket\": null, \"window\": "
	    "\"day\", \"measure\": \"requests\", \"budget_name\": \"b\", \"limit_requests\": 10, "
	    "\"spent_requests\": 5, \"threshold_percent\": 50}");
}

static void
every_measure_is_told(UNUSED void **state)
{
	set_budget("4", "shadow", NULL);
	free(servers_sql(
	    servers, "UPDATE budgets SET limit_tokens = 30, limit_cents = 1, thresholds = '{75}'"));
	books_insert(servers, "acme", 0, 3);
	run("3");
	expect(KEYS, "b cost 75, b requests 75, b tokens 75");
	expect(
	    "SELECT string_agg(concat_ws(' ', payload->>'mode', payload->>'limit_cents',\n"
	    "payload->>'spent_cents', payload->>'limit_tokens', payload->>'spent_tokens'), ', '\n"
	    "ORDER BY payload->>'measure') FROM alerts WHERE payload->>'measure' <> 'requests'",
	    "shadow 1 0.75, shadow 30 30");
}

/* A limit that is raised makes room; what was told in the window is not told again. */
static void
a_raised_limit_is_not_told_again(UNUSED void **state)
{
	set_budget("2", "hard", NULL);
	books_insert(servers, "acme", 0, 1);
	run("1");
	set_budget("10", "hard", NULL);
	books_insert(servers, "acme", 0, 4);
	run("0");
	free(servers_sql(servers, "UPDATE budgets SET limit_requests = NULL, limit_cents = 1,\n"
				  "override_cents = 2, override_until = now() + interval '1 day'"));
	run("0");
	free(servers_sql(servers, "UPDATE budgets SET override_until = now()"));
	run("3");
}

/* A window that is over keeps its alerts, and the next one has its own. */
static void
the_next_window_is_told_again(UNUSED void **state)
{
	set_budget("2", "soft", NULL);
	books_insert(servers, "acme", 0, 2);
	run("3");
	free(servers_sql(servers,
	    "UPDATE alerts SET created_at = created_at - interval '1 day',\n"
	    "key = replace(key, to_char(window_start AT TIME ZONE 'UTC', 'YYYY-MM-DD'),\n"
	    "to_char(window_start AT TIME ZONE 'UTC' - interval '1 day', 'YYYY-MM-DD'))\n"
	    "FROM (SELECT (payload->>'window_start')::timestamptz AS window_start FROM alerts\n"
	    "LIMIT 1) AS w"));
	run("3");
	run("0");
}

static void
each_bucket_is_told(UNUSED void **state)
{
	set_budget("2", "hard", "feature");
	books_insert(servers, "acme", 0, 5);
	run("0");
	free(servers_sql(servers, "UPDATE chat_logs SET feature = 'chat'"));
	books_insert(servers, "acme", 0, 1);
	free(servers_sql(servers, "UPDATE chat_logs SET feature = 'mail' WHERE feature IS NULL"));
	run("4");
	run("0");
	expect(KEYS, "b chat requests 50, b chat requests 80, b chat requests 100, "
		     "b mail requests 50");
}

/* More than one portion of the list. */
static void
many_buckets_are_told(UNUSED void **state)
{
	set_budget("1", "hard", "feature");
	books_insert(servers, "acme", 0, 400);
	free(servers_sql(servers, "UPDATE chat_logs SET feature = id::text"));
	run("1200");
	run("0");
}

static void
a_dry_run_tells_nobody(UNUSED void **state)
{
	set_budget("1", "hard", NULL);
	books_insert(servers, "acme", 0, 1);
	EXPECT_TALLY(EX_OK, "\"rows\":3,", "alerts", "--dry-run", "--json");
	expect("SELECT count(*) FROM alerts", "0");
}

/* A webhook gets what it wants; one of another client, one that is not active, or wants something
 * else, nothing. */
static void
an_alert_is_due_at_the_webhooks_that_want_it(UNUSED void **state)
{
	set_budget("1", "hard", NULL);
	books_insert(servers, "acme", 0, 1);
	free(servers_sql(servers,
	    "INSERT INTO webhooks (client_id, id, url, secret, events, active)\n"
	    "SELECT c.id, gen_random_uuid(), 'https://' || n, repeat('s', 32),\n"
	    "CASE n WHEN 3 THEN '{counter.drift}' ELSE '{counter.drift,budget.threshold}' END\n"
	    "::text[], n <> 2\n"
	    "FROM clients AS c, generate_series(1, 3) AS n WHERE name = 'acme'\n"
	    "UNION ALL SELECT id, gen_random_uuid(), 'https://4', repeat('s', 32),\n"
	    "'{budget.threshold}', true FROM clients WHERE name = 'other'"));
	/* The host resolves to 0.0.0.1, which is refused: nothing is sent. */
	EXPECT_TALLY(EX_OK, NULL, "alerts");
	expect("SELECT string_agg(DISTINCT url, ' ') || count(*) FROM webhook_deliveries AS d\n"
	       "JOIN webhooks AS w ON w.id = webhook_id",
	    "https://13");
}

/* Two at once on one database: the lock of the job keeps one of them away, the key the rest. */
static void
two_at_once_tell_once(UNUSED void **state)
{
	pid_t pids[4];

	set_budget("1", "hard", "feature");
	books_insert(servers, "acme", 0, 100);
	free(servers_sql(servers, "UPDATE chat_logs SET feature = id::text"));
	for (size_t i = 0; i < COUNT(pids); i++)
		pids[i] = servers_start_tally(servers, "alerts");
	for (size_t i = 0; i < COUNT(pids); i++)
		assert_int_equal(process_wait(pids[i], 30000), 0);
	run("0");
	expect("SELECT count(*) FROM alerts", "300");
}

static void
the_channel_hears_of_it(UNUSED void **state)
{
	redisContext *redis = redisConnectUnix(servers_redis_url(servers) + strlen("unix:"));
	char *client = servers_sql(servers, "SELECT id FROM clients WHERE name = 'acme'");
	redisReply *reply = redisCommand(redis, "SUBSCRIBE tally:{%s}:events", client);

	assert_non_null(reply);
	freeReplyObject(reply);
	set_budget("2", "hard", NULL);
	books_insert(servers, "acme", 0, 1);
	run("1");
	assert_int_equal(redisGetReply(redis, (void **)&reply), REDIS_OK);
	assert_int_equal(reply->elements, 3);
	assert_non_null(strstr(reply->element[2]->str, "\"type\":\"budget.threshold\""));
	assert_non_null(strstr(reply->element[2]->str, "\"threshold_percent\":50"));
	freeReplyObject(reply);
	redisFree(redis);
	free(client);
}

/* Nobody need hear it: the outbox has it. */
static void
it_is_told_without_redis(UNUSED void **state)
{
	set_budget("2", "hard", NULL);
	books_insert(servers, "acme", 0, 1);
	servers_signal(servers, SERVER_REDIS, SIGKILL);
	(void)servers_wait(servers, SERVER_REDIS);
	run("1");
	servers_restart(servers, SERVER_REDIS);
	run("0");
}

/* Each webhook's address is refused, so that nothing is sent. */
#define MANY_SQL \
	"INSERT INTO webhooks (client_id, id, url, secret, events)\n" \
	"SELECT c.id, md5(n::text)::uuid, 'https://127.0.0.1', repeat('s', 32), '{counter.drift}'\n" \
	"FROM clients AS c, generate_series(1, 1001) AS n WHERE name = 'acme';\n" \
	"INSERT INTO alerts (client_id, id, kind, payload, created_at)\n" \
	"SELECT id, id, 'counter.drift', '{}', now() FROM clients WHERE name = 'acme';\n" \
	"INSERT INTO webhook_deliveries (client_id, alert_id, webhook_id, next_attempt_at)\n" \
	"SELECT client_id, client_id, id, now() FROM webhooks"

static void
a_run_makes_so_many_attempts(UNUSED void **state)
{
	free(servers_sql(servers, MANY_SQL));
	run("1000");
	run("1");
	run("0");
}

static void
so_many_dead_are_shown(UNUSED void **state)
{
	int lines = 0;
	char *output;

	free(servers_sql(servers, MANY_SQL));
	free(servers_sql(
	    servers, "UPDATE webhook_deliveries SET next_attempt_at = NULL, dead_at = now()"));
	assert_int_equal(
	    servers_tally(servers, &output, "alerts", "--dead", "--json", NULL), EX_OK);
	for (const char *at = output; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 500);
	free(output);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_threshold_is_told_once),
		TEST(every_measure_is_told),
		TEST(a_raised_limit_is_not_told_again),
		TEST(the_next_window_is_told_again),
		TEST(each_bucket_is_told),
		TEST(many_buckets_are_told),
		TEST(a_dry_run_tells_nobody),
		TEST(an_alert_is_due_at_the_webhooks_that_want_it),
		TEST(two_at_once_tell_once),
		TEST(the_channel_hears_of_it),
		TEST(it_is_told_without_redis),
		TEST(a_run_makes_so_many_attempts),
		TEST(so_many_dead_are_shown),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
