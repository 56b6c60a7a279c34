#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/torture/faults.h"

#define FAILURES 20
#define LONG_ENOUGH 100 /* requests */
#define HOARD_MAX 400

/* The postmaster ends all others and recovers. */
void
faults_kill_backend(struct torture *torture)
{
	char *pid = servers_sql(torture->servers,
	    "SELECT pid FROM pg_stat_activity WHERE usename = 'tally_app' "
	    "ORDER BY state = 'active' DESC, random() LIMIT 1");

	if (*pid != '\0')
		kill((pid_t)strtol(pid, NULL, 10), SIGKILL);
	free(pid);
}

static void
restart(struct torture *torture, int signal)
{
	servers_signal(torture->servers, SERVER_POSTGRES, signal);
	(void)servers_wait(torture->servers, SERVER_POSTGRES);
	servers_restart(torture->servers, SERVER_POSTGRES);
}

/* Its children find out by themselves; only then can another be started. */
void
faults_kill_postgres(struct torture *torture)
{
	restart(torture, SIGKILL);
}

void
faults_quit_postgres(struct torture *torture)
{
	restart(torture, SIGQUIT);
}

void
faults_stop_postgres(struct torture *torture)
{
	servers_signal(torture->servers, SERVER_POSTGRES, SIGSTOP);
	faults_await_failures(torture, FAILURES);
	servers_signal(torture->servers, SERVER_POSTGRES, SIGCONT);
}

/* Where not even its recovery had room, it is gone, and is started again as systemd would. */
void
faults_fill_postgres(struct torture *torture)
{
	char *filler = faults_fill(torture, SERVER_POSTGRES);

	faults_await_failures(torture, FAILURES);
	unlink(filler);
	free(filler);
	if (!servers_runs(torture->servers, SERVER_POSTGRES))
		servers_restart(torture->servers, SERVER_POSTGRES);
}

/* Sessions of others in every place that there is, also in those that Tally had. */
void
faults_use_up_connections(struct torture *torture)
{
	const char *url = servers_database_url(torture->servers, "tally_owner");
	PGconn *hoard[HOARD_MAX];
	int count = 0;

	for (int round = 0; round < 3; round++) {
		free(servers_sql(torture->servers,
		    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
		    "WHERE usename IN ('tally_app', 'tally_worker')"));
		while (count < HOARD_MAX) {
			hoard[count] = PQconnectdb(url);
			if (PQstatus(hoard[count++]) != CONNECTION_OK)
				break;
		}
	}
	faults_await_failures(torture, FAILURES);
	faults_await_requests(torture, LONG_ENOUGH);
	while (count > 0)
		PQfinish(hoard[--count]);
}
