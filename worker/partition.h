/*
 * The log's partitions, one a UTC day: which there are, making and dropping one. What has no
 * partition yet lies in the default one.
 */
#ifndef WORKER_PARTITION_H
#define WORKER_PARTITION_H

#include "worker/command.h"

struct partition {
	int32_t date;
	int64_t bytes; /* with its indexes */
};

struct partitions {
	const struct partition *at; /* by date */
	size_t count;
};

NODISCARD bool partition_list(struct task *task, struct partitions *ret);

/*
 * A date from this one on of which the default partition holds records. *ret_any false: none.
 */
NODISCARD bool partition_next_stray(struct task *task, const struct partitions *partitions,
    int32_t from, bool *ret_any, int32_t *ret_date);

/*
 * Each in a transaction of its own. They lock the whole log for an instant: where that lock is not
 * to be had soon, they let the records pass and try again, a few times. *ret_done false: it was
 * there already, or was not there.
 */
NODISCARD bool partition_add(struct task *task, int32_t date, bool *ret_done);
NODISCARD bool partition_drop(struct task *task, int32_t date, bool *ret_done);

#endif
