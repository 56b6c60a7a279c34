/* The html of versions through nginx: how long it may be, how it is kept, and how it comes back. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "app/api/versions.h"
#include "lib/base.h"
#include "tests/api.h"
#include "tests/conversing.h"

/* JSON of so many bytes of html: what stands before and behind it, and each unit. */
static char *
make_body(size_t bytes, const char *unit, size_t unit_bytes, size_t *ret_len)
{
	static const char before[] = "{\"html\":\"", behind[] = "\",\"description\":\"d\"}";
	size_t len = strlen(unit), count = bytes / unit_bytes, rest = bytes % unit_bytes;
	char *body = malloc(sizeof before + count * len + rest + sizeof behind), *at = body;

	assert_non_null(body);
	at = stpcpy(at, before);
	for (size_t i = 0; i < count; i++)
		at = mempcpy(at, unit, len);
	memset(at, 'x', rest);
	at = stpcpy(at + rest, behind);
	*ret_len = (size_t)(at - body);
	return body;
}

static struct http_answer
post_long(const char *path, size_t bytes, const char *unit, size_t unit_bytes)
{
	const struct http http = { servers_http_url(api_servers()), api_key() };
	size_t len;
	char *body = make_body(bytes, unit, unit_bytes, &len);
	struct http_answer answer = http_send_n(&http, "POST", path, NULL, body, len);

	free(body);
	return answer;
}

static const struct {
	const char *sentence;
	const char *unit; /* as JSON has it */
	const char *text; /* what it stands for */
} units[] = {
	{ "letters", "<p>tally</p>", "<p>tally</p>" },
	{ "escapes of two bytes", "\\n", "\n" },
	{ "escapes of six bytes for two", "\\u00e9", "\xc3\xa9" },
	{ "escapes of twelve bytes for four", "\\ud83d\\ude00", "\xf0\x9f\x98\x80" },
	{ "characters of three bytes", "\xe2\x82\xac", "\xe2\x82\xac" },
};

static void
assert_html(const struct http_answer *answer, size_t bytes, const char *unit)
{
	size_t len = strlen(unit);

	assert_int_equal(answer->status, 200);
	assert_int_equal(answer->len, bytes);
	for (size_t at = 0; at + len <= bytes; at += len)
		if (memcmp(answer->body + at, unit, len) != 0)
			fail_msg("other text from byte %zu on", at);
}

static void
html_may_be_16_mib_however_it_is_written(UNUSED void **state)
{
	static const char *const accept[] = { "Accept: text/html", NULL };
	const char *path = conversing_versions("versions-long");

	for (size_t i = 0; i < COUNT(units); i++) {
		const char *text = units[i].text;
		struct http_answer answer;

		print_message("%s\n", units[i].sentence);
		answer = post_long(path, VERSION_HTML_MAX, units[i].unit, strlen(text));
		assert_int_equal(answer.status, 201);
		assert_string_equal(http_json(&answer, "size_bytes", 0), "16777216");
		http_free(&answer);
		answer =
		    api_call("GET", conversing_version(path, api_text("%zu", i)), accept, NULL);
		assert_html(&answer, VERSION_HTML_MAX, text);
		assert_string_equal(http_header(&answer, "content-length"), "16777216");
		http_free(&answer);
	}
}

static void
a_byte_more_than_16_mib_is_refused(UNUSED void **state)
{
	const char *path = conversing_versions("versions-too-long");

	for (size_t i = 0; i < COUNT(units); i++) {
		struct http_answer answer =
		    post_long(path, VERSION_HTML_MAX + 1, units[i].unit, strlen(units[i].text));

		print_message("%s\n", units[i].sentence);
		assert_int_equal(answer.status, 422);
		assert_string_equal(http_json(&answer, "errors.0.field", 0), "html");
		http_free(&answer);
	}
	api_expect(404, "GET", conversing_version(path, "0"), NULL);
}

