/*
 * Whose answer is known before the batch is stored: they leave the list, and the others go on.
 */
#ifndef APP_INGEST_SPLIT_H
#define APP_INGEST_SPLIT_H

#include "app/ingest/loader.h"
#include "app/ingest/work.h"

/*
 * Takes those out of the list whose key stands in it before them, and gives them back: they must
 * find that one's answer.
 */
struct submission *split_take_same_keys(struct submission *list);

/* Those that have no hold: refused and answered, or waiting for their counters. */
void split_by_hold(struct task *task, struct work *work, struct loader *loader);
/* Answers those whose key another request has. */
void split_by_key(struct task *task, struct work *work);
/* Finishes those that were refused, whose keys must stay free. */
void split_by_answer(struct work *work, const bool *made);

#endif
