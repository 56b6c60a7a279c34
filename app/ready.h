/*
 * Whether the service can do its work: PostgreSQL, Redis, migrations, partitions, the last runs
 * of flush, rollup and expire, drift, the age of the oldest hold.
 */
#ifndef APP_READY_H
#define APP_READY_H

#include "app/app.h"
#include "lib/buf.h"

/* The newest migration that this program needs. */
#define READY_MIGRATION "20261126011000"

/*
 * Adds {"status":"ok"|"failing","checks":[{"name","ok","detail"}]} to out; true when all is well.
 * An answer is kept for a second. The task's transaction ends.
 */
bool ready_check(struct task *task, const struct app *app, struct buf *out);

extern const char *const ready_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
