/*
 * What the clients are billed for a month, for operators: from daily_costs as flush has written
 * them. A task with an operator's key sees them all.
 */
#ifndef LIB_MODEL_BILLING_CLIENTS_H
#define LIB_MODEL_BILLING_CLIENTS_H

#include "lib/core/totals.h"
#include "lib/db.h"

struct billing_client {
	struct id id;
	const char *name, *plan, *timezone;
	bool active;
	int64_t billed_nanos, cost_nanos, adjustments_nanos;
	int64_t requests, tokens, failed, unpriced;
	bool over_limit; /* beyond a limit of the client's month, as it is set now */
};

struct billing_clients {
	const struct billing_client *at; /* what is billed most first */
	size_t count;
};

/* Those with calls or adjustments from since to until, dates of their own zones, both inclusive. */
NODISCARD bool billing_list_clients(struct task *task, int32_t since, int32_t until, bool only_over,
    int64_t limit, struct billing_clients *ret);

extern const char *const billing_client_statements[]; /* its SQL, for the tests; NULL behind the
							 last */

#endif
