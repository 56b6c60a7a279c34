/* Versions of a conversation through nginx: numbers, lists, what is current. */
#include "tests/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/model/version.h"
#include "tests/api.h"
#include "tests/conversing.h"

#define APPENDS 64
#define ABSENT "00000000-0000-7000-8000-000000000001"

static const char *
current_of(const char *path)
{
	return api_sql(
	    "SELECT current_version FROM conversations WHERE '%s' LIKE '%%' || id || '%%'", path);
}

static void
numbers_begin_with_0_and_the_newest_is_current(UNUSED void **state)
{
	const char *path = conversing_versions("versions-numbers");

	assert_string_equal(current_of(path), "");
	api_expect(201, "POST", path, "{\"html\":\"<p>one</p>\",\"description\":\"first\"}");
	api_expect_json("version", "0");
	api_expect_json("current", "true");
	api_expect_json("size_bytes", "10");
	api_expect_json("html", "(none)");
	api_expect(201, "POST", path, "{\"html\":\"<p>two!</p>\"}");
	api_expect_json("version", "1");
	api_expect_json("description", "null");
	assert_string_equal(current_of(path), "1");
	api_expect(200, "GET", conversing_version(path, "0"), NULL);
	api_expect_json("html", "<p>one</p>");
	api_expect_json("description", "first");
	api_expect_json("current", "false");
}

