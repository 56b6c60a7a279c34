#include "tests/fastcgi.h"

#include <fastcgi.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/process.h"

#define REQUEST_ID 1
#define TIMEOUT_MS 30000
#define SHORT_MAX 127 /* longer names and values have lengths of four bytes */

int
fastcgi_connect(const char *address)
{
	const char *path = address + strlen("unix:");
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	long long until = process_clock() + TIMEOUT_MS;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(name.sun_path, path, strlen(path) + 1);
	while (connect(fd, (const struct sockaddr *)&name, sizeof(name)) != 0) {
		if (process_clock() > until)
			abort();
		process_breathe();
	}
	return fd;
}

/* The peer may have closed: then the answer tells. */
static void
send_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		at += sent;
		len -= (size_t)sent;
	}
}

static void
send_record(int fd, unsigned char type, const void *content, size_t len)
{
	FCGI_Header header = { .version = FCGI_VERSION_1,
		.type = type,
		.requestIdB0 = REQUEST_ID,
		.contentLengthB1 = (unsigned char)(len >> 8),
		.contentLengthB0 = (unsigned char)len };

	send_all(fd, &header, sizeof(header));
	send_all(fd, content, len);
}

static size_t
put_length(unsigned char *out, size_t len)
{
	if (len <= SHORT_MAX) {
		out[0] = (unsigned char)len;
		return 1;
	}
	out[0] = (unsigned char)(0x80 | len >> 24);
	out[1] = (unsigned char)(len >> 16);
	out[2] = (unsigned char)(len >> 8);
	out[3] = (unsigned char)len;
	return 4;
}

static void
send_param(int fd, const char *name, const char *value)
{
	size_t name_len = strlen(name), value_len = strlen(value);
	unsigned char *pair = malloc(name_len + value_len + 8);
	size_t len = 0;

	if (pair == NULL)
		abort();
	len += put_length(pair + len, name_len);
	len += put_length(pair + len, value_len);
	memcpy(pair + len, name, name_len);
	len += name_len;
	memcpy(pair + len, value, value_len);
	len += value_len;
	send_record(fd, FCGI_PARAMS, pair, len);
	free(pair);
}

void
fastcgi_begin(int fd, bool keep, const char *const *params)
{
	FCGI_BeginRequestBody begin = { .roleB0 = FCGI_RESPONDER,
		.flags = keep ? FCGI_KEEP_CONN : 0 };

	send_record(fd, FCGI_BEGIN_REQUEST, &begin, sizeof(begin));
	for (size_t i = 0; params[i] != NULL; i += 2)
		send_param(fd, params[i], params[i + 1]);
	send_record(fd, FCGI_PARAMS, NULL, 0);
}

void
fastcgi_send(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		size_t step = len < FCGI_MAX_LENGTH ? len : FCGI_MAX_LENGTH;

		send_record(fd, FCGI_STDIN, at, step);
		at += step;
		len -= step;
	}
}

void
fastcgi_end(int fd)
{
	send_record(fd, FCGI_STDIN, NULL, 0);
}

static bool
receive(int fd, void *out, size_t len)
{
	return len == 0 || recv(fd, out, len, MSG_WAITALL) == (ssize_t)len;
}

char *
fastcgi_read(int fd)
{
	char *text = calloc(1, 1);
	size_t len = 0;
	FCGI_Header header;

	while (receive(fd, &header, sizeof(header))) {
		size_t content = (size_t)header.contentLengthB1 << 8 | header.contentLengthB0;
		size_t whole = content + header.paddingLength;

		text = realloc(text, len + whole + 1);
		if (text == NULL)
			abort();
		if (!receive(fd, text + len, whole))
			break;
		if (header.type == FCGI_STDOUT)
			len += content;
		text[len] = '\0';
		if (header.type == FCGI_END_REQUEST)
			return text;
	}
	free(text);
	return NULL;
}

bool
fastcgi_farewell(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	const FCGI_Header empty = {
		.version = FCGI_VERSION_1, .type = FCGI_STDERR, .requestIdB0 = REQUEST_ID
	};
	FCGI_Header header;

	return poll(&wait, 1, TIMEOUT_MS) == 1 && receive(fd, &header, sizeof(header)) &&
	       memcmp(&header, &empty, sizeof(header)) == 0;
}

bool
fastcgi_closed(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char rest[64];

	/* What says nothing may come before the end. */
	while (poll(&wait, 1, TIMEOUT_MS) == 1) {
		if (recv(fd, rest, sizeof(rest), 0) <= 0)
			return true;
	}
	return false;
}

char *
fastcgi_get(int fd, bool keep, const char *path)
{
	const char *const params[] = { "REQUEST_METHOD", "GET", "REQUEST_URI", path, "REMOTE_ADDR",
		"127.0.0.1", NULL };

	fastcgi_begin(fd, keep, params);
	fastcgi_end(fd);
	return fastcgi_read(fd);
}
