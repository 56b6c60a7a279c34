/* tally expire: what it drops in Redis, what it measures, and who shows that. */
#include "tests/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"

#define POST "/v1/authorizations"
#define MANY 2300 /* more than two calls drop */

static struct servers *servers;

/* In the epoch of the client, whose name no other has. */
static const char *
key_of(const char *client, const char *name)
{
	return api_sql("SELECT 'tally:{' || client_id || '}:' || epoch || ':%s' FROM counter_states"
		       " WHERE client_id = (SELECT id FROM clients WHERE name = '%s')",
	    name, client);
}

static void
expect_redis(const char *expected, const char *command)
{
	char *answer = servers_redis(servers, command);

	if (strcmp(answer, expected) != 0)
		fail_msg("%s: %s instead of %s", command, answer, expected);
	free(answer);
}

/* What the client's keys hold: how many holds, and their nano-dollars in all buckets. */
static void
expect_held(const char *client, const char *count, const char *nanos)
{
	expect_redis(count, api_text("HLEN %s", key_of(client, "holds")));
	expect_redis(count, api_text("ZCARD %s", key_of(client, "due")));
	expect_redis(nanos, api_text("EVAL \"local sum = 0 "
				     "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do "
				     "sum = sum + (redis.call('HGET', key, 'h0') or 0) end "
				     "return string.format('%%.0f', sum)\" 0 %s",
				key_of(client, "b:*")));
}

/* Every hold of the client is past its time, as far as Redis knows. */
static void
let_pass(const char *client)
{
	const char *due = key_of(client, "due");

	free(servers_redis(servers, api_text("ZUNIONSTORE %s 1 %s WEIGHTS 0", due, due)));
}

static void
what_is_past_its_time_is_dropped(UNUSED void **state)
{
	api_use_budget("dropped", "\"window\":\"day\",\"limit_cents\":10");
	api_add(POST, "{\"max_cost_cents\":4}");
	EXPECT_TALLY(EX_OK, "\"rows\":0", "expire", "--json");
	expect_held("dropped", "1", "40000000");
	let_pass("dropped");
	EXPECT_TALLY(EX_OK, "\"rows\":1", "expire", "--dry-run", "--json");
	expect_held("dropped", "1", "40000000");
	EXPECT_TALLY(EX_OK, "\"rows\":1", "expire", "--json");
	expect_held("dropped", "0", "0");
	EXPECT_TALLY(EX_OK, "\"rows\":0", "expire", "--json");
	/* What is held at the time stays. */
	api_add(POST, "{\"max_cost_cents\":3}");
	let_pass("dropped");
	free(servers_redis(servers,
	    api_text("ZADD %s 1 00000000-0000-7000-8000-000000000000", key_of("dropped", "due"))));
	api_add(POST, "{\"max_cost_cents\":2}");
	EXPECT_TALLY(EX_OK, NULL, "expire");
	expect_held("dropped", "1", "20000000");
}

static void
more_than_one_call_drops(UNUSED void **state)
{
	api_use_budget("many", "\"window\":\"day\",\"limit_cents\":10000");
	for (int i = 0; i < MANY; i++)
		api_expect(201, "POST", POST, "{\"max_cost_cents\":1}");
	expect_held("many", api_text("%d", MANY), api_text("%d0000000", MANY));
	let_pass("many");
	EXPECT_TALLY(EX_OK, api_text("\"rows\":%d", MANY), "expire", "--json");
	expect_held("many", "0", "0");
}

/* An epoch that is not loaded holds nothing yet, and the next one only what is held. */
static void
a_lost_count_is_left_alone(UNUSED void **state)
{
	api_use_budget("lost", "\"window\":\"day\",\"limit_cents\":10");
	api_add(POST, "{\"max_cost_cents\":4}");
	let_pass("lost");
	free(servers_redis(
	    servers, api_text("HSET %s run another", api_sql("SELECT 'tally:{' || id || '}:state' "
							     "FROM clients WHERE name = 'lost'"))));
	EXPECT_TALLY(EX_OK, "\"rows\":0", "expire", "--json");
	expect_held("lost", "1", "40000000");
}

/* An authorization of the client that is measured. */
static void
insert(const char *state, int minutes_ago, int minutes, const char *cents)
{
	api_sql(
	    "INSERT INTO authorizations (client_id, id, created_at, granted_at, expires_at, held_cents,"
	    " settled_at, settled_by, voided_at)"
	    " SELECT c.id, (lpad(to_hex(ms), 12, '0') || '70008000' ||"
	    " lpad(to_hex((random() * 1e9)::bigint), 12, '0'))::uuid,"
	    " to_timestamp(ms / 1000.0), to_timestamp(ms / 1000.0),"
	    " to_timestamp(ms / 1000.0) + interval '%d minutes',"
	    " %s, CASE '%s' WHEN 'settled' THEN now() END,"
	    " CASE '%s' WHEN 'settled' THEN c.id END, CASE '%s' WHEN 'voided' THEN now() END"
	    " FROM clients c, (SELECT floor(extract(epoch FROM now()))::bigint * 1000"
	    " - %d * 60000 AS ms) AS t WHERE name = 'measured' RETURNING 1",
	    minutes, cents, state, state, state, minutes_ago);
}

