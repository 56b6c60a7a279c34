/* What the scripts about holds share, behind COUNTER_LUA_STATE and COUNTER_LUA_ADD. */
#ifndef LIB_MODEL_COUNTER_HOLD_LUA_H
#define LIB_MODEL_COUNTER_HOLD_LUA_H

#include "lib/model/counter_lua.h"

/* A year, in seconds: longer than an epoch (migrations, counter_turn). */
#define COUNTER_LUA_HOLDS_S "31536000"

/* Holds that one call releases, or takes: what a script may unpack. */
#define COUNTER_LUA_PORTION "1000"

/*
 * A hold stands in the fields h0, h1, … of its buckets. When it is due is reckoned by the clock of
 * Redis alone, which says so later: those of the processes differ. It has to be found as long as
 * its buckets are there, however rarely the client asks for anything.
 *
 * Many are released as one sum of each bucket, as far as it is exact.
 */
#define COUNTER_LUA_HOLD \
	"local holds, due = prefix .. 'holds', prefix .. 'due'\n" \
	"local now\n" \
	"local function in_ms(ms)\n" \
	"  local t = not now and redis.call('TIME')\n" \
	"  now = now or t[1] * 1000 + math.floor(t[2] / 1000)\n" \
	"  return string.format('%d', now + ms)\n" \
	"end\n" \
	"local function hold(id, expires_ms, items)\n" \
	"  if redis.call('HSETNX', holds, id, items) == 0 then return end\n" \
	"  redis.call('ZADD', due, expires_ms, id)\n" \
	"  add(items, '', 'h')\n" \
	"  redis.call('EXPIRE', holds, " COUNTER_LUA_HOLDS_S ")\n" \
	"  redis.call('EXPIRE', due, " COUNTER_LUA_HOLDS_S ")\n" \
	"end\n" \
	"local function sum_up(sums, items)\n" \
	"  for name, seconds, v1, v2, v3, v4 in\n" \
	"      string.gmatch(items, '(%S+) (%d+) (%d+) (%d+) (%d+) (%d+);') do\n" \
	"    local sum = sums[name] or { 0, 0, 0, 0, seconds = seconds }\n" \
	"    sum[1], sum[2], sum[3], sum[4] = sum[1] + v1, sum[2] + v2, sum[3] + v3, sum[4] + v4\n" \
	"    if math.max(unpack(sum)) >= inexact then return false end\n" \
	"    sums[name] = sum\n" \
	"  end\n" \
	"  return true\n" \
	"end\n" \
	"local function release_some(ids)\n" \
	"  local all, sums, exact = redis.call('HMGET', holds, unpack(ids)), {}, true\n" \
	"  for _, items in ipairs(all) do exact = exact and (not items or sum_up(sums, items)) end\n" \
	"  if exact then\n" \
	"    for name, sum in pairs(sums) do add_values(name, sum.seconds, '-', 'h', sum) end\n" \
	"  else\n" \
	"    for _, items in ipairs(all) do add(items or '', '-', 'h') end\n" \
	"  end\n" \
	"  redis.call('HDEL', holds, unpack(ids))\n" \
	"  redis.call('ZREM', due, unpack(ids))\n" \
	"end\n" \
	"local function release(ids)\n" \
	"  local some, seen = {}, {}\n" \
	"  for _, id in ipairs(ids) do\n" \
	"    if not seen[id] then some[#some + 1] = id end\n" \
	"    seen[id] = true\n" \
	"    if #some == " COUNTER_LUA_PORTION " then release_some(some) some = {} end\n" \
	"  end\n" \
	"  if #some > 0 then release_some(some) end\n" \
	"end\n" \
	"local function words(text)\n" \
	"  local list = {}\n" \
	"  for word in string.gmatch(text, '%S+') do list[#list + 1] = word end\n" \
	"  return list\n" \
	"end\n"

/* Drops what is past its time. */
#define COUNTER_LUA_EXPIRE \
	"local function expire()\n" \
	"  local ids = redis.call('ZRANGEBYSCORE', due, '-inf', in_ms(0), 'LIMIT', 0, " COUNTER_LUA_PORTION \
	")\n" \
	"  release(ids)\n" \
	"  return #ids\n" \
	"end\n"

#endif
