/* verify names whatever is not as the log has it, of each kind of row that is kept. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/books.h"
#include "tests/random_log.h"

#define FOUND 1 /* exit status */
#define ZONE "Asia/Kathmandu" /* 5:45 east */
#define DAYS 40

static struct servers *servers;

#define OF_ROWS(dimension, grain) \
	"WHERE ctid = (SELECT ctid FROM cost_aggregates WHERE dimension = '" dimension "' " \
	"AND grain = '" grain "' ORDER BY start LIMIT 1)"
#define OF_USERS(days) \
	"WHERE ctid = (SELECT ctid FROM user_costs WHERE days = " days " ORDER BY start LIMIT 1)"
/* Midnight of the zone is at 18:15 UTC. */
#define OF_TWO_DAYS(dimension) \
	"WHERE ctid = (SELECT ctid FROM cost_aggregates WHERE dimension = '" dimension "' " \
	"AND grain = 'hour' AND extract(hour FROM start AT TIME ZONE 'UTC') = 18 LIMIT 1)"
#define OF_DAY(dimension) "\"grain\":\"day\",\"dimension\":\"" dimension "\""
#define OF_HOUR(dimension) "\"grain\":\"hour\",\"dimension\":\"" dimension "\""
#define OF_STRETCH(days) "\"book\":\"user_costs\",\"days\":" days ","

static const struct {
	const char *sentence, *sql, *named;
} breaks[] = {
	{ "cost of a feature's day",
	    "UPDATE cost_aggregates SET cost_cents = cost_cents + 1 " OF_ROWS("feature", "day"),
	    OF_DAY("feature") },
	{ "calls of an agent type's day",
	    "UPDATE cost_aggregates SET calls = calls + 1 " OF_ROWS("agent_type", "day"),
	    OF_DAY("agent_type") },
	{ "a provider's day that is gone",
	    "DELETE FROM cost_aggregates " OF_ROWS("provider", "day"), OF_DAY("provider") },
	{ "tokens of a model's day",
	    "UPDATE cost_aggregates SET tokens = tokens + 1 " OF_ROWS("model", "day"),
	    OF_DAY("model") },
	{ "failures of a day of all four",
	    "UPDATE cost_aggregates SET failed_calls = failed_calls + 1 " OF_ROWS("call", "day"),
	    OF_DAY("call") },
	{ "output of a user's day",
	    "UPDATE cost_aggregates SET output_tokens = output_tokens + 1 " OF_ROWS("user", "day"),
	    OF_DAY("user") },
	{ "cost of a tag's day",
	    "UPDATE cost_aggregates SET cost_cents = cost_cents + 1 " OF_ROWS("tag", "day"),
	    OF_DAY("tag") },
	{ "cost of a feature's hour",
	    "UPDATE cost_aggregates SET cost_cents = cost_cents + 1 " OF_ROWS("feature", "hour"),
	    OF_HOUR("feature") },
	{ "cost of a feature's hour that two days share",
	    "UPDATE cost_aggregates SET cost_cents = cost_cents + 1 " OF_TWO_DAYS("feature"),
	    OF_HOUR("feature") },
	{ "a provider's hour of two days that is gone",
	    "DELETE FROM cost_aggregates " OF_TWO_DAYS("provider"), OF_HOUR("provider") },
	{ "calls of a tag's hour of two days",
	    "UPDATE cost_aggregates SET calls = calls + 1 " OF_TWO_DAYS("tag"), OF_HOUR("tag") },
	{ "an agent type's hour that is gone",
	    "DELETE FROM cost_aggregates " OF_ROWS("agent_type", "hour"), OF_HOUR("agent_type") },
	{ "input of a provider's hour",
	    "UPDATE cost_aggregates SET input_tokens = input_tokens + 1 " OF_ROWS(
		"provider", "hour"),
	    OF_HOUR("provider") },
	{ "calls of a model's hour without a price",
	    "UPDATE cost_aggregates SET unpriced_calls = unpriced_calls + 1 " OF_ROWS(
		"model", "hour"),
	    OF_HOUR("model") },
	{ "an hour of all four that is gone",
	    "DELETE FROM cost_aggregates " OF_ROWS("call", "hour"), OF_HOUR("call") },
	{ "a user's hour that is gone", "DELETE FROM cost_aggregates " OF_ROWS("user", "hour"),
	    OF_HOUR("user") },
	{ "a tag's hour that is gone", "DELETE FROM cost_aggregates " OF_ROWS("tag", "hour"),
	    OF_HOUR("tag") },
	{ "a quarter-hour within its hour",
	    "UPDATE cost_aggregates SET quarters[1].cost_cents = quarters[1].cost_cents + 1 "
	    "WHERE ctid = (SELECT ctid FROM cost_aggregates WHERE dimension = 'call' "
	    "AND quarters IS NOT NULL ORDER BY start LIMIT 1)",
	    "\"grain\":\"quarter\",\"dimension\":\"call\"" },
	{ "cost of a user's day among users",
	    "UPDATE user_costs SET cost_nanos = cost_nanos + 1 " OF_USERS("1"), OF_STRETCH("1") },
	{ "one user's call that another has",
	    "UPDATE user_costs u SET calls = u.calls + v.more FROM (SELECT start, user_id, "
	    "CASE row_number() OVER (PARTITION BY start ORDER BY calls) WHEN 1 THEN 1 WHEN 2 THEN -1 "
	    "ELSE 0 END AS more FROM user_costs WHERE days = 1) AS v "
	    "WHERE u.days = 1 AND (u.start, u.user_id) = (v.start, v.user_id)",
	    OF_STRETCH("1") },
	{ "two days that are gone", "DELETE FROM user_costs " OF_USERS("2"), OF_STRETCH("2") },
	{ "cost of eight days", "UPDATE user_costs SET cost_nanos = cost_nanos + 1 " OF_USERS("8"),
	    OF_STRETCH("8") },
	{ "four days that are gone", "DELETE FROM user_costs " OF_USERS("4"), OF_STRETCH("4") },
	{ "calls of sixteen days", "UPDATE user_costs SET calls = calls + 1 " OF_USERS("16"),
	    OF_STRETCH("16") },
	{ "a user who never called",
	    "INSERT INTO user_costs SELECT client_id, days, start, client_id, 1, 1 FROM user_costs "
	    "WHERE days = 16 LIMIT 1",
	    OF_STRETCH("16") },
};

