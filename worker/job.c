#include "worker/job.h"

#include "lib/clock.h"

#include <string.h>
#include <sysexits.h>

/* The lock belongs to a transaction that stays open, and empty, beside those of the work: it is
 * gone with the process, however that ends. */
static const char lock_sql[] =
    "SELECT pg_try_advisory_xact_lock(hashtextextended('tally job ' || $1, 0))";

static const char start_sql[] = "INSERT INTO job_runs (job, started_at) "
				"VALUES ($1, $2) "
				"ON CONFLICT (job) DO UPDATE "
				"SET started_at = excluded.started_at";

static const char success_sql[] =
    "UPDATE job_runs "
    "SET succeeded_at = $2, duration_ms = $3, rows = $4, bytes = $5, "
    "    drift_nanos = coalesce($6::bigint, drift_nanos), error = NULL "
    "WHERE job = $1";

static const char failure_sql[] = "UPDATE job_runs "
				  "SET duration_ms = $2, error = $3 "
				  "WHERE job = $1";

static bool
take_lock(struct command_context *context, struct task *holder, bool *ret_taken)
{
	struct db_params *params = db_params(holder);
	struct db_rows *rows;

	holder->pool = context->pool;
	db_add_text(params, context->command->name);
	if (!db_query(holder, lock_sql, params, &rows)) {
		context->task->err = holder->err;
		return false;
	}
	*ret_taken = db_bool(rows, 0, 0);
	return true;
}

static bool
record_start(struct command_context *context)
{
	struct task *task = context->task;
	struct db_params *params = db_params(task);

	db_add_text(params, context->command->name);
	db_add_time(params, task->now);
	return db_query(task, start_sql, params, NULL) && db_commit(task);
}

static bool
record_success(struct command_context *context, const struct job_result *result, int64_t usec)
{
	struct task *task = context->task;
	struct db_params *params = db_params(task);

	db_add_text(params, context->command->name);
	db_add_time(params, clock_now());
	db_add_int(params, usec / 1000);
	db_add_int(params, result->rows);
	db_add_int(params, result->bytes);
	if (result->drift_known)
		db_add_int(params, result->drift_nanos);
	else
		db_add_null(params);
	return db_query(task, success_sql, params, NULL) && db_commit(task);
}

/* The work's own error stays the one that is told, also when it cannot be recorded. */
static void
record_failure(struct command_context *context, int64_t usec)
{
	struct task *task = context->task;
	struct err err = task->err;
	struct db_params *params;

	task_clear_error(task);
	params = db_params(task);
	db_add_text(params, context->command->name);
	db_add_int(params, usec / 1000);
	db_add_text(params, err.text);
	if (!db_query(task, failure_sql, params, NULL) || !db_commit(task))
		db_rollback(task);
	task->err = err;
}

static void
print_summary(struct command_context *context, const struct job_result *result, int64_t usec)
{
	struct output_line line = output_line(context, context->command->name);

	if (context->dry_run)
		output_bool(&line, "dry_run", true);
	output_int(&line, "rows", result->rows);
	output_int(&line, "bytes", result->bytes);
	output_seconds(&line, "seconds", usec);
	if (result->drift_known)
		output_cents(&line, "drift_cents", result->drift_nanos);
	if (result->redis_known)
		output_int(&line, "redis_keys", result->redis_keys);
	if (result->redis_failure != NULL)
		output_text(&line, "redis", result->redis_failure);
	output_print(&line);
}

static int
run_locked(struct command_context *context,
    bool (*work)(struct command_context *context, struct job_result *result))
{
	struct job_result result = { 0 };
	int64_t began = clock_monotonic(), usec;
	bool ok;

	if (!context->dry_run && !record_start(context))
		return command_failed(context);
	ok = work(context, &result);
	db_rollback(context->task);
	usec = clock_monotonic() - began;
	if (ok && !context->dry_run)
		ok = record_success(context, &result, usec);
	else if (!ok && !context->dry_run)
		record_failure(context, usec);
	if (!ok)
		return command_failed(context);
	print_summary(context, &result, usec);
	return result.found ? COMMAND_FOUND : EX_OK;
}

int
job_run(struct command_context *context,
    bool (*work)(struct command_context *context, struct job_result *result))
{
	struct arena *arena = arena_new();
	struct task holder;
	bool taken = false;
	int status = EX_OK;

	task_init(&holder, arena);
	if (!take_lock(context, &holder, &taken)) {
		status = command_failed(context);
	} else if (taken) {
		status = run_locked(context, work);
	} else {
		struct output_line line = output_line(context, context->command->name);

		output_text(&line, "skipped", "another instance is running");
		output_print(&line);
	}
	db_rollback(&holder);
	arena_free(arena);
	return status;
}
