/*
 * Reading the streams of events (lib/model/event.h): where a listener begins, and what came since.
 */
#ifndef LIB_MODEL_EVENT_READ_H
#define LIB_MODEL_EVENT_READ_H

#include "lib/model/event.h"

#define EVENT_READ_MAX 500 /* of one stream in one call */

/* A place in a stream: as text it is what Server-Sent Events call an id. */
struct event_place {
	uint64_t ms, number;
};
NODISCARD bool event_place_parse(struct text text, struct event_place *ret);
char *event_place_format(struct event_place place, char out[EVENT_PLACE_SIZE]);
/* Below 0, 0 or above, as memcmp(). */
int event_place_compare(struct event_place a, struct event_place b);

/*
 * Says that events of these types (1 << enum event_type) are heard, or those of them that are of
 * agent sessions, for EVENT_HEAR_AGAIN_S at least. after: what the caller saw last; NULL: it begins
 * now. *ret_gap: events behind it are gone, or it was never there. *ret: where to read on.
 * ERR_UNAVAILABLE: Redis is away.
 */
struct event_types {
	unsigned all, of_agents;
};
NODISCARD bool event_hear(struct task *task, struct id client, struct event_types types,
    const struct event_place *after, struct event_place *ret, bool *ret_gap);

struct event_stream {
	const char *key; /* event_stream_key() */
	struct event_place after; /* moves with what is read */
	size_t count; /* of what was read now */
};
const char *event_stream_key(struct task *task, struct id client);
/* A stream that carries no events, to end a wait: any entry does. */
const char *event_doorbell_key(struct task *task, struct id owner);
NODISCARD bool event_ring(struct task *task, const char *key);

struct event_entry {
	size_t stream; /* index */
	struct event_place place;
	struct event event;
};
struct event_entries {
	const struct event_entry *at;
	size_t count;
};
/*
 * What came behind each stream's place, at most EVENT_READ_MAX of each, those of a stream together
 * and in their order. Waits for the first at most so long; 0: does not wait.
 */
NODISCARD bool event_read(struct task *task, struct event_stream *streams, size_t count,
    int64_t wait_ms, struct event_entries *ret);

#endif
