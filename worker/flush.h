/*
 * The step of flush for one client, which reconcile takes first too: what is still missing in
 * daily_costs behind it is drift.
 */
#ifndef WORKER_FLUSH_H
#define WORKER_FLUSH_H

#include "worker/job.h"
#include "worker/tenants.h"

NODISCARD bool flush_tenant(
    struct command_context *context, const struct tenant *tenant, struct job_result *result);

#endif
