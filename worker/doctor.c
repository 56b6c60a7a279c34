/*
 * doctor: checks the installation, one row of the table after another.
 */
#include "worker/doctor.h"

#include "worker/commands.h"
#include "worker/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct doctor_row rows[] = {
	{ "PostgreSQL", COMMAND_WORKER, doctor_server_version,
	    "start PostgreSQL 15 or later, and check database_worker_url" },
	{ "role of tallyd", COMMAND_APP, doctor_role,
	    "check database_url; ALTER ROLE tally_app NOSUPERUSER NOBYPASSRLS" },
	{ "role of the jobs", COMMAND_WORKER, doctor_role,
	    "check database_worker_url; ALTER ROLE tally_worker NOSUPERUSER NOBYPASSRLS" },
	{ "role of migrations", COMMAND_OWNER, doctor_owner,
	    "check database_owner_url: it must own the tables" },
	{ "migrations", COMMAND_WORKER, doctor_migrations, "run tally migrate" },
	{ "isolation of clients", COMMAND_WORKER, doctor_isolation,
	    "run tally migrate; ALTER TABLE ... FORCE ROW LEVEL SECURITY" },
	{ "grants", COMMAND_WORKER, doctor_grants,
	    "revoke what was granted by hand, or run tally migrate" },
	{ "partitions ahead", COMMAND_WORKER, doctor_partitions,
	    "run tally partitions, and look after tally-partitions.timer" },
	{ "records without a partition", COMMAND_WORKER, doctor_strays, "run tally partitions" },
	{ "jobs", COMMAND_WORKER, doctor_jobs,
	    "look into systemctl list-timers 'tally*' and journalctl -u 'tally@*'" },
	{ "rollups", COMMAND_WORKER, doctor_rollups,
	    "run tally rollup, and look after tally-rollup.timer" },
	{ "seal_key", COMMAND_WORKER, doctor_seal,
	    "set seal_key to the key of this database, and seal_key_previous to one before it" },
	{ "clock", COMMAND_WORKER, doctor_clock, "let both machines take their time from NTP" },
	{ "Redis", COMMAND_WORKER, doctor_redis, "start Redis 7 or later, and check redis_url" },
	{ "memory of Redis", COMMAND_WORKER, doctor_redis_memory,
	    "set maxmemory-policy noeviction: counters must not be thrown away" },
	{ "socket of tallyd", COMMAND_WORKER, doctor_socket,
	    "systemctl start tallyd.socket tallyd" },
	{ "time zones", COMMAND_WORKER, doctor_zones, "install the package tzdata" },
	{ "disk", COMMAND_WORKER, doctor_disk,
	    "make room: lower log_retention_days and run tally purge, or grow the disk" },
};

PRINTF(3, 0)
static void
note(struct finding *finding, bool bad, const char *format, va_list args)
{
	finding->bad = bad;
	vsnprintf(finding->text, sizeof(finding->text), format, args);
}

bool
doctor_bad(struct finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note(finding, true, format, args);
	va_end(args);
	return true;
}

bool
doctor_good(struct finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note(finding, false, format, args);
	va_end(args);
	return true;
}

/* A server that is away fails many checks: why, and what mends it, is said once. away: the last
 * cause. */
static void
note_failure(struct finding *finding, const struct err *err, char *away)
{
	char cause[DOCTOR_TEXT_MAX];

	(void)snprintf(cause, sizeof(cause), ": %s", err->cause != NULL ? err->cause : "");
	if (err->code == ERR_UNAVAILABLE && strcmp(cause, away) == 0) {
		(void)doctor_bad(finding, "%s", err->text);
		finding->mend = "";
		return;
	}
	(void)doctor_bad(finding, "%s%s", err->text, err->cause != NULL ? cause : "");
	if (err->code == ERR_UNAVAILABLE)
		memcpy(away, cause, sizeof(cause));
}

/* Each check has a task and a connection of its own: a failure is no other check's. */
static void
check(struct command_context *context, const struct doctor_row *row, struct finding *finding,
    char *ret_away)
{
	struct db_pool_settings settings = command_pool_settings(&context->conf, row->role);
	struct command_context own = *context;
	struct arena *arena = arena_new();
	struct task task;

	task_init(&task, arena);
	task.redis = context->task->redis;
	task.seal_keys = context->task->seal_keys;
	own.task = &task;
	own.pool = task.pool = db_pool_new(&settings);
	if (!row->check(&own, finding))
		note_failure(finding, &task.err, ret_away);
	db_rollback(&task);
	arena_free(arena);
	db_pool_free(own.pool);
}

int
doctor_run(struct command_context *context)
{
	struct output_table *table = output_table(context);
	char away[DOCTOR_TEXT_MAX] = "";
	int bad = 0;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct output_line line = output_line(context, NULL);
		struct finding finding = { .mend = rows[i].mend };

		check(context, &rows[i], &finding, away);
		output_text(&line, "state", finding.bad ? "BAD" : "ok");
		output_text(&line, "check", rows[i].name);
		output_text(&line, "found", finding.text);
		output_text(&line, "mend", finding.bad ? finding.mend : "");
		output_table_add(table, &line);
		bad += finding.bad;
	}
	output_table_print(table);
	return bad > 0 ? COMMAND_FOUND : EX_OK;
}
