/*
 * What the clients cost, for operators: from daily_costs, which outlive the log. A task with an
 * operator's key sees them all.
 */
#ifndef LIB_MODEL_CLIENT_TOP_H
#define LIB_MODEL_CLIENT_TOP_H

#include "lib/core/totals.h"
#include "lib/db.h"

struct client_sums {
	struct id client; /* nil: all clients beyond the limit */
	const char *name;
	int64_t adjustments_nanos;
	struct totals totals;
};

struct client_tops {
	const struct client_sums *at; /* what costs most first */
	size_t count;
};

/* Of the days from since to until, both inclusive, of each client's own zone; deactivated and
 * deleted clients, too. At most limit of them, and the others together behind them. */
NODISCARD bool client_top(
    struct task *task, int32_t since, int32_t until, int64_t limit, struct client_tops *ret);

extern const char *const client_top_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
