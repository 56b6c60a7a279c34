/*
 * What purge removes from the log stays spent: each budget has the same status, buckets and sums
 * as with the whole log, also when purge is killed while it removes, and run again.
 */
#include "tests/test.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/model/budget_carry.h"
#include "lib/model/budget_status.h"
#include "lib/model/budget_sum.h"
#include "lib/seal.h"
#include "tests/books.h"
#include "tests/process.h"
#include "tests/servers.h"

#define LINES_MAX 20000
#define SHORT "00000000-0000-7000-8000-000000000001" /* keeps its log for 2 days */
#define LONG "00000000-0000-7000-8000-000000000002" /* for 8, as the settings say */

static struct servers *servers;
static struct db_pool *pool;
static struct arena *arena;
static struct task task;

/*
 * Of both clients calls of the last 25 days; of the short one also more than purge removes at a
 * time, many of them in the same millisecond.
 */
static const char calls_sql[] =
    "INSERT INTO clients (id, name, log_retention_days)\n"
    "VALUES ('" SHORT "', 'short', 2), ('" LONG "', 'long', NULL);\n"
    "CREATE TEMPORARY TABLE c AS SELECT id, name FROM clients WHERE name IN ('short', 'long');\n"
    "INSERT INTO users (client_id, id, external_id, tier)\n"
    "SELECT c.id, md5('u' || n)::uuid, 'u' || n, (ARRAY['free', 'premium'])[1 + n % 2]\n"
    "FROM c, generate_series(0, 2) AS n;\n"
    "INSERT INTO sessions (client_id, id, token_hash, expires_at)\n"
    "SELECT c.id, md5('s' || n)::uuid, sha256((name || n)::bytea), now() + interval '1 day'\n"
    "FROM c, generate_series(0, 1) AS n;\n"
    "SELECT day_partition_add('chat_logs', now()::date - n) FROM generate_series(1, 26) AS n;\n"
    "INSERT INTO chat_logs (client_id, id, created_at, user_id, user_tier, session_id,\n"
    "agent_session_id, agent_root_id, feature, tags, tokens_used, estimated_cost_cents)\n"
    "SELECT c.id, (lpad(to_hex(ms), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,\n"
    "to_timestamp(ms / 1000.0),\n"
    "CASE WHEN n % 4 < 3 THEN md5('u' || n % 4)::uuid END,\n"
    "CASE WHEN n % 5 = 0 THEN 'enterprise' END,\n"
    "CASE WHEN n % 3 < 2 THEN md5('s' || n % 3)::uuid END,\n"
    "CASE WHEN n % 3 < 1 THEN md5('a0')::uuid END,\n"
    "CASE WHEN n % 3 < 2 THEN md5('r' || n % 2)::uuid END,\n"
    "(ARRAY['chat', 'search', NULL])[1 + n % 3],\n"
    "(ARRAY['{}', '{a}', '{a,b}', '{b,b}', NULL])[1 + n % 5]::text[],\n"
    "CASE WHEN n % 13 > 0 THEN n % 1000 END, CASE WHEN n % 17 > 0 THEN n % 97 * 0.1234567 END\n"
    "FROM c, LATERAL (\n"
    "SELECT n, (extract(epoch FROM now()) * 1000)::bigint - n * bigint '7200000' AS ms\n"
    "FROM generate_series(1, 300) AS n\n"
    "UNION ALL\n"
    "SELECT n, (extract(epoch FROM now()) * 1000)::bigint - bigint '500000000' + n / 2000 * 4\n"
    "FROM generate_series(1000, 7000) AS n WHERE name = 'short') AS v;\n"
    "CREATE TABLE whole_log AS SELECT * FROM chat_logs";

