#include "tests/servers_private.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/test.h"

static const char *
tally_program(void)
{
	const char *program = getenv("TALLY");

	return program == NULL ? "./tally" : program;
}

static int
run_tally(struct servers *servers, char **ret_output, va_list arguments)
{
	struct process process = { .argv = { tally_program(), "-c", servers->conf_path } };
	int count = 3;
	const char *argument;

	while ((argument = va_arg(arguments, const char *)) != NULL) {
		assert_true(count < PROCESS_ARGUMENTS_MAX);
		process.argv[count++] = argument;
	}
	return process_run(&process, ret_output);
}

int
servers_tally(struct servers *servers, char **ret_output, ...)
{
	va_list arguments;
	int status;

	va_start(arguments, ret_output);
	status = run_tally(servers, ret_output, arguments);
	va_end(arguments);
	return status;
}

pid_t
servers_start_tally(struct servers *servers, const char *word)
{
	struct process process = { .argv = { tally_program(), "-c", servers->conf_path, word } };

	return process_start(&process);
}

/* The same for what must work; the output. */
static char *
tally_or_die(struct servers *servers, ...)
{
	va_list arguments;
	char *output;
	int status;

	va_start(arguments, servers);
	status = run_tally(servers, &output, arguments);
	va_end(arguments);
	if (status == 0)
		return output;
	fprintf(stderr, "tally ended with %d\n", status);
	servers_die(servers, SERVER_POSTGRES, output);
}

void
servers_migrate(struct servers *servers)
{
	const char *superuser = servers_database_url(servers, "postgres");

	free(tally_or_die(servers, "db", "init", "--superuser-url", superuser, NULL));
	free(tally_or_die(servers, "migrate", "up", NULL));
}

void
servers_enter(struct servers *servers)
{
	free(servers->urls[0]);
	if (asprintf(
		&servers->urls[0], "postgresql://postgres@/tally?host=%s/pg", servers->folder) < 0)
		abort();
}

static void
ignore_notice(void *context, const PGresult *result)
{
	(void)context;
	(void)result;
}

char *
servers_sql(struct servers *servers, const char *sql)
{
	PGconn *conn = PQconnectdb(servers_database_url(servers, "postgres"));
	PGresult *result;
	ExecStatusType status;
	char *value;

	PQsetNoticeReceiver(conn, ignore_notice, NULL);
	result = PQexec(conn, sql);
	status = PQresultStatus(result);
	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(conn));
	value = strdup(PQntuples(result) == 0 ? "" : PQgetvalue(result, 0, 0));
	PQclear(result);
	PQfinish(conn);
	return value;
}

char *
servers_redis(struct servers *servers, const char *command)
{
	struct process process = {
		.argv = { "redis-cli", "-s", servers->redis_url + strlen("unix:") },
		.input = command,
	};
	char *output;

	if (process_run(&process, &output) != 0)
		fail_msg("%s: %s", command, output);
	/* redis-cli ends its answer with a newline of its own. */
	if (output[0] != '\0' && output[strlen(output) - 1] == '\n')
		output[strlen(output) - 1] = '\0';
	return output;
}

static char *
cut_key(const char *output)
{
	static const char name[] = "\"key\":\"";
	const char *at = strstr(output, name);

	if (at == NULL) {
		fail_msg("no key in: %s", output);
		return NULL;
	}
	at += strlen(name);
	return strndup(at, strcspn(at, "\""));
}

static char noon[32];

static void
choose_noon(void)
{
	time_t now = time(NULL);
	struct tm tm;

	/* The sign of these names is the other way round: Etc/GMT+5 lies west. */
	(void)snprintf(noon, sizeof(noon), "Etc/GMT%+d", gmtime_r(&now, &tm)->tm_hour - 12);
}

/* Chosen once: all threads of a program mean the same day. */
const char *
servers_noon(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, choose_noon);
	return noon;
}

char *
servers_key(struct servers *servers, const char *client_name)
{
	char *output;
	char *key;

	if (client_name != NULL)
		free(tally_or_die(servers, "client", "create", "--name", client_name,
		    "--if-missing", "--json", NULL));
	output = tally_or_die(servers, "key", "create", "--client",
	    client_name == NULL ? "operator" : client_name, "--scopes", "all", "--json", NULL);
	key = cut_key(output);
	free(output);
	return key;
}

char *
servers_key_at_noon(struct servers *servers, const char *client_name)
{
	free(tally_or_die(servers, "client", "create", "--name", client_name, "--timezone",
	    servers_noon(), "--json", NULL));
	return servers_key(servers, client_name);
}
