/* What doctor asks PostgreSQL. */
#include "lib/clock.h"
#include "lib/model/rollup.h"
#include "worker/doctor.h"
#include "worker/migration.h"
#include "worker/partition.h"

#include <string.h>

#define VERSION_MIN 150000
#define SKEW_MAX CLOCK_SECOND

static const char version_sql[] = "SELECT current_setting('server_version_num')::int, "
				  "current_setting('server_version'), pg_is_in_recovery()";

static const char role_sql[] = "SELECT rolname, rolsuper, rolbypassrls "
			       "FROM pg_roles "
			       "WHERE rolname = current_user";

static const char owner_sql[] = "SELECT current_user, "
				"bool_and(pg_has_role(current_user, relowner, 'USAGE')) "
				"FROM pg_class "
				"WHERE relnamespace = 'public'::regnamespace "
				"AND relkind IN ('r', 'p')";

static const char time_sql[] = "SELECT clock_timestamp()";

/* Partitions are reached through their table only, whose policies hold then. */
static const char isolation_sql[] =
    "SELECT count(*), string_agg(c.relname, ', ' ORDER BY c.relname) "
    "FILTER (WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)) "
    "FROM pg_class c "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'client_id' "
    "WHERE c.relnamespace = 'public'::regnamespace "
    "AND c.relkind IN ('r', 'p') "
    "AND NOT c.relispartition";

/* What each role needs, and what it must not have. */
static const char grants_sql[] =
    "SELECT string_agg(format('%s %s %s on %s', role, "
    "CASE WHEN wanted THEN 'lacks' ELSE 'has' END, privilege, relation), ', ') "
    "FROM (VALUES "
    "('tally_app', 'chat_logs', 'INSERT', true), "
    "('tally_app', 'chat_logs', 'SELECT', true), "
    "('tally_app', 'chat_logs', 'UPDATE', false), "
    "('tally_app', 'chat_logs', 'DELETE', false), "
    "('tally_app', 'chat_logs', 'TRUNCATE', false), "
    "('tally_app', 'daily_costs', 'UPDATE', false), "
    "('tally_app', 'model_pricing', 'INSERT', false), "
    "('tally_app', 'audit_log', 'INSERT', true), "
    "('tally_app', 'audit_log', 'DELETE', false), "
    "('tally_worker', 'chat_logs', 'DELETE', true), "
    "('tally_worker', 'daily_costs', 'UPDATE', true), "
    "('tally_worker', 'daily_costs', 'DELETE', false), "
    "('tally_worker', 'ingest_batches', 'UPDATE', true), "
    "('tally_worker', 'job_runs', 'INSERT', true)) "
    "AS g (role, relation, privilege, wanted) "
    "WHERE has_table_privilege(role, relation, privilege) <> wanted";

static const char applied_sql[] = "SELECT version::bigint "
				  "FROM schema_migrations";

static const char jobs_sql[] =
    "SELECT string_agg(job || ' failed: ' || error, '; ') FILTER (WHERE error IS NOT NULL), "
    "max(succeeded_at) FILTER (WHERE job = 'flush'), "
    "coalesce(sum(drift_nanos), 0)::bigint "
    "FROM job_runs";

static const char rollup_sql[] = "SELECT succeeded_at "
				 "FROM job_runs "
				 "WHERE job = 'rollup'";

#define FLUSH_AGE_MAX (600 * CLOCK_SECOND)
#define ROLLUP_AGE_MAX (3600 * CLOCK_SECOND)

bool
doctor_server_version(struct command_context *context, struct finding *finding)
{
	struct db_rows *rows;

	if (!db_query(context->task, version_sql, NULL, &rows))
		return false;
	if (db_int(rows, 0, 0) < VERSION_MIN)
		return doctor_bad(finding, "version %s is too old", db_text(rows, 0, 1));
	if (db_bool(rows, 0, 2))
		return doctor_bad(finding, "it is in recovery and takes no writes");
	return doctor_good(finding, "version %s", db_text(rows, 0, 1));
}

bool
doctor_role(struct command_context *context, struct finding *finding)
{
	struct db_rows *rows;

	if (!db_query(context->task, role_sql, NULL, &rows))
		return false;
	if (db_bool(rows, 0, 1) || db_bool(rows, 0, 2))
		return doctor_bad(finding, "%s bypasses row-level security", db_text(rows, 0, 0));
	return doctor_good(finding, "%s", db_text(rows, 0, 0));
}

bool
doctor_owner(struct command_context *context, struct finding *finding)
{
	struct db_rows *rows;

	if (!db_query(context->task, owner_sql, NULL, &rows))
		return false;
	if (db_null(rows, 0, 1))
		return doctor_bad(finding, "there are no tables yet");
	if (!db_bool(rows, 0, 1))
		return doctor_bad(finding, "%s does not own the tables", db_text(rows, 0, 0));
	return doctor_good(finding, "%s", db_text(rows, 0, 0));
}

bool
doctor_clock(struct command_context *context, struct finding *finding)
{
	int64_t before, after, there;
	struct db_rows *rows;

	/* The first query also connects, which takes its time. */
	if (!db_query(context->task, time_sql, NULL, &rows))
		return false;
	before = clock_now();
	if (!db_query(context->task, time_sql, NULL, &rows))
		return false;
	after = clock_now();
	there = db_time(rows, 0, 0);
	if (there < before - SKEW_MAX || there > after + SKEW_MAX)
		return doctor_bad(finding, "PostgreSQL's clock is %lld ms ahead of this machine's",
		    (long long)((there - after) / 1000));
	return doctor_good(finding, "within a second of PostgreSQL's");
}

