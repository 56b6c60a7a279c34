/*
 * The sums of a budget by bucket and slot against its status: for every scope, each and window they
 * must say the same.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/model/budget_status.h"
#include "lib/model/budget_sum.h"
#include "lib/seal.h"
#include "tests/servers.h"

#define FEATURES (2 * BUDGET_SUMS_PORTION) /* so that a full portion is the last, too */

static struct servers *servers;
static struct db_pool *pool;
static struct arena *arena;
static struct task task;
static struct id clients[2];

/* Calls over the last year, the denser the later; some lack a user, a price, tags. */
static const char calls_sql[] =
    "INSERT INTO clients (id, name)\n"
    "VALUES ('00000000-0000-7000-8000-000000000001', 'sums'),\n"
    "('00000000-0000-7000-8000-000000000002', 'portions');\n"
    "CREATE TEMPORARY TABLE c AS SELECT id FROM clients WHERE name = 'sums';\n"
    "INSERT INTO users (client_id, id, external_id, tier)\n"
    "SELECT c.id, md5('u' || n)::uuid, 'u' || n, (ARRAY['free', 'premium'])[1 + n % 2]\n"
    "FROM c, generate_series(0, 4) AS n;\n"
    "INSERT INTO sessions (client_id, id, token_hash, expires_at)\n"
    "SELECT c.id, md5('s' || n)::uuid, sha256(('s' || n)::bytea), now()\n"
    "FROM c, generate_series(0, 1) AS n;\n"
    "INSERT INTO chat_logs (client_id, id, created_at, user_id, user_tier, api_key_id,\n"
    "session_id, agent_session_id, feature, provider, model, tags, tokens_used,\n"
    "estimated_cost_cents, verified_cost_cents, agent_root_id)\n"
    "SELECT c.id, (lpad(to_hex(ms), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,\n"
    "to_timestamp(ms / 1000.0),\n"
    "CASE WHEN n % 7 < 5 THEN md5('u' || n % 7)::uuid END,\n"
    "CASE WHEN n % 5 = 0 THEN 'enterprise' END,\n"
    "CASE WHEN n % 3 < 2 THEN md5('k' || n % 3)::uuid END,\n"
    "CASE WHEN n % 4 < 2 THEN md5('s' || n % 4)::uuid END,\n"
    "CASE WHEN n % 5 < 2 THEN md5('a' || n % 5)::uuid END,\n"
    "(ARRAY['chat', 'search', NULL])[1 + n % 3],\n"
    "(ARRAY['openai', 'anthropic'])[1 + n % 2], (ARRAY['gpt', 'claude', NULL])[1 + n / 2 % 3],\n"
    "(ARRAY['{}', '{a}', '{a,b}', '{b,b}', NULL])[1 + n % 5]::text[],\n"
    "CASE WHEN n % 13 > 0 THEN n % 1000 END,\n"
    "CASE WHEN n % 17 > 0 THEN n % 97 * 0.1234567 END,\n"
    "CASE WHEN n % 11 = 0 THEN n * 0.0000001 END,\n"
    "CASE WHEN n % 5 < 4 THEN md5('r' || n % 2)::uuid END\n"
    "FROM c, (SELECT n, (extract(epoch FROM now()) * 1000)::bigint - bigint '8000' * n * n AS ms\n"
    "FROM generate_series(1, 2000) AS n) AS v;\n"
    "INSERT INTO chat_logs (client_id, id, created_at, feature)\n"
    "SELECT '00000000-0000-7000-8000-000000000002',\n"
    "(lpad(to_hex(ms), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,\n"
    "to_timestamp(ms / 1000.0), 'f' || n % 2000\n"
    "FROM (SELECT n, (extract(epoch FROM now()) * 1000)::bigint AS ms\n"
    "FROM generate_series(1, 4000) AS n) AS v";

static struct id
read_id(const char *text)
{
	struct id id;

	assert_true(id_parse((struct text){ text, strlen(text) }, &id));
	return id;
}

