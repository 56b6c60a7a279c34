/*
 * The jobs of tally, run again and again by two threads, so that two of the same meet.
 */
#ifndef TESTS_TORTURE_WORKERS_H
#define TESTS_TORTURE_WORKERS_H

#include "tests/torture/torture.h"

struct workers *workers_start(struct torture *torture, struct dice *dice);
/* Waits for the jobs that run. */
void workers_pause(struct workers *workers);
void workers_resume(struct workers *workers);
void workers_stop(struct workers *workers);

/* Waits until a job runs, and kills it. */
void workers_kill(struct workers *workers);
long workers_runs(struct workers *workers);
/* The next run is of this job, with the failpoint NAME:N; waits for its end. */
void workers_run_to_place(struct workers *workers, const char *job, const char *failpoint);
/* How many ended by SIGKILL. */
long workers_killed(struct workers *workers);

#endif
