/*
 * What the write path keeps of users, sessions and agent sessions: PostgreSQL is asked once, until
 * it changes.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/ingest/known.h"
#include "lib/clock.h"
#include "lib/seal.h"
#include "tests/servers.h"

static struct servers *servers;
static struct db_pool *pool;
static struct id client, other, user, session, agent, agent_root;

/* One statement behind a WITH that names the two ids. */
static void
sql(struct id of, struct id id, const char *statement)
{
	char text[600], client_text[ID_TEXT_SIZE], id_text[ID_TEXT_SIZE];

	(void)snprintf(text, sizeof(text),
	    "WITH v (client, id) AS (VALUES ('%s'::uuid, '%s'::uuid)) %s",
	    id_format(of, client_text), id_format(id, id_text), statement);
	free(servers_sql(servers, text));
}

/* How many statements it took. */
static int64_t
find(struct known *known, struct reference *list, size_t count)
{
	struct task task;
	int64_t queries;

	task_init(&task, arena_new());
	task.pool = pool;
	assert_true(known_find(&task, known, list, count));
	assert_null(task.db);
	queries = task.queries;
	arena_free(task.arena);
	return queries;
}

static struct reference
user_of(struct id of, struct id id)
{
	return (struct reference){ .client = of, .id = id, .kind = REFERENCE_USER };
}

static void
test_what_is_there_is_asked_for_once(void **state)
{
	struct known *known = known_new();
	struct reference list[] = {
		user_of(client, user),
		{ .client = client, .id = session, .kind = REFERENCE_SESSION },
		user_of(client, user),
	};

	(void)state;
	known_hear(known, true);
	assert_int_equal(find(known, list, COUNT(list)), 1);
	assert_true(list[0].found && list[1].found && list[2].found);
	assert_int_equal(list[0].tier, USER_PREMIUM);
	assert_int_equal(find(known, list, COUNT(list)), 0);
	assert_true(list[0].found && list[1].found && list[2].found);
	assert_int_equal(list[2].tier, USER_PREMIUM);
	assert_int_equal(find(known, list, 0), 0);
	known_free(known);
}

static void
test_what_is_not_there_is_asked_for_each_time(void **state)
{
	struct known *known = known_new();
	struct reference list[] = {
		user_of(client, session), /* no user's id */
		user_of(other, user), /* another client's */
		{ .client = client, .id = user, .kind = REFERENCE_SESSION },
		user_of(client, user),
	};

	(void)state;
	known_hear(known, true);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(find(known, list, COUNT(list)), 1);
		assert_false(list[0].found);
		assert_false(list[1].found);
		assert_false(list[2].found);
		assert_true(list[3].found);
	}
	known_free(known);
}

/* Whether it is there or not: no id of one can come later. */
static void
test_the_root_of_an_agent_session_is_asked_for_once(void **state)
{
	struct known *known = known_new();
	struct reference list[] = {
		{ .client = client, .id = agent, .kind = REFERENCE_AGENT_SESSION },
		{ .client = other, .id = agent, .kind = REFERENCE_AGENT_SESSION },
		{ .client = client, .id = user, .kind = REFERENCE_AGENT_SESSION },
	};

	(void)state;
	known_hear(known, true);
	for (int i = 0; i < 2; i++) {
		for (size_t j = 0; j < COUNT(list); j++)
			list[j].root = client;
		assert_int_equal(find(known, list, COUNT(list)), i == 0);
		assert_true(id_equal(list[0].root, agent_root));
		assert_true(id_is_nil(list[1].root));
		assert_true(id_is_nil(list[2].root));
	}
	known_free(known);
}

static void
test_nothing_is_kept_while_no_change_is_heard(void **state)
{
	struct known *known = known_new();
	struct reference one = user_of(client, user);

	(void)state;
	assert_int_equal(find(known, &one, 1), 1);
	assert_int_equal(find(known, &one, 1), 1);
	known_hear(known, true);
	assert_int_equal(find(known, &one, 1), 1);
	assert_int_equal(find(known, &one, 1), 0);
	known_hear(known, false);
	assert_int_equal(find(known, &one, 1), 1);
	assert_int_equal(find(known, &one, 1), 1);
	known_free(known);
}

