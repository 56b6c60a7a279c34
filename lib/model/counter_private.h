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
#include "lib/redis.h"

/* Keys of a client without calls go away by themselves. */
#define COUNTER_EXPIRE_S (INT64_C(3) * 86400)

/*
 * KEYS: state. ARGV[1], ARGV[2]: the caller's epoch and the run id of this server. A key that was
 * written under another run id came back from an old snapshot and is worth nothing.
 */
#define COUNTER_LUA_STATE \
	"local prefix = string.sub(KEYS[1], 1, -6) .. ARGV[1] .. ':'\n" \
	"local pending = prefix .. 'pending'\n" \
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
 * Adds items ("bucket expiry amount amount…;") to the fields of their buckets, or takes them back.
 * A number in Lua is a double: the sums are made by HINCRBY from their texts. It refuses to go past
 * 64 bits, in the midst of a script whose other writes stand: such a total stays at its end, as
 * everywhere (lib/core/totals.h). A bucket whose time was over is not brought back below zero.
 */
#define COUNTER_LUA_ADD \
	"local most = '9223372036854775807'\n" \
	"local function add_one(key, field, sign, v)\n" \
	"  if sign == '-' and redis.call('HGET', key, field) == most then return end\n" \
	"  local sum = redis.pcall('HINCRBY', key, field, sign .. v)\n" \
	"  if type(sum) == 'table' then redis.call('HSET', key, field, most)\n" \
	"  elseif sum < 0 then redis.call('HSET', key, field, 0) end\n" \
	"end\n" \
	"local function add(items, sign, kind)\n" \
	"  for name, seconds, values in string.gmatch(items, '(%S+) (%d+) ([%d ]+);') do\n" \
	"    local key, i = prefix .. name, 0\n" \
	"    for v in string.gmatch(values, '%d+') do\n" \
	"      if v ~= '0' then add_one(key, kind .. i, sign, v) end\n" \
	"      i = i + 1\n" \
	"    end\n" \
	"    redis.call('EXPIREAT', key, seconds)\n" \
	"  end\n" \
	"end\n"

/* A year, in seconds: longer than an epoch (migrations, counter_turn). */
#define COUNTER_LUA_HOLDS_S "31536000"

/*
 * A hold stands in the fields h0, h1, … of its buckets. When it is due is reckoned by the clock of
 * Redis alone, which says so later: those of the processes differ. It has to be found as long as
 * its buckets are there, however rarely the client asks for anything.
 */
#define COUNTER_LUA_HOLD \
	"local holds, due = prefix .. 'holds', prefix .. 'due'\n" \
	"local function in_ms(ms)\n" \
	"  local t = redis.call('TIME')\n" \
	"  return string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000) + ms)\n" \
	"end\n" \
	"local function hold(id, expires_ms, items)\n" \
	"  if redis.call('HSETNX', holds, id, items) == 0 then return end\n" \
	"  redis.call('ZADD', due, expires_ms, id)\n" \
	"  add(items, '', 'h')\n" \
	"  redis.call('EXPIRE', holds, " COUNTER_LUA_HOLDS_S ")\n" \
	"  redis.call('EXPIRE', due, " COUNTER_LUA_HOLDS_S ")\n" \
	"end\n" \
	"local function release(id)\n" \
	"  local items = redis.call('HGET', holds, id)\n" \
	"  if items then add(items, '-', 'h') redis.call('HDEL', holds, id) end\n" \
	"  redis.call('ZREM', due, id)\n" \
	"end\n"

/* A script on a client's state, with epoch and run id as its first two arguments. */
NODISCARD bool counter_command(struct task *task, struct redis_script *script, struct id client,
    int64_t epoch, struct redis_command **ret);
/* What a counter script answered, or the first element of what it did. */
enum counter_answer counter_read_answer(const struct redis_reply *reply);
/* One command in a round trip of its own; a failure is COUNTER_AWAY. ret_reply may be NULL. */
enum counter_answer counter_run(
    struct task *task, struct redis_command *command, struct redis_reply *ret_reply);

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

/* What Redis holds of the open day of task->client in the state's epoch, at one instant. */
void counter_look(struct task *task, const struct counter_state *state, struct counter_view *ret);

/* Fills the epoch of state from the log. COUNTER_OVER, COUNTER_LOST and COUNTER_AWAY go into
 * *ret_answer. */
NODISCARD bool counter_load(struct task *task, const struct zone *zone,
    const struct counter_state *state, enum counter_answer *ret_answer);

#endif
