/* tally db: roles, database and rights, made by a superuser; dropped in development only. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/servers.h"

static struct servers *servers;

static void
expect(int status, const char *said, const char *action)
{
	char *output;
	int ended = servers_tally(servers, &output, "db", action, "--superuser-url",
	    servers_database_url(servers, "postgres"), NULL);

	if (ended != status || strstr(output, said) == NULL)
		fail_msg("db %s: %d, %s", action, ended, output);
	free(output);
}

static void
assert_sql(const char *sql, const char *expected)
{
	char *value = servers_sql(servers, sql);

	assert_string_equal(value, expected);
	free(value);
}

static void
test_roles_have_no_more_rights_than_they_need(void **state)
{
	(void)state;
	assert_sql("SELECT count(*) FROM pg_roles WHERE rolcanlogin AND NOT rolsuper"
		   " AND NOT rolbypassrls AND NOT rolcreaterole AND NOT rolcreatedb"
		   " AND rolname IN ('tally_owner', 'tally_app', 'tally_worker')",
	    "3");
	assert_sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'tally'",
	    "tally_owner");
	assert_sql("SELECT has_database_privilege('tally_app', 'tally', 'TEMP')"
		   " OR has_database_privilege('tally_app', 'tally', 'CREATE')"
		   " OR has_schema_privilege('tally_app', 'public', 'CREATE')"
		   " OR has_schema_privilege('tally_worker', 'public', 'CREATE')",
	    "f");
}

/* A role that was made by hand with too many rights loses them. */
static void
test_init_may_be_repeated(void **state)
{
	(void)state;
	free(servers_sql(servers, "ALTER ROLE tally_app BYPASSRLS"));
	expect(EX_OK, "exists", "init");
	assert_sql("SELECT rolbypassrls FROM pg_roles WHERE rolname = 'tally_app'", "f");
}

static void
test_reset_gives_an_empty_schema(void **state)
{
	(void)state;
	free(servers_key(servers, "somebody"));
	assert_sql("SELECT count(*) FROM clients", "2");
	expect(EX_OK, "applied", "reset");
	assert_sql("SELECT count(*) FROM clients", "1");
}

static void
test_only_development_may_drop(void **state)
{
	(void)state;
	servers_setting(servers, "development", "false");
	expect(EX_NOPERM, "development", "drop");
	expect(EX_NOPERM, "development", "reset");
	assert_sql("SELECT count(*) FROM clients", "1");
	servers_setting(servers, "development", "true");
}

static void
test_drop_may_be_repeated(void **state)
{
	(void)state;
	expect(EX_OK, "dropped", "drop");
	expect(EX_OK, "dropped", "drop");
	expect(EX_OK, "created", "init");
	expect(EX_USAGE, "init, drop or reset", "burn");
}

/* The name stands in CREATE DATABASE, where no parameter can. */
static void
test_an_unusual_name_is_refused(void **state)
{
	static const char *const names[] = { "", "Books", "a\"b", "postgres", "template1" };
	char *url;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		if (asprintf(&url, "host=%s/pg user=postgres dbname='%s'", servers_folder(servers),
			names[i]) < 0)
			abort();
		servers_setting(servers, "database_owner_url", url);
		expect(EX_USAGE, "name", "drop");
		free(url);
	}
}

static int
start(void **state)
{
	(void)state;
	servers = servers_start(SERVER_POSTGRES);
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
		cmocka_unit_test(test_roles_have_no_more_rights_than_they_need),
		cmocka_unit_test(test_init_may_be_repeated),
		cmocka_unit_test(test_reset_gives_an_empty_schema),
		cmocka_unit_test(test_only_development_may_drop),
		cmocka_unit_test(test_drop_may_be_repeated),
		cmocka_unit_test(test_an_unusual_name_is_refused),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
