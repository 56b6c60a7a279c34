#include "lib/clock.h"
#include "worker/purge.h"
#include "worker/tenants.h"

#define BATCH 1000

static const char longest_sql[] =
    "SELECT coalesce(max(coalesce(message_retention_days, $1::bigint)), $1::bigint) "
    "FROM clients "
    "WHERE id <> '00000000-0000-0000-0000-000000000000'";

/* The oldest first, so that few partitions are looked into. */
static const char delete_sql[] = "WITH picked AS MATERIALIZED ("
				 "SELECT id, created_at "
				 "FROM messages "
				 "WHERE client_id = $1 AND created_at < $2 "
				 "ORDER BY created_at "
				 "LIMIT $3) "
				 "DELETE FROM messages "
				 "WHERE client_id = $1 "
				 "AND id = ANY (ARRAY(SELECT id FROM picked)) "
				 "AND created_at >= (SELECT min(created_at) FROM picked) "
				 "AND created_at <= (SELECT max(created_at) FROM picked)";

static bool
delete_batch(struct command_context *context, int64_t before, int64_t *ret_count)
{
	struct task *task = context->task;
	const struct arena_mark mark = arena_mark(task->arena);
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_time(params, before);
	db_add_int(params, BATCH);
	if (!db_query(task, delete_sql, params, &rows))
		return false;
	*ret_count = db_changed(rows);
	if (context->dry_run)
		db_rollback(task);
	else if (!db_commit(task))
		return false;
	arena_undo(task->arena, mark);
	return true;
}

/* A dry run shows the first batch only. */
static bool
delete_rows(struct command_context *context, const struct tenant *tenant, struct job_result *result)
{
	struct output_line line = output_line(context, "purge");
	int64_t before = context->task->now - tenant->message_retention_days * CLOCK_DAY;
	int64_t count, total = 0;

	do {
		if (!delete_batch(context, before, &count))
			return false;
		total += count;
	} while (count == BATCH && !context->dry_run);
	result->rows += total;
	if (total == 0)
		return true;
	output_text(&line, "what", "messages");
	output_id(&line, "client", tenant->id);
	output_int(&line, context->dry_run ? "at_least" : "rows", total);
	output_print(&line);
	return true;
}

static bool
drop_partitions(struct command_context *context, int64_t longest_days, struct job_result *result)
{
	struct task *task = context->task;
	struct partitions partitions;

	if (!partition_list(task, PARTITIONED_MESSAGES, &partitions))
		return false;
	for (size_t i = 0; i < partitions.count; i++) {
		const struct partition *partition = &partitions.at[i];

		if ((partition->date + 1 + longest_days) * CLOCK_DAY > task->now)
			break;
		if (!purge_partition(context, PARTITIONED_MESSAGES, partition, 0, result))
			return false;
	}
	return true;
}

static bool
find_longest(struct command_context *context, int64_t *ret)
{
	struct task *task = context->task;
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_int(params, context->conf.message_retention_days);
	if (!db_query(task, longest_sql, params, &rows) || !db_commit(task))
		return false;
	*ret = db_int(rows, 0, 0);
	return true;
}

bool
purge_messages(struct command_context *context, struct job_result *result)
{
	struct tenants tenants = { .context = context };
	int64_t longest_days;

	/* What goes with a whole partition is not deleted row by row before. */
	if (!find_longest(context, &longest_days) ||
	    !drop_partitions(context, longest_days, result))
		return false;
	while (tenants_next(&tenants))
		tenants_done(&tenants, tenants.tenant.message_retention_days >= longest_days ||
					   delete_rows(context, &tenants.tenant, result));
	return tenants_end(&tenants);
}
