#include "tests/http.h"
#include "tests/servers_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Below the range from which the kernel takes the ports of outgoing connections. */
#define PORT_MIN 20000
#define PORTS 10000

static void
run_or_die(struct servers *servers, enum server_part part, const struct process *process)
{
	char *output;

	if (process_run(process, &output) != 0)
		servers_die(servers, part, output);
	free(output);
}

static void
make_folder(struct servers *servers, const char *path)
{
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		servers_die(servers, SERVER_POSTGRES, "cannot make a folder");
}

/* A folder that the user postgres may fill. */
static char *
postgres_folder(struct servers *servers, const char *name)
{
	const struct passwd *entry = getpwnam("postgres");
	char *path = servers_path(servers, name);

	make_folder(servers, path);
	if (geteuid() == 0 && (entry == NULL || chown(path, entry->pw_uid, entry->pw_gid) != 0))
		servers_die(servers, SERVER_POSTGRES, "there is no user postgres");
	return path;
}

static void
prepare_redis(struct servers *servers)
{
	char *data = servers_data(servers, SERVER_REDIS);

	make_folder(servers, data);
	free(data);
}

static void
prepare_postgres(struct servers *servers)
{
	free(postgres_folder(servers, "data"));
	free(postgres_folder(servers, "pg"));
}

void
servers_make_cluster(struct servers *servers)
{
	char *data = servers_data(servers, SERVER_POSTGRES);
	struct process init = {
		.argv = { "initdb", "--no-sync", "--auth=trust", "--username=postgres",
		    "--encoding=UTF8", "--locale=C.UTF-8", "--pgdata", data },
		.user = "postgres",
	};

	run_or_die(servers, SERVER_POSTGRES, &init);
	free(data);
}

static pid_t
launch_postgres(struct servers *servers, const char *log)
{
	char *data = servers_path(servers, "data");
	char *sockets = servers_path(servers, "pg");
	struct process server = {
		.argv = { "postgres", "-D", data, "-k", sockets, "-c", "listen_addresses=", "-c",
		    "max_connections=100", "-c", "shared_buffers=32MB", "-c",
		    "restart_after_crash=on", "-c", "log_min_messages=warning" },
		.user = "postgres",
		.log = log,
		.death_signal = SIGQUIT,
	};
	pid_t pid = process_start(&server);

	free(data);
	free(sockets);
	return pid;
}

static pid_t
launch_redis(struct servers *servers, const char *log)
{
	char *path = servers_path(servers, "redis.sock");
	char *data = servers_data(servers, SERVER_REDIS);
	struct process server = {
		.argv = { "redis-server", "--port", "0", "--unixsocket", path, "--dir", data,
		    "--appendonly", servers->redis_appends ? "yes" : "no", "--save", "" },
		.log = log,
	};
	pid_t pid = process_start(&server);

	free(data);
	free(path);
	return pid;
}

static pid_t
launch(struct servers *servers, const char *log, const char *socket)
{
	const char *program = getenv("TALLYD");
	struct process server = {
		.argv = { program == NULL ? "./tallyd" : program, "-c", servers->conf_path,
		    "--listen" },
		.environment = servers->environment,
		.log = log,
	};
	char *address;
	pid_t pid;

	if (asprintf(&address, "unix:%s/%s", servers->folder, socket) < 0)
		abort();
	server.argv[4] = address;
	pid = process_start(&server);
	free(address);
	return pid;
}

static pid_t
launch_tallyd(struct servers *servers, const char *log)
{
	return launch(servers, log, "tallyd.sock");
}

static pid_t
launch_tallyd_2(struct servers *servers, const char *log)
{
	return launch(servers, log, "tallyd2.sock");
}

static struct sockaddr_in
loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static bool
is_free(int port)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool free_port = bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;

	close(fd);
	return free_port;
}

static void
choose_port(struct servers *servers)
{
	int first = (int)getpid() * 7;

	for (int i = 0; i < PORTS; i++) {
		servers->port = PORT_MIN + (first + i) % PORTS;
		if (is_free(servers->port))
			break;
	}
	free(servers->http_url);
	if (asprintf(&servers->http_url, "http://127.0.0.1:%d", servers->port) < 0)
		abort();
}

struct word {
	const char *name, *value;
};

static size_t
write_word(const char *at, const struct word *words, size_t count, FILE *out)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(words[i].name);

		if (strncmp(at, words[i].name, len) == 0) {
			fputs(words[i].value, out);
			return len;
		}
	}
	fputc(*at, out);
	return 1;
}

