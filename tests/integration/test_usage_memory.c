/* What is kept of the rollups is what would be read: each question is asked with the memory
 * and without it, on real PostgreSQL, while all that can change them does. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/clock.h"
#include "lib/model/usage_memory.h"
#include "lib/model/usage_rank_private.h"
#include "lib/seal.h"
#include "tests/books.h"
#include "tests/questions.h"
#include "tests/random_log.h"
#include "tests/servers.h"

#define DAY_S 86400
#define ROOM (INT64_C(64) << 20)

static struct servers *servers;
static struct usage_memory *memory;
static struct asker asker;
static const char *name;
static int seed = 1;

/* Twice, so that what was kept by the first is found by the second. */
static void
expect_the_same(const char *when)
{
	for (size_t i = 0; i < 2 * QUESTIONS; i++) {
		const struct question *question = &questions[i / 2];
		char *kept = question_ask(question, &asker, memory),
		     *read = question_ask(question, &asker, NULL);

		if (strcmp(kept, read) != 0)
			fail_msg("%s, %s:\n%s\nand not\n%s", when, question->sentence, kept, read);
		free(kept);
		free(read);
	}
}

static int64_t
missed(void)
{
	return usage_memory_look(memory).missed;
}

static void
run(const char *word)
{
	books_expect_tally(servers, EX_OK, NULL, (const char *const[9]){ word });
}

static void
insert(int count, int seconds)
{
	random_log_insert(servers, name, seed++, count, seconds);
}

/* In a day that is over since long. */
static void
insert_late(void)
{
	char sql[600];

	insert(20, QUESTION_DAYS * DAY_S);
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) > 0 FROM chat_logs l JOIN clients c ON c.id = l.client_id "
	    "WHERE c.name = '%s' AND l.created_at < now() - interval '3 days'",
	    name);
	books_expect(servers, sql, "t");
}

static void
use_client(const char *of, const char *zone)
{
	char sql[600], *id;

	name = of;
	asker.timezone = zone;
	books_expect_tally(servers, EX_OK, NULL,
	    (const char *const[9]){ "client", "create", "--timezone", zone, "--name", of });
	(void)snprintf(sql, sizeof(sql), "SELECT id FROM clients WHERE name = '%s'", of);
	id = servers_sql(servers, sql);
	assert_true(id_parse((struct text){ id, strlen(id) }, &asker.client));
	free(id);
	asker.user = (struct id){ 0 };
	usage_memory_free(memory);
	memory = usage_memory_new(ROOM);
}

static void
roll_up(void)
{
	insert(500, (QUESTION_DAYS + 2) * DAY_S);
	run("rollup");
	expect_the_same("rolled up");
}

/* Behind it all questions find what they kept. */
static void
expect_nothing_missed(const char *when)
{
	int64_t before = missed();

	expect_the_same(when);
	if (missed() != before)
		fail_msg("%s: read again", when);
	assert_true(usage_memory_look(memory).found > 0);
}

static void
expect_missed(const char *when)
{
	int64_t before = missed();

	expect_the_same(when);
	if (missed() == before)
		fail_msg("%s: nothing was read again", when);
}

static const char *const zones[] = { "UTC", "America/New_York", "Asia/Kathmandu" };

static void
late_records_are_in_it(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(zones); i++) {
		char *of = NULL;

		assert_true(asprintf(&of, "memory %zu", i) > 0);
		use_client(of, zones[i]);
		expect_the_same("nothing is there");
		insert(800, (QUESTION_DAYS + 2) * DAY_S);
		expect_the_same("nothing is rolled up");
		run("rollup");
		expect_missed("rolled up");
		expect_nothing_missed("asked again");
		insert_late();
		expect_the_same("late records");
		run("rollup");
		expect_missed("late records are rolled up");
		expect_nothing_missed("and asked again");
		free(of);
	}
}

/* In a zone where it is about noon, so that no midnight comes in between. Of users others may be
 * the first now. */
