/*
 * The step of alerts that calls the integrations and endpoints whose test was asked for, of all
 * clients, the longest waiting first.
 */
#ifndef WORKER_PROBE_H
#define WORKER_PROBE_H

#include "worker/job.h"

#define PROBE_MAX 100 /* calls of one run */
#define PROBE_TIME_S 30 /* after which none is begun */

/* One that fails is no failure of the job. Adds the calls to the result's rows. */
NODISCARD bool probe_due(struct command_context *context, struct job_result *result);

#endif
