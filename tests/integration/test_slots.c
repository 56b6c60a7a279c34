/*
 * A Redis Cluster keeps what stands between braces in a key's name in one slot. Every command that
 * everything here sends, as MONITOR shows it, is of one client: also within the scripts, whose keys
 * have names that follow from the one that they are given.
 */
#include "tests/test.h"

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/id.h"
#include "tests/api.h"
#include "tests/process.h"

#define KEY "\"tally:{"
#define SCRIPTS_MAX 100
#define SCRIPT "static struct redis_script "

static const char *log_path;
static pid_t monitor;

/* What was said last of all is seen. */
static bool
saw_end(UNUSED void *context)
{
	char *log = process_read_file(log_path);
	bool saw = log != NULL && strstr(log, "\"test-ends\"") != NULL;

	free(log);
	return saw;
}

static bool
saw_begin(UNUSED void *context)
{
	char *log = process_read_file(log_path);
	bool saw = log != NULL && strncmp(log, "OK", 2) == 0;

	free(log);
	return saw;
}

static int
start(void **state)
{
	static struct process process = { .argv = { "redis-cli", "-s" }, .death_signal = SIGKILL };

	api_start(state);
	log_path = api_text("%s/monitor", servers_folder(api_servers()));
	process.argv[2] = servers_redis_url(api_servers()) + strlen("unix:");
	process.argv[3] = "MONITOR";
	process.log = log_path;
	monitor = process_start(&process);
	assert_true(servers_await(saw_begin, NULL));
	return 0;
}

static int
stop(void **state)
{
	kill(monitor, SIGKILL);
	process_wait(monitor, 30000);
	return api_stop(state);
}

static void
run_job(const char *name)
{
	char *output;

	if (servers_tally(api_servers(), &output, name, NULL) != 0)
		fail_msg("tally %s: %s", name, output);
	free(output);
}

static void
authorize(void)
{
	static const char call[] = "{\"max_cost_cents\":0.5,\"external_user_id\":\"ada\"}";
	const char *id = api_add("/v1/authorizations", call);

	api_expect(201, "POST", api_text("/v1/authorizations/%s/settle", id),
	    "{\"input_tokens\":1,\"external_user_id\":\"ada\"}");
	id = api_add("/v1/authorizations", call);
	api_expect(200, "POST", api_text("/v1/authorizations/%s/void", id), NULL);
	(void)api_add("/v1/authorizations", call);
}

static void
set_read_only(const char *value)
{
	free(servers_sql(api_servers(),
	    api_text("ALTER ROLE tally_app SET default_transaction_read_only = %s", value)));
	free(servers_sql(api_servers(),
	    "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity\n"
	    "WHERE usename = 'tally_app'"));
}

/* The first try may only find that its connection is gone. */
static bool
refuses_to_store(UNUSED void *context)
{
	return api_send("POST", "/v1/chat-logs", NULL, "{\"input_tokens\":1}") == 503 &&
	       strstr(api_answer()->body, "read-only") != NULL;
}

/* A record that is announced and cannot be stored. */
static void
fail_to_store(void)
{
	set_read_only("on");
	assert_true(servers_await(refuses_to_store, NULL));
	set_read_only("off");
}

/* A client does what touches Redis. */
static void
use_client(const char *name)
{
	const char *budget;

	api_use_budget(name, "\"window\":\"day\",\"limit_cents\":100,\"each\":\"user_id\"");
	budget = api_sql("SELECT id FROM budgets WHERE name = '%s'", name);
	free(servers_sql(api_servers(), "UPDATE auth_tokens SET rate_limit_per_hour = 1000000"));
	(void)api_add("/v1/chat-logs", "{\"input_tokens\":1,\"external_user_id\":\"ada\"}");
	/* Whose gateway hears of the next. */
	(void)api_add("/v1/websocket-connections",
	    api_text("{\"user_id\":\"%s\",\"connection_id\":\"c\",\"client_type\":\"t\"}",
		api_sql("SELECT u.id FROM users u JOIN clients c ON c.id = u.client_id "
			"WHERE c.name = '%s'",
		    name)));
	(void)api_add("/v1/chat-logs", "{\"input_tokens\":1}");
	/* The next epoch leaves the keys of this one to purge. */
	(void)api_add("/v1/budgets",
	    "{\"name\":\"other\",\"window\":\"rolling\",\"rolling_hours\":2,\"limit_cents\":100}");
	authorize();
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	api_expect(200, "GET", api_text("/v1/budgets/%s/status", budget), NULL);
	api_expect(200, "GET", "/v1/budgets/check?feature=chat", NULL);
}

