/*
 * What the rollups say stays what it was: when a client gets another zone, when the database was
 * restored elsewhere, when the log is purged, and when sums by hour are.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/clock.h"
#include "lib/model/usage.h"
#include "tests/books.h"
#include "tests/db_fixture.h"

/* 5:45 east: a day begins within an hour of UTC. */
#define ZONE "Asia/Kathmandu"
#define DAYS 12
#define HOUR_DAYS 5
#define LOG_DAYS 2

static void
add_client(const char *name, const char *zone)
{
	char sql[200];

	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO clients (name, timezone, id, log_retention_days) "
	    "VALUES ('%s', '%s', gen_random_uuid(), %d)",
	    name, zone, LOG_DAYS);
	free(servers_sql(servers, sql));
}

static void
use_client(const char *name)
{
	char sql[100];
	char *id;

	(void)snprintf(sql, sizeof(sql), "SELECT id FROM clients WHERE name = '%s'", name);
	id = servers_sql(servers, sql);
	assert_true(id_parse((struct text){ id, strlen(id) }, &task.client));
	free(id);
}

static void
set_zone(const char *name, const char *zone)
{
	char sql[200];

	(void)snprintf(
	    sql, sizeof(sql), "UPDATE clients SET timezone = '%s' WHERE name = '%s'", zone, name);
	free(servers_sql(servers, sql));
}

/* A record of that time, and its batch, which names its day. */
static void
add_record(const char *client, const char *at)
{
	char sql[1200];

	(void)snprintf(sql, sizeof(sql),
	    "WITH v AS (SELECT c.id, c.timezone, %s AS at, md5(random()::text) AS digits "
	    "FROM clients c WHERE name = '%s'), "
	    "stored AS (INSERT INTO chat_logs (client_id, id, created_at, model, tags, duration_ms, "
	    "tokens_used, estimated_cost_cents) "
	    "SELECT id, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || "
	    "'70008000' || substr(digits, 1, 12))::uuid, at, 'm' || substr(digits, 1, 1), "
	    "ARRAY[substr(digits, 2, 1)], 300, 10, 0.25 FROM v) "
	    "INSERT INTO ingest_batches (client_id, id, epoch, summed_days) "
	    "SELECT id, (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || "
	    "'70008000' || substr(digits, 1, 12))::uuid, 1, ARRAY[(at AT TIME ZONE timezone)::date] "
	    "FROM v",
	    at, client);
	free(servers_sql(servers, sql));
}

/* Noon of a day of UTC, or so many hours from there. */
#define NOON(days_ago, hours) \
	"date_trunc('day', now(), 'UTC') - interval '" #days_ago " days' + interval '12 hours' " \
	"+ interval '" #hours " hours'"

#define MANY_ROWS 100000
static int rows_max = MANY_ROWS;

struct asking {
	const char *zone; /* of the buckets */
	const char *own; /* the client's zone */
	int from, until; /* days ago */
	enum usage_grain coarsest;
	enum usage_dimension by;
};

static bool
ask(const struct asking *asking, struct usage_rows *ret)
{
	struct usage_query query = { .timezone = asking->own,
		.coarsest = asking->coarsest,
		.by = { asking->by },
		.by_count = 1,
		.rows_max = rows_max };
	struct span days[2 * DAYS];
	const struct zone *zone;
	int32_t today;

	fine(zone_find(&task, asking->own, &query.zone));
	fine(zone_find(&task, asking->zone, &zone));
	today = zone_date(zone, clock_now());
	for (int ago = asking->from; ago >= asking->until; ago--)
		days[query.bucket_count++] = (struct span){ zone_day_start(zone, today - ago),
			zone_day_start(zone, today - ago + 1) };
	query.buckets = days;
	return usage_read(&task, &query, ret);
}

/* Calls of these days, of which one has the bucket. */
static int64_t
count_calls(const struct asking *asking)
{
	struct usage_rows rows;
	int64_t calls = 0;

	fine(ask(asking, &rows));
	for (size_t i = 0; i < rows.count; i++)
		calls += rows.at[i].totals.at[TOTAL_REQUESTS];
	return calls;
}

static const enum usage_dimension dimensions[] = { USAGE_MODEL, USAGE_USER, USAGE_TAG };

static void
expect_calls(struct asking asking, int64_t expected)
{
	for (size_t i = 0; i < COUNT(dimensions); i++) {
		asking.by = dimensions[i];
		assert_int_equal(count_calls(&asking), expected);
	}
}

/* The books of days are others' business. */
static void
expect_the_log(void)
{
	char *output;

	(void)servers_tally(servers, &output, "verify", "--json", NULL);
	assert_non_null(strstr(output, "\"differences\":"));
	if (strstr(output, "cost_aggregates") != NULL || strstr(output, "user_costs") != NULL)
		fail_msg("%s", output);
	free(output);
}

