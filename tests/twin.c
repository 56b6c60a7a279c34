#include "tests/twin.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/process.h"

#define TIMEOUT_MS 30000
#define SOCKET "/tallyd.sock"
#define TWIN "/twin.sock"

static char *
path_of(const struct servers *servers, const char *name)
{
	char *path;

	if (asprintf(&path, "%s%s", servers_folder(servers), name) < 0)
		abort();
	return path;
}

/* Copies a file; what stands between before and after is replaced by the name of the other socket.
 * twice: what was there stays as well, for nginx's list of servers. */
static void
write_file(const char *from, const char *to, const char *before, const char *after, bool twice)
{
	char *text = process_read_file(from);
	char *start = text == NULL ? NULL : strstr(text, before);
	char *name = start == NULL ? NULL : strstr(start, SOCKET);
	char *end = name == NULL ? NULL : strstr(name, after);
	FILE *out = fopen(to, "we");

	if (end == NULL || out == NULL)
		abort();
	end += strlen(after);
	if (twice)
		fwrite(text, 1, (size_t)(end - text), out);
	else
		fwrite(text, 1, (size_t)(start - text), out);
	fwrite(start, 1, (size_t)(name - start), out);
	fprintf(out, "%s%s%s", TWIN, after, end);
	fclose(out);
	free(text);
}

static bool
listens(void *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool fine;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", (const char *)path);
	fine = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return fine;
}

static pid_t
start(struct servers *servers)
{
	const char *program = getenv("TALLYD");
	char *conf = path_of(servers, "/twin.conf"), *log = path_of(servers, "/twin.log");
	char *path = path_of(servers, TWIN);
	struct process process = {
		.argv = { program == NULL ? "./tallyd" : program, "-c", conf },
		.log = log,
	};
	pid_t pid;

	write_file(servers_conf(servers), conf, "listen = ", "\n", false);
	pid = process_start(&process);
	if (!servers_await(listens, path)) {
		fprintf(stderr, "the second tallyd does not listen\n");
		exit(1);
	}
	free(conf);
	free(log);
	free(path);
	return pid;
}

pid_t
twin_start(struct servers *servers)
{
	pid_t pid = start(servers);
	char *nginx = path_of(servers, "/nginx.conf");

	servers_signal(servers, SERVER_NGINX, SIGTERM);
	(void)servers_wait(servers, SERVER_NGINX);
	write_file(nginx, nginx, "server unix:", ";\n", true);
	servers_restart(servers, SERVER_NGINX);
	free(nginx);
	return pid;
}

int
twin_stop(pid_t pid)
{
	kill(pid, SIGTERM);
	return process_wait(pid, TIMEOUT_MS);
}
