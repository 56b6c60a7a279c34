#include "app/api/health.h"

#include <string.h>

#include "app/auth.h"
#include "app/metrics.h"
#include "lib/clock.h"

static const char writable_sql[] = "SELECT NOT pg_is_in_recovery()";
static const char migration_sql[] = "SELECT max(version)::text FROM schema_migrations";
static const char partition_sql[] = "SELECT to_regclass(chat_logs_partition_name($1)) IS NOT NULL";
static const char job_sql[] = "SELECT succeeded_at, drift_nanos "
			      "FROM job_runs "
			      "WHERE job = $1";

const char *const health_statements[] = { writable_sql, migration_sql, partition_sql, job_sql,
	NULL };

/* Each says what is wrong, or fails the task; true without a word when all is well. */
static bool
check_postgres(struct task *task, const struct app *app UNUSED, const char **ret_trouble)
{
	struct db_rows *rows;

	if (!db_query_one(task, writable_sql, NULL, &rows))
		return false;
	if (!db_bool(rows, 0, 0))
		*ret_trouble = "PostgreSQL is in recovery and takes no writes";
	return true;
}

static bool
check_redis(struct task *task, const struct app *app UNUSED, const char **ret_trouble)
{
	struct redis_command *ping = redis_command(task, "PING");
	struct redis_reply pong;

	if (!redis_run(task, &ping, 1, &pong))
		return false;
	if (pong.type == REDIS_ERROR)
		*ret_trouble = "Redis answers with an error";
	return true;
}

static bool
check_migrations(struct task *task, const struct app *app UNUSED, const char **ret_trouble)
{
	struct db_rows *rows;

	if (!db_query_one(task, migration_sql, NULL, &rows))
		return false;
	if (db_null(rows, 0, 0) || strcmp(db_text(rows, 0, 0), HEALTH_MIGRATION) < 0)
		*ret_trouble = "a migration is missing: run tally migrate";
	return true;
}

static bool
check_partitions(struct task *task, const struct app *app UNUSED, const char **ret_trouble)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_date(params, (int32_t)(task->now / CLOCK_DAY) + 1);
	if (!db_query_one(task, partition_sql, params, &rows))
		return false;
	if (!db_bool(rows, 0, 0))
		*ret_trouble = "tomorrow has no partition: run tally partitions";
	return true;
}

static bool
find_job(struct task *task, const char *job, struct db_rows **ret)
{
	struct db_params *params = db_params(task);

	db_add_text(params, job);
	return db_query(task, job_sql, params, ret);
}

static bool
check_flush(struct task *task, const struct app *app, const char **ret_trouble)
{
	int64_t oldest = task->now - HEALTH_FLUSH_AGE_MAX_S * CLOCK_SECOND;
	struct db_rows *rows;

	if (!find_job(task, "flush", &rows))
		return false;
	bool ran = db_count(rows) > 0 && !db_null(rows, 0, 0);
	/* A service that has just begun has not flushed yet. */
	int64_t last = ran ? db_time(rows, 0, 0) : app->started_at;
	if (last < oldest && app->started_at < oldest)
		*ret_trouble = "the last flush is too long ago: look after its timer";
	return true;
}

static bool
check_drift(struct task *task, const struct app *app UNUSED, const char **ret_trouble)
{
	struct db_rows *rows;

	if (!find_job(task, "reconcile", &rows))
		return false;
	if (db_count(rows) > 0 && db_int(rows, 0, 1) != 0)
		*ret_trouble = "the totals differ from the log: see tally verify";
	return true;
}

static const struct check {
	const char *name;
	bool (*run)(struct task *task, const struct app *app, const char **ret_trouble);
} checks[] = {
	{ "postgres", check_postgres },
	{ "redis", check_redis },
	{ "migrations", check_migrations },
	{ "partitions", check_partitions },
	{ "flush", check_flush },
	{ "drift", check_drift },
};

static bool
write_check(
    struct task *task, const struct app *app, const struct check *check, struct json_out *out)
{
	const char *trouble = NULL;

	if (!check->run(task, app, &trouble)) {
		trouble = arena_strdup(task->arena, task->err.text);
		db_rollback(task);
		task_clear_error(task);
	}
	json_open(out);
	json_text(out, "name", check->name);
	json_bool(out, "ok", trouble == NULL);
	json_text(out, "detail", trouble != NULL ? trouble : "ok");
	json_close(out);
	return trouble == NULL;
}

bool
health_alive(struct request *req UNUSED, struct reply *reply)
{
	buf_puts(&reply->body, "{\"status\":\"ok\"}");
	return reply_done(reply, 200, "application/json");
}

bool
health_ready(struct request *req, struct reply *reply)
{
	struct buf list = { .arena = req->task->arena };
	struct json_out *checked = json_out_new(&list);
	bool well = true;

	json_open_array(checked);
	for (size_t i = 0; i < COUNT(checks); i++)
		well = write_check(req->task, req->app, &checks[i], checked) && well;
	json_close_array(checked);
	struct json_out *out = json_out_new(&reply->body);
	json_open(out);
	json_text(out, "status", well ? "ok" : "failing");
	json_raw(out, "checks", buf_text(&list));
	json_close(out);
	return reply_done(reply, well ? 200 : 503, "application/json");
}

static bool
is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
	       strcmp(address, "unix:") == 0;
}

bool
health_metrics(struct request *req, struct reply *reply)
{
	if (!is_loopback(req->address) && !auth_check(req, SCOPE_OPERATOR))
		return false;
	metrics_write(req->task, req->app, &reply->body);
	return reply_done(reply, 200, "text/plain; version=0.0.4; charset=utf-8");
}
