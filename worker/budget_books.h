/*
 * The budgets' counters against the log, for reconcile and verify.
 */
#ifndef WORKER_BUDGET_BOOKS_H
#define WORKER_BUDGET_BOOKS_H

#include "worker/output.h"
#include "worker/tenants.h"

struct budget_books {
	int64_t buckets; /* compared */
	int64_t differing;
	int64_t drift_nanos; /* of those listed, without their signs */
};

/* Prints a line for each difference; heals all of them by the next epoch where heal is set. */
NODISCARD bool budget_books_compare(struct command_context *context, const struct tenant *tenant,
    bool heal, struct budget_books *ret);

#endif
