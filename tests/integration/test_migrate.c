/* The runner of migrations, on a database of its own and files written by the tests. */
#include "tests/test.h"

#include <ftw.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

static const struct {
	const char *sentence;
	const char *name;
	const char *text;
	const char *said;
} bad_files[] = {
	{ "a short version", "2026_x.sql", first, "is not named" },
	{ "no name", "20260109000000_.sql", first, "is not named" },
	{ "no version", "x.sql", first, "is not named" },
	{ "a version twice", "20260101000000_again.sql", first, "the same version" },
	{ "no part down", THIRD, "-- migrate:up\nSELECT 1;\n", "lacks" },
	{ "no part up", THIRD, "-- migrate:down\nSELECT 1;\n", "behind" },
	{ "an empty file", THIRD, "", "lacks" },
	{ "two parts up", THIRD, "-- migrate:up\n-- migrate:up\n-- migrate:down\n",
	    "more than one" },
	{ "two parts down", THIRD, "-- migrate:up\n-- migrate:down\n-- migrate:down\n",
	    "wants one" },
	{ "a statement in front", THIRD, "SELECT 1;\n-- migrate:up\n-- migrate:down\n", "before" },
};

static void
test_a_bad_file_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_files); i++) {
		write_file(bad_files[i].name, bad_files[i].text);
		print_message("%s\n", bad_files[i].sentence);
		expect(EX_USAGE, bad_files[i].said, "up", NULL, NULL);
		expect(EX_USAGE, bad_files[i].name, "status", NULL, NULL);
		remove_file(bad_files[i].name);
	}
	assert_tables("");
}

static void
test_a_file_too_large_is_refused(void **state)
{
	char *text = malloc((1 << 20) + 2);

	(void)state;
	memset(text, ' ', (1 << 20) + 1);
	text[(1 << 20) + 1] = '\0';
	memcpy(text, "--", 2);
	write_file(THIRD, text);
	expect(EX_USAGE, "larger than", "up", NULL, NULL);
	free(text);
}

static void
test_no_folder_and_no_file_are_told(void **state)
{
	(void)state;
	remove_file(FIRST);
	remove_file(SECOND);
	expect(EX_USAGE, "has no migrations", "up", NULL, NULL);
	servers_setting(servers, "migrations_dir", "/nonexistent");
	expect(EX_USAGE, "/nonexistent", "up", NULL, NULL);
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

static void
expect_db(int status, const char *said, const char *action)
{
	char *output;
	int ended = servers_tally(servers, &output, "db", action, "--superuser-url",
	    servers_database_url(servers, "postgres"), NULL);

	if (ended != status || strstr(output, said) == NULL)
		fail_msg("db %s: %d, %s", action, ended, output);
	free(output);
}

static void
test_the_database_is_made_once_and_dropped_in_development(void **state)
{
	(void)state;
	expect_db(EX_OK, "exists", "init");
	expect_db(EX_OK, SECOND, "reset");
	assert_tables("one schema_migrations two");
	assert_sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'scratch'",
	    "tally_owner");
	assert_sql("SELECT count(*) FROM pg_roles WHERE rolname IN"
		   " ('tally_owner', 'tally_app', 'tally_worker')"
		   " AND rolcanlogin AND NOT rolsuper AND NOT rolbypassrls",
	    "3");
	assert_sql("SELECT has_database_privilege('tally_app', 'scratch', 'TEMP')"
		   " OR has_schema_privilege('tally_app', 'public', 'CREATE')",
	    "f");
	servers_setting(servers, "development", "false");
	expect_db(EX_NOPERM, "development", "drop");
	expect_db(EX_NOPERM, "development", "reset");
	assert_tables("one schema_migrations two");
	servers_setting(servers, "development", "true");
	expect_db(EX_OK, "dropped", "drop");
	expect_db(EX_OK, "dropped", "drop");
	expect_db(EX_USAGE, "init, drop or reset", "burn");
}

static void
test_a_database_of_another_name_is_refused(void **state)
{
	static const char *const names[] = { "", "Books", "a\\\"b", "postgres", "template1" };
	char *url;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		if (asprintf(&url, "host=%s/pg user=postgres dbname='%s'", servers_folder(servers),
			names[i]) < 0)
			abort();
		servers_setting(servers, "database_owner_url", url);
		expect_db(EX_USAGE, "", "drop");
		free(url);
	}
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
		TEST(test_a_bad_file_is_named),
		TEST(test_a_file_too_large_is_refused),
		TEST(test_no_folder_and_no_file_are_told),
		TEST(test_two_runners_take_turns),
		TEST(test_the_database_is_made_once_and_dropped_in_development),
		TEST(test_a_database_of_another_name_is_refused),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
