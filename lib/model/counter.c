/* Batches: announced, confirmed, dropped. */
#include "lib/model/counter.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/model/counter_hold_lua.h"
#include "lib/model/counter_private.h"

static const struct redis_commands nothing_more;

#define LUA_OPEN \
	"local function open(seconds)\n" \
	"  redis.call('DEL', KEYS[1])\n" \
	"  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'run', ARGV[2])\n" \
	"  redis.call('EXPIRE', KEYS[1], seconds)\n" \
	"end\n"

/* ARGV: epoch, run, seconds. The caller opened this epoch, so what is here belongs to an earlier
 * one. */
static struct redis_script prepare_script = {
	.source = COUNTER_LUA_STATE LUA_OPEN
	"local s = state()\n"
	"if s == 'lost' or s == 'behind' then open(ARGV[3]) s = 'loading' end\n"
	"return s\n"
};

/*
 * ARGV: epoch, run, seconds, batch, items. A state of an earlier epoch in the same life of the
 * server: whoever opened this epoch did not come to prepare it yet, and nothing of it can have been
 * lost. While an epoch is being loaded, the list alone says what is to be added.
 */
static struct redis_script announce_script = { .library = { COUNTER_LUA_STATE, LUA_OPEN,
						   COUNTER_LUA_ADD, EVENT_LUA_HEARD },
	.source = "local s = state()\n"
		  "if s == 'behind' then open(ARGV[3]) s = 'loading' end\n"
		  "if s ~= 'ready' and s ~= 'loading' then return s end\n"
		  "redis.call('HSET', pending, ARGV[4], 'p ' .. ARGV[5])\n"
		  "if s == 'ready' then add(ARGV[5], '', '') end\n"
		  "redis.call('EXPIRE', KEYS[1], ARGV[3])\n"
		  "redis.call('EXPIRE', pending, ARGV[3])\n"
		  "return { s, heard('record') }\n" };

/*
 * ARGV: epoch, run, seconds, batch, "=" or the items that were stored instead, holds to release
 * ("id id …"), then for each day its name, a number and so many users. While the epoch is being
 * loaded, a confirmed batch stays in the list, marked: the loader alone knows whether its sums over
 * the log hold it. An entry marked as included was in those sums.
 */
static struct redis_script confirm_script = { .library = { COUNTER_LUA_STATE, COUNTER_LUA_ADD,
						  COUNTER_LUA_HOLD },
	.source = "local s = state()\n"
		  "if s ~= 'ready' and s ~= 'loading' then return s end\n"
		  "local entry = redis.call('HGET', pending, ARGV[4])\n"
		  "if not entry then return 'lost' end\n"
		  "local announced, stored = string.sub(entry, 3), ARGV[5]\n"
		  "if s == 'loading' then\n"
		  "  if stored == '=' then stored = announced end\n"
		  "  redis.call('HSET', pending, ARGV[4], 'c ' .. stored .. '|' .. ARGV[6])\n"
		  "else\n"
		  "  redis.call('HDEL', pending, ARGV[4])\n"
		  "  if stored ~= '=' and string.sub(entry, 1, 1) == 'p' then\n"
		  "    add(stored, '', '')\n"
		  "    add(announced, '-', '')\n"
		  "  end\n"
		  "  release(words(ARGV[6]))\n"
		  "end\n"
		  "local i = 7\n"
		  "while i < #ARGV do\n"
		  "  local key, last = prefix .. 'u:' .. ARGV[i], i + 1 + tonumber(ARGV[i + 1])\n"
		  "  for at = i + 2, last, 1000 do\n"
		  "    redis.call('SADD', key, unpack(ARGV, at, math.min(at + 999, last)))\n"
		  "  end\n"
		  "  redis.call('EXPIRE', key, ARGV[3])\n"
		  "  i = last + 1\n"
		  "end\n"
		  "return s\n" };

/* ARGV: epoch, run, batch. An entry that is marked as included was committed after all. */
static struct redis_script drop_script = {
	.source = COUNTER_LUA_STATE COUNTER_LUA_ADD
	"local s = state()\n"
	"if s ~= 'ready' and s ~= 'loading' then return s end\n"
	"local entry = redis.call('HGET', pending, ARGV[3])\n"
	"redis.call('HDEL', pending, ARGV[3])\n"
	"if entry and s == 'ready' and string.sub(entry, 1, 1) == 'p' then\n"
	"  add(string.sub(entry, 3), '-', '')\n"
	"end\n"
	"return s\n"
};

