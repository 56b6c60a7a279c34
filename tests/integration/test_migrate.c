/* The runner of migrations, on a database of its own and files written by the tests. */
#include "tests/test.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base.h"
#include "tests/servers.h"
#include "worker/migrate.h"

#define FIRST "20260101000000_first.sql"
#define SECOND "20260102000000_second.sql"
#define THIRD "20260103000000_third.sql"

static const char first[] =
    "-- What it is for.\n\n-- migrate:up\n\nCREATE TABLE one (n bigint);\n\n"
    "-- migrate:down\n\nDROP TABLE one;\n";
static const char second[] = "-- migrate:up\nCREATE TABLE two (n bigint);\n"
			     "-- migrate:down\nDROP TABLE two;\n";

static struct servers *servers;
static char *folder;
static char *scratch_url; /* the superuser's */

static void
write_file(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
remove_file(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

/* One value from the scratch database, as text. */
static char *
sql(const char *text)
{
	PGconn *conn = PQconnectdb(scratch_url);
	PGresult *result = PQexec(conn, text);
	char *value;

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", text, PQerrorMessage(conn));
	value = strdup(PQgetvalue(result, 0, 0));
	PQclear(result);
	PQfinish(conn);
	return value;
}

static void
assert_sql(const char *text, const char *expected)
{
	char *value = sql(text);

	assert_string_equal(value, expected);
	free(value);
}

static void
assert_tables(const char *expected)
{
	assert_sql("SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class"
		   " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
	    expected);
}

/* Fails the test unless tally ends with the status and says the text. */
static void
expect(int status, const char *said, const char *action, const char *option, const char *value)
{
	char *output;
	int ended = servers_tally(servers, &output, "migrate", action, option, value, NULL);

	if (ended != status || strstr(output, said) == NULL)
		fail_msg("migrate %s: %d, %s", action, ended, output);
	free(output);
}

static void
init(void)
{
	char *output;

	if (servers_tally(servers, &output, "db", "init", "--superuser-url",
		servers_database_url(servers, "postgres"), NULL) != 0)
		fail_msg("%s", output);
	free(output);
}

static int
begin(void **state)
{
	(void)state;
	if (asprintf(&folder, "%s/scratch-XXXXXX", servers_folder(servers)) < 0 ||
	    mkdtemp(folder) == NULL)
		return 1;
	free(servers_sql(servers, "DROP DATABASE IF EXISTS scratch WITH (FORCE)"));
	servers_setting(servers, "migrations_dir", folder);
	init();
	write_file(FIRST, first);
	write_file(SECOND, second);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	free(folder);
	return 0;
}

static void
test_up_and_down_go_where_they_are_told(void **state)
{
	(void)state;
	expect(EX_OK, FIRST, "up", "--to", "20260101000000");
	assert_tables("one schema_migrations");
	expect(EX_OK, SECOND, "up", NULL, NULL);
	assert_tables("one schema_migrations two");
	expect(EX_OK, "", "up", NULL, NULL);
	expect(EX_OK, SECOND, "down", NULL, NULL);
	assert_tables("one schema_migrations");
	expect(EX_OK, SECOND, "up", NULL, NULL);
	expect(EX_OK, SECOND, "redo", NULL, NULL);
	assert_tables("one schema_migrations two");
	expect(EX_OK, SECOND, "down", "--to", "20260101000000");
	assert_tables("one schema_migrations");
	expect(EX_OK, FIRST, "down", "--to", "0");
	assert_tables("schema_migrations");
	expect(EX_DATAERR, "no migration", "redo", NULL, NULL);
}

static void
test_a_version_between_is_applied_late(void **state)
{
	(void)state;
	remove_file(FIRST);
	expect(EX_OK, SECOND, "up", NULL, NULL);
	write_file(FIRST, first);
	expect(EX_OK, FIRST, "up", NULL, NULL);
	assert_tables("one schema_migrations two");
	/* Down takes versions back, not the order in which they came. */
	expect(EX_OK, SECOND, "down", NULL, NULL);
	assert_tables("one schema_migrations");
}

static void
test_a_wrong_command_is_refused(void **state)
{
	(void)state;
	expect(EX_USAGE, "no such version", "up", "--to", "20260101000001");
	expect(EX_USAGE, "whole number", "up", "--to", "last");
	expect(EX_USAGE, "redo", "sideways", NULL, NULL);
	expect(EX_USAGE, "--to with up and down", "redo", "--to", "20260101000000");
	expect(EX_USAGE, "--to with up and down", "status", "--to", "20260101000000");
	assert_tables("");
}

static void
test_an_edited_file_is_refused(void **state)
{
	(void)state;
	expect(EX_OK, FIRST, "up", "--to", "20260101000000");
	write_file(FIRST, "-- migrate:up\nCREATE TABLE other (n bigint);\n-- migrate:down\n");
	expect(EX_DATAERR, FIRST " was edited", "up", NULL, NULL);
	expect(EX_DATAERR, FIRST " was edited", "down", NULL, NULL);
	expect(EX_DATAERR, FIRST " was edited", "up", "--dry-run", NULL);
	assert_tables("one schema_migrations");
	expect(COMMAND_FOUND, "edited", "status", NULL, NULL);
}

static void
test_a_missing_file_is_refused(void **state)
{
	(void)state;
	expect(EX_OK, SECOND, "up", NULL, NULL);
	remove_file(FIRST);
	expect(EX_DATAERR, "20260101000000", "up", NULL, NULL);
	expect(COMMAND_FOUND, "missing", "status", NULL, NULL);
	assert_tables("one schema_migrations two");
}

static void
test_status_tells_what_is_applied(void **state)
{
	(void)state;
	expect(EX_OK, "pending", "status", NULL, NULL);
	assert_tables("");
	expect(EX_OK, FIRST, "up", "--to", "20260101000000");
	expect(EX_OK, "applied", "status", NULL, NULL);
	expect(EX_OK, "pending", "status", NULL, NULL);
	expect(EX_OK, "\"state\":\"applied\"", "status", "--json", NULL);
	assert_sql("SELECT count(*) FROM schema_migrations", "1");
}

static void
test_a_dry_run_changes_nothing(void **state)
{
	(void)state;
	expect(EX_OK, FIRST, "up", "--dry-run", NULL);
	assert_tables("");
	expect(EX_OK, SECOND, "up", NULL, NULL);
	expect(EX_OK, SECOND, "down", "--dry-run", NULL);
	expect(EX_OK, SECOND, "redo", "--dry-run", NULL);
	assert_tables("one schema_migrations two");
	assert_sql("SELECT count(*) FROM schema_migrations", "2");
}

static void
test_a_file_that_fails_leaves_nothing(void **state)
{
	(void)state;
	write_file(THIRD, "-- migrate:up\nCREATE TABLE three (n bigint);\nSELECT FROM nowhere;\n"
			  "-- migrate:down\n");
	expect(EX_SOFTWARE, THIRD " could not be applied", "up", NULL, NULL);
	assert_tables("one schema_migrations two");
	assert_sql("SELECT count(*) FROM schema_migrations", "2");
	write_file(THIRD, "-- migrate:up\nCREATE TABLE three (n bigint);\nCOMMIT;\n"
			  "-- migrate:down\n");
	expect(EX_USAGE, "ended the transaction", "up", NULL, NULL);
}

static void
test_a_file_may_do_without_a_transaction(void **state)
{
	(void)state;
	write_file(THIRD, "-- migrate:no-transaction\n-- migrate:up\n"
			  "CREATE INDEX CONCURRENTLY two_n ON two (n);\n"
			  "-- migrate:down\nDROP INDEX CONCURRENTLY IF EXISTS two_n;\n");
	expect(EX_OK, THIRD, "up", NULL, NULL);
	assert_sql("SELECT to_regclass('two_n') IS NOT NULL", "t");
	expect(EX_OK, THIRD, "down", NULL, NULL);
	assert_sql("SELECT to_regclass('two_n') IS NOT NULL", "f");
}

static void *
go_up(void *ret)
{
	char *output;
	int *status = ret;

	*status = servers_tally(servers, &output, "migrate", "up", NULL);
	free(output);
	return NULL;
}

static bool
both_wait(void *context)
{
	char *waiting = sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
			    " AND NOT granted");
	bool both = strcmp(waiting, "2") == 0;

	(void)context;
	free(waiting);
	return both;
}

/* Both have come to the lock before either may go on: the second finds nothing left to do. */
static void
test_two_runners_take_turns(void **state)
{
	PGconn *conn = PQconnectdb(scratch_url);
	pthread_t threads[2];
	int statuses[2] = { -1, -1 };
	char lock[80];

	(void)state;
	snprintf(lock, sizeof(lock), "SELECT pg_advisory_lock(%lld)", (long long)MIGRATE_LOCK_KEY);
	PQclear(PQexec(conn, lock));
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, go_up, &statuses[i]), 0);
	assert_true(servers_await(both_wait, NULL));
	PQfinish(conn);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(statuses[i], EX_OK);
	}
	assert_tables("one schema_migrations two");
	assert_sql("SELECT count(*) FROM schema_migrations", "2");
}

static int
start(void **state)
{
	char *owner;

	(void)state;
	servers = servers_start(SERVER_POSTGRES);
	if (asprintf(&owner, "postgresql://tally_owner@/scratch?host=%s/pg",
		servers_folder(servers)) < 0 ||
	    asprintf(&scratch_url, "postgresql://postgres@/scratch?host=%s/pg",
		servers_folder(servers)) < 0)
		return 1;
	servers_setting(servers, "database_owner_url", owner);
	free(owner);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	free(scratch_url);
	servers_stop(servers);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_up_and_down_go_where_they_are_told),
		TEST(test_a_version_between_is_applied_late),
		TEST(test_a_wrong_command_is_refused),
		TEST(test_an_edited_file_is_refused),
		TEST(test_a_missing_file_is_refused),
		TEST(test_status_tells_what_is_applied),
		TEST(test_a_dry_run_changes_nothing),
		TEST(test_a_file_that_fails_leaves_nothing),
		TEST(test_a_file_may_do_without_a_transaction),
		TEST(test_two_runners_take_turns),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
