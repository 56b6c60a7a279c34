/*
 * The second seed's verification: user isolation at database level, tokens that go with their user,
 * migrations, the pool. Its credits and agent sessions have tests of their own.
 */
#include "tests/test.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/conf.h"
#include "tests/api.h"

/* One tenant with two users, and the session of each. */
static const char *client, *users[2], *sessions[2];

static int
start(void **state)
{
	api_start(state);
	api_use_new_client("seed2");
	client = api_sql("SELECT id FROM clients WHERE name = 'seed2'");
	for (int i = 0; i < 2; i++) {
		users[i] =
		    api_add("/v1/users", api_text("{\"email\":\"user%d@example.com\"}", i + 1));
		sessions[i] = api_add("/v1/sessions", api_text("{\"user_id\":\"%s\"}", users[i]));
	}
	return 0;
}

/* As the service: with a context, in one transaction. */
static PGconn *
connect_as(const char *role, const char *client_id, const char *user_id)
{
	PGconn *db = PQconnectdb(servers_database_url(api_servers(), role));
	const char *sql = api_text("BEGIN; SELECT set_config('app.client_id', '%s', true), "
				   "set_config('app.user_id', '%s', true)",
	    client_id, user_id);

	PQclear(PQexec(db, sql));
	assert_int_equal(PQtransactionStatus(db), PQTRANS_INTRANS);
	return db;
}

/* The first value; kept until the program ends. */
static const char *
value_of(PGconn *db, const char *sql)
{
	PGresult *result = PQexec(db, sql);
	const char *kept;

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(db));
	kept = api_text("%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	return kept;
}

static const char *
sessions_seen(const char *client_id, const char *user_id)
{
	PGconn *db = connect_as("tally_app", client_id, user_id);
	const char *seen =
	    value_of(db, "SELECT coalesce(string_agg(id::text, ' '), 'none') FROM sessions");

	PQfinish(db);
	return seen;
}

/* 'enforces user isolation at database level': "User 1 should only see their own sessions". */
static void
enforces_user_isolation_at_database_level(UNUSED void **state)
{
	assert_string_equal(sessions_seen(client, users[0]), sessions[0]);
	assert_string_equal(sessions_seen(client, users[1]), sessions[1]);
	/* The seed's statement fails without a context; here it sees nothing. */
	assert_string_equal(sessions_seen("", ""), "none");
}

/* The seed's policies are for four tables; here every table with users has one, for writing too. */
static void
a_user_cannot_write_what_is_anothers(UNUSED void **state)
{
	PGconn *db = connect_as("tally_app", client, users[0]);
	PGresult *result;

	result = PQexec(
	    db, api_text("UPDATE sessions SET revoked_at = now() WHERE id = '%s'", sessions[1]));
	assert_string_equal(PQcmdTuples(result), "0");
	PQclear(result);
	result =
	    PQexec(db, api_text("UPDATE users SET tier = 'premium' WHERE id = '%s'", users[1]));
	assert_string_equal(PQcmdTuples(result), "0");
	PQclear(result);
	result = PQexec(
	    db, api_text("INSERT INTO sessions (client_id, id, user_id, token_hash, expires_at)\n"
			 "VALUES ('%s', gen_random_uuid(), '%s', sha256('x'), now())",
		    client, users[1]));
	assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "42501");
	PQclear(result);
	PQfinish(db);
}

/* "SET LOCAL app.current_user_id = $1" takes no parameter, and outside of a transaction does
 * nothing; here the context is of one transaction, and the next on the same connection has none. */
static void
the_context_ends_with_its_transaction(UNUSED void **state)
{
	PGconn *db = connect_as("tally_app", client, users[0]);

	assert_string_equal(value_of(db, "SELECT count(*) FROM sessions"), "1");
	PQclear(PQexec(db, "COMMIT"));
	assert_string_equal(value_of(db, "SELECT count(*) FROM sessions"), "0");
	PQfinish(db);
}

/* Owners bypass policies that are not forced. */
static void
policies_hold_for_the_owner_of_the_tables(UNUSED void **state)
{
	assert_string_equal(api_sql("SELECT coalesce(string_agg(relname, ' '), '') FROM pg_class\n"
				    "WHERE relname IN ('users', 'sessions', 'auth_tokens',\n"
				    "'credit_accounts', 'credit_transactions')\n"
				    "AND NOT (relrowsecurity AND relforcerowsecurity)"),
	    "");
	assert_string_equal(
	    api_sql("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = 'tally_app'"),
	    "f");
}

/* "Prevent enumeration attacks": ids are UUIDs with 62 random bits behind the time. */
static void
ids_cannot_be_counted_up(UNUSED void **state)
{
	assert_string_equal(api_sql("SELECT count(DISTINCT right(id::text, 15)) FROM users\n"
				    "WHERE client_id = '%s' AND id::text LIKE '%%-7%%'",
				client),
	    "2");
}

