#include "tests/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/servers.h"

#define ARGUMENTS_MAX 8

static struct servers *servers;

/* A command line, how it ends, and a part of what it prints. */
static const struct line {
	const char *sentence;
	const char *arguments[ARGUMENTS_MAX];
	int status;
	const char *prints;
} lines[] = {
	{ "help lists the commands", { "help" }, EX_OK, "client create" },
	{ "help explains one", { "help", "key", "create" }, EX_OK, "--scopes" },
	{ "a command's --help explains it", { "purge", "--help" }, EX_OK, "usage: tally purge" },
	{ "help lists the commands that begin with a word", { "help", "key" }, EX_OK,
	    "key rotate" },
	{ "help of nothing is refused", { "help", "nothing" }, EX_USAGE, "no such command" },
	{ "an unknown command is refused", { "dance" }, EX_USAGE, "there is no command" },
	{ "half a command is refused", { "client" }, EX_USAGE, "there is no command" },
	{ "an unknown option is refused", { "flush", "--fast" }, EX_USAGE, "unknown option" },
	{ "another command's option is refused", { "flush", "--name", "x" }, EX_USAGE,
	    "unknown option" },
	{ "an option before the command is refused", { "--name", "x", "flush" }, EX_USAGE,
	    "before the command" },
	{ "an option twice is refused", { "client", "create", "--name", "a", "--name=b" }, EX_USAGE,
	    "given twice" },
	{ "a value that is missing is refused", { "client", "create", "--name" }, EX_USAGE,
	    "needs a value" },
	{ "a flag takes no value", { "reconcile", "--full=yes" }, EX_USAGE, "unknown option" },
	{ "an operand too many is refused", { "flush", "now" }, EX_USAGE, "does not take" },
	{ "an operand too few is refused", { "key", "revoke" }, EX_USAGE, "needs ID" },
	{ "--dry-run is for those who know it", { "status", "--dry-run" }, EX_USAGE,
	    "does not know --dry-run" },
	{ "a number out of range is refused", { "reconcile", "--days", "-1" }, EX_USAGE,
	    "whole number" },
	{ "a date that is none is refused",
	    { "partitions", "--from", "2026-02-30", "--to", "2026-03-01" }, EX_USAGE,
	    "must be a date" },
	{ "a range needs both its ends", { "partitions", "--from", "2026-02-01" }, EX_USAGE,
	    "given together" },
	{ "a client needs a name", { "client", "create" }, EX_USAGE, "--name is needed" },
	{ "no client is called operator", { "client", "create", "--name", "operator" }, EX_USAGE,
	    "--name is needed" },
	{ "a plan that is none is refused", { "client", "create", "--name", "p", "--plan", "gold" },
	    EX_USAGE, "--plan must be" },
	{ "a time zone that is none is refused",
	    { "client", "create", "--name", "z", "--timezone", "Mars/Base" }, EX_USAGE,
	    "timezone" },
	{ "a key needs a client", { "key", "create" }, EX_USAGE, "--client is needed" },
	{ "a key of no client is refused", { "key", "create", "--client", "nobody" }, EX_DATAERR,
	    "no such client" },
	{ "a key that is no id is refused", { "key", "revoke", "mine" }, EX_USAGE, "id of a key" },
	{ "a key that is not there is not revoked",
	    { "key", "revoke", "01890000-0000-7000-8000-000000000000" }, EX_DATAERR,
	    "no such key" },
	{ "a price file that is missing is refused", { "prices", "import", "/nowhere.json" },
	    EX_USAGE, "cannot be opened" },
	{ "a configuration that is missing is refused", { "status", "-c", "/nowhere.conf" },
	    EX_CONFIG, "no such file" },
};

static int
run_line(const struct line *line, char **ret_output)
{
	const char *const *a = line->arguments;

	return servers_tally(servers, ret_output, a[0], a[1], a[2], a[3], a[4], a[5], a[6], NULL);
}

static void
test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		char *output;
		int status = run_line(&lines[i], &output);

		if (status != lines[i].status || strstr(output, lines[i].prints) == NULL)
			fail_msg("%s: status %d, output: %s", lines[i].sentence, status, output);
		free(output);
	}
}

/* The text of a member in a line of JSON; free it. */
static char *
member(const char *json, const char *name)
{
	char *key;
	const char *at;
	size_t len;

	assert_true(asprintf(&key, "\"%s\":", name) > 0);
	at = strstr(json, key);
	if (at == NULL)
		fail_msg("no %s in %s", name, json);
	at += strlen(key);
	free(key);
	len = *at == '"' ? strcspn(++at, "\"") : strcspn(at, ",}]");
	return strndup(at, len);
}

static char *
tally(int status, const char *const *a)
{
	char *output;
	int got =
	    servers_tally(servers, &output, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], NULL);

	if (got != status)
		fail_msg("tally %s %s: status %d, output: %s", a[0], a[1], got, output);
	return output;
}

#define TALLY(status, ...) tally(status, (const char *const[9]){ __VA_ARGS__ })

