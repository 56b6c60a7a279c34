/*
 * The step of alerts that sends what is due to the webhooks, of all clients, the longest waiting
 * first.
 */
#ifndef WORKER_DELIVER_H
#define WORKER_DELIVER_H

#include "worker/job.h"

#define DELIVER_MAX 1000 /* attempts of one run */
#define DELIVER_TIME_S 300 /* after which none is begun */

/* A webhook that fails is no failure of the job. Adds the attempts to the result's rows. */
NODISCARD bool deliver_due(struct command_context *context, struct job_result *result);

#endif
