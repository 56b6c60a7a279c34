/*
 * tallyd while it runs: signals, the limit of connections, its log, and a stop under load that
 * loses no answer.
 */
#include "tests/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base.h"
#include "tests/fastcgi.h"
#include "tests/http.h"
#include "tests/process.h"
#include "tests/servers.h"

#define SENDERS 16
#define RECORDS_BEFORE_STOP 200

static struct servers *servers;
static struct http client;
static char *socket_address; /* tallyd's */

/* One sender: records without an id, until tallyd has gone. */
struct sender {
	pthread_t thread;
	int acknowledged;
};

static atomic_int acknowledged;

static void *
send_until_gone(void *argument)
{
	struct sender *sender = argument;
	long status = 201;

	while (status == 201) {
		struct http_answer answer =
		    http_send(&client, "POST", "/v1/chat-logs", NULL, "{\"message_length\":1}");

		status = answer.status;
		sender->acknowledged += status == 201;
		atomic_fetch_add(&acknowledged, status == 201);
		http_free(&answer);
	}
	return NULL;
}

static bool
enough_acknowledged(void *context)
{
	return atomic_load(&acknowledged) >= *(const int *)context;
}

/* What was stored was answered, and what was answered is stored. */
static void
test_a_stop_under_load_loses_no_answer(void **state)
{
	struct sender senders[SENDERS] = { 0 };
	int goal = RECORDS_BEFORE_STOP, sum = 0, status;

	(void)state;
	for (int i = 0; i < SENDERS; i++)
		assert_int_equal(
		    pthread_create(&senders[i].thread, NULL, send_until_gone, &senders[i]), 0);
	assert_true(servers_await(enough_acknowledged, &goal));
	servers_signal(servers, SERVER_TALLYD, SIGTERM);
	status = servers_wait(servers, SERVER_TALLYD);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(senders[i].thread, NULL);
		sum += senders[i].acknowledged;
	}
	char *stored = servers_sql(servers, "SELECT count(*) FROM chat_logs");
	assert_int_equal(atoi(stored), sum);
	free(stored);
	servers_restart(servers, SERVER_TALLYD);
}

static bool
log_holds(void *context)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/tallyd.log", servers_folder(servers));
	char *log = process_read_file(path);
	bool found = log != NULL && strstr(log, context) != NULL;
	free(log);
	return found;
}

static void
test_hangup_reads_the_log_level_again(void **state)
{
	char reloaded[] = "event=reloaded log_level=debug", query[] = "event=query";
	struct http_answer answer;

	(void)state;
	assert_false(log_holds(query));
	servers_setting(servers, "log_level", "debug");
	servers_signal(servers, SERVER_TALLYD, SIGHUP);
	assert_true(servers_await(log_holds, reloaded));
	answer = http_send(&client, "GET", "/v1/users/count", NULL, NULL);
	assert_int_equal(answer.status, 200);
	http_free(&answer);
	assert_true(servers_await(log_holds, query));
	servers_setting(servers, "log_level", "info");
	servers_signal(servers, SERVER_TALLYD, SIGHUP);
}

static void
test_hangup_with_a_bad_file_changes_nothing(void **state)
{
	char failed[] = "event=reload_failed";
	struct http_answer answer;

	(void)state;
	servers_setting(servers, "log_level", "loud");
	servers_signal(servers, SERVER_TALLYD, SIGHUP);
	assert_true(servers_await(log_holds, failed));
	servers_setting(servers, "log_level", "info");
	answer = http_send(&client, "GET", "/healthz", NULL, NULL);
	assert_int_equal(answer.status, 200);
	http_free(&answer);
}

static void
restart_tallyd(void)
{
	servers_signal(servers, SERVER_TALLYD, SIGTERM);
	assert_int_equal(servers_wait(servers, SERVER_TALLYD), 0);
	servers_restart(servers, SERVER_TALLYD);
}

static void
test_one_connection_too_many_is_told_when_to_come_back(void **state)
{
	int fds[3];
	char *answer;

	(void)state;
	servers_setting(servers, "connections_max", "2");
	restart_tallyd();
	for (int i = 0; i < 2; i++) {
		fds[i] = fastcgi_connect(socket_address);
		do {
			/* The connection that asked whether tallyd answers may still be closing. */
			answer = fastcgi_get(fds[i], true, "/healthz");
			assert_non_null(answer);
			bool refused = strstr(answer, "503") != NULL;
			free(answer);
			if (!refused)
				break;
			close(fds[i]);
			fds[i] = fastcgi_connect(socket_address);
		} while (true);
	}
	fds[2] = fastcgi_connect(socket_address);
	answer = fastcgi_get(fds[2], true, "/healthz");
	assert_non_null(answer);
	assert_non_null(strstr(answer, "Status: 503"));
	assert_non_null(strstr(answer, "\r\nRetry-After: 1\r\n"));
	assert_non_null(strstr(answer, "urn:tally:problem:unavailable"));
	free(answer);
	assert_true(fastcgi_closed(fds[2]));
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	servers_setting(servers, "connections_max", "4096");
	restart_tallyd();
}

