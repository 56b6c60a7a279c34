/*
 * The fourth seed's models of conversations and messages, by its own list (section 5) and its tests
 * (section 6): "Conversation created", "Messages added with token tracking", "API usage recorded
 * and billed", "Cascade delete verified", "Foreign key constraints enforced".
 */
#include "tests/test.h"

#include <stdlib.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"
#include "tests/conversing.h"

#define UNKNOWN "01890000-0000-7000-8000-000000000000"

static struct servers *servers;

static int
start(void **state)
{
	api_start(state);
	servers = api_servers();
	return 0;
}

static void
say(const char *id, const char *role, int tokens)
{
	api_add(conversing_at(id, "/messages"),
	    api_text("{\"role\":\"%s\",\"content\":\"c\",\"tokens\":%d}", role, tokens));
}

/* Conversation.create, findBySession, findByClient. */
static void
a_conversation_is_created_and_found(UNUSED void **state)
{
	const char *session, *id;

	api_use_new_client("seed4-find");
	session = api_add("/v1/sessions", "{}");
	id = api_add("/v1/conversations", api_text("{\"session_id\":\"%s\"}", session));
	api_add("/v1/conversations", "{}");
	api_expect(200, "GET", api_text("/v1/conversations?session_id=%s", session), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.id", id);
	api_expect(200, "GET", "/v1/conversations", NULL);
	assert_int_equal(api_rows(), 2);
	api_use_new_client("seed4-other");
	api_expect(200, "GET", "/v1/conversations", NULL);
	assert_int_equal(api_rows(), 0);
}

/* Track active conversations, end one. */
static void
active_ones_are_tracked_until_they_end(UNUSED void **state)
{
	const char *id;

	api_use_new_client("seed4-active");
	id = api_add("/v1/conversations", "{}");
	api_add("/v1/conversations", "{}");
	api_expect(200, "GET", "/v1/conversations/count?by=status", NULL);
	api_expect_json("by_status.active", "2");
	api_expect(200, "POST", conversing_at(id, "/end"), NULL);
	api_expect(200, "GET", "/v1/conversations/count?by=status", NULL);
	api_expect_json("by_status.active", "1");
	api_expect_json("by_status.ended", "1");
	api_expect(200, "GET", "/v1/conversations?status=ended", NULL);
	api_expect_json("data.0.id", id);
}

/* Update and increment of message count and tokens; Message.getTotalTokens for billing. */
static void
messages_are_added_with_their_tokens(UNUSED void **state)
{
	const char *id;

	api_use_new_client("seed4-tokens");
	id = api_add("/v1/conversations", "{}");
	say(id, "user", 12);
	say(id, "assistant", 30);
	say(id, "tool", 0);
	api_expect(200, "GET", conversing_at(id, ""), NULL);
	api_expect_json("message_count", "3");
	api_expect_json("token_count", "42");
}

/* Message.getRecent, for the context of the next call. */
static void
recent_messages_are_the_context(UNUSED void **state)
{
	const char *id;

	api_use_new_client("seed4-recent");
	id = api_add("/v1/conversations", "{}");
	say(id, "system", 10);
	say(id, "user", 20);
	say(id, "assistant", 30);
	say(id, "user", 5);
	api_expect(200, "GET", conversing_at(id, "/messages/recent?tokens=50"), NULL);
	assert_int_equal(api_rows(), 3);
	api_expect_json("data.0.role", "system");
	api_expect_json("data.1.role", "assistant");
	api_expect_json("data.2.tokens", "5");
	api_expect_json("token_count", "45");
}

/* "Messages: 30-day retention", "Billing Data: Aggregated BEFORE deletion". */
static void
messages_go_after_thirty_days_and_billing_stays(UNUSED void **state)
{
	const char *id, *cost;

	api_use_new_client("seed4-retention");
	id = api_add("/v1/conversations", "{}");
	say(id, "user", 7);
	say(id, "assistant", 8);
	api_add("/v1/chat-logs",
	    api_text("{\"conversation_id\":\"%s\",\"input_tokens\":7,\"output_tokens\":8,"
		     "\"verified_cost_cents\":2.5}",
		id));
	api_sql("UPDATE messages SET created_at = now() - interval '32 days'\n"
		"WHERE conversation_id = '%s' AND ordinal = 1 RETURNING 1",
	    id);
	EXPECT_TALLY(EX_OK, NULL, "partitions");
	EXPECT_TALLY(EX_OK, "\"table\":\"messages\"", "purge", "--json");
	api_expect(200, "GET", conversing_at(id, "/messages"), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.ordinal", "2");
	api_expect(200, "GET", conversing_at(id, ""), NULL);
	api_expect_json("message_count", "2");
	api_expect_json("token_count", "15");
	EXPECT_TALLY(EX_OK, NULL, "flush");
	cost = api_sql("SELECT total_cost_cents::float FROM daily_costs d\n"
		       "JOIN clients c ON c.id = client_id WHERE name = 'seed4-retention'");
	assert_string_equal(cost, "2.5");
}

/* What names a row that is not there is refused, by the service and by the database. */
static void
foreign_keys_are_enforced(UNUSED void **state)
{
	const char *id;

	api_use_new_client("seed4-foreign");
	id = api_add("/v1/conversations", "{}");
	api_expect(422, "POST", "/v1/conversations", "{\"user_id\":\"" UNKNOWN "\"}");
	api_expect(422, "POST", "/v1/conversations", "{\"session_id\":\"" UNKNOWN "\"}");
	api_expect(404, "POST", conversing_at(UNKNOWN, "/messages"),
	    "{\"role\":\"user\",\"content\":\"c\"}");
	assert_string_equal(
	    api_sql("SELECT string_agg(conrelid::regclass || ' ' || confrelid::regclass || ' '\n"
		    "|| confdeltype::text, ', ' ORDER BY conrelid::regclass::text,\n"
		    "confrelid::regclass::text) FROM pg_constraint\n"
		    "WHERE contype = 'f' AND conparentid = 0\n"
		    "AND conrelid IN ('conversations'::regclass, 'messages'::regclass)\n"
		    "AND confrelid <> 'clients'::regclass"),
	    "conversations sessions n, conversations users c, messages conversations c");
	api_expect(200, "GET", conversing_at(id, ""), NULL);
}

/* A conversation takes its messages with it, a user the conversations; a session leaves them. */
static void
deleting_cascades(UNUSED void **state)
{
	const char *user, *session, *first, *second;

	api_use_new_client("seed4-cascade");
	user = api_add("/v1/users", "{\"email\":\"a@example.com\"}");
	session = api_add("/v1/sessions", api_text("{\"user_id\":\"%s\"}", user));
	first = api_add("/v1/conversations", api_text("{\"session_id\":\"%s\"}", session));
	second = api_add("/v1/conversations", api_text("{\"session_id\":\"%s\"}", session));
	say(first, "user", 1);
	say(second, "user", 1);
	api_sql("DELETE FROM sessions WHERE id = '%s' RETURNING 1", session);
	api_expect(200, "GET", conversing_at(first, ""), NULL);
	api_expect_json("session_id", "null");
	api_expect_json("user_id", user);
	api_sql("DELETE FROM conversations WHERE id = '%s' RETURNING 1", first);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM messages WHERE user_id = '%s'", user), "1");
	api_sql("DELETE FROM users WHERE id = '%s' RETURNING 1", user);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM conversations WHERE id = '%s'", second), "0");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM messages WHERE conversation_id = '%s'", second), "0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_conversation_is_created_and_found),
		cmocka_unit_test(active_ones_are_tracked_until_they_end),
		cmocka_unit_test(messages_are_added_with_their_tokens),
		cmocka_unit_test(recent_messages_are_the_context),
		cmocka_unit_test(messages_go_after_thirty_days_and_billing_stays),
		cmocka_unit_test(foreign_keys_are_enforced),
		cmocka_unit_test(deleting_cascades),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
