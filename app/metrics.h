/*
 * Counters of the process for /metrics. Adding is one relaxed atomic; the names stand in one table
 * in metrics.c.
 */
#ifndef APP_METRICS_H
#define APP_METRICS_H

#include "app/app.h"
#include "lib/buf.h"

enum metric {
	METRIC_RECORDS_ACCEPTED,
	METRIC_RECORDS_DUPLICATE,
	METRIC_RECORDS_REJECTED,
	METRIC_RECORDS_UNPRICED,
	METRIC_SPANS_IGNORED, /* of OTLP exports: of no model, agent or tool */
	METRIC_BATCHES,
	METRIC_BATCH_FAILURES,
	METRIC_COUNTER_EPOCHS, /* epochs opened: losses of Redis, ends of days */
	METRIC_COUNTER_FALLBACKS, /* totals answered from PostgreSQL */
	METRIC_OVERLOADS, /* requests refused with 503 by a full queue */
	METRIC_KEY_FAILURES,
	METRIC_KEY_MISTYPED, /* the check digits were wrong */
	METRIC_KEY_REFUSALS, /* by the address of too many failures */
	METRIC_KEY_ADDRESS_REFUSALS,
	METRIC_RATE_REFUSALS,
	METRIC_RATE_UNCOUNTED, /* let pass as Redis could not count them */
	METRIC_REDIS_FAILURES,
	METRIC_DATABASE_FAILURES,
	METRIC_AUTHORIZATIONS_ALLOWED,
	METRIC_AUTHORIZATIONS_COST, /* refused: what it may cost, as below */
	METRIC_AUTHORIZATIONS_REQUESTS,
	METRIC_AUTHORIZATIONS_TOKENS,
	METRIC_AUTHORIZATIONS_UNPRICED,
	METRIC_AUTHORIZATIONS_AWAY,
	METRIC_AUTHORIZATIONS_CREDITS,
	METRIC_OVER_AUTHORIZED, /* settled by a record that cost more than was held */
	METRIC_LISTENERS_CUT, /* of events, who did not read */
	METRIC_COUNT
};

void metrics_add(enum metric metric, int64_t n);
/* One finished request: status and duration go into fixed buckets. */
void metrics_request(int status, int64_t usec);
/* The Prometheus text format 0.0.4. task is used for what PostgreSQL knows (job_runs); it may fail,
 * the rest stands. */
void metrics_write(struct task *task, struct app *app, struct buf *out);

extern const char *const metrics_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
