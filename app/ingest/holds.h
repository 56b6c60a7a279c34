/*
 * The authorizations of a batch: their amounts are held in Redis before their rows are committed.
 */
#ifndef APP_INGEST_HOLDS_H
#define APP_INGEST_HOLDS_H

#include "app/ingest/counts.h"
#include "lib/model/counter_hold.h"

struct authorize;
struct submission;

enum hold_result {
	HOLD_OPEN, /* not decided yet */
	HOLD_TAKEN,
	HOLD_REFUSED, /* authorize->refusal says why */
	HOLD_UNLOADED /* its client's counters must be loaded first */
};

struct hold_row {
	struct authorize *authorize;
	size_t part; /* index into counts */
	bool user_is_missing;
	struct counter_hold hold;
	enum hold_result result;
};

/* Decides all of them; the parts of those that are taken become used. False when PostgreSQL fails,
 * and with BATCH_EPOCH_OVER when an epoch is over that was told of records or holds already. */
NODISCARD bool holds_take(
    struct task *task, struct counts *counts, struct hold_row *rows, size_t count);
/*
 * Gives back what the submission was held, if it was, when it certainly is not committed and will
 * not be tried again: a release that Redis gets to late must not meet the hold of the next try.
 */
void holds_drop(struct task *task, struct submission *submission);
/* Once they are committed, or when nobody knows: they are left to their settling or expiry. */
void holds_leave(struct hold_row *rows, size_t count);

#endif
