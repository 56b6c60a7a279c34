/* What is said in a conversation: limits, numbers, pages, and the newest that fit. */
#include "tests/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model/message.h"
#include "tests/api.h"

static const char *messages; /* the path of those of the conversation that was made last */

static const char *
begin(const char *client)
{
	const char *id;

	api_use_new_client(client);
	id = api_add("/v1/conversations", "{}");
	messages = api_text("/v1/conversations/%s/messages", id);
	return id;
}

static const char *
body(const char *role, const char *content, int64_t tokens)
{
	return api_text("{\"role\":\"%s\",\"content\":\"%s\",\"tokens\":%lld}", role, content,
	    (long long)tokens);
}

/* So many times the letter; as long as the program. */
static const char *
many(char letter, size_t count)
{
	char *text = malloc(count + 1);

	assert_non_null(text);
	memset(text, letter, count);
	text[count] = '\0';
	return text;
}

static const char *
object(size_t bytes)
{
	return api_text("{\"a\":\"%s\"}", many('m', bytes - strlen("{\"a\":\"\"}")));
}

static void
one_is_shown_as_it_was_given(UNUSED void **state)
{
	const char *id = begin("messages-given"), *added;

	added = api_add(messages, "{\"role\":\"assistant\",\"content\":\"a\\u0001\\n\\\"\u00e4\","
				  "\"tokens\":7,\"metadata\":{\"b\":[1, 2]}}");
	api_expect_json("conversation_id", id);
	api_expect_json("ordinal", "1");
	/* The sender has it: it is not sent back, nor kept for the next hours by its key. */
	api_expect_json("content", "(none)");
	api_expect_json("metadata", "(none)");
	api_expect(200, "GET", messages, NULL);
	api_expect_json("data.0.id", added);
	api_expect_json("data.0.role", "assistant");
	assert_non_null(strstr(api_answer()->body, "\"content\":\"a\\u0001\\n\\\"\u00e4\""));
	api_expect_json("data.0.tokens", "7");
	assert_non_null(strstr(api_answer()->body, "\"metadata\":{\"b\":[1,2]}"));
	api_add(messages, "{\"role\":\"tool\",\"content\":\"\"}");
	api_expect(200, "GET", messages, NULL);
	api_expect_json("data.1.content", "");
	api_expect_json("data.1.tokens", "0");
	api_expect_json("data.1.metadata", "null");
}

static void
each_limit_holds(UNUSED void **state)
{
	const struct {
		const char *sentence, *body, *field; /* NULL: it is taken */
	} cases[] = {
		{ "the longest content", body("user", many('c', MESSAGE_CONTENT_MAX), 0), NULL },
		{ "a byte more", body("user", many('c', MESSAGE_CONTENT_MAX + 1), 0), "content" },
		{ "as many letters of more bytes",
		    body("user", api_text("%s\u00e4", many('c', MESSAGE_CONTENT_MAX - 1)), 0),
		    "content" },
		{ "a NUL", body("user", "a\\u0000b", 0), "content" },
		{ "half of a letter", body("user", "\\ud800", 0), "content" },
		{ "no content", "{\"role\":\"user\"}", "content" },
		{ "no role", "{\"content\":\"c\"}", "role" },
		{ "another role", body("robot", "c", 0), "role" },
		{ "the most tokens", body("user", "c", MESSAGE_TOKENS_MAX), NULL },
		{ "a token more", body("user", "c", MESSAGE_TOKENS_MAX + 1), "tokens" },
		{ "less than none", body("user", "c", -1), "tokens" },
		{ "the largest metadata",
		    api_text("{\"role\":\"user\",\"content\":\"c\",\"metadata\":%s}",
			object(MESSAGE_METADATA_MAX)),
		    NULL },
		{ "a byte more of it",
		    api_text("{\"role\":\"user\",\"content\":\"c\",\"metadata\":%s}",
			object(MESSAGE_METADATA_MAX + 1)),
		    "metadata" },
		{ "metadata that is no object",
		    "{\"role\":\"user\",\"content\":\"c\",\"metadata\":[]}", "metadata" },
		{ "an ordinal of one's own", "{\"role\":\"user\",\"content\":\"c\",\"ordinal\":9}",
		    "ordinal" },
	};
	const char *id = begin("messages-limits");
	int taken = 0;

	for (size_t i = 0; i < COUNT(cases); i++) {
		long status = api_send("POST", messages, NULL, cases[i].body);

		if (cases[i].field != NULL)
			api_expect_field(cases[i].sentence, cases[i].field);
		else if (status != 201)
			fail_msg("%s: %s", cases[i].sentence, api_answer()->body);
		taken += status == 201;
	}
	/* What was refused has taken no number. */
	assert_string_equal(api_sql("SELECT message_count FROM conversations WHERE id = '%s'", id),
	    api_text("%d", taken));
}

