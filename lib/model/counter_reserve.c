/* Taking holds, and looking at what is used. */
#include <stdlib.h>
#include <string.h>

#include "lib/model/counter_hold.h"
#include "lib/model/counter_hold_lua.h"
#include "lib/model/counter_private.h"

/* Holds that one script takes: others wait for it. */
#define RESERVED_MAX 100

/*
 * What the holds of a call find: each bucket is read once and written once. A bucket's cell has
 * what is spent and held of it, in the order of its fields; a window is the sum over its slots'
 * cells, the last of which is the bucket of this name. Of a rolling budget only the last window is
 * kept: that of another hold may have some of its slots.
 */
#define LUA_WINDOW \
	"local fields = { '0', '1', '2', 'h0', 'h1', 'h2', '3', 'h3' }\n" \
	"local cells, windows, changed = {}, {}, {}\n" \
	"local function cell_of(name)\n" \
	"  local cell = cells[name]\n" \
	"  if cell then return cell end\n" \
	"  cell = redis.call('HMGET', prefix .. name, unpack(fields))\n" \
	"  cell.fresh = true\n" \
	"  for i = 1, 8 do\n" \
	"    if cell[i] then cell.fresh = false end\n" \
	"    cell[i] = tonumber(cell[i] or 0)\n" \
	"  end\n" \
	"  cells[name] = cell\n" \
	"  return cell\n" \
	"end\n" \
	"local function add_slots(window, name, first)\n" \
	"  local base, last = string.match(name, '^(.*:)(%d+)$')\n" \
	"  for slot = tonumber(first), tonumber(last) - 1 do\n" \
	"    local cell = cell_of(base .. string.format('%d', slot))\n" \
	"    for i = 1, 7 do window[i] = window[i] + cell[i] end\n" \
	"  end\n" \
	"end\n" \
	"local function window_of(name, first)\n" \
	"  local key = first == '-' and name or string.match(name, '^(.*):')\n" \
	"  local window = windows[key]\n" \
	"  if window and window.name == name and window.first == first then return window end\n" \
	"  window = { unpack(cell_of(name), 1, 7) }\n" \
	"  if first ~= '-' then add_slots(window, name, first) end\n" \
	"  window.name, window.first = name, first\n" \
	"  windows[key] = window\n" \
	"  return window\n" \
	"end\n" \
	"local function text_of(n)\n" \
	"  return string.format(n < inexact and '%d' or '%.0f', n)\n" \
	"end\n"

/* A place is three limits of a window and the four amounts, as texts, that its last bucket holds.
 * Most holds of a call have the same limits. */
#define LUA_PLACE \
	"local read = {}\n" \
	"local function limits_of(text)\n" \
	"  local list = read[text] or {}\n" \
	"  if read[text] then return list end\n" \
	"  for first, l1, l2, l3 in string.gmatch(text, '(%S+) (%S+) (%S+) (%S+);') do\n" \
	"    list[#list + 1] = { tonumber(l1) or false, tonumber(l2) or false,\n" \
	"      tonumber(l3) or false, first = first }\n" \
	"  end\n" \
	"  read[text] = list\n" \
	"  return list\n" \
	"end\n" \
	"local function places_of(limits, items)\n" \
	"  local places, item = {}, string.gmatch(items, '(%S+) (%d+) (%d+) (%d+) (%d+) (%d+);')\n" \
	"  for n, limit in ipairs(limits_of(limits)) do\n" \
	"    local name, seconds, v1, v2, v3, v4 = item()\n" \
	"    places[n] = { limit[1], limit[2], limit[3], v1, v2, v3, v4,\n" \
	"      name = name, seconds = seconds, window = window_of(name, limit.first) }\n" \
	"  end\n" \
	"  return places\n" \
	"end\n" \
	"local function refusal(places)\n" \
	"  for by, place in ipairs(places) do\n" \
	"    local window = place.window\n" \
	"    for i = 1, 3 do\n" \
	"      if place[i] and place[i] - window[i] - window[i + 3] - place[i + 3] < 0 then\n" \
	"        return by, i\n" \
	"      end\n" \
	"    end\n" \
	"  end\n" \
	"  return 0, 0\n" \
	"end\n" \
	"local function take(place)\n" \
	"  local cell, window = cell_of(place.name), place.window\n" \
	"  if not cell.taken then\n" \
	"    cell.taken = {}\n" \
	"    changed[#changed + 1] = place.name\n" \
	"  end\n" \
	"  cell.taken[#cell.taken + 1] = place\n" \
	"  for i = 4, 6 do\n" \
	"    window[i] = window[i] + place[i]\n" \
	"    cell[i] = cell[i] + place[i]\n" \
	"  end\n" \
	"  cell[8] = cell[8] + place[7]\n" \
	"end\n" \
	"local function use_of(place)\n" \
	"  local w = place.window\n" \
	"  if not w.spent then\n" \
	"    w.spent = text_of(w[1]) .. ' ' .. text_of(w[2]) .. ' ' .. text_of(w[3])\n" \
	"    w.unpriced = text_of(w[7])\n" \
	"  end\n" \
	"  if w[4] < inexact and w[5] < inexact and w[6] < inexact then\n" \
	"    return string.format('%s %d %d %d %s', w.spent, w[4], w[5], w[6], w.unpriced)\n" \
	"  end\n" \
	"  return string.format('%s %.0f %.0f %.0f %s', w.spent, w[4], w[5], w[6], w.unpriced)\n" \
	"end\n" \
	"local function write(key, cell)\n" \
	"  local sums = {}\n" \
	"  for _, at in ipairs({ 4, 5, 6, 8 }) do\n" \
	"    if cell[at] >= inexact then sums = nil break end\n" \
	"    if cell[at] > 0 then\n" \
	"      sums[#sums + 1] = fields[at]\n" \
	"      sums[#sums + 1] = string.format('%d', cell[at])\n" \
	"    end\n" \
	"  end\n" \
	"  for _, place in ipairs(sums and {} or cell.taken) do\n" \
	"    for i = 4, 7 do\n" \
	"      if place[i] ~= '0' then add_one(key, 'h' .. (i - 4), '', place[i]) end\n" \
	"    end\n" \
	"  end\n" \
	"  if sums and #sums > 0 then redis.call('HSET', key, unpack(sums)) end\n" \
	"  if cell.fresh then redis.call('EXPIREAT', key, cell.taken[1].seconds) end\n" \
	"end\n"

