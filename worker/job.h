/*
 * What every job shares: one instance at a time, its row in job_runs, its summary line.
 */
#ifndef WORKER_JOB_H
#define WORKER_JOB_H

#include "worker/output.h"

struct job_result {
	int64_t rows; /* written, removed or compared */
	int64_t bytes; /* given back or read, where that is known */
	bool drift_known;
	int64_t drift_nanos;
	bool redis_known;
	int64_t redis_keys; /* removed from Redis */
	const char *redis_failure; /* why they are not all; NULL: they are */
	bool found; /* it worked, and what it found is not well: exit status COMMAND_FOUND */
};

/*
 * Runs the work under the job's lock. Where another instance holds it, says so and ends well. A dry
 * run leaves no trace in job_runs. The work's steps commit for themselves; what it leaves open is
 * rolled back.
 */
int job_run(struct command_context *context,
    bool (*work)(struct command_context *context, struct job_result *result));

#endif
