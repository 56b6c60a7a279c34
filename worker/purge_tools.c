#include "lib/clock.h"
#include "worker/purge.h"

/* tallyd takes calls up to their retention ago; this long after it, none can be on its way. */
#define MARGIN CLOCK_DAY

/* Nothing is summed from them: each was counted when it was stored. */
bool
purge_tools(struct command_context *context, struct job_result *result)
{
	struct task *task = context->task;
	int64_t kept = context->conf.tool_executions_retention_days * CLOCK_DAY + MARGIN;
	struct partitions partitions;

	if (!partition_list(task, PARTITIONED_TOOLS, &partitions))
		return false;
	for (size_t i = 0; i < partitions.count; i++) {
		const struct partition *partition = &partitions.at[i];

		if ((partition->date + 1) * CLOCK_DAY + kept > task->now)
			break;
		if (!purge_partition(context, PARTITIONED_TOOLS, partition, 0, result))
			return false;
	}
	return true;
}
