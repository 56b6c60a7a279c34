/*
 * Partitions, one a UTC day: which there are, making and dropping one. What has no partition yet
 * lies in the default one.
 */
#ifndef WORKER_PARTITION_H
#define WORKER_PARTITION_H

#include "worker/command.h"

enum partitioned {
	PARTITIONED_LOG,
	PARTITIONED_AUTHORIZATIONS,
	PARTITIONED_MESSAGES,
	PARTITIONED_TOOLS,
	PARTITIONED_COUNT
};
extern const char *const partitioned_names[]; /* the tables, in the order of the enum */

struct partition {
	int32_t date;
	int64_t bytes; /* with its indexes */
};

struct partitions {
	enum partitioned table;
	const struct partition *at; /* by date */
	size_t count;
};

NODISCARD bool partition_list(struct task *task, enum partitioned table, struct partitions *ret);

/*
 * A date from this one on of which the default partition holds rows. *ret_any false: none.
 */
NODISCARD bool partition_next_stray(struct task *task, const struct partitions *partitions,
    int32_t from, bool *ret_any, int32_t *ret_date);

/*
 * Each in a transaction of its own. They lock the whole table for an instant: where that lock is
 * not to be had soon, they let the writers pass and try again, a few times. *ret_done false: it was
 * there already, or was not there. What dropped records spent of their budgets is kept, and
 * task->client is nil.
 */
NODISCARD bool partition_add(
    struct task *task, enum partitioned table, int32_t date, bool *ret_done);
NODISCARD bool partition_drop(
    struct task *task, enum partitioned table, int32_t date, bool *ret_done);

#endif
