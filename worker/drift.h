/*
 * Telling a client of drift: two of its books differ, and nothing explains it.
 */
#ifndef WORKER_DRIFT_H
#define WORKER_DRIFT_H

#include "worker/books.h"

struct drift {
	enum book book; /* that differs from the log */
	const struct books *books;
	const struct totals *other; /* what that book says */
	bool healed;
};

/*
 * Raises an alert in the task's transaction and ends that; once in DRIFT_QUIET for the same day and
 * book. The log's totals are those of drift->books.
 */
#define DRIFT_QUIET CLOCK_DAY
NODISCARD bool drift_tell(struct task *task, const struct drift *drift);

#endif