/* Every each in windows that always reach further back than the log will, and some scopes. */
static const char budgets_sql[] =
    "INSERT INTO budgets (client_id, id, name, each_by, period, rolling_hours, timezone,\n"
    "limit_cents, mode, unpriced, fallback_rate)\n"
    "SELECT c.id, md5(name || e || p)::uuid, 'each ' || e || ' ' || p, nullif(e, ''), p,\n"
    "CASE p WHEN 'rolling' THEN 300 END, 'America/St_Johns', 1, 'hard',\n"
    "CASE p WHEN 'total' THEN 'fallback' ELSE 'allow' END, 1234567\n"
    "FROM clients AS c,\n"
    "unnest('{\"\",user_id,user_tier,session_id,agent_session_id,agent_root_id,feature,"
    "tag}'::text[]) AS e,\n"
    "unnest('{day,month,year,total,rolling}'::text[]) AS p\n"
    "WHERE name IN ('short', 'long') AND (p IN ('total', 'rolling') OR e IN ('', 'tag'));\n"
    "INSERT INTO budgets (client_id, id, name, user_id, session_id, agent_session_id,\n"
    "agent_root_id, user_tier, tag, each_by, period, timezone, limit_cents, mode, unpriced)\n"
    "SELECT c.id, md5(name || v.scope)::uuid, v.scope,\n"
    "CASE v.scope WHEN 'user' THEN md5('u1')::uuid END,\n"
    "CASE v.scope WHEN 'session' THEN md5('s1')::uuid END,\n"
    "CASE v.scope WHEN 'agent' THEN md5('a0')::uuid END,\n"
    "CASE v.scope WHEN 'tree' THEN md5('r0')::uuid END,\n"
    "CASE v.scope WHEN 'tier' THEN 'enterprise' END,\n"
    "CASE v.scope WHEN 'tag' THEN 'b' END,\n"
    "'tag', 'total', 'UTC', 1, 'hard', 'block'\n"
    "FROM clients AS c, unnest('{user,session,agent,tree,tier,tag}'::text[]) AS v (scope)\n"
    "WHERE name IN ('short', 'long')";

static const char restore_sql[] = "DELETE FROM budget_carries;\n"
				  "INSERT INTO chat_logs SELECT * FROM whole_log\n"
				  "ON CONFLICT DO NOTHING";

/* What the models say of a client's budgets, a line for each figure. */
struct lines {
	const char **at;
	size_t count;
};

static void
add_line(struct lines *lines, const char *name, const char *value, int64_t slot,
    const int64_t *amounts, int64_t unpriced)
{
	assert_true(lines->count < LINES_MAX);
	lines->at[lines->count++] = arena_printf(arena, "%s %s %lld: %lld %lld %lld %lld", name,
	    value == NULL ? "(all)" : value, (long long)slot, (long long)amounts[BUDGET_COST],
	    (long long)amounts[BUDGET_REQUESTS], (long long)amounts[BUDGET_TOKENS],
	    (long long)unpriced);
}

static void
add_sums(struct lines *lines, const struct budget_status *status)
{
	const struct budget *budget = status->budget;
	const int64_t slot =
	    budget->period == PERIOD_ROLLING ? period_step(budget->rolling_hours) : 0;
	const struct budget_sum *portion;
	struct budget_sums *sums;
	size_t count;

	assert_true(
	    budget_sums_open(&task, budget, status->window.start, status->window.end, slot, &sums));
	do {
		assert_true(budget_sums_next(&task, sums, &portion, &count));
		for (size_t i = 0; i < count; i++)
			add_line(lines, budget->name, portion[i].value, portion[i].slot,
			    portion[i].amounts, portion[i].unpriced);
	} while (count > 0);
}

static void
add_budget(struct lines *lines, const struct budget *budget)
{
	struct budget_buckets buckets;
	struct budget_status status;

	assert_true(budget_status_find(&task, budget, &status));
	add_line(lines, budget->name, "status", -1, status.use.spent, status.use.unpriced);
	assert_true(budget_status_list_buckets(&task, &status, &buckets));
	for (size_t i = 0; i < buckets.count; i++)
		add_line(lines, budget->name, buckets.at[i].value, -1, buckets.at[i].use.spent,
		    buckets.at[i].use.unpriced);
	add_sums(lines, &status);
}