static void
today_is_read_alone(UNUSED void **state)
{
	int hour = (int)(asker.now / SPAN_HOUR % 24);
	struct usage_memory_state before, behind;
	int64_t asked = 0;
	char zone[20];

	(void)snprintf(zone, sizeof(zone), hour == 12 ? "Etc/GMT" : "Etc/GMT%+d", hour - 12);
	use_client("memory today", zone);
	roll_up();
	before = usage_memory_look(memory);
	insert(40, 60);
	run("rollup");
	for (size_t i = 0; i < QUESTIONS; i++) {
		if (questions[i].groups_max > 0)
			continue;
		free(question_ask(&questions[i], &asker, memory));
		asked++;
	}
	behind = usage_memory_look(memory);
	/* Each found its days and read today. */
	assert_int_equal(behind.found - before.found, asked);
	assert_int_equal(behind.missed - before.missed, asked);
	expect_the_same("today there is more");
}

/* As it was the day before, where nothing has been asked for since. */
static const char yesterday_sql[] =
    "WITH of AS (UPDATE rollup_clients SET days_until = days_until - interval '1 day', "
    "users_until = users_until - interval '1 day', revision = gen_random_uuid(), "
    "open_revision = gen_random_uuid() WHERE client_id = (SELECT id FROM clients "
    "WHERE name = '%s') RETURNING *), "
    "days AS (DELETE FROM cost_aggregates a USING of WHERE a.client_id = of.client_id "
    "AND a.grain = 'day' AND a.start >= of.days_until RETURNING 1) "
    "DELETE FROM user_costs u USING of WHERE u.client_id = of.client_id "
    "AND (u.start >= of.users_until OR u.days > 1 "
    "AND u.start + u.days * interval '1 day' > of.days_until)";

static void
a_day_ends(UNUSED void **state)
{
	char sql[sizeof(yesterday_sql) + 40];

	use_client("memory midnight", "UTC");
	insert(800, 4 * QUESTION_DAYS * DAY_S);
	run("rollup");
	(void)snprintf(sql, sizeof(sql), yesterday_sql, name);
	free(servers_sql(servers, sql));
	expect_the_same("before midnight");
	run("rollup");
	expect_missed("behind it");
	expect_nothing_missed("and asked again");
}

/* verify named a row too many, and its day is summed again. */
static void
rows_that_go_are_gone(UNUSED void **state)
{
	char sql[600], *from, *to;

	use_client("memory repair", "UTC");
	insert(500, (QUESTION_DAYS + 2) * DAY_S);
	run("rollup");
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO cost_aggregates SELECT DISTINCT ON (dimension, grain, start) "
	    "(jsonb_populate_record(a, "
	    "'{\"key\":[\"one more\"]}')).* FROM cost_aggregates a JOIN clients c ON c.id = "
	    "a.client_id WHERE c.name = '%s' AND dimension IN ('model', 'tag') "
	    "AND start < now() - interval '3 days'",
	    name);
	free(servers_sql(servers, sql));
	expect_the_same("rows too many");
	from = servers_sql(servers, "SELECT now()::date - 20");
	to = servers_sql(servers, "SELECT now()::date - 1");
	books_expect_tally(
	    servers, EX_OK, NULL, (const char *const[9]){ "rollup", "--from", from, "--to", to });
	free(from);
	free(to);
	expect_missed("summed again");
}

static void
move_to(const char *zone)
{
	char sql[200];

	asker.timezone = zone;
	(void)snprintf(
	    sql, sizeof(sql), "UPDATE clients SET timezone = '%s' WHERE name = '%s'", zone, name);
	free(servers_sql(servers, sql));
}

static void
another_zone_begins_anew(UNUSED void **state)
{
	use_client("memory zone", "UTC");
	roll_up();
	move_to("Asia/Tokyo");
	expect_the_same("the zone is another");
	insert_late();
	run("rollup");
	expect_missed("and its days are there");
	move_to("UTC");
	insert_late();
	run("rollup");
	expect_missed("the first zone is back");
}

/* To be freed. */
static char *
find_user(void)
{
	char sql[300];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT u.id FROM users u JOIN clients c ON c.id = u.client_id "
	    "WHERE c.name = '%s' AND u.external_id = 'random 4'",
	    name);
	return servers_sql(servers, sql);
}

