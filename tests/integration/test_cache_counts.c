/* What a process knows of the counters, while another one commits past them. */
#include "tests/test.h"

#include <stdlib.h>

#include "app/cache.h"
#include "app/ingest/ingest.h"
#include "lib/clock.h"
#include "lib/model/counter.h"
#include "lib/seal.h"
#include "tests/servers.h"

static struct servers *servers;
static struct app app;
static struct task task;

static int
start(UNUSED void **state)
{
	static const struct redis_settings away = { .url = "unix:/nonexistent" };
	char *client;

	seal_init();
	servers = servers_start(SERVER_POSTGRES);
	app.database = (struct db_pool_settings){
		.url = servers_database_url(servers, "tally_app"),
		.application = "test",
		.max = 4,
		.connect_timeout_ms = 5000,
		.acquire_timeout_ms = 5000,
		.statement_timeout_ms = 5000,
	};
	app.pool = db_pool_new(&app.database);
	app.ingest = ingest_new(&app);
	app.cache = cache_new(&app);
	task_init(&task, arena_new());
	task.pool = app.pool;
	task.redis = redis_new(&away);
	free(servers_key(servers, "counted"));
	client = servers_sql(servers, "SELECT id FROM clients WHERE name = 'counted'");
	assert_true(id_parse((struct text){ client, ID_TEXT_SIZE - 1 }, &task.client));
	free(client);
	return 0;
}

static int
stop(UNUSED void **state)
{
	redis_free(task.redis);
	arena_free(task.arena);
	cache_free(app.cache);
	ingest_free(app.ingest);
	db_pool_free(app.pool);
	servers_stop(servers);
	return 0;
}

static struct counter_state
find_state(void)
{
	struct counter_state state;
	const struct zone *zone;

	assert_true(zone_find(&task, "UTC", &zone));
	assert_true(counter_state(&task, ingest_book(app.ingest), zone, &state));
	return state;
}

static bool
is_kept(UNUSED void *context)
{
	uint32_t before = task.queries;

	(void)find_state();
	return task.queries == before;
}

static bool
is_bypassed(UNUSED void *context)
{
	return find_state().bypassed;
}

static bool
listens(UNUSED void *context)
{
	char *one = servers_sql(servers, "SELECT 1 FROM pg_stat_activity"
					 " WHERE application_name = 'test'"
					 " AND query LIKE 'LISTEN%'");
	bool found = *one != '\0';

	free(one);
	return found;
}

static void
a_count_declared_broken_is_heard(UNUSED void **state)
{
	assert_true(servers_await(listens, NULL));
	assert_false(find_state().bypassed);
	assert_true(servers_await(is_kept, NULL));
	free(servers_sql(
	    servers, "SELECT counter_bypass(array_agg(client_id)) FROM counter_states"));
	assert_true(servers_await(is_bypassed, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_count_declared_broken_is_heard),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
