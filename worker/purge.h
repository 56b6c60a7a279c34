/*
 * Parts of purge: records (days are closed first, then partitions dropped, then rows of clients
 * that keep theirs for a shorter time), and what is kept of their prompts.
 */
#ifndef WORKER_PURGE_H
#define WORKER_PURGE_H

#include "worker/job.h"

NODISCARD bool purge_log(struct command_context *context, struct job_result *result);
NODISCARD bool purge_prompts(struct command_context *context, struct job_result *result);
/* Sums by hour that are past their time; those by day stay. */
NODISCARD bool purge_hours(struct command_context *context, struct job_result *result);

#endif
