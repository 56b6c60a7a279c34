#include "lib/model/counter.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/model/counter_private.h"

#define LUA_OPEN \
	"local function open(date, seconds)\n" \
	"  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])\n" \
	"  redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'run', ARGV[2], 'date', date)\n" \
	"  redis.call('EXPIRE', KEYS[1], seconds)\n" \
	"end\n"

/* ARGV: epoch, run, date, seconds. The caller opened this epoch, so what is here belongs to an
 * earlier one. */
static struct redis_script prepare_script = {
	.source = COUNTER_LUA_STATE LUA_OPEN
	"local s = state()\n"
	"if s == 'lost' or s == 'behind' then open(ARGV[3], ARGV[4]) s = 'loading' end\n"
	"return s\n"
};

/*
 * ARGV: epoch, run, date, seconds, batch, sums. Keys of an earlier epoch in the same life of the
 * server: whoever opened this epoch did not come to prepare them yet, and nothing of it can have
 * been lost.
 */
static struct redis_script announce_script = {
	.source = COUNTER_LUA_STATE LUA_OPEN
	"local s = state()\n"
	"if s == 'behind' then open(ARGV[3], ARGV[4]) s = 'loading' end\n"
	"if s ~= 'ready' and s ~= 'loading' then return s end\n"
	"redis.call('HSET', KEYS[2], ARGV[5], 'p ' .. ARGV[6])\n"
	"redis.call('EXPIRE', KEYS[1], ARGV[4])\n"
	"redis.call('EXPIRE', KEYS[2], ARGV[4])\n"
	"return s\n"
};

/*
 * ARGV: epoch, run, seconds, batch, sums, users... While the epoch is being loaded, a confirmed
 * batch stays in the list, marked: the loader alone knows whether its sum over the log holds it. An
 * entry marked as included was in that sum.
 */
static struct redis_script confirm_script = {
	.source = COUNTER_LUA_STATE COUNTER_LUA_ADD
	"local s = state()\n"
	"if s ~= 'ready' and s ~= 'loading' then return s end\n"
	"local entry = redis.call('HGET', KEYS[2], ARGV[4])\n"
	"if not entry then return 'lost' end\n"
	"if s == 'loading' then\n"
	"  redis.call('HSET', KEYS[2], ARGV[4], 'c ' .. ARGV[5])\n"
	"else\n"
	"  redis.call('HDEL', KEYS[2], ARGV[4])\n"
	"  if string.sub(entry, 1, 1) ~= 'i' then add(ARGV[5]) end\n"
	"end\n"
	"for i = 6, #ARGV, 1000 do\n"
	"  redis.call('SADD', KEYS[3], unpack(ARGV, i, math.min(i + 999, #ARGV)))\n"
	"end\n"
	"if #ARGV > 5 then redis.call('EXPIRE', KEYS[3], ARGV[3]) end\n"
	"return s\n"
};

/* ARGV: epoch, run, batch. */
static struct redis_script drop_script = {
	.source = COUNTER_LUA_STATE
	"local s = state()\n"
	"if s == 'ready' or s == 'loading' then redis.call('HDEL', KEYS[2], ARGV[3]) end\n"
	"return s\n"
};

static const char *
key_of(struct task *task, struct id client, const char *what)
{
	char text[ID_TEXT_SIZE];

	/* The braces make all keys of a client one slot of a cluster. */
	return arena_printf(task->arena, "tally:{%s}:%s", id_format(client, text), what);
}

bool
counter_command(struct task *task, struct redis_script *script, struct id client, int64_t epoch,
    struct redis_command **ret)
{
	const char *run_id;

	if (!redis_run_id(task, &run_id))
		return false;
	*ret = redis_eval(task, script, 3);
	redis_add(*ret, key_of(task, client, "day"));
	redis_add(*ret, key_of(task, client, "pending"));
	redis_add(*ret, key_of(task, client, "users"));
	redis_add_int(*ret, epoch);
	redis_add(*ret, run_id);
	return true;
}

