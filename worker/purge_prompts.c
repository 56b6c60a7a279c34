#include "worker/purge.h"

#include "lib/clock.h"
#include "worker/tenants.h"

#define BATCH 1000
/* As long after the records: none of what is removed could still be on its way. */
#define MARGIN CLOCK_DAY

static const char events_sql[] = "DELETE FROM prompt_events "
				 "WHERE client_id = $1 "
				 "AND event_id IN ("
				 "SELECT event_id "
				 "FROM prompt_events "
				 "WHERE client_id = $1 "
				 "AND created_at < $2 "
				 "LIMIT $3)";

/* An embedding is the prompt's, which may come again: it goes with the last of its records. */
static const char embeddings_sql[] = "DELETE FROM prompt_embeddings "
				     "WHERE client_id = $1 "
				     "AND (model, prompt_hash) IN ("
				     "SELECT model, prompt_hash "
				     "FROM prompt_embeddings "
				     "WHERE client_id = $1 "
				     "AND seen_at < $2 "
				     "LIMIT $3)";

static bool
remove_batch(struct command_context *context, const char *sql, int64_t before, int64_t *ret_count)
{
	struct task *task = context->task;
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_time(params, before);
	db_add_int(params, BATCH);
	if (!db_query(task, sql, params, &rows))
		return false;
	*ret_count = db_changed(rows);
	if (!context->dry_run)
		return db_commit(task);
	db_rollback(task);
	return true;
}

/* A dry run shows the first batch only. */
static bool
remove_all(struct command_context *context, const struct tenant *tenant, const char *what,
    const char *sql, struct job_result *result)
{
	struct output_line line = output_line(context, "purge");
	struct task *task = context->task;
	int64_t kept = tenant->log_retention_days * CLOCK_DAY + MARGIN;
	int64_t count, total = 0;

	do {
		const struct arena_mark mark = arena_mark(task->arena);

		if (!remove_batch(context, sql, task->now - kept, &count))
			return false;
		arena_undo(task->arena, mark);
		total += count;
	} while (count == BATCH && !context->dry_run);
	result->rows += total;
	if (total == 0)
		return true;
	output_text(&line, "what", what);
	output_id(&line, "client", tenant->id);
	output_int(&line, context->dry_run ? "at_least" : "rows", total);
	output_print(&line);
	return true;
}

static bool
purge_tenant(
    struct command_context *context, const struct tenant *tenant, struct job_result *result)
{
	return remove_all(context, tenant, "prompts", events_sql, result) &&
	       remove_all(context, tenant, "embeddings", embeddings_sql, result);
}

bool
purge_prompts(struct command_context *context, struct job_result *result)
{
	struct tenants tenants = { .context = context };

	while (tenants_next(&tenants))
		tenants_done(&tenants, purge_tenant(context, &tenants.tenant, result));
	return tenants_end(&tenants);
}
