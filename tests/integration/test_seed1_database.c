/*
 * The first seed's database layer, by its own steps: configuration and pool (Task 1.1.1) and what
 * the schema must do (Task 1.1.2).
 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/conf.h"
#include "tests/db_fixture.h"

/* "Database configuration loads from environment": from one file here, and credentials of systemd.
 */
static void
configuration_is_loaded(void **state)
{
	struct conf conf;

	(void)state;
	fine(conf_read(&task, servers_conf(servers), &conf));
	assert_non_null(strstr(conf.database_url, "tally_app"));
}

/* "Pool settings": 20 and 2, and the times that the seed has. */
static void
the_pool_has_the_seeds_settings(void **state)
{
	struct conf conf;

	(void)state;
	fine(conf_read(&task, "/dev/null", &conf));
	assert_int_equal(conf.database_pool_max, 20);
	assert_int_equal(conf.database_pool_min, 2);
	assert_int_equal(conf.database_idle_timeout_ms, 30000);
	assert_int_equal(conf.database_connect_timeout_ms, 2000);
}

/* "SELECT NOW() as time, version() as version" */
static void
can_execute_queries(void **state)
{
	struct db_rows *rows;

	(void)state;
	fine(db_query_one(&task, "SELECT now() AS time, version() AS version", NULL, &rows));
	assert_true(db_time(rows, 0, 0) > 0);
	assert_non_null(strstr(db_text(rows, 0, 1), "PostgreSQL"));
	fine(db_commit(&task));
}

static void
make_table(void)
{
	free(servers_sql(servers, "DROP TABLE IF EXISTS seed1;"
				  "CREATE TABLE seed1 (n bigint PRIMARY KEY);"
				  "GRANT ALL ON seed1 TO tally_worker"));
}

/* "Transaction helper works": BEGIN comes with the first query. */
static void
a_transaction_is_committed_or_rolled_back(void **state)
{
	(void)state;
	make_table();
	fine(db_query(&task, "INSERT INTO seed1 VALUES (1)", NULL, NULL));
	fine(db_commit(&task));
	fine(db_query(&task, "INSERT INTO seed1 VALUES (2)", NULL, NULL));
	db_rollback(&task);
	assert_int_equal(number("SELECT sum(n)::bigint FROM seed1"), 1);
	db_rollback(&task);
	/* An error takes all of it back, and the connection serves the next. */
	fine(db_query(&task, "INSERT INTO seed1 VALUES (3)", NULL, NULL));
	fails(db_query(&task, "INSERT INTO seed1 VALUES (1)", NULL, NULL), ERR_CONFLICT);
	assert_int_equal(number("SELECT sum(n)::bigint FROM seed1"), 1);
}

/* "Error handling functional": a server that is not there is an error, not an end. */
static void
a_failed_connection_is_told(void **state)
{
	struct db_pool_settings with = settings("tally_worker");

	(void)state;
	with.url = "postgresql:///tally?host=/nowhere";
	use(&with);
	fails(db_query(&task, "SELECT 1", NULL, NULL), ERR_UNAVAILABLE);
	with = settings("tally_worker");
	use(&with);
	assert_int_equal(number("SELECT 1::bigint"), 1);
}

static bool
is_closed(void *context)
{
	int64_t open = number("SELECT count(*) FROM pg_stat_activity "
			      "WHERE application_name = 'seed1-close'");

	(void)context;
	db_rollback(&task);
	return open == 0;
}

/* "Connection pool closes cleanly", and closing what is closed is nothing. */
static void
the_pool_closes_repeatedly(void **state)
{
	struct db_pool_settings with = settings("tally_worker");

	(void)state;
	with.application = "seed1-close";
	use(&with);
	assert_int_equal(number("SELECT 1::bigint"), 1);
	db_rollback(&task);
	for (int i = 0; i < 3; i++) {
		db_pool_free(pool);
		pool = task.pool = NULL;
	}
	with.application = "test_db";
	use(&with);
	assert_true(servers_await(is_closed, NULL));
}