/*
 * ARGV: epoch, run, then for each hold four: its id ("" to look only), its life in milliseconds,
 * the limits of its places ("slot limit limit limit;": the first slot of the window, "-" where
 * there is but the one that is held; "-": no limit), and what it holds of them (items). Answers
 * "ready", and for each hold a text: the place and the measure that refuse (0 0: none), and for
 * each place what is spent and held, this hold included. A limit is at most 2^53, so what is left
 * of it is exact in a double, or negative; a sum beside it might not be.
 */
static struct redis_script reserve_script = { .library = { COUNTER_LUA_STATE, COUNTER_LUA_ADD,
						  COUNTER_LUA_HOLD, COUNTER_LUA_EXPIRE, LUA_WINDOW,
						  LUA_PLACE },
	.source = "local s = state()\n"
		  "if s ~= 'ready' then return { s } end\n"
		  "expire()\n"
		  "local ids, out, taken, dues = {}, { s }, {}, {}\n"
		  "for at = 3, #ARGV, 4 do ids[#ids + 1] = ARGV[at] end\n"
		  "local known = redis.call('HMGET', holds, unpack(ids))\n"
		  "for n, id in ipairs(ids) do\n"
		  "  local at = 4 * n - 1\n"
		  "  local places, by, measure = places_of(ARGV[at + 2], ARGV[at + 3]), 0, 0\n"
		  "  if not known[n] then by, measure = refusal(places) end\n"
		  "  if by == 0 and id ~= '' and not known[n] then\n"
		  "    for _, place in ipairs(places) do take(place) end\n"
		  "    taken[#taken + 1], taken[#taken + 2] = id, ARGV[at + 3]\n"
		  "    dues[#dues + 1], dues[#dues + 2] = in_ms(ARGV[at + 1]), id\n"
		  "  end\n"
		  "  local answer = { by, measure }\n"
		  "  for i, place in ipairs(places) do answer[i + 2] = use_of(place) end\n"
		  "  out[n + 1] = table.concat(answer, ' ')\n"
		  "end\n"
		  "if #taken > 0 then\n"
		  "  redis.call('HSET', holds, unpack(taken))\n"
		  "  redis.call('ZADD', due, unpack(dues))\n"
		  "  redis.call('EXPIRE', holds, " COUNTER_LUA_HOLDS_S ")\n"
		  "  redis.call('EXPIRE', due, " COUNTER_LUA_HOLDS_S ")\n"
		  "end\n"
		  "for _, name in ipairs(changed) do write(prefix .. name, cells[name]) end\n"
		  "return out\n" };
_Static_assert(BUDGET_MEASURES == 3, "the fields of a cell");

struct budget_places
counter_hold_next(struct task *task, const struct budget_set *set,
    const struct budget_places *places, int64_t expires_at)
{
	struct budget_place *next = arena_array(task->arena, places->count, sizeof(*next));
	/* By then its record may fall into the next window, by a clock that is ahead of ours. */
	int64_t last = expires_at + COUNTER_SKEW_USEC;
	size_t count = 0;

	for (size_t i = 0; i < places->count; i++) {
		const struct budget_place *place = &places->at[i];

		/* A rolling window has its earlier slots in it for longer than a hold lives. */
		if (place->budget->period == PERIOD_ROLLING || place->window.end > last)
			continue;
		next[count] = budget_place_of_slot(
		    task, place->budget, set->zones[place->budget - set->at], place->value, last);
		memcpy(next[count].amounts, place->amounts, sizeof(place->amounts));
		count++;
	}
	return (struct budget_places){ next, count };
}

