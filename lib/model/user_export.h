/*
 * All that is kept of a person, a row at a time: what lib/model/erasure_tables.h says is theirs,
 * but for secrets.
 */
#ifndef LIB_MODEL_USER_EXPORT_H
#define LIB_MODEL_USER_EXPORT_H

#include "lib/buf.h"
#include "lib/db.h"

#define USER_EXPORT_PORTION 200 /* rows that are read at once */

struct user_export;

/* Of a user of task->client, also a deleted one; as of one instant where the task is in no
 * transaction. ERR_NOT_FOUND. */
NODISCARD bool user_export_open(struct task *task, struct id user, struct user_export **ret);
/* Goes to the next table; *ret_any false: there is none. */
NODISCARD bool user_export_table(struct task *task, struct user_export *export, bool *ret_any);
/* Adds at most a portion of its lines, {"table":...,"row":{...}}; *ret_count: so many, 0 at its
 * end. */
NODISCARD bool user_export_rows(
    struct task *task, struct user_export *export, struct buf *to, int64_t *ret_count);

extern const char *const user_export_statements[]; /* its SQL, for the tests; NULL behind the last
						    */

#endif