/* Peers that nginx reports, and what they may see. */
static void
test_metrics_are_for_loopback_and_operators(void **state)
{
	static const struct {
		const char *address;
		const char *key; /* "operator", "client" or NULL */
		const char *status;
	} rows[] = {
		{ "127.0.0.1", NULL, "Status: 200" },
		{ "::1", NULL, "Status: 200" },
		{ "unix:", NULL, "Status: 200" },
		{ "192.0.2.7", NULL, "Status: 401" },
		{ "127.evil", NULL, "Status: 401" },
		{ "", NULL, "Status: 401" },
		{ "192.0.2.7", "client", "Status: 403" },
		{ "192.0.2.7", "operator", "Status: 200" },
	};
	char *operator_key = servers_key(servers, NULL), authorization[300];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *key = rows[i].key == NULL		       ? ""
				  : strcmp(rows[i].key, "client") == 0 ? client.key
								       : operator_key;
		int fd = fastcgi_connect(socket_address);
		const char *const params[] = { "REQUEST_METHOD", "GET", "REQUEST_URI", "/metrics",
			"REMOTE_ADDR", rows[i].address, "HTTP_AUTHORIZATION", authorization, NULL };

		snprintf(authorization, sizeof(authorization), "%s%s",
		    rows[i].key != NULL ? "Bearer " : "", key);
		fastcgi_begin(fd, false, params);
		fastcgi_end(fd);
		char *answer = fastcgi_read(fd);
		assert_non_null(answer);
		if (strncmp(answer, rows[i].status, strlen(rows[i].status)) != 0)
			fail_msg("%s %s: %.12s", rows[i].address, key, answer);
		free(answer);
		close(fd);
	}
	free(operator_key);
}

static void
test_every_request_has_a_line_without_secrets(void **state)
{
	char line[] = "event=request id=0190a5b0-0000-7000-8000-0000000000bb method=GET "
		      "route=/v1/users/{id} status=404 ";
	static const char *const headers[] = { "X-Request-Id: 0190a5b0-0000-7000-8000-0000000000bb",
		NULL };
	struct http_answer answer = http_send(
	    &client, "GET", "/v1/users/0190a5b0-0000-7000-8000-000000000001", headers, NULL);

	(void)state;
	assert_int_equal(answer.status, 404);
	http_free(&answer);
	assert_true(servers_await(log_holds, line));
	/* tally_<public id>_<secret> */
	char *secret = strdup(strrchr(client.key, '_') + 1);
	assert_false(log_holds(secret));
	free(secret);
}

/* A Unix socket before nginx: its peers have no address, and the audit log's column takes none. */
static void
test_a_peer_without_an_address_is_audited(void **state)
{
	static const char body[] = "{\"email\":\"no@address.example\"}";
	char authorization[300], length[12];
	const char *const params[] = { "REQUEST_METHOD", "POST", "REQUEST_URI", "/v1/users",
		"REMOTE_ADDR", "unix:", "HTTP_AUTHORIZATION", authorization, "CONTENT_TYPE",
		"application/json", "CONTENT_LENGTH", length, NULL };
	int fd = fastcgi_connect(socket_address);

	(void)state;
	snprintf(authorization, sizeof(authorization), "Bearer %s", client.key);
	snprintf(length, sizeof(length), "%zu", sizeof(body) - 1);
	fastcgi_begin(fd, false, params);
	fastcgi_send(fd, body, sizeof(body) - 1);
	fastcgi_end(fd);
	char *answer = fastcgi_read(fd);
	assert_non_null(answer);
	assert_memory_equal(answer, "Status: 201", strlen("Status: 201"));
	free(answer);
	close(fd);
	free(servers_sql(servers, "SELECT 1 / count(*) FROM audit_log WHERE entity = 'users' "
				  "AND ip_address IS NULL"));
}

static void
test_what_postgres_says_is_for_the_log_only(void **state)
{
	char cause[] = "relation \\\"users\\\" does not exist";

	(void)state;
	free(servers_sql(servers, "ALTER TABLE users RENAME TO users_away"));
	struct http_answer answer = http_send(&client, "GET", "/v1/users", NULL, NULL);
	free(servers_sql(servers, "ALTER TABLE users_away RENAME TO users"));
	assert_int_equal(answer.status, 500);
	assert_null(strstr(answer.body, "relation"));
	http_free(&answer);
	assert_true(servers_await(log_holds, cause));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_stop_under_load_loses_no_answer),
		cmocka_unit_test(test_hangup_reads_the_log_level_again),
		cmocka_unit_test(test_hangup_with_a_bad_file_changes_nothing),
		cmocka_unit_test(test_one_connection_too_many_is_told_when_to_come_back),
		cmocka_unit_test(test_metrics_are_for_loopback_and_operators),
		cmocka_unit_test(test_every_request_has_a_line_without_secrets),
		cmocka_unit_test(test_a_peer_without_an_address_is_audited),
		cmocka_unit_test(test_what_postgres_says_is_for_the_log_only),
	};
	int failed;

	servers = servers_start(SERVER_NGINX);
	client.url = servers_http_url(servers);
	client.key = servers_key(servers, "server");
	if (asprintf(&socket_address, "unix:%s/tallyd.sock", servers_folder(servers)) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(socket_address);
	free((char *)(uintptr_t)client.key);
	servers_stop(servers);
	return failed;
}
