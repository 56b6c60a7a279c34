/*
 * One batch: announced to the counters, committed, confirmed, answered.
 */
#ifndef APP_INGEST_COMMIT_H
#define APP_INGEST_COMMIT_H

#include "app/ingest/ingest.h"

struct known;
struct loader;

/* What the batches of all leaders share. */
struct commit_shares {
	struct counter_book *book;
	struct known *known;
	struct loader *loader;
};

/*
 * Commits the list's records and authorizations together and finishes each request. An
 * authorization whose counters are not loaded goes to the loader instead. task is the leader's own.
 */
void commit_submissions(
    struct task *task, const struct commit_shares *shares, struct submission *list);

#endif
