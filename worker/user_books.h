/*
 * The days and longer stretches of user_costs, compared user by user with what they are made of.
 */
#ifndef WORKER_USER_BOOKS_H
#define WORKER_USER_BOOKS_H

#include "lib/model/rollup.h"
#include "worker/command.h"
#include "worker/tenants.h"

/*
 * A day, and the stretches of which it is the first with records. In a transaction of one snapshot;
 * each length that differs is told with one of the users, and counted.
 */
NODISCARD bool user_books_compare(struct command_context *context, const struct tenant *tenant,
    int32_t date, const struct rollup_bounds *bounds, int64_t *differences);

#endif
