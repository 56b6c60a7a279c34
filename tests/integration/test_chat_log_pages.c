/* Pages of the log hold what there is, in order, however they are looked for. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/clock.h"
#include "lib/model/chat_log.h"
#include "tests/db_fixture.h"

#define CLIENT "01600000-0000-7000-8000-000000000001"
#define USER "01600000-0000-7000-8000-000000000002"
#define NOON (INT64_C(18280) * CLOCK_DAY + CLOCK_DAY / 2) /* of 2020-01-19 */
#define RECORDS 212 /* at least */

/*
 * The younger, the denser, and two about each midnight; one whose caller's clock was ahead, and
 * some that are a day ahead, of which the last are not looked for. Of the older days there are no
 * partitions.
 */
static const char records_sql[] =
    "INSERT INTO clients (id, name) VALUES ('" CLIENT "', 'pages');\n"
    "INSERT INTO users (client_id, id, tier) VALUES ('" CLIENT "', '" USER "', 'free');\n"
    "SELECT day_partition_add('chat_logs', day::date)\n"
    "FROM generate_series(date '2020-01-08', '2020-01-20', '1 day') AS day;\n"
    "INSERT INTO chat_logs (client_id, id, created_at, user_id, trace_id, model, success,\n"
    "estimated_cost_cents)\n"
    "SELECT '" CLIENT "', (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')\n"
    "|| '70008000' || lpad(to_hex(n), 12, '0'))::uuid, at,\n"
    "CASE WHEN n % 3 = 0 THEN '" USER "'::uuid END, 't' || n % 4, 'm' || n % 2, n % 5 > 0,\n"
    "CASE WHEN n % 7 > 0 THEN 1 END\n"
    "FROM (SELECT n, timestamptz '2020-01-19 12:00Z' - n * n * interval '1 minute' AS at\n"
    "FROM generate_series(0, 170) AS n\n"
    "UNION ALL\n"
    "SELECT n, timestamptz '2020-01-19 00:00Z' - n * interval '1 day' - early\n"
    "FROM generate_series(0, 20) AS n, unnest(ARRAY[interval '0', '1 ms']) AS early\n"
    "UNION ALL\n"
    "SELECT 7, '2020-01-19 12:04Z'\n"
    "UNION ALL\n"
    "SELECT 9, timestamptz '2020-01-20 12:00Z' + early\n"
    "FROM unnest(ARRAY[interval '-1 ms', '0', '1 hour']) AS early) AS v";

static const struct {
	const char *sentence;
	struct chat_log_filter filter;
	const char *condition;
} lists[] = {
	{ "all records", { .success = -1, .unpriced = -1 }, "true" },
	{ "of a user", { .success = -1, .unpriced = -1, .user_id = { { 1 } } },
	    "user_id = '" USER "'" },
	{ "of a trace", { .trace_id = "t1", .success = -1, .unpriced = -1 }, "trace_id = 't1'" },
	{ "of a model", { .model = "m1", .success = -1, .unpriced = -1 }, "model = 'm1'" },
	{ "without a cost", { .success = -1, .unpriced = 1 }, "estimated_cost_cents IS NULL" },
	{ "failed", { .success = 0, .unpriced = -1 }, "NOT success" },
	{ "of no model", { .model = "m2", .success = -1, .unpriced = -1 }, "false" },
};

/* In hours from NOON. */
static const struct {
	const char *sentence;
	int64_t since, until;
} spans[] = {
	{ "of all time", -24 * 18280, 24 * 365 },
	{ "of a week", -24 * 7, 24 * 365 },
	{ "of today", -12, 12 },
	{ "until a midnight", -24 * 30, -12 },
	{ "of some older days", -24 * 10 - 5, -24 * 2 - 3 },
	{ "of days without partitions", -24 * 25, -24 * 12 - 12 },
	{ "of the future", 1, 24 * 365 },
};

static const int64_t limits[] = { 1, 7, 60, 500 };

/* The ids of all pages, each by a transaction of its own. */
static const char *
walk(struct chat_log_filter filter)
{
	const char *ids = "";
	struct chat_logs logs;

	do {
		fine(chat_log_list(&task, &filter, &logs));
		assert_true((int64_t)logs.count <= filter.limit);
		for (size_t i = 0; i < logs.count; i++) {
			char text[ID_TEXT_SIZE];

			filter.after = logs.at[i].id;
			ids =
			    arena_printf(task.arena, "%s%s\n", ids, id_format(filter.after, text));
		}
		fine(db_commit(&task));
	} while ((int64_t)logs.count == filter.limit);
	return ids;
}

static const char *
stored(size_t list, size_t span)
{
	const char *sql = arena_printf(task.arena,
	    "SELECT coalesce(string_agg(id || E'\\n', '' ORDER BY id DESC), '') FROM chat_logs\n"
	    "WHERE client_id = '" CLIENT "' AND %s\n"
	    "AND created_at >= timestamptz '2020-01-19 12:00Z' + %lld * interval '1 hour'\n"
	    "AND created_at < timestamptz '2020-01-19 12:00Z' + %lld * interval '1 hour'\n"
	    "AND created_at < '2020-01-20 12:00Z'",
	    lists[list].condition, (long long)spans[span].since, (long long)spans[span].until);
	char *ids = servers_sql(servers, sql);
	const char *copy = arena_strdup(task.arena, ids);

	free(ids);
	return copy;
}

static struct chat_log_filter
filter_of(size_t list, size_t span, int64_t limit)
{
	const int64_t hour = CLOCK_DAY / 24;
	struct chat_log_filter filter = lists[list].filter;

	if (!id_is_nil(filter.user_id))
		assert_true(id_parse((struct text){ USER, ID_TEXT_SIZE - 1 }, &filter.user_id));
	filter.since = NOON + spans[span].since * hour;
	filter.until = NOON + spans[span].until * hour;
	filter.limit = limit;
	return filter;
}

static void
expect_pages(size_t list, size_t span, int64_t limit)
{
	const char *ids = walk(filter_of(list, span, limit));
	const char *expected = stored(list, span);

	if (strcmp(ids, expected) != 0)
		fail_msg("%s %s, by %lld:\n%sinstead of\n%s", lists[list].sentence,
		    spans[span].sentence, (long long)limit, ids, expected);
}

static void
each_list(bool reconnects, int64_t limit)
{
	struct db_pool_settings with = settings("tally_worker");

	for (size_t list = 0; list < COUNT(lists); list++) {
		for (size_t span = 0; span < COUNT(spans); span++) {
			if (reconnects)
				use(&with);
			expect_pages(list, span, limit);
		}
	}
}

/* Of new connections, and of one that has the plans already. */
static void
pages_hold_what_is_stored(UNUSED void **state)
{
	free(servers_sql(servers, records_sql));
	assert_true(id_parse((struct text){ CLIENT, ID_TEXT_SIZE - 1 }, &task.client));
	task.now = NOON;
	assert_true(strlen(stored(0, 0)) > RECORDS * (ID_TEXT_SIZE - 1));
	for (size_t i = 0; i < COUNT(limits); i++) {
		each_list(true, limits[i]);
		each_list(false, limits[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_hold_what_is_stored),
	};

	return cmocka_run_group_tests(tests, start_postgres, stop_postgres);
}
