#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/events.h"
#include "app/server_stream.h"
#include "tests/api.h"
#include "tests/bound.h"
#include "tests/listening.h"

#define SESSION "0190b6f0-0000-7000-8000-0000000000aa"

/* The id of a client that was made here. */
static const char *
client(const char *name)
{
	return api_sql("SELECT id FROM clients WHERE name = '%s'", name);
}

static void
an_event_comes(void **state)
{
	(void)state;
	api_use_new_client("an event comes");
	struct listening l = listening_to("/v1/events");

	listening_await(&l, "Content-Type: text/event-stream");
	listening_post("first");
	listening_await(&l, listening_feature("first"));
	assert_int_equal(listening_count(&l, "event: record\ndata: {\"id\":"), 1);
	assert_int_equal(listening_count(&l, "\"tokens_used\":7"), 1);
	listening_close(&l);
}

static void
nothing_is_kept_unheard(void **state)
{
	char *keys;

	(void)state;
	api_use_new_client("nobody listens");
	listening_post("unheard");
	keys = servers_redis(
	    api_servers(), api_text("EXISTS tally:{%s}:stream",
			       api_sql("SELECT id FROM clients WHERE name = 'nobody listens'")));
	assert_string_equal(keys, "0");
	free(keys);
}

static void
another_client_hears_nothing(void **state)
{
	(void)state;
	api_use_new_client("the listener");
	struct listening l = listening_to("/v1/events");
	const char *key = api_key();

	api_use_new_client("the caller");
	struct listening other = listening_to("/v1/events");

	listening_post("foreign");
	listening_await(&other, listening_feature("foreign"));
	api_use_key(key);
	listening_post("own");
	listening_await(&l, listening_feature("own"));
	assert_int_equal(listening_count(&l, listening_feature("foreign")), 0);
	listening_close(&l);
	listening_close(&other);
}

static void
filters_choose(void **state)
{
	(void)state;
	api_use_new_client("filters");
	struct listening budgets = listening_to("/v1/events?types=budget.threshold,agent.progress");
	struct listening session = listening_to("/v1/events?agent_session_id=" SESSION);
	struct listening all = listening_to("/v1/events?types=record");

	listening_post("of no session");
	api_expect(201, "POST", "/v1/chat-logs",
	    "{\"feature\":\"of the session\",\"tokens_used\":7,\"agent_session_id\":\"" SESSION
	    "\"}");
	listening_post("the last");
	listening_await(&all, listening_feature("the last"));
	listening_await(&session, listening_feature("of the session"));
	assert_int_equal(listening_count(&session, "event: record"), 1);
	assert_int_equal(listening_count(&all, "event: record"), 3);
	assert_int_equal(listening_count(&budgets, "event: "), 0);
	listening_close(&budgets);
	listening_close(&session);
	listening_close(&all);
}

/* What is heard of agent sessions alone is told of these alone. */
static void
an_agent_tells_how_far_it_is(void **state)
{
	(void)state;
	api_use_new_client("an agent");
	const char *id = api_add("/v1/agent-sessions", "{\"vision\":\"to try it\"}");
	struct listening l = listening_to(api_text("/v1/events?agent_session_id=%s", id));

	listening_post("of no session");
	api_expect(200, "PATCH", api_text("/v1/agent-sessions/%s/progress", id),
	    "{\"phase\":\"PLAN\",\"iteration_count\":2}");
	listening_await(&l, "\"phase\":\"PLAN\"");
	api_expect(201, "POST", "/v1/chat-logs",
	    api_text(
		"{\"feature\":\"its call\",\"tokens_used\":7,\"agent_session_id\":\"%s\"}", id));
	listening_await(&l, listening_feature("its call"));
	api_expect(200, "POST", api_text("/v1/agent-sessions/%s/complete", id), "{}");
	listening_await(&l, "\"status\":\"completed\"");
	assert_int_equal(listening_count(&l, "event: agent.progress"), 2);
	assert_int_equal(listening_count(&l, "event: record"), 1);
	/* The beginning of the stream, and those three. */
	char *kept =
	    servers_redis(api_servers(), api_text("XLEN tally:{%s}:stream", client("an agent")));

	assert_string_equal(kept, "4");
	free(kept);
	listening_close(&l);
}

static void
a_bound_key_sees_its_user(void **state)
{
	(void)state;
	api_use_new_client("a bound listener");
	const char *all = api_key();
	const char *user = api_add("/v1/users", "{\"external_id\":\"one\"}");
	const char *other = api_add("/v1/users", "{\"external_id\":\"two\"}");

	api_use_key(bound_make_key(client("a bound listener"), user));
	struct listening l = listening_to("/v1/events");

	api_use_key(all);
	listening_post("of nobody");
	api_expect(201, "POST", "/v1/chat-logs",
	    api_text("{\"feature\":\"of another\",\"tokens_used\":7,\"user_id\":\"%s\"}", other));
	api_expect(201, "POST", "/v1/chat-logs",
	    api_text("{\"feature\":\"of the user\",\"tokens_used\":7,\"user_id\":\"%s\"}", user));
	listening_await(&l, listening_feature("of the user"));
	assert_int_equal(listening_count(&l, "event: record"), 1);
	listening_close(&l);
}

