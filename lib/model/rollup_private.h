/*
 * Between the files of the rollups and of what reads them.
 */
#ifndef LIB_MODEL_ROLLUP_PRIVATE_H
#define LIB_MODEL_ROLLUP_PRIVATE_H

#include "lib/core/span.h"
#include "lib/db.h"

/*
 * Whether a batch has not been collected. With an end to the range the planner takes it for a short
 * one, and the index.
 */
#define ROLLUP_NEW(stored_by) \
	stored_by " BETWEEN (SELECT rollup_xmin()) AND 9223372036854775807 " \
		  "AND batch_is_new(" stored_by ", (SELECT rollup_snapshot()))"

/* Of cost_aggregates. */
#define ROLLUP_DIMENSIONS "'call', 'feature', 'agent_type', 'provider', 'model', 'user', 'tag'"

/* Adds the parameters $1 to $6 of USAGE_OF_LOG(). */
void usage_add_params(struct task *task, struct db_params *params, struct span span);

#endif
