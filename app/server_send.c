#include <fastcgi.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "app/server_private.h"
#include "lib/clock.h"

/* What follows an answer: the end of its output, the end of the request, and in farewell the record
 * of server_send_farewell(). */
static const struct end {
	FCGI_Header output;
	FCGI_EndRequestRecord request;
	FCGI_Header farewell;
} end = {
	.output = SERVER_RECORD(FCGI_STDOUT, 0),
	.request = { .header = SERVER_RECORD(FCGI_END_REQUEST, sizeof(FCGI_EndRequestBody)),
	    .body = { .protocolStatus = FCGI_REQUEST_COMPLETE } },
	.farewell = SERVER_RECORD(FCGI_STDERR, 0),
};

/* All or nothing: what the peer has not taken within the socket's time-out, it will not take. */
static bool
send_pieces(int fd, struct iovec *pieces, size_t count)
{
	const struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += pieces[i].iov_len;
	return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)len;
}

static struct text
cut(struct text *rest, size_t max)
{
	struct text piece = { rest->at, rest->len < max ? rest->len : max };

	if (piece.len > 0)
		rest->at += piece.len;
	rest->len -= piece.len;
	return piece;
}

static struct iovec
as_piece(const void *at, size_t len)
{
	return (struct iovec){ .iov_base = (void *)(uintptr_t)at, .iov_len = len };
}

bool
server_send_answer(struct call *call, struct text head, struct text body, enum server_send what)
{
	static const size_t end_lens[] = {
		[SERVER_SEND_PART] = 0,
		[SERVER_SEND_END] = offsetof(struct end, farewell),
		[SERVER_SEND_FAREWELL] = sizeof(end),
	};
	int64_t until = clock_monotonic() + call->server->settings.io_timeout_ms * 1000;

	do {
		struct text first = cut(&head, SERVER_CONTENT_MAX);
		struct text second = cut(&body, SERVER_CONTENT_MAX - first.len);
		const FCGI_Header header = SERVER_RECORD(FCGI_STDOUT, first.len + second.len);
		bool last = head.len + body.len == 0;
		struct iovec pieces[] = {
			as_piece(&header, sizeof(header)),
			as_piece(first.at, first.len),
			as_piece(second.at, second.len),
			as_piece(&end, last ? end_lens[what] : 0),
		};

		if (!send_pieces(call->fd, pieces, COUNT(pieces)) || clock_monotonic() >= until)
			return false;
	} while (head.len + body.len > 0);
	return true;
}

void
server_send_end(int fd)
{
	(void)send(fd, &end, sizeof(end), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
server_send_farewell(int fd)
{
	(void)send(fd, &end.farewell, sizeof(end.farewell), MSG_NOSIGNAL | MSG_DONTWAIT);
}