static void
write_filled(const char *template, const struct word *words, size_t count, FILE *out)
{
	while (*template != '\0') {
		size_t plain = strcspn(template, "@");

		fwrite(template, 1, plain, out);
		template += plain;
		if (*template != '\0')
			template += write_word(template, words, count, out);
	}
}

/* The template's upstream has one server line. */
static char *
upstream(const struct servers *servers)
{
	char *sockets;

	if (servers->last < SERVER_TALLYD_2)
		return servers_path(servers, "tallyd.sock");
	if (asprintf(&sockets, "%s/tallyd.sock max_fails=0; server unix:%s/tallyd2.sock",
		servers->folder, servers->folder) < 0)
		abort();
	return sockets;
}

static void
prepare_nginx(struct servers *servers)
{
	char *source = servers_source(".");
	char *template_path = servers_source("conf/nginx/private.conf");
	char *template = process_read_file(template_path);
	char *path = servers_path(servers, "nginx.conf");
	char *tallyd = upstream(servers);
	FILE *out = fopen(path, "we");
	char port[8];
	struct word words[] = {
		{ "@PORT@", port },
		{ "@SOCKET@", tallyd },
		{ "@FOLDER@", servers->folder },
		{ "@SOURCE@", source },
	};

	choose_port(servers);
	snprintf(port, sizeof(port), "%d", servers->port);
	if (template == NULL || out == NULL)
		servers_die(servers, SERVER_NGINX, path);
	write_filled(template, words, sizeof(words) / sizeof(words[0]), out);
	fclose(out);
	free(source);
	free(template_path);
	free(template);
	free(path);
	free(tallyd);
}

static pid_t
launch_nginx(struct servers *servers, const char *log)
{
	char *path = servers_path(servers, "nginx.conf");
	/* As root its workers would be nobody, and the folder is ours alone. */
	struct process server = {
		.argv = { "nginx", "-q", "-p", servers->folder, "-c", path, "-e", log, "-g",
		    geteuid() == 0 ? "daemon off; user root;" : "daemon off;" },
		.log = log,
		.death_signal = SIGTERM,
	};
	pid_t pid = process_start(&server);

	free(path);
	return pid;
}

void
servers_prepare(struct servers *servers, enum server_part part)
{
	if (part == SERVER_POSTGRES)
		prepare_postgres(servers);
	else if (part == SERVER_REDIS)
		prepare_redis(servers);
	else if (part == SERVER_NGINX)
		prepare_nginx(servers);
}

void
servers_launch(struct servers *servers, enum server_part part)
{
	static pid_t (*const launch[])(struct servers *, const char *) = {
		[SERVER_POSTGRES] = launch_postgres,
		[SERVER_REDIS] = launch_redis,
		[SERVER_TALLYD] = launch_tallyd,
		[SERVER_NGINX] = launch_nginx,
		[SERVER_TALLYD_2] = launch_tallyd_2,
	};
	char *log = servers_log(servers, part);

	servers->pids[part] = launch[part](servers, log);
	free(log);
}

/* Connects to the socket and, where something is asked, waits for an answer that begins like that.
 */
static bool
answers(const struct servers *servers, const char *name, const char *question, const char *answer)
{
	char *path = servers_path(servers, name);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = 1 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char got[64] = "";
	bool fine;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	fine = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
	if (fine && question != NULL)
		fine = send(fd, question, strlen(question), MSG_NOSIGNAL) > 0 &&
		       recv(fd, got, sizeof(got) - 1, 0) > 0 &&
		       strncmp(got, answer, strlen(answer)) == 0;
	close(fd);
	free(path);
	return fine;
}

static bool
answers_http(const struct servers *servers)
{
	struct http http = { .url = servers->http_url };
	struct http_answer answer = http_send(&http, "GET", "/healthz", NULL, NULL);
	bool fine = answer.status != 0;

	http_free(&answer);
	return fine;
}

bool
servers_answer(struct servers *servers, enum server_part part)
{
	switch (part) {
	case SERVER_POSTGRES:
		return PQping(servers->urls[0]) == PQPING_OK;
	case SERVER_REDIS:
		return answers(servers, "redis.sock", "PING\r\n", "+PONG");
	case SERVER_TALLYD:
		return answers(servers, "tallyd.sock", NULL, NULL);
	case SERVER_TALLYD_2:
		return answers(servers, "tallyd2.sock", NULL, NULL);
	case SERVER_NGINX:
	case SERVER_PARTS:
		break;
	}
	return answers_http(servers);
}
