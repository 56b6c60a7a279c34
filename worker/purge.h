/*
 * The part of purge that removes records: days are closed first, then partitions dropped, then rows
 * of clients that keep theirs for a shorter time.
 */
#ifndef WORKER_PURGE_H
#define WORKER_PURGE_H

#include "worker/job.h"

NODISCARD bool purge_log(struct command_context *context, struct job_result *result);

#endif
