/*
 * The credits of a batch: what its authorizations hold, what its records spend, and what its
 * requests post, decided on the accounts of PostgreSQL in the transaction that stores the batch.
 */
#ifndef APP_INGEST_CREDITS_H
#define APP_INGEST_CREDITS_H

#include "app/ingest/work.h"

/*
 * Decides what the batch does to credits, and takes those out of the list who are refused: they
 * wait in work->refused, for what they were refused by is not committed yet. Inside the batch's
 * transaction, which keeps the accounts until it ends.
 */
NODISCARD bool credits_decide(struct task *task, struct work *work);
/* Answers who was refused, and drops their holds; once the others are committed. */
void credits_refuse(struct task *task, struct work *work);
/* Puts them back into the list: nothing was committed, and they are decided anew. */
void credits_return(struct work *work);

#endif