static void
an_erased_person_is_gone(UNUSED void **state)
{
	char *erased;

	use_client("memory erasure", "UTC");
	roll_up();
	erased = find_user();
	books_expect_tally(servers, EX_OK, NULL,
	    (const char *const[9]){ "erase", "--client", name, "--user", erased });
	run("erase");
	expect_missed("a person was erased");
	expect_nothing_missed("and asked again");
	for (size_t i = 0; i < QUESTIONS; i++) {
		char *answer = question_ask(&questions[i], &asker, memory);

		if (strstr(answer, erased) != NULL)
			fail_msg("%s: %s", questions[i].sentence, answer);
		free(answer);
	}
	free(erased);
}

static void
a_bound_key_has_its_own(UNUSED void **state)
{
	char *id;

	use_client("memory bound", "UTC");
	roll_up();
	id = find_user();
	assert_true(id_parse((struct text){ id, strlen(id) }, &asker.user));
	free(id);
	expect_missed("by one");
	asker.user = (struct id){ 0 };
	expect_nothing_missed("by all again");
}

/* Each has called once, in a day that is over. */
static void
more_users_than_are_kept(UNUSED void **state)
{
	char sql[1000];

	use_client("memory crowd", "UTC");
	insert(10, (QUESTION_DAYS + 2) * DAY_S);
	(void)snprintf(sql, sizeof(sql),
	    "WITH of AS (SELECT id, now() - interval '3 days' AS at FROM clients WHERE name = '%s'), "
	    "made AS (INSERT INTO users (client_id, id, external_id) SELECT id, "
	    "gen_random_uuid(), 'crowd ' || n FROM of, generate_series(1, %d) AS n RETURNING *) "
	    "INSERT INTO chat_logs (client_id, id, created_at, user_id, estimated_cost_cents) "
	    "SELECT client_id, overlay(overlay(gen_random_uuid()::text PLACING left(lpad(to_hex("
	    "(extract(epoch FROM of.at) * 1000)::bigint), 12, '0'), 8) || '-' || right(lpad(to_hex("
	    "(extract(epoch FROM of.at) * 1000)::bigint), 12, '0'), 4) FROM 1) "
	    "PLACING '7' FROM 15)::uuid, of.at, made.id, hashtext(external_id) & 1023 FROM made, of",
	    name, USAGE_RANK_ROWS_MAX + 1);
	free(servers_sql(servers, sql));
	run("rollup");
	expect_the_same("a crowd");
	expect_nothing_missed("a crowd again");
}

static void
what_is_purged_is_not_found(UNUSED void **state)
{
	char sql[200];

	use_client("memory purge", "UTC");
	insert(500, (QUESTION_DAYS + 2) * DAY_S);
	run("rollup");
	run("reconcile");
	expect_the_same("rolled up");
	(void)snprintf(
	    sql, sizeof(sql), "UPDATE clients SET log_retention_days = 1 WHERE name = '%s'", name);
	free(servers_sql(servers, sql));
	run("purge");
	expect_nothing_missed("the log is gone");
}

static int
set_up(UNUSED void **state)
{
	struct db_pool_settings settings = { .max = 2,
		.min = 1,
		.idle_timeout_ms = 30000,
		.connect_timeout_ms = 5000,
		.acquire_timeout_ms = 10000,
		.statement_timeout_ms = 120000,
		.application = "test_usage_memory" };

	seal_init();
	asker.now = clock_now();
	servers = servers_start(SERVER_REDIS);
	settings.url = servers_database_url(servers, "tally_app");
	asker.pool = db_pool_new(&settings);
	return 0;
}

static int
tear_down(UNUSED void **state)
{
	usage_memory_free(memory);
	db_pool_free(asker.pool);
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_purged_is_not_found),
		cmocka_unit_test(late_records_are_in_it),
		cmocka_unit_test(today_is_read_alone),
		cmocka_unit_test(a_day_ends),
		cmocka_unit_test(rows_that_go_are_gone),
		cmocka_unit_test(another_zone_begins_anew),
		cmocka_unit_test(an_erased_person_is_gone),
		cmocka_unit_test(more_users_than_are_kept),
		cmocka_unit_test(a_bound_key_has_its_own),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
