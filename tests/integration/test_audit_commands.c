/*
 * Every command of the operator: what it changes leaves one entry in the audit log, or this file
 * says why it leaves none. A command that is not here fails the test.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/servers.h"

#define LOOKS "it changes nothing"
#define BOOKS "it makes sums of what is there already"

#define ARGUMENTS_MAX 9
#define ANN "018bcfe5-6800-7000-8000-000000000001"

/* In an order in which each finds what it needs; KEY stands for the one that was made,
 * PRICES for the file of the project. */
static const struct row {
	const char *command;
	const char *arguments[ARGUMENTS_MAX];
	const char *entity;
	const char *actions; /* of the entry; of several where the change adds rows, too */
	const char *none; /* why there is no entry; without arguments the command is not run */
} rows[] = {
	{ "help", { "help" }, NULL, NULL, LOOKS },
	{ "migrate", { NULL }, NULL, NULL, "schema_migrations says which when" },
	{ "db", { NULL }, NULL, NULL, "there is no log before it, or none behind it" },
	{ "client create", { "client", "create", "--name", "cottage" }, "clients", "add", NULL },
	{ "client list", { "client", "list" }, NULL, NULL, LOOKS },
	{ "key create", { "key", "create", "--client", "house" }, "auth_tokens", "add", NULL },
	{ "key list", { "key", "list" }, NULL, NULL, LOOKS },
	{ "key rotate", { "key", "rotate", "KEY" }, "auth_tokens", "add rotate", NULL },
	{ "key revoke", { "key", "revoke", "KEY" }, "auth_tokens", "revoke", NULL },
	{ "key rotate-seal", { "key", "rotate-seal" }, NULL, NULL,
	    "nothing is sealed with another key here" },
	{ "budget set",
	    { "budget", "set", "--client", "house", "--name", "b", "--limit-cents", "5",
		"--window=day" },
	    "budgets", "add", NULL },
	{ "budget set",
	    { "budget", "set", "--client", "house", "--name", "b", "--limit-cents", "6" },
	    "budgets", "change", NULL },
	{ "budget list", { "budget", "list" }, NULL, NULL, LOOKS },
	{ "prices import", { "prices", "import", "PRICES" }, "model_pricing", "import", NULL },
	{ "prices list", { "prices", "list" }, NULL, NULL, LOOKS },
	{ "prices diff", { "prices", "diff", "PRICES" }, NULL, NULL, LOOKS },
	{ "import", { NULL }, NULL, NULL, "the service takes what it sends" },
	{ "export", { NULL }, NULL, NULL, LOOKS },
	{ "export-user", { NULL }, NULL, NULL, LOOKS },
	{ "verify", { "verify" }, NULL, NULL, LOOKS },
	{ "status", { "status" }, NULL, NULL, LOOKS },
	{ "doctor", { NULL }, NULL, NULL, LOOKS },
	{ "flush", { "flush" }, NULL, NULL, BOOKS },
	{ "rollup", { "rollup" }, NULL, NULL, BOOKS },
	{ "reconcile", { "reconcile" }, NULL, NULL, BOOKS },
	{ "alerts", { "alerts" }, NULL, NULL, "alerts are the log of what was told" },
	{ "expire", { "expire" }, NULL, NULL, "authorizations say when they expire" },
	{ "erase", { "erase", "--client", "house", "--user", ANN }, "erasures", "erase erase",
	    NULL },
	{ "purge", { "purge" }, "erasures", "erase erase", NULL },
	{ "partitions", { "partitions" }, NULL, NULL, "partitions hold no rows when made" },
	{ "client deactivate", { "client", "deactivate", "house" }, "clients", "deactivate", NULL },
};

static struct servers *servers;

static int
start(UNUSED void **state)
{
	servers = servers_start(SERVER_REDIS);
	return 0;
}

static int
stop(UNUSED void **state)
{
	servers_stop(servers);
	return 0;
}