bool
counter_command(struct task *task, struct redis_script *script, struct id client, int64_t epoch,
    struct redis_command **ret)
{
	char text[ID_TEXT_SIZE];
	const char *run_id;

	if (!redis_run_id(task, &run_id))
		return false;
	*ret = redis_eval(task, script, 1);
	/* The braces make all keys of a client one slot of a cluster. */
	redis_add(*ret, arena_printf(task->arena, "tally:{%s}:state", id_format(client, text)));
	redis_add_int(*ret, epoch);
	redis_add(*ret, run_id);
	return true;
}

enum counter_answer
counter_read_answer(const struct redis_reply *reply)
{
	static const struct {
		const char *text;
		enum counter_answer answer;
	} answers[] = {
		{ "ready", COUNTER_OK }, { "loading", COUNTER_LOADING }, { "over", COUNTER_OVER },
		{ "lost", COUNTER_LOST },
		{ "behind", COUNTER_LOST }, /* of use only to those who may prepare */
	};

	if (reply->type == REDIS_ARRAY && reply->count > 0)
		reply = &reply->items[0];
	for (size_t i = 0; reply->type == REDIS_TEXT && i < COUNT(answers); i++) {
		if (reply->text.len == strlen(answers[i].text) &&
		    memcmp(reply->text.at, answers[i].text, reply->text.len) == 0)
			return answers[i].answer;
	}
	return COUNTER_AWAY;
}

enum counter_answer
counter_run(struct task *task, struct redis_command *command, struct redis_reply *ret_reply)
{
	struct redis_reply reply;

	if (!redis_run(task, &command, 1, &reply)) {
		task_clear_error(task);
		return COUNTER_AWAY;
	}
	if (ret_reply != NULL)
		*ret_reply = reply;
	return counter_read_answer(&reply);
}

void
counter_add_item(struct buf *items, const struct counter_sum *sum)
{
	buf_printf(items, "%s %lld", sum->bucket, (long long)sum->expires_at_s);
	for (int i = 0; i < sum->count; i++)
		buf_printf(items, " %lld", (long long)sum->amounts[i]);
	buf_putc(items, ';');
}

const char *
counter_items(struct task *task, struct counter_sums sums)
{
	struct buf items = { .arena = task->arena };

	for (size_t i = 0; i < sums.count; i++)
		counter_add_item(&items, &sums.at[i]);
	return sums.count == 0 ? "" : items.at;
}

bool
counter_counts_day(const struct counter_state *state, int32_t day)
{
	return day >= state->day && day < state->day + COUNTER_DAYS;
}

struct counter_sum
counter_day_sum(
    struct task *task, const struct zone *zone, int32_t day, const struct totals *totals)
{
	struct counter_sum sum = { .count = TOTAL_COUNT };
	char text[DATE_TEXT_SIZE];

	sum.bucket = arena_printf(task->arena, "d:%s", date_format(day, text));
	sum.expires_at_s = zone_day_start(zone, day + 1) / CLOCK_SECOND + COUNTER_EXPIRE_S;
	memcpy(sum.amounts, totals->at, sizeof(totals->at));
	return sum;
}

struct counter_sum
counter_place_sum(struct task *task, const struct budget_place *place)
{
	struct counter_sum sum = { .bucket = budget_place_bucket(task, place),
		.expires_at_s = place->expires_at_s,
		.count = BUDGET_MEASURES + 1 };

	memcpy(sum.amounts, place->amounts, sizeof(place->amounts));
	sum.amounts[BUDGET_MEASURES] = place->unpriced;
	return sum;
}

static void
add_announce(struct task *task, struct redis_command *command, struct id batch,
    const struct counter_part *part)
{
	char id[ID_TEXT_SIZE];

	redis_add_int(command, COUNTER_EXPIRE_S);
	redis_add(command, id_format(batch, id));
	redis_add(command, counter_items(task, part->announced));
}

