/*
 * Between the files of the batch: the order in which its rows are stored, and what became of them.
 */
#ifndef LIB_MODEL_BATCH_PRIVATE_H
#define LIB_MODEL_BATCH_PRIVATE_H

#include "lib/model/batch.h"

/*
 * The rows by id and client; of rows alike the first in the batch is first. Stored in this order,
 * two batches with the same records cannot wait for each other.
 */
struct batch_row **batch_sort(struct task *task, const struct batch *batch);

/* Sets the outcome of the rows that were stored; stored: their clients and ids. */
void batch_read_outcomes(
    struct batch *batch, struct batch_row *const *sorted, const struct db_rows *stored);

#endif