static bool
is_known(const char *command)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (strcmp(rows[i].command, command) == 0)
			return true;
	}
	return false;
}

/* Lines of tally help: two spaces, the command's one or two words, more spaces. */
static void
every_command_is_known(UNUSED void **state)
{
	char *output, *rest, *line;
	int found = 0;

	assert_int_equal(servers_tally(servers, &output, "help", NULL), 0);
	rest = output;
	while ((line = strsep(&rest, "\n")) != NULL) {
		char *end = strstr(line + (strlen(line) < 2 ? 0 : 2), "  ");

		if (strncmp(line, "  ", 2) != 0 || line[2] == '-' || line[2] == ' ' || end == NULL)
			continue;
		*end = '\0';
		if (!is_known(line + 2))
			fail_msg("tally %s: does it leave an entry in the audit log?", line + 2);
		found++;
	}
	assert_in_range(found, 20, COUNT(rows));
	free(output);
}

static const char *
sql(const char *query)
{
	static char *found;

	free(found);
	found = servers_sql(servers, query);
	return found;
}

static void
expect_sql(const struct row *row, const char *query, const char *expected)
{
	const char *found = sql(query);

	if (strcmp(found, expected) != 0)
		fail_msg("tally %s: %s is %s", row->command, query, found);
}

#define NEWEST(column) "SELECT " column " FROM audit_log ORDER BY id DESC LIMIT 1"

/* What stands in the argument's place. */
static const char *
fill(const char *argument)
{
	static char key[64], prices[4096];
	const char *source = getenv("TALLY_SRCDIR");

	if (argument != NULL && strcmp(argument, "KEY") == 0) {
		(void)snprintf(
		    key, sizeof key, "%s", sql("SELECT id FROM auth_tokens ORDER BY id LIMIT 1"));
		return key;
	}
	if (argument == NULL || strcmp(argument, "PRICES") != 0)
		return argument;
	(void)snprintf(
	    prices, sizeof prices, "%s/conf/model_prices.json", source != NULL ? source : ".");
	return prices;
}

static void
run(const struct row *row)
{
	const char *a[ARGUMENTS_MAX];
	int before = atoi(sql("SELECT count(*) FROM audit_log"));
	char *output, query[200];

	for (size_t i = 0; i < ARGUMENTS_MAX; i++)
		a[i] = fill(row->arguments[i]);
	if (servers_tally(
		servers, &output, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], NULL) != 0)
		fail_msg("tally %s: %s", row->command, output);
	(void)snprintf(query, sizeof query,
	    "SELECT string_agg(action, ' ' ORDER BY id) FROM"
	    " (SELECT * FROM audit_log ORDER BY id OFFSET %d) AS a",
	    before);
	expect_sql(row, query, row->none == NULL ? row->actions : "");
	if (row->none == NULL) {
		expect_sql(row, NEWEST("entity"), row->entity);
		/* By nobody's key. */
		expect_sql(
		    row, NEWEST("num_nonnulls(api_key_id, user_id, ip_address, request_id)"), "0");
	}
	free(output);
}

static void
a_change_leaves_one_entry(UNUSED void **state)
{
	free(servers_sql(servers,
	    "INSERT INTO clients (id, name) VALUES (gen_random_uuid(), 'house');\n"
	    "INSERT INTO users (client_id, id, external_id, deleted_at)\n"
	    "SELECT c.id, v.id, v.id, v.deleted_at\n"
	    "FROM clients c, (VALUES (uuid '" ANN "', NULL),\n"
	    "(gen_random_uuid(), now() - interval '5 years')) AS v (id, deleted_at)\n"
	    "WHERE c.name = 'house'"));
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].arguments[0] != NULL)
			run(&rows[i]);
		else
			assert_non_null(rows[i].none);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_is_known),
		cmocka_unit_test(a_change_leaves_one_entry),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
