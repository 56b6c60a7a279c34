/*
 * conf/examples/gateway.py between real servers and a WebSocket of a browser: a record of its user
 * comes as a frame, and what Tally keeps of the connection ends with it.
 */
#include "tests/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/process.h"

#define CLIENT "a gateway"
#define PATIENCE_MS 30000
#define SKIPPED 77 /* automake's */
#define PATH "/v1/websocket-connections"
/* RFC 6455, 1.3: the key and what answers it. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

struct browser {
	int fd;
	size_t len;
	unsigned char bytes[8192]; /* all that came */
};

static uint16_t port;

static int
connect_to(uint16_t at, bool bind_only)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(at) };
	socklen_t len = sizeof to;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int done;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	done = bind_only ? bind(fd, (struct sockaddr *)&to, len)
			 : connect(fd, (struct sockaddr *)&to, len);
	if (done == 0 && bind_only && getsockname(fd, (struct sockaddr *)&to, &len) == 0)
		port = ntohs(to.sin_port);
	if (done == 0 && !bind_only)
		return fd;
	close(fd);
	return -1;
}

static bool
listens(void *fd)
{
	*(int *)fd = connect_to(port, false);
	return *(int *)fd >= 0;
}

static pid_t
start_gateway(void)
{
	const char *folder = getenv("TALLY_SRCDIR");
	const char *redis = servers_redis_url(api_servers()) + strlen("unix:");
	const char *client = api_sql("SELECT id FROM clients WHERE name = '" CLIENT "'");
	struct process gateway = { .argv = { "sh", "-c", NULL }, .death_signal = SIGKILL };

	(void)connect_to(0, true);
	gateway.argv[2] =
	    api_text("no_proxy='*' TALLY_URL=%s TALLY_KEY=%s CLIENT=%s REDIS_SOCKET=%s"
		     " exec python3 %s/conf/examples/gateway.py %d",
		servers_http_url(api_servers()), api_key(), client, redis,
		folder != NULL ? folder : ".", port);
	return process_start(&gateway);
}

/* False at the end. */
static bool
read_more(struct browser *browser)
{
	struct pollfd at = { .fd = browser->fd, .events = POLLIN };
	ssize_t count;

	if (poll(&at, 1, PATIENCE_MS) <= 0)
		fail_msg("nothing more comes");
	count = recv(
	    browser->fd, browser->bytes + browser->len, sizeof browser->bytes - browser->len, 0);
	browser->len += count > 0 ? (size_t)count : 0;
	return count > 0;
}

static const unsigned char *
await(struct browser *browser, const void *bytes, size_t len)
{
	const unsigned char *found;

	while ((found = memmem(browser->bytes, browser->len, bytes, len)) == NULL)
		if (!read_more(browser))
			fail_msg("it ended after %.*s", (int)browser->len, browser->bytes);
	return found;
}

static void
say(const struct browser *browser, const void *bytes, size_t len)
{
	assert_int_equal(send(browser->fd, bytes, len, MSG_NOSIGNAL), len);
}

static void
greet(struct browser *browser, const char *token)
{
	const char *hello = api_text("GET / HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\n"
				     "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
				     "Sec-WebSocket-Key: " KEY "\r\n"
				     "Sec-WebSocket-Protocol: %s\r\n\r\n",
	    token);

	assert_true(servers_await(listens, &browser->fd));
	say(browser, hello, strlen(hello));
}

static const char *
post(const char *user)
{
	return api_add("/v1/chat-logs",
	    api_text("{\"user_id\":\"%s\",\"feature\":\"%s\",\"tokens_used\":7}", user, user));
}

static bool
has_ended(void *id)
{
	api_expect(200, "GET", api_text(PATH "/%s", (const char *)id), NULL);
	return strcmp(api_json("connection_status"), "disconnected") == 0;
}

static const char *
registered(const char *user)
{
	api_expect(200, "GET", api_text(PATH "?user_id=%s&connection_status=active", user), NULL);
	assert_int_equal(api_rows(), 1);
	return api_keep("data.0.id");
}

