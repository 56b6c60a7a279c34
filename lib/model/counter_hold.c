#include "lib/model/counter_hold.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/model/counter_hold_lua.h"
#include "lib/model/counter_private.h"

/* Holds past their time that one call drops: COUNTER_LUA_PORTION. */
#define PORTION 1000

/* ARGV: epoch, run, hold, seconds. While an epoch is being loaded, the loader has to hear of it. */
static struct redis_script release_script = { .library = { COUNTER_LUA_STATE, COUNTER_LUA_ADD,
						  COUNTER_LUA_HOLD },
	.source = "local s = state()\n"
		  "if s == 'loading' then\n"
		  "  redis.call('HSET', pending, ARGV[3], 'c |' .. ARGV[3])\n"
		  "  redis.call('EXPIRE', pending, ARGV[4])\n"
		  "end\n"
		  "if s == 'ready' then release({ ARGV[3] }) end\n"
		  "return s\n" };

/*
 * ARGV: epoch, run, "drop" or "count". Answers how many holds are past their time, and which of
 * those that are left expires first.
 */
static struct redis_script expire_script = { .library = { COUNTER_LUA_STATE, COUNTER_LUA_ADD,
						 COUNTER_LUA_HOLD, COUNTER_LUA_EXPIRE },
	.source =
	    "local s = state()\n"
	    "if s ~= 'ready' then return { s } end\n"
	    "local n = ARGV[3] == 'drop' and expire() or redis.call('ZCOUNT', due, '-inf', in_ms(0))\n"
	    "return { s, n, redis.call('ZRANGE', due, 0, 0)[1] or '' }\n" };

/* How often the next epoch is asked for before a release is left to the hold's expiry. */
#define RELEASE_TRIES 4

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