#define APPENDERS 64
#define APPENDED_EACH 4

/* Of messages, and of one version. */
struct appender {
	pthread_t thread;
	const char *body;
	int added;
};

static const char *versions; /* the path of those of the same conversation */

static bool
append(const char *path, const char *sent)
{
	struct http_answer answer = api_call("POST", path, NULL, sent);
	bool added = answer.status == 201;

	http_free(&answer);
	return added;
}

static void *
append_in_thread(void *argument)
{
	struct appender *appender = argument;

	for (int i = 0; i < APPENDED_EACH; i++)
		appender->added += append(messages, appender->body);
	appender->added += append(versions, "{\"html\":\"v\"}");
	return NULL;
}

static void
numbers_have_no_gaps_when_many_append(UNUSED void **state)
{
	static struct appender appenders[APPENDERS];
	const char *id = begin("messages-appenders");

	versions = api_text("/v1/conversations/%s/versions", id);
	for (int i = 0; i < APPENDERS; i++) {
		appenders[i].body = body("user", "c", i);
		assert_int_equal(
		    pthread_create(&appenders[i].thread, NULL, append_in_thread, &appenders[i]), 0);
	}
	for (int i = 0; i < APPENDERS; i++) {
		pthread_join(appenders[i].thread, NULL);
		assert_int_equal(appenders[i].added, APPENDED_EACH + 1);
	}
	assert_string_equal(api_sql("SELECT array_agg(version ORDER BY version)\n"
				    "= ARRAY(SELECT generate_series(0, %d)) FROM versions\n"
				    "WHERE conversation_id = '%s'",
				APPENDERS - 1, id),
	    "t");
	assert_string_equal(api_sql("SELECT array_agg(ordinal ORDER BY ordinal)\n"
				    "= ARRAY(SELECT generate_series(1, %d)::bigint) FROM messages\n"
				    "WHERE conversation_id = '%s'",
				APPENDERS * APPENDED_EACH, id),
	    "t");
	/* Later numbers have no earlier times. */
	assert_string_equal(
	    api_sql(
		"SELECT count(*) FROM (SELECT created_at, lag(created_at) OVER\n"
		"(ORDER BY ordinal) AS before FROM messages WHERE conversation_id = '%s') AS m\n"
		"WHERE before > created_at",
		id),
	    "0");
	assert_string_equal(
	    api_sql("SELECT (message_count, token_count, last_message_at) =\n"
		    "(SELECT count(*), sum(tokens), max(m.created_at) FROM messages m\n"
		    "WHERE conversation_id = c.id)\n"
		    "FROM conversations c WHERE id = '%s'",
		id),
	    "t");
}

/* The ordinals of the last answer. */
static const char *
ordinals(void)
{
	const char *text = "";

	for (int row = 0; row < api_rows(); row++)
		text = api_text("%s%s ", text, api_json(api_text("data.%d.ordinal", row)));
	return text;
}

static const char *
page(const char *limit, const char *cursor)
{
	return api_text("%s?limit=%s%s%s", messages, limit,
	    cursor == NULL ? "" : "&cursor=", cursor == NULL ? "" : cursor);
}