/* A scope has the first value of the dimension, or none. */
static struct budget_scope
scope_of(enum budget_dimension dimension)
{
	static const struct {
		struct budget_scope scope;
		const char *name; /* whose md5 is the id */
	} scopes[] = {
		[BUDGET_USER_ID] = { .name = "u0" },
		[BUDGET_USER_TIER] = { { .has_user_tier = true }, NULL },
		[BUDGET_API_KEY_ID] = { .name = "k0" },
		[BUDGET_SESSION_ID] = { .name = "s0" },
		[BUDGET_AGENT_SESSION_ID] = { .name = "a0" },
		[BUDGET_FEATURE] = { { .feature = "chat" }, NULL },
		[BUDGET_PROVIDER] = { { .provider = "openai" }, NULL },
		[BUDGET_MODEL] = { { .model = "gpt" }, NULL },
		[BUDGET_TAG] = { { .tag = "b" }, NULL },
		[BUDGET_AGENT_ROOT_ID] = { .name = "r0" },
		[BUDGET_NO_DIMENSION] = { .name = NULL },
	};
	struct budget_scope scope = scopes[dimension].scope;
	struct id *const ids[] = { [BUDGET_USER_ID] = &scope.user_id,
		[BUDGET_API_KEY_ID] = &scope.api_key_id,
		[BUDGET_SESSION_ID] = &scope.session_id,
		[BUDGET_AGENT_SESSION_ID] = &scope.agent_session_id,
		[BUDGET_AGENT_ROOT_ID] = &scope.agent_root_id };

	if (dimension == BUDGET_USER_TIER)
		while (strcmp(user_tier_names[scope.user_tier], "premium") != 0)
			scope.user_tier++;
	if (scopes[dimension].name != NULL) {
		char sql[40];
		char *text;

		(void)snprintf(sql, sizeof sql, "SELECT md5('%s')::uuid", scopes[dimension].name);
		text = servers_sql(servers, sql);
		*ids[dimension] = read_id(text);
		free(text);
	}
	return scope;
}

static void
add(struct budget_use *use, const struct budget_sum *sum)
{
	for (int i = 0; i < BUDGET_MEASURES; i++)
		use->spent[i] += sum->amounts[i];
	use->unpriced += sum->unpriced;
}

/* The sums of the status's window by the value of each, in the order of their first row. */
static struct budget_buckets
sum_by_value(const struct budget_status *status, int64_t slot_usec)
{
	static struct budget_bucket list[BUDGET_BUCKETS_SHOWN];
	struct budget_buckets all = { list, 0 };
	const struct window window = status->window;
	const struct budget_sum *portion;
	struct budget_sums *sums;
	size_t count;

	assert_true(
	    budget_sums_open(&task, status->budget, window.start, window.end, slot_usec, &sums));
	do {
		assert_true(budget_sums_next(&task, sums, &portion, &count));
		for (size_t i = 0; i < count; i++) {
			size_t at = 0;
			const char *value = portion[i].value;

			while (
			    at < all.count && value != NULL && strcmp(list[at].value, value) != 0)
				at++;
			assert_true(at < BUDGET_BUCKETS_SHOWN);
			if (at == all.count)
				list[all.count++] = (struct budget_bucket){ .value = value };
			add(&list[at].use, &portion[i]);
			if (slot_usec == 0) {
				assert_int_equal(portion[i].slot, 0);
				continue;
			}
			assert_true(portion[i].slot >= window.start / slot_usec);
			assert_true(portion[i].slot * slot_usec < window.end);
		}
	} while (count > 0);
	return all;
}

static void
check_use(const char *what, const struct budget_use *got, const struct budget_use *expected)
{
	if (memcmp(got, expected, sizeof *got) != 0)
		fail_msg("%s: %lld requests of %lld nanos and not %lld of %lld", what,
		    (long long)got->spent[BUDGET_REQUESTS], (long long)got->spent[BUDGET_COST],
		    (long long)expected->spent[BUDGET_REQUESTS],
		    (long long)expected->spent[BUDGET_COST]);
}

/* How many calls were compared. */
static int64_t
check_budget(const struct budget *budget, int64_t slot_usec)
{
	const char *what = arena_printf(arena, "scope %s each %s window %s", budget->name,
	    budget_dimension_names[budget->each], period_names[budget->period]);
	struct budget_buckets sums, buckets = { 0 };
	struct budget_status status;

	assert_true(budget_status_find(&task, budget, &status));
	sums = sum_by_value(&status, slot_usec);
	if (budget->each == BUDGET_NO_DIMENSION) {
		const struct budget_use none = { 0 };

		assert_true(sums.count <= 1);
		check_use(what, sums.count == 0 ? &none : &sums.at[0].use, &status.use);
		return status.use.spent[BUDGET_REQUESTS];
	}
	assert_true(budget_status_list_buckets(&task, &status, &buckets));
	assert_int_equal(sums.count, buckets.count);
	for (size_t i = 0; i < sums.count; i++) {
		size_t at = 0;

		while (strcmp(buckets.at[at].value, sums.at[i].value) != 0) {
			at++;
			assert_true(at < buckets.count);
		}
		check_use(what, &sums.at[i].use, &buckets.at[at].use);
	}
	return status.use.spent[BUDGET_REQUESTS];
}

