/*
 * Whatever is committed when, and however often it is rolled up: what is read is what the log says.
 */
#include "tests/test.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/model/usage.h"
#include "tests/books.h"
#include "tests/db_fixture.h"

#define CLIENT "018f0000-0000-7000-8000-000000000001"
#define USER "018f0000-0000-7000-8000-00000000001" /* and a digit from 1 to 4 */
#define USER_2 "018f0000-0000-7000-8000-000000000012"
#define USER_3 "018f0000-0000-7000-8000-000000000013"
#define ZONE "Asia/Kathmandu" /* 5:45 east: no day of it begins with an hour of UTC */
#define WRITERS 4
#define STEPS 100
#define DAYS 4

static const char setup_sql[] =
    "INSERT INTO clients (id, name, timezone) VALUES ('" CLIENT "', 'acme', '" ZONE "'); "
    "INSERT INTO users (client_id, id, external_id) "
    "SELECT '" CLIENT "', ('" USER "' || n)::uuid, 'u' || n FROM generate_series(1, 4) AS n";

/*
 * As the write path does: records and their batch in one transaction. $1: seed, $2: how many, $3:
 * how old they may be; the batch names the days of those that are not recent.
 */
static const char batch_sql[] =
    "WITH made AS (SELECT clock_timestamp() AS at), "
    "rows AS (SELECT n, date_trunc('milliseconds', made.at - $3::float8 * interval '1 second' "
    "* (hashint8extended(n, $1) & 65535) / 65536.0) AS at, made.at AS made "
    "FROM made, generate_series(1, $2::integer) AS n), "
    "stored AS (INSERT INTO chat_logs (client_id, id, created_at, feature, agent_type, provider, "
    "model, input_tokens, output_tokens, tokens_used, estimated_cost_cents, success, duration_ms, "
    "tags, user_id) "
    "SELECT '" CLIENT "', (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || "
    "'7000a' || substr(md5($1::text || ' ' || n), 1, 15))::uuid, at, "
    "(ARRAY['f1', 'f2', NULL])[1 + n % 3], (ARRAY['planner', NULL])[1 + n % 2], "
    "(ARRAY['p', 'q'])[1 + n % 2], 'm' || n % 5, n % 100, n % 7, n % 100 + n % 7, "
    "CASE WHEN n % 10 > 0 THEN n * 0.0000001 END, n % 4 > 0, "
    "CASE WHEN n % 3 > 0 THEN (hashint8extended(n, $1) & 16383) END, "
    "CASE n % 3 WHEN 0 THEN ARRAY['x', 'y'] WHEN 1 THEN ARRAY['x'] END, "
    "CASE WHEN n % 5 > 0 THEN ('" USER "' || n % 5)::uuid END "
    "FROM rows RETURNING 1) "
    "INSERT INTO ingest_batches (client_id, id, epoch, late_days) "
    "SELECT '" CLIENT "', (lpad(to_hex((extract(epoch FROM made) * 1000)::bigint), 12, '0') || "
    "'70008' || substr(md5($1::text), 1, 15))::uuid, 1, "
    "(SELECT array_agg(DISTINCT (at AT TIME ZONE '" ZONE "')::date) FROM rows "
    "WHERE at < date_trunc('milliseconds', made) - interval '5 minutes') "
    "FROM rows LIMIT 1";

static uint64_t seed = 20261122;
static PGconn *writers[WRITERS];
static bool writes[WRITERS];

static uint32_t
next(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1;
	return (uint32_t)(seed >> 33) % below;
}

static void
run(PGconn *db, const char *sql)
{
	PGresult *result = PQexec(db, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(db));
	PQclear(result);
}

/* Begins a transaction that stores a batch. */
static void
store(size_t i)
{
	char texts[3][24];
	const char *values[] = { texts[0], texts[1], texts[2] };
	PGresult *result;

	(void)snprintf(texts[0], sizeof(texts[0]), "%u", next(1000000000));
	(void)snprintf(texts[1], sizeof(texts[1]), "%u", 1 + next(20));
	(void)snprintf(texts[2], sizeof(texts[2]), "%u", next(3) == 0 ? DAYS * 86400 - 90000 : 280);
	run(writers[i], "BEGIN");
	result = PQexecParams(writers[i], batch_sql, 3, NULL, values, NULL, NULL, 0);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%s", PQerrorMessage(writers[i]));
	PQclear(result);
	writes[i] = true;
}

static void
finish(size_t i, bool commit)
{
	run(writers[i], commit ? "COMMIT" : "ROLLBACK");
	writes[i] = false;
}

static void
roll_up(void)
{
	EXPECT_TALLY(EX_OK, NULL, "rollup");
}

