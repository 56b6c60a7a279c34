#include "tests/servers_private.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A socket's path must be shorter than 108 bytes. */
#define FOLDER_MAX 70

const char *const servers_roles[SERVERS_ROLES] = { "postgres", "tally_owner", "tally_app",
	"tally_worker" };

static const char *const names[SERVER_PARTS] = { "postgres", "redis", "tallyd", "nginx",
	"tallyd2" };

/* In what order and by what each part is asked to end. PostgreSQL's data is not needed again. */
static const struct {
	enum server_part part;
	int signal;
} endings[] = {
	{ SERVER_NGINX, SIGTERM },
	{ SERVER_TALLYD, SIGTERM },
	{ SERVER_TALLYD_2, SIGTERM },
	{ SERVER_REDIS, SIGKILL },
	{ SERVER_POSTGRES, SIGQUIT },
};

char *
servers_path(const struct servers *servers, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", servers->folder, name) < 0)
		abort();
	return path;
}

char *
servers_log(const struct servers *servers, enum server_part part)
{
	char *path;

	if (asprintf(&path, "%s/%s.log", servers->folder, names[part]) < 0)
		abort();
	return path;
}

static void
print_log(const struct servers *servers, enum server_part part)
{
	char *path = servers_log(servers, part);
	char *log = process_read_file(path);

	fprintf(stderr, "--- log of %s\n%s---\n", names[part], log == NULL ? "" : log);
	free(log);
	free(path);
}

_Noreturn void
servers_die(struct servers *servers, enum server_part part, const char *text)
{
	fprintf(stderr, "%s: %s\n", names[part], text);
	print_log(servers, part);
	servers_stop(servers);
	exit(1);
}

static int
remove_entry(const char *path, const struct stat *about, int type, struct FTW *place)
{
	(void)about;
	(void)type;
	(void)place;
	return remove(path);
}

/* A part that was stopped by a test would not see its signal. */
static int
end(struct servers *servers, enum server_part part, int signal)
{
	int status;

	kill(servers->pids[part], signal);
	process_signal_tree(servers->pids[part], SIGCONT);
	status = process_wait(servers->pids[part], SERVERS_TIMEOUT_MS);
	if (status == -1) {
		fprintf(stderr, "%s did not end\n", names[part]);
		process_signal_tree(servers->pids[part], SIGKILL);
		process_wait(servers->pids[part], SERVERS_TIMEOUT_MS);
	}
	servers->pids[part] = 0;
	return status;
}

/* A sanitizer tells of what it found by tallyd's exit status. */
static bool
end_all(struct servers *servers)
{
	bool fine = true;

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		enum server_part part = endings[i].part;
		int status;

		if (servers->pids[part] == 0)
			continue;
		status = end(servers, part, endings[i].signal);
		if ((part == SERVER_TALLYD || part == SERVER_TALLYD_2) && status != 0) {
			fprintf(stderr, "tallyd ended with the status 0x%x\n", (unsigned)status);
			print_log(servers, part);
			fine = false;
		}
	}
	return fine;
}

