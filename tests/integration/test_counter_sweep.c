/*
 * The sweep of Redis: what epochs leave behind goes, and nothing else.
 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sweeping.h"

static void
test_an_ended_epoch_goes(void **state)
{
	static const char *const kinds[] = { "1:d:*", "1:u:*", "1:b:*", "1:pending", "1:holds",
		"1:due" };
	struct counting b;
	int64_t old, living;

	(void)state;
	sweeping_open_used(&b);
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (sweeping_count(&b, kinds[i]) == 0)
			fail_msg("there is no %s", kinds[i]);
	}
	sweeping_open_next(&b);
	holding_expect(&b, 30, 40);
	old = sweeping_count(&b, "1:*");
	living = sweeping_count(&b, "2:*");
	assert_true(living > 0);
	assert_int_equal(sweeping_run(&b), old);
	assert_int_equal(sweeping_count(&b, "1:*"), 0);
	assert_int_equal(sweeping_count(&b, "2:*"), living);
	assert_int_equal(sweeping_count(&b, "state"), 1);
	holding_expect(&b, 30, 40);
	holding_equals_log(&b, &(struct budget_call){ 0 });
	counting_equals_log(&b, 30);
	assert_int_equal(sweeping_run(&b), 0);
	counting_close(&b);
}

static void
test_each_client_by_its_own_epoch(void **state)
{
	struct counting one, other;
	int64_t living;

	(void)state;
	sweeping_open_used(&one);
	sweeping_open_used(&other);
	for (int i = 0; i < 3; i++)
		sweeping_open_next(&other);
	living = sweeping_count(&one, "1:*");
	assert_true(sweeping_run(&one) > 0);
	assert_int_equal(sweeping_count(&one, "1:*"), living);
	for (int i = 1; i < 4; i++)
		assert_int_equal(
		    sweeping_count(&other, arena_printf(other.task.arena, "%d:*", i)), 0);
	assert_true(sweeping_count(&other, "4:*") > 0);
	holding_expect(&other, 30, 40);
	counting_equals_log(&other, 30);
	counting_close(&other);
	counting_close(&one);
}

/* %s is the client, whose epoch is the third. */
static const struct {
	const char *why;
	const char *key;
	bool stays;
} names[] = {
	{ "a bucket of an ended epoch goes", "tally:{%s}:2:x", false },
	{ "and one of the first", "tally:{%s}:1:b:a:b", false },
	{ "the living epoch stays", "tally:{%s}:3:x", true },
	{ "so does one that was opened since", "tally:{%s}:4:x", true },
	{ "one beyond 64 bits is none", "tally:{%s}:99999999999999999999:x", true },
	{ "and none is zero", "tally:{%s}:0:x", true },
	{ "or below", "tally:{%s}:-1:x", true },
	{ "or has a zero in front", "tally:{%s}:01:x", true },
	{ "or a sign", "tally:{%s}:+1:x", true },
	{ "or a blank", "'tally:{%s}: 1:x'", true },
	{ "a name without a rest is not a counter's", "tally:{%s}:1:", true },
	{ "nor without a colon", "tally:{%s}:1", true },
	{ "a number that goes on is no epoch", "tally:{%s}:1x:x", true },
	{ "a rate stays", "tally:{%s}:rate:00000000-0000-7000-8000-000000000001:1", true },
	{ "another prefix stays", "other:{%s}:1:x", true },
	{ "and one in front of ours", "x:tally:{%s}:1:x", true },
	{ "a client without a state stays", "tally:{00000000-0000-7000-8000-0000000000ff}:1:x",
	    true },
	{ "as does the nil client", "tally:{00000000-0000-0000-0000-000000000000}:1:x", true },
	{ "and what is no client", "tally:{%.8s}:1:x", true },
	{ "a client is spelled in small letters",
	    "tally:{0000000A-0000-7000-8000-00000000000A}:1:x", true },
	{ "a brace alone stays", "tally:{", true },
};

static const char *
format_name(struct counting *b, size_t i)
{
	const char *key = names[i].key, *at = strchr(key, '%');
	char id[ID_TEXT_SIZE];

	if (at == NULL)
		return key;
	(void)id_format(b->task.client, id);
	return arena_printf(b->task.arena, "%.*s%.*s%s", (int)(at - key), key,
	    at[1] == 's' ? ID_TEXT_SIZE : 8, id, strchr(at, 's') + 1);
}

static void
test_only_counters_go(void **state)
{
	struct counting b;

	(void)state;
	free(servers_sql(counting_servers,
	    "WITH c AS (INSERT INTO clients (id, name) VALUES "
	    "('0000000a-0000-7000-8000-00000000000a', 'small letters') RETURNING id) "
	    "INSERT INTO counter_states (client_id, epoch, day) "
	    "SELECT id, 9, current_date FROM c RETURNING 1"));
	counting_open(&b, counting_client());
	for (int i = 0; i < 3; i++)
		sweeping_open_next(&b);
	for (size_t i = 0; i < COUNT(names); i++)
		assert_string_equal(
		    sweeping_ask(&b, arena_printf(b.task.arena, "SET %s 1", format_name(&b, i))),
		    "OK");
	assert_true(sweeping_run(&b) >= 2);
	for (size_t i = 0; i < COUNT(names); i++) {
		const char *left =
		    sweeping_ask(&b, arena_printf(b.task.arena, "EXISTS %s", format_name(&b, i)));

		if (strcmp(left, names[i].stays ? "1" : "0") != 0)
			fail_msg("%s: %s", names[i].why, format_name(&b, i));
	}
	counting_close(&b);
}

/* Redis lost the state alone: its epoch is the client's until another is opened. */
static void
test_a_living_epoch_without_its_state_stays(void **state)
{
	struct counting b;
	int64_t living;

	(void)state;
	sweeping_open_used(&b);
	sweeping_lose_state(&b);
	living = sweeping_count(&b, "1:*");
	assert_true(living > 0);
	assert_int_equal(sweeping_run(&b), 0);
	assert_int_equal(sweeping_count(&b, "1:*"), living);
	counting_close(&b);
}

/* The next epoch is opened in PostgreSQL, and nobody came to prepare it in Redis: a process that
 * has not heard of it shows the old one's count. */
static void
test_what_redis_still_answers_from_stays(void **state)
{
	struct counting b;
	char id[ID_TEXT_SIZE];

	(void)state;
	sweeping_open_used(&b);
	free(servers_sql(counting_servers,
	    arena_printf(b.task.arena,
		"UPDATE counter_states SET epoch = epoch + 1 WHERE client_id = '%s' RETURNING 1",
		id_format(b.task.client, id))));
	assert_int_equal(sweeping_run(&b), 0);
	holding_expect(&b, 35, 40);
	/* Its state is gone with the time, and nobody is answered from it any more. */
	sweeping_lose_state(&b);
	assert_true(sweeping_run(&b) > 0);
	assert_int_equal(sweeping_count(&b, "1:*"), 0);
	counting_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SWEEPING_TEST(test_an_ended_epoch_goes),
		SWEEPING_TEST(test_each_client_by_its_own_epoch),
		SWEEPING_TEST(test_only_counters_go),
		SWEEPING_TEST(test_a_living_epoch_without_its_state_stays),
		SWEEPING_TEST(test_what_redis_still_answers_from_stays),
	};

	return cmocka_run_group_tests(tests, sweeping_start, sweeping_stop);
}
