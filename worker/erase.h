/*
 * Erasures that are open, of all clients or of some: purge has them done for users that were
 * deleted long enough ago, too.
 */
#ifndef WORKER_ERASE_H
#define WORKER_ERASE_H

#include "worker/job.h"

/*
 * Takes the persons out of PostgreSQL and then out of Redis. only NULL: every client with an
 * erasure that is not finished.
 */
NODISCARD bool erase_open(struct command_context *context, const struct id *only, size_t count,
    struct job_result *result);

#endif
