/*
 * The rollups as a book of the log: whether they say the same.
 */
#ifndef WORKER_ROLLUP_BOOKS_H
#define WORKER_ROLLUP_BOOKS_H

#include "worker/books.h"

/*
 * Compares what the rollups say of the day, by each of their grains and by user, with the log, or
 * with the day's row where the log need not be whole any more. Prints each difference and adds to
 * *differences. Ends the task's transaction.
 */
NODISCARD bool rollup_books_compare(struct command_context *context, const struct tenant *tenant,
    const struct books *books, int64_t *differences);

#endif