/* How many scripts the program has. */
static size_t
count_scripts(void)
{
	const char *source = getenv("TALLY_SRCDIR");
	size_t count = 0;
	glob_t files;

	assert_int_equal(
	    glob(api_text("%s/lib/model/*.c", source ? source : "."), 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		char *text = process_read_file(files.gl_pathv[i]);

		for (const char *at = text; (at = strstr(at, SCRIPT)) != NULL; at++)
			count++;
		free(text);
	}
	globfree(&files);
	return count;
}

struct seen {
	char client[ID_TEXT_SIZE]; /* of the script that runs */
	char scripts[SCRIPTS_MAX][41];
	size_t script_count, keys;
};

/* One more name that is a client's; each of a command is of the same. */
static void
check_keys(struct seen *seen, const char *line, bool anew)
{
	for (const char *at = line; (at = strstr(at, KEY)) != NULL; at++) {
		const char *client = at + strlen(KEY);

		if (anew)
			snprintf(seen->client, sizeof seen->client, "%s", client);
		else if (strncmp(client, seen->client, strlen(seen->client)) != 0)
			fail_msg("not of %s: %s", seen->client, line);
		anew = false;
		seen->keys++;
	}
}

static void
note_script(struct seen *seen, const char *sha)
{
	for (size_t i = 0; i < seen->script_count; i++) {
		if (strncmp(seen->scripts[i], sha, 40) == 0)
			return;
	}
	assert_true(seen->script_count < SCRIPTS_MAX);
	snprintf(seen->scripts[seen->script_count++], 41, "%s", sha);
}

static void
check_line(struct seen *seen, const char *line)
{
	const char *command = strstr(line, "] \"");
	bool of_script = strstr(line, " lua] \"") != NULL;

	if (command == NULL)
		return;
	command += strlen("] \"");
	if (strncmp(command, "EVALSHA\" \"", strlen("EVALSHA\" \"")) == 0)
		note_script(seen, command + strlen("EVALSHA\" \""));
	if (strncmp(command, "SCAN", 4) == 0 || strncmp(command, "TIME", 4) == 0)
		return;
	if (of_script && strstr(command, "\" " KEY) != strchr(command, '"'))
		fail_msg("a script uses what is no client's: %s", line);
	check_keys(seen, command, !of_script);
}

static void
every_command_is_of_one_client(UNUSED void **state)
{
	static const char *const jobs[] = { "flush", "alerts", "reconcile", "expire", "purge" };
	struct seen seen = { 0 };
	char *log, *rest;

	use_client("first");
	use_client("second");
	fail_to_store();
	free(servers_redis(api_servers(), "FLUSHALL"));
	use_client("third");
	authorize();
	for (size_t i = 0; i < COUNT(jobs); i++)
		run_job(jobs[i]);
	free(servers_redis(api_servers(), "ECHO test-ends"));
	assert_true(servers_await(saw_end, NULL));
	log = process_read_file(log_path);
	rest = log;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;)
		check_line(&seen, line);
	free(log);
	/* A script that is not here is one of which this test knows nothing. */
	assert_int_equal(seen.script_count, count_scripts());
	assert_in_range(seen.keys, 100, 100000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_is_of_one_client),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