static int
compare(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static struct lines
list_lines(void)
{
	struct lines lines = { arena_array(arena, LINES_MAX, sizeof(char *)), 0 };
	struct budgets budgets;

	assert_true(budget_list(&task, (struct id){ 0 }, BUDGETS_MAX, &budgets));
	for (size_t i = 0; i < budgets.count; i++)
		add_budget(&lines, &budgets.at[i]);
	qsort(lines.at, lines.count, sizeof *lines.at, compare);
	return lines;
}

/* The client's budgets say what they would say if nothing had left the log. */
static void
expect_whole(const char *client)
{
	struct lines got, expected;

	assert_true(id_parse((struct text){ client, strlen(client) }, &task.client));
	task.now = clock_now();
	got = list_lines();
	assert_true(db_script(&task, restore_sql));
	expected = list_lines();
	assert_true(expected.count > 100);
	for (size_t i = 0; i < got.count && i < expected.count; i++)
		assert_string_equal(got.at[i], expected.at[i]);
	assert_int_equal(got.count, expected.count);
	db_rollback(&task);
	arena_reset(arena);
}

static void
expect_all_whole(void)
{
	expect_whole(SHORT);
	expect_whole(LONG);
}

static bool
worker_waits(UNUSED void *context)
{
	char *count = servers_sql(servers, "SELECT count(*) FROM pg_stat_activity\n"
					   "WHERE usename = 'tally_worker'\n"
					   "AND wait_event_type = 'Lock'");
	bool waits = strcmp(count, "0") != 0;

	free(count);
	return waits;
}

static bool
worker_is_gone(UNUSED void *context)
{
	char *count = servers_sql(
	    servers, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tally_worker'");
	bool gone = strcmp(count, "0") == 0;

	free(count);
	return gone;
}

/* Kills purge where it waits for what the statement locks. */
static void
kill_purge_at(const char *lock_sql)
{
	const char *program = getenv("TALLY");
	const struct process process = {
		.argv = { program == NULL ? "./tally" : program, "-c", servers_conf(servers),
		    "purge" },
		.log = arena_printf(arena, "%s/purge.log", servers_folder(servers)),
		.death_signal = SIGKILL,
	};
	PGconn *conn = PQconnectdb(servers_database_url(servers, "postgres"));
	PGresult *result;
	pid_t pid;

	PQclear(PQexec(conn, "BEGIN"));
	result = PQexec(conn, lock_sql);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", lock_sql, PQerrorMessage(conn));
	PQclear(result);
	pid = process_start(&process);
	assert_true(servers_await(worker_waits, NULL));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_true(process_wait(pid, 10000) >= 0);
	PQfinish(conn);
	assert_true(servers_await(worker_is_gone, NULL));
}

static void
a_killed_purge_keeps_what_it_removed(UNUSED void **state)
{
	EXPECT_TALLY(0, NULL, "rollup");
	books_expect(servers, "SELECT count(*) FROM chat_logs", "6601");
	/* The oldest of the short client's: it is in the first batch. */
	kill_purge_at("SELECT id FROM chat_logs WHERE client_id = '" SHORT "'\n"
		      "ORDER BY id LIMIT 1 FOR UPDATE");
	books_expect(servers, "SELECT count(*) FROM budget_carries", "0");
	books_expect(servers, "SELECT count(*) FROM chat_logs", "6601");

	/* The youngest that goes: it is in the last batch. */
	kill_purge_at("SELECT id FROM chat_logs WHERE client_id = '" SHORT "'\n"
		      "AND created_at < now()::date - 4 ORDER BY id DESC LIMIT 1 FOR UPDATE");
	books_expect(servers, "SELECT count(*) < 6601 FROM chat_logs", "t");
	books_expect(servers, "SELECT count(*) > 0 FROM budget_carries", "t");
	books_expect(servers,
	    "SELECT count(*) > 0 FROM chat_logs WHERE client_id = '" SHORT "'\n"
	    "AND created_at < now()::date - 4",
	    "t");
	expect_all_whole();

	/* While it drops a partition: the short client's records are gone by then. */
	kill_purge_at("SELECT min(id::text) FROM chat_logs\n"
		      "WHERE created_at >= now()::date - 20 AND created_at < now()::date - 19");
	books_expect(servers,
	    "SELECT count(*) FROM chat_logs WHERE client_id = '" SHORT "'\n"
	    "AND created_at < now()::date - 4",
	    "0");
	books_expect(servers,
	    "SELECT count(*) > 0 FROM chat_logs WHERE client_id = '" LONG "'\n"
	    "AND created_at < now()::date - 19",
	    "t");
	expect_all_whole();
}

static void
purge_forgets_nothing(UNUSED void **state)
{
	EXPECT_TALLY(0, NULL, "purge");
	books_expect(servers,
	    "SELECT count(*) FROM chat_logs WHERE client_id = '" LONG "'\n"
	    "AND created_at < now()::date - 12",
	    "0");
	books_expect(servers,
	    "SELECT string_agg(DISTINCT period, ' ') FROM budgets AS b, budget_carries AS c\n"
	    "WHERE b.client_id = c.client_id AND b.id = c.budget_id\n"
	    "AND period IN ('total', 'rolling', 'day')",
	    "rolling total");
	expect_all_whole();
	EXPECT_TALLY(0, "\"rows\":0,\"bytes\":0", "purge", "--json");
	expect_all_whole();
}

static void
a_later_budget_counts_what_is_left(UNUSED void **state)
{
	struct budget_status status;
	struct budget budget;

	books_expect(servers,
	    "INSERT INTO budgets (client_id, id, name, period, timezone, limit_cents, mode,\n"
	    "unpriced) VALUES ('" SHORT "', md5('later')::uuid, 'later', 'total', 'UTC', 1,\n"
	    "'hard', 'block') RETURNING name",
	    "later");
	assert_true(id_parse((struct text){ SHORT, strlen(SHORT) }, &task.client));
	assert_true(budget_find_by_name(&task, "later", &budget));
	assert_true(budget_status_find(&task, &budget, &status));
	assert_true(status.use.spent[BUDGET_REQUESTS] > 0);
	db_rollback(&task);
	books_expect(servers,
	    arena_printf(arena,
		"SELECT count(*) = %lld FROM chat_logs WHERE client_id = '" SHORT "'",
		(long long)status.use.spent[BUDGET_REQUESTS]),
	    "t");
	books_expect(servers, "DELETE FROM budgets WHERE name = 'later' RETURNING name", "later");
	arena_reset(arena);
}

static void
windows_that_are_over_are_forgotten(UNUSED void **state)
{
	books_expect(servers,
	    "INSERT INTO budget_carries SELECT client_id, id, 'old', '2020-01-01', 1, 1, 1, 1\n"
	    "FROM budgets WHERE period IN ('day', 'rolling') RETURNING 1",
	    "1");
	books_expect(
	    servers, "UPDATE budgets SET deleted_at = now() WHERE name = 'tag' RETURNING 1", "1");
	EXPECT_TALLY(0, NULL, "purge");
	books_expect(servers, "SELECT count(*) FROM budget_carries WHERE bucket = 'old'", "0");
	books_expect(servers,
	    "SELECT count(*) FROM budget_carries AS c, budgets AS b\n"
	    "WHERE b.id = c.budget_id AND b.deleted_at IS NOT NULL",
	    "0");
	expect_all_whole();
}

static int
set_up(UNUSED void **state)
{
	struct db_pool_settings settings = { .max = 1,
		.connect_timeout_ms = 5000,
		.acquire_timeout_ms = 10000,
		.statement_timeout_ms = 120000,
		.application = "test_budget_carry" };

	seal_init();
	servers = servers_start(SERVER_REDIS);
	servers_setting(servers, "log_retention_days", "8");
	free(servers_sql(servers, calls_sql));
	free(servers_sql(servers, budgets_sql));
	/* As the superuser, who may put the records back. */
	settings.url = servers_database_url(servers, "postgres");
	pool = db_pool_new(&settings);
	arena = arena_new();
	task_init(&task, arena);
	task.pool = pool;
	return 0;
}

static int
tear_down(UNUSED void **state)
{
	db_rollback(&task);
	arena_free(arena);
	db_pool_free(pool);
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_purge_keeps_what_it_removed),
		cmocka_unit_test(purge_forgets_nothing),
		cmocka_unit_test(a_later_budget_counts_what_is_left),
		cmocka_unit_test(windows_that_are_over_are_forgotten),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