/* "user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE" */
static void
tokens_go_with_their_user(UNUSED void **state)
{
	const char *user = api_add("/v1/users", "{\"email\":\"tokens@example.com\"}");

	api_sql("INSERT INTO auth_tokens (client_id, id, public_id, token_hash, name, user_id)\n"
		"VALUES ('%s', gen_random_uuid(), 'seed2-token', sha256('t'), 'mine', '%s')",
	    client, user);
	api_sql("DELETE FROM users WHERE id = '%s'", user);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM auth_tokens WHERE public_id = 'seed2-token'"), "0");
}

/* "Audit Trails: Track all user account changes" */
static void
user_account_changes_are_tracked(UNUSED void **state)
{
	const char *user = api_add("/v1/users", "{\"email\":\"audit@example.com\"}");

	api_expect(200, "PATCH", api_text("/v1/users/%s", user), "{\"tier\":\"premium\"}");
	api_expect(204, "DELETE", api_text("/v1/users/%s", user), NULL);
	assert_string_equal(api_sql("SELECT string_agg(action, ' ' ORDER BY id) FROM audit_log\n"
				    "WHERE entity = 'users' AND entity_id = '%s'",
				user),
	    "add change remove");
}

/* "Migration already applied": each is recorded and run once, with the checksum
 * of its file where the seed has a name. */
static void
a_migration_that_was_applied_is_not_run_again(UNUSED void **state)
{
	const char *before = api_sql("SELECT max(applied_at) FROM schema_migrations");
	char *output;

	assert_int_equal(servers_tally(api_servers(), &output, "migrate", "up", NULL), 0);
	free(output);
	assert_string_equal(api_sql("SELECT max(applied_at) FROM schema_migrations"), before);
	assert_string_equal(api_sql("SELECT count(*) FROM schema_migrations\n"
				    "WHERE num_nulls(version, checksum, applied_at) > 0"),
	    "0");
}

/* "max: 100, min: 10" and its four time limits are settings, in milliseconds there as here. */
static void
the_pool_takes_the_seeds_settings(UNUSED void **state)
{
	static const struct {
		const char *key, *value;
	} lines[] = {
		{ "database_pool_max", "100" },
		{ "database_pool_min", "10" },
		{ "database_acquire_timeout_ms", "30000" },
		{ "database_idle_timeout_ms", "600000" },
		{ "database_statement_timeout_ms", "300000" },
		{ "database_connect_timeout_ms", "10000" },
	};
	struct task task;
	struct conf conf;

	for (size_t i = 0; i < COUNT(lines); i++)
		servers_setting(api_servers(), lines[i].key, lines[i].value);
	task_init(&task, arena_new());
	assert_true(conf_read(&task, servers_conf(api_servers()), &conf));
	assert_int_equal(conf.database_pool_max, 100);
	assert_int_equal(conf.database_pool_min, 10);
	assert_int_equal(conf.database_acquire_timeout_ms, 30000);
	assert_int_equal(conf.database_idle_timeout_ms, 600000);
	assert_int_equal(conf.database_statement_timeout_ms, 300000);
	assert_int_equal(conf.database_connect_timeout_ms, 10000);
	arena_free(task.arena);
}

/* "Materialized view for dashboard metrics": a view of the rollups here, which keep what the log
 * does not. */
static void
dashboard_metrics_have_the_hours(UNUSED void **state)
{
	char *output;

	api_add("/v1/chat-logs", "{\"tokens_used\":15000,\"verified_cost_cents\":375,"
				 "\"message_length\":1}");
	assert_int_equal(servers_tally(api_servers(), &output, "rollup", NULL), 0);
	free(output);
	assert_string_equal(api_sql("SELECT concat_ws(' ', sum(calls), sum(completed_calls),\n"
				    "sum(total_tokens), sum(cost_cents)::bigint)\n"
				    "FROM dashboard_metrics WHERE client_id = '%s'",
				client),
	    "1 1 15000 375");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enforces_user_isolation_at_database_level),
		cmocka_unit_test(a_user_cannot_write_what_is_anothers),
		cmocka_unit_test(the_context_ends_with_its_transaction),
		cmocka_unit_test(policies_hold_for_the_owner_of_the_tables),
		cmocka_unit_test(ids_cannot_be_counted_up),
		cmocka_unit_test(tokens_go_with_their_user),
		cmocka_unit_test(user_account_changes_are_tracked),
		cmocka_unit_test(a_migration_that_was_applied_is_not_run_again),
		cmocka_unit_test(dashboard_metrics_have_the_hours),
		cmocka_unit_test(the_pool_takes_the_seeds_settings),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
