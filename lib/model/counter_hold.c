#include "lib/model/counter_hold.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/model/counter_private.h"

/* Holds past their time that one call drops. */
#define PORTION 1000
#define LUA_PORTION "1000"

#define LUA_EXPIRE \
	"local function expire()\n" \
	"  local ids = redis.call('ZRANGEBYSCORE', due, '-inf', in_ms(0), 'LIMIT', 0, " LUA_PORTION \
	")\n" \
	"  for _, id in ipairs(ids) do release(id) end\n" \
	"  return #ids\n" \
	"end\n"

/* What is spent and held of a bucket: the sum over its slots. */
#define LUA_USE \
	"local function use(base, first, last)\n" \
	"  local sum = { 0, 0, 0, 0, 0, 0, 0 }\n" \
	"  for slot = first, last do\n" \
	"    local key = prefix .. base .. ':' .. string.format('%.0f', slot)\n" \
	"    local v = redis.call('HMGET', key, '0', '1', '2', 'h0', 'h1', 'h2', '3')\n" \
	"    for i = 1, 7 do sum[i] = sum[i] + tonumber(v[i] or 0) end\n" \
	"  end\n" \
	"  return sum\n" \
	"end\n"

/*
 * ARGV: epoch, run, hold ("" to look only), its life in milliseconds, then for each place four:
 * base, first and last slot; the three amounts; the three limits ("-": none); the item that is
 * held. Answers "ready", the place and the measure that refuse (0 0: none), and for each place what
 * is spent and held, this hold included. A limit is at most 2^53, so what is left of it is exact in
 * a double, or negative; a sum beside it might not be.
 */
static struct redis_script reserve_script = {
	.source = COUNTER_LUA_STATE COUNTER_LUA_ADD COUNTER_LUA_HOLD LUA_EXPIRE LUA_USE
	"local s = state()\n"
	"if s ~= 'ready' then return { s } end\n"
	"expire()\n"
	"local known = ARGV[3] ~= '' and redis.call('HEXISTS', holds, ARGV[3]) == 1\n"
	"local by, measure, sums, items = 0, 0, {}, {}\n"
	"for at = 5, #ARGV, 4 do\n"
	"  local base, first, last = string.match(ARGV[at], '(%S+) (%d+) (%d+)')\n"
	"  local sum, i = use(base, tonumber(first), tonumber(last)), 1\n"
	"  local limits = string.gmatch(ARGV[at + 2], '%S+')\n"
	"  for v in string.gmatch(ARGV[at + 1], '%d+') do\n"
	"    local limit = tonumber(limits())\n"
	"    sum[i + 7] = tonumber(v)\n"
	"    if limit and by == 0 and limit - sum[i] - sum[i + 3] < sum[i + 7] then\n"
	"      by, measure = (at - 1) / 4, i\n"
	"    end\n"
	"    i = i + 1\n"
	"  end\n"
	"  table.insert(sums, sum)\n"
	"  table.insert(items, ARGV[at + 3])\n"
	"end\n"
	"if known then by, measure = 0, 0 end\n"
	"local held = by == 0 and ARGV[3] ~= '' and not known\n"
	"if held then hold(ARGV[3], in_ms(ARGV[4]), table.concat(items)) end\n"
	"local out = { s, by .. ' ' .. measure }\n"
	"for _, sum in ipairs(sums) do\n"
	"  for j = 1, 7 do\n"
	"    local more = held and j > 3 and j < 7 and sum[j + 4] or 0\n"
	"    table.insert(out, string.format('%.0f', sum[j] + more))\n"
	"  end\n"
	"end\n"
	"return out\n"
};

/* ARGV: epoch, run, hold, seconds. While an epoch is being loaded, the loader has to hear of it. */
static struct redis_script release_script = {
	.source = COUNTER_LUA_STATE COUNTER_LUA_ADD COUNTER_LUA_HOLD
	"local s = state()\n"
	"if s == 'loading' then\n"
	"  redis.call('HSET', pending, ARGV[3], 'c |' .. ARGV[3])\n"
	"  redis.call('EXPIRE', pending, ARGV[4])\n"
	"end\n"
	"if s == 'ready' then release(ARGV[3]) end\n"
	"return s\n"
};

