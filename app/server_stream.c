#include "app/server_stream.h"

#include <errno.h>
#include <fastcgi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "app/server_private.h"

struct stream {
	struct call *call;
	char *pending; /* what the peer did not take yet, as it is to be sent; NULL: nothing */
	size_t len; /* of it */
	size_t sent; /* of len */
	bool gone;
};

static size_t
left(const struct stream *stream)
{
	return stream->len - stream->sent;
}

/* Behind what waits already. False where it would be too much. */
static bool
keep(struct stream *stream, const void *at, size_t len)
{
	char *bytes;

	if (left(stream) + len > STREAM_PENDING_MAX)
		return false;
	bytes = malloc(left(stream) + len);
	if (bytes == NULL)
		abort();
	if (left(stream) > 0)
		memcpy(bytes, stream->pending + stream->sent, left(stream));
	memcpy(bytes + left(stream), at, len);
	free(stream->pending);
	stream->len = left(stream) + len;
	stream->sent = 0;
	stream->pending = bytes;
	return true;
}

/* How much of it the peer took. */
static size_t
send_some(struct stream *stream, const struct iovec *pieces, size_t count)
{
	const struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)pieces,
		.msg_iovlen = count };
	ssize_t sent = sendmsg(stream->call->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		stream->gone = true;
	return sent > 0 ? (size_t)sent : 0;
}

/* The rest of two pieces of which so much was sent. */
static bool
keep_rest(struct stream *stream, const struct iovec *pieces, size_t count, size_t sent)
{
	for (size_t i = 0; i < count; i++) {
		size_t of_it = sent < pieces[i].iov_len ? sent : pieces[i].iov_len;

		sent -= of_it;
		if (of_it < pieces[i].iov_len &&
		    !keep(stream, (const char *)pieces[i].iov_base + of_it,
			pieces[i].iov_len - of_it))
			return false;
	}
	return true;
}

static struct iovec
as_piece(const void *at, size_t len)
{
	return (struct iovec){ .iov_base = (void *)(uintptr_t)at, .iov_len = len };
}

/* Also where it is not all sent: then it waits. */
static bool
send_record(struct stream *stream, struct text content)
{
	const FCGI_Header header = SERVER_RECORD(FCGI_STDOUT, content.len);
	const struct iovec pieces[] = {
		as_piece(&header, sizeof header),
		as_piece(content.at, content.len),
	};
	size_t sent = left(stream) == 0 ? send_some(stream, pieces, COUNT(pieces)) : 0;

	return keep_rest(stream, pieces, COUNT(pieces), sent);
}

enum stream_state
stream_flush(struct stream *stream)
{
	if (!stream->gone && left(stream) > 0) {
		const struct iovec piece = as_piece(stream->pending + stream->sent, left(stream));

		stream->sent += send_some(stream, &piece, 1);
	}
	if (left(stream) == 0) {
		free(stream->pending);
		stream->pending = NULL;
		stream->len = stream->sent = 0;
	}
	if (stream->gone)
		return STREAM_GONE;
	return left(stream) == 0 ? STREAM_IDLE : STREAM_WAITS;
}

enum stream_state
stream_write(struct stream *stream, struct text bytes)
{
	(void)stream_flush(stream);
	while (bytes.len > 0 && !stream->gone) {
		size_t len = bytes.len < SERVER_CONTENT_MAX ? bytes.len : SERVER_CONTENT_MAX;

		if (!send_record(stream, (struct text){ bytes.at, len }))
			return STREAM_FULL;
		bytes.at += len;
		bytes.len -= len;
	}
	return stream_flush(stream);
}

struct stream *
stream_open(struct call *call, struct text head)
{
	struct stream *stream = calloc(1, sizeof *stream);

	if (stream == NULL)
		abort();
	stream->call = call;
	server_drain(call);
	(void)stream_write(stream, head);
	server_end(call);
	return stream;
}

void
stream_close(struct stream *stream, bool whole)
{
	if (whole && stream_flush(stream) == STREAM_IDLE)
		server_send_end(stream->call->fd);
	server_drop(stream->call);
	free(stream->pending);
	free(stream);
}

int
stream_fd(const struct stream *stream)
{
	return stream->call->fd;
}
