/*
 * The fifth seed's sessions and messages, by its own testing requirements: CRUD of each model,
 * foreign keys, cascading deletes, defaults and times that are set by themselves. Its sessions are
 * conversations here, with a status besides.
 */
#include "tests/test.h"

#include "lib/base.h"
#include "tests/api.h"
#include "tests/conversing.h"

/* "Test session creation and retrieval." */
static void
a_session_is_created_read_changed_and_deleted(UNUSED void **state)
{
	const char *id;

	api_use_new_client("seed5-crud");
	id = api_add("/v1/conversations", "{\"title\":\"Coffee\"}");
	api_expect(200, "GET", conversing_at(id, ""), NULL);
	api_expect_json("title", "Coffee");
	api_expect(200, "PATCH", conversing_at(id, ""), "{\"title\":\"Instant coffee\"}");
	api_expect(200, "GET", conversing_at(id, ""), NULL);
	api_expect_json("title", "Instant coffee");
	api_expect(200, "DELETE", conversing_at(id, ""), NULL);
	api_expect(404, "GET", conversing_at(id, ""), NULL);
}

/* "Test message insertion and querying." One is never changed: what was said was said. */
static void
messages_are_inserted_and_queried(UNUSED void **state)
{
	const char *id;

	api_use_new_client("seed5-messages");
	id = api_add("/v1/conversations", "{}");
	api_add(conversing_at(id, "/messages"), "{\"role\":\"user\",\"content\":\"first\"}");
	api_add(conversing_at(id, "/messages"), "{\"role\":\"assistant\",\"content\":\"second\"}");
	api_expect(200, "GET", conversing_at(id, "/messages"), NULL);
	assert_int_equal(api_rows(), 2);
	api_expect_json("data.0.role", "user");
	api_expect_json("data.0.content", "first");
	api_expect_json("data.1.role", "assistant");
	api_expect_json("data.1.content", "second");
	api_expect_json("data.1.conversation_id", id);
}

/* As the database has them, whoever inserts. */
static const struct {
	const char *column, *value;
} defaults[] = {
	{ "title", "\"\"" },
	{ "status", "\"active\"" },
	{ "current_version", "null" },
	{ "next_version", "0" },
	{ "message_count", "0" },
	{ "token_count", "0" },
	{ "ended_at", "null" },
};

/* "Test default values and auto-timestamps." */
static void
defaults_and_times_are_set(UNUSED void **state)
{
	const char *id;

	api_use_new_client("seed5-defaults");
	id = api_sql("INSERT INTO conversations (client_id, id) SELECT id, gen_random_uuid()\n"
		     "FROM clients WHERE name = 'seed5-defaults' RETURNING id");
	for (size_t i = 0; i < COUNT(defaults); i++)
		assert_string_equal(
		    api_sql("SELECT to_jsonb(c) ->> '%s' IS NOT DISTINCT FROM\n"
			    "jsonb '%s' #>> '{}' FROM conversations c WHERE id = '%s'",
			defaults[i].column, defaults[i].value, id),
		    "t");
	assert_string_equal(
	    api_sql("SELECT created_at BETWEEN now() - interval '5 minutes' AND now()\n"
		    "AND updated_at BETWEEN created_at AND now()\n"
		    "FROM conversations WHERE id = '%s'",
		id),
	    "t");
}

/* A change of the session is; what is said in it has a time of its own. */
static void
updated_at_follows_changes(UNUSED void **state)
{
	const char *id, *updated;

	api_use_new_client("seed5-updated");
	id = api_add("/v1/conversations", "{}");
	updated = api_keep("updated_at");
	api_add(conversing_at(id, "/messages"), "{\"role\":\"user\",\"content\":\"c\"}");
	api_expect(200, "GET", conversing_at(id, ""), NULL);
	api_expect_json("updated_at", updated);
	assert_string_not_equal(api_json("last_message_at"), "null");
	api_expect(200, "PATCH", conversing_at(id, ""), "{\"title\":\"t\"}");
	assert_string_equal(
	    api_sql("SELECT updated_at > '%s' FROM conversations WHERE id = '%s'", updated, id),
	    "t");
}

/* "Test foreign key constraints": no message without its session, not even by hand. */
static void
a_message_needs_its_session(UNUSED void **state)
{
	api_use_new_client("seed5-foreign");
	assert_string_equal(
	    api_sql("DO $$ BEGIN\n"
		    "INSERT INTO messages (client_id, id, created_at, conversation_id, ordinal,\n"
		    "role, content) SELECT id, gen_random_uuid(), now(), gen_random_uuid(), 1,\n"
		    "'user', 'c' FROM clients WHERE name = 'seed5-foreign';\n"
		    "RAISE 'it was taken';\n"
		    "EXCEPTION WHEN foreign_key_violation THEN NULL;\n"
		    "END $$; SELECT count(*) FROM messages m JOIN clients c ON c.id = client_id\n"
		    "WHERE name = 'seed5-foreign'"),
	    "0");
}

/* "All related records will be deleted when a session is deleted." */
static void
a_session_takes_its_messages_with_it(UNUSED void **state)
{
	const char *id, *kept;

	api_use_new_client("seed5-cascade");
	id = api_add("/v1/conversations", "{}");
	kept = api_add("/v1/conversations", "{}");
	api_add(conversing_at(id, "/messages"), "{\"role\":\"user\",\"content\":\"c\"}");
	api_add(conversing_at(kept, "/messages"), "{\"role\":\"user\",\"content\":\"c\"}");
	api_expect(200, "DELETE", conversing_at(id, ""), NULL);
	api_expect_json("removed.messages", "1");
	assert_string_equal(
	    api_sql("SELECT string_agg(conversation_id::text, ' ') FROM messages m\n"
		    "JOIN clients c ON c.id = client_id WHERE name = 'seed5-cascade'"),
	    kept);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_created_read_changed_and_deleted),
		cmocka_unit_test(messages_are_inserted_and_queried),
		cmocka_unit_test(defaults_and_times_are_set),
		cmocka_unit_test(updated_at_follows_changes),
		cmocka_unit_test(a_message_needs_its_session),
		cmocka_unit_test(a_session_takes_its_messages_with_it),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
