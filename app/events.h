/*
 * Who listens to events (lib/model/event.h) by Server-Sent Events (the HTML standard, section 9.2).
 *
 * No thread waits for a listener: its connection is parked (app/server_stream.h), and one thread
 * of the process follows the streams of the clients that have listeners and writes to them. One
 * that does not read what it is sent, STREAM_PENDING_MAX behind, is cut off; one whose key is no
 * longer valid, or lost a scope, and all when the process stops, are ended. Both come back by
 * themselves with Last-Event-ID.
 */
#ifndef APP_EVENTS_H
#define APP_EVENTS_H

#include "app/request.h"
#include "lib/model/event_read.h"

#define EVENTS_SESSIONS_MAX 100 /* agent sessions that a listener may name */
#define EVENTS_HEARTBEAT_S 15 /* below nginx's fastcgi_read_timeout */
#define EVENTS_CHECK_S 1 /* how often the keys of listeners are looked at */

struct events;

struct events *events_new(struct app *app);
/* Ends all; who comes afterwards is ended at once. Before server_stop(), which waits for them. */
void events_stop(struct events *events);
void events_free(struct events *events);
int64_t events_count(struct events *events);

struct events_wish {
	unsigned types; /* 1 << enum event_type */
	uint64_t scopes; /* 1 << enum scope: it is ended where the key no longer has them all */
	const struct id *agent_sessions;
	size_t agent_session_count; /* 0: any, and events of none */
	const struct event_place *after; /* what it saw last; NULL: from now on */
};
/* Takes the request over, on every way out. ERR_RATE, ERR_UNAVAILABLE: there are too many, of the
 * client or of all; ERR_UNAVAILABLE also: Redis is away. */
void events_listen(struct events *events, struct request *req, const struct events_wish *wish);

#endif
