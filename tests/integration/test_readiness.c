/* What /readyz makes of the jobs' notes: how long ago they ran, and what they found. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "app/ready.h"
#include "lib/clock.h"
#include "lib/redis.h"
#include "tests/db_fixture.h"

static struct redis_settings redis_settings;

/* What a note of the jobs makes of a check, and what makes it good again. */
static const struct {
	const char *sentence;
	const char *change;
	const char *says; /* in the check's detail */
} notes[] = {
	{ "a flush of eleven minutes ago is too long ago",
	    "UPDATE job_runs SET succeeded_at = now() - interval '11 minutes' WHERE job = 'flush'",
	    "{\"name\":\"flush\",\"ok\":false,\"detail\":\"the last flush is too long ago" },
	{ "a flush that never succeeded is missed",
	    "UPDATE job_runs SET succeeded_at = NULL WHERE job = 'flush'",
	    "{\"name\":\"flush\",\"ok\":false" },
	{ "a rollup of an hour and a minute ago is too long ago",
	    "UPDATE job_runs SET succeeded_at = now() - interval '61 minutes' WHERE job = 'rollup'",
	    "{\"name\":\"rollup\",\"ok\":false,\"detail\":\"the last rollup is too long ago" },
	{ "a rollup that never ran is missed", "DELETE FROM job_runs WHERE job = 'rollup'",
	    "{\"name\":\"rollup\",\"ok\":false" },
	{ "expire is missed, too",
	    "UPDATE job_runs SET succeeded_at = now() - interval '11 minutes' WHERE job = 'expire'",
	    "{\"name\":\"holds\",\"ok\":false,\"detail\":\"the last run of expire is too long ago" },
	{ "expire that never ran is missed", "DELETE FROM job_runs WHERE job = 'expire'",
	    "{\"name\":\"holds\",\"ok\":false" },
	{ "a hold older than an hour and five minutes does not expire",
	    "UPDATE job_runs SET oldest_hold_ms = 3900001 WHERE job = 'expire'",
	    "{\"name\":\"holds\",\"ok\":false,\"detail\":\"a hold is older than any may be" },
	{ "drift is told", "UPDATE job_runs SET drift_nanos = 1 WHERE job = 'reconcile'",
	    "{\"name\":\"drift\",\"ok\":false,\"detail\":\"the totals differ from the log" },
};

static const char good[] =
    "INSERT INTO job_runs (job, started_at, succeeded_at, drift_nanos, oldest_hold_ms) "
    "VALUES ('flush', now(), now(), NULL, NULL), ('reconcile', now(), now(), 0, NULL), "
    "('rollup', now() - interval '59 minutes', now() - interval '59 minutes', NULL, NULL), "
    "('expire', now(), now(), NULL, 3900000)";

/* Of a tallyd that began long ago, or now. */
struct asking {
	const char *text; /* that the answer holds; NULL: all is well */
	int64_t started_at;
};

static bool
is_answered(void *context)
{
	const struct asking *asking = context;
	const struct app app = { .started_at = asking->started_at };
	struct buf out = { .arena = task.arena };
	bool well;

	task.now = clock_now();
	well = ready_check(&task, &app, &out);
	db_rollback(&task);
	return asking->text == NULL ? well : !well && strstr(out.at, asking->text) != NULL;
}

static void
set_good(void)
{
	struct asking asking = { NULL, 1 };

	free(servers_sql(servers, "TRUNCATE job_runs; SELECT 1"));
	free(servers_sql(servers, good));
	assert_true(servers_await(is_answered, &asking));
}

static void
notes_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(notes); i++) {
		struct asking asking = { notes[i].says, 1 };

		set_good();
		free(servers_sql(servers, notes[i].change));
		if (!servers_await(is_answered, &asking))
			fail_msg("%s", notes[i].sentence);
	}
}

static void
a_service_that_has_just_begun_misses_no_job(void **state)
{
	struct asking old = { "\"name\":\"flush\",\"ok\":false", 1 };
	struct asking fresh = { NULL, clock_now() };

	(void)state;
	set_good();
	free(servers_sql(servers, "TRUNCATE job_runs; SELECT 1"));
	assert_true(servers_await(is_answered, &old));
	assert_true(servers_await(is_answered, &fresh));
}

static void
a_server_that_takes_no_writes_is_told(void **state)
{
	struct asking asking = { "{\"name\":\"postgres\",\"ok\":false,\"detail\":\"PostgreSQL is "
				 "read-only",
		1 };

	(void)state;
	set_good();
	free(servers_sql(servers, "ALTER SYSTEM SET default_transaction_read_only = on"));
	free(servers_sql(servers, "SELECT pg_reload_conf()"));
	assert_true(servers_await(is_answered, &asking));
	free(servers_sql(servers, "ALTER SYSTEM RESET default_transaction_read_only"));
	free(servers_sql(servers, "SELECT pg_reload_conf()"));
	asking.text = NULL;
	assert_true(servers_await(is_answered, &asking));
}

static int
start(void **state)
{
	(void)state;
	servers = servers_start(SERVER_REDIS);
	free(servers_sql(servers,
	    "SELECT count(day_partition_add(parent, (now() AT TIME ZONE 'UTC')::date + n)) "
	    "FROM unnest(ARRAY['chat_logs', 'authorizations', 'messages', 'tool_executions']) AS parent, "
	    "generate_series(0, 2) AS n"));
	redis_settings = (struct redis_settings){ .url = servers_redis_url(servers),
		.connect_timeout_ms = 1000,
		.command_timeout_ms = 1000 };
	return 0;
}

static int
begin_ready(void **state)
{
	struct db_pool_settings with = settings("tally_app");
	int failed = begin(state);

	use(&with);
	task.redis = redis_new(&redis_settings);
	return failed;
}

static int
end_ready(void **state)
{
	redis_free(task.redis);
	return end(state);
}

#define READY_TEST(name) cmocka_unit_test_setup_teardown(name, begin_ready, end_ready)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		READY_TEST(notes_are_read),
		READY_TEST(a_server_that_takes_no_writes_is_told),
		READY_TEST(a_service_that_has_just_begun_misses_no_job),
	};

	return cmocka_run_group_tests(tests, start, stop_postgres);
}