static void
assert_sql(const char *sql, const char *expected)
{
	char *value = servers_sql(servers, sql);

	assert_string_equal(value, expected);
	free(value);
}

static void
test_client(void **state)
{
	char *first, *second, *ids[2];

	(void)state;
	first = TALLY(EX_OK, "client", "create", "--name", "acme", "--timezone=Asia/Kolkata",
	    "--plan=pro", "--log-retention-days=40", "--json");
	ids[0] = member(first, "id");
	second = TALLY(EX_DATAERR, "client", "create", "--name", "acme");
	assert_non_null(strstr(second, "there already"));
	free(second);
	second = TALLY(EX_OK, "client", "create", "--name", "acme", "--if-missing", "--json");
	ids[1] = member(second, "id");
	assert_string_equal(ids[0], ids[1]);
	assert_sql("SELECT concat_ws(' ', timezone, plan, log_retention_days) FROM clients "
		   "WHERE name = 'acme'",
	    "Asia/Kolkata pro 40");
	free(second);
	second = TALLY(EX_OK, "client", "list");
	assert_non_null(strstr(second, ids[0]));
	free(second);
	second = TALLY(EX_OK, "client", "deactivate", "acme", "--json");
	assert_non_null(strstr(second, "\"active\":false"));
	assert_sql("SELECT count(*) FROM audit_log WHERE entity = 'clients' "
		   "AND client_id = '00000000-0000-0000-0000-000000000000' "
		   "AND entity_id = (SELECT id::text FROM clients WHERE name = 'acme')",
	    "2");
	free(second);
	free(first);
	free(ids[0]);
	free(ids[1]);
}

static void
test_keys(void **state)
{
	char *output, *id, *key, *rotated;

	(void)state;
	free(TALLY(EX_OK, "client", "create", "--name", "keys"));
	output = TALLY(EX_OK, "key", "create", "--client", "keys", "--name", "loader",
	    "--scopes=logs:write,logs:read", "--json");
	assert_non_null(strstr(output, "\"scopes\":[\"logs:write\",\"logs:read\"]"));
	id = member(output, "id");
	key = member(output, "key");
	assert_true(strncmp(key, "tally_", 6) == 0);
	free(output);

	output = TALLY(EX_OK, "key", "list", "--client", "keys");
	assert_non_null(strstr(output, id));
	assert_null(strstr(output, key + strlen("tally_") + 17));
	free(output);

	output = TALLY(EX_OK, "key", "rotate", id, "--grace=60", "--json");
	rotated = member(output, "id");
	assert_string_not_equal(rotated, id);
	free(output);
	output = TALLY(EX_OK, "key", "revoke", rotated, "--json");
	assert_non_null(strstr(output, "\"active\":false"));
	free(output);
	free(TALLY(EX_DATAERR, "key", "rotate", rotated));
	free(id);
	free(key);
	free(rotated);
}

static void
test_scopes_of_keys(void **state)
{
	char *output;

	(void)state;
	free(TALLY(EX_OK, "client", "create", "--name", "scopes"));
	output = TALLY(EX_OK, "key", "create", "--client", "operator", "--json");
	assert_non_null(strstr(output, "\"scopes\":[\"operator\"]"));
	free(output);
	output = TALLY(EX_OK, "key", "create", "--client", "scopes", "--scopes", "all", "--json");
	assert_null(strstr(output, "operator"));
	assert_non_null(strstr(output, "\"admin\""));
	free(output);
	free(TALLY(EX_USAGE, "key", "create", "--client", "scopes", "--scopes", "logs:steal"));
	free(TALLY(EX_USAGE, "key", "create", "--client", "scopes", "--scopes", "operator"));
}

static void
test_rates_of_keys(void **state)
{
	char *output;

	(void)state;
	free(TALLY(EX_OK, "client", "create", "--name", "rates"));
	output =
	    TALLY(EX_OK, "key", "create", "--client=rates", "--rate-limit=1000000000", "--json");
	assert_non_null(strstr(output, "\"rate_limit_per_hour\":1000000000"));
	free(output);
	output = TALLY(EX_OK, "key", "list", "--client", "rates", "--json");
	assert_non_null(strstr(output, "\"rate_limit_per_hour\":1000000000"));
	free(output);
	output = TALLY(EX_OK, "key", "create", "--client=rates", "--json");
	assert_non_null(strstr(output, "\"rate_limit_per_hour\":null"));
	free(output);
	free(TALLY(EX_USAGE, "key", "create", "--client=rates", "--rate-limit=0"));
	free(TALLY(EX_USAGE, "key", "create", "--client=rates", "--rate-limit=1000000001"));
}

/* What systemd, a shell's completion and the manual name must be what there is. */
static char *
read_source(const char *name)
{
	const char *folder = getenv("TALLY_SRCDIR");
	char *path, *text;
	FILE *file;
	size_t len;

	assert_true(asprintf(&path, "%s/%s", folder != NULL ? folder : ".", name) > 0);
	file = fopen(path, "r");
	if (file == NULL)
		fail_msg("%s cannot be opened", path);
	text = calloc(1, 1 << 20);
	assert_non_null(text);
	len = fread(text, 1, (1 << 20) - 1, file);
	assert_true(len > 0);
	fclose(file);
	free(path);
	return text;
}

