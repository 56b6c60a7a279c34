/* Keys and prices kept in the process, against a real PostgreSQL. */
#include "tests/test.h"

#include "app/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ingest/ingest.h"
#include "lib/clock.h"
#include "lib/model/auth_token_text.h"
#include "lib/seal.h"
#include "tests/servers.h"

#define ADDRESS "192.0.2.1"

static struct servers *servers;
static struct app app;
static struct app deaf; /* its listener finds no server */
static struct task task;
static char *key;
static char public_id[AUTH_TOKEN_PUBLIC_SIZE];
static struct id client;
static struct id other;

static struct id
client_id(const char *name)
{
	char sql[100];
	char *text;
	struct id id;

	(void)snprintf(sql, sizeof sql, "SELECT id FROM clients WHERE name = '%s'", name);
	text = servers_sql(servers, sql);
	assert_true(id_parse((struct text){ text, strlen(text) }, &id));
	free(text);
	return id;
}

static void
open_app(struct app *opened, const char *listener_url)
{
	opened->database = (struct db_pool_settings){
		.url = servers_database_url(servers, "tally_app"),
		.application = "test",
		.max = 4,
		.connect_timeout_ms = 5000,
		.acquire_timeout_ms = 5000,
		.statement_timeout_ms = 5000,
	};
	opened->conf.log_retention_days = 90;
	opened->pool = db_pool_new(&opened->database);
	if (listener_url)
		opened->database.url = listener_url;
	opened->ingest = ingest_new(opened);
	opened->cache = cache_new(opened);
}

static void
close_app(struct app *closed)
{
	cache_free(closed->cache);
	ingest_free(closed->ingest);
	db_pool_free(closed->pool);
}

static int
start(UNUSED void **state)
{
	servers = servers_start(SERVER_POSTGRES);
	key = servers_key(servers, "tenant");
	memcpy(public_id, key + strlen(AUTH_TOKEN_PREFIX), AUTH_TOKEN_PUBLIC_DIGITS);
	free(servers_key(servers, "other"));
	client = client_id("tenant");
	other = client_id("other");
	open_app(&app, NULL);
	open_app(&deaf, "postgresql:///none?host=/nonexistent");
	return 0;
}

static int
stop(UNUSED void **state)
{
	close_app(&deaf);
	close_app(&app);
	free(key);
	servers_stop(servers);
	return 0;
}

static int
begin(UNUSED void **state)
{
	task_init(&task, arena_new());
	task.client = client;
	return 0;
}

static int
end(UNUSED void **state)
{
	arena_free(task.arena);
	return 0;
}

/* How many queries it took to find the key. */
static uint32_t
find_key(struct cache *cache)
{
	uint32_t before = task.queries;
	struct identity identity;

	assert_true(cache_find_key(&task, cache, public_id, ADDRESS, &identity));
	assert_true(id_equal(identity.client, client));
	assert_string_equal(identity.timezone, "UTC");
	assert_int_equal(identity.log_retention_days, 90);
	assert_int_equal(identity.scopes, SCOPE_CLIENT_ALL);
	return task.queries - before;
}

static bool
costs_nothing(UNUSED void *context)
{
	return find_key(app.cache) == 0;
}

static void
a_key_is_asked_for_once(UNUSED void **state)
{
	assert_true(servers_await(costs_nothing, NULL));
	assert_int_equal(find_key(app.cache), 0);
}

static void
an_unknown_key_is_not_found(UNUSED void **state)
{
	struct identity identity;

	assert_false(cache_find_key(&task, app.cache, "0000000000000000", ADDRESS, &identity));
	assert_int_equal(task.err.code, ERR_UNAUTHENTICATED);
}

static void
nothing_is_kept_where_changes_are_not_heard(UNUSED void **state)
{
	assert_true(find_key(deaf.cache) > 0);
	assert_true(find_key(deaf.cache) > 0);
}