static void
restart_tallyd(void)
{
	servers_signal(api_servers(), SERVER_TALLYD, SIGTERM);
	(void)servers_wait(api_servers(), SERVER_TALLYD);
	servers_restart(api_servers(), SERVER_TALLYD);
}

static void
resumes_over_a_restart(void **state)
{
	(void)state;
	api_use_new_client("a restart");
	struct listening l = listening_to("/v1/events");

	listening_post("before");
	listening_await(&l, listening_feature("before"));
	restart_tallyd();
	listening_await_end(&l);
	listening_post("between 1");
	listening_post("between 2");
	struct listening again = listening_ask("/v1/events", listening_last_id(&l), "200");

	listening_post("after");
	listening_await(&again, listening_feature("after"));
	assert_int_equal(listening_count(&l, "event: record"), 1);
	assert_int_equal(listening_count(&again, "event: record"), 3);
	assert_int_equal(listening_count(&again, listening_feature("between 1")), 1);
	assert_int_equal(listening_count(&again, listening_feature("between 2")), 1);
	assert_int_equal(listening_count(&again, "event: gap"), 0);
	listening_close(&l);
	listening_close(&again);
}

/* More than one reading of the stream, while others follow its end. */
static void
catches_up_beside_others(void **state)
{
	char body[2 * EVENT_READ_MAX * 64], *at = body;

	(void)state;
	api_use_new_client("catching up");
	struct listening live = listening_to("/v1/events");
	struct listening l = listening_to("/v1/events");
	const char *id = listening_last_id(&l);

	listening_close(&l);
	at = stpcpy(at, "[");
	for (int i = 0; i < EVENT_READ_MAX + 100; i++)
		at = stpcpy(at,
		    api_text("%s{\"tokens_used\":7,\"feature\":\"f%d\"}", i == 0 ? "" : ",", i));
	(void)stpcpy(at, "]");
	api_expect(200, "POST", "/v1/chat-logs", body);
	listening_await(&live, listening_feature(api_text("f%d", EVENT_READ_MAX + 99)));
	l = listening_ask("/v1/events", id, "200");
	listening_post("the last");
	listening_await(&l, listening_feature("the last"));
	listening_await(&live, listening_feature("the last"));
	assert_int_equal(listening_count(&l, "event: record"), EVENT_READ_MAX + 101);
	assert_int_equal(listening_count(&live, "event: record"), EVENT_READ_MAX + 101);
	listening_close(&l);
	listening_close(&live);
}

static void
a_gap_is_told(void **state)
{
	(void)state;
	api_use_new_client("a gap");
	struct listening l = listening_ask("/v1/events", "1-1", "200");

	listening_await(&l, "event: gap");
	listening_post("behind the gap");
	listening_await(&l, listening_feature("behind the gap"));
	assert_int_equal(listening_count(&l, "event: gap"), 1);
	listening_close(&l);
	l = listening_ask("/v1/events", "9999999999999-0", "200");
	listening_await(&l, "event: gap");
	listening_post("from now on");
	listening_await(&l, listening_feature("from now on"));
	assert_int_equal(listening_count(&l, "event: record"), 1);
	listening_close(&l);
}

static void
restart_redis(void)
{
	servers_signal(api_servers(), SERVER_REDIS, SIGKILL);
	(void)servers_wait(api_servers(), SERVER_REDIS);
	servers_restart(api_servers(), SERVER_REDIS);
}

/* As if the clock of the new Redis were behind that of the old one. */
static void
a_lost_redis_that_was_ahead_is_told(void **state)
{
	(void)state;
	api_use_new_client("a Redis ahead");
	struct listening l = listening_to("/v1/events");

	free(servers_redis(
	    api_servers(), api_text("XADD tally:{%s}:stream 9999999999999-0 type record body ahead",
			       client("a Redis ahead"))));
	listening_await(&l, "data: ahead");
	restart_redis();
	listening_await(&l, "event: gap");
	listening_post("after");
	listening_await(&l, listening_feature("after"));
	assert_int_equal(listening_count(&l, "event: gap"), 1);
	listening_close(&l);
}

static void
a_lost_redis_is_told(void **state)
{
	(void)state;
	api_use_new_client("a lost Redis");
	struct listening l = listening_to("/v1/events");

	listening_post("before");
	listening_await(&l, listening_feature("before"));
	restart_redis();
	listening_await(&l, "event: gap");
	listening_post("after");
	listening_await(&l, listening_feature("after"));
	listening_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_comes),
		cmocka_unit_test(nothing_is_kept_unheard),
		cmocka_unit_test(another_client_hears_nothing),
		cmocka_unit_test(filters_choose),
		cmocka_unit_test(an_agent_tells_how_far_it_is),
		cmocka_unit_test(a_bound_key_sees_its_user),
		cmocka_unit_test(resumes_over_a_restart),
		cmocka_unit_test(catches_up_beside_others),
		cmocka_unit_test(a_gap_is_told),
		cmocka_unit_test(a_lost_redis_is_told),
		cmocka_unit_test(a_lost_redis_that_was_ahead_is_told),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
