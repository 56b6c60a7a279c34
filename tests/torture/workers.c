#include "tests/torture/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "tests/process.h"
#include "tests/torture/load.h"

#define WORKERS 2
static const char *const job_names[] = { "flush", "reconcile", "purge", "expire", "alerts",
	"rollup" };
#define JOBS_MAX (sizeof(job_names) / sizeof(job_names[0]))
#define RUN_MS 120000
#define REQUESTS_BETWEEN 40 /* two runs of a thread */

struct worker {
	struct workers *workers;
	pthread_t thread;
	struct dice dice;
	pid_t pid; /* 0: no job runs */
};

struct workers {
	struct torture *torture;
	struct worker at[WORKERS];
	const char *jobs[JOBS_MAX];
	int job_count;
	char *log;
	pthread_mutex_t lock; /* of the pids, and of what follows */
	pthread_cond_t changed;
	const char *next_job, *next_failpoint;
	bool paused, stopped;
	int busy;
	long runs, killed;
};

/* What the service can do without: it could not work now. */
static bool
may_end_so(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL;
	switch (WEXITSTATUS(status)) {
	case EX_OK:
	case 1: /* found drift */
	case EX_TEMPFAIL:
	case EX_UNAVAILABLE:
		return true;
	default:
		return false;
	}
}

/* The process dies with this thread. */
static void
run_job(struct worker *worker, const char *job, const char *failpoint)
{
	struct workers *workers = worker->workers;
	struct process process = { .argv = { getenv("TALLY"), "-c",
				       servers_conf(workers->torture->servers), job },
		.log = workers->log };
	char variable[80];
	pid_t pid;
	int status;

	if (failpoint != NULL) {
		(void)snprintf(variable, sizeof(variable), "TALLY_FAILPOINT=%s", failpoint);
		process.environment = variable;
	}
	pthread_mutex_lock(&workers->lock);
	pid = worker->pid = process_start(&process);
	pthread_mutex_unlock(&workers->lock);
	/* Not reaped before the pid is taken back, so that no other process is killed for it. */
	siginfo_t info;
	(void)waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	pthread_mutex_lock(&workers->lock);
	worker->pid = 0;
	pthread_mutex_unlock(&workers->lock);
	status = process_wait(pid, RUN_MS);
	pthread_mutex_lock(&workers->lock);
	workers->runs++;
	workers->killed += WIFSIGNALED(status);
	pthread_mutex_unlock(&workers->lock);
	if (!may_end_so(status))
		journal_complain(
		    workers->torture->journal, "tally %s ended with 0x%x", job, (unsigned)status);
}

static bool
begin(struct workers *workers)
{
	bool go;

	pthread_mutex_lock(&workers->lock);
	while (workers->paused && !workers->stopped)
		pthread_cond_wait(&workers->changed, &workers->lock);
	go = !workers->stopped;
	workers->busy += go;
	pthread_mutex_unlock(&workers->lock);
	return go;
}

static void
end(struct workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	workers->busy--;
	pthread_cond_broadcast(&workers->changed);
	pthread_mutex_unlock(&workers->lock);
}

static bool
is_interrupted(struct workers *workers)
{
	bool interrupted;

	pthread_mutex_lock(&workers->lock);
	interrupted = workers->paused || workers->stopped || workers->next_job != NULL;
	pthread_mutex_unlock(&workers->lock);
	return interrupted;
}

/* The jobs follow the load, or they would have the machine for themselves. */
static void
await_requests(struct workers *workers)
{
	const struct load *load = workers->torture->load;
	long until = load_requests(load) + REQUESTS_BETWEEN;

	while (load_requests(load) < until && !is_interrupted(workers))
		process_breathe();
}

static void
tell_done(struct workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	workers->next_failpoint = NULL;
	pthread_cond_broadcast(&workers->changed);
	pthread_mutex_unlock(&workers->lock);
}

static void *
work(void *argument)
{
	struct worker *worker = argument;
	struct workers *workers = worker->workers;

	while (begin(workers)) {
		const char *job = workers->jobs[dice_roll(&worker->dice, workers->job_count)];
		const char *wanted, *failpoint;

		pthread_mutex_lock(&workers->lock);
		wanted = workers->next_job;
		failpoint = workers->next_failpoint;
		workers->next_job = NULL;
		pthread_mutex_unlock(&workers->lock);
		run_job(worker, wanted != NULL ? wanted : job, wanted != NULL ? failpoint : NULL);
		if (wanted != NULL)
			tell_done(workers);
		end(workers);
		await_requests(workers);
	}
	return NULL;
}

/* Those that this tally knows. */
static void
find_jobs(struct workers *workers)
{
	for (size_t i = 0; i < JOBS_MAX; i++) {
		char *output;

		if (servers_tally(workers->torture->servers, &output, "help", job_names[i], NULL) ==
		    0)
			workers->jobs[workers->job_count++] = job_names[i];
		free(output);
	}
}

struct workers *
workers_start(struct torture *torture, struct dice *dice)
{
	struct workers *workers = calloc(1, sizeof(*workers));

	if (workers == NULL)
		abort();
	workers->torture = torture;
	if (asprintf(&workers->log, "%s/workers.log", servers_folder(torture->servers)) < 0)
		abort();
	find_jobs(workers);
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->changed, NULL);
	for (int i = 0; i < WORKERS; i++) {
		struct worker *worker = &workers->at[i];

		worker->workers = workers;
		worker->dice = dice_split(dice);
		if (pthread_create(&worker->thread, NULL, work, worker) != 0)
			abort();
	}
	return workers;
}

void
workers_pause(struct workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	workers->paused = true;
	while (workers->busy > 0)
		pthread_cond_wait(&workers->changed, &workers->lock);
	pthread_mutex_unlock(&workers->lock);
}

void
workers_resume(struct workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	workers->paused = false;
	pthread_cond_broadcast(&workers->changed);
	pthread_mutex_unlock(&workers->lock);
}

void
workers_stop(struct workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	workers->stopped = true;
	pthread_cond_broadcast(&workers->changed);
	pthread_mutex_unlock(&workers->lock);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers->at[i].thread, NULL);
	pthread_cond_destroy(&workers->changed);
	pthread_mutex_destroy(&workers->lock);
	free(workers->log);
	free(workers);
}

static bool
kill_one(void *context)
{
	struct workers *workers = context;
	bool killed = false;

	pthread_mutex_lock(&workers->lock);
	for (int i = 0; i < WORKERS && !killed; i++) {
		if (workers->at[i].pid != 0)
			killed = kill(workers->at[i].pid, SIGKILL) == 0;
	}
	pthread_mutex_unlock(&workers->lock);
	return killed;
}

void
workers_kill(struct workers *workers)
{
	(void)servers_await(kill_one, workers);
}

void
workers_run_to_place(struct workers *workers, const char *job, const char *failpoint)
{
	pthread_mutex_lock(&workers->lock);
	workers->next_job = job;
	workers->next_failpoint = failpoint;
	while (workers->next_failpoint != NULL)
		pthread_cond_wait(&workers->changed, &workers->lock);
	pthread_mutex_unlock(&workers->lock);
}

long
workers_runs(struct workers *workers)
{
	long runs;

	pthread_mutex_lock(&workers->lock);
	runs = workers->runs;
	pthread_mutex_unlock(&workers->lock);
	return runs;
}

long
workers_killed(struct workers *workers)
{
	long killed;

	pthread_mutex_lock(&workers->lock);
	killed = workers->killed;
	pthread_mutex_unlock(&workers->lock);
	return killed;
}
