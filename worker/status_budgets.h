/*
 * The part of status that shows the limits of hard budgets.
 */
#ifndef WORKER_STATUS_BUDGETS_H
#define WORKER_STATUS_BUDGETS_H

#include "worker/output.h"
#include "worker/tenants.h"

/*
 * A line for each limit of each hard budget of task->client in its open window; of a budget with a
 * key, of its dearest bucket. What Redis cannot tell is summed from the log.
 */
NODISCARD bool status_add_budgets(
    struct command_context *context, const struct tenant *tenant, struct output_table *table);

#endif
