/*
 * What a caller can send through nginx that no caller should: each gets its problem document and no
 * 500, stores nothing, and leaves the service well.
 */
#include "tests/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/api.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define UNKNOWN_ID "0190a5b0-0000-7000-8000-000000000001"

static char *
fill(const char *head, char c, size_t count, const char *tail)
{
	char *text = malloc(strlen(head) + count + strlen(tail) + 1), *at;

	assert_non_null(text);
	at = stpcpy(text, head);
	memset(at, c, count);
	(void)stpcpy(at + count, tail);
	return text;
}

/* Every answer that is not a success is a problem document whose status is that of the answer. */
static void
assert_problem(const char *about, long status, long expected, const char *type)
{
	const struct http_answer *answer = api_answer();
	const char *media = http_header(answer, "content-type");

	if (status != expected)
		fail_msg("%s: %ld instead of %ld: %s", about, status, expected, answer->body);
	if (media == NULL || strcmp(media, "application/problem+json") != 0)
		fail_msg("%s: content type %s", about, media == NULL ? "missing" : media);
	if (strcmp(api_json("type"), type) != 0 || atol(api_json("status")) != expected)
		fail_msg("%s: %s", about, answer->body);
	assert_non_null(http_header(answer, "x-request-id"));
}

static void
test_bodies(void **state)
{
	static const struct {
		const char *about;
		const char *body;
		long status;
		const char *type;
	} cases[] = {
		{ "not JSON", "hello", 400, "urn:tally:problem:syntax" },
		{ "half an object", "{\"message_length\":1", 400, "urn:tally:problem:syntax" },
		{ "two objects", "{\"message_length\":1}{}", 400, "urn:tally:problem:syntax" },
		{ "a comment", "{/* x */\"message_length\":1}", 400, "urn:tally:problem:syntax" },
		{ "a trailing comma", "{\"message_length\":1,}", 400, "urn:tally:problem:syntax" },
		{ "a leading zero", "{\"message_length\":01}", 400, "urn:tally:problem:syntax" },
		{ "invalid UTF-8", "{\"message_length\":1,\"feature\":\"\xff\xfe\"}", 400,
		    "urn:tally:problem:syntax" },
		{ "an overlong slash", "{\"message_length\":1,\"feature\":\"\xc0\xaf\"}", 400,
		    "urn:tally:problem:syntax" },
		{ "a NUL escape", "{\"message_length\":1,\"feature\":\"\\u0000\"}", 422,
		    "urn:tally:problem:invalid" },
		{ "a lone surrogate", "{\"message_length\":1,\"feature\":\"\\ud800\"}", 422,
		    "urn:tally:problem:invalid" },
		{ "a lone surrogate inside metadata",
		    "{\"message_length\":1,\"metadata\":{\"a\":\"\\udc00\"}}", 422,
		    "urn:tally:problem:invalid" },
		{ "a number that numeric cannot hold",
		    "{\"message_length\":1,\"metadata\":{\"a\":1e999999}}", 422,
		    "urn:tally:problem:invalid" },
		{ "a number beyond 64 bits", "{\"message_length\":99999999999999999999}", 422,
		    "urn:tally:problem:invalid" },
		{ "a huge exponent", "{\"message_length\":1,\"verified_cost_cents\":1e400}", 422,
		    "urn:tally:problem:invalid" },
		{ "a fraction of a token", "{\"input_tokens\":1.5}", 422,
		    "urn:tally:problem:invalid" },
		{ "a key twice", "{\"message_length\":1,\"message_length\":2}", 422,
		    "urn:tally:problem:invalid" },
		{ "a text for a number", "{\"message_length\":\"1\"}", 422,
		    "urn:tally:problem:invalid" },
		{ "a number for a text", "{\"message_length\":1,\"model\":1}", 422,
		    "urn:tally:problem:invalid" },
		{ "an unknown field", "{\"message_length\":1,\"colour\":1}", 422,
		    "urn:tally:problem:invalid" },
		{ "a field that is SQL", "{\"message_length\":1,\"'; DROP TABLE users; --\":1}",
		    422, "urn:tally:problem:invalid" },
	};

	(void)state;
	api_use_new_client("bodies");
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_problem(cases[i].about,
		    api_send("POST", "/v1/chat-logs", NULL, cases[i].body), cases[i].status,
		    cases[i].type);
	assert_string_equal(api_sql("SELECT count(*) FROM chat_logs"), "0");
}

