/*
 * purge: removes what is past its time, in bounded batches.
 */
#include "worker/purge.h"

#include "lib/clock.h"
#include "lib/failpoint.h"
#include "lib/model/counter_sweep.h"
#include "lib/model/erasure.h"
#include "worker/commands.h"
#include "worker/erase.h"

#include <string.h>

#define BATCH 1000
/* Each user and each session is looked for in every partition of the log. */
#define BATCH_REFERRED 100
#define IDEMPOTENCY_KEPT CLOCK_DAY
#define ALERTS_KEPT (90 * CLOCK_DAY)

/* A revoked one stays in the lists until its time is over, as any other; no index knows it. */
static const char sessions_sql[] = "DELETE FROM sessions "
				   "WHERE (client_id, id) IN ("
				   "SELECT client_id, id "
				   "FROM sessions "
				   "WHERE expires_at < $1 "
				   "LIMIT $2)";

/* The first of a line is what the others are counted under: it goes last. */
static const char tokens_sql[] = "DELETE FROM auth_tokens "
				 "WHERE (client_id, id) IN ("
				 "SELECT client_id, id "
				 "FROM auth_tokens AS t "
				 "WHERE expires_at < $1 "
				 "AND NOT EXISTS (SELECT FROM auth_tokens AS later "
				 "WHERE later.client_id = t.client_id AND later.lineage_id = t.id) "
				 "LIMIT $2)";

static const char failures_sql[] = "DELETE FROM login_failures "
				   "WHERE (client_id, subject) IN ("
				   "SELECT client_id, subject "
				   "FROM login_failures "
				   "WHERE until < $1 "
				   "LIMIT $2)";

static const char verifications_sql[] = "DELETE FROM email_verifications "
					"WHERE (client_id, user_id) IN ("
					"SELECT client_id, user_id "
					"FROM email_verifications "
					"WHERE expires_at < $1 "
					"LIMIT $2)";

static const char idempotency_sql[] = "DELETE FROM idempotency_keys "
				      "WHERE (client_id, key) IN ("
				      "SELECT client_id, key "
				      "FROM idempotency_keys "
				      "WHERE created_at < $1 "
				      "LIMIT $2)";

/* While somebody may ask for its key an alert stays, so that it is not told again. */
static const char alerts_sql[] = "DELETE FROM alerts "
				 "WHERE (client_id, id) IN ("
				 "SELECT client_id, id "
				 "FROM alerts "
				 "WHERE created_at < $1 AND (key IS NULL OR key_until < $1) "
				 "LIMIT $2)";

/* Nobody is known to have been erased for ever. */
static const char erased_sql[] = "DELETE FROM erased_users "
				 "WHERE (client_id, user_hash) IN ("
				 "SELECT client_id, user_hash "
				 "FROM erased_users "
				 "WHERE erased_at < $1 "
				 "LIMIT $2)";

/* Those that are being erased already go on doing so. */
static const char users_sql[] = "SELECT u.client_id, u.id "
				"FROM users u "
				"WHERE u.deleted_at < $1 "
				"AND NOT EXISTS (SELECT FROM erasures e "
				"WHERE e.client_id = u.client_id AND e.user_id = u.id) "
				"LIMIT $2";

static bool
remove_batch(struct command_context *context, const char *sql, int64_t before, int64_t limit,
    int64_t *ret_count)
{
	struct task *task = context->task;
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_time(params, before);
	db_add_int(params, limit);
	if (!db_query(task, sql, params, &rows))
		return false;
	*ret_count = db_changed(rows);
	FAILPOINT("purge-removed");
	if (!context->dry_run)
		return db_commit(task);
	db_rollback(task);
	return true;
}

/* A dry run shows the first batch only: it removes nothing, so the second would be the same. */
static bool
remove_all(struct command_context *context, const char *what, const char *sql, int64_t before,
    int64_t limit, struct job_result *result)
{
	struct output_line line = output_line(context, "purge");
	struct task *task = context->task;
	int64_t count, total = 0;

	do {
		struct arena_mark mark = arena_mark(task->arena);

		if (!remove_batch(context, sql, before, limit, &count))
			return false;
		arena_undo(task->arena, mark);
		total += count;
	} while (count == limit && !context->dry_run);
	result->rows += total;
	if (total == 0)
		return true;
	output_text(&line, "what", what);
	output_int(&line, context->dry_run ? "at_least" : "rows", total);
	output_print(&line);
	return true;
}

/* The user's records stay, without the user. */
static bool
request_batch(struct command_context *context, int64_t before, int64_t *ret_count)
{
	struct task *task = context->task;
	struct db_params *params = db_params(task);
	struct erasure erasure;
	struct db_rows *rows;

	db_add_time(params, before);
	db_add_int(params, BATCH_REFERRED);
	if (!db_query(task, users_sql, params, &rows))
		return false;
	*ret_count = db_count(rows);
	for (int i = 0; i < db_count(rows) && !context->dry_run; i++) {
		task->client = db_id(rows, i, 0);
		if (!erasure_request(task, db_id(rows, i, 1), "purge", &erasure))
			return false;
	}
	task->client = (struct id){ 0 };
	return db_commit(task);
}

/* Users whose time is over are erased as any other. */
static bool
erase_users(struct command_context *context, int64_t before, struct job_result *result)
{
	struct output_line line = output_line(context, "purge");
	int64_t count, total = 0;

	do {
		struct arena_mark mark = arena_mark(context->task->arena);

		if (!request_batch(context, before, &count))
			return false;
		FAILPOINT("purge-requested");
		arena_undo(context->task->arena, mark);
		total += count;
	} while (count == BATCH_REFERRED && !context->dry_run);
	if (total > 0) {
		output_text(&line, "what", "users");
		output_int(&line, context->dry_run ? "at_least" : "rows", total);
		output_print(&line);
	}
	return context->dry_run || erase_open(context, NULL, 0, result);
}

/* What Redis keeps too long is no reason to fail: it is swept tomorrow. */
static bool
sweep_redis(struct command_context *context, struct job_result *result)
{
	struct counter_sweep sweep;

	if (!counter_sweep(context->task, context->dry_run, &sweep))
		return false;
	result->redis_known = true;
	result->redis_keys = sweep.keys;
	result->redis_failure = sweep.failure;
	return true;
}

static bool
purge(struct command_context *context, struct job_result *result)
{
	int64_t now = context->task->now;
	int64_t deleted = now - context->conf.user_grace_days * CLOCK_DAY;

	return remove_all(context, "sessions", sessions_sql, now, BATCH_REFERRED, result) &&
	       remove_all(context, "tokens", tokens_sql, now, BATCH, result) &&
	       remove_all(context, "failed logins", failures_sql, now, BATCH, result) &&
	       remove_all(context, "e-mail verifications", verifications_sql, now, BATCH, result) &&
	       remove_all(context, "idempotency keys", idempotency_sql, now - IDEMPOTENCY_KEPT,
		   BATCH, result) &&
	       remove_all(context, "alerts", alerts_sql, now - ALERTS_KEPT, BATCH, result) &&
	       remove_all(
		   context, "erased users", erased_sql, now - ERASURE_REMEMBERED, BATCH, result) &&
	       erase_users(context, deleted, result) && purge_log(context, result) &&
	       purge_prompts(context, result) && purge_messages(context, result) &&
	       purge_tools(context, result) && purge_hours(context, result) &&
	       sweep_redis(context, result);
}

int
purge_run(struct command_context *context)
{
	return job_run(context, purge);
}