static void
a_list_shows_all_but_the_html(UNUSED void **state)
{
	const char *path = conversing_versions("versions-list"), *cursor;

	for (int i = 0; i < 3; i++)
		api_expect(201, "POST", path, "{\"html\":\"only in the version itself\"}");
	api_expect(200, "GET", api_text("%s?limit=2", path), NULL);
	assert_int_equal(api_rows(), 2);
	assert_null(strstr(api_answer()->body, "itself"));
	api_expect_json("data.0.version", "2");
	api_expect_json("data.0.current", "true");
	api_expect_json("data.1.version", "1");
	api_expect_json("data.1.current", "false");
	api_expect_json("data.1.size_bytes", "26");
	cursor = api_keep("next_cursor");
	api_expect(201, "POST", path, "{\"html\":\"later\"}");
	api_expect(200, "GET", api_text("%s?limit=2&cursor=%s", path, cursor), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.version", "0");
	api_expect_json("next_cursor", "null");
}

static void
a_conversation_without_versions_has_an_empty_list(UNUSED void **state)
{
	const char *path = conversing_versions("versions-none");

	api_expect(200, "GET", path, NULL);
	assert_int_equal(api_rows(), 0);
	api_expect(404, "GET", conversing_version(path, "0"), NULL);
}

static void
an_older_version_can_be_current(UNUSED void **state)
{
	const char *path = conversing_versions("versions-current");

	api_expect(201, "POST", path, "{\"html\":\"a\"}");
	api_expect(201, "POST", path, "{\"html\":\"b\"}");
	api_expect(200, "POST", conversing_version(path, "0/current"), NULL);
	api_expect_json("version", "0");
	api_expect_json("current", "true");
	assert_string_equal(current_of(path), "0");
	api_expect(200, "GET", conversing_version(path, "1"), NULL);
	api_expect_json("current", "false");
	api_expect(404, "POST", conversing_version(path, "2/current"), NULL);
	assert_string_equal(current_of(path), "0");
	/* The next one is behind all, and current again. */
	api_expect(201, "POST", path, "{\"html\":\"c\"}");
	api_expect_json("version", "2");
	assert_string_equal(current_of(path), "2");
}

static void
two_versions_differ_in_size_and_time(UNUSED void **state)
{
	const char *path = conversing_versions("versions-diff");

	api_expect(201, "POST", path, "{\"html\":\"12345\"}");
	api_expect(201, "POST", path, "{\"html\":\"12\"}");
	api_sql("UPDATE versions SET created_at = '2026-01-01Z'::timestamptz + version * interval"
		" '1.5 s' WHERE '%s' LIKE '%%' || conversation_id || '%%'",
	    path);
	api_expect(200, "GET", conversing_version(path, "diff?from=0&to=1"), NULL);
	api_expect_json("size_difference_bytes", "-3");
	api_expect_json("time_difference_ms", "1500");
	api_expect_json("from.version", "0");
	api_expect_json("from.size_bytes", "5");
	api_expect_json("to.version", "1");
	api_expect_json("to.created_at", "2026-01-01T00:00:01.500Z");
	api_expect(200, "GET", conversing_version(path, "diff?from=1&to=0"), NULL);
	api_expect_json("size_difference_bytes", "3");
	api_expect_json("time_difference_ms", "-1500");
	api_expect(404, "GET", conversing_version(path, "diff?from=0&to=2"), NULL);
	api_send("GET", conversing_version(path, "diff?from=0"), NULL, NULL);
	api_expect_field("both are named", "to");
}

static const struct {
	const char *sentence;
	const char *version;
} no_versions[] = {
	{ "a number that none has", "1" },
	{ "one too large for a number", "2147483648" },
	{ "one with more digits than any", "99999999999999999999999999" },
	{ "a negative one", "-1" },
	{ "another spelling", "00" },
	{ "a fraction", "0.5" },
	{ "a word", "latest" },
};

static void
what_is_no_version_is_not_found(UNUSED void **state)
{
	const char *path = conversing_versions("versions-absent");

	api_expect(201, "POST", path, "{\"html\":\"a\"}");
	for (size_t i = 0; i < COUNT(no_versions); i++) {
		print_message("%s\n", no_versions[i].sentence);
		api_expect(404, "GET", conversing_version(path, no_versions[i].version), NULL);
		api_expect(404, "POST",
		    conversing_version(path, api_text("%s/current", no_versions[i].version)), NULL);
	}
	api_expect(404, "GET", "/v1/conversations/" ABSENT "/versions", NULL);
	api_expect(404, "GET", "/v1/conversations/" ABSENT "/versions/0", NULL);
	api_expect(404, "GET", "/v1/conversations/" ABSENT "/versions/diff?from=0&to=0", NULL);
	api_expect(404, "POST", "/v1/conversations/" ABSENT "/versions", "{\"html\":\"a\"}");
}

static const struct {
	const char *sentence;
	const char *body;
	const char *field;
} bad_versions[] = {
	{ "a version has html", "{\"description\":\"d\"}", "html" },
	{ "null is none", "{\"html\":null}", "html" },
	{ "it is not empty", "{\"html\":\"\"}", "html" },
	{ "it is a text", "{\"html\":7}", "html" },
	{ "nor an object", "{\"html\":{\"a\":1}}", "html" },
	{ "it is given once", "{\"html\":\"a\",\"html\":\"b\"}", "html" },
	{ "it has no NUL", "{\"html\":\"a\\u0000\"}", "html" },
	{ "nor half a character", "{\"html\":\"a\\ud800\"}", "html" },
	{ "the number is not for the caller to choose", "{\"html\":\"a\",\"version\":7}",
	    "version" },
	{ "a description is a text", "{\"html\":\"a\",\"description\":1}", "description" },
};

static void
a_bad_version_is_refused_by_field(UNUSED void **state)
{
	const char *path = conversing_versions("versions-bad");

	for (size_t i = 0; i < COUNT(bad_versions); i++) {
		api_send("POST", path, NULL, bad_versions[i].body);
		api_expect_field(bad_versions[i].sentence, bad_versions[i].field);
	}
	api_expect(400, "POST", path, "{\"html\":\"a\xff\"}");
	api_expect(201, "POST", path, "{\"html\":\"none of those took a number\"}");
	api_expect_json("version", "0");
}

static void
a_description_may_be_500_characters(UNUSED void **state)
{
	const char *path = conversing_versions("versions-description");
	char text[VERSION_DESCRIPTION_MAX + 2];

	memset(text, 'd', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	api_send("POST", path, NULL, api_text("{\"html\":\"a\",\"description\":\"%s\"}", text));
	api_expect_field("501 are too many", "description");
	text[VERSION_DESCRIPTION_MAX] = '\0';
	api_expect(201, "POST", path, api_text("{\"html\":\"a\",\"description\":\"%s\"}", text));
}

static void
a_conversation_that_has_ended_takes_no_more(UNUSED void **state)
{
	const char *path = conversing_versions("versions-ended");

	api_expect(201, "POST", path, "{\"html\":\"a\"}");
	api_sql("UPDATE conversations SET status = 'ended', ended_at = now() WHERE '%s' LIKE '%%'"
		" || id || '%%'",
	    path);
	api_expect(409, "POST", path, "{\"html\":\"b\"}");
	api_expect(200, "GET", conversing_version(path, "0"), NULL);
}

/* By its own statement, and by the foreign key. */
static void
versions_go_with_their_conversation(UNUSED void **state)
{
	const char *path = conversing_versions("versions-gone");

	api_expect(201, "POST", path, "{\"html\":\"a\"}");
	api_expect(201, "POST", path, "{\"html\":\"b\"}");
	api_expect(
	    200, "DELETE", api_text("%.*s", (int)(strlen(path) - strlen("/versions")), path), NULL);
	api_expect_json("removed.versions", "2");
	api_expect(404, "GET", path, NULL);
	path = conversing_versions("versions-cascade");
	api_expect(201, "POST", path, "{\"html\":\"a\"}");
	assert_string_equal(
	    api_sql(
		"WITH gone AS (DELETE FROM conversations WHERE '%s' LIKE '%%' || id || '%%')"
		" SELECT count(*) FROM versions WHERE '%s' LIKE '%%' || conversation_id || '%%'",
		path, path),
	    "1");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM versions WHERE '%s' LIKE '%%' || conversation_id || '%%'",
		path),
	    "0");
}

