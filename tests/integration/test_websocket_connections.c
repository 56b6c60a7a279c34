#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/model/event.h"
#include "lib/model/websocket_connection.h"
#include "tests/api.h"

#define PATH "/v1/websocket-connections"

static const char *
add_user(const char *name)
{
	return api_add("/v1/users", api_text("{\"external_id\":\"%s\"}", name));
}

static const char *
add(const char *user, const char *name, const char *members)
{
	return api_add(PATH, api_text("{\"user_id\":\"%s\",\"connection_id\":\"%s\","
				      "\"client_type\":\"browser\"%s}",
				 user, name, members));
}

static void
is_registered_pinged_and_ended(void **state)
{
	(void)state;
	api_use_new_client("a life");
	const char *user = add_user("ada"), *other = add_user("bob");
	const char *id = add(user, "c1", ",\"client_ip\":\"192.0.2.7\",\"user_agent\":\"curl\"");

	add(other, "c2", "");
	api_expect_json("connection_status", "active");
	api_expect(200, "PATCH", api_text(PATH "/%s", id),
	    "{\"subscribed_events\":[\"agent.progress\"],"
	    "\"session_filters\":[\"0190b6f0-0000-7000-8000-0000000000aa\"]}");
	api_expect_json("subscribed_events.0", "agent.progress");
	api_sql("UPDATE websocket_connections SET last_ping_at = '2020-01-01' WHERE id = '%s'", id);
	api_expect(200, "POST", api_text(PATH "/%s/ping", id), NULL);
	assert_string_not_equal(api_json("last_ping_at"), "2020-01-01T00:00:00Z");
	api_expect(200, "GET", api_text(PATH "?user_id=%s&connection_status=active", user), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.id", id);
	api_expect(200, "POST", api_text(PATH "/%s/disconnect", id), NULL);
	api_expect_json("connection_status", "disconnected");
	const char *when = api_keep("disconnected_at");

	api_expect(200, "POST", api_text(PATH "/%s/disconnect", id), NULL);
	api_expect_json("disconnected_at", when);
	api_expect(409, "POST", api_text(PATH "/%s/ping", id), NULL);
	api_expect(200, "GET", PATH "?connection_status=active", NULL);
	assert_int_equal(api_rows(), 1);
}

static void
what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *sentence, *members, *field;
	} rows[] = {
		{ "a name that is taken", "\"connection_id\":\"taken\"", "connection_id" },
		{ "an event that is none", "\"connection_id\":\"n\",\"subscribed_events\":[\"x\"]",
		    "subscribed_events" },
		{ "a filter that is no id", "\"connection_id\":\"n\",\"session_filters\":[\"x\"]",
		    "session_filters" },
		{ "an address that is none", "\"connection_id\":\"n\",\"client_ip\":\"1.2.3\"",
		    "client_ip" },
		{ "no name", "\"user_agent\":\"n\"", "connection_id" },
	};

	(void)state;
	api_use_new_client("mistakes");
	const char *user = add_user("ada");

	add(user, "taken", "");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		(void)api_send("POST", PATH, NULL,
		    api_text(
			"{\"user_id\":\"%s\",\"client_type\":\"t\",%s}", user, rows[i].members));
		api_expect_field(rows[i].sentence, rows[i].field);
	}
	(void)api_send("POST", PATH, NULL,
	    "{\"user_id\":\"0190b6f0-0000-7000-8000-0000000000aa\",\"connection_id\":\"n\","
	    "\"client_type\":\"t\"}");
	api_expect_field("a user that is none", "user_id");
}

/* The events of its types are kept from then on. */
static void
makes_its_events_heard(void **state)
{
	char *answer;

	(void)state;
	api_use_new_client("heard");
	add(add_user("ada"), "c1", ",\"subscribed_events\":[\"record\"]");
	api_expect(201, "POST", "/v1/chat-logs", "{\"tokens_used\":7}");
	answer = servers_redis(
	    api_servers(), api_text("XLEN tally:{%s}:stream",
			       api_sql("SELECT id FROM clients WHERE name = 'heard'")));
	assert_string_equal(answer, "2");
	free(answer);
}

static void
expire(void)
{
	char *output;

	if (servers_tally(api_servers(), &output, "expire", NULL) != 0)
		fail_msg("tally expire: %s", output);
	free(output);
}

static void
the_silent_are_reaped(void **state)
{
	(void)state;
	api_use_new_client("silence");
	const char *user = add_user("ada");
	const char *silent = add(user, "silent", ""), *loud = add(user, "loud", "");
	const char *old = add(user, "old", ""), *late = add(user, "late", "");

	api_sql("UPDATE websocket_connections SET last_ping_at = now() - interval '%d s' "
		"WHERE id = '%s'",
	    WEBSOCKET_SILENCE_S, silent);
	/* Far from the bound: a slow run changes nothing. */
	api_sql("UPDATE websocket_connections SET last_ping_at = now() + interval '1 day' "
		"WHERE id = '%s'",
	    loud);
	api_expect(200, "POST", api_text(PATH "/%s/disconnect", old), NULL);
	api_expect(200, "POST", api_text(PATH "/%s/disconnect", late), NULL);
	api_sql("UPDATE websocket_connections SET disconnected_at = now() - interval '%d s' "
		"WHERE id = '%s'",
	    WEBSOCKET_KEPT_S, old);
	expire();
	api_expect(200, "GET", api_text(PATH "/%s", silent), NULL);
	api_expect_json("connection_status", "disconnected");
	api_expect(200, "GET", api_text(PATH "/%s", loud), NULL);
	api_expect_json("connection_status", "active");
	api_expect(404, "GET", api_text(PATH "/%s", old), NULL);
	api_expect(200, "GET", api_text(PATH "/%s", late), NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_registered_pinged_and_ended),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(makes_its_events_heard),
		cmocka_unit_test(the_silent_are_reaped),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