/*
 * ARGV: epoch, run, "drop" or "count". Answers how many holds are past their time, and which of
 * those that are left expires first.
 */
static struct redis_script expire_script = {
	.source = COUNTER_LUA_STATE COUNTER_LUA_ADD COUNTER_LUA_HOLD LUA_EXPIRE
	"local s = state()\n"
	"if s ~= 'ready' then return { s } end\n"
	"local n = ARGV[3] == 'drop' and expire() or redis.call('ZCOUNT', due, '-inf', in_ms(0))\n"
	"return { s, n, redis.call('ZRANGE', due, 0, 0)[1] or '' }\n"
};

/* Of one place: spent and held of each measure, and the calls without a price. */
#define USES ((size_t)2 * BUDGET_MEASURES + 1)
/* How often the next epoch is asked for before a release is left to the hold's expiry. */
#define RELEASE_TRIES 4

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
add_limits(
    struct task *task, struct redis_command *command, const struct budget *budget, int64_t now)
{
	struct buf text = { .arena = task->arena };

	for (int i = 0; i < BUDGET_MEASURES; i++) {
		struct account account = budget_status_account(
		    budget, &(struct budget_use){ 0 }, (enum budget_measure)i);
		int64_t limit = decide_limit(&account, now);

		if (budget->mode != DECIDE_HARD || limit == DECIDE_NO_LIMIT)
			buf_puts(&text, "- ");
		else
			buf_printf(&text, "%lld ", (long long)limit);
	}
	redis_add(command, text.at);
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
add_place(
    struct task *task, struct redis_command *command, const struct budget_place *place, int64_t now)
{
	struct buf item = { .arena = task->arena };