static bool
has_scopes(void *context)
{
	const uint64_t *scopes = context;
	struct identity identity;

	assert_true(cache_find_key(&task, app.cache, public_id, ADDRESS, &identity));
	return identity.scopes == *scopes;
}

static void
set_scopes(const char *scopes)
{
	char sql[300];

	(void)snprintf(sql, sizeof sql,
	    "UPDATE auth_tokens SET scopes = '%s' WHERE public_id = '%s' RETURNING 1", scopes,
	    public_id);
	free(servers_sql(servers, sql));
}

static void
a_change_is_heard(UNUSED void **state)
{
	uint64_t users = UINT64_C(1) << SCOPE_USERS;
	uint64_t agents = UINT64_C(1) << SCOPE_AGENTS;
	char *all = servers_sql(servers, "SELECT scopes FROM auth_tokens LIMIT 1");

	assert_true(servers_await(costs_nothing, NULL));
	set_scopes("{users}");
	assert_true(servers_await(has_scopes, &users));
	set_scopes("{agents}");
	assert_true(servers_await(has_scopes, &agents));
	set_scopes(all);
	free(all);
}

static bool
listens(UNUSED void *context)
{
	char *count = servers_sql(servers, "SELECT count(*) FROM pg_stat_activity"
					   " WHERE application_name = 'test'"
					   " AND query LIKE 'LISTEN%'");
	bool one = strcmp(count, "1") == 0;

	free(count);
	return one;
}

/* The change comes while nobody listens. */
static void
a_change_during_an_outage_is_seen(UNUSED void **state)
{
	uint64_t all = SCOPE_CLIENT_ALL;
	uint64_t users = UINT64_C(1) << SCOPE_USERS;
	char *names = servers_sql(servers, "SELECT scopes FROM auth_tokens LIMIT 1");
	char sql[600];

	assert_true(servers_await(has_scopes, &all));
	assert_true(servers_await(listens, NULL));
	(void)snprintf(sql, sizeof sql,
	    "WITH killed AS (SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity"
	    " WHERE application_name = 'test' AND query LIKE 'LISTEN%%')"
	    " UPDATE auth_tokens SET scopes = '{users}'"
	    " WHERE public_id = '%s' AND (SELECT bool_and(done) FROM killed) RETURNING 1",
	    public_id);
	free(servers_sql(servers, sql));
	assert_true(servers_await(has_scopes, &users));
	set_scopes(names);
	assert_true(servers_await(has_scopes, &all));
	assert_true(servers_await(costs_nothing, NULL));
	free(names);
}

static void
uses_are_stored_at_the_end_at_the_latest(UNUSED void **state)
{
	struct identity identity;
	struct app third = { 0 };
	char sql[200];
	char *before;
	char *after;

	(void)snprintf(sql, sizeof sql,
	    "SELECT usage_count FROM auth_tokens WHERE public_id = '%s'", public_id);
	before = servers_sql(servers, sql);
	open_app(&third, NULL);
	assert_true(cache_find_key(&task, third.cache, public_id, ADDRESS, &identity));
	cache_count_use(&task, third.cache, public_id, &identity, ADDRESS);
	cache_count_use(&task, third.cache, public_id, &identity, ADDRESS);
	close_app(&third);
	after = servers_sql(servers, sql);
	assert_int_equal(atoi(after), atoi(before) + 2);
	free(after);
	(void)snprintf(sql, sizeof sql,
	    "SELECT last_used_at > now() - '1 min'::interval FROM auth_tokens"
	    " WHERE public_id = '%s'",
	    public_id);
	after = servers_sql(servers, sql);
	assert_string_equal(after, "t");
	free(after);
	free(before);
}

/* PRICE_NONE: the model has none. */
static int64_t
price(struct cache *cache, struct id whose, const char *provider, const char *model)
{
	struct price found_price;
	bool found;

	task.client = whose;
	assert_true(
	    cache_find_price(&task, cache, provider, model, task.now, &found, &found_price));
	return found ? found_price.rates.input : PRICE_NONE;
}

