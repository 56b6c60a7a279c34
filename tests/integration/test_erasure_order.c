/* Erasures beside what goes on meanwhile: records on their way, and what may be done to the audit
 * log. */
#include "tests/test.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/erasing.h"
#include "tests/process.h"

#define MARK "mark-of-the-person"

static const char *client;

static void
a_record_that_was_on_its_way_is_nobodys(UNUSED void **state)
{
	const char *record = "{\"external_user_id\":\"the-late-one\",\"message_length\":5}";
	const char *id;

	client = erasing_use_client("erasure-late");
	api_add("/v1/chat-logs", record);
	id = api_keep("user_id");
	erasing_run("--external-id", "the-late-one");
	api_expect(201, "POST", "/v1/chat-logs", record);
	assert_string_equal(api_json("user_id"), "null");
	assert_string_equal(api_json("user_tier"), "null");
	api_expect(201, "POST", "/v1/authorizations",
	    "{\"external_user_id\":\"the-late-one\",\"max_cost_cents\":0.1}");
	api_send(
	    "POST", "/v1/chat-logs", NULL, api_text("{\"user_id\":\"%s\",\"input_tokens\":1}", id));
	api_expect_field("an id that is no more is refused", "user_id");
	erasing_expect_nowhere(id);
	erasing_expect_nowhere("the-late-one");
	/* Who is added by hand is meant to be there. */
	assert_string_equal(api_add("/v1/users", "{\"external_id\":\"the-late-one\"}"), id);
	api_expect(201, "POST", "/v1/chat-logs", record);
	assert_string_equal(api_json("user_id"), id);
}

static PGconn *
connect_as(const char *role)
{
	PGconn *db = PQconnectdb(servers_database_url(api_servers(), role));

	assert_int_equal(PQstatus(db), CONNECTION_OK);
	return db;
}

static void
run(PGconn *db, const char *sql)
{
	PGresult *result = PQexec(db, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(db));
	PQclear(result);
}

/* Whether so many wait for a row that somebody has. */
static bool
somebody_waits(void *query)
{
	return strcmp(api_sql("SELECT count(*) FROM pg_stat_activity\n"
			      "WHERE wait_event_type = 'Lock' AND query LIKE '%s'",
			  (const char *)query),
		   "1") == 0;
}

/* The transaction of the write path is open while the erasure comes to its end. */
static void
what_is_stored_meanwhile_is_erased_too(UNUSED void **state)
{
	static char waits[] = "%FOR UPDATE";
	struct process process = {
		.argv = { getenv("TALLY"), "-c", servers_conf(api_servers()), "erase", NULL },
	};
	PGconn *db = connect_as("postgres");
	const char *id;
	pid_t pid;

	client = erasing_use_client("erasure-meanwhile");
	id = erasing_add_user("erasure-meanwhile");
	api_expect(202, "POST", api_text("/v1/users/%s/erase", id), "{}");
	api_expect(409, "POST", api_text("/v1/users/%s/restore", id), NULL);
	run(db, "BEGIN");
	run(db,
	    api_text("INSERT INTO chat_logs (client_id, id, created_at, user_id, metadata,\n"
		     "verified_cost_cents)\n"
		     "VALUES ('%s', gen_random_uuid(), now(), '%s', '{\"of\": \"" MARK "\"}', 1)",
		client, id));
	pid = process_start(&process);
	assert_true(servers_await(somebody_waits, waits));
	run(db, "COMMIT");
	assert_int_equal(process_wait(pid, 30000), 0);
	erasing_expect_nowhere(id);
	erasing_expect_nowhere(MARK);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM chat_logs WHERE client_id = '%s'", client), "1");
	PQfinish(db);
}

/* Who makes the user again, and waits for the row that the erasure removes, does not get it. */
static void
who_waits_for_the_erasure_does_not_undo_it(UNUSED void **state)
{
	static char waits[] = "INSERT INTO users%";
	PGconn *eraser = connect_as("postgres"), *maker = connect_as("postgres");
	PGresult *result;
	const char *id;

	client = erasing_use_client("erasure-race");
	id = erasing_add_user("erasure-race");
	run(eraser, "BEGIN");
	run(eraser,
	    api_text("INSERT INTO erasures (client_id, id, origin, requested_at, erased_at)\n"
		     "VALUES ('%s', '%s', 'api', now(), now())",
		client, client));
	run(eraser,
	    api_text("INSERT INTO erased_users VALUES ('%s', erased_hash('%s', '%s'), '%s', now())",
		client, client, id, client));
	run(eraser, api_text("DELETE FROM users WHERE id = '%s'", id));
	assert_int_equal(PQsendQuery(maker,
			     api_text("INSERT INTO users (client_id, id, external_id)\n"
				      "VALUES ('%s', '%s', 'erasure-race') ON CONFLICT DO NOTHING",
				 client, id)),
	    1);
	assert_true(servers_await(somebody_waits, waits));
	run(eraser, "COMMIT");
	result = PQgetResult(maker);
	assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "23503");
	PQclear(result);
	PQfinish(maker);
	PQfinish(eraser);
	assert_string_equal(api_sql("SELECT count(*) FROM users WHERE id = '%s'", id), "0");
}

/* Nothing but what says who it was, and by nobody but the job. */
static void
the_audit_log_is_redacted_and_not_rewritten(UNUSED void **state)
{
	static const struct {
		const char *sentence, *role, *sql;
		bool refused;
	} changes[] = {
		{ "an action is not changed", "tally_owner", "action = 'x', redacted_at = now()",
		    true },
		{ "a value is not replaced", "tally_owner",
		    "after = '{\"email\": \"x\"}', redacted_at = now()", true },
		{ "nor taken away without a trace", "tally_owner", "after = NULL", true },
		{ "the job takes nothing away by itself", "tally_worker",
		    "after = NULL, redacted_at = now()", true },
		{ "nor does the service", "tally_app", "after = NULL, redacted_at = now()", true },
		{ "what says who it was may go", "tally_owner",
		    "after = NULL, entity_id = NULL, redacted_at = now()", false },
	};

	client = erasing_use_client("erasure-audit");
	erasing_add_user("erasure-audit");
	for (size_t i = 0; i < COUNT(changes); i++) {
		PGconn *db = connect_as(changes[i].role);
		PGresult *result;

		run(db, api_text("SET app.client_id = '%s'", client));
		result = PQexec(db, api_text("UPDATE audit_log SET %s WHERE client_id = '%s'",
					changes[i].sql, client));
		if ((PQresultStatus(result) != PGRES_COMMAND_OK) != changes[i].refused)
			fail_msg("%s: %s", changes[i].sentence, PQerrorMessage(db));
		PQclear(result);
		PQfinish(db);
	}
	assert_string_equal(
	    api_sql("SELECT action FROM audit_log WHERE client_id = '%s'", client), "add");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_that_was_on_its_way_is_nobodys),
		cmocka_unit_test(what_is_stored_meanwhile_is_erased_too),
		cmocka_unit_test(who_waits_for_the_erasure_does_not_undo_it),
		cmocka_unit_test(the_audit_log_is_redacted_and_not_rewritten),
	};

	return cmocka_run_group_tests(tests, erasing_start, api_stop);
}
