#include "tests/torture/faults.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base.h"
#include "tests/torture/load.h"
#include "tests/torture/workers.h"

#define LONG_ENOUGH 150 /* requests */
#define CLOCK_BACK_MAX_S 200 /* COUNTER_SKEW_USEC is what the processes' clocks may differ by */

const struct faults_place faults_places[] = {
	{ "flush", "flush-read" },
	{ "flush", "flush-raised" },
	{ "flush", "flush-written" },
	{ "flush", "flush-late" },
	{ "flush", "flush-summed" },
	{ "flush", "flush-cleared" },
	{ "reconcile", "reconcile-read" },
	{ "reconcile", "reconcile-corrected" },
	{ "reconcile", "reconcile-committed" },
	{ "reconcile", "reconcile-drifted" },
	{ "reconcile", "reconcile-rebuilt" },
	{ "rollup", "rollup-collected" },
	{ "rollup", "rollup-begun" },
	{ "rollup", "rollup-summed" },
	{ "rollup", "rollup-pending" },
	{ "rollup", "rollup-ended" },
	{ "erase", "erase-step" },
	{ "erase", "erase-committed" },
	{ "erase", "erase-ended" },
	{ "erase", "erase-gone" },
	{ "erase", "erase-swept" },
	{ "purge", "purge-requested" },
	{ "purge", "purge-removed" },
	{ "purge", "purge-closed" },
	{ "purge", "purge-deleted" },
	{ "purge", "purge-partition" },
	{ "purge", "purge-hours" },
	{ "purge", "purge-swept" },
	{ NULL, "ingest-announced" },
	{ NULL, "ingest-stored" },
	{ NULL, "ingest-committed" },
	{ NULL, "ingest-confirmed" },
};
const int faults_place_count = COUNT(faults_places);

struct goal {
	long (*count)(const struct load *load);
	const struct load *load;
	long until;
};

static bool
is_reached(void *context)
{
	const struct goal *goal = context;

	return goal->count(goal->load) >= goal->until;
}

/* A fault that lasts as long as servers_await() waits has lasted long enough. */
static void
await(struct torture *torture, long (*count)(const struct load *load), long more)
{
	struct goal goal = { count, torture->load, count(torture->load) + more };

	(void)servers_await(is_reached, &goal);
}

void
faults_await_requests(struct torture *torture, long more)
{
	await(torture, load_requests, more);
}

void
faults_await_failures(struct torture *torture, long more)
{
	await(torture, load_failures, more);
}

static enum server_part
choose_tallyd(struct torture *torture)
{
	return dice_chance(&torture->dice, 50) ? SERVER_TALLYD : SERVER_TALLYD_2;
}

static void
kill_part(struct torture *torture, enum server_part part)
{
	servers_signal(torture->servers, part, SIGKILL);
	(void)servers_wait(torture->servers, part);
}

static void
kill_tallyd(struct torture *torture)
{
	enum server_part part = choose_tallyd(torture);

	kill_part(torture, part);
	faults_await_requests(torture, LONG_ENOUGH);
	servers_restart(torture->servers, part);
}

static void
kill_both_tallyd(struct torture *torture)
{
	kill_part(torture, SERVER_TALLYD);
	kill_part(torture, SERVER_TALLYD_2);
	faults_await_requests(torture, LONG_ENOUGH);
	servers_restart(torture->servers, SERVER_TALLYD);
	servers_restart(torture->servers, SERVER_TALLYD_2);
}

/* As a new version is put in place: one after the other, none of them in a hurry. */
static void
deploy(struct torture *torture)
{
	static const enum server_part parts[] = { SERVER_TALLYD, SERVER_TALLYD_2 };

	for (size_t i = 0; i < COUNT(parts); i++) {
		int status;

		servers_signal(torture->servers, parts[i], SIGTERM);
		status = servers_wait(torture->servers, parts[i]);
		if (status != 0)
			journal_complain(torture->journal, "tallyd ended with 0x%x on SIGTERM",
			    (unsigned)status);
		servers_restart(torture->servers, parts[i]);
		faults_await_requests(torture, LONG_ENOUGH);
	}
}

static const struct faults_place *
choose_place(struct torture *torture, bool of_tallyd)
{
	const struct faults_place *place;

	do
		place = &faults_places[dice_roll(&torture->dice, faults_place_count)];
	while ((place->job == NULL) != of_tallyd);
	return place;
}

