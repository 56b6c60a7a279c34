/*
 * What a balancer and Prometheus ask: readiness while parts are away, metrics in their format.
 */
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/http.h"
#include "tests/process.h"
#include "tests/servers.h"

static struct servers *servers;
static struct http client;

static void
test_metrics_pass_promtool(void **state)
{
	struct http_answer answer = http_send(&client, "GET", "/metrics", NULL, NULL);
	struct process promtool = { .argv = { "promtool", "check", "metrics" },
		.input = answer.body };
	char *output;

	(void)state;
	assert_int_equal(answer.status, 200);
	assert_non_null(strstr(answer.body, "\ntally_requests_total{status=\"2xx\"} "));
	assert_non_null(strstr(answer.body, "\ntally_records_accepted_total "));
	assert_non_null(strstr(answer.body, "\ntally_database_up 1\n"));
	assert_non_null(strstr(answer.body, "\ntally_open_holds 0\n"));
	int status = process_run(&promtool, &output);
	if (status == 127)
		print_message("promtool is not installed: the format was not checked\n");
	else if (status != 0)
		fail_msg("promtool: %s", output);
	free(output);
	http_free(&answer);
}

/* "true" or "false". */
static const char *
check_named(const struct http_answer *answer, const char *name)
{
	char path[32];

	for (int i = 0;; i++) {
		(void)snprintf(path, sizeof(path), "checks.%d.name", i);
		const char *found = http_json(answer, path, 0);

		if (found == NULL)
			fail_msg("no check %s in %s", name, answer->body);
		(void)snprintf(path, sizeof(path), "checks.%d.ok", i);
		if (strcmp(found, name) == 0)
			return http_json(answer, path, 1);
	}
}

/* Whether /readyz says of the check what is awaited. */
struct ready {
	const char *check;
	const char *ok;
	long status;
};

static bool
is_ready(void *context)
{
	const struct ready *ready = context;
	struct http_answer answer = http_send(&client, "GET", "/readyz", NULL, NULL);
	bool reached = answer.status == ready->status &&
		       strcmp(check_named(&answer, ready->check), ready->ok) == 0;

	http_free(&answer);
	return reached;
}

static void
test_readiness_names_what_is_away(void **state)
{
	static const struct {
		enum server_part part;
		const char *check;
	} parts[] = { { SERVER_REDIS, "redis" }, { SERVER_POSTGRES, "postgres" } };

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct ready red = { parts[i].check, "false", 503 };
		struct ready green = { parts[i].check, "true", 200 };

		assert_true(servers_await(is_ready, &green));
		servers_signal(servers, parts[i].part, SIGINT);
		(void)servers_wait(servers, parts[i].part);
		assert_true(servers_await(is_ready, &red));
		servers_restart(servers, parts[i].part);
		assert_true(servers_await(is_ready, &green));
	}
}

/* Adds or drops the partition of the day that follows. */
static void
change_tomorrow(const char *verb, const char *table)
{
	char sql[200];

	snprintf(sql, sizeof sql,
	    "SELECT day_partition_%s('%s', (now() AT TIME ZONE 'UTC')::date + 1)", verb, table);
	free(servers_sql(servers, sql));
}

static void
test_readiness_wants_its_migrations_and_partitions(void **state)
{
	static const char *const tables[] = { "chat_logs", "authorizations", "messages" };
	struct ready green = { "migrations", "true", 200 };
	struct ready no_migration = { "migrations", "false", 503 };
	struct ready no_partition = { "partitions", "false", 503 };

	(void)state;
	assert_true(servers_await(is_ready, &green));
	free(servers_sql(servers,
	    "CREATE TABLE kept AS SELECT * FROM schema_migrations;"
	    "DELETE FROM schema_migrations WHERE version = (SELECT max(version) FROM kept);"
	    "SELECT 1"));
	assert_true(servers_await(is_ready, &no_migration));
	free(servers_sql(servers, "TRUNCATE schema_migrations;"
				  "INSERT INTO schema_migrations SELECT * FROM kept;"
				  "DROP TABLE kept;"
				  "SELECT 1"));
	assert_true(servers_await(is_ready, &green));
	for (size_t i = 0; i < COUNT(tables); i++) {
		change_tomorrow("drop", tables[i]);
		assert_true(servers_await(is_ready, &no_partition));
		change_tomorrow("add", tables[i]);
		assert_true(servers_await(is_ready, &green));
	}
}

/* Jobs of which readiness and metrics tell. */
static void
run_jobs(void)
{
	static const char *const jobs[] = { "partitions", "expire" };

	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
		char *output;

		if (servers_tally(servers, &output, jobs[i], NULL) != 0)
			fputs(output, stderr);
		free(output);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_metrics_pass_promtool),
		cmocka_unit_test(test_readiness_names_what_is_away),
		cmocka_unit_test(test_readiness_wants_its_migrations_and_partitions),
	};
	int failed;

	servers = servers_start(SERVER_NGINX);
	client.url = servers_http_url(servers);
	run_jobs();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	servers_stop(servers);
	return failed;
}