enum counter_answer
counter_read_answer(const struct redis_reply *reply)
{
	if (reply->type != REDIS_TEXT || reply->text.len == 0)
		return COUNTER_AWAY;
	switch (reply->text.at[0]) {
	case 'r': /* ready */
	case 'l': /* loading, or lost */
		return reply->text.len > 2 && memcmp(reply->text.at, "lost", 4) == 0 ? COUNTER_LOST
										     : COUNTER_OK;
	case 'b': /* behind: of use only to those who may prepare */
		return COUNTER_LOST;
	default:
		return COUNTER_OVER;
	}
}

static const char *
sums_text(struct task *task, const struct totals *totals)
{
	struct buf buf = { .arena = task->arena };

	for (int i = 0; i < TOTAL_COUNT; i++)
		buf_printf(&buf, i == 0 ? "%lld" : " %lld", (long long)totals->at[i]);
	return buf.at;
}

static void
add_announce(struct task *task, struct redis_command *command, struct id batch,
    const struct counter_part *part)
{
	char text[DATE_TEXT_SIZE], id[ID_TEXT_SIZE];

	redis_add(command, date_format(part->state.day, text));
	redis_add_int(command, COUNTER_EXPIRE_S);
	redis_add(command, id_format(batch, id));
	redis_add(command, sums_text(task, &part->totals));
}