static void
put_limits(struct buf *text, const struct budget *budget, int64_t now)
{
	for (int i = 0; i < BUDGET_MEASURES; i++) {
		struct account account = budget_status_account(
		    budget, &(struct budget_use){ 0 }, (enum budget_measure)i);
		int64_t limit = decide_limit(&account, now);

		if (budget->mode != DECIDE_HARD || limit == DECIDE_NO_LIMIT)
			buf_puts(text, " -");
		else
			buf_printf(text, " %lld", (long long)limit);
	}
	buf_putc(text, ';');
}

void
counter_add_place_items(struct task *task, struct buf *items, struct budget_places places)
{
	for (size_t i = 0; i < places.count; i++) {
		struct counter_sum sum = counter_place_sum(task, &places.at[i]);

		counter_add_item(items, &sum);
	}
}

static void
put_place(struct buf *limits, const struct budget_place *place, int64_t now)
{
	if (place->first == place->last)
		buf_putc(limits, '-');
	else
		buf_printf(limits, "%lld", (long long)place->first);
	put_limits(limits, place->budget, now);
}

static void
add_hold(struct task *task, struct redis_command *command, const struct counter_hold *hold)
{
	struct buf limits = { .arena = task->arena }, items = { .arena = task->arena };
	char id[ID_TEXT_SIZE];

	for (size_t i = 0; i < hold->places.count; i++)
		put_place(&limits, &hold->places.at[i], hold->now);
	/* By the limit that is left when an override of today is over. */
	for (size_t i = 0; i < hold->next.count; i++)
		put_place(&limits, &hold->next.at[i], hold->next.at[i].window.start);
	counter_add_place_items(task, &items, hold->places);
	counter_add_place_items(task, &items, hold->next);
	redis_add(command, id_is_nil(hold->id) ? "" : id_format(hold->id, id));
	redis_add_int(command, (hold->expires_at - hold->now) / 1000);
	redis_add_n(command, limits.at, limits.len);
	redis_add_n(command, items.at, items.len);
}

/* How many from the first are of its client and epoch, as far as one command takes them. */
static size_t
count_same(struct counter_hold *const *holds, size_t count)
{
	size_t same = 1;

	while (same < count && same < RESERVED_MAX &&
	       id_equal(holds[same]->client, holds[0]->client) &&
	       holds[same]->state.epoch == holds[0]->state.epoch)
		same++;
	return same;
}

static bool
make_command(
    struct task *task, struct counter_hold *const *holds, size_t count, struct redis_command **ret)
{
	if (!counter_command(task, &reserve_script, holds[0]->client, holds[0]->state.epoch, ret))
		return false;
	for (size_t i = 0; i < count; i++)
		add_hold(task, *ret, holds[i]);
	return true;
}

/* "place measure", then for each place: spent, held, calls without a price. */
static void
read_hold(struct task *task, const char *text, struct counter_hold *hold)
{
	size_t count = hold->places.count + hold->next.count;
	char *at;
	long by = strtol(text, &at, 10), measure = strtol(at, &at, 10);

	hold->refused = by > 0;
	if (hold->refused) {
		hold->refused_by = (size_t)by - 1;
		hold->measure = (enum budget_measure)(measure - 1);
	}
	hold->uses = arena_array(task->arena, count, sizeof(*hold->uses));
	for (size_t i = 0; i < count; i++) {
		for (size_t m = 0; m < BUDGET_MEASURES; m++)
			hold->uses[i].spent[m] = strtoll(at, &at, 10);
		for (size_t m = 0; m < BUDGET_MEASURES; m++)
			hold->uses[i].held[m] = strtoll(at, &at, 10);
		hold->uses[i].unpriced = strtoll(at, &at, 10);
	}
}

static void
read_reply(struct task *task, const struct redis_reply *reply, struct counter_hold *const *holds,
    size_t count)
{
	enum counter_answer answer = counter_read_answer(reply);

	if (answer == COUNTER_OK && reply->count != 1 + count)
		answer = COUNTER_AWAY;
	for (size_t i = 0; i < count; i++) {
		holds[i]->answer = answer;
		if (answer == COUNTER_OK)
			read_hold(task, reply->items[1 + i].text.at, holds[i]);
	}
}

void
counter_reserve(struct task *task, struct counter_hold **holds, size_t count)
{
	struct redis_command **commands =
	    arena_array(task->arena, count, sizeof(struct redis_command *));
	struct redis_reply *replies = arena_array(task->arena, count, sizeof(*replies));
	size_t sent = 0;
	bool ok = true;

	for (size_t i = 0, same; i < count && ok; i += same) {
		same = count_same(&holds[i], count - i);
		ok = make_command(task, &holds[i], same, &commands[sent++]);
	}
	ok = ok && (count == 0 || redis_run(task, commands, sent, replies));
	if (!ok)
		task_clear_error(task);
	for (size_t i = 0, same, read = 0; i < count; i += same) {
		same = count_same(&holds[i], count - i);
		for (size_t j = i; j < i + same; j++)
			holds[j]->answer = COUNTER_AWAY;
		if (ok)
			read_reply(task, &replies[read++], &holds[i], same);
	}
}