static void
test_large_bodies(void **state)
{
	static const struct {
		const char *about;
		const char *head;
		char c;
		size_t count;
		const char *tail;
		long status;
		const char *type;
	} cases[] = {
		{ "a body of 20 MiB", "{\"feature\":\"", 'x', 20 << 20, "\"}", 413,
		    "urn:tally:problem:too-large" },
		{ "a body just over 16 MiB", "{\"feature\":\"", 'x', 16 << 20, "\"}", 413,
		    "urn:tally:problem:too-large" },
		{ "a text of nearly 16 MiB", "{\"message_length\":1,\"feature\":\"", 'x',
		    (16 << 20) - 64, "\"}", 422, "urn:tally:problem:invalid" },
		{ "nested 100,000 deep", "{\"metadata\":", '[', 100000, "", 400,
		    "urn:tally:problem:syntax" },
		{ "metadata over 16 KiB", "{\"message_length\":1,\"metadata\":{\"a\":\"", 'x',
		    16384, "\"}}", 422, "urn:tally:problem:invalid" },
		{ "a number of 10,000 digits", "{\"message_length\":1", '0', 10000, "}", 422,
		    "urn:tally:problem:invalid" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *body = fill(cases[i].head, cases[i].c, cases[i].count, cases[i].tail);

		assert_problem(cases[i].about, api_send("POST", "/v1/chat-logs", NULL, body),
		    cases[i].status, cases[i].type);
		free(body);
	}
	assert_string_equal(api_sql("SELECT count(*) FROM chat_logs"), "0");
}

static void
test_paths_and_parameters(void **state)
{
	static const struct {
		const char *method;
		const char *path;
		long status;
		const char *type;
	} cases[] = {
		{ "GET", "/v1/nothing", 404, "urn:tally:problem:not-found" },
		{ "GET", "/v1/chat-logs/", 404, "urn:tally:problem:not-found" },
		{ "GET", "/v1/chat-logs/abc", 404, "urn:tally:problem:not-found" },
		{ "GET", "/v1/chat-logs/" UNKNOWN_ID, 404, "urn:tally:problem:not-found" },
		{ "GET", "/v1/chat-logs/%ff", 400, "urn:tally:problem:syntax" },
		{ "GET", "/v1/users/" UNKNOWN_ID "%00", 400, "urn:tally:problem:syntax" },
		{ "DELETE", "/v1/chat-logs", 405, "urn:tally:problem:method" },
		{ "PUT", "/v1/users/" UNKNOWN_ID, 405, "urn:tally:problem:method" },
		{ "GET", "/v1/chat-logs?colour=red", 422, "urn:tally:problem:invalid" },
		{ "GET", "/v1/chat-logs?limit=0", 422, "urn:tally:problem:invalid" },
		{ "GET", "/v1/chat-logs?limit=501", 422, "urn:tally:problem:invalid" },
		{ "GET", "/v1/chat-logs?limit=1&limit=2", 422, "urn:tally:problem:invalid" },
		{ "GET", "/v1/chat-logs?cursor=AAAA", 422, "urn:tally:problem:invalid" },
		{ "GET", "/v1/chat-logs?since=yesterday", 422, "urn:tally:problem:invalid" },
		{ "GET", "/v1/chat-logs?feature=%ff", 400, "urn:tally:problem:syntax" },
		{ "GET", "/v1/chat-logs?feature=a%00b", 400, "urn:tally:problem:syntax" },
		{ "GET", "/v1/daily-costs/2026-02-30", 422, "urn:tally:problem:invalid" },
		{ "GET", "/v1/daily-costs?days=0", 422, "urn:tally:problem:invalid" },
		{ "GET", "/v1/daily-costs?days=367", 422, "urn:tally:problem:invalid" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_problem(cases[i].path, api_send(cases[i].method, cases[i].path, NULL, NULL),
		    cases[i].status, cases[i].type);
}

static void
test_headers(void **state)
{
	static const char body[] = "{\"message_length\":1}";
	static const struct {
		const char *about;
		const char *header;
		long status;
		const char *type;
	} cases[] = {
		{ "plain text", "Content-Type: text/plain", 415, "urn:tally:problem:media-type" },
		{ "an encoding that nobody knows", "Content-Encoding: br", 415,
		    "urn:tally:problem:media-type" },
		{ "gzip that is none", "Content-Encoding: gzip", 400, "urn:tally:problem:syntax" },
		{ "a key that is not ASCII", "Idempotency-Key: \xc3\xa9", 422,
		    "urn:tally:problem:invalid" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *const headers[] = { cases[i].header, NULL };

		assert_problem(cases[i].about, api_send("POST", "/v1/chat-logs", headers, body),
		    cases[i].status, cases[i].type);
	}
}

static void
test_keys(void **state)
{
	static const char *const headers[] = { "Bearer", "Bearer ", "Bearer x", "Basic YTpi",
		"Bearer tally_", "Bearer tally_abcdefghijklmnop_", "Bearer tally_%00_%00",
		"Bearer tally_abcdefghijklmnop_0123456789012345678901234567890123456789012",
		"Bearer tally_a'b--_0123456789012345678901234567890123456789012" };
	const struct http keyless = { .url = servers_http_url(api_servers()) };

	(void)state;
	for (size_t i = 0; i < COUNT(headers); i++) {
		const char *const lines[] = { api_text("Authorization: %s", headers[i]), NULL };
		struct http_answer answer =
		    http_send(&keyless, "GET", "/v1/daily-costs/today", lines, NULL);

		if (answer.status != 401)
			fail_msg("%s: %ld %s", headers[i], answer.status, answer.body);
		assert_string_equal(http_header(&answer, "www-authenticate"), "Bearer");
		assert_string_equal(
		    http_json(&answer, "type", 0), "urn:tally:problem:unauthenticated");
		http_free(&answer);
	}
}

static int
connect_raw(void)
{
	const char *port = strrchr(servers_http_url(api_servers()), ':') + 1;
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_port = htons((uint16_t)atoi(port));
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* What nginx answers to these bytes, then the end; the first line, "" where there is none. */
static const char *
send_raw(const char *bytes)
{
	static char line[256];
	char answer[4096];
	size_t len = 0, end;
	ssize_t got;
	int fd = connect_raw();

	assert_int_equal(write(fd, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	while (len < sizeof(answer) - 1 &&
	       (got = read(fd, answer + len, sizeof(answer) - 1 - len)) > 0)
		len += (size_t)got;
	close(fd);
	answer[len] = '\0';
	end = strcspn(answer, "\r\n");
	(void)snprintf(line, sizeof(line), "%.*s", (int)end, answer);
	return line;
}

static void
test_requests_that_are_no_requests(void **state)
{
	static const struct {
		const char *bytes;
		const char *status; /* "": nginx closes without an answer */
	} cases[] = {
		{ "POST /v1/chat-logs HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{\"message",
		    "" },
		{ "POST /v1/chat-logs HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n{}", "400" },
		{ "POST /v1/chat-logs HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
		    "400" },
		{ "POST /v1/chat-logs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		    "400" },
		{ "GET /v1/chat-logs HTTP/9.9\r\nHost: a\r\n\r\n", "505" },
		{ "GET\r\n\r\n", "400" },
		{ "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *line = send_raw(cases[i].bytes);
		bool same = cases[i].status[0] == '\0' ? line[0] == '\0'
						       : strstr(line, cases[i].status) != NULL;

		if (!same)
			fail_msg("%s: %s", cases[i].bytes, line);
	}
	assert_string_equal(api_sql("SELECT count(*) FROM chat_logs"), "0");
}

static void
test_afterwards_the_service_is_well(void **state)
{
	(void)state;
	api_expect(201, "POST", "/v1/chat-logs", "{\"message_length\":1}");
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	assert_string_equal(api_json("total_requests"), "1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_large_bodies),
		cmocka_unit_test(test_paths_and_parameters),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_requests_that_are_no_requests),
		cmocka_unit_test(test_afterwards_the_service_is_well),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
