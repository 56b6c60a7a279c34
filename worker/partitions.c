/*
 * partitions: makes the partitions of the days ahead, and of days whose rows had to go to the
 * default partition.
 */
#include "lib/clock.h"
#include "worker/commands.h"
#include "worker/job.h"
#include "worker/partition.h"

#define DAYS_MAX 36600 /* --from to --to */

static bool
has(const struct partitions *partitions, int32_t date)
{
	for (size_t i = 0; i < partitions->count; i++) {
		if (partitions->at[i].date == date)
			return true;
	}
	return false;
}

static bool
make_one(struct command_context *context, const struct partitions *partitions, int32_t date,
    struct job_result *result)
{
	struct output_line line = output_line(context, "partition");
	bool made = true;

	if (has(partitions, date))
		return true;
	if (!context->dry_run && !partition_add(context->task, partitions->table, date, &made))
		return false;
	if (!made)
		return true;
	result->rows++;
	output_text(&line, "table", partitioned_names[partitions->table]);
	output_date(&line, "date", date);
	output_bool(&line, "made", !context->dry_run);
	output_print(&line);
	return true;
}

static bool
make_range(struct command_context *context, const struct partitions *partitions, int32_t from,
    int32_t to, struct job_result *result)
{
	for (int32_t date = from; date <= to; date++) {
		if (!make_one(context, partitions, date, result))
			return false;
		output_progress(context, "partitions", date - from + 1, to - from + 1);
	}
	output_progress_end(context);
	return true;
}

static bool
make_strays(
    struct command_context *context, const struct partitions *partitions, struct job_result *result)
{
	int32_t date;
	bool any;

	for (date = 0; partition_next_stray(context->task, partitions, date, &any, &date) && any;
	     date++) {
		if (!make_one(context, partitions, date, result))
			return false;
	}
	return context->task->err.code == ERR_NONE;
}

static bool
read_range(struct command_context *context, int32_t *ret_from, int32_t *ret_to)
{
	*ret_from = *ret_to = -1;
	if (!command_date(context, "from", ret_from) || !command_date(context, "to", ret_to))
		return false;
	if ((*ret_from < 0) != (*ret_to < 0) || *ret_to < *ret_from ||
	    *ret_to - *ret_from >= DAYS_MAX)
		return task_fail(context->task, ERR_INVALID,
		    "--from and --to must be given together, and be a range of less than %d days",
		    DAYS_MAX);
	return true;
}

static bool
make_table(struct command_context *context, enum partitioned table, struct job_result *result)
{
	int32_t today = (int32_t)(context->task->now / CLOCK_DAY);
	int32_t last = today + (int32_t)context->conf.partitions_ahead;
	struct partitions there;

	if (!partition_list(context->task, table, &there) ||
	    !make_range(context, &there, today, last, result))
		return false;
	if (!partition_list(context->task, table, &there))
		return false;
	return make_strays(context, &there, result);
}

static bool
partitions(struct command_context *context, struct job_result *result)
{
	struct partitions log;
	int32_t from, to;

	/* Only records are imported into the past. */
	if (!read_range(context, &from, &to) ||
	    !partition_list(context->task, PARTITIONED_LOG, &log))
		return false;
	if (from >= 0 && !make_range(context, &log, from, to, result))
		return false;
	for (int table = 0; table < PARTITIONED_COUNT; table++)
		if (!make_table(context, (enum partitioned)table, result))
			return false;
	return true;
}

int
partitions_run(struct command_context *context)
{
	int32_t from, to;

	/* A line that is not understood is no failure of the job. */
	if (!read_range(context, &from, &to))
		return command_failed(context);
	return job_run(context, partitions);
}
