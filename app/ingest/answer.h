/*
 * What a submission's request is told after its commit.
 */
#ifndef APP_INGEST_ANSWER_H
#define APP_INGEST_ANSWER_H

#include "app/ingest/ingest.h"
#include "lib/model/batch.h"

/* Counts the outcomes of the submission's rows (rows[i] belongs to records[i]), and adds those
 * refused by PostgreSQL to its rejections. */
void answer_count(struct submission *submission, const struct batch_row *rows);

/* Adds the outcomes to the metrics, once the batch is committed. */
void answer_measure(const struct submission *submission);

/*
 * Makes the reply: the record, or how many were accepted. False when the request failed as a whole
 * (a single record that was refused); its task's error says why then.
 */
NODISCARD bool answer_make(struct submission *submission, const struct batch_row *rows);

/*
 * A single record that was stored before is answered as it was stored: row->log becomes that. False
 * when it cannot be read: the request's task has the reason then, unless the transaction that
 * stores the batch is lost by it, which task->err tells.
 */
NODISCARD bool answer_find_stored(struct task *task, const struct batch *batch,
    const struct submission *submission, struct batch_row *row);

/* Finishes the request with the failure of the leader's task. */
void answer_fail(const struct task *task, struct submission *submission);

/*
 * Finishes the request with what another request with the same Idempotency-Key was answered, or
 * with the reason why that cannot be read. False: there was none, and nothing happened.
 */
NODISCARD bool answer_before(struct task *task, struct submission *submission);
/* The same where there must be one. */
void answer_again(struct task *task, struct submission *submission);

/* Keeps what made one element unreadable, and forgets the error. */
void answer_reject(struct submission *submission, size_t index);

#endif
