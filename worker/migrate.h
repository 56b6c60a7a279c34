/*
 * Applying migrations and taking them back, for the commands migrate and db.
 */
#ifndef WORKER_MIGRATE_H
#define WORKER_MIGRATE_H

#include "worker/command.h"

/* Applies what is pending, up to the version and including it. Prints a line for each file. */
NODISCARD bool migrate_up(struct command_context *context, int64_t to);

#endif