/* One value each, in a client of its own. */
#define CLIENT "'00000000-0000-7000-8000-000000000051'"
#define USER "'00000000-0000-7000-8000-000000000052'"
#define SESSION "'00000000-0000-7000-8000-000000000053'"
static const struct {
	const char *sentence, *sql, *value;
} schema[] = {
	{ "all 4 tables created",
	    "SELECT count(*) FROM unnest(ARRAY['users', 'sessions', 'chat_logs', 'daily_costs']) "
	    "AS t WHERE to_regclass(t) IS NOT NULL",
	    "4" },
	{ "all indexes created: by address, tier, account; user, token, expiry; user, session",
	    "SELECT count(*) FROM unnest(ARRAY['users_email', 'users_tier', 'users_oauth', "
	    "'sessions_user_id', 'sessions_token_hash', 'sessions_expires_at', "
	    "'chat_logs_user_id', 'chat_logs_session_id', 'daily_costs_pkey']) AS i "
	    "WHERE to_regclass(i) IS NOT NULL",
	    "9" },
	{ "can insert data",
	    "INSERT INTO clients (id, name) VALUES (" CLIENT ", 'seed1'); "
	    "INSERT INTO users (client_id, id, email, password_hash, tier) "
	    "VALUES (" CLIENT ", " USER ", 'test@example.com', 'hashed_password', 'free') "
	    "RETURNING tier",
	    "free" },
	{ "can query data", "SELECT count(*) FROM users WHERE email = 'test@example.com'", "1" },
	{ "constraints working: unique",
	    "DO $$ BEGIN INSERT INTO users (client_id, id, email) "
	    "VALUES (" CLIENT ", gen_random_uuid(), 'test@example.com'); "
	    "EXCEPTION WHEN unique_violation THEN RETURN; END $$; "
	    "SELECT count(*) FROM users WHERE client_id = " CLIENT,
	    "1" },
	{ "constraints working: check",
	    "DO $$ BEGIN UPDATE users SET tier = 'gold' WHERE client_id = " CLIENT "; "
	    "EXCEPTION WHEN check_violation THEN RETURN; END $$; "
	    "SELECT tier FROM users WHERE client_id = " CLIENT,
	    "free" },
	{ "triggers working (updated_at)",
	    "UPDATE users SET tier = 'premium' WHERE client_id = " CLIENT "; "
	    "SELECT updated_at > created_at FROM users WHERE client_id = " CLIENT,
	    "t" },
	{ "soft delete field present",
	    "SELECT count(*) FROM users WHERE client_id = " CLIENT " AND deleted_at IS NULL", "1" },
	{ "foreign key cascades work: sessions go, logs stay without the user",
	    "INSERT INTO sessions (client_id, id, user_id, token_hash, expires_at) "
	    "VALUES (" CLIENT ", " SESSION ", " USER ", sha256('t'), now()); "
	    "INSERT INTO chat_logs (client_id, id, created_at, user_id, session_id) "
	    "VALUES (" CLIENT ", gen_random_uuid(), now(), " USER ", " SESSION "); "
	    "DELETE FROM users WHERE client_id = " CLIENT "; "
	    "SELECT concat((SELECT count(*) FROM sessions WHERE client_id = " CLIENT "), "
	    "(SELECT count(*) FROM chat_logs WHERE client_id = " CLIENT "), "
	    "(SELECT count(*) FROM chat_logs WHERE client_id = " CLIENT
	    " AND num_nonnulls(user_id, session_id) > 0))",
	    "010" },
	{ "times have a zone, where the seed's have none",
	    "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public' "
	    "AND data_type = 'timestamp without time zone'",
	    "0" },
};

static void
the_schema_does_what_the_seed_asks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(schema) / sizeof(schema[0]); i++) {
		char *value = servers_sql(servers, schema[i].sql);

		if (strcmp(value, schema[i].value) != 0)
			fail_msg("%s: %s", schema[i].sentence, value);
		free(value);
	}
}

/* "Migration system functional": the seed runs every file again each time. */
static void
migrations_run_once(void **state)
{
	char *before = servers_sql(servers, "SELECT count(*) FROM schema_migrations"), *after,
	     *output;

	(void)state;
	assert_int_equal(servers_tally(servers, &output, "migrate", "up", NULL), 0);
	after = servers_sql(servers, "SELECT count(*) FROM schema_migrations");
	assert_string_equal(after, before);
	free(output);
	free(after);
	free(before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(configuration_is_loaded),
		TEST(the_pool_has_the_seeds_settings),
		TEST(can_execute_queries),
		TEST(a_transaction_is_committed_or_rolled_back),
		TEST(a_failed_connection_is_told),
		TEST(the_pool_closes_repeatedly),
		TEST(the_schema_does_what_the_seed_asks),
		TEST(migrations_run_once),
	};

	return cmocka_run_group_tests(tests, start_postgres, stop_postgres);
}