static void
remove_folder(struct servers *servers)
{
	servers_unmount(servers);
	nftw(servers->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void
release(struct servers *servers)
{
	for (int i = 0; i < SERVERS_ROLES; i++)
		free(servers->urls[i]);
	for (int i = 0; i < servers->setting_count; i++) {
		free(servers->settings[i].key);
		free(servers->settings[i].value);
	}
	free(servers->redis_url);
	free(servers->http_url);
	free(servers->conf_path);
	free(servers->environment);
	free(servers->template);
	free(servers->folder);
	free(servers);
}

void
servers_stop(struct servers *servers)
{
	bool fine = end_all(servers);

	if (getenv("TALLY_TEST_KEEP") != NULL)
		fprintf(stderr, "kept: %s\n", servers->folder);
	else
		remove_folder(servers);
	release(servers);
	if (!fine)
		exit(1);
}

static void
make_folder(struct servers *servers)
{
	const char *parent = getenv("TMPDIR");

	if (parent == NULL || strlen(parent) > FOLDER_MAX)
		parent = "/tmp";
	if (asprintf(&servers->folder, "%s/tally-XXXXXX", parent) < 0 ||
	    mkdtemp(servers->folder) == NULL || chmod(servers->folder, 0755) != 0)
		abort();
}

static void
make_urls(struct servers *servers)
{
	for (int i = 0; i < SERVERS_ROLES; i++) {
		if (asprintf(&servers->urls[i], "postgresql://%s@/%s?host=%s/pg", servers_roles[i],
			i == 0 ? "postgres" : "tally", servers->folder) < 0)
			abort();
	}
	if (asprintf(&servers->redis_url, "unix:%s/redis.sock", servers->folder) < 0)
		abort();
}

static void
start_database(struct servers *servers)
{
	servers_prepare(servers, SERVER_POSTGRES);
	if (servers_template_use(servers)) {
		servers_restart(servers, SERVER_POSTGRES);
	} else {
		servers_make_cluster(servers);
		servers_restart(servers, SERVER_POSTGRES);
		servers_migrate(servers);
		servers_template_keep(servers);
	}
	servers_enter(servers);
}

struct servers *
servers_start_small(enum server_part last, int disk_mib)
{
	struct servers *servers = calloc(1, sizeof(*servers));

	if (servers == NULL)
		abort();
	servers->last = last;
	make_folder(servers);
	servers_mount(servers, disk_mib);
	make_urls(servers);
	servers_make_conf(servers);
	start_database(servers);
	for (enum server_part part = SERVER_REDIS; part <= last; part++) {
		servers_prepare(servers, part);
		servers_restart(servers, part);
	}
	return servers;
}

struct servers *
servers_start(enum server_part last)
{
	return servers_start_small(last, 0);
}

/* After a kill, PostgreSQL may have to wait for what it left behind: it is started again then. */
void
servers_restart(struct servers *servers, enum server_part part)
{
	long long until = process_clock() + SERVERS_TIMEOUT_MS;

	servers_launch(servers, part);
	while (!servers_answer(servers, part)) {
		bool ended = process_wait(servers->pids[part], 0) != -1;

		if (ended)
			servers->pids[part] = 0;
		if ((ended && part != SERVER_POSTGRES) || process_clock() > until)
			servers_die(servers, part, "does not start");
		if (ended)
			servers_launch(servers, part);
		process_breathe();
	}
}

pid_t
servers_pid(const struct servers *servers, enum server_part part)
{
	return servers->pids[part];
}

void
servers_signal(struct servers *servers, enum server_part part, int signal)
{
	if (signal == SIGSTOP || signal == SIGCONT)
		process_signal_tree(servers->pids[part], signal);
	else
		kill(servers->pids[part], signal);
}

void
servers_kill_tree(struct servers *servers, enum server_part part)
{
	process_signal_tree(servers->pids[part], SIGKILL);
	(void)servers_wait(servers, part);
}

bool
servers_runs(struct servers *servers, enum server_part part)
{
	if (servers->pids[part] != 0 && process_wait(servers->pids[part], 0) != -1)
		servers->pids[part] = 0;
	return servers->pids[part] != 0;
}

int
servers_wait(struct servers *servers, enum server_part part)
{
	int status = process_wait(servers->pids[part], SERVERS_TIMEOUT_MS);

	if (status == -1)
		servers_die(servers, part, "does not end");
	servers->pids[part] = 0;
	return status;
}

const char *
servers_folder(const struct servers *servers)
{
	return servers->folder;
}

const char *
servers_database_url(const struct servers *servers, const char *role)
{
	for (int i = 0; i < SERVERS_ROLES; i++) {
		if (strcmp(servers_roles[i], role) == 0)
			return servers->urls[i];
	}
	abort();
}

const char *
servers_redis_url(const struct servers *servers)
{
	return servers->redis_url;
}

const char *
servers_http_url(const struct servers *servers)
{
	return servers->http_url;
}

const char *
servers_conf(const struct servers *servers)
{
	return servers->conf_path;
}

void
servers_redis_appends(struct servers *servers, bool appends)
{
	servers->redis_appends = appends;
}

void
servers_tallyd_environment(struct servers *servers, const char *variable)
{
	free(servers->environment);
	servers->environment = variable == NULL ? NULL : strdup(variable);
}

char *
servers_data(const struct servers *servers, enum server_part part)
{
	return servers_path(servers, part == SERVER_REDIS ? "redis" : "data");
}

bool
servers_await(bool (*test)(void *context), void *context)
{
	long long until = process_clock() + SERVERS_TIMEOUT_MS;

	while (!test(context)) {
		if (process_clock() > until)
			return false;
		process_breathe();
	}
	return true;
}