static void
add_confirm(struct task *task, struct redis_command *command, struct id batch,
    const struct counter_part *part)
{
	char id[ID_TEXT_SIZE];

	redis_add_int(command, COUNTER_EXPIRE_S);
	redis_add(command, id_format(batch, id));
	redis_add(command, sums_text(task, &part->totals));
	for (size_t i = 0; i < part->user_count; i++)
		redis_add_n(command, part->users[i].bytes, sizeof(part->users[i].bytes));
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

/* One command for each part that is well, in one round trip; Redis away leaves COUNTER_AWAY in
 * them. */
static void
run_parts(struct task *task, struct redis_script *script, struct id batch,
    struct counter_part *parts, size_t count,
    void (*add)(struct task *, struct redis_command *, struct id, const struct counter_part *))
{
	struct redis_command **commands =
	    arena_array(task->arena, count, sizeof(struct redis_command *));
	struct redis_reply *replies = arena_array(task->arena, count, sizeof(*replies));
	size_t sent = 0, read = 0;
	bool ok = true;

	for (size_t i = 0; i < count && ok; i++) {
		if (parts[i].answer != COUNTER_OK)
			continue;
		ok = counter_command(
		    task, script, parts[i].client, parts[i].state.epoch, &commands[sent]);
		if (ok)
			add(task, commands[sent++], batch, &parts[i]);
	}
	ok = ok && (sent == 0 || redis_run(task, commands, sent, replies));
	if (!ok)
		task_clear_error(task);
	for (size_t i = 0; i < count; i++) {
		if (parts[i].answer == COUNTER_OK)
			parts[i].answer = ok ? counter_read_answer(&replies[read++]) : COUNTER_AWAY;
	}
}

void
counter_announce(struct task *task, struct id batch, struct counter_part *parts, size_t count)
{
	run_parts(task, &announce_script, batch, parts, count, add_announce);
}

void
counter_confirm(struct task *task, struct id batch, struct counter_part *parts, size_t count)
{
	run_parts(task, &confirm_script, batch, parts, count, add_confirm);
}

void
counter_drop(struct task *task, struct id batch, struct counter_part *parts, size_t count)
{
	run_parts(task, &drop_script, batch, parts, count, add_drop);
}

enum counter_answer
counter_prepare(struct task *task, const struct counter_state *state)
{
	struct redis_command *command;
	struct redis_reply reply;
	char text[DATE_TEXT_SIZE];

	if (!counter_command(task, &prepare_script, task->client, state->epoch, &command)) {
		task_clear_error(task);
		return COUNTER_AWAY;
	}
	redis_add(command, date_format(state->day, text));
	redis_add_int(command, COUNTER_EXPIRE_S);
	if (!redis_run(task, &command, 1, &reply)) {
		task_clear_error(task);
		return COUNTER_AWAY;
	}
	return counter_read_answer(&reply);
}

static int64_t
read_number(const struct redis_reply *reply)
{
	char digits[24] = { 0 };

	if (reply->type != REDIS_TEXT || reply->text.len >= sizeof(digits))
		return 0;
	memcpy(digits, reply->text.at, reply->text.len);
	return strtoll(digits, NULL, 10);
}

/* "p 12 3 …" and, while loading, "c …" and "i …": only what is pending adds to what is confirmed.
 */
static void
read_pending(struct task *task, const struct redis_reply *list, struct counter_view *view)
{
	for (size_t i = 0; i + 1 < list->count; i += 2) {
		const struct text *sums = &list->items[i + 1].text;
		struct totals totals = { 0 };
		struct id batch;
		char *at;

		if (sums->len < 2 || sums->at[0] != 'p')
			continue;
		at = arena_strndup(task->arena, sums->at + 1, sums->len - 1);
		for (int t = 0; t < TOTAL_COUNT; t++)
			totals.at[t] = strtoll(at, &at, 10);
		totals_add(&view->pending, &totals);
		if (!id_parse(list->items[i].text, &batch) ||
		    id_time(batch) < task->now - COUNTER_STALE_MS * INT64_C(1000))
			view->stale = true;
	}
}

static void
read_view(struct task *task, const char *run_id, const struct redis_reply *replies,
    struct counter_view *ret)
{
	const struct redis_reply *day = &replies[1];

	ret->answer = COUNTER_LOST;
	if (day->type != REDIS_ARRAY || day->count != TOTAL_COUNT + 4 ||
	    replies[0].type != REDIS_ARRAY || replies[2].type != REDIS_INT)
		return;
	if (day->items[0].type != REDIS_TEXT || day->items[1].type != REDIS_TEXT ||
	    day->items[1].text.len != strlen(run_id) ||
	    memcmp(day->items[1].text.at, run_id, day->items[1].text.len) != 0 ||
	    !date_parse(day->items[2].text, &ret->date))
		return;
	ret->answer = COUNTER_OK;
	ret->epoch = read_number(&day->items[0]);
	ret->loaded = day->items[3].type == REDIS_TEXT;
	for (int i = 0; i < TOTAL_COUNT; i++)
		ret->confirmed.at[i] = read_number(&day->items[4 + i]);
	read_pending(task, &replies[0], ret);
	ret->users = replies[2].integer;
}

static struct redis_command *
day_command(struct task *task)
{
	static const char *const fields[] = { "epoch", "run", "date", "ready" };
	struct redis_command *command = redis_command(task, "HMGET");

	redis_add(command, key_of(task, task->client, "day"));
	for (size_t i = 0; i < COUNT(fields); i++)
		redis_add(command, fields[i]);
	for (int i = 0; i < TOTAL_COUNT; i++)
		redis_add_int(command, i);
	return command;
}

void
counter_look(struct task *task, struct counter_view *ret)
{
	struct redis_command *commands[3];
	struct redis_reply replies[3];
	const char *run_id;

	*ret = (struct counter_view){ .answer = COUNTER_AWAY };
	/* The pending ones first: a batch confirmed in between is seen twice rather than not at
	 * all. */
	commands[0] = redis_command(task, "HGETALL");
	redis_add(commands[0], key_of(task, task->client, "pending"));
	commands[1] = day_command(task);
	commands[2] = redis_command(task, "SCARD");
	redis_add(commands[2], key_of(task, task->client, "users"));
	if (!redis_run_id(task, &run_id) || !redis_run(task, commands, COUNT(commands), replies)) {
		task_clear_error(task);
		return;
	}
	read_view(task, run_id, replies, ret);
}

bool
counter_list_pending(struct task *task, struct counter_pending *ret)
{
	struct redis_command *command = redis_command(task, "HKEYS");
	struct redis_reply reply;

	*ret = (struct counter_pending){ 0 };
	redis_add(command, key_of(task, task->client, "pending"));
	if (!redis_run(task, &command, 1, &reply))
		return false;
	ret->batches = arena_array(task->arena, reply.count, sizeof(*ret->batches));
	for (size_t i = 0; i < reply.count; i++) {
		if (id_parse(reply.items[i].text, &ret->batches[ret->count]))
			ret->count++;
	}
	return true;
}
