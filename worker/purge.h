/*
 * Parts of purge: records (days are closed first, then partitions dropped, then rows of clients
 * that keep theirs for a shorter time), what is kept of their prompts, and messages.
 */
#ifndef WORKER_PURGE_H
#define WORKER_PURGE_H

#include "worker/job.h"
#include "worker/partition.h"

NODISCARD bool purge_log(struct command_context *context, struct job_result *result);
NODISCARD bool purge_prompts(struct command_context *context, struct job_result *result);
/* What they cost is in the log and its sums; their conversations keep how many there were. */
NODISCARD bool purge_messages(struct command_context *context, struct job_result *result);
/* Drops a partition, unless it holds records of days that are not closed. */
NODISCARD bool purge_partition(struct command_context *context, enum partitioned table,
    const struct partition *partition, int64_t open_days, struct job_result *result);
/* Calls of tools; their statistics stay. */
NODISCARD bool purge_tools(struct command_context *context, struct job_result *result);
/* Sums by hour that are past their time; those by day stay. */
NODISCARD bool purge_hours(struct command_context *context, struct job_result *result);

#endif
