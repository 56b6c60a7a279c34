/*
 * tally migrate: one transaction for each file, one runner at a time, no edited history.
 */
#include "worker/migrate.h"

#include <string.h>
#include <sysexits.h>

#include "lib/clock.h"
#include "lib/seal.h"
#include "worker/commands.h"
#include "worker/migration.h"
#include "worker/output.h"

#define ONE_BACK INT64_C(-1)

struct applied {
	int64_t version;
	int64_t applied_at;
	uint8_t checksum[SEAL_HASH_SIZE];
};

struct run {
	struct command_context *context;
	struct task *task; /* works; one transaction for each file */
	struct task holder; /* its pool's one connection holds the lock for the whole run */
	struct migrations files;
	struct applied *applied; /* in the order of their versions */
	size_t applied_count;
};

static const char make_table_sql[] = "CREATE TABLE IF NOT EXISTS schema_migrations ("
				     " version bigint PRIMARY KEY,"
				     " checksum bytea NOT NULL CHECK (length(checksum) = 32),"
				     " applied_at timestamptz NOT NULL DEFAULT clock_timestamp())";

static const char table_there_sql[] = "SELECT to_regclass('schema_migrations') IS NOT NULL";

static const char applied_sql[] = "SELECT version, checksum, applied_at"
				  " FROM schema_migrations"
				  " ORDER BY version";

static const char record_sql[] = "INSERT INTO schema_migrations (version, checksum)"
				 " VALUES ($1, $2)";

static const char forget_sql[] = "DELETE FROM schema_migrations"
				 " WHERE version = $1";

static bool
is_table_there(struct task *task, bool *ret)
{
	struct db_rows *rows;

	if (!db_query_one(task, table_there_sql, NULL, &rows))
		return false;
	*ret = db_bool(rows, 0, 0);
	return true;
}

static bool
read_history(struct run *run)
{
	struct db_rows *rows;
	bool there;

	if (!is_table_there(run->task, &there))
		return false;
	if (!there)
		return db_commit(run->task);
	if (!db_query(run->task, applied_sql, NULL, &rows) || !db_commit(run->task))
		return false;
	run->applied_count = (size_t)db_count(rows);
	run->applied = arena_array(run->task->arena, run->applied_count, sizeof(*run->applied));
	for (int i = 0; i < db_count(rows); i++) {
		struct text checksum = db_bytes(rows, i, 1);

		run->applied[i].version = db_int(rows, i, 0);
		run->applied[i].applied_at = db_time(rows, i, 2);
		if (checksum.len == SEAL_HASH_SIZE)
			memcpy(run->applied[i].checksum, checksum.at, checksum.len);
	}
	return true;
}

static const struct applied *
find_applied(const struct run *run, int64_t version)
{
	for (size_t i = 0; i < run->applied_count; i++) {
		if (run->applied[i].version == version)
			return &run->applied[i];
	}
	return NULL;
}

static bool
is_edited(const struct applied *applied, const struct migration *migration)
{
	return !seal_equal(applied->checksum, migration->checksum, SEAL_HASH_SIZE);
}

/* Going on from a history that is not the files' would build a schema that nobody has tested. */
static bool
check_history(const struct run *run)
{
	for (size_t i = 0; i < run->applied_count; i++) {
		const struct applied *applied = &run->applied[i];
		const struct migration *file = migrations_find(&run->files, applied->version);

		if (file == NULL)
			return task_fail(run->task, ERR_CONFLICT,
			    "version %lld is applied, but its file is not in migrations_dir",
			    (long long)applied->version);
		if (is_edited(applied, file))
			return task_fail(run->task, ERR_CONFLICT,
			    "%s was edited after it was applied", file->file);
	}
	return true;
}

/* The session's lock, not a transaction's: CREATE INDEX CONCURRENTLY waits for open transactions.
 */
static bool
take_lock(struct run *run)
{
	struct task *holder = &run->holder;

	return db_script(holder, arena_printf(holder->arena, "SELECT pg_advisory_lock(%lld)",
				     (long long)MIGRATE_LOCK_KEY)) ||
	       task_fail(run->task, holder->err.code, "%s", holder->err.text);
}

static bool
record(struct run *run, const struct migration *migration, bool up)
{
	struct db_params *params = db_params(run->task);

	db_add_int(params, migration->version);
	if (!up)
		return db_query(run->task, forget_sql, params, NULL);
	db_add_bytes(params, (struct text){ (const char *)migration->checksum, SEAL_HASH_SIZE });
	return db_query(run->task, record_sql, params, NULL);
}

/* The row comes first: it begins the transaction in which the script runs. */
static bool
execute(struct run *run, const struct migration *migration, bool up)
{
	const char *sql = up ? migration->up : migration->down;

	if (migration->no_transaction)
		return db_script(run->task, sql) && record(run, migration, up) &&
		       db_commit(run->task);
	return record(run, migration, up) && db_script(run->task, sql) && db_commit(run->task);
}

static bool
step(struct run *run, const struct migration *migration, bool up)
{
	int64_t begun = clock_monotonic();
	struct output_line line;

	if (run->context->dry_run) {
		line = output_line(run->context, up ? "would apply" : "would take back");
		output_text(&line, "file", migration->file);
		output_print(&line);
		return true;
	}
	if (!execute(run, migration, up)) {
		command_warn(run->context, "%s could not be %s", migration->file,
		    up ? "applied" : "taken back");
		return false;
	}
	line = output_line(run->context, up ? "applied" : "took back");
	output_text(&line, "file", migration->file);
	output_seconds(&line, "seconds", clock_monotonic() - begun);
	output_print(&line);
	return true;
}