/* A version has the user of its conversation, with whom it goes. */
static void
versions_are_their_users(UNUSED void **state)
{
	const char *user, *path;

	api_use_new_client("versions-user");
	user = api_add("/v1/users", "{\"external_id\":\"ann\"}");
	path = api_text("/v1/conversations/%s/versions",
	    api_add("/v1/conversations", api_text("{\"user_id\":\"%s\"}", user)));
	api_expect(201, "POST", path, "{\"html\":\"a\"}");
	assert_string_equal(
	    api_sql("SELECT user_id FROM versions WHERE user_id = '%s'", user), user);
	api_sql("DELETE FROM users WHERE id = '%s'", user);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM versions WHERE user_id = '%s'", user), "0");
}

struct append {
	const char *path;
	pthread_t thread;
	long status;
	int version;
};

static pthread_barrier_t together;

static void *
append(void *context)
{
	struct append *append = context;
	struct http_answer answer;

	pthread_barrier_wait(&together);
	answer = api_call("POST", append->path, NULL, "{\"html\":\"at the same time\"}");
	append->status = answer.status;
	append->version = atoi(http_json(&answer, "version", 0));
	http_free(&answer);
	return NULL;
}

static void
concurrent_appends_leave_no_gap(UNUSED void **state)
{
	const char *path = conversing_versions("versions-at-once");
	struct append appends[APPENDS];
	bool seen[APPENDS] = { false };

	pthread_barrier_init(&together, NULL, APPENDS);
	for (size_t i = 0; i < APPENDS; i++) {
		appends[i].path = path;
		assert_int_equal(pthread_create(&appends[i].thread, NULL, append, &appends[i]), 0);
	}
	for (size_t i = 0; i < APPENDS; i++) {
		assert_int_equal(pthread_join(appends[i].thread, NULL), 0);
		assert_int_equal(appends[i].status, 201);
		assert_in_range(appends[i].version, 0, APPENDS - 1);
		assert_false(seen[appends[i].version]);
		seen[appends[i].version] = true;
	}
	pthread_barrier_destroy(&together);
	assert_string_equal(
	    api_sql("SELECT count(*) || ' ' || min(version) || ' ' || max(version) || ' ' ||"
		    " count(DISTINCT version) FROM versions WHERE '%s' LIKE '%%' ||"
		    " conversation_id || '%%'",
		path),
	    "64 0 63 64");
	assert_string_equal(current_of(path), "63");
}

static void
an_append_that_is_sent_again_is_answered_again(UNUSED void **state)
{
	static const char *const keys[] = { "Idempotency-Key: once", NULL };
	const char *path = conversing_versions("versions-again"), *id;

	assert_int_equal(api_send("POST", path, keys, "{\"html\":\"\\\"a\\\"\"}"), 201);
	id = api_keep("id");
	assert_int_equal(api_send("POST", path, keys, "{\"html\":\"\\\"a\\\"\"}"), 201);
	api_expect_json("id", id);
	assert_int_equal(api_send("POST", path, keys, "{\"html\":\"\\\"b\\\"\"}"), 422);
	api_expect(200, "GET", path, NULL);
	assert_int_equal(api_rows(), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_begin_with_0_and_the_newest_is_current),
		cmocka_unit_test(a_list_shows_all_but_the_html),
		cmocka_unit_test(a_conversation_without_versions_has_an_empty_list),
		cmocka_unit_test(an_older_version_can_be_current),
		cmocka_unit_test(two_versions_differ_in_size_and_time),
		cmocka_unit_test(what_is_no_version_is_not_found),
		cmocka_unit_test(a_bad_version_is_refused_by_field),
		cmocka_unit_test(a_description_may_be_500_characters),
		cmocka_unit_test(a_conversation_that_has_ended_takes_no_more),
		cmocka_unit_test(versions_go_with_their_conversation),
		cmocka_unit_test(versions_are_their_users),
		cmocka_unit_test(concurrent_appends_leave_no_gap),
		cmocka_unit_test(an_append_that_is_sent_again_is_answered_again),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
