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
 * Adds items ("bucket expiry amount amount…;") to the fields of their buckets, or takes them back;
 * values are numbers or their texts. A number in Lua is a double: what fits one exactly is reckoned
 * here, all fields of a bucket at once; of what does not, the sums are made by HINCRBY from their
 * texts. That refuses to go past 64 bits, in the midst of a script whose other writes stand: such a
 * total stays at its end, as everywhere (lib/core/totals.h). A bucket whose time was over is not
 * brought back below zero. A bucket never changes its expiry: it is set when the first field is.
 */
#define COUNTER_LUA_ADD \
	"local most, inexact = '9223372036854775807', 9007199254740992\n" \
	"local function add_one(key, field, sign, v)\n" \
	"  if type(v) == 'number' then v = string.format('%d', v) end\n" \
	"  if sign == '-' and redis.call('HGET', key, field) == most then return end\n" \
	"  local sum = redis.pcall('HINCRBY', key, field, sign .. v)\n" \
	"  if type(sum) == 'table' then redis.call('HSET', key, field, most)\n" \
	"  elseif sum < 0 then redis.call('HSET', key, field, 0) end\n" \
	"end\n" \
	"local function add_exactly(key, fields, sign, values)\n" \
	"  local olds, sums, fresh = redis.call('HMGET', key, unpack(fields)), {}, true\n" \
	"  for i, field in ipairs(fields) do\n" \
	"    local old, v = tonumber(olds[i] or 0), tonumber(values[i])\n" \
	"    local sum = old and (sign == '-' and old - v or old + v)\n" \
	"    if not old or old >= inexact or sum >= inexact then return false end\n" \
	"    if olds[i] then fresh = false end\n" \
	"    sums[2 * i - 1], sums[2 * i] = field, string.format('%d', math.max(sum, 0))\n" \
	"  end\n" \
	"  redis.call('HSET', key, unpack(sums))\n" \
	"  return true, fresh\n" \
	"end\n" \
	"local function add_values(name, seconds, sign, kind, values)\n" \
	"  local key, fields, some = prefix .. name, {}, {}\n" \
	"  for i, v in ipairs(values) do\n" \
	"    if tonumber(v) ~= 0 then fields[#fields + 1], some[#some + 1] = kind .. (i - 1), v end\n" \
	"  end\n" \
	"  if #fields == 0 then return end\n" \
	"  local done, fresh = add_exactly(key, fields, sign, some)\n" \
	"  for i = 1, done and 0 or #fields do add_one(key, fields[i], sign, some[i]) end\n" \
	"  if fresh or not done then redis.call('EXPIREAT', key, seconds) end\n" \
	"end\n" \
	"local function add(items, sign, kind)\n" \
	"  for name, seconds, numbers in string.gmatch(items, '(%S+) (%d+) ([%d ]+);') do\n" \
	"    local values = {}\n" \
	"    for v in string.gmatch(numbers, '%d+') do values[#values + 1] = v end\n" \
	"    add_values(name, seconds, sign, kind, values)\n" \
	"  end\n" \
	"end\n"

#endif
