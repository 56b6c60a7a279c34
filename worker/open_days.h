/*
 * flush, for many clients at once: the open days of a portion of them are read from Redis in one
 * round trip and raised in one transaction. Whoever needs more than that is left for
 * flush_tenant().
 */
#ifndef WORKER_OPEN_DAYS_H
#define WORKER_OPEN_DAYS_H

#include "worker/job.h"

#define OPEN_DAYS_PORTION 500 /* clients in one transaction */

struct open_days;

struct open_days *open_days_new(struct command_context *context);
void open_days_free(struct open_days *open);

/* All clients, in the order of their ids. False when a server is away. */
NODISCARD bool open_days_flush(struct open_days *open, struct job_result *result);
/* The clients that were left, and those of whom days are to be summed from the log; sorted, each
 * once, and kept as long as open. */
NODISCARD bool open_days_rest(struct open_days *open, const struct id **ret, size_t *ret_count);

#endif
