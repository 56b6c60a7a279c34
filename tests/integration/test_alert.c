/* Alerts in the database: a key is told once, also by several at once. */
#include "tests/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/model/alert.h"
#include "tests/db_fixture.h"

#define THREADS 4
#define KEYS_EACH 50

static struct id client;

static int
start(void **state)
{
	char *text;

	start_postgres(state);
	text = servers_sql(servers, "INSERT INTO clients (id, name)\n"
				    "VALUES ('00000000-0000-7000-8000-000000000001', 'acme')\n"
				    "RETURNING id");
	assert_true(id_parse((struct text){ text, strlen(text) }, &client));
	free(text);
	return 0;
}

static int
begin_empty(void **state)
{
	free(servers_sql(servers, "DELETE FROM alerts"));
	begin(state);
	task.client = client;
	return 0;
}

static struct alert_input
input_of(const char *key, int64_t again_before)
{
	static const char payload[] = "{\"n\":1}";

	return (struct alert_input){
		.kind = ALERT_COUNTER_DRIFT,
		.key = key,
		.again_before = again_before,
		.payload = { payload, sizeof payload - 1 },
	};
}

static bool
raise(struct task *with, const char *key, int64_t again_before)
{
	struct alert_input input = input_of(key, again_before);
	struct alert alert;
	bool raised = false;

	if (!alert_raise(with, &input, &alert, &raised))
		fail_msg("%s (%s)", with->err.text, with->err.cause ? with->err.cause : "");
	if (raised)
		assert_string_equal(alert.kind, "counter.drift");
	return raised;
}

static void
a_key_is_told_once(UNUSED void **state)
{
	assert_true(raise(&task, "a", 0));
	assert_false(raise(&task, "a", 0));
	fine(db_commit(&task));
	assert_false(raise(&task, "a", 0));
	assert_true(raise(&task, "b", 0));
	db_rollback(&task);
	assert_true(raise(&task, "b", 0));
	assert_int_equal(number("SELECT count(*) FROM alerts"), 2);
}

static void
an_old_key_is_told_again(UNUSED void **state)
{
	int64_t first = task.now;

	assert_true(raise(&task, "a", first - CLOCK_DAY));
	task.now += CLOCK_SECOND;
	assert_false(raise(&task, "a", first));
	assert_true(raise(&task, "a", first + 1));
	assert_false(raise(&task, "a", first + 1));
	assert_int_equal(number("SELECT count(*) FROM alerts"), 2);
	assert_int_equal(number("SELECT count(key) FROM alerts"), 1);
}

/* Raises keys that all the threads raise, some of them for the second time; how many it did. */
static void *
raise_many(void *context)
{
	static const int64_t again[] = { 0, 1 };
	struct task mine;
	size_t raised = 0;

	task_init(&mine, arena_new());
	mine.pool = pool;
	mine.client = client;
	for (int i = 0; i < KEYS_EACH; i++) {
		const char *key = arena_printf(mine.arena, "k%d", i);

		raised += raise(&mine, key, again[i % 2] * (mine.now - CLOCK_DAY));
		fine(db_commit(&mine));
	}
	arena_free(mine.arena);
	*(size_t *)context = raised;
	return NULL;
}

static void
several_at_once_tell_once(UNUSED void **state)
{
	pthread_t threads[THREADS];
	size_t raised[THREADS] = { 0 }, sum = 0;

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, raise_many, &raised[i]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		sum += raised[i];
	}
	assert_int_equal(sum, KEYS_EACH);
	assert_int_equal(number("SELECT count(*) FROM alerts"), KEYS_EACH);
}

static void
another_client_has_its_own_keys(UNUSED void **state)
{
	assert_true(raise(&task, "a", 0));
	fine(db_commit(&task));
	free(servers_sql(servers, "INSERT INTO clients (id, name)\n"
				  "VALUES ('00000000-0000-7000-8000-000000000002', 'other')"));
	task.client.bytes[15] = 2;
	assert_true(raise(&task, "a", 0));
}

/* Alerts whose key somebody may still ask for stay. */
static void
purge_removes_what_nobody_asks_for(UNUSED void **state)
{
	free(servers_sql(servers,
	    "INSERT INTO alerts (client_id, id, kind, key, key_until, payload, created_at)\n"
	    "SELECT id, gen_random_uuid(), 'counter.drift', key, key_until::timestamptz, '{}',\n"
	    "now() - age::interval\n"
	    "FROM clients, (VALUES (NULL, NULL, '91 days'), ('old', now() - interval '91 days',\n"
	    "'400 days'), ('year', now(), '91 days'), ('total', NULL, '400 days'),\n"
	    "(NULL, NULL, '89 days')) AS v (key, key_until, age)\n"
	    "WHERE name = 'acme'"));
	for (int i = 0; i < 2; i++) {
		char *output;

		assert_int_equal(servers_tally(servers, &output, "purge", NULL), 0);
		free(output);
	}
	assert_string_equal(
	    word("SELECT string_agg(COALESCE(key, 'young'), ' ' ORDER BY key) FROM alerts"),
	    "total year young");
}

#define ALERT_TEST(name) cmocka_unit_test_setup_teardown(name, begin_empty, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ALERT_TEST(a_key_is_told_once),
		ALERT_TEST(an_old_key_is_told_again),
		ALERT_TEST(several_at_once_tell_once),
		ALERT_TEST(another_client_has_its_own_keys),
		ALERT_TEST(purge_removes_what_nobody_asks_for),
	};

	return cmocka_run_group_tests(tests, start, stop_postgres);
}
