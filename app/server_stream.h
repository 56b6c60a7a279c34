/*
 * Answers without an end, which take no thread and no arena while nothing is said: the connection
 * is the caller's, who writes when there is something. One thread at a time.
 */
#ifndef APP_SERVER_STREAM_H
#define APP_SERVER_STREAM_H

#include "app/server.h"

/* Of what the peer did not take yet; it costs memory only while there is some. */
#define STREAM_PENDING_MAX (256 << 10)

struct stream;

/* Sends the head, instead of server_finish(): the request's arena is gone afterwards. */
struct stream *stream_open(struct call *call, struct text head);

enum stream_state {
	STREAM_IDLE, /* all was taken */
	STREAM_WAITS, /* the peer reads slowly */
	STREAM_FULL, /* it reads too slowly: something was lost, there is only stream_close() left
		      */
	STREAM_GONE /* the peer closed the connection; the same */
};
/* Never waits. */
enum stream_state stream_write(struct stream *stream, struct text bytes);
/* Tries again to send what is left. */
enum stream_state stream_flush(struct stream *stream);
/* whole: with the end of the answer, where all before it was taken. */
void stream_close(struct stream *stream, bool whole);
/* To be watched for the peer's end; nothing else is to be done with it. */
int stream_fd(const struct stream *stream);

#endif