static bool
is_applied(const struct db_rows *rows, int64_t version)
{
	for (int i = 0; i < db_count(rows); i++) {
		if (db_int(rows, i, 0) == version)
			return true;
	}
	return false;
}

bool
doctor_migrations(struct command_context *context, struct finding *finding)
{
	struct migrations migrations;
	struct db_rows *rows;
	size_t pending = 0;

	if (!migrations_read(context->task, context->conf.migrations_dir, &migrations) ||
	    !db_query(context->task, applied_sql, NULL, &rows))
		return false;
	for (size_t i = 0; i < migrations.count; i++)
		pending += !is_applied(rows, migrations.list[i].version);
	if (pending > 0)
		return doctor_bad(finding, "%zu not applied", pending);
	return doctor_good(finding, "%zu, all applied", migrations.count);
}

bool
doctor_isolation(struct command_context *context, struct finding *finding)
{
	struct db_rows *rows;

	if (!db_query(context->task, isolation_sql, NULL, &rows))
		return false;
	if (!db_null(rows, 0, 1))
		return doctor_bad(
		    finding, "row-level security is not forced on %s", db_text(rows, 0, 1));
	return doctor_good(finding, "forced on %lld tables", (long long)db_int(rows, 0, 0));
}

bool
doctor_grants(struct command_context *context, struct finding *finding)
{
	struct db_rows *rows;

	if (!db_query(context->task, grants_sql, NULL, &rows))
		return false;
	if (!db_null(rows, 0, 0))
		return doctor_bad(finding, "%s", db_text(rows, 0, 0));
	return doctor_good(finding, "as the migrations give them");
}

/* The last of the days without a gap for which the table has a partition; yesterday where none. */
static bool
find_last_day(struct task *task, enum partitioned table, int32_t today, int32_t *ret)
{
	struct partitions partitions;

	if (!partition_list(task, table, &partitions))
		return false;
	*ret = today - 1;
	for (size_t i = 0; i < partitions.count; i++) {
		if (partitions.at[i].date == *ret + 1)
			++*ret;
	}
	return true;
}

bool
doctor_partitions(struct command_context *context, struct finding *finding)
{
	int32_t today = (int32_t)(context->task->now / CLOCK_DAY), least = INT32_MAX;

	for (int i = 0; i < PARTITIONED_COUNT; i++) {
		int32_t last;

		if (!find_last_day(context->task, (enum partitioned)i, today, &last))
			return false;
		if (last < today + 1)
			return doctor_bad(finding, "%s has none for %s", partitioned_names[i],
			    last < today ? "today" : "tomorrow");
		least = last < least ? last : least;
	}
	return doctor_good(finding, "%d days", least - today);
}

bool
doctor_strays(struct command_context *context, struct finding *finding)
{
	for (int i = 0; i < PARTITIONED_COUNT; i++) {
		struct partitions partitions;
		char text[DATE_TEXT_SIZE];
		int32_t date = 0;
		bool any;

		if (!partition_list(context->task, (enum partitioned)i, &partitions) ||
		    !partition_next_stray(context->task, &partitions, 0, &any, &date))
			return false;
		if (any)
			return doctor_bad(finding, "the default partition of %s holds %s",
			    partitioned_names[i], date_format(date, text));
	}
	return doctor_good(finding, "none");
}

bool
doctor_jobs(struct command_context *context, struct finding *finding)
{
	struct task *task = context->task;
	struct db_rows *rows;

	if (!db_query(task, jobs_sql, NULL, &rows))
		return false;
	if (!db_null(rows, 0, 0))
		return doctor_bad(finding, "%s", db_text(rows, 0, 0));
	if (db_null(rows, 0, 1))
		return doctor_bad(finding, "flush never ran");
	if (db_time(rows, 0, 1) < task->now - FLUSH_AGE_MAX)
		return doctor_bad(finding, "flush last succeeded %lld s ago",
		    (long long)((task->now - db_time(rows, 0, 1)) / CLOCK_SECOND));
	if (db_int(rows, 0, 2) != 0)
		return doctor_bad(finding, "reconcile found drift: see tally verify");
	return doctor_good(finding, "flush ran within %lld minutes",
	    (long long)(FLUSH_AGE_MAX / CLOCK_SECOND / 60));
}

bool
doctor_rollups(struct command_context *context, struct finding *finding)
{
	struct task *task = context->task;
	int64_t batches, spans, age;
	struct db_rows *rows;

	if (!rollup_count_waiting(task, &batches, &spans) ||
	    !db_query(task, rollup_sql, NULL, &rows))
		return false;
	if (db_count(rows) == 0 || db_null(rows, 0, 0))
		return doctor_bad(
		    finding, "rollup never ran: %lld batches wait", (long long)batches);
	age = task->now - db_time(rows, 0, 0);
	if (age > ROLLUP_AGE_MAX)
		return doctor_bad(finding,
		    "rollup last succeeded %lld s ago: %lld batches and %lld spans of time wait",
		    (long long)(age / CLOCK_SECOND), (long long)batches, (long long)spans);
	return doctor_good(
	    finding, "rollup ran within an hour, %lld batches wait", (long long)batches);
}