/* Each pair of a scope and an each in some windows is enough: first is the first of them. */
static void
check_windows(struct budget *budget, int first)
{
	for (int period = first; period <= PERIOD_ROLLING; period += 3) {
		int64_t calls;

		budget->period = (enum period)period;
		calls = check_budget(budget, 0);
		assert_int_equal(check_budget(budget, period_step(budget->rolling_hours)), calls);
		if (period >= PERIOD_TOTAL && budget->each == BUDGET_NO_DIMENSION)
			assert_true(calls > 0);
	}
}

static void
sums_equal_the_status(UNUSED void **state)
{
	for (int of = 0; of <= BUDGET_NO_DIMENSION; of++) {
		struct budget budget = { .scope = scope_of((enum budget_dimension)of),
			.name = of == BUDGET_NO_DIMENSION ? "all" : budget_dimension_names[of],
			.timezone = "America/St_Johns",
			.rolling_hours = 700,
			.unpriced = of % 2 == 0 ? BUDGET_FALLBACK : BUDGET_ALLOW,
			.fallback_rate = 1234567 };

		for (int each = 0; each <= BUDGET_NO_DIMENSION; each++) {
			budget.each = (enum budget_dimension)each;
			check_windows(&budget, (of + each) % 3);
		}
		db_rollback(&task);
	}
}

static void
each_slot_has_its_calls(UNUSED void **state)
{
	const struct budget budget = { .each = BUDGET_NO_DIMENSION, .timezone = "UTC" };
	const int64_t slot = 7 * 60 * CLOCK_SECOND;
	char *first = servers_sql(servers,
	    "SELECT (extract(epoch FROM min(created_at)) * 1000000)::bigint\n"
	    "FROM chat_logs WHERE client_id = '00000000-0000-7000-8000-000000000001'");
	const int64_t at = strtoll(first, NULL, 10);
	const struct budget_sum *sum;
	struct budget_sums *sums;
	size_t count;

	assert_true(budget_sums_open(&task, &budget, at, at + CLOCK_SECOND, slot, &sums));
	assert_true(budget_sums_next(&task, sums, &sum, &count));
	assert_int_equal(count, 1);
	assert_int_equal(sum->slot, at / slot);
	assert_int_equal(sum->amounts[BUDGET_REQUESTS], 1);
	assert_null(sum->value);
	/* The start is inside, the end is not. */
	assert_true(budget_sums_open(&task, &budget, at - CLOCK_SECOND, at, 0, &sums));
	assert_true(budget_sums_next(&task, sums, &sum, &count));
	assert_int_equal(count, 0);
	assert_true(budget_sums_next(&task, sums, &sum, &count));
	assert_int_equal(count, 0);
	db_rollback(&task);
	free(first);
}

static void
buckets_come_in_portions(UNUSED void **state)
{
	const struct budget budget = { .each = BUDGET_FEATURE, .timezone = "UTC" };
	struct budget_use use = { 0 };
	const struct budget_sum *portion;
	struct budget_sums *sums;
	size_t count, all = 0;

	task.client = clients[1];
	assert_true(budget_sums_open(&task, &budget, 0, INT64_MAX, 0, &sums));
	do {
		assert_true(budget_sums_next(&task, sums, &portion, &count));
		assert_true(count == 0 || count == BUDGET_SUMS_PORTION);
		for (size_t i = 0; i < count; i++)
			add(&use, &portion[i]);
		all += count;
	} while (count > 0);
	assert_int_equal(all, FEATURES);
	assert_int_equal(use.spent[BUDGET_REQUESTS], 2 * FEATURES);
	assert_int_equal(use.unpriced, 2 * FEATURES);
	db_rollback(&task);
	task.client = clients[0];
}

static int
set_up(UNUSED void **state)
{
	struct db_pool_settings settings = { .max = 1,
		.connect_timeout_ms = 5000,
		.acquire_timeout_ms = 10000,
		.statement_timeout_ms = 120000,
		.application = "test_budget_sums" };

	seal_init();
	servers = servers_start(SERVER_POSTGRES);
	free(servers_sql(servers, calls_sql));
	settings.url = servers_database_url(servers, "tally_app");
	pool = db_pool_new(&settings);
	arena = arena_new();
	task_init(&task, arena);
	task.pool = pool;
	clients[0] = read_id("00000000-0000-7000-8000-000000000001");
	clients[1] = read_id("00000000-0000-7000-8000-000000000002");
	task.client = clients[0];
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
		cmocka_unit_test(sums_equal_the_status),
		cmocka_unit_test(each_slot_has_its_calls),
		cmocka_unit_test(buckets_come_in_portions),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
