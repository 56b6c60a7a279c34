/*
 * Applying migrations and taking them back, for the commands migrate and db.
 */
#ifndef WORKER_MIGRATE_H
#define WORKER_MIGRATE_H

#include "worker/command.h"

/* Of pg_advisory_lock(), held by a run: any number that nothing else in the database uses. */
#define MIGRATE_LOCK_KEY INT64_C(7810770617011841)

/* Applies what is pending, up to the version and including it. Prints a line for each file. */
NODISCARD bool migrate_up(struct command_context *context, int64_t to);

#endif
