/*
 * The step of flush for one client, which reconcile takes first too: what is still missing in
 * daily_costs behind it is drift.
 */
#ifndef WORKER_FLUSH_H
#define WORKER_FLUSH_H

#include "lib/clock.h"
#include "lib/model/counter_day.h"
#include "worker/job.h"
#include "worker/tenants.h"

/* Long enough for every doubt about a batch to be settled: counters ask after COUNTER_STALE_MS. */
#define FLUSH_BATCHES_KEPT CLOCK_DAY

/* A batch is committed in a fraction of this, or its process is gone. */
#define FLUSH_IN_FLIGHT_USEC (2 * CLOCK_SECOND)

NODISCARD bool flush_tenant(
    struct command_context *context, const struct tenant *tenant, struct job_result *result);

/* Only the log knows whether a batch that is pending for so long has been committed. */
bool flush_is_left_behind(const struct task *task, const struct counter_day *counted);

#endif
