/* Between asking for an erasure and doing it. */
#ifndef LIB_MODEL_ERASURE_PRIVATE_H
#define LIB_MODEL_ERASURE_PRIVATE_H

#include "lib/model/erasure.h"

#define ERASURE_COLUMNS \
	"e.id, e.user_id, e.origin, e.api_key_id, e.request_id, e.requested_at, e.erased_at, " \
	"e.finished_at, e.removed::text"

/* Of rows with those columns. */
struct erasures erasure_read_rows(struct task *task, const struct db_rows *rows);

#endif
