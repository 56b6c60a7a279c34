/*
 * The books of the credits against each other.
 */
#ifndef WORKER_CREDIT_BOOKS_H
#define WORKER_CREDIT_BOOKS_H

#include "worker/tenants.h"

struct credit_books {
	int64_t accounts, differing; /* what differs, not how many accounts */
};

/* One line for each difference. The task must be in no transaction, and is in none behind. */
NODISCARD bool credit_books_compare(
    struct command_context *context, const struct tenant *tenant, struct credit_books *ret);

#endif
