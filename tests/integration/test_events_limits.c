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
what_is_wrong_is_refused(void **state)
{
	static const struct {
		const char *sentence, *path, *last_id, *status;
	} rows[] = {
		{ "an id that is none", "/v1/events", "yesterday", "422" },
		{ "an id with more behind it", "/v1/events", "1-2x", "422" },
		{ "half an id", "/v1/events", "12", "422" },
		{ "a number beyond 64 bits", "/v1/events", "99999999999999999999-0", "422" },
		{ "an id that is too long", "/v1/events",
		    "000000000000000000000000000000000000000000000-1", "422" },
		{ "a type that is none", "/v1/events?types=weather", NULL, "422" },
		{ "a session that is no id", "/v1/events?agent_session_id=x", NULL, "422" },
		{ "another parameter", "/v1/events?limit=1", NULL, "422" },
	};

	(void)state;
	api_use_new_client("refusals");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct listening l = listening_ask(rows[i].path, rows[i].last_id, rows[i].status);

		if (strstr(l.text, "application/problem+json") == NULL)
			fail_msg("%s: %s", rows[i].sentence, l.text);
		listening_close(&l);
	}
	api_use_scope("logs:read");
	struct listening l = listening_ask("/v1/events?types=credits.posted", NULL, "403");

	listening_close(&l);
	api_expect(200, "HEAD", "/v1/events", NULL);
}

static void
too_many_sessions_are_refused(void **state)
{
	char path[64 + (EVENTS_SESSIONS_MAX + 1) * sizeof SESSION] = "/v1/events?agent_session_id=";
	char *at = path + strlen(path);

	(void)state;
	api_use_new_client("many sessions");
	for (int i = 0; i < EVENTS_SESSIONS_MAX; i++)
		at = stpcpy(stpcpy(at, i == 0 ? "" : ","), SESSION);
	struct listening l = listening_to(path);

	listening_close(&l);
	(void)stpcpy(at, "," SESSION);
	l = listening_ask(path, NULL, "422");
	listening_close(&l);
}

static void
a_revoked_key_is_ended(void **state)
{
	(void)state;
	api_use_new_client("a revoked key");
	const char *all = api_key();
	const char *id =
	    api_add("/v1/auth-tokens", "{\"name\":\"short\",\"scopes\":[\"logs:read\"]}");

	api_use_key(api_keep("token"));
	struct listening l = listening_to("/v1/events");

	api_use_key(all);
	struct listening other = listening_to("/v1/events");

	api_expect(204, "DELETE", api_text("/v1/auth-tokens/%s", id), NULL);
	listening_await_end(&l);
	listening_post("still heard");
	listening_await(&other, listening_feature("still heard"));
	listening_close(&l);
	listening_close(&other);
}

/* Who listens by the same key to what it may still see stays. */
static void
a_key_that_loses_a_scope_is_ended(void **state)
{
	(void)state;
	api_use_new_client("a lesser key");
	const char *all = api_key();
	const char *id = api_add(
	    "/v1/auth-tokens", "{\"name\":\"less\",\"scopes\":[\"logs:read\",\"credits\"]}");

	api_use_key(api_keep("token"));
	struct listening records = listening_to("/v1/events?types=record");
	struct listening credits = listening_to("/v1/events?types=credits.posted");

	api_use_key(all);
	api_expect(
	    200, "PATCH", api_text("/v1/auth-tokens/%s", id), "{\"scopes\":[\"logs:read\"]}");
	listening_await_end(&credits);
	listening_post("still heard");
	listening_await(&records, listening_feature("still heard"));
	listening_close(&records);
	listening_close(&credits);
}

static bool
shows(void *line)
{
	assert_int_equal(api_send("GET", "/metrics", NULL, NULL), 200);
	return strstr(api_answer()->body, line) != NULL;
}

static void
await_metric(const char *name, int value)
{
	char line[80];

	(void)snprintf(line, sizeof line, "\n%s %d\n", name, value);
	assert_true(servers_await(shows, line));
}

#define ENTRIES 400

/* Entries that are as large as may be, put into the stream directly. */
static void
fill_stream(const char *name)
{
	static const char script[] =
	    "EVAL \"for i = 1, %d do redis.call('XADD', KEYS[1], '*', 'type', 'record', 'body', "
	    "string.rep('x', 60000)) end\" 1 tally:{%s}:stream";

	free(servers_redis(api_servers(), api_text(script, ENTRIES, client(name))));
}

static void
one_that_does_not_read_is_cut(void **state)
{
	static const char path[] = "/v1/events?types=record";

	(void)state;
	api_use_new_client("a slow reader");
	struct listening deaf = listening_deaf(path, NULL);

	api_use_operator();
	await_metric("tally_event_listeners", 1);
	fill_stream("a slow reader");
	await_metric("tally_event_listeners_cut_total", 1);
	listening_await_end(&deaf);
	assert_true(listening_count(&deaf, "event: record") < ENTRIES);
	listening_close(&deaf);
}

/* It came back and reads, but more slowly than the stream is cut. */
static void
what_is_gone_before_it_is_read_is_told(void **state)
{
	(void)state;
	api_use_new_client("overtaken");
	struct listening l = listening_to("/v1/events");

	fill_stream("overtaken");
	struct listening again = listening_deaf("/v1/events", listening_last_id(&l));

	listening_close(&l);
	listening_await(&again, "event: record");
	free(servers_redis(
	    api_servers(), api_text("XTRIM tally:{%s}:stream MAXLEN = 1", client("overtaken"))));
	listening_post("behind the gap");
	listening_await(&again, listening_feature("behind the gap"));
	assert_int_equal(listening_count(&again, "event: gap"), 1);
	assert_true(listening_count(&again, "event: record") < ENTRIES);
	listening_close(&again);
}

static void
limits_hold(void **state)
{
	(void)state;
	servers_setting(api_servers(), "listeners_max", "3");
	servers_setting(api_servers(), "listeners_per_client_max", "2");
	servers_signal(api_servers(), SERVER_TALLYD, SIGTERM);
	(void)servers_wait(api_servers(), SERVER_TALLYD);
	servers_restart(api_servers(), SERVER_TALLYD);
	api_use_new_client("the first");
	struct listening a = listening_to("/v1/events"), b = listening_to("/v1/events");
	struct listening c = listening_ask("/v1/events", NULL, "429");

	listening_close(&c);
	api_use_new_client("the second");
	c = listening_to("/v1/events");
	struct listening d = listening_ask("/v1/events", NULL, "503");

	listening_await(&d, "Retry-After: ");
	listening_close(&d);
	listening_close(&a);
	listening_close(&b);
	listening_close(&c);
	api_use_operator();
	await_metric("tally_event_listeners", 0);
	api_use_new_client("the third");
	a = listening_to("/v1/events");
	listening_close(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_refused),
		cmocka_unit_test(too_many_sessions_are_refused),
		cmocka_unit_test(a_revoked_key_is_ended),
		cmocka_unit_test(a_key_that_loses_a_scope_is_ended),
		cmocka_unit_test(one_that_does_not_read_is_cut),
		cmocka_unit_test(what_is_gone_before_it_is_read_is_told),
		cmocka_unit_test(limits_hold),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
