/*
 * What any caller may send, through nginx: paths, methods, bodies too large or packed, many clients
 * at once.
 */
#include "tests/test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/http.h"
#include "tests/servers.h"

#define CLIENTS 500
#define ROUNDS 3

static struct servers *servers;
static struct http client;

static void
assert_problem(const struct http_answer *answer, long status, const char *type)
{
	char urn[64];

	if (answer->status != status)
		fail_msg("%ld instead of %ld: %s", answer->status, status, answer->body);
	snprintf(urn, sizeof(urn), "urn:tally:problem:%s", type);
	assert_string_equal(http_header(answer, "content-type"), "application/problem+json");
	assert_string_equal(http_json(answer, "type", 0), urn);
	assert_int_equal(atoi(http_json(answer, "status", 0)), (int)status);
	assert_non_null(http_json(answer, "detail", 0));
	assert_string_equal(http_json(answer, "instance", 0), http_header(answer, "x-request-id"));
}

static const struct refusal {
	const char *sentence;
	const char *method;
	const char *path;
	long status;
	const char *type;
} refusals[] = {
	{ "an unknown path", "GET", "/v1/nothing", 404, "not-found" },
	{ "a slash too many", "GET", "/v1/users/", 404, "not-found" },
	{ "an unknown method", "BREW", "/v1/users", 405, "method" },
	{ "OPTIONS", "OPTIONS", "/v1/users", 405, "method" },
	{ "DELETE on a list", "DELETE", "/v1/users", 405, "method" },
	{ "an id that is none", "GET", "/v1/chat-logs/7", 404, "not-found" },
	{ "an unknown parameter", "GET", "/v1/users?color=red", 422, "invalid" },
	{ "a parameter on a call that takes none", "GET", "/healthz?x=1", 422, "invalid" },
	{ "a repeated parameter", "GET", "/v1/users?limit=1&limit=2", 422, "invalid" },
	{ "a broken escape in the query", "GET", "/v1/users?limit=%4", 400, "syntax" },
	{ "a path that is not UTF-8", "GET", "/v1/%ff", 400, "syntax" },
	{ "a POST without a body", "POST", "/v1/users", 400, "syntax" },
};

static void
test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *row = &refusals[i];
		struct http_answer answer = http_send(&client, row->method, row->path, NULL, NULL);

		print_message("%s\n", row->sentence);
		assert_problem(&answer, row->status, row->type);
		http_free(&answer);
	}
}

