/*
 * Events: what happens to a client's books, told at once to whoever listens. Nothing is kept of
 * them in PostgreSQL: what must be known for certain is asked for there.
 *
 * Each client has a stream in Redis, from which GET /v1/events reads, and a channel of the same
 * events for gateways (tally:{CLIENT}:events). A stream is written only while somebody hears events
 * of that type, or did within EVENT_WINDOW_S; where all who do have named agent sessions, only with
 * events of such. So where nobody does, an event costs one look. The newest EVENT_KEPT_MAX stay,
 * for EVENT_WINDOW_S at least.
 *
 * What is promised: an event is in the stream before the request that caused it is answered. Who
 * comes back within the window with the last id it saw misses none and is told none twice, also
 * where tallyd ended and started meanwhile, or is told that some are missing ("gap"). What is not:
 * an event is lost where tallyd is killed, or Redis does not answer, between the commit and the
 * publishing, and all that are kept are lost with Redis. The record itself never is: after a gap,
 * ask for the records since.
 */
#ifndef LIB_MODEL_EVENT_H
#define LIB_MODEL_EVENT_H

#include "lib/json_write.h"
#include "lib/redis.h"

#define EVENT_WINDOW_S 600
#define EVENT_KEPT_MAX 10000 /* of a client, about */
#define EVENT_HEAR_AGAIN_S 60 /* who listens says so again after this */
#define EVENT_PLACE_SIZE 42 /* "milliseconds-number", as Redis numbers the entries of a stream */

enum event_type {
	EVENT_RECORD,
	EVENT_BUDGET_THRESHOLD,
	EVENT_COUNTER_DRIFT,
	EVENT_CREDITS_POSTED,
	EVENT_CREDITS_RECHARGE_DUE,
	EVENT_AGENT_PROGRESS,
	EVENT_TYPES
};
#define EVENT_ALL ((1U << EVENT_TYPES) - 1)
/* In the order of the enum, NULL behind the last. */
extern const char *const event_type_names[];
/* False: it is the name of none. */
NODISCARD bool event_type_find(const char *name, enum event_type *ret);

struct event {
	enum event_type type;
	struct id user; /* whom it is about; nil: nobody, and a key bound to a user does not see it
			 */
	struct id agent_session; /* nil: none */
	struct text body; /* a JSON object: event_body() */
};

/* {"id","type","created_at","data"}; write makes the object that data is. */
struct text event_body(struct task *task, enum event_type type, struct id id, int64_t created_at,
    void (*write)(struct json_out *out, const void *object), const void *object);

/* Tells of task->client's events, behind the commit. Where Redis is away they are left out. */
void event_publish(struct task *task, const struct event *events, size_t count);
/* The same as a command, for who has more to say to Redis at that time. */
struct redis_command *event_command(
    struct task *task, struct id client, const struct event *events, size_t count);
/* One event with a new id. */
void event_tell(struct task *task, enum event_type type, struct id user, struct id agent_session,
    void (*write)(struct json_out *out, const void *object), const void *object);

/* Which events of a type are heard. */
enum event_heard { EVENT_UNHEARD, EVENT_HEARD_OF_AGENTS, EVENT_HEARD };

/*
 * Lua, for a script whose KEYS[1] is a key of the client ("tally:{CLIENT}:state"): the same for a
 * type. Mostly nobody hears it, and one look says so.
 */
#define EVENT_LUA_HEARD \
	"local function heard(type)\n" \
	"  local all = string.match(KEYS[1], '^tally:%b{}:') .. 'heard:' .. type\n" \
	"  local count = redis.call('EXISTS', all, all .. ':agents')\n" \
	"  if count == 1 and redis.call('EXISTS', all) == 0 then return 1 end\n" \
	"  return count > 0 and 2 or 0\n" \
	"end\n"

#endif