static void
roll_up(void)
{
	EXPECT_TALLY(EX_OK, NULL, "rollup");
}

/* Its day in Tokyo began on a day of UTC on which nothing was called. */
static void
a_new_zone_counts_nothing_twice(UNUSED void **state)
{
	const struct asking week = { "UTC", "UTC", 7, 0, USAGE_DAY, USAGE_MODEL };

	add_client("moved", "Asia/Tokyo");
	add_record("moved", NOON(4, 2));
	roll_up();
	set_zone("moved", "UTC");
	roll_up();
	use_client("moved");
	expect_calls(week, 1);
	expect_calls((struct asking){ "UTC", "UTC", 4, 4, USAGE_DAY, USAGE_MODEL }, 1);
}

/* The batch names a day of the other zone, which begins after the call. */
static void
a_zone_that_is_taken_back_hides_no_record(UNUSED void **state)
{
	add_client("wavers", "UTC");
	add_record("wavers", NOON(6, 0));
	roll_up();
	free(servers_sql(
	    servers, "UPDATE rollup_clients SET timezone_at = now() - interval '2 days'"));
	set_zone("wavers", "Pacific/Kiritimati");
	add_record("wavers", NOON(5, 0));
	set_zone("wavers", "UTC");
	roll_up();
	books_expect(servers, "SELECT count(*) FROM rollup_pending", "0");
	use_client("wavers");
	expect_calls((struct asking){ "UTC", "UTC", 5, 5, USAGE_DAY, USAGE_MODEL }, 1);
}

/* Transactions of the other cluster had other numbers: a snapshot of theirs says nothing here. */
static void
a_restored_database_collects_again(UNUSED void **state)
{
	add_client("restored", "UTC");
	add_record("restored", NOON(3, 0));
	roll_up();
	add_record("restored", NOON(3, 1));
	free(servers_sql(servers, "UPDATE rollup_state SET snapshot = pg_current_snapshot(), "
				  "cluster = 1, server_started_at = '2020-01-01'"));
	use_client("restored");
	expect_calls((struct asking){ "UTC", "UTC", 3, 3, USAGE_DAY, USAGE_MODEL }, 2);
	roll_up();
	expect_calls((struct asking){ "UTC", "UTC", 3, 3, USAGE_DAY, USAGE_MODEL }, 2);
	EXPECT_TALLY(EX_OK, "\"batches\":0,", "rollup", "--dry-run", "--json");
}

/* Nor is anything lost where the server's start was not kept yet. */
static void
a_restarted_server_goes_on(UNUSED void **state)
{
	static const char *const starts[] = { "'2020-01-01'", "NULL" };
	char sql[120];

	roll_up();
	for (size_t i = 0; i < COUNT(starts); i++) {
		snprintf(
		    sql, sizeof(sql), "UPDATE rollup_state SET server_started_at = %s", starts[i]);
		free(servers_sql(servers, sql));
		EXPECT_TALLY(EX_OK, "\"batches\":0,", "rollup", "--dry-run", "--json");
	}
	roll_up();
	books_expect(servers,
	    "SELECT server_started_at = pg_postmaster_start_time() FROM rollup_state", "t");
}

/* Whatever it is asked by, it is not read into memory as a whole. */
static void
what_was_never_rolled_up_is_limited(UNUSED void **state)
{
	struct asking asking = { "UTC", "UTC", 3, 1, USAGE_DAY, USAGE_MODEL };
	struct usage_rows rows;

	add_client("never", "UTC");
	add_record("never", NOON(3, 0));
	add_record("never", NOON(2, 0));
	use_client("never");
	rows_max = 2;
	expect_calls(asking, 2);
	add_record("never", NOON(1, 0));
	for (size_t i = 0; i < COUNT(dimensions); i++) {
		asking.by = dimensions[i];
		assert_false(ask(&asking, &rows));
		assert_int_equal(task.err.code, ERR_UNAVAILABLE);
		db_rollback(&task);
		task_clear_error(&task);
	}
	roll_up();
	rows_max = MANY_ROWS;
	expect_calls(asking, 3);
}

/* Three calls on each day, in its first and its last minutes. */
static void
fill(const char *client)
{
	static const char *const offsets[] = { "1 minute", "2 minutes", "23 hours 59 minutes" };
	char at[200];

	for (int ago = 1; ago <= DAYS; ago++) {
		for (size_t i = 0; i < COUNT(offsets); i++) {
			(void)snprintf(at, sizeof(at),
			    "date_trunc('day', now(), c.timezone) - interval '%d days' + interval '%s'",
			    ago, offsets[i]);
			add_record(client, at);
		}
	}
}

static void
expect_days(enum usage_grain coarsest, int from, int until)
{
	for (int ago = from; ago >= until; ago--)
		expect_calls((struct asking){ ZONE, ZONE, ago, ago, coarsest, USAGE_MODEL }, 3);
}