static void
add_price(struct id whose, const char *provider, const char *model, int rate)
{
	char text[ID_TEXT_SIZE];
	char sql[500];

	(void)snprintf(sql, sizeof sql,
	    "INSERT INTO model_pricing (id, client_id, provider, model, valid_from, input_rate,"
	    " output_rate) VALUES (gen_random_uuid(), nullif('%s',"
	    " '00000000-0000-0000-0000-000000000000')::uuid, '%s', '%s',"
	    " now() - '1 hour'::interval, %d, 1) RETURNING 1",
	    id_format(whose, text), provider, model, rate);
	free(servers_sql(servers, sql));
}

struct expected {
	struct cache *cache;
	struct id client;
	const char *provider;
	const char *model;
	int64_t rate;
};

static bool
costs(void *context)
{
	const struct expected *expected = context;

	return price(expected->cache, expected->client, expected->provider, expected->model) ==
	       expected->rate;
}

static void
prices_are_the_same_kept_or_asked_for(UNUSED void **state)
{
	struct id nobody = { 0 };
	struct cache *caches[] = { app.cache, deaf.cache };

	add_price(nobody, "openai", "m", 10);
	add_price(nobody, "azure", "two", 20);
	add_price(nobody, "openai", "two", 21);
	add_price(client, "openai", "m", 5);
	for (size_t i = 0; i < COUNT(caches); i++) {
		const struct expected cases[] = {
			{ caches[i], client, "openai", "m", 5 },
			{ caches[i], other, "openai", "m", 10 },
			{ caches[i], nobody, "openai", "m", 10 },
			{ caches[i], client, NULL, "m", 5 },
			{ caches[i], other, NULL, "m", 10 },
			{ caches[i], client, "azure", "two", 20 },
			{ caches[i], client, "openai", "two", 21 },
			{ caches[i], client, NULL, "two", PRICE_NONE },
			{ caches[i], client, "azure", "m", PRICE_NONE },
			{ caches[i], client, "openai", "none", PRICE_NONE },
		};

		for (size_t j = 0; j < COUNT(cases); j++) {
			struct expected expected = cases[j];

			if (!servers_await(costs, &expected))
				fail_msg("cache %zu, case %zu", i, j);
		}
	}
}

static bool
price_costs_nothing(UNUSED void *context)
{
	uint32_t before = task.queries;

	(void)price(app.cache, client, "openai", "m");
	return task.queries == before;
}

static void
prices_are_asked_for_once(UNUSED void **state)
{
	assert_true(servers_await(price_costs_nothing, NULL));
	assert_true(price_costs_nothing(NULL));
	(void)price(deaf.cache, client, "openai", "m");
	uint32_t before = task.queries;
	(void)price(deaf.cache, client, "openai", "m");
	assert_true(task.queries > before);
}

static void
a_new_price_is_heard(UNUSED void **state)
{
	struct expected none = { app.cache, client, "openai", "new", PRICE_NONE };
	struct expected default_price = { app.cache, client, "openai", "new", 7 };
	struct expected own_price = { app.cache, client, "openai", "new", 3 };

	assert_true(costs(&none));
	add_price((struct id){ 0 }, "openai", "new", 7);
	assert_true(servers_await(costs, &default_price));
	add_price(client, "openai", "new", 3);
	assert_true(servers_await(costs, &own_price));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_key_is_asked_for_once),
		TEST(an_unknown_key_is_not_found),
		TEST(nothing_is_kept_where_changes_are_not_heard),
		TEST(a_change_is_heard),
		TEST(a_change_during_an_outage_is_seen),
		TEST(uses_are_stored_at_the_end_at_the_latest),
		TEST(prices_are_the_same_kept_or_asked_for),
		TEST(prices_are_asked_for_once),
		TEST(a_new_price_is_heard),
	};

	seal_init();
	return cmocka_run_group_tests(tests, start, stop);
}
