#include "worker/purge.h"

static void
print(struct command_context *context, enum partitioned table, const struct partition *partition,
    bool dropped, int64_t open_days)
{
	struct output_line line = output_line(context, "partition");

	output_text(&line, "table", partitioned_names[table]);
	output_date(&line, "date", partition->date);
	output_bool(&line, "dropped", dropped);
	output_int(&line, "bytes", partition->bytes);
	if (table == PARTITIONED_LOG)
		output_int(&line, "open_days", open_days);
	output_print(&line);
}

bool
purge_partition(struct command_context *context, enum partitioned table,
    const struct partition *partition, int64_t open_days, struct job_result *result)
{
	bool dropped = false;

	if (open_days == 0 && !context->dry_run &&
	    !partition_drop(context->task, table, partition->date, &dropped))
		return false;
	if (dropped || context->dry_run)
		result->bytes += partition->bytes;
	print(context, table, partition, dropped, open_days);
	return true;
}
