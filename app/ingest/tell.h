/*
 * What a committed batch tells (lib/model/event.h): the records that were stored, the postings to
 * credit accounts.
 */
#ifndef APP_INGEST_TELL_H
#define APP_INGEST_TELL_H

#include "app/ingest/work.h"

/* Behind the commit. Costs nothing for records that nobody hears of. */
struct redis_commands tell_events(struct task *task, const struct work *work);

#endif
