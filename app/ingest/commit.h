/*
 * One batch: announced to the counters, committed, confirmed, answered.
 */
#ifndef APP_INGEST_COMMIT_H
#define APP_INGEST_COMMIT_H

#include "app/ingest/ingest.h"

struct loader;

/*
 * Commits the list's records and authorizations together and finishes each request. An
 * authorization whose counters are not loaded goes to the loader instead. task is the leader's own.
 */
void commit_submissions(
    struct task *task, struct counter_book *book, struct loader *loader, struct submission *list);

#endif
