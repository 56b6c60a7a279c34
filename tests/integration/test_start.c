/*
 * How tallyd starts: its command line, whom it refuses, and the socket that it is given.
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
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/server.h"
#include "tests/fastcgi.h"
#include "tests/http.h"
#include "tests/process.h"
#include "tests/servers.h"

#define VISITS 200 /* between two restarts */
#define RESTARTS 5
#define CALLERS 32
#define RECORDS 400 /* between two replacements */
#define REPLACEMENTS 20
#define STOP_TIMEOUT_MS 30000

static struct servers *servers;

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
				       "--listen", NULL } };
	char *setting, *address, *output;

	(void)state;
	assert_true(
	    asprintf(&setting, "DATABASE_URL=%s", servers_database_url(servers, "postgres")) > 0);
	assert_true(asprintf(&address, "unix:%s/refused.sock", servers_folder(servers)) > 0);
	process.argv[1] = setting;
	process.argv[6] = address;
	assert_int_equal(process_run(&process, &output), 77);
	assert_non_null(strstr(output, "event=refused"));
	free(output);
	free(address);
	free(setting);
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

/* A socket of NOTIFY_SOCKET's kind. */
static int
open_manager(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = STOP_TIMEOUT_MS / 1000 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && strlen(path) < sizeof(name.sun_path));
	memcpy(name.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	return fd;
}

static void
expect_state(int manager, const char *state)
{
	char told[64] = "";

	assert_true(recv(manager, told, sizeof(told) - 1, 0) > 0);
	assert_string_equal(told, state);
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

	return atomic_load(&visitor->served) >= VISITS;
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

static struct {
	struct http http;
	atomic_bool enough;
	atomic_int stored;
	atomic_int lost; /* answers other than 201, and none */
} calls;

static void *
post_records(void *argument)
{
	while (!atomic_load(&calls.enough)) {
		struct http_answer answer =
		    http_send(&calls.http, "POST", "/v1/chat-logs", NULL, "{\"message_length\":1}");

		atomic_fetch_add(answer.status == 201 ? &calls.stored : &calls.lost, 1);
		http_free(&answer);
	}
	return argument;
}

static bool
stored_enough(void *context)
{
	return atomic_load(&calls.stored) >= *(const int *)context || atomic_load(&calls.lost) > 0;
}

static void
await_records(int more)
{
	int goal = atomic_load(&calls.stored) + more;

	assert_true(servers_await(stored_enough, &goal));
}

/* The socket of the tallyd that nginx knows, from here on held by this process. */
static int
take_socket(const char *address)
{
	servers_signal(servers, SERVER_TALLYD, SIGTERM);
	assert_int_equal(servers_wait(servers, SERVER_TALLYD), 0);
	int listen_fd = server_listen(address);
	assert_true(listen_fd >= 0);
	return listen_fd;
}

static void
test_replacements_behind_nginx_lose_no_record(void **state)
{
	char address[200], conf[200];
	pthread_t callers[CALLERS];

	(void)state;
	calls.http.url = servers_http_url(servers);
	calls.http.key = servers_key(servers, "replaced");
	snprintf(address, sizeof(address), "unix:%s/tallyd.sock", servers_folder(servers));
	snprintf(conf, sizeof(conf), "%s/replaced.conf", servers_folder(servers));
	write_conf(conf);
	int listen_fd = take_socket(address);
	pid_t pid = start_on_socket(listen_fd, conf);
	for (int i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_create(&callers[i], NULL, post_records, NULL), 0);
	for (int i = 0; i < REPLACEMENTS; i++) {
		await_records(RECORDS);
		kill(pid, SIGTERM);
		assert_int_equal(process_wait(pid, STOP_TIMEOUT_MS), 0);
		pid = start_on_socket(listen_fd, conf);
	}
	await_records(RECORDS);
	atomic_store(&calls.enough, true);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(callers[i], NULL);
	kill(pid, SIGTERM);
	assert_int_equal(process_wait(pid, STOP_TIMEOUT_MS), 0);
	close(listen_fd);
	assert_int_equal(calls.lost, 0);
	char *count = servers_sql(servers, "SELECT count(*) FROM chat_logs");
	assert_int_equal(strtol(count, NULL, 10), calls.stored);
	free(count);
	free((char *)(uintptr_t)calls.http.key);
}

static void
test_the_manager_is_told(void **state)
{
	char address[200], conf[200], path[100];

	(void)state;
	snprintf(address, sizeof(address), "unix:%s/told.sock", servers_folder(servers));
	snprintf(conf, sizeof(conf), "%s/told.conf", servers_folder(servers));
	snprintf(path, sizeof(path), "%s/manager.sock", servers_folder(servers));
	write_conf(conf);
	int listen_fd = server_listen(address), manager = open_manager(path);
	setenv("NOTIFY_SOCKET", path, 1);
	pid_t pid = start_on_socket(listen_fd, conf);
	unsetenv("NOTIFY_SOCKET");
	expect_state(manager, "READY=1");
	kill(pid, SIGTERM);
	expect_state(manager, "STOPPING=1");
	assert_int_equal(process_wait(pid, STOP_TIMEOUT_MS), 0);
	close(manager);
	close(listen_fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starts_that_fail),
		cmocka_unit_test(test_a_superuser_is_refused),
		cmocka_unit_test(test_restarts_on_a_given_socket_refuse_nobody),
		cmocka_unit_test(test_the_manager_is_told),
		cmocka_unit_test(test_replacements_behind_nginx_lose_no_record),
	};

	servers = servers_start(SERVER_NGINX);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	servers_stop(servers);
	return failed;
}