static void
pages_go_from_the_oldest_on(UNUSED void **state)
{
	const char *cursor;

	begin("messages-pages");
	api_expect(200, "GET", messages, NULL);
	assert_int_equal(api_rows(), 0);
	api_expect_json("next_cursor", "null");
	for (int i = 1; i <= 5; i++)
		api_add(messages, body("user", "c", i));
	api_expect(200, "GET", page("2", NULL), NULL);
	assert_string_equal(ordinals(), "1 2 ");
	cursor = api_keep("next_cursor");
	/* What is purged meanwhile moves nothing. */
	api_sql("DELETE FROM messages WHERE ordinal IN (1, 2, 4) RETURNING 1");
	api_add(messages, body("user", "c", 6));
	api_expect(200, "GET", page("2", cursor), NULL);
	assert_string_equal(ordinals(), "3 5 ");
	api_expect(200, "GET", page("2", api_keep("next_cursor")), NULL);
	assert_string_equal(ordinals(), "6 ");
	api_expect_json("next_cursor", "null");
	api_expect(422, "GET", page("501", NULL), NULL);
	api_expect(422, "GET", page("2", "x"), NULL);
}

/* Four of the longest fill an answer. */
static void
an_answer_is_no_longer_than_its_limit(UNUSED void **state)
{
	const char *content = many('c', MESSAGE_CONTENT_MAX);

	begin("messages-bytes");
	for (int i = 1; i <= 5; i++)
		api_add(messages, body("user", content, 1));
	api_expect(200, "GET", messages, NULL);
	assert_string_equal(ordinals(), "1 2 3 4 ");
	assert_true(api_answer()->len < MESSAGES_BYTES_MAX + 4096);
	api_expect(200, "GET", page("50", api_keep("next_cursor")), NULL);
	assert_string_equal(ordinals(), "5 ");
	api_expect_json("next_cursor", "null");
	api_expect(200, "GET", api_text("%s/recent?tokens=100", messages), NULL);
	assert_string_equal(ordinals(), "2 3 4 5 ");
	api_expect_json("more", "true");
}

static void
an_answer_has_no_more_than_its_limit(UNUSED void **state)
{
	const char *id = begin("messages-many");

	api_sql("INSERT INTO messages (client_id, id, created_at, conversation_id, ordinal, role,\n"
		"content) SELECT client_id, gen_random_uuid(), now(), id, n,\n"
		"CASE WHEN n <= 2 THEN 'system' ELSE 'user' END, ''\n"
		"FROM conversations, generate_series(1, %d) AS n WHERE id = '%s'",
	    MESSAGES_MAX + 1, id);
	api_expect(200, "GET", api_text("%s/recent", messages), NULL);
	assert_int_equal(api_rows(), MESSAGES_MAX);
	api_expect_json("data.1.ordinal", "2");
	api_expect_json("data.2.ordinal", "4");
	api_expect_json("more", "true");
	api_sql("UPDATE messages SET role = 'system' WHERE conversation_id = '%s' RETURNING 1", id);
	api_expect(200, "GET", api_text("%s/recent", messages), NULL);
	assert_int_equal(api_rows(), MESSAGES_MAX);
	api_expect_json("data.0.ordinal", "2");
	api_expect_json("more", "true");
}

