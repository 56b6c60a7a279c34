/* What the scripts of the counters share, each part behind those that it needs. */
#ifndef LIB_MODEL_COUNTER_LUA_H
#define LIB_MODEL_COUNTER_LUA_H

#include "lib/base.h"

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

#endif