/* A masked frame with "bye!" under a mask of zeros. */
#define FRAME(kind) kind "\x84\0\0\0\0bye!"

static void
records_come_and_the_connection_ends(UNUSED void **state)
{
	const char *ada = api_add("/v1/users", "{\"external_id\":\"ada\"}");
	const char *bob = api_add("/v1/users", "{\"external_id\":\"bob\"}");
	struct browser browser = { 0 };
	const unsigned char *frame;

	api_expect(201, "POST", "/v1/sessions", api_text("{\"user_id\":\"%s\"}", ada));
	greet(&browser, api_keep("token"));
	await(&browser, ACCEPT, strlen(ACCEPT));
	const char *connection = registered(ada);

	post(bob);
	const char *record = post(ada),
		   *begin = api_text("{\"id\":\"%s\",\"type\":\"record\"", record);

	frame = await(&browser, begin, strlen(begin));
	await(&browser, "}}", 2);
	assert_memory_equal(frame - 4, "\x81\x7e", 2);
	assert_int_equal(frame[-2] << 8 | frame[-1], await(&browser, "}}", 2) + 2 - frame);
	assert_null(memmem(browser.bytes, browser.len, bob, strlen(bob)));
	say(&browser, FRAME("\x89"), 10);
	await(&browser,
	    "\x8a\x04"
	    "bye!",
	    6);
	say(&browser, FRAME("\x88"), 10);
	await(&browser,
	    "\x88\x04"
	    "bye!",
	    6);
	while (read_more(&browser))
		;
	close(browser.fd);
	assert_true(servers_await(has_ended, (void *)(uintptr_t)connection));
}

static bool
was_pinged(void *id)
{
	return strcmp(api_sql("SELECT last_ping_at > '2020-01-02' FROM websocket_connections"
			      " WHERE id = '%s'",
			  (const char *)id),
		   "t") == 0;
}

static void
a_pong_is_a_ping_and_a_lost_one_ends(UNUSED void **state)
{
	const char *eve = api_add("/v1/users", "{\"external_id\":\"eve\"}");
	struct browser browser = { 0 };

	api_expect(201, "POST", "/v1/sessions", api_text("{\"user_id\":\"%s\"}", eve));
	greet(&browser, api_keep("token"));
	await(&browser, "\x89\0", 2);
	const char *connection = registered(eve);

	api_sql("UPDATE websocket_connections SET last_ping_at = '2020-01-01' WHERE id = '%s'",
	    connection);
	say(&browser, "\x8a\x80\0\0\0\0", 6);
	assert_true(servers_await(was_pinged, (void *)(uintptr_t)connection));
	close(browser.fd);
	assert_true(servers_await(has_ended, (void *)(uintptr_t)connection));
}

static void
a_wrong_token_is_not_registered(UNUSED void **state)
{
	struct browser browser = { 0 };

	greet(&browser, "tallys_wrong");
	assert_false(read_more(&browser));
	close(browser.fd);
	api_expect(200, "GET", PATH "?connection_status=active", NULL);
	assert_int_equal(api_rows(), 0);
}

static pid_t gateway;

static int
start(void **state)
{
	if (api_start(state) != 0)
		return -1;
	api_use_new_client(CLIENT);
	gateway = start_gateway();
	return 0;
}

static int
stop(void **state)
{
	kill(gateway, SIGKILL);
	(void)process_wait(gateway, PATIENCE_MS);
	return api_stop(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_and_the_connection_ends),
		cmocka_unit_test(a_pong_is_a_ping_and_a_lost_one_ends),
		cmocka_unit_test(a_wrong_token_is_not_registered),
	};

	if (system("python3 -c 'import asyncio; asyncio.to_thread'") != 0) {
		print_error("SKIPPED: conf/examples/gateway.py wants Python 3.9 or later\n");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, start, stop);
}