static const char *
metric(const char *name)
{
	const char *at;

	api_expect(200, "GET", "/metrics", NULL);
	at = strstr(api_answer()->body, api_text("\n%s ", name));
	if (at == NULL)
		return "(none)";
	at += strlen(name) + 2;
	return api_text("%.*s", (int)strcspn(at, "\n"), at);
}

#define FIGURE(column) "SELECT " column " FROM job_runs WHERE job = 'expire'"

static void
figures_are_of_what_is_held(UNUSED void **state)
{
	api_sql("DELETE FROM authorizations; SELECT 1");
	free(servers_redis(servers, "FLUSHALL"));
	api_use_new_client("measured");
	insert("held", 50, 60, "2.5");
	insert("held", 1, 10, "NULL");
	insert("settled", 59, 60, "7");
	insert("voided", 59, 60, "7");
	insert("expired", 30, 10, "7");
	EXPECT_TALLY(EX_OK, NULL, "expire", "--dry-run");
	books_expect(servers, FIGURE("coalesce(open_holds, 0) = 2"), "f");
	EXPECT_TALLY(EX_OK, NULL, "expire");
	assert_string_equal(metric("tally_open_holds"), "2");
	assert_string_equal(metric("tally_held_cents"), "2.5");
	books_expect(servers, FIGURE("oldest_hold_ms BETWEEN 3000000 AND 3300000"), "t");
	assert_string_equal(metric("tally_oldest_hold_seconds"),
	    api_sql(FIGURE("trim_scale(oldest_hold_ms / 1000.0)")));
	assert_string_equal(metric("tally_spent_today_cents"), "0");
	api_add("/v1/chat-logs", "{\"message_length\":1,\"verified_cost_cents\":1.25}");
	EXPECT_TALLY(EX_OK, NULL, "flush");
	EXPECT_TALLY(EX_OK, NULL, "expire");
	assert_string_equal(metric("tally_spent_today_cents"), "1.25");
	api_sql("DELETE FROM authorizations; SELECT 1");
	EXPECT_TALLY(EX_OK, NULL, "expire");
	assert_string_equal(metric("tally_open_holds"), "0");
	assert_string_equal(metric("tally_oldest_hold_seconds"), "0");
}

/* What the table cannot show: an hour's hold that is still there after two. */
static void
a_hold_that_stays_is_seen(UNUSED void **state)
{
	const char *old =
	    api_sql("SELECT lpad(to_hex(floor(extract(epoch FROM now()))::bigint * 1000"
		    " - 7200000), 12, '0')");
	const char *id = api_text("%.8s-%.4s-7000-8000-000000000001", old, old + 8);

	api_use_budget("stays", "\"window\":\"day\",\"limit_cents\":10");
	api_add(POST, "{\"max_cost_cents\":4}");
	free(servers_redis(
	    servers, api_text("ZADD %s 9999999999998 %s", key_of("stays", "due"), id)));
	let_pass("stays");
	free(servers_redis(
	    servers, api_text("ZADD %s 9999999999998 %s", key_of("stays", "due"), id)));
	EXPECT_TALLY(EX_OK, "\"rows\":1", "expire", "--json");
	books_expect(servers, FIGURE("oldest_hold_ms BETWEEN 7200000 AND 7500000"), "t");
	free(servers_redis(servers, api_text("ZREM %s %s", key_of("stays", "due"), id)));
}

static void
without_redis_it_still_measures(UNUSED void **state)
{
	insert("held", 20, 60, "3");
	servers_signal(servers, SERVER_REDIS, SIGKILL);
	(void)servers_wait(servers, SERVER_REDIS);
	EXPECT_TALLY(EX_OK, "no hold was dropped", "expire");
	books_expect(servers, FIGURE("open_holds || ' ' || held_nanos"), "2 70000000");
	servers_restart(servers, SERVER_REDIS);
}

static int
start(void **state)
{
	int failed = api_start(state);

	servers = api_servers();
	return failed;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_past_its_time_is_dropped),
		cmocka_unit_test(more_than_one_call_drops),
		cmocka_unit_test(a_lost_count_is_left_alone),
		cmocka_unit_test(figures_are_of_what_is_held),
		cmocka_unit_test(a_hold_that_stays_is_seen),
		cmocka_unit_test(without_redis_it_still_measures),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
