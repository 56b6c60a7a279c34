/*
 * The id and the time of what callers log: a UUIDv7 whose time it is, theirs or one that is made.
 */
#ifndef APP_INGEST_STAMP_H
#define APP_INGEST_STAMP_H

#include "lib/task.h"

#define STAMP_NOW INT64_C(-1) /* a time that was not given */
/* How far the caller's clock may be ahead of ours. */
#define STAMP_AHEAD_USEC (INT64_C(300) * 1000000)

/*
 * given: the caller's id, NULL where there is none. A UUIDv7 is kept; any other text becomes one
 * that follows from it, the space and the time, which it needs. *created_at, the caller's or
 * STAMP_NOW, becomes the time in whole milliseconds. ERR_INVALID on "id" or "created_at", also
 * where the time is ahead of ours, or more than so many days ago.
 */
NODISCARD bool stamp_read(struct task *task, struct id space, int64_t days, const char *given,
    int64_t *created_at, struct id *ret);

#endif