static void
test_documents_name_every_command(void **state)
{
	char *manual = read_source("worker/tally.8");
	char *completion = read_source("worker/tally.bash-completion");
	char *help, *rest, *line, name[64], macro[80];
	int count = 0;

	(void)state;
	help = rest = TALLY(EX_OK, "help");
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strncmp(line, "  ", 2) != 0 || line[2] == '-' ||
		    sscanf(line + 2, "%63[a-z ]", name) != 1)
			continue;
		while (name[strlen(name) - 1] == ' ')
			name[strlen(name) - 1] = '\0';
		(void)snprintf(macro, sizeof(macro), "Cm %s", name);
		if (strstr(manual, macro) == NULL)
			fail_msg("the manual does not tell of tally %s", name);
		if (strstr(completion, name) == NULL)
			fail_msg("the completion does not know tally %s", name);
		count++;
	}
	assert_true(count > 15);
	free(help);
	free(manual);
	free(completion);
}

static void
test_status_and_doctor(void **state)
{
	char *output;

	(void)state;
	free(TALLY(EX_OK, "partitions"));
	free(TALLY(EX_OK, "flush"));
	output = TALLY(EX_OK, "status");
	assert_non_null(strstr(output, "flush"));
	free(output);
	/* No tallyd runs here, and this is what doctor has to find. */
	output = TALLY(1, "doctor", "--json");
	assert_non_null(strstr(output, "{\"state\":\"BAD\",\"check\":\"socket of tallyd\""));
	assert_non_null(strstr(output, "{\"state\":\"ok\",\"check\":\"isolation of clients\""));
	assert_non_null(strstr(output, "{\"state\":\"ok\",\"check\":\"grants\""));
	assert_non_null(strstr(output, "{\"state\":\"ok\",\"check\":\"migrations\""));
	assert_non_null(strstr(output, "{\"state\":\"ok\",\"check\":\"role of tallyd\""));
	assert_non_null(strstr(output, "{\"state\":\"ok\",\"check\":\"jobs\""));
	assert_non_null(strstr(output, "{\"state\":\"BAD\",\"check\":\"rollups\","
				       "\"found\":\"rollup never ran: 0 batches wait"));
	free(output);
	free(servers_sql(servers, "INSERT INTO ingest_batches (client_id, id, epoch) "
				  "VALUES ('00000000-0000-0000-0000-000000000000', "
				  "'018f0000-0000-7000-8000-000000000001', 1)"));
	output = TALLY(EX_OK, "status", "--json");
	assert_non_null(strstr(output, "{\"waiting_for\":\"rollup\",\"batches\":1,\"spans\":0}"));
	free(output);
	free(TALLY(EX_OK, "rollup"));
	output = TALLY(1, "doctor", "--json");
	assert_non_null(strstr(output, "{\"state\":\"ok\",\"check\":\"rollups\","
				       "\"found\":\"rollup ran within an hour, 0 batches wait"));
	free(output);
	free(servers_sql(servers,
	    "UPDATE job_runs SET succeeded_at = now() - interval '2 hours' WHERE job = 'rollup'"));
	output = TALLY(1, "doctor", "--json");
	assert_non_null(strstr(output, "\"found\":\"rollup last succeeded 7"));
	free(output);
	free(servers_sql(servers, "ALTER TABLE users NO FORCE ROW LEVEL SECURITY"));
	output = TALLY(1, "doctor", "--json");
	assert_non_null(strstr(output, "is not forced on users"));
	free(output);
	free(servers_sql(servers, "ALTER TABLE users FORCE ROW LEVEL SECURITY"));
	free(servers_sql(servers, "GRANT DELETE ON chat_logs TO tally_app"));
	output = TALLY(1, "doctor", "--json");
	assert_non_null(strstr(output, "tally_app has DELETE on chat_logs"));
	free(output);
	free(servers_sql(servers, "REVOKE DELETE ON chat_logs FROM tally_app"));
}

/* One mend for all checks that a server's absence fails. */
static void
test_doctor_without_redis(void **state)
{
	char *output;

	(void)state;
	setenv("REDIS_URL", "unix:/nowhere/redis.sock", 1);
	output = TALLY(1, "doctor", "--json");
	unsetenv("REDIS_URL");
	assert_non_null(strstr(output, "\"mend\":\"start Redis 7 or later, and check redis_url\""));
	assert_non_null(strstr(output,
	    "\"check\":\"memory of Redis\",\"found\":\"Redis cannot be reached\",\"mend\":\"\""));
	free(output);
}

static int
start(void **state)
{
	(void)state;
	servers = servers_start(SERVER_REDIS);
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
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_scopes_of_keys),
		cmocka_unit_test(test_rates_of_keys),
		cmocka_unit_test(test_documents_name_every_command),
		cmocka_unit_test(test_status_and_doctor),
		cmocka_unit_test(test_doctor_without_redis),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
