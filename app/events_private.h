/*
 * What app/events*.c share: who listens to what. events.c takes them in, events_reader.c is the
 * thread that reads, events_deliver.c writes to them, events_keys.c looks at their keys.
 */
#ifndef APP_EVENTS_PRIVATE_H
#define APP_EVENTS_PRIVATE_H

#include <pthread.h>

#include "app/events.h"
#include "app/server_stream.h"
#include "lib/model/auth_token_text.h"

enum listener_end {
	LISTENER_STAYS,
	LISTENER_ENDS, /* with the end of its answer */
	LISTENER_CUT /* it reads too slowly, or is gone */
};

struct listener {
	struct listener *next;
	struct stream *stream;
	struct event_place after; /* what it has, at least */
	bool behind; /* it came back, and is read to by itself until it has what the others have */
	bool gap; /* it was told of one, and nothing since */
	enum listener_end end;
	unsigned types;
	uint64_t scopes; /* which its key must keep */
	struct id user; /* nil: sees events of all */
	char public_id[AUTH_TOKEN_PUBLIC_SIZE];
	size_t agent_session_count; /* 0: any */
	struct id agent_sessions[];
};

/* A client that has listeners, or somebody on the way to become one. */
struct source {
	struct source *next;
	struct id client;
	char *key;
	struct event_place after; /* read and delivered */
	size_t seats; /* of its listeners, and of those on the way */
	struct listener *listeners;
};

struct events {
	struct app *app;
	pthread_t thread;
	int wake_fd; /* readable: somebody came, or it is time to stop */
	int peers_fd; /* an epoll set of the listeners' connections, to see who left */
	char *doorbell; /* the stream whose entry ends a wait in Redis */
	/* Guards what follows; held while listeners are written to, never while Redis or PostgreSQL
	 * are asked. Sources and listeners are freed by the thread alone, so it may keep pointers.
	 */
	pthread_mutex_t lock;
	struct source *sources;
	size_t seats; /* of all sources */
	bool reading; /* the thread may wait in Redis: ring the doorbell */
	bool stopping;
};

/* The thread. */
void *events_run(void *object);

/* By the thread, without the lock: ends those whose key is no longer valid, or lacks by now what
 * they were let in by. */
void events_check_keys(struct events *events, struct arena *arena);

/* All with the lock held. */

/* Entries of the source's stream to all who are not behind. */
void events_deliver(
    struct arena *arena, struct source *source, const struct event_entry *at, size_t count);
/* The same to one who is behind, as far as it takes them at once. */
void events_deliver_to(
    struct arena *arena, struct listener *listener, const struct event_entry *at, size_t count);
/* Some events are gone. */
void events_tell_gap(struct listener *listener, struct event_place place);
/* A sign of life, with the place so far: who comes back need not name one that is long gone. */
void events_beat(struct source *source);
/* Ends those who shall end, and forgets sources that nobody listens to. */
void events_bury(struct events *events);

#endif
