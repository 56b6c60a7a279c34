/*
 * One batch: announced to the counters, committed, confirmed, answered.
 */
#ifndef APP_INGEST_COMMIT_H
#define APP_INGEST_COMMIT_H

#include "app/ingest/ingest.h"

/* Commits the list's records together and finishes each request. task is the leader's own. */
void commit_submissions(struct task *task, struct counter_book *book, struct submission *list);

#endif
