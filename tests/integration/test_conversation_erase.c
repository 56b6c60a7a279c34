/* DELETE /v1/conversations/{id}: all of it at once, with a receipt; and what goes with its user. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/conversing.h"
#include "tests/erasing.h"

#define MARK "said-in-confidence"

/* With an Idempotency-Key, whose answers are kept for a while. */
static const char *
add_repeatable(const char *to, const char *key, const char *body)
{
	const char *const headers[] = { api_text("Idempotency-Key: %s", key), NULL };

	assert_int_equal(api_send("POST", to, headers, body), 201);
	return api_keep("id");
}

/* A conversation of three messages, whose every text is the mark. */
static const char *
add_conversation(const char *members)
{
	const char *id = add_repeatable("/v1/conversations", api_text("begin %s", members),
	    api_text("{\"title\":\"" MARK "\"%s}", members));

	for (int i = 0; i < 3; i++)
		add_repeatable(conversing_at(id, "/messages"), api_text("say %d %s", i, id),
		    "{\"role\":\"user\",\"content\":\"" MARK "\",\"tokens\":2,"
		    "\"metadata\":{\"of\":\"" MARK "\"}}");
	api_expect(200, "POST", conversing_at(id, "/end"), NULL);
	return id;
}

static void
an_erasure_leaves_a_receipt_and_no_word(UNUSED void **state)
{
	const char *id, *other, *record;

	erasing_use_client("erase-conversation");
	other = api_add("/v1/conversations", "{\"title\":\"stays\"}");
	api_add(conversing_at(other, "/messages"), "{\"role\":\"user\",\"content\":\"stays\"}");
	id = add_conversation("");
	record = api_add("/v1/chat-logs",
	    api_text(
		"{\"conversation_id\":\"%s\",\"verified_cost_cents\":3,\"input_tokens\":6}", id));
	api_expect(200, "DELETE", conversing_at(id, ""), NULL);
	api_expect_json("conversation_id", id);
	api_expect_json("removed.messages", "3");
	api_expect_json("removed.conversations", "1");
	assert_string_equal(
	    api_sql("SELECT timestamptz '%s' BETWEEN now() - interval '5 minutes' AND now()",
		api_json("erased_at")),
	    "t");
	erasing_expect_nowhere(MARK);
	api_expect(404, "GET", conversing_at(id, ""), NULL);
	api_expect(404, "GET", conversing_at(id, "/messages"), NULL);
	api_expect(404, "DELETE", conversing_at(id, ""), NULL);
	/* What was spent is what was spent. */
	api_expect(200, "GET", api_text("/v1/chat-logs/%s", record), NULL);
	api_expect_json("verified_cost_cents", "3");
	api_expect_json("conversation_id", id);
	api_expect(200, "GET", conversing_at(other, "/messages"), NULL);
	assert_int_equal(api_rows(), 1);
	assert_string_equal(
	    api_sql("SELECT action || ' ' || (after -> 'removed' ->> 'messages') FROM audit_log\n"
		    "WHERE entity = 'conversations' AND entity_id = '%s'",
		id),
	    "erase 3");
}

static void
a_user_takes_theirs_with_them(UNUSED void **state)
{
	const char *user, *session, *id, *other, *receipt, *record;

	erasing_use_client("erase-talker");
	other = api_add("/v1/conversations", "{\"title\":\"stays\"}");
	api_add(conversing_at(other, "/messages"), "{\"role\":\"user\",\"content\":\"stays\"}");
	user = erasing_add_user("talker");
	session = api_add("/v1/sessions", api_text("{\"user_id\":\"%s\"}", user));
	id = add_conversation(api_text(",\"session_id\":\"%s\"", session));
	/* It names nobody, but what somebody said. */
	record = api_add("/v1/chat-logs",
	    api_text("{\"conversation_id\":\"%s\",\"input_tokens\":1,\"verified_cost_cents\":3,"
		     "\"metadata\":{\"of\":\"" MARK "\"}}",
		id));
	receipt = erasing_run("--user", user);
	assert_non_null(strstr(receipt, "\"messages\": 3"));
	assert_non_null(strstr(receipt, "\"conversations\": 1"));
	erasing_expect_nowhere(MARK);
	erasing_expect_nowhere(user);
	api_expect(200, "GET", api_text("/v1/chat-logs/%s", record), NULL);
	api_expect_json("verified_cost_cents", "3");
	api_expect_json("conversation_id", "null");
	api_expect(404, "GET", conversing_at(id, ""), NULL);
	api_expect(200, "GET", conversing_at(other, "/messages"), NULL);
	assert_int_equal(api_rows(), 1);
}

static void
what_a_user_said_is_in_their_export(UNUSED void **state)
{
	const char *user;

	erasing_use_client("export-talker");
	user = erasing_add_user("export-talker");
	add_conversation(api_text(",\"user_id\":\"%s\"", user));
	api_expect(200, "GET", api_text("/v1/users/%s/export", user), NULL);
	assert_non_null(strstr(api_answer()->body, "\"content\": \"" MARK "\""));
	assert_non_null(strstr(api_answer()->body, "\"title\": \"" MARK "\""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_erasure_leaves_a_receipt_and_no_word),
		cmocka_unit_test(a_user_takes_theirs_with_them),
		cmocka_unit_test(what_a_user_said_is_in_their_export),
	};

	return cmocka_run_group_tests(tests, erasing_start, api_stop);
}