static void
each_row_that_is_broken_is_named(UNUSED void **state)
{
	EXPECT_TALLY(EX_OK, "\"differences\":0", "verify", "--json");
	for (size_t i = 0; i < COUNT(breaks); i++) {
		print_message("%s\n", breaks[i].sentence);
		free(servers_sql(
		    servers, "CREATE TABLE kept_rows AS SELECT * FROM cost_aggregates"));
		free(servers_sql(servers, "CREATE TABLE kept_users AS SELECT * FROM user_costs"));
		books_expect(servers, "SELECT count(*) > 0 FROM kept_users WHERE days = 16", "t");
		free(servers_sql(servers, breaks[i].sql));
		EXPECT_TALLY(FOUND, breaks[i].named, "verify", "--json");
		free(servers_sql(servers, "TRUNCATE cost_aggregates, user_costs"));
		free(servers_sql(servers, "INSERT INTO cost_aggregates TABLE kept_rows"));
		free(servers_sql(servers, "INSERT INTO user_costs TABLE kept_users"));
		free(servers_sql(servers, "DROP TABLE kept_rows, kept_users"));
	}
	EXPECT_TALLY(EX_OK, "\"differences\":0", "verify", "--json");
}

/* As rows by quarter-hour, which is how they were kept. */
static void
an_older_database_is_brought_forward(UNUSED void **state)
{
	free(servers_sql(servers,
	    "CREATE TABLE kept_rows AS SELECT client_id, dimension, grain, start, key, cost_cents, "
	    "calls, tokens, failed_calls, quarter, quarters::text FROM cost_aggregates"));
	EXPECT_TALLY(EX_OK, NULL, "migrate", "down", "--to", "20261124000000");
	books_expect(
	    servers, "SELECT count(*) > 0 FROM cost_aggregates WHERE grain = 'quarter'", "t");
	EXPECT_TALLY(EX_OK, NULL, "migrate", "up");
	books_expect(servers, "SELECT count(*) FROM cost_aggregates WHERE grain = 'quarter'", "0");
	books_expect(servers,
	    "SELECT count(*) FROM cost_aggregates a FULL JOIN kept_rows k "
	    "USING (client_id, dimension, grain, start, key) "
	    "WHERE ROW(a.cost_cents, a.calls, a.tokens, a.failed_calls, a.quarter, a.quarters::text) "
	    "IS DISTINCT FROM ROW(k.cost_cents, k.calls, k.tokens, k.failed_calls, k.quarter, k.quarters)",
	    "0");
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	EXPECT_TALLY(EX_OK, "\"differences\":0", "verify", "--json");
	free(servers_sql(servers, "DROP TABLE kept_rows"));
}

static void
late_records_change_every_row_they_are_in(UNUSED void **state)
{
	random_log_insert(servers, "acme", 2, 60, DAYS * 86400);
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	EXPECT_TALLY(EX_OK, NULL, "flush");
	EXPECT_TALLY(EX_OK, "\"differences\":0", "verify", "--json");
	books_expect(servers,
	    "SELECT sum(calls) = (SELECT count(*) FROM chat_logs) FROM user_costs WHERE days = 1",
	    "t");
}

/* The books of days have the other zone's. */
static void
expect_the_log(void)
{
	char *output;

	(void)servers_tally(servers, &output, "verify", "--json", NULL);
	assert_non_null(strstr(output, "\"book\":\"daily_costs\""));
	if (strstr(output, "cost_aggregates") != NULL || strstr(output, "user_costs") != NULL)
		fail_msg("%s", output);
	free(output);
}

static void
another_zone_has_other_days(UNUSED void **state)
{
	free(servers_sql(servers, "UPDATE clients SET timezone = 'America/St_Johns'"));
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	random_log_insert(servers, "acme", 3, 60, DAYS * 86400);
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	EXPECT_TALLY(EX_OK, NULL, "flush");
	books_expect(servers,
	    "SELECT count(*) FROM user_costs WHERE days = 1 "
	    "AND extract(minute FROM start AT TIME ZONE 'America/St_Johns') <> 0",
	    "0");
	books_expect(servers,
	    "SELECT sum(calls) = (SELECT count(*) FROM chat_logs) FROM user_costs WHERE days = 1",
	    "t");
	expect_the_log();
}

static int
set_up(UNUSED void **state)
{
	servers = servers_start(SERVER_REDIS);
	free(servers_sql(servers,
	    "INSERT INTO clients (id, name, timezone) VALUES (gen_random_uuid(), 'acme', '" ZONE
	    "')"));
	random_log_insert(servers, "acme", 1, 900, DAYS * 86400);
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	EXPECT_TALLY(EX_OK, NULL, "flush");
	return 0;
}

static int
tear_down(UNUSED void **state)
{
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_that_is_broken_is_named),
		cmocka_unit_test(an_older_database_is_brought_forward),
		cmocka_unit_test(late_records_change_every_row_they_are_in),
		cmocka_unit_test(another_zone_has_other_days),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
