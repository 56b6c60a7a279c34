/*
 * The migrated database that each test program begins with, made by the first of a build and copied
 * by the others: a copy takes a tenth of the time. Only where make check names the build
 * folder.
 */
#include "tests/servers_private.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

/*
 * Not copied: what is older than what it is made of, or was made by another PostgreSQL. And none
 * older than an hour, so that no test sees rows from a day long past. The time that counts is when
 * its making began.
 */
static const char use[] =
    "test -e \"$1/begun\" && test \"$(postgres --version)\" = \"$(cat \"$1/begun\")\" &&"
    " test -n \"$(find \"$1/begun\" -mmin -60)\" &&"
    " test -z \"$(find \"$2\" \"$3\" \"$4\" -newer \"$1/begun\")\" &&"
    " { cp -a \"$1/data/.\" \"$5/data\" || { find \"$5/data\" -mindepth 1 -delete; false; }; }";

static const char begin[] = "postgres --version >\"$5/begun\"";

static const char keep[] = "rm -rf \"$1/begun\" \"$1\" && mkdir \"$1\" && chmod 700 \"$1\" &&"
			   " cp -a \"$5/data\" \"$1/data\" && cp -a \"$5/begun\" \"$1\"";

/* Nobody reads it while it is made or exchanged. The lock ends with its holder. */
static int
lock(const char *template)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s.lock", template) < 0)
		abort();
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	if (fd >= 0 && flock(fd, LOCK_EX) != 0)
		abort();
	return fd;
}

static bool
run(const struct servers *servers, const char *script)
{
	const char *tally = getenv("TALLY");
	char *migrations = servers_source("migrations");
	char *harness;
	struct process shell = { .argv = { "sh", "-c", script, "sh", servers->template,
				     tally == NULL ? "./tally" : tally, NULL, migrations,
				     servers->folder } };
	char *output;
	bool fine;

	if (asprintf(&harness, "%s/libtest.a", getenv("TALLY_BUILDDIR")) < 0)
		abort();
	shell.argv[6] = harness;
	fine = process_run(&shell, &output) == 0;
	free(output);
	free(harness);
	free(migrations);
	return fine;
}

bool
servers_template_use(struct servers *servers)
{
	const char *build = getenv("TALLY_BUILDDIR");

	servers->template_lock = -1;
	/* Most of a small disk would be what the copied cluster has left over. */
	if (build == NULL || servers->small_disk)
		return false;
	if (asprintf(&servers->template, "%s/postgres.template", build) < 0)
		abort();
	servers->template_lock = lock(servers->template);
	if (run(servers, use)) {
		close(servers->template_lock);
		servers->template_lock = -1;
		return true;
	}
	(void)run(servers, begin);
	return false;
}

void
servers_template_keep(struct servers *servers)
{
	if (servers->template_lock < 0)
		return;
	servers_signal(servers, SERVER_POSTGRES, SIGINT);
	(void)servers_wait(servers, SERVER_POSTGRES);
	if (!run(servers, keep))
		servers_die(servers, SERVER_POSTGRES, "cannot keep the template");
	close(servers->template_lock);
	servers->template_lock = -1;
	servers_restart(servers, SERVER_POSTGRES);
}
