#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/process.h"
#include "tests/torture/faults.h"

#define LONG_ENOUGH 150 /* requests */

static void
kill_redis(struct torture *torture)
{
	servers_signal(torture->servers, SERVER_REDIS, SIGKILL);
	(void)servers_wait(torture->servers, SERVER_REDIS);
}

/* A shell command in its folder. */
static void
in_folder(struct torture *torture, const char *command)
{
	char *data = servers_data(torture->servers, SERVER_REDIS), *output;
	struct process shell = { .argv = {
				     "sh", "-c", "cd \"$0\" && eval \"$1\"", data, command } };

	if (process_run(&shell, &output) != 0)
		journal_complain(torture->journal, "%s: %s", command, output);
	free(output);
	free(data);
}

/* It comes back empty. */
void
faults_kill_redis(struct torture *torture)
{
	kill_redis(torture);
	faults_await_requests(torture, LONG_ENOUGH);
	in_folder(torture, "rm -rf dump.rdb appendonlydir");
	servers_restart(torture->servers, SERVER_REDIS);
}

static bool
is_appending(void *context)
{
	struct torture *torture = context;
	char *info = servers_redis(torture->servers, "INFO persistence");
	bool appending = strstr(info, "aof_enabled:1") != NULL &&
			 strstr(info, "aof_rewrite_in_progress:0") != NULL &&
			 strstr(info, "aof_rewrite_scheduled:0") != NULL;

	free(info);
	return appending;
}

static void
begin_to_append(struct torture *torture)
{
	in_folder(torture, "rm -rf dump.rdb appendonlydir");
	free(servers_redis(torture->servers, "CONFIG SET appendonly yes"));
	if (!servers_await(is_appending, torture))
		journal_complain(torture->journal, "redis does not append");
}

static void
restart_appended(struct torture *torture)
{
	servers_redis_appends(torture->servers, true);
	servers_restart(torture->servers, SERVER_REDIS);
	servers_redis_appends(torture->servers, false);
	free(servers_redis(torture->servers, "CONFIG SET appendonly no"));
}

/* As README has it configured: it comes back with all but the last second. */
void
faults_kill_redis_appending(struct torture *torture)
{
	begin_to_append(torture);
	faults_await_requests(torture, LONG_ENOUGH);
	kill_redis(torture);
	restart_appended(torture);
}

void
faults_flush_redis(struct torture *torture)
{
	free(servers_redis(torture->servers, "FLUSHALL"));
}

void
faults_put_back_rdb(struct torture *torture)
{
	in_folder(torture, "rm -rf appendonlydir");
	free(servers_redis(torture->servers, "SAVE"));
	faults_await_requests(torture, LONG_ENOUGH);
	kill_redis(torture);
	servers_restart(torture->servers, SERVER_REDIS);
}

void
faults_put_back_aof(struct torture *torture)
{
	begin_to_append(torture);
	in_folder(torture, "rm -rf old && cp -r appendonlydir old");
	faults_await_requests(torture, LONG_ENOUGH);
	kill_redis(torture);
	in_folder(torture, "rm -rf appendonlydir && mv old appendonlydir");
	restart_appended(torture);
}

void
faults_stop_redis(struct torture *torture)
{
	servers_signal(torture->servers, SERVER_REDIS, SIGSTOP);
	faults_await_requests(torture, LONG_ENOUGH);
	servers_signal(torture->servers, SERVER_REDIS, SIGCONT);
}

/* It cannot append, and refuses to write from then on. */
void
faults_fill_redis(struct torture *torture)
{
	char *filler;

	begin_to_append(torture);
	filler = faults_fill(torture, SERVER_REDIS);
	faults_await_requests(torture, LONG_ENOUGH);
	unlink(filler);
	free(filler);
	faults_await_requests(torture, LONG_ENOUGH);
	free(servers_redis(torture->servers, "CONFIG SET appendonly no"));
}