	counter_add_place_items(task, &item, (struct budget_places){ place, 1 });
	redis_add(command, arena_printf(task->arena, "%s %lld %lld", place->base,
			       (long long)place->first, (long long)place->last));
	redis_add(command, arena_printf(task->arena, "%lld %lld %lld", (long long)place->amounts[0],
			       (long long)place->amounts[1], (long long)place->amounts[2]));
	add_limits(task, command, place->budget, now);
	redis_add(command, item.at);
}

static bool
make_command(struct task *task, const struct counter_hold *hold, struct redis_command **ret)
{
	char id[ID_TEXT_SIZE];

	if (!counter_command(task, &reserve_script, hold->client, hold->state.epoch, ret))
		return false;
	redis_add(*ret, id_is_nil(hold->id) ? "" : id_format(hold->id, id));
	redis_add_int(*ret, (hold->expires_at - hold->now) / 1000);
	for (size_t i = 0; i < hold->places.count; i++)
		add_place(task, *ret, &hold->places.at[i], hold->now);
	/* By the limit that is left when an override of today is over. */
	for (size_t i = 0; i < hold->next.count; i++)
		add_place(task, *ret, &hold->next.at[i], hold->next.at[i].window.start);
	return true;
}

static int64_t
read_amount(struct task *task, const struct redis_reply *reply)
{
	const char *text = arena_strndup(task->arena, reply->text.at, reply->text.len);

	return strtoll(text, NULL, 10);
}

static void
read_refusal(struct task *task, const struct redis_reply *reply, struct counter_hold *hold)
{
	char *end;
	long by = strtol(arena_strndup(task->arena, reply->text.at, reply->text.len), &end, 10);
	long measure = strtol(end, NULL, 10);

	hold->refused = by > 0;
	if (!hold->refused)
		return;
	hold->refused_by = (size_t)by - 1;
	hold->measure = (enum budget_measure)(measure - 1);
}

static void
read_reply(struct task *task, const struct redis_reply *reply, struct counter_hold *hold)
{
	size_t count = hold->places.count + hold->next.count;

	hold->answer = counter_read_answer(reply);
	if (hold->answer != COUNTER_OK)
		return;
	if (reply->count != 2 + USES * count) {
		hold->answer = COUNTER_AWAY;
		return;
	}
	read_refusal(task, &reply->items[1], hold);
	hold->uses = arena_array(task->arena, count, sizeof(*hold->uses));
	for (size_t i = 0; i < count; i++) {
		const struct redis_reply *items = &reply->items[2 + USES * i];

		for (size_t m = 0; m < BUDGET_MEASURES; m++) {
			hold->uses[i].spent[m] = read_amount(task, &items[m]);
			hold->uses[i].held[m] = read_amount(task, &items[BUDGET_MEASURES + m]);
		}
		hold->uses[i].unpriced = read_amount(task, &items[USES - 1]);
	}
}

void
counter_reserve(struct task *task, struct counter_hold **holds, size_t count)
{
	struct redis_command **commands =
	    arena_array(task->arena, count, sizeof(struct redis_command *));
	struct redis_reply *replies = arena_array(task->arena, count, sizeof(*replies));
	bool ok = true;

	for (size_t i = 0; i < count && ok; i++)
		ok = make_command(task, holds[i], &commands[i]);
	ok = ok && (count == 0 || redis_run(task, commands, count, replies));
	if (!ok)
		task_clear_error(task);
	for (size_t i = 0; i < count; i++) {
		holds[i]->answer = COUNTER_AWAY;
		if (ok)
			read_reply(task, &replies[i], holds[i]);
	}
}

static enum counter_answer
release_in(struct task *task, int64_t epoch, struct id client, struct id hold)
{
	struct redis_command *command;
	char id[ID_TEXT_SIZE];

	if (!counter_command(task, &release_script, client, epoch, &command)) {
		task_clear_error(task);
		return COUNTER_AWAY;
	}
	redis_add(command, id_format(hold, id));
	redis_add_int(command, COUNTER_EXPIRE_S);
	return counter_run(task, command, NULL);
}

void
counter_release_in(struct task *task, int64_t epoch, struct id client, struct id hold)
{
	(void)release_in(task, epoch, client, hold);
}

/* An epoch that this process does not know yet may have been loaded with the hold. */
void
counter_release(
    struct task *task, struct counter_book *book, const struct zone *zone, struct id hold)
{
	struct counter_state state;

	for (int try = 0; try < RELEASE_TRIES; try++) {
		if (!counter_state(task, book, zone, &state)) {
			task_clear_error(task);
			return;
		}
		if (release_in(task, state.epoch, task->client, hold) != COUNTER_OVER)
			return;
		counter_book_forget(book, task->client);
	}
}

static enum counter_answer
expire_portion(struct task *task, const struct counter_state *state, bool drop, int64_t *ret_count,
    struct counter_expired *expired)
{
	struct redis_command *command;
	struct redis_reply reply;
	enum counter_answer answer;
	struct id first;

	if (!counter_command(task, &expire_script, task->client, state->epoch, &command)) {
		task_clear_error(task);
		return COUNTER_AWAY;
	}
	redis_add(command, drop ? "drop" : "count");
	answer = counter_run(task, command, &reply);
	if (answer != COUNTER_OK)
		return answer;
	*ret_count = reply.items[1].integer;
	expired->oldest_at = id_parse(reply.items[2].text, &first) ? id_time(first) : 0;
	return COUNTER_OK;
}

enum counter_answer
counter_expire(
    struct task *task, const struct counter_state *state, bool drop, struct counter_expired *ret)
{
	enum counter_answer answer;
	int64_t count = 0;

	*ret = (struct counter_expired){ 0 };
	do {
		answer = expire_portion(task, state, drop, &count, ret);
		if (answer == COUNTER_OK)
			ret->count += count;
	} while (answer == COUNTER_OK && drop && count == PORTION);
	return answer;
}
