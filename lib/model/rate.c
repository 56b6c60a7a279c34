#include "lib/model/rate.h"

#include "lib/clock.h"

#define HOUR (3600 * CLOCK_SECOND)

/* ARGV: limit, seconds. How many requests were counted in the hour with this one; 0: it is one too
 * many. */
static struct redis_script count_script = {
	.source = "local n = tonumber(redis.call('GET', KEYS[1]) or 0)\n"
		  "if n >= tonumber(ARGV[1]) then return 0 end\n"
		  "redis.call('SET', KEYS[1], n + 1, 'EX', ARGV[2])\n"
		  "return n + 1\n",
};

static struct redis_command *
make_command(struct task *task, struct id client, struct id lineage, int64_t limit)
{
	struct redis_command *command = redis_eval(task, &count_script, 1);
	char of_client[ID_TEXT_SIZE], of_line[ID_TEXT_SIZE];

	/* The braces make all keys of a client one slot of a cluster. */
	redis_add(command,
	    arena_printf(task->arena, "tally:{%s}:rate:%s:%lld", id_format(client, of_client),
		id_format(lineage, of_line), (long long)(task->now / HOUR)));
	redis_add_int(command, limit);
	redis_add_int(command, RATE_EXPIRE_S);
	return command;
}

void
rate_read(const struct task *task, int64_t limit, const struct redis_reply *reply, struct rate *ret)
{
	bool counted = reply != NULL && reply->type == REDIS_INT;
	int64_t used = counted ? reply->integer : 0;

	*ret = (struct rate){
		.counted = counted,
		.allowed = !counted || used > 0,
		.limit = limit,
		.remaining = used > 0 && used < limit ? limit - used : 0,
		.resets_in_s = (HOUR - task->now % HOUR + CLOCK_SECOND - 1) / CLOCK_SECOND,
	};
}

void
rate_count(struct task *task, struct id client, struct id lineage, int64_t limit, struct rate *ret)
{
	struct redis_command *command = make_command(task, client, lineage, limit);
	struct redis_reply reply;
	bool answered = redis_run(task, &command, 1, &reply);

	if (!answered)
		task_clear_error(task);
	rate_read(task, limit, answered ? &reply : NULL, ret);
}
