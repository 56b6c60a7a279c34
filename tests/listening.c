#include "tests/listening.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/api.h"
#include "tests/process.h"
#include "tests/test.h"

#define PATIENCE_MS 30000
#define STEP 65536
#define DEAF_BYTES 2048

static int
connect_to_nginx(int receive_bytes)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	const char *port = strrchr(servers_http_url(api_servers()), ':');
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_non_null(port);
	to.sin_port = htons((uint16_t)strtol(port + 1, NULL, 10));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (receive_bytes > 0)
		assert_int_equal(
		    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static void
ask(int fd, const char *path, const char *last_id)
{
	char *request;
	int len = asprintf(&request,
	    "GET %s HTTP/1.1\r\nHost: tally\r\nAuthorization: Bearer %s\r\n%s%s%s\r\n", path,
	    api_key(), last_id != NULL ? "Last-Event-ID: " : "", last_id != NULL ? last_id : "",
	    last_id != NULL ? "\r\n" : "");

	assert_true(len > 0);
	assert_int_equal(send(fd, request, (size_t)len, MSG_NOSIGNAL), len);
	free(request);
}

static void
add(struct listening *listening, char c)
{
	listening->text[listening->len++] = c;
	listening->text[listening->len] = '\0';
}

static bool
ends_with(const struct listening *listening, const char *end)
{
	size_t len = strlen(end);

	return listening->len >= len &&
	       memcmp(listening->text + listening->len - len, end, len) == 0;
}

/* Of an answer in chunks only their contents are kept. */
static void
take(struct listening *listening, char c)
{
	switch (listening->part) {
	case LISTENING_HEAD:
		add(listening, c);
		if (ends_with(listening, "\r\n\r\n") &&
		    strstr(listening->text, "Transfer-Encoding: chunked") != NULL)
			listening->part = LISTENING_SIZE;
		break;
	case LISTENING_SIZE:
		if (c == '\n') {
			listening->part = listening->left > 0 ? LISTENING_DATA : LISTENING_END;
			listening->left += 2;
		} else if (c != '\r') {
			listening->left = listening->left * 16 +
					  (size_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
		}
		break;
	case LISTENING_DATA:
		if (listening->left > 2)
			add(listening, c);
		if (--listening->left == 0)
			listening->part = LISTENING_SIZE;
		break;
	case LISTENING_END:
		break;
	}
}

/* False at the end. */
static bool
read_more(struct listening *listening, long long until)
{
	struct pollfd at = { .fd = listening->fd, .events = POLLIN };
	long long left = until - process_clock();
	char bytes[STEP];
	ssize_t count;

	if (listening->part == LISTENING_END)
		return false;
	if (left <= 0 || poll(&at, 1, (int)left) <= 0)
		fail_msg("nothing more comes behind: %s", listening->text);
	count = recv(listening->fd, bytes, sizeof bytes, 0);
	listening->text = realloc(listening->text, listening->len + sizeof bytes + 1);
	assert_non_null(listening->text);
	for (ssize_t i = 0; i < count; i++)
		take(listening, bytes[i]);
	return count > 0;
}

void
listening_await(struct listening *listening, const char *text)
{
	long long until = process_clock() + PATIENCE_MS;

	while (strstr(listening->text, text) == NULL)
		if (!read_more(listening, until))
			fail_msg("the answer ended without %s: %s", text, listening->text);
}

void
listening_await_end(struct listening *listening)
{
	long long until = process_clock() + PATIENCE_MS;

	while (read_more(listening, until))
		;
}

struct listening
listening_ask(const char *path, const char *last_id, const char *status)
{
	struct listening ret = { .fd = connect_to_nginx(0), .text = calloc(1, 1) };

	assert_non_null(ret.text);
	ask(ret.fd, path, last_id);
	listening_await(&ret, "\r\n\r\n");
	if (strncmp(ret.text + strlen("HTTP/1.1 "), status, strlen(status)) != 0)
		fail_msg("not %s: %s", status, ret.text);
	/* A place where it goes on is the first thing said. */
	if (strcmp(status, "200") == 0)
		listening_await(&ret, "retry: 1000\nid: ");
	return ret;
}

struct listening
listening_to(const char *path)
{
	return listening_ask(path, NULL, "200");
}

struct listening
listening_deaf(const char *path, const char *last_id)
{
	struct listening ret = { .fd = connect_to_nginx(DEAF_BYTES), .text = calloc(1, 1) };

	assert_non_null(ret.text);
	ask(ret.fd, path, last_id);
	return ret;
}

void
listening_post(const char *feature)
{
	api_expect(201, "POST", "/v1/chat-logs",
	    api_text("{\"feature\":\"%s\",\"tokens_used\":7}", feature));
}

const char *
listening_feature(const char *feature)
{
	return api_text("\"feature\":\"%s\"", feature);
}

int
listening_count(const struct listening *listening, const char *text)
{
	int count = 0;

	for (const char *at = listening->text; (at = strstr(at, text)) != NULL; at++)
		count++;
	return count;
}

const char *
listening_last_id(const struct listening *listening)
{
	static char id[64];
	const char *last = NULL;

	for (const char *at = listening->text; (at = strstr(at, "id: ")) != NULL; at++)
		last = at;
	assert_non_null(last);
	(void)snprintf(id, sizeof id, "%.*s", (int)strcspn(last + 4, "\r\n"), last + 4);
	return id;
}

void
listening_close(struct listening *listening)
{
	close(listening->fd);
	free(listening->text);
}
