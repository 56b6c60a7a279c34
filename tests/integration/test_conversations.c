/* /v1/conversations beyond what follows from their table. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/bound.h"
#include "tests/conversing.h"

#define UNKNOWN "01890000-0000-7000-8000-000000000000"

static void
say(const char *id, int tokens)
{
	api_add(conversing_at(id, "/messages"),
	    api_text("{\"role\":\"user\",\"content\":\"c\",\"tokens\":%d}", tokens));
}

static void
one_begins_empty(UNUSED void **state)
{
	static const struct {
		const char *member, *value;
	} members[] = {
		{ "user_id", "null" },
		{ "session_id", "null" },
		{ "title", "" },
		{ "status", "active" },
		{ "current_version", "null" },
		{ "message_count", "0" },
		{ "token_count", "0" },
		{ "last_message_at", "null" },
		{ "ended_at", "null" },
	};

	api_use_new_client("conversations-empty");
	api_add("/v1/conversations", "{}");
	for (size_t i = 0; i < COUNT(members); i++)
		api_expect_json(members[i].member, members[i].value);
	assert_string_equal(api_json("created_at"), api_keep("updated_at"));
}

static void
the_user_is_the_sessions(UNUSED void **state)
{
	const char *user, *session, *other, *foreign;
	struct {
		const char *sentence, *body, *field;
	} refused[6];

	api_use_new_client("conversations-foreign");
	foreign = api_add("/v1/sessions", "{}");
	api_use_new_client("conversations-session");
	user = api_add("/v1/users", "{\"email\":\"a@example.com\"}");
	other = api_add("/v1/users", "{\"email\":\"b@example.com\"}");
	session = api_add("/v1/sessions", api_text("{\"user_id\":\"%s\"}", user));
	api_add("/v1/conversations", api_text("{\"session_id\":\"%s\"}", session));
	api_expect_json("user_id", user);
	api_add("/v1/conversations",
	    api_text("{\"session_id\":\"%s\",\"user_id\":\"%s\"}", session, user));
	api_add("/v1/conversations",
	    api_text("{\"session_id\":\"%s\"}", api_add("/v1/sessions", "{}")));
	api_expect_json("user_id", "null");
	api_expect(204, "DELETE", api_text("/v1/users/%s", other), NULL);
	refused[0].sentence = "a session that is not there";
	refused[0].body = "{\"session_id\":\"" UNKNOWN "\"}";
	refused[0].field = "session_id";
	refused[1].sentence = "a session of another client";
	refused[1].body = api_text("{\"session_id\":\"%s\"}", foreign);
	refused[1].field = "session_id";
	refused[2].sentence = "a session of another user";
	refused[2].body = api_text("{\"session_id\":\"%s\",\"user_id\":\"%s\"}", session,
	    api_add("/v1/users", "{\"email\":\"c@example.com\"}"));
	refused[2].field = "session_id";
	refused[3].sentence = "a user who is not there";
	refused[3].body = "{\"user_id\":\"" UNKNOWN "\"}";
	refused[3].field = "user_id";
	refused[4].sentence = "a deleted user";
	refused[4].body = api_text("{\"user_id\":\"%s\"}", other);
	refused[4].field = "user_id";
	refused[5].sentence = "nobody's session for a user";
	refused[5].body = api_text(
	    "{\"session_id\":\"%s\",\"user_id\":\"%s\"}", api_add("/v1/sessions", "{}"), user);
	refused[5].field = "session_id";
	for (size_t i = 0; i < COUNT(refused); i++) {
		api_send("POST", "/v1/conversations", NULL, refused[i].body);
		api_expect_field(refused[i].sentence, refused[i].field);
	}
	api_expect(204, "DELETE", api_text("/v1/users/%s", user), NULL);
	api_send("POST", "/v1/conversations", NULL, api_text("{\"session_id\":\"%s\"}", session));
	api_expect_field("a session whose user was deleted", "user_id");
}

static void
a_title_is_changed_and_counts_are_not(UNUSED void **state)
{
	static const char *const given[] = { "message_count", "token_count", "status",
		"current_version", "ended_at", "user_id", "session_id" };
	const char *id, *etag;

	api_use_new_client("conversations-title");
	id = api_add("/v1/conversations", "{\"title\":\"first\"}");
	etag = api_text("If-Match: %s", http_header(api_answer(), "etag"));
	say(id, 5);
	/* What is said is no change of the conversation: whoever renames it need not have heard. */
	assert_int_equal(api_send("PATCH", conversing_at(id, ""),
			     (const char *const[]){ etag, NULL }, "{\"title\":\"second\"}"),
	    200);
	api_expect_json("title", "second");
	api_expect_json("message_count", "1");
	api_expect_json("token_count", "5");
	assert_int_equal(api_send("PATCH", conversing_at(id, ""),
			     (const char *const[]){ etag, NULL }, "{\"title\":\"third\"}"),
	    412);
	for (size_t i = 0; i < COUNT(given); i++) {
		api_send("PATCH", conversing_at(id, ""), NULL, api_text("{\"%s\":1}", given[i]));
		api_expect_field(given[i], given[i]);
	}
}

