#include "lib/model/refusal.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/redis.h"

#define HOUR (3600 * CLOCK_SECOND)

const char *const refusal_names[REFUSED_REASONS] = { "cost", "requests", "tokens", "unpriced" };

static const char *
key_of(struct task *task, struct id client, int64_t hour)
{
	char text[ID_TEXT_SIZE];

	return arena_printf(
	    task->arena, "tally:{%s}:refusals:%lld", id_format(client, text), (long long)hour);
}

static struct redis_command *
increase(struct task *task, const char *key, enum refusal_reason reason)
{
	struct redis_command *command = redis_command(task, "HINCRBY");

	redis_add(command, key);
	redis_add(command, refusal_names[reason]);
	redis_add_int(command, 1);
	return command;
}

static struct redis_command *
expire(struct task *task, const char *key)
{
	struct redis_command *command = redis_command(task, "EXPIRE");

	redis_add(command, key);
	redis_add_int(command, REFUSAL_EXPIRE_S);
	return command;
}

void
refusal_count(struct task *task, const struct refused *list, size_t count)
{
	struct redis_command **commands =
	    arena_array(task->arena, 2 * count, sizeof(struct redis_command *));
	struct redis_reply *replies = arena_array(task->arena, 2 * count, sizeof(*replies));
	size_t sent = 0;

	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		const char *key = key_of(task, list[i].client, task->now / HOUR);

		commands[sent++] = increase(task, key, list[i].reason);
		if (i + 1 == count || !id_equal(list[i].client, list[i + 1].client))
			commands[sent++] = expire(task, key);
	}
	if (!redis_run(task, commands, sent, replies))
		task_clear_error(task);
}

static void
add_hour(struct task *task, const struct redis_reply *reply, int64_t sums[REFUSED_REASONS])
{
	for (size_t i = 0; i < REFUSED_REASONS && i < reply->count; i++) {
		struct text digits = reply->items[i].text;

		if (reply->items[i].type == REDIS_TEXT)
			sums[i] +=
			    strtoll(arena_strndup(task->arena, digits.at, digits.len), NULL, 10);
	}
}

bool
refusal_sum(struct task *task, int64_t ret[REFUSED_REASONS])
{
	struct redis_command *commands[REFUSAL_HOURS];
	struct redis_reply replies[REFUSAL_HOURS];

	for (int64_t i = 0; i < REFUSAL_HOURS; i++) {
		commands[i] = redis_command(task, "HMGET");
		redis_add(commands[i], key_of(task, task->client, task->now / HOUR - i));
		for (int reason = 0; reason < REFUSED_REASONS; reason++)
			redis_add(commands[i], refusal_names[reason]);
	}
	if (!redis_run(task, commands, REFUSAL_HOURS, replies)) {
		task_clear_error(task);
		return false;
	}
	memset(ret, 0, REFUSED_REASONS * sizeof(*ret));
	for (int i = 0; i < REFUSAL_HOURS; i++) {
		if (replies[i].type == REDIS_ARRAY)
			add_hour(task, &replies[i], ret);
	}
	return true;
}
