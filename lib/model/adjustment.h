/*
 * Corrections of a day's cost, which stand beside its total: a closed day does not change any more.
 * They are never changed or removed.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_ADJUSTMENT_H
#define LIB_MODEL_ADJUSTMENT_H

#include "lib/db.h"
#include "lib/json_write.h"

#define ADJUSTMENT_REASON_MAX 500
#define ADJUSTMENT_NANOS_MAX INT64_C(1000000000000000000) /* a thousand million dollars */

struct adjustment {
	struct id id;
	int32_t date;
	int64_t amount_nanos; /* not 0, may be negative */
	const char *reason;
	struct id api_key_id; /* nil: by the operator's command line */
	int64_t created_at;
};

struct adjustments {
	const struct adjustment *at;
	size_t count;
};

/* Sets id and created_at; the rest is the caller's. Writes the audit log. */
NODISCARD bool adjustment_add(struct task *task, struct adjustment *adjustment);
/* Of one day, newest first. after nil: from the start. */
NODISCARD bool adjustment_list(
    struct task *task, int32_t date, struct id after, int64_t limit, struct adjustments *ret);
/* The first date from this one on that has any; *ret_any false: there is none. */
NODISCARD bool adjustment_next(struct task *task, int32_t from, bool *ret_any, int32_t *ret_date);
/* The sum over one day. */
NODISCARD bool adjustment_sum(struct task *task, int32_t date, int64_t *ret_nanos);

void adjustment_write(struct json_out *out, const void *object); /* struct adjustment */

extern const char *const adjustment_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
