/*
 * erase: takes persons out of every table and out of Redis; what is counted stays. As a job, those
 * that were asked for; as a command, one user, and shows the receipt.
 */
#include "worker/erase.h"

#include "lib/failpoint.h"
#include "lib/model/counter_day.h"
#include "lib/model/counter_sweep.h"
#include "lib/model/erasure.h"
#include "worker/commands.h"
#include "worker/flush.h"
#include "worker/user_name.h"

#include <sysexits.h>

static bool
take_step(struct task *task, const struct erasure *erasure, const struct erasure_table *table,
    int way, int64_t *ret_count)
{
	struct arena_mark mark = arena_mark(task->arena);

	if (!erasure_step(task, erasure, table, way, ERASURE_PORTION, ret_count))
		return false;
	FAILPOINT("erase-step");
	if (!db_commit(task))
		return false;
	FAILPOINT("erase-committed");
	arena_undo(task->arena, mark);
	return true;
}

static bool
erase_rows(struct task *task, const struct erasure *erasure, const struct erasure_table *table,
    struct job_result *result)
{
	int64_t count;

	for (int way = 0; way < ERASURE_WAYS_MAX && table->erase[way]; way++) {
		do {
			if (!take_step(task, erasure, table, way, &count))
				return false;
			result->rows += count;
		} while (count >= ERASURE_PORTION);
	}
	return true;
}

static bool
erase_user(struct task *task, const struct erasure *erasure, struct job_result *result)
{
	const struct erasure_table *table;

	for (size_t i = 0; (table = erasure_table_at(i)) != NULL; i++)
		if (!table->last && !erase_rows(task, erasure, table, result))
			return false;
	if (!erasure_end(task, erasure))
		return false;
	FAILPOINT("erase-ended");
	result->rows++;
	return db_commit(task);
}

/* The log forgets who called: the days must know how many by then. */
static bool
erase_tenant(
    struct command_context *context, const struct tenant *tenant, struct job_result *result)
{
	struct job_result flushed = { 0 };
	struct erasures open;

	if (!flush_tenant(context, tenant, &flushed) || !erasure_list_open(context->task, &open) ||
	    !db_commit(context->task))
		return false;
	for (size_t i = 0; i < open.count; i++) {
		if (!id_is_nil(open.at[i].user) && !erase_user(context->task, &open.at[i], result))
			return false;
	}
	return true;
}

static bool
erase_all(
    struct command_context *context, const struct id *only, size_t count, struct job_result *result)
{
	struct tenants tenants = { .context = context, .only = only, .only_count = count };

	while (tenants_next(&tenants))
		tenants_done(&tenants, erase_tenant(context, &tenants.tenant, result));
	return tenants_end(&tenants);
}

/* A count without the person takes the place of the one with them. */
static bool
count_anew(struct command_context *context, const struct id *only, size_t count)
{
	struct tenants tenants = { .context = context, .only = only, .only_count = count };
	bool healed;

	while (tenants_next(&tenants))
		tenants_done(
		    &tenants, !tenants.tenant.counted ||
				  counter_heal(context->task, NULL, tenants.tenant.zone, &healed));
	return tenants_end(&tenants);
}

static bool
sweep(struct task *task, struct job_result *result)
{
	struct counter_sweep sweep;

	if (!counter_sweep(task, false, &sweep))
		return false;
	if (sweep.failure != NULL)
		return task_fail(task, ERR_UNAVAILABLE, "%s", sweep.failure);
	result->redis_known = true;
	result->redis_keys = sweep.keys;
	return true;
}

/* Without Redis the rest is done by the next run. */
static bool
redis_answers(struct task *task, struct job_result *result)
{
	const char *run_id;

	if (redis_run_id(task, &run_id))
		return true;
	result->redis_failure = arena_strdup(task->arena, task->err.text);
	task_clear_error(task);
	return false;
}

bool
erase_open(
    struct command_context *context, const struct id *only, size_t count, struct job_result *result)
{
	struct task *task = context->task;

	if (only == NULL && (!erasure_clients(task, &only, &count) || !db_commit(task)))
		return false;
	if (count == 0)
		return true;
	if (!erase_all(context, only, count, result))
		return false;
	FAILPOINT("erase-gone");
	if (!redis_answers(task, result))
		return true;
	if (!count_anew(context, only, count) || !sweep(task, result))
		return false;
	FAILPOINT("erase-swept");
	return erasure_finish(task, only, count) && db_commit(task);
}

static bool
count_open(struct command_context *context, struct job_result *result)
{
	struct tenants tenants = { .context = context };
	struct erasures open;
	const struct id *only;

	if (!erasure_clients(context->task, &only, &tenants.only_count) ||
	    !db_commit(context->task))
		return false;
	tenants.only = only;
	while (tenants.only_count > 0 && tenants_next(&tenants)) {
		bool ok = erasure_list_open(context->task, &open);

		result->rows += ok ? (int64_t)open.count : 0;
		tenants_done(&tenants, ok);
	}
	return tenants_end(&tenants);
}

static bool
erase(struct command_context *context, struct job_result *result)
{
	return context->dry_run ? count_open(context, result)
				: erase_open(context, NULL, 0, result);
}

/* A dry run does all of it in one transaction that is not committed. */
static bool
erase_named(struct command_context *context, struct erasure *ret)
{
	struct job_result result = { 0 };
	struct task *task = context->task;
	struct id user, client;

	if (!user_name_find(context, &user) || !erasure_request(task, user, "command", ret))
		return false;
	client = task->client;
	if (context->dry_run)
		return (id_is_nil(ret->user) || erasure_end(task, ret)) &&
		       erasure_find(task, ret->id, ret);
	if (!db_commit(task))
		return false;
	if (ret->finished_at == 0 && !erase_open(context, &client, 1, &result))
		return false;
	if (result.redis_failure != NULL)
		command_warn(
		    context, "Redis will be swept by the next run: %s", result.redis_failure);
	task->client = client;
	return erasure_find(task, ret->id, ret);
}

static int
run_named(struct command_context *context)
{
	struct output_line line = output_line(context, "erased");
	struct erasure erasure;

	if (!erase_named(context, &erasure))
		return command_failed(context);
	if (context->dry_run)
		output_bool(&line, "dry_run", true);
	output_id(&line, "id", erasure.id);
	output_time(&line, "requested_at", erasure.requested_at);
	output_time(&line, "finished_at", erasure.finished_at);
	output_text(&line, "removed", erasure.removed.at);
	output_object(&line, erasure_write, &erasure);
	return EX_OK;
}

int
erase_run(struct command_context *context)
{
	return user_name_given(context) ? run_named(context) : job_run(context, erase);
}