static void
one_that_has_ended_takes_no_more(UNUSED void **state)
{
	const char *id, *ended, *before;

	api_use_new_client("conversations-end");
	id = api_add("/v1/conversations", "{}");
	say(id, 1);
	api_expect(200, "POST", conversing_at(id, "/end"), NULL);
	api_expect_json("status", "ended");
	ended = api_keep("ended_at");
	assert_string_not_equal(ended, "null");
	before = api_sql("SELECT md5(c::text) FROM conversations c WHERE id = '%s'", id);
	api_expect(
	    409, "POST", conversing_at(id, "/messages"), "{\"role\":\"user\",\"content\":\"c\"}");
	api_expect(200, "POST", conversing_at(id, "/end"), NULL);
	api_expect_json("ended_at", ended);
	assert_string_equal(
	    api_sql("SELECT md5(c::text) FROM conversations c WHERE id = '%s'", id), before);
	api_expect(200, "GET", conversing_at(id, "/messages"), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect(404, "POST", conversing_at(UNKNOWN, "/end"), NULL);
	api_expect(404, "POST", conversing_at(UNKNOWN, "/messages"),
	    "{\"role\":\"user\",\"content\":\"c\"}");
}

/* Three of a user, one a day, the last of them in a session and ended; and one of nobody. */
static const char *user, *session;

static void
add_days(void)
{
	user = api_add("/v1/users", "{\"email\":\"a@example.com\"}");
	session = api_add("/v1/sessions", api_text("{\"user_id\":\"%s\"}", user));
	api_sql(
	    "INSERT INTO conversations (client_id, id, user_id, session_id, title, status,\n"
	    "ended_at, created_at)\n"
	    "SELECT client_id, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')\n"
	    "|| '70008000000000000001')::uuid, user_id, CASE n WHEN 3 THEN id END, n::text,\n"
	    "CASE n WHEN 3 THEN 'ended' ELSE 'active' END, CASE n WHEN 3 THEN at END, at\n"
	    "FROM sessions, generate_series(1, 3) AS n,\n"
	    "LATERAL (SELECT timestamptz '2026-03-01 12:00Z' + n * interval '1 day' AS at) AS v\n"
	    "WHERE id = '%s'",
	    session);
	api_add("/v1/conversations", "{\"title\":\"4\"}");
}

static const struct {
	const char *sentence, *query, *titles;
} searches[] = {
	{ "all, newest first", "", "4 3 2 1 " },
	{ "of the user", "user_id=USER", "3 2 1 " },
	{ "of the session", "session_id=SESSION", "3 " },
	{ "the active", "status=active", "4 2 1 " },
	{ "the ended", "status=ended", "3 " },
	{ "the active of the user", "status=active&user_id=USER", "2 1 " },
	{ "since an instant, which is in", "since=2026-03-03T12:00:00Z", "4 3 2 " },
	{ "since the microsecond behind it", "since=2026-03-03T12:00:00.000001Z", "4 3 " },
	{ "until an instant, which is out", "until=2026-03-03T12:00:00Z", "1 " },
	{ "until the microsecond behind it", "until=2026-03-03T12:00:00.000001Z", "2 1 " },
	{ "a time", "since=2026-03-02T12:00:00Z&until=2026-03-04T12:00:00Z", "2 1 " },
	{ "a time of the user and the session",
	    "since=2026-03-02T00:00:00Z&until=2026-03-05T00:00:00Z&user_id=USER&session_id=SESSION"
	    "&status=ended",
	    "3 " },
	{ "a time in which nothing began", "since=2026-04-01T00:00:00Z&until=2026-04-02T00:00:00Z",
	    "" },
	{ "a time that ends before it begins",
	    "since=2026-03-05T00:00:00Z&until=2026-03-01T00:00:00Z", "" },
};

static const char *
fill(const char *query)
{
	const struct {
		const char *word, *value;
	} words[] = { { "USER", user }, { "SESSION", session } };

	for (size_t i = 0; i < COUNT(words); i++) {
		const char *at = strstr(query, words[i].word);

		if (at != NULL)
			query = api_text("%.*s%s%s", (int)(at - query), query, words[i].value,
			    at + strlen(words[i].word));
	}
	return query;
}

static void
they_are_found_by_user_session_status_and_time(UNUSED void **state)
{
	api_use_new_client("conversations-search");
	add_days();
	for (size_t i = 0; i < COUNT(searches); i++) {
		const char *titles = "";

		api_expect(
		    200, "GET", api_text("/v1/conversations?%s", fill(searches[i].query)), NULL);
		for (int row = 0; row < api_rows(); row++)
			titles =
			    api_text("%s%s ", titles, api_json(api_text("data.%d.title", row)));
		if (strcmp(titles, searches[i].titles) != 0)
			fail_msg("%s: %s", searches[i].sentence, titles);
	}
}

static void
a_key_of_a_user_adds_that_users(UNUSED void **state)
{
	const char *mine, *client, *anothers, *own;

	api_use_new_client("conversations-bound");
	client = api_sql("SELECT id FROM clients WHERE name = 'conversations-bound'");
	mine = api_add("/v1/users", "{\"email\":\"a@example.com\"}");
	anothers = api_add("/v1/conversations", "{}");
	api_use_key(bound_make_key(client, mine));
	own = api_add("/v1/conversations", "{}");
	say(own, 3);
	api_expect(200, "GET", "/v1/conversations", NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.user_id", mine);
	api_expect_json("data.0.token_count", "3");
	api_expect(404, "DELETE", conversing_at(anothers, ""), NULL);
	api_expect(200, "DELETE", conversing_at(own, ""), NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_begins_empty),
		cmocka_unit_test(the_user_is_the_sessions),
		cmocka_unit_test(a_title_is_changed_and_counts_are_not),
		cmocka_unit_test(one_that_has_ended_takes_no_more),
		cmocka_unit_test(they_are_found_by_user_session_status_and_time),
		cmocka_unit_test(a_key_of_a_user_adds_that_users),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