/* The path is one of several committers': it dies in the midst of the others' work. */
static void
kill_tallyd_at_place(struct torture *torture)
{
	const struct faults_place *place = choose_place(torture, true);
	enum server_part part = choose_tallyd(torture);
	char variable[80];

	(void)snprintf(variable, sizeof(variable), "TALLY_FAILPOINT=%s:%d", place->name,
	    1 + dice_roll(&torture->dice, 50));
	fprintf(stderr, "with %s\n", variable);
	kill_part(torture, part);
	servers_tallyd_environment(torture->servers, variable);
	servers_restart(torture->servers, part);
	servers_tallyd_environment(torture->servers, NULL);
	for (int i = 0; i < 5 && servers_runs(torture->servers, part); i++)
		faults_await_requests(torture, LONG_ENOUGH);
	if (servers_runs(torture->servers, part))
		kill_part(torture, part);
	servers_restart(torture->servers, part);
}

static void
kill_worker(struct torture *torture)
{
	workers_kill(torture->workers);
}

static void
kill_worker_at_place(struct torture *torture)
{
	const struct faults_place *place = choose_place(torture, false);
	char failpoint[80];

	(void)snprintf(
	    failpoint, sizeof(failpoint), "%s:%d", place->name, 1 + dice_roll(&torture->dice, 4));
	workers_run_to_place(torture->workers, place->job, failpoint);
}

static void
reload_nginx(struct torture *torture)
{
	servers_signal(torture->servers, SERVER_NGINX, SIGHUP);
	faults_await_requests(torture, LONG_ENOUGH);
}

/* Its workers hold the port as long as they live. */
static void
kill_nginx(struct torture *torture)
{
	servers_kill_tree(torture->servers, SERVER_NGINX);
	servers_restart(torture->servers, SERVER_NGINX);
}

static void
set_clock(const char *path, int seconds)
{
	FILE *out = fopen(path, "we");

	if (out == NULL)
		abort();
	fprintf(out, "%d\n", seconds);
	fclose(out);
}

/* Of the programs of Tally: the file is what their clocks are shifted by. */
static void
set_clock_back(struct torture *torture)
{
	const char *path = getenv("TALLY_CLOCK");

	set_clock(path, -1 - dice_roll(&torture->dice, CLOCK_BACK_MAX_S));
	faults_await_requests(torture, LONG_ENOUGH);
	set_clock(path, 0);
}

char *
faults_fill(struct torture *torture, enum server_part part)
{
	static const char zeros[1 << 16];
	char *data = servers_data(torture->servers, part), *path;
	int fd;

	if (asprintf(&path, "%s/filler", data) < 0)
		abort();
	free(data);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		abort();
	while (write(fd, zeros, sizeof(zeros)) > 0)
		continue;
	close(fd);
	return path;
}

const struct fault faults[] = {
	{ "kill -9 of a tallyd", kill_tallyd, false },
	{ "kill -9 of both tallyd", kill_both_tallyd, false },
	{ "deploy: SIGTERM, start", deploy, false },
	{ "tallyd dies at a place", kill_tallyd_at_place, false },
	{ "kill -9 of a worker", kill_worker, false },
	{ "worker dies at a place", kill_worker_at_place, false },
	{ "kill -9 of a backend", faults_kill_backend, false },
	{ "postmaster: SIGQUIT", faults_quit_postgres, false },
	{ "postmaster: kill -9", faults_kill_postgres, false },
	{ "postgres: SIGSTOP", faults_stop_postgres, false },
	{ "max_connections", faults_use_up_connections, false },
	{ "postgres: disk full", faults_fill_postgres, true },
	{ "redis: kill -9, empty", faults_kill_redis, false },
	{ "redis: kill -9, AOF", faults_kill_redis_appending, false },
	{ "redis: FLUSHALL", faults_flush_redis, false },
	{ "redis: old RDB", faults_put_back_rdb, false },
	{ "redis: old AOF", faults_put_back_aof, false },
	{ "redis: SIGSTOP", faults_stop_redis, false },
	{ "redis: disk full", faults_fill_redis, true },
	{ "nginx: reload", reload_nginx, false },
	{ "nginx: kill -9", kill_nginx, false },
	{ "clock set back", set_clock_back, false },
};
const int fault_count = COUNT(faults);