static void
expect_refused(const char *zone, const char *own, enum usage_grain coarsest, int ago)
{
	struct asking asking = { zone, own, ago, ago, coarsest, USAGE_MODEL };
	struct usage_rows rows;

	assert_false(ask(&asking, &rows));
	assert_int_equal(task.err.code, ERR_INVALID);
	assert_string_equal(task.err.fields[0].field, "since");
	db_rollback(&task);
	task_clear_error(&task);
}

static void
purged_days_say_what_they_did(UNUSED void **state)
{
	add_client("kept", ZONE);
	fill("kept");
	roll_up();
	use_client("kept");
	expect_days(USAGE_DAY, DAYS, 1);
	expect_days(USAGE_HOUR, DAYS, 1);
	EXPECT_TALLY(EX_OK, NULL, "purge");
	books_expect(servers,
	    "SELECT count(*) FROM chat_logs l JOIN clients c ON c.id = client_id "
	    "WHERE c.name = 'kept' AND l.created_at < now() - interval '6 days'",
	    "0");
	expect_days(USAGE_DAY, DAYS, 1);
	expect_days(USAGE_HOUR, HOUR_DAYS - 1, 1);
	expect_days(USAGE_QUARTER, HOUR_DAYS - 1, 1);
	expect_the_log();
	EXPECT_TALLY(EX_OK, "\"rows\":0", "purge", "--json");
}

static void
hours_are_refused_once_they_are_gone(UNUSED void **state)
{
	use_client("kept");
	expect_refused(ZONE, ZONE, USAGE_HOUR, HOUR_DAYS + 2);
	expect_refused("UTC", ZONE, USAGE_DAY, HOUR_DAYS + 2);
	books_expect(servers,
	    "SELECT concat(count(*) > 0, count(*) FILTER (WHERE start < now() - interval '7 days')) "
	    "FROM cost_aggregates a JOIN clients c ON c.id = client_id "
	    "WHERE c.name = 'kept' AND grain = 'hour'",
	    "t0");
}

/* In the hour of the last call that is gone. */
static void
a_late_record_adds_to_what_is_left_of_its_hour(UNUSED void **state)
{
	char *whole = servers_sql(servers,
	    "SELECT quote_literal(whole_from + interval '4 minutes') || '::timestamptz' "
	    "FROM rollup_clients r JOIN clients c ON c.id = client_id WHERE name = 'kept'");

	add_record("kept", whole);
	roll_up();
	use_client("kept");
	expect_calls((struct asking){ ZONE, ZONE, DAYS, 1, USAGE_DAY, USAGE_MODEL }, 3 * DAYS + 1);
	expect_calls((struct asking){ ZONE, ZONE, HOUR_DAYS - 1, 1, USAGE_HOUR, USAGE_MODEL },
	    3 * (HOUR_DAYS - 1) + 1);
	expect_calls((struct asking){ ZONE, ZONE, HOUR_DAYS - 1, 1, USAGE_QUARTER, USAGE_MODEL },
	    3 * (HOUR_DAYS - 1) + 1);
	free(whole);
}

/* Of the days that have no hours any more there are sums in the old zone only. */
static void
a_new_zone_begins_where_hours_do(UNUSED void **state)
{
	set_zone("kept", "UTC");
	roll_up();
	use_client("kept");
	expect_refused("UTC", "UTC", USAGE_DAY, HOUR_DAYS + 2);
	for (int ago = HOUR_DAYS - 1; ago >= 1; ago--) {
		struct asking asking = { "UTC", "UTC", ago, ago, USAGE_QUARTER, USAGE_MODEL };
		int64_t calls = count_calls(&asking);

		asking.coarsest = USAGE_DAY;
		expect_calls(asking, calls);
	}
	EXPECT_TALLY(EX_OK, NULL, "purge");
	expect_the_log();
}

static int
set_up(UNUSED void **state)
{
	char days[8];

	servers = servers_start(SERVER_REDIS);
	(void)snprintf(days, sizeof(days), "%d", HOUR_DAYS);
	servers_setting(servers, "hour_retention_days", days);
	/* Records of clients that keep theirs for a shorter time are removed one by one. */
	free(servers_sql(servers, "INSERT INTO clients (id, name, log_retention_days) "
				  "VALUES (gen_random_uuid(), 'long', 90)"));
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_zone_counts_nothing_twice),
		TEST(a_zone_that_is_taken_back_hides_no_record),
		TEST(a_restored_database_collects_again),
		TEST(a_restarted_server_goes_on),
		TEST(what_was_never_rolled_up_is_limited),
		TEST(purged_days_say_what_they_did),
		TEST(hours_are_refused_once_they_are_gone),
		TEST(a_late_record_adds_to_what_is_left_of_its_hour),
		TEST(a_new_zone_begins_where_hours_do),
	};

	return cmocka_run_group_tests(tests, set_up, stop_postgres);
}