static void
test_a_change_is_found_once_it_is_heard(void **state)
{
	struct known *known = known_new();
	struct id guest = id_new(clock_now());
	struct reference one = user_of(client, guest);

	(void)state;
	known_hear(known, true);
	sql(client, guest,
	    "INSERT INTO users (client_id, id, tier) SELECT client, v.id, 'free' FROM v RETURNING 1");
	assert_int_equal(find(known, &one, 1), 1);
	assert_int_equal(one.tier, USER_FREE);
	sql(client, guest,
	    "UPDATE users u SET tier = 'enterprise' FROM v WHERE u.id = v.id RETURNING 1");
	known_hear(known, true);
	assert_int_equal(find(known, &one, 1), 1);
	assert_int_equal(one.tier, USER_ENTERPRISE);
	sql(client, guest, "DELETE FROM users u USING v WHERE u.id = v.id RETURNING 1");
	assert_int_equal(find(known, &one, 1), 0);
	assert_true(one.found);
	known_forget(known);
	assert_int_equal(find(known, &one, 1), 1);
	assert_false(one.found);
	known_free(known);
}

static struct id
numbered(uint32_t n)
{
	struct id id = { .bytes = { 0 } };

	for (size_t i = 0; i < sizeof(n); i++)
		id.bytes[15 - i] = (uint8_t)(n >> (8 * i));
	id.bytes[0] = 1;
	return id;
}

/* With more users than are kept all of them are found, the last ones without asking. */
static void
test_the_next_push_out_those_kept_longest(void **state)
{
	static struct reference list[40000];
	struct known *known = known_new();

	(void)state;
	assert_true(COUNT(list) > KNOWN_MAX);
	sql(client, numbered(0),
	    "INSERT INTO users (client_id, id) SELECT client, overlay(v.id::text PLACING "
	    "lpad(to_hex(n), 8, '0') FROM 29)::uuid FROM v, generate_series(1, 40000) AS n "
	    "RETURNING 1");
	known_hear(known, true);
	for (uint32_t i = 0; i < COUNT(list); i++)
		list[i] = user_of(client, numbered(i + 1));
	assert_int_equal(find(known, list, COUNT(list)), 1);
	assert_int_equal(find(known, list + COUNT(list) - 1000, 1000), 0);
	assert_int_equal(find(known, list, COUNT(list)), 1);
	for (uint32_t i = 0; i < COUNT(list); i++)
		assert_true(list[i].found);
	known_free(known);
}

/* What stands in these columns, and a join with what is there. */
#define AGENT(columns, join) \
	"INSERT INTO agent_sessions (client_id, id, parent_id, root_id, depth, " \
	"streaming_enabled, status, phase, progress, iteration_count, tool_calls_count, " \
	"files_modified, files_created, files_deleted, success, started_at, last_activity_at) " \
	"SELECT " columns ", true, 'running', 'PLAN', 0, 0, 0, '{}', '{}', '{}', false, now(), " \
	"now() FROM v " join " RETURNING 1"

static int
set_up(void **state)
{
	struct db_pool_settings settings = { .max = 2,
		.connect_timeout_ms = 5000,
		.acquire_timeout_ms = 10000,
		.statement_timeout_ms = 30000,
		.application = "test_known" };

	(void)state;
	seal_init();
	servers = servers_start(SERVER_POSTGRES);
	settings.url = servers_database_url(servers, "tally_app");
	pool = db_pool_new(&settings);
	client = id_new(clock_now());
	other = id_new(clock_now());
	user = id_new(clock_now());
	session = id_new(clock_now());
	sql(client, other,
	    "INSERT INTO clients (id, name) SELECT client, 'one' FROM v "
	    "UNION ALL SELECT v.id, 'other' FROM v RETURNING 1");
	sql(client, user,
	    "INSERT INTO users (client_id, id, tier) SELECT client, v.id, 'premium' FROM v "
	    "RETURNING 1");
	sql(client, session,
	    "INSERT INTO sessions (client_id, id, token_hash, expires_at) SELECT client, v.id, "
	    "decode(repeat('00', 32), 'hex'), now() + interval '1 day' FROM v RETURNING 1");
	agent_root = id_new(clock_now());
	agent = id_new(clock_now());
	sql(client, agent_root, AGENT("client, v.id, NULL::uuid, v.id, 0", ""));
	sql(client, agent,
	    AGENT("client, v.id, a.id, a.id, 1", "JOIN agent_sessions a ON a.client_id = client"));
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
		cmocka_unit_test(test_what_is_there_is_asked_for_once),
		cmocka_unit_test(test_what_is_not_there_is_asked_for_each_time),
		cmocka_unit_test(test_the_root_of_an_agent_session_is_asked_for_once),
		cmocka_unit_test(test_nothing_is_kept_while_no_change_is_heard),
		cmocka_unit_test(test_a_change_is_found_once_it_is_heard),
		cmocka_unit_test(test_the_next_push_out_those_kept_longest),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