static void
test_a_call_without_fields_takes_none(void **state)
{
	static const char *const plain[] = { "Content-Type: text/plain", NULL };
	static const struct {
		const char *const *headers;
		const char *body;
		long status;
		const char *type;
	} rows[] = {
		{ NULL, "", 404, "not-found" },
		{ NULL, "{}", 404, "not-found" },
		{ NULL, "{\"color\":\"red\"}", 422, "invalid" },
		{ NULL, "[", 400, "syntax" },
		{ plain, "color", 415, "media-type" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_answer answer = http_send(&client, "POST",
		    "/v1/users/0190a5b0-0000-7000-8000-000000000001/restore", rows[i].headers,
		    rows[i].body);

		assert_problem(&answer, rows[i].status, rows[i].type);
		if (answer.status == 422)
			assert_string_equal(http_json(&answer, "errors.0.field", 0), "color");
		http_free(&answer);
	}
}

static void
test_a_refused_method_names_the_others(void **state)
{
	struct http_answer answer = http_send(&client, "PUT", "/v1/users", NULL, NULL);

	(void)state;
	assert_int_equal(answer.status, 405);
	assert_non_null(strstr(http_header(&answer, "allow"), "POST"));
	http_free(&answer);
}

static void
test_without_a_key(void **state)
{
	struct http stranger = { .url = client.url };
	struct http_answer answer = http_send(&stranger, "GET", "/v1/users", NULL, NULL);

	(void)state;
	assert_problem(&answer, 401, "unauthenticated");
	assert_string_equal(http_header(&answer, "www-authenticate"), "Bearer");
	http_free(&answer);
}

static void
test_the_request_id_is_the_callers_or_a_new_one(void **state)
{
	static const char *const given[] = { "X-Request-Id: 0190A5B0-0000-7000-8000-0000000000aa",
		NULL };
	static const char *const foreign[] = { "X-Request-Id: seven\" status=200", NULL };
	struct http_answer answer;

	(void)state;
	answer = http_send(&client, "GET", "/healthz", given, NULL);
	assert_string_equal(
	    http_header(&answer, "x-request-id"), "0190a5b0-0000-7000-8000-0000000000aa");
	http_free(&answer);
	answer = http_send(&client, "GET", "/healthz", foreign, NULL);
	assert_int_equal(strlen(http_header(&answer, "x-request-id")), 36);
	http_free(&answer);
}

static void
test_head_is_get_without_the_body(void **state)
{
	struct http_answer get = http_send(&client, "GET", "/v1/users/count", NULL, NULL);
	struct http_answer head = http_send(&client, "HEAD", "/v1/users/count", NULL, NULL);

	(void)state;
	assert_int_equal(head.status, 200);
	assert_int_equal(head.len, 0);
	char *length = strdup(http_header(&get, "content-length"));
	assert_string_equal(http_header(&head, "content-length"), length);
	free(length);
	http_free(&get);
	http_free(&head);
}

/* Sends so many bytes of white space and a record. */
static struct http_answer
send_padded(size_t size, const char *const *headers)
{
	static const char record[] = "{\"message_length\":1}";
	char *body = malloc(size + 1);

	memset(body, ' ', size);
	memcpy(body + size - strlen(record), record, strlen(record));
	struct http_answer answer =
	    http_send_n(&client, "POST", "/v1/chat-logs", headers, body, size);
	free(body);
	return answer;
}

static void
test_large_bodies(void **state)
{
	static const struct {
		size_t size;
		long status;
	} rows[] = {
		{ 100000, 201 },
		{ 16 << 20, 201 },
		{ (16 << 20) + 1, 413 },
		{ 20 << 20, 413 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_answer answer = send_padded(rows[i].size, NULL);

		print_message("%zu bytes\n", rows[i].size);
		assert_int_equal(answer.status, rows[i].status);
		if (rows[i].status == 413)
			assert_string_equal(
			    http_header(&answer, "content-type"), "application/problem+json");
		http_free(&answer);
	}
	struct http_answer after = http_send(&client, "GET", "/healthz", NULL, NULL);
	assert_int_equal(after.status, 200);
	http_free(&after);
}

/* size letters of white space and a record, packed; the packed size. */
static size_t
pack(size_t size, unsigned char *out, size_t out_size)
{
	static const char record[] = "{\"message_length\":1}";
	unsigned char *plain = malloc(size);
	z_stream stream = { .next_in = plain,
		.avail_in = (uInt)size,
		.next_out = out,
		.avail_out = (uInt)out_size };

	memset(plain, ' ', size);
	memcpy(plain, record, strlen(record));
	assert_int_equal(
	    deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	deflateEnd(&stream);
	free(plain);
	return out_size - stream.avail_out;
}

static void
test_packed_bodies(void **state)
{
	static const char *const gzip[] = { "Content-Encoding: gzip", NULL };
	static const char *const deflate_name[] = { "Content-Encoding: deflate", NULL };
	static unsigned char packed[200000];
	struct http_answer answer;
	size_t len = pack(1000, packed, sizeof(packed));

	(void)state;
	answer = http_send_n(&client, "POST", "/v1/chat-logs", gzip, packed, len);
	assert_int_equal(answer.status, 201);
	http_free(&answer);
	answer = http_send_n(&client, "POST", "/v1/chat-logs", gzip, packed, len - 5);
	assert_problem(&answer, 400, "syntax");
	http_free(&answer);
	answer = http_send_n(&client, "POST", "/v1/chat-logs", deflate_name, packed, len);
	assert_problem(&answer, 415, "media-type");
	http_free(&answer);
	/* A small body that unpacks to more than the limit. */
	len = pack((16 << 20) + 1, packed, sizeof(packed));
	answer = http_send_n(&client, "POST", "/v1/chat-logs", gzip, packed, len);
	assert_problem(&answer, 413, "too-large");
	http_free(&answer);
}

static int
connect_to_nginx(void)
{
	const char *port = strrchr(client.url, ':') + 1;
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Reads up to the end of the answer to /healthz. */
static void
read_health(int fd)
{
	static const char end[] = "{\"status\":\"ok\"}";
	char answer[2048] = "";
	size_t len = 0;

	while (strstr(answer, end) == NULL) {
		ssize_t got = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);

		assert_true(got > 0);
		len += (size_t)got;
		answer[len] = '\0';
	}
	assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
}

static void
test_many_clients_at_once_keep_their_connections(void **state)
{
	static const char request[] = "GET /healthz HTTP/1.1\r\nHost: tally\r\n\r\n";
	static int fds[CLIENTS];

	(void)state;
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = connect_to_nginx();
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CLIENTS; i++)
			assert_int_equal(send(fds[i], request, sizeof(request) - 1, MSG_NOSIGNAL),
			    sizeof(request) - 1);
		for (int i = 0; i < CLIENTS; i++)
			read_health(fds[i]);
	}
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_a_call_without_fields_takes_none),
		cmocka_unit_test(test_a_refused_method_names_the_others),
		cmocka_unit_test(test_without_a_key),
		cmocka_unit_test(test_the_request_id_is_the_callers_or_a_new_one),
		cmocka_unit_test(test_head_is_get_without_the_body),
		cmocka_unit_test(test_large_bodies),
		cmocka_unit_test(test_packed_bodies),
		cmocka_unit_test(test_many_clients_at_once_keep_their_connections),
	};
	int failed;

	servers = servers_start(SERVER_NGINX);
	client.url = servers_http_url(servers);
	client.key = servers_key(servers, "requests");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free((char *)(uintptr_t)client.key);
	servers_stop(servers);
	return failed;
}
