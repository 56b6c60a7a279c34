/*
 * tallyd as a process: its command line, the socket it is given, signals, the limit of connections,
 * and a stop under load that loses no answer.
 */
#include "tests/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/server.h"
#include "tests/fastcgi.h"
#include "tests/http.h"
#include "tests/process.h"
#include "tests/servers.h"

#define SENDERS 16
#define RECORDS_BEFORE_STOP 200
#define RESTARTS 5
#define STOP_TIMEOUT_MS 30000

static struct servers *servers;
static struct http client;
static char *socket_address; /* tallyd's */

static const char *
tallyd(void)
{
	const char *program = getenv("TALLYD");

	return program != NULL ? program : "./tallyd";
}

static const struct start {
	const char *sentence;
	const char *arguments[4];
	int status; /* sysexits(3) */
	const char *says;
} starts[] = {
	{ "help", { "--help" }, 0, "usage: tallyd" },
	{ "version", { "--version" }, 0, "tallyd 0." },
	{ "an unknown option", { "--color" }, 64, "usage: tallyd" },
	{ "an argument", { "start" }, 64, "usage: tallyd" },
	{ "no threads", { "--threads", "0" }, 64, "from 1 to 256" },
	{ "too many threads", { "--threads", "257" }, 64, "from 1 to 256" },
	{ "threads that are no number", { "--threads", "4x" }, 64, "from 1 to 256" },
	{ "a settings file that is not there", { "-c", "/nowhere/tally.conf" }, 78,
	    "/nowhere/tally.conf" },
	{ "no socket", { "-c", "/dev/null" }, 71, "no listening socket" },
	{ "an address that is none", { "-c", "/dev/null", "--listen", "localhost" }, 71,
	    "Cannot listen" },
};

static void
test_starts_that_fail(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(starts); i++) {
		const struct start *row = &starts[i];
		struct process process = { .argv = { tallyd(), row->arguments[0], row->arguments[1],
					       row->arguments[2], row->arguments[3] } };
		char *output;
		int status = process_run(&process, &output);

		if (status != row->status || strstr(output, row->says) == NULL)
			fail_msg("%s: %d %s", row->sentence, status, output);
		free(output);
	}
}

static void
test_a_superuser_is_refused(void **state)
{
	struct process process = { .argv = { "env", NULL, tallyd(), "-c", servers_conf(servers),
				       "--listen", "unix:/tmp/tally-superuser.sock" } };
	char *setting, *output;

	(void)state;
	assert_true(
	    asprintf(&setting, "DATABASE_URL=%s", servers_database_url(servers, "postgres")) > 0);
	process.argv[1] = setting;
	assert_int_equal(process_run(&process, &output), 77);
	assert_non_null(strstr(output, "event=refused"));
	free(output);
	free(setting);
}

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

/* The settings without an address to listen at. */
static void
write_conf(const char *path)
{
	char *conf = process_read_file(servers_conf(servers)), *rest = conf, *line;
	FILE *out = fopen(path, "we");

	assert_non_null(conf);
	assert_non_null(out);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (strncmp(line, "listen ", 7) != 0)
			fprintf(out, "%s\n", line);
	fclose(out);
	free(conf);
}

/* tallyd with the listening socket as its file descriptor 0, as systemd starts it. */
static pid_t
start_on_socket(int listen_fd, const char *conf)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(listen_fd, STDIN_FILENO);
	dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
	execlp(tallyd(), tallyd(), "-c", conf, (char *)NULL);
	_exit(127);
}

struct visitor {
	pthread_t thread;
	const char *address;
	atomic_bool enough;
	atomic_int served;
	int lost;
};

static void *
visit(void *argument)
{
	struct visitor *visitor = argument;

	while (!atomic_load(&visitor->enough)) {
		int fd = fastcgi_connect(visitor->address);
		char *answer = fastcgi_get(fd, false, "/healthz");

		if (answer == NULL || strstr(answer, "200 OK") == NULL)
			visitor->lost++;
		free(answer);
		close(fd);
		atomic_fetch_add(&visitor->served, 1);
	}
	return NULL;
}

static bool
visited(void *context)
{
	struct visitor *visitor = context;

	return atomic_load(&visitor->served) >= RECORDS_BEFORE_STOP;
}

static void
test_restarts_on_a_given_socket_refuse_nobody(void **state)
{
	char address[200], conf[200];
	struct visitor visitor = { .address = address };

	(void)state;
	snprintf(address, sizeof(address), "unix:%s/given.sock", servers_folder(servers));
	snprintf(conf, sizeof(conf), "%s/given.conf", servers_folder(servers));
	write_conf(conf);
	int listen_fd = server_listen(address);
	assert_true(listen_fd >= 0);
	pid_t pid = start_on_socket(listen_fd, conf);
	assert_int_equal(pthread_create(&visitor.thread, NULL, visit, &visitor), 0);
	for (int i = 0; i < RESTARTS; i++) {
		atomic_store(&visitor.served, 0);
		assert_true(servers_await(visited, &visitor));
		kill(pid, SIGTERM);
		assert_int_equal(process_wait(pid, STOP_TIMEOUT_MS), 0);
		pid = start_on_socket(listen_fd, conf);
	}
	atomic_store(&visitor.served, 0);
	assert_true(servers_await(visited, &visitor));
	atomic_store(&visitor.enough, true);
	pthread_join(visitor.thread, NULL);
	kill(pid, SIGTERM);
	assert_int_equal(process_wait(pid, STOP_TIMEOUT_MS), 0);
	close(listen_fd);
	assert_int_equal(visitor.lost, 0);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starts_that_fail),
		cmocka_unit_test(test_a_superuser_is_refused),
		cmocka_unit_test(test_a_stop_under_load_loses_no_answer),
		cmocka_unit_test(test_restarts_on_a_given_socket_refuse_nobody),
		cmocka_unit_test(test_hangup_reads_the_log_level_again),
		cmocka_unit_test(test_hangup_with_a_bad_file_changes_nothing),
		cmocka_unit_test(test_one_connection_too_many_is_told_when_to_come_back),
		cmocka_unit_test(test_metrics_are_for_loopback_and_operators),
		cmocka_unit_test(test_every_request_has_a_line_without_secrets),
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