static bool
go_up(struct run *run, int64_t to)
{
	for (size_t i = 0; i < run->files.count && run->files.list[i].version <= to; i++) {
		const struct migration *file = &run->files.list[i];

		if (find_applied(run, file->version) == NULL && !step(run, file, true))
			return false;
	}
	return true;
}

/* The version before the last that was applied. */
static int64_t
one_back(const struct run *run)
{
	return run->applied_count < 2 ? 0 : run->applied[run->applied_count - 2].version;
}

/* Versions above the one given are taken back, the last one first. */
static bool
go_down(struct run *run, int64_t to)
{
	if (to == ONE_BACK)
		to = one_back(run);
	for (size_t i = run->applied_count; i > 0; i--) {
		const struct applied *applied = &run->applied[i - 1];

		if (applied->version <= to)
			break;
		if (!step(run, migrations_find(&run->files, applied->version), false))
			return false;
	}
	return true;
}

static bool
redo(struct run *run, int64_t to)
{
	const struct migration *last;

	(void)to;
	if (run->applied_count == 0)
		return task_fail(run->task, ERR_CONFLICT, "no migration is applied");
	last = migrations_find(&run->files, run->applied[run->applied_count - 1].version);
	return step(run, last, false) && step(run, last, true);
}

static void
print_status(const struct run *run, int64_t version, const struct migration *file,
    const struct applied *applied, const char *state)
{
	struct output_line line = output_line(run->context, "migration");
	output_int(&line, "version", version);
	output_text(&line, "file", file == NULL ? NULL : file->file);
	output_text(&line, "state", state);
	output_time(&line, "applied_at", applied == NULL ? 0 : applied->applied_at);
	output_print(&line);
}

/* False: the history is not the files'. */
static bool
show(const struct run *run)
{
	bool fine = true;

	for (size_t i = 0; i < run->files.count; i++) {
		const struct migration *file = &run->files.list[i];
		const struct applied *applied = find_applied(run, file->version);
		bool edited = applied != NULL && is_edited(applied, file);

		print_status(run, file->version, file, applied,
		    edited	      ? "edited"
		    : applied == NULL ? "pending"
				      : "applied");
		fine = fine && !edited;
	}
	for (size_t i = 0; i < run->applied_count; i++) {
		if (migrations_find(&run->files, run->applied[i].version) != NULL)
			continue;
		print_status(run, run->applied[i].version, NULL, &run->applied[i], "missing");
		fine = false;
	}
	return fine;
}

static bool
make_table(struct run *run)
{
	return db_query(run->task, make_table_sql, NULL, NULL) && db_commit(run->task);
}

/* Waits for another runner, which may leave nothing to do. A dry run leaves no table behind. */
static bool
open_run(struct run *run)
{
	bool changes = !run->context->dry_run;

	if (!migrations_read(run->task, run->context->conf.migrations_dir, &run->files))
		return false;
	if (changes && (!take_lock(run) || !make_table(run)))
		return false;
	return read_history(run) && check_history(run);
}

typedef bool action(struct run *run, int64_t to);

/* With connections of its own: a migration takes the time it takes. */
static bool
with_run(struct command_context *context, int64_t to, action *act)
{
	struct db_pool_settings settings = command_pool_settings(&context->conf, COMMAND_OWNER);
	struct db_pool *before = context->task->pool;
	struct run run = { .context = context, .task = context->task, .holder = *context->task };
	bool fine;

	settings.statement_timeout_ms = 0;
	settings.max = 1;
	/* The holder's connection is idle, and must stay. */
	settings.idle_timeout_ms = 0;
	run.task->pool = db_pool_new(&settings);
	run.holder.pool = db_pool_new(&settings);
	fine = open_run(&run) && act(&run, to);
	db_rollback(run.task);
	db_pool_free(run.holder.pool);
	db_pool_free(run.task->pool);
	run.task->pool = before;
	return fine;
}

bool
migrate_up(struct command_context *context, int64_t to)
{
	return with_run(context, to, go_up);
}

static int
run_status(struct command_context *context)
{
	struct run run = { .context = context, .task = context->task };

	if (!migrations_read(run.task, context->conf.migrations_dir, &run.files) ||
	    !read_history(&run))
		return command_failed(context);
	return show(&run) ? EX_OK : COMMAND_FOUND;
}

/* 0 is the empty schema; any other version must have a file. */
static bool
read_to(struct command_context *context, int64_t *ret)
{
	struct migrations files;

	if (command_value(context, "to") == NULL)
		return true;
	if (!command_int(context, "to", 0, INT64_MAX, ret) ||
	    !migrations_read(context->task, context->conf.migrations_dir, &files))
		return false;
	if (*ret == 0 || migrations_find(&files, *ret) != NULL)
		return true;
	return task_fail(context->task, ERR_INVALID, "--to: there is no such version");
}

static const struct {
	const char *name;
	action *act;
	int64_t to; /* where --to is not given */
	bool takes_to;
} actions[] = {
	{ "up", go_up, INT64_MAX, true },
	{ "down", go_down, ONE_BACK, true },
	{ "redo", redo, 0, false },
};

int
migrate_run(struct command_context *context)
{
	const char *name = context->operand_count == 0 ? "up" : context->operands[0];
	bool given = command_value(context, "to") != NULL;

	if (strcmp(name, "status") == 0 && !given)
		return run_status(context);
	for (size_t i = 0; i < COUNT(actions); i++) {
		int64_t to = actions[i].to;

		if (strcmp(actions[i].name, name) != 0 || (given && !actions[i].takes_to))
			continue;
		if (read_to(context, &to) && with_run(context, to, actions[i].act))
			return EX_OK;
		return command_failed(context);
	}
	task_fail(context->task, ERR_INVALID,
	    "migrate takes up, down, status or redo, and --to with up and down");
	return command_failed(context);
}
