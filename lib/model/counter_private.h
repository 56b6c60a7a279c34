/*
 * Between the files of the counters: their keys and scripts in Redis, and the opening and loading
 * of an epoch.
 */
#ifndef LIB_MODEL_COUNTER_PRIVATE_H
#define LIB_MODEL_COUNTER_PRIVATE_H

#include "lib/model/counter.h"
#include "lib/redis.h"

/*
 * KEYS: day, pending, users. ARGV[1], ARGV[2]: the caller's epoch and the run id of this server. A
 * key that was written under another run id came back from an old snapshot and is worth nothing.
 */
#define COUNTER_LUA_STATE \
	"local function state()\n" \
	"  local h = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'ready')\n" \
	"  if not h[1] then return 'lost' end\n" \
	"  local epoch, mine = tonumber(h[1]), tonumber(ARGV[1])\n" \
	"  if epoch > mine then return 'over' end\n" \
	"  if h[2] ~= ARGV[2] then return 'lost' end\n" \
	"  if epoch < mine then return 'behind' end\n" \
	"  return h[3] and 'ready' or 'loading'\n" \
	"end\n"

/*
 * A number in Lua is a double: the sums are added by HINCRBY from their texts. It refuses to go
 * past 64 bits, in the midst of a script whose other writes stand: such a total stays at its end,
 * as everywhere (lib/core/totals.h).
 */
#define COUNTER_LUA_ADD \
	"local function add(values)\n" \
	"  local i = 0\n" \
	"  for v in string.gmatch(values, '%d+') do\n" \
	"    if v ~= '0' and type(redis.pcall('HINCRBY', KEYS[1], i, v)) == 'table' then\n" \
	"      redis.call('HSET', KEYS[1], i, '9223372036854775807')\n" \
	"    end\n" \
	"    i = i + 1\n" \
	"  end\n" \
	"end\n"

#define COUNTER_LUA_TOTALS "10"
_Static_assert(TOTAL_COUNT == 10, "COUNTER_LUA_TOTALS");

/* A script on the three keys of a client, with epoch and run id as its first two arguments. */
NODISCARD bool counter_command(struct task *task, struct redis_script *script, struct id client,
    int64_t epoch, struct redis_command **ret);
/* What a counter script answered. */
enum counter_answer counter_read_answer(const struct redis_reply *reply);

/* Prepares the keys of an epoch that was just opened: nothing is counted, and it is not loaded. */
enum counter_answer counter_prepare(struct task *task, const struct counter_state *state);

struct counter_view {
	enum counter_answer answer;
	int64_t epoch;
	int32_t date;
	bool loaded;
	bool stale; /* a pending batch is older than COUNTER_STALE_MS */
	struct totals confirmed;
	struct totals pending;
	int64_t users;
};

/* What Redis holds for task->client, whatever its epoch; COUNTER_LOST: nothing that can be trusted.
 */
void counter_look(struct task *task, struct counter_view *ret);

/* The batches that are pending for task->client. */
struct counter_pending {
	struct id *batches;
	size_t count;
};
NODISCARD bool counter_list_pending(struct task *task, struct counter_pending *ret);

/* Fills the epoch of state from the log. COUNTER_OVER, COUNTER_LOST and COUNTER_AWAY go into
 * *ret_answer. */
NODISCARD bool counter_load(struct task *task, const struct zone *zone,
    const struct counter_state *state, enum counter_answer *ret_answer);

#endif
