/*
 * Between the files of the counters: their keys and scripts in Redis, and the opening and loading
 * of an epoch.
 *
 * All keys of a client begin with tally:{client}: and so lie in one slot of a cluster. The state
 * (epoch, run id, loader, ready) is the one key that the scripts are called with; the names of all
 * others hold the epoch, so that a new epoch finds none of them: pending (a hash of batch id to
 * what it announced), users of a day (a set), the buckets (a hash each), the holds (a hash of id to
 * what it holds, and a sorted set of when it expires).
 */
#ifndef LIB_MODEL_COUNTER_PRIVATE_H
#define LIB_MODEL_COUNTER_PRIVATE_H

#include "lib/buf.h"
#include "lib/model/counter.h"
#include "lib/model/counter_lua.h"
#include "lib/redis.h"

/* Keys of a client without calls go away by themselves. */
#define COUNTER_EXPIRE_S (INT64_C(3) * 86400)

/* A script on a client's state, with epoch and run id as its first two arguments. */
NODISCARD bool counter_command(struct task *task, struct redis_script *script, struct id client,
    int64_t epoch, struct redis_command **ret);
/* What a counter script answered, or the first element of what it did. */
enum counter_answer counter_read_answer(const struct redis_reply *reply);
/* One command in a round trip of its own; a failure is COUNTER_AWAY. ret_reply may be NULL. */
enum counter_answer counter_run(
    struct task *task, struct redis_command *command, struct redis_reply *ret_reply);

/* A field of a bucket; 0 where it is not there. */
int64_t counter_read_number(const struct redis_reply *reply);

/* "bucket expiry amount amount…;" */
void counter_add_item(struct buf *items, const struct counter_sum *sum);
/* Those of all sums; "" where there is none. */
const char *counter_items(struct task *task, struct counter_sums sums);

/* The item of each place. */
void counter_add_place_items(struct task *task, struct buf *items, struct budget_places places);
/* Asks for the names of the pending batches. NULL: Redis is away. */
struct redis_command *counter_pending_names(struct task *task, int64_t epoch);

/* Prepares the keys of an epoch that was just opened: nothing is counted, and it is not loaded. */
enum counter_answer counter_prepare(struct task *task, const struct counter_state *state);

struct counter_view {
	enum counter_answer answer; /* COUNTER_OK: all below is filled */
	bool stale; /* a pending batch is older than COUNTER_STALE_MS */
	int64_t pending_since; /* when the oldest pending batch was made; 0: there is none */
	struct totals confirmed;
	struct totals pending;
	int64_t users;
};

/* Whether the state's day is today for whoever asks, or will be within the skew of the clocks. */
bool counter_is_today(
    const struct task *task, const struct zone *zone, const struct counter_state *state);

/* What Redis holds of the open day of task->client in the state's epoch, at one instant. */
void counter_look(struct task *task, const struct counter_state *state, struct counter_view *ret);

/* Fills the epoch of state from the log. COUNTER_OVER, COUNTER_LOST and COUNTER_AWAY go into
 * *ret_answer. */
NODISCARD bool counter_load(struct task *task, const struct zone *zone,
    const struct counter_state *state, enum counter_answer *ret_answer);

#endif