static void
a_body_has_a_limit_of_its_own(UNUSED void **state)
{
	const char *path = conversing_versions("versions-body");
	const struct http http = { servers_http_url(api_servers()), api_key() };
	char *spaces = malloc(VERSIONS_BODY_MAX + 1);
	struct http_answer answer;

	assert_non_null(spaces);
	memset(spaces, ' ', VERSIONS_BODY_MAX + 1);
	memcpy(spaces, "{\"html\":\"a\"}", 12);
	answer = http_send_n(&http, "POST", path, NULL, spaces, VERSIONS_BODY_MAX + 1);
	assert_int_equal(answer.status, 413);
	http_free(&answer);
	answer = http_send_n(&http, "POST", path, NULL, spaces, VERSIONS_BODY_MAX);
	assert_int_equal(answer.status, 201);
	http_free(&answer);
	free(spaces);
}

/* More than a part of it, with what JSON escapes, cut anywhere. */
static void
long_html_is_the_same_as_json(UNUSED void **state)
{
	const char *path = conversing_versions("versions-json");
	const size_t bytes = 3 * VERSION_PART_SIZE + 5;
	struct http_answer answer = post_long(path, bytes, "\\\"\\u0001", 2);
	const char *html;
	size_t count = 0;

	assert_int_equal(answer.status, 201);
	http_free(&answer);
	answer = api_call("GET", conversing_version(path, "0"), NULL, NULL);
	assert_int_equal(answer.status, 200);
	html = strstr(answer.body, "\"html\":\"");
	assert_non_null(html);
	html += strlen("\"html\":\"");
	for (; strncmp(html, "\\\"\\u0001", 8) == 0; html += 8)
		count++;
	assert_int_equal(count, bytes / 2);
	assert_string_equal(html, "x\"}");
	http_free(&answer);
}

static void
html_alone_runs_nothing_in_a_browser(UNUSED void **state)
{
	static const char *const accept[] = { "Accept: text/html", NULL };
	const char *path = conversing_versions("versions-html");

	api_expect(201, "POST", path, "{\"html\":\"<script>alert(1)</script>\"}");
	assert_int_equal(api_send("GET", conversing_version(path, "0"), accept, NULL), 200);
	assert_string_equal(api_answer()->body, "<script>alert(1)</script>");
	assert_string_equal(http_header(api_answer(), "content-type"), "text/html; charset=utf-8");
	assert_string_equal(http_header(api_answer(), "content-security-policy"), "sandbox");
	assert_string_equal(http_header(api_answer(), "x-content-type-options"), "nosniff");
	assert_int_equal(api_send("HEAD", conversing_version(path, "0"), accept, NULL), 200);
	assert_int_equal(api_answer()->len, 0);
	assert_string_equal(http_header(api_answer(), "content-length"), "25");
	assert_int_equal(api_send("GET", conversing_version(path, "1"), accept, NULL), 404);
	assert_string_equal(http_header(api_answer(), "content-type"), "application/problem+json");
}

static void
html_is_packed(UNUSED void **state)
{
	const char *path = conversing_versions("versions-packed");
	struct http_answer answer = post_long(path, 1 << 20, "<p>tally</p>", 12);

	assert_int_equal(answer.status, 201);
	http_free(&answer);
	assert_string_equal(
	    api_sql("SELECT pg_column_size(html) < size_bytes / 10 FROM versions WHERE '%s' LIKE"
		    " '%%' || conversation_id || '%%'",
		path),
	    "t");
	assert_string_equal(
	    api_sql("SELECT pg_column_compression(html) = CASE WHEN 'lz4' = ANY (enumvals)"
		    " THEN 'lz4' ELSE 'pglz' END FROM versions, pg_settings"
		    " WHERE name = 'default_toast_compression'"
		    " AND '%s' LIKE '%%' || conversation_id || '%%'",
		path),
	    "t");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(html_may_be_16_mib_however_it_is_written),
		cmocka_unit_test(a_byte_more_than_16_mib_is_refused),
		cmocka_unit_test(a_body_has_a_limit_of_its_own),
		cmocka_unit_test(long_html_is_the_same_as_json),
		cmocka_unit_test(html_alone_runs_nothing_in_a_browser),
		cmocka_unit_test(html_is_packed),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
