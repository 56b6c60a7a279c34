/*
 * What one try to commit a list of submissions works on.
 */
#ifndef APP_INGEST_WORK_H
#define APP_INGEST_WORK_H

#include "app/ingest/counts.h"
#include "app/ingest/holds.h"
#include "app/ingest/ingest.h"

struct work {
	struct submission *list;
	size_t submissions;
	struct batch batch;
	struct counts counts;
	struct count_row *rows; /* of batch.rows[i] */
	struct hold_row *holds;
	size_t hold_count;
	bool has_credits; /* of a posting, or of a client whose calls are paid for */
	struct credit_posting *postings;
	size_t posting_count;
	struct submission *refused; /* by their accounts; app/ingest/credits.h */
};

struct known;

struct work work_new(struct task *task, struct counter_book *book, struct submission *list);
/* Finds the users and sessions that are named: the tiers of users, which of them must be made, and
 * which rows are refused. False when PostgreSQL fails. */
NODISCARD bool work_refer(struct task *task, struct work *work, struct known *known);
/* What the transaction stores, once it is known who takes part: the keys, the authorizations that
 * have their hold, what the records settle. */
void work_fill(struct task *task, struct work *work);
/* Again, once some were refused. */
void work_fill_authorizations(struct task *task, struct work *work);

#endif
