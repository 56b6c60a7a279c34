/*
 * Prices of models: append-only rows with effective dates, defaults for all clients and each
 * client's own.
 */
#ifndef LIB_MODEL_PRICING_H
#define LIB_MODEL_PRICING_H

#include "lib/core/price.h"
#include "lib/db.h"

#define PRICE_PROVIDER_MAX 80
#define PRICE_MODEL_MAX 160

struct price {
	struct id id;
	struct id client; /* nil: a default */
	const char *provider;
	const char *model;
	int64_t valid_from;
	int64_t valid_to; /* INT64_MAX: none was set */
	struct rates rates;
	int64_t batch_input, batch_output; /* PRICE_NONE where not given */
	const char *source; /* NULL where not given */
};

struct prices {
	const struct price *at;
	size_t count;
};

/* All rows that the task may see, by provider, model, client (defaults first), valid_from. */
NODISCARD bool pricing_list(struct task *task, struct prices *ret);
/* The defaults only; the task's client's own only; both of one model. In the same order. */
NODISCARD bool pricing_list_defaults(struct task *task, struct prices *ret);
NODISCARD bool pricing_list_own(struct task *task, struct prices *ret);
NODISCARD bool pricing_list_model(struct task *task, const char *model, struct prices *ret);
/* Adds a row (needs tally_worker). ERR_CONFLICT when one begins at the same time. */
NODISCARD bool pricing_add(struct task *task, const struct price *price);

extern const char *const pricing_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
