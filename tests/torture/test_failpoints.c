/*
 * Each place in the jobs at which the torture kills them is there, and what died there leaves
 * nothing that the next run does not mend.
 */
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"
#include "tests/process.h"
#include "tests/torture/faults.h"
#include "tests/torture/torture.h"

#define OLD 100 /* days: longer than the log is kept */

static struct servers *servers;

static int
start(void **state)
{
	torture_use_programs();
	api_start(state);
	servers = api_servers();
	/* It keeps its log for as long as the settings say, the others shorter. */
	api_use_new_client("kept");
	return 0;
}

/* For flush: a count, and a day that got a late record. For purge: a session, a day to be closed
 * and its partition, and records of a client that keeps them shorter. */
static void
make_work(const char *name)
{
	const char *day = api_sql("SELECT now()::date - %d", OLD);
	const char *yesterday = api_sql("SELECT to_char(now() - interval '1 day', "
					"'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");

	api_use_new_client(name);
	api_add("/v1/chat-logs", "{\"message_length\":1,\"verified_cost_cents\":3}");
	api_add(
	    "/v1/chat-logs", api_text("{\"message_length\":1,\"created_at\":\"%s\"}", yesterday));
	api_sql("INSERT INTO sessions (client_id, id, token_hash, expires_at) "
		"SELECT id, id, sha256(name::bytea), now() - interval '1 day' FROM clients "
		"WHERE name = '%s'",
	    name);
	api_sql("UPDATE clients SET log_retention_days = 5 WHERE name = '%s'", name);
	EXPECT_TALLY(0, NULL, "partitions", "--from", day, "--to", day);
	books_insert(servers, name, OLD, 2);
	books_insert(servers, name, 20, 2);
}

/* For reconcile: a day and a count that are above the log. */
static void
make_drift(const char *name)
{
	const char *id = api_sql("SELECT id FROM clients WHERE name = '%s'", name);

	EXPECT_TALLY(0, NULL, "flush");
	api_sql("UPDATE daily_costs SET total_cost_cents = total_cost_cents + 1 "
		"WHERE client_id = '%s'",
	    id);
	free(servers_redis(servers,
	    api_sql("SELECT 'HINCRBY tally:{' || client_id || '}:' || epoch || ':d:' || day || "
		    "' 0 1' FROM counter_states WHERE client_id = '%s'",
		id)));
}

/* For erase, and for purge after the grace period: a person with records, and one who is nobody's
 * from then on. */
static void
make_persons(const char *name)
{
	const char *asked, *deleted;

	api_add(
	    "/v1/chat-logs", api_text("{\"external_user_id\":\"erased-%s\",\"message_length\":1,"
				      "\"verified_cost_cents\":3}",
				 name));
	asked = api_keep("user_id");
	api_expect(202, "POST", api_text("/v1/users/%s/erase", asked), "{}");
	deleted = api_add("/v1/users", api_text("{\"external_id\":\"deleted-%s\"}", name));
	api_sql("UPDATE users SET deleted_at = now() - interval '1 year' WHERE id = '%s'", deleted);
}

static void
expect_no_persons(const char *name)
{
	EXPECT_TALLY(0, NULL, "erase");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM users WHERE external_id LIKE '%%-%s'", name), "0");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM chat_logs l JOIN clients c ON c.id = l.client_id\n"
		    "WHERE c.name = '%s' AND user_id IS NOT NULL",
		name),
	    "0");
	assert_string_equal(
	    api_sql(
		"SELECT string_agg(concat(origin, removed ->> 'chat_logs', removed ->> 'users'),\n"
		"' ' ORDER BY origin) FROM erasures e JOIN clients c ON c.id = e.client_id\n"
		"WHERE c.name = '%s' AND finished_at IS NOT NULL",
		name),
	    "api11 purge1");
}

static void
die_at(const struct faults_place *place)
{
	struct process process = {
		.argv = { getenv("TALLY"), "-c", servers_conf(servers), place->job },
		.environment = api_text("TALLY_FAILPOINT=%s:1", place->name),
	};
	char *output;
	int status = process_run(&process, &output);

	if (status != 128 + SIGKILL)
		fail_msg("%s: %d %s", place->name, status, output);
	free(output);
}

static char *
run_full_reconcile(void)
{
	char *output;

	(void)servers_tally(servers, &output, "reconcile", "--full", NULL);
	return output;
}

static void
what_died_anywhere_is_mended(UNUSED void **state)
{
	for (int i = 0; i < faults_place_count; i++) {
		const struct faults_place *place = &faults_places[i];

		if (place->job == NULL)
			continue;
		make_work(place->name);
		make_persons(place->name);
		if (strcmp(place->job, "reconcile") == 0)
			make_drift(place->name);
		/* No day is closed before it is rolled up. */
		if (strcmp(place->job, "purge") == 0)
			EXPECT_TALLY(0, NULL, "rollup");
		die_at(place);
		EXPECT_TALLY(0, NULL, "flush");
		/* It may find drift that was there before; when it has ended, there is none. */
		free(run_full_reconcile());
		EXPECT_TALLY(0, "drift_cents 0", "reconcile", "--full");
		EXPECT_TALLY(0, NULL, "rollup");
		EXPECT_TALLY(0, NULL, "purge");
		EXPECT_TALLY(0, NULL, "verify");
		expect_no_persons(place->name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_died_anywhere_is_mended),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
