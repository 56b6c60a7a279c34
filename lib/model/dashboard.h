/*
 * What a page needs at a glance of task->client: read from the rollups and what follows them, in
 * one snapshot of the database.
 */
#ifndef LIB_MODEL_DASHBOARD_H
#define LIB_MODEL_DASHBOARD_H

#include "lib/model/usage.h"

#define DASHBOARD_HOURS 24
#define DASHBOARD_MODELS_MAX 20

enum dashboard_part {
	DASHBOARD_TODAY, /* of the client's zone, whole */
	DASHBOARD_YESTERDAY, /* as much of it as has gone by of today, in whole quarter-hours */
	DASHBOARD_MONTH, /* up to the end of today */
	DASHBOARD_FIRST_HOUR, /* of UTC, as in dashboard_metrics; the last is the open one */
	DASHBOARD_PARTS = DASHBOARD_FIRST_HOUR + DASHBOARD_HOURS
};

/* Calls of the month without a cost. */
struct dashboard_model {
	const char *model; /* NULL: none was given */
	int64_t calls;
};

struct dashboard {
	struct span spans[DASHBOARD_PARTS];
	struct usage_group sums[DASHBOARD_PARTS]; /* without bucket and key */
	int64_t adjustments_nanos; /* of the month */
	struct dashboard_model *unpriced; /* most calls first, at most DASHBOARD_MODELS_MAX */
	size_t unpriced_count;
	/* When each job last did its work, over all clients; 0: never. */
	int64_t flushed_at, rolled_up_at, reconciled_at;
	bool drifts; /* the last reconcile found a difference */
};

/* The task must be in no transaction. */
NODISCARD bool dashboard_find(
    struct task *task, const struct zone *zone, const char *timezone, struct dashboard *ret);

extern const char *const dashboard_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