static const char *
settled_text(struct task *task, const struct counter_part *part)
{
	struct buf buf = { .arena = task->arena };
	char id[ID_TEXT_SIZE];

	for (size_t i = 0; i < part->settled_count; i++)
		buf_printf(&buf, i == 0 ? "%s" : " %s", id_format(part->settled[i], id));
	return part->settled_count == 0 ? "" : buf.at;
}

static void
add_confirm(struct task *task, struct redis_command *command, struct id batch,
    const struct counter_part *part)
{
	char id[ID_TEXT_SIZE], day[DATE_TEXT_SIZE];

	redis_add_int(command, COUNTER_EXPIRE_S);
	redis_add(command, id_format(batch, id));
	redis_add(command, part->differs ? counter_items(task, part->stored) : "=");
	redis_add(command, settled_text(task, part));
	for (size_t d = 0; d < COUNTER_DAYS; d++) {
		const struct counter_users *users = &part->users[d];

		if (users->count == 0)
			continue;
		redis_add(command, date_format(users->day, day));
		redis_add_int(command, (int64_t)users->count);
		for (size_t i = 0; i < users->count; i++)
			redis_add_n(command, users->at[i].bytes, sizeof(users->at[i].bytes));
	}
}

static void
add_drop(struct task *task, struct redis_command *command, struct id batch,
    const struct counter_part *part)
{
	char id[ID_TEXT_SIZE];

	(void)task;
	(void)part;
	redis_add(command, id_format(batch, id));
}

static void
read_part(const struct redis_reply *reply, struct counter_part *part)
{
	enum counter_answer answer = counter_read_answer(reply);

	part->answer = answer == COUNTER_LOADING ? COUNTER_OK : answer;
	if (reply->type == REDIS_ARRAY && reply->count == 2)
		part->heard = (enum event_heard)reply->items[1].integer;
}

/* One command for each part that is well, in one round trip; Redis away leaves COUNTER_AWAY in
 * them. */
static void
run_parts(struct task *task, struct redis_script *script, struct id batch,
    struct counter_part *parts, size_t count,
    void (*add)(struct task *, struct redis_command *, struct id, const struct counter_part *),
    struct redis_commands more)
{
	struct redis_command **commands =
	    arena_array(task->arena, count + more.count, sizeof(struct redis_command *));
	struct redis_reply *replies =
	    arena_array(task->arena, count + more.count, sizeof(*replies));
	size_t sent = 0, read = 0;
	bool ok = true;

	for (size_t i = 0; i < count && ok; i++) {
		if (parts[i].idle || parts[i].answer != COUNTER_OK)
			continue;
		ok = counter_command(
		    task, script, parts[i].client, parts[i].state.epoch, &commands[sent]);
		if (ok)
			add(task, commands[sent++], batch, &parts[i]);
	}
	for (size_t i = 0; i < more.count && ok; i++)
		commands[sent++] = more.at[i];
	ok = ok && (sent == 0 || redis_run(task, commands, sent, replies));
	if (!ok)
		task_clear_error(task);
	for (size_t i = 0; i < count; i++) {
		if (parts[i].idle || parts[i].answer != COUNTER_OK)
			continue;
		if (ok)
			read_part(&replies[read++], &parts[i]);
		else
			parts[i].answer = COUNTER_AWAY;
	}
}

void
counter_announce(struct task *task, struct id batch, struct counter_part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		parts[i].heard = EVENT_HEARD;
	run_parts(task, &announce_script, batch, parts, count, add_announce, nothing_more);
}

void
counter_confirm(struct task *task, struct id batch, struct counter_part *parts, size_t count,
    struct redis_commands more)
{
	run_parts(task, &confirm_script, batch, parts, count, add_confirm, more);
}

void
counter_drop(struct task *task, struct id batch, struct counter_part *parts, size_t count)
{
	run_parts(task, &drop_script, batch, parts, count, add_drop, nothing_more);
}

enum counter_answer
counter_prepare(struct task *task, const struct counter_state *state)
{
	struct redis_command *command;

	if (!counter_command(task, &prepare_script, task->client, state->epoch, &command)) {
		task_clear_error(task);
		return COUNTER_AWAY;
	}
	redis_add_int(command, COUNTER_EXPIRE_S);
	return counter_run(task, command, NULL);
}
