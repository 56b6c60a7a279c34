/*
 * Between the files of the rollups and of what reads them.
 */
#ifndef LIB_MODEL_ROLLUP_PRIVATE_H
#define LIB_MODEL_ROLLUP_PRIVATE_H

#include "lib/core/span.h"
#include "lib/db.h"
#include "lib/model/rollup.h"

/*
 * Whether a batch has not been collected. With an end to the range the planner takes it for a short
 * one, and the index.
 */
#define ROLLUP_NEW(stored_by) \
	stored_by " BETWEEN (SELECT oldest FROM rollup_seen) AND 9223372036854775807 " \
		  "AND batch_is_new(" stored_by ", (SELECT snapshot FROM rollup_seen))"

/* Of cost_aggregates. */
#define ROLLUP_DIMENSIONS "'call', 'feature', 'agent_type', 'provider', 'model', 'user', 'tag'"

/* With each change of what there is of days that are over, and of the others: see the migration
 * "rollup_revision". */
#define ROLLUP_REVISED "revision = gen_random_uuid(), " ROLLUP_OPEN_REVISED
#define ROLLUP_OPEN_REVISED "open_revision = gen_random_uuid()"

/* Whose calls are nobody's, in user_costs. */
#define USER_NOBODY "'00000000-0000-0000-0000-000000000000'"

/* How many days a row of user_costs may be of. */
#define ROLLUP_USER_LEVELS 5
extern const int32_t rollup_user_days[ROLLUP_USER_LEVELS];

/* Holds day_lock(). */
NODISCARD bool rollup_lock(struct task *task, struct rollup_bounds *ret);

/* What user_costs has of the days that the span touches; adds to *rows. */
NODISCARD bool rollup_sum_users(struct task *task, const struct zone *zone, struct span span,
    const struct rollup_bounds *kept, int64_t *rows);

/* Makes the rows of user_costs for a portion of the days up to today. */
NODISCARD bool rollup_end_users(struct task *task, const struct zone *zone,
    const struct rollup_bounds *kept, bool *ret_more, int64_t *rows);

/* Adds the parameters $1 to $6 of USAGE_OF_LOG(). */
void usage_add_params(struct task *task, struct db_params *params, struct span span);

#endif