/* s: a system message, u: one of a user; the number: its tokens. */
static const struct {
	const char *sentence;
	const char *said;
	const char *query;
	const char *ordinals, *token_count, *more;
} recents[] = {
	{ "nothing was said", "", "?tokens=10", "", "0", "false" },
	{ "all fit", "u1 u2 u3", "?tokens=6", "1 2 3 ", "6", "false" },
	{ "any number where none is given", "u1 u2 u3", "", "1 2 3 ", "6", "false" },
	{ "the newest that fit", "u1 u2 u3", "?tokens=5", "2 3 ", "5", "true" },
	{ "one token less", "u1 u2 u3", "?tokens=4", "3 ", "3", "true" },
	{ "the newest is too long: a gap would mislead", "u1 u9", "?tokens=5", "", "0", "true" },
	{ "no older one is taken past one that is too long", "u1 u9 u1", "?tokens=5", "3 ", "1",
	    "true" },
	{ "nought leaves those without tokens", "u1 u0 u0", "?tokens=0", "2 3 ", "0", "true" },
	{ "a system message is there first", "s4 u1 u2 u3", "?tokens=9", "1 3 4 ", "9", "true" },
	{ "and in its place", "u1 s4 u2 u3", "?tokens=9", "2 3 4 ", "9", "true" },
	{ "all of them are", "s1 u1 s2 u2 s3 u3", "?tokens=9", "1 3 5 6 ", "9", "true" },
	{ "they leave nothing", "s4 u1 s5 u2", "?tokens=9", "1 3 ", "9", "true" },
	{ "but what has no tokens", "s4 u1 s5 u0", "?tokens=9", "1 3 4 ", "9", "true" },
	{ "they alone are more: they come alone", "s4 u0 s6 u0", "?tokens=9", "1 3 ", "10",
	    "true" },
	{ "nothing but system messages", "s4 s5", "?tokens=1", "1 2 ", "9", "false" },
};

static void
say_all(const char *said)
{
	while (*said != '\0') {
		const char *role = *said == 's' ? "system" : "user";

		api_add(messages, body(role, "c", atoi(said + 1)));
		said += strcspn(said, " ");
		said += strspn(said, " ");
	}
}

static void
the_newest_that_fit_come_oldest_first(UNUSED void **state)
{
	begin("messages-recent");
	for (size_t i = 0; i < COUNT(recents); i++) {
		messages =
		    api_text("/v1/conversations/%s/messages", api_add("/v1/conversations", "{}"));
		say_all(recents[i].said);
		api_expect(200, "GET", api_text("%s/recent%s", messages, recents[i].query), NULL);
		if (strcmp(ordinals(), recents[i].ordinals) != 0)
			fail_msg("%s: %s", recents[i].sentence, ordinals());
		api_expect_json("token_count", recents[i].token_count);
		api_expect_json("more", recents[i].more);
	}
	api_expect(422, "GET", api_text("%s/recent?tokens=-1", messages), NULL);
	api_expect(422, "GET",
	    api_text("%s/recent?tokens=%lld", messages, (long long)MESSAGE_RECENT_TOKENS_MAX + 1),
	    NULL);
}

static void
a_repeated_one_is_there_once_and_kept_nowhere_else(UNUSED void **state)
{
	const char *const headers[] = { "Idempotency-Key: once", NULL };
	const char *id = begin("messages-repeated");
	const char *said = "{\"role\":\"user\",\"content\":\"only-in-one-place\"}";

	assert_int_equal(api_send("POST", messages, headers, said), 201);
	assert_int_equal(api_send("POST", messages, headers, said), 201);
	api_expect_json("ordinal", "1");
	assert_string_equal(
	    api_sql("SELECT message_count FROM conversations WHERE id = '%s'", id), "1");
	/* Who has the database cannot try what was said against the hash of the request. */
	assert_string_equal(
	    api_sql("SELECT string_agg(relname, ' ') FROM pg_class\n"
		    "WHERE relkind IN ('r', 'p') AND NOT relispartition\n"
		    "AND relnamespace = 'public'::regnamespace\n"
		    "AND query_to_xml(format('SELECT t::text FROM %%I t', relname),\n"
		    "true, false, '')::text LIKE '%%only-in-one-place%%'"),
	    "messages");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM idempotency_keys\n"
		    "WHERE position('only-in-one-place' IN encode(body, 'escape')) > 0"),
	    "0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_shown_as_it_was_given),
		cmocka_unit_test(each_limit_holds),
		cmocka_unit_test(numbers_have_no_gaps_when_many_append),
		cmocka_unit_test(pages_go_from_the_oldest_on),
		cmocka_unit_test(an_answer_is_no_longer_than_its_limit),
		cmocka_unit_test(an_answer_has_no_more_than_its_limit),
		cmocka_unit_test(the_newest_that_fit_come_oldest_first),
		cmocka_unit_test(a_repeated_one_is_there_once_and_kept_nowhere_else),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
