#include "app/ready.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json_write.h"
#include "lib/model/authorization.h"

#define JOB_AGE_MAX (600 * CLOCK_SECOND)
/* It runs every five minutes, and longer than that where many records came at once. */
#define ROLLUP_AGE_MAX (3600 * CLOCK_SECOND)
/* No hold lives longer; the job that measures runs once a minute. */
#define HOLD_AGE_MAX_MS ((AUTHORIZATION_SECONDS_MAX + 300) * INT64_C(1000))
/* An answer is given again for so long: probes cost next to nothing. */
#define ANSWER_KEPT CLOCK_SECOND
/* While the checks hang, the last answer stands for so long. */
#define ANSWER_STANDS (5 * CLOCK_SECOND)

/* On also in recovery. */
static const char writable_sql[] = "SELECT current_setting('transaction_read_only') = 'off'";
static const char migration_sql[] = "SELECT max(version)::text FROM schema_migrations";
static const char partition_sql[] =
    "SELECT bool_and(to_regclass(day_partition_name(parent, $1)) IS NOT NULL) "
    "FROM unnest(ARRAY['chat_logs', 'authorizations', 'messages', 'tool_executions']) AS parent";
static const char job_sql[] = "SELECT succeeded_at, drift_nanos, oldest_hold_ms "
			      "FROM job_runs "
			      "WHERE job = $1";

const char *const ready_statements[] = { writable_sql, migration_sql, partition_sql, job_sql,
	NULL };

/* Each says what is wrong, or fails the task; true without a word when all is well. */
static bool
check_postgres(struct task *task, const struct app *app UNUSED, const char **ret_trouble)
{
	struct db_rows *rows;

	if (!db_query_one(task, writable_sql, NULL, &rows))
		return false;
	if (!db_bool(rows, 0, 0))
		*ret_trouble = "PostgreSQL is read-only and takes no writes";
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
	if (db_null(rows, 0, 0) || strcmp(db_text(rows, 0, 0), READY_MIGRATION) < 0)
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
is_overdue(
    const struct task *task, const struct app *app, const struct db_rows *rows, int64_t age_max)
{
	int64_t oldest = task->now - age_max;
	bool ran = db_count(rows) > 0 && !db_null(rows, 0, 0);
	/* Where the service has just begun, so may have the jobs. */
	int64_t last = ran ? db_time(rows, 0, 0) : app->started_at;

	return last < oldest && app->started_at < oldest;
}

static bool
check_flush(struct task *task, const struct app *app, const char **ret_trouble)
{
	struct db_rows *rows;

	if (!find_job(task, "flush", &rows))
		return false;
	if (is_overdue(task, app, rows, JOB_AGE_MAX))
		*ret_trouble = "the last flush is too long ago: look after its timer";
	return true;
}

static bool
check_rollup(struct task *task, const struct app *app, const char **ret_trouble)
{
	struct db_rows *rows;

	if (!find_job(task, "rollup", &rows))
		return false;
	if (is_overdue(task, app, rows, ROLLUP_AGE_MAX))
		*ret_trouble = "the last rollup is too long ago: look after its timer";
	return true;
}

static bool
check_holds(struct task *task, const struct app *app, const char **ret_trouble)
{
	struct db_rows *rows;

	if (!find_job(task, "expire", &rows))
		return false;
	if (is_overdue(task, app, rows, JOB_AGE_MAX))
		*ret_trouble = "the last run of expire is too long ago: look after its timer";
	else if (db_count(rows) > 0 && !db_null(rows, 0, 2) && db_int(rows, 0, 2) > HOLD_AGE_MAX_MS)
		*ret_trouble = "a hold is older than any may be: holds do not expire in Redis";
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
	{ "rollup", check_rollup },
	{ "drift", check_drift },
	{ "holds", check_holds },
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

/* The checks' array of objects; whether all are well. */
static bool
run_checks(struct task *task, const struct app *app, struct buf *list)
{
	struct json_out *out = json_out_new(list);
	bool well = true;

	json_open_array(out);
	for (size_t i = 0; i < COUNT(checks); i++)
		well = write_check(task, app, &checks[i], out) && well;
	json_close_array(out);
	return well;
}

/*
 * The last answer. The lock guards all of it; one thread at a time runs the checks, so that a
 * PostgreSQL that hangs holds one thread and not all.
 */
static struct {
	pthread_mutex_t lock;
	bool running;
	bool well;
	int64_t at; /* clock_monotonic(); 0: never */
	char *json; /* from malloc */
} last = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* True when there is an answer without running the checks; else they are this thread's to run. */
static bool
recall(struct buf *out, bool *ret_well)
{
	pthread_mutex_lock(&last.lock);
	int64_t age = clock_monotonic() - last.at;
	bool stands = last.at != 0 && age < (last.running ? ANSWER_STANDS : ANSWER_KEPT);
	bool known = stands || last.running;
	if (stands) {
		buf_puts(out, last.json);
		*ret_well = last.well;
	} else if (last.running) {
		buf_puts(out, "{\"status\":\"failing\",\"checks\":[{\"name\":\"checks\","
			      "\"ok\":false,\"detail\":\"the checks do not come to an end\"}]}");
		*ret_well = false;
	} else {
		last.running = true;
	}
	pthread_mutex_unlock(&last.lock);
	return known;
}

static void
remember(const struct buf *json, bool well)
{
	char *copy = strndup(json->at, json->len);

	if (copy == NULL)
		abort();
	pthread_mutex_lock(&last.lock);
	free(last.json);
	last.json = copy;
	last.well = well;
	last.at = clock_monotonic();
	last.running = false;
	pthread_mutex_unlock(&last.lock);
}

bool
ready_check(struct task *task, const struct app *app, struct buf *out)
{
	struct buf list = { .arena = task->arena };
	bool well;

	if (recall(out, &well))
		return well;
	well = run_checks(task, app, &list);
	struct json_out *json = json_out_new(out);
	json_open(json);
	json_text(json, "status", well ? "ok" : "failing");
	json_raw(json, "checks", buf_text(&list));
	json_close(json);
	remember(out, well);
	return well;
}