/* What the log says, as one text, grouped as the query asks. */
static const char *
ask_log(const char *key, const char *where, const char *zone, const char *unit)
{
	static char sql[2000];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT coalesce(string_agg(concat_ws(' ', b, coalesce(k, '-'), n, nanos, t, failed), "
	    "E'\\n' ORDER BY b, k COLLATE \"C\"), '') FROM ("
	    "SELECT date_trunc('%s', l.created_at, '%s') AS at, "
	    "extract(epoch FROM date_trunc('%s', l.created_at, '%s'))::bigint AS b, %s AS k, "
	    "count(*) AS n, (coalesce(sum(estimated_cost_cents), 0) * 10000000)::bigint AS nanos, "
	    "sum(tokens_used) AS t, count(*) FILTER (WHERE NOT success) AS failed "
	    "FROM chat_logs l%s WHERE client_id = '" CLIENT "' AND %s GROUP BY 1, 2, 3) AS sums",
	    unit, zone, unit, zone, key,
	    strcmp(key, "tag") == 0 ? ", unnest(coalesce(tags, '{NULL}')) AS tag" : "", where);
	return sql;
}

static int
compare_groups(const void *a, const void *b)
{
	const struct usage_group *x = a, *y = b;
	const char *left = x->key[0] ? x->key[0] : "~", *right = y->key[0] ? y->key[0] : "~";

	if (x->bucket != y->bucket)
		return x->bucket < y->bucket ? -1 : 1;
	return strcmp(left, right);
}

/* The same text from what is read. */
static const char *
write_groups(const struct usage_query *query, struct usage_groups *groups)
{
	struct buf buf = { .arena = task.arena };

	if (query->by_count > 0)
		qsort(groups->at, groups->count, sizeof(*groups->at), compare_groups);
	for (size_t i = 0; i < groups->count; i++) {
		const struct usage_group *group = &groups->at[i];
		const int64_t *at = group->totals.at;
		const char *key = query->by_count == 0 || !group->key[0] ? "-" : group->key[0];

		buf_printf(&buf, "%s%lld %s %lld %lld %lld %lld", i == 0 ? "" : "\n",
		    (long long)(query->buckets[group->bucket].since / CLOCK_SECOND), key,
		    (long long)at[TOTAL_REQUESTS], (long long)at[TOTAL_COST],
		    (long long)at[TOTAL_TOKENS], (long long)at[TOTAL_FAILED]);
	}
	return buf.at == NULL ? "" : buf.at;
}

static const struct {
	const char *key;
	enum usage_dimension by;
	size_t by_count;
	const char *only[USAGE_DIMENSIONS];
	const char *where;
} keys[] = {
	{ "NULL::text", USAGE_MODEL, 0, { NULL }, "true" },
	{ "model", USAGE_MODEL, 1, { NULL }, "true" },
	{ "feature", USAGE_FEATURE, 1, { NULL }, "true" },
	{ "agent_type", USAGE_AGENT_TYPE, 1, { NULL }, "true" },
	{ "provider", USAGE_PROVIDER, 1, { NULL }, "true" },
	{ "user_id::text", USAGE_USER, 1, { NULL }, "true" },
	{ "tag", USAGE_TAG, 1, { NULL }, "true" },
	{ "NULL::text", USAGE_MODEL, 0, { [USAGE_MODEL] = "m1" }, "model = 'm1'" },
	{ "provider", USAGE_PROVIDER, 1, { [USAGE_PROVIDER] = "q" }, "provider = 'q'" },
	{ "NULL::text", USAGE_MODEL, 0, { [USAGE_USER] = USER_2 }, "user_id = '" USER_2 "'" },
	{ "user_id::text", USAGE_USER, 1, { [USAGE_USER] = USER_3 }, "user_id = '" USER_3 "'" },
	{ "NULL::text", USAGE_MODEL, 0, { [USAGE_TAG] = "x" }, "'x' = ANY (tags)" },
	{ "model", USAGE_MODEL, 1, { [USAGE_FEATURE] = "f1" }, "feature = 'f1'" },
	{ "agent_type", USAGE_AGENT_TYPE, 1,
	    { [USAGE_PROVIDER] = "q", [USAGE_MODEL] = "m1", [USAGE_FEATURE] = "f2" },
	    "(provider, model, feature) = ('q', 'm1', 'f2')" },
	{ "NULL::text", USAGE_MODEL, 0, { [USAGE_TAG] = "nobody has it" }, "false" },
};

static bool
same_group(const struct usage_group *a, const struct usage_group *b)
{
	const char *x = a->key == NULL ? "rest" : a->key[0];
	const char *y = b->key == NULL ? "rest" : b->key[0];

	return a->bucket == b->bucket && totals_equal(&a->totals, &b->totals) &&
	       a->p50_ms == b->p50_ms && a->p95_ms == b->p95_ms && a->p99_ms == b->p99_ms &&
	       ((x == NULL && y == NULL) || (x != NULL && y != NULL && strcmp(x, y) == 0));
}

/* Chosen by PostgreSQL or here. */
static void
check_chosen(const struct usage_query *asked, size_t limit)
{
	struct arena_mark mark = arena_mark(task.arena);
	struct usage_query query = *asked;
	struct usage_groups expected, found;
	struct usage_rows rows;

	query.by[0] = USAGE_USER;
	query.by_count = 1;
	fine(usage_read(&task, &query, &rows));
	usage_group(&task, &rows, limit, &expected);
	query.groups_max = limit;
	fine(usage_read(&task, &query, &rows));
	usage_group(&task, &rows, limit, &found);
	assert_int_equal(found.count, expected.count);
	for (size_t i = 0; i < found.count; i++) {
		if (!same_group(&found.at[i], &expected.at[i]))
			fail_msg("group %zu of %zu differs", i, found.count);
	}
	arena_undo(task.arena, mark);
}

static void
check_one(const struct usage_query *asked, size_t key, const char *zone, const char *unit)
{
	struct arena_mark mark = arena_mark(task.arena);
	struct usage_query query = *asked;
	struct usage_groups groups;
	struct usage_rows rows;
	char *expected;

	query.by[0] = keys[key].by;
	query.by_count = keys[key].by_count;
	memcpy(query.only, keys[key].only, sizeof(query.only));
	fine(usage_read(&task, &query, &rows));
	usage_group(&task, &rows, 1000, &groups);
	expected = servers_sql(servers, ask_log(keys[key].key, keys[key].where, zone, unit));
	if (strcmp(expected, write_groups(&query, &groups)) != 0)
		fail_msg("by %s where %s, %s of %s:\n%s\nand not\n%s", keys[key].key,
		    keys[key].where, unit, zone, write_groups(&query, &groups), expected);
	free(expected);
	arena_undo(task.arena, mark);
}

/* The days of a zone around now, or their hours. */
static void
check(const char *name, bool hours, enum usage_grain coarsest)
{
	struct usage_query query = { .timezone = ZONE, .coarsest = coarsest, .rows_max = 10000 };
	struct span buckets[(DAYS + 2) * 24];
	const struct zone *zone;
	int64_t now = clock_now();
	int32_t first;

	fine(zone_find(&task, ZONE, &query.zone));
	fine(zone_find(&task, name, &zone));
	first = zone_date(zone, now) - DAYS;
	for (int32_t i = 0; i < DAYS + 2; i++) {
		struct span day = { zone_day_start(zone, first + i),
			zone_day_start(zone, first + i + 1) };

		for (int hour = 0; hour < (hours ? 24 : 1); hour++)
			buckets[query.bucket_count++] =
			    hours ? (struct span){ day.since + hour * SPAN_HOUR,
				    day.since + (hour + 1) * SPAN_HOUR }
				  : day;
	}
	query.buckets = buckets;
	for (size_t key = 0; key < COUNT(keys); key++)
		check_one(&query, key, name, hours ? "hour" : "day");
	for (size_t limit = 1; limit <= 6; limit++)
		check_chosen(&query, limit);
}

static void
check_all(void)
{
	check(ZONE, false, USAGE_DAY);
	check("UTC", false, USAGE_DAY);
	check("Asia/Kolkata", true, USAGE_DAY);
	check(ZONE, false, USAGE_HOUR);
	check("Pacific/Apia", false, USAGE_QUARTER);
}

static void
any_order_gives_what_the_log_says(UNUSED void **state)
{
	for (int step = 0; step < STEPS; step++) {
		size_t i = next(WRITERS);

		if (!writes[i])
			store(i);
		else
			finish(i, next(5) > 0);
		if (next(8) == 0)
			roll_up();
		if (next(10) == 0)
			check_all();
	}
	for (size_t i = 0; i < WRITERS; i++) {
		if (writes[i])
			finish(i, true);
	}
	check_all();
	roll_up();
	check_all();
	books_expect(servers, "SELECT count(*) FROM rollup_pending", "0");
}

/* Begun before two rollups, committed after them. */
static void
a_late_commit_is_found(UNUSED void **state)
{
	store(0);
	store(1);
	finish(1, true);
	roll_up();
	books_expect(servers,
	    "SELECT pg_snapshot_xmin(snapshot) < pg_snapshot_xmax(snapshot) "
	    "FROM rollup_state",
	    "t");
	check_all();
	store(1);
	finish(1, true);
	roll_up();
	check_all();
	finish(0, true);
	check_all();
	EXPECT_TALLY(EX_OK, "\"batches\":1,", "rollup", "--dry-run", "--json");
	roll_up();
	check_all();
	EXPECT_TALLY(EX_OK, "\"batches\":0,", "rollup", "--dry-run", "--json");
}

static int
set_up(void **state)
{
	servers = servers_start(SERVER_REDIS);
	free(servers_sql(servers, setup_sql));
	for (size_t i = 0; i < WRITERS; i++)
		writers[i] = PQconnectdb(servers_database_url(servers, "postgres"));
	return begin(state);
}

static int
tear_down(void **state)
{
	for (size_t i = 0; i < WRITERS; i++)
		PQfinish(writers[i]);
	(void)end(state);
	servers_stop(servers);
	return 0;
}

/* What tallyd may see. */
static int
be_tallyd(UNUSED void **state)
{
	struct db_pool_settings with = settings("tally_app");

	with.statement_timeout_ms = 60000;
	use(&with);
	return id_parse((struct text){ CLIENT, sizeof(CLIENT) - 1 }, &task.client) ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(any_order_gives_what_the_log_says, be_tallyd),
		cmocka_unit_test(a_late_commit_is_found),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
