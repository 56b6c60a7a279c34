/*
 * Telling of accounts that are to be recharged, once each time they fall below their threshold.
 */
#ifndef WORKER_RECHARGES_H
#define WORKER_RECHARGES_H

#include "worker/job.h"

/* Those of task->client; each portion commits. With --dry-run only the first are counted. */
NODISCARD bool recharges_raise(struct command_context *context, struct job_result *result);

#endif
