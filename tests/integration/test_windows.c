/*
 * Every kind of window in every IANA zone at random instants, against PostgreSQL's own date
 * arithmetic: the window holds the instant, begins with the first instant of its first day and ends
 * with the first instant of the day behind it.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/core/period.h"
#include "lib/db.h"
#include "lib/seal.h"
#include "tests/servers.h"

#define INSTANTS 40 /* of each zone and kind */
#define ZONES_MAX 1000

static struct servers *servers;
static struct db_pool *pool;
static uint64_t seed = UINT64_C(20261121);

/*
 * A window is wrong when its first day, taken from PostgreSQL, is not the day at its start, or also
 * the day before; the same for its end.
 */
static const char compare_sql[] =
    "SELECT w.zone, w.kind, w.at "
    "FROM unnest($1, $2, $3, $4, $5) AS w (zone, kind, at, first, last), "
    "LATERAL (SELECT date_trunc(w.kind, w.at AT TIME ZONE w.zone) AS begins) AS b, "
    "LATERAL (SELECT (b.begins + CASE w.kind WHEN 'quarter' THEN interval '3 months' "
    "ELSE ('1 ' || w.kind)::interval END)::date AS ends) AS e "
    "WHERE w.at < w.first OR w.at >= w.last "
    "OR (w.first AT TIME ZONE w.zone)::date < b.begins::date "
    "OR ((w.first - interval '1 microsecond') AT TIME ZONE w.zone)::date >= b.begins::date "
    "OR (w.last AT TIME ZONE w.zone)::date < e.ends "
    "OR ((w.last - interval '1 microsecond') AT TIME ZONE w.zone)::date >= e.ends "
    "LIMIT 1";

/* PostgreSQL reads a name such as CET as an abbreviation, without summer time. */
static const char zones_sql[] = "SELECT name FROM pg_timezone_names "
				"WHERE name !~ '^(posix|right)/' "
				"AND name NOT IN ('Factory', 'localtime', 'posixrules') "
				"AND name NOT IN (SELECT abbrev FROM pg_timezone_abbrevs) "
				"ORDER BY name";

/* From 2015 to 2050, in microseconds: what budgets may meet. */
static int64_t
random_instant(void)
{
	const uint64_t span = UINT64_C(35) * 366 * 86400 * 1000000;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return INT64_C(1420070400000000) + (int64_t)(seed % span);
}

struct columns {
	struct db_params *params;
	struct db_array *zones, *kinds, *instants, *starts, *ends;
};

static void
add_zone(struct task *task, struct columns *columns, const char *name)
{
	const struct zone *zone;

	if (!zone_find(task, name, &zone))
		fail_msg("%s: %s", name, task->err.text);
	for (enum period period = PERIOD_DAY; period <= PERIOD_YEAR; period++) {
		for (int i = 0; i < INSTANTS; i++) {
			int64_t at = random_instant();
			struct window window = period_window(period, zone, at, 0);
			const char *kind = period_names[period];

			db_array_text(columns->zones, (struct text){ name, strlen(name) });
			db_array_text(columns->kinds, (struct text){ kind, strlen(kind) });
			db_array_time(columns->instants, at);
			db_array_time(columns->starts, window.start);
			db_array_time(columns->ends, window.end);
		}
	}
}

static void
test_windows_agree_with_postgres(void **state)
{
	struct arena *arena = arena_new();
	struct columns columns;
	struct db_rows *zones, *wrong;
	struct task task;

	(void)state;
	task_init(&task, arena);
	task.pool = pool;
	assert_true(db_query(&task, zones_sql, NULL, &zones));
	assert_in_range(db_count(zones), 300, ZONES_MAX);
	columns.params = db_params(&task);
	columns.zones = db_add_array(columns.params, DB_ARRAY_TEXT);
	columns.kinds = db_add_array(columns.params, DB_ARRAY_TEXT);
	columns.instants = db_add_array(columns.params, DB_ARRAY_TIME);
	columns.starts = db_add_array(columns.params, DB_ARRAY_TIME);
	columns.ends = db_add_array(columns.params, DB_ARRAY_TIME);
	for (int i = 0; i < db_count(zones); i++)
		add_zone(&task, &columns, db_text(zones, i, 0));
	assert_true(db_query(&task, compare_sql, columns.params, &wrong));
	if (db_count(wrong) > 0) {
		char text[CLOCK_TEXT_SIZE];

		fail_msg("%s, %s, %s", db_text(wrong, 0, 0), db_text(wrong, 0, 1),
		    clock_format(db_time(wrong, 0, 2), text));
	}
	db_rollback(&task);
	arena_free(arena);
}

static int
set_up(void **state)
{
	struct db_pool_settings settings = { .max = 2,
		.min = 1,
		.idle_timeout_ms = 30000,
		.connect_timeout_ms = 5000,
		.acquire_timeout_ms = 10000,
		.statement_timeout_ms = 120000,
		.application = "test_windows" };

	(void)state;
	seal_init();
	servers = servers_start(SERVER_POSTGRES);
	settings.url = servers_database_url(servers, "tally_app");
	pool = db_pool_new(&settings);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	db_pool_free(pool);
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows_agree_with_postgres),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
