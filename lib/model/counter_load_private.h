/*
 * The steps of a load, between the files that fill an epoch from the log.
 */
#ifndef LIB_MODEL_COUNTER_LOAD_PRIVATE_H
#define LIB_MODEL_COUNTER_LOAD_PRIVATE_H

#include "lib/model/counter_private.h"

/* The scripts of a load work for one loader only: one that was slow must not write its older sums
 * over those of the one that came after it. ARGV: epoch, run, loader… */
#define COUNTER_LUA_LOADER \
	"local s = state()\n" \
	"if s == 'loading' and redis.call('HGET', KEYS[1], 'loader') ~= ARGV[3] then s = 'over' end\n" \
	"if s ~= 'loading' then return s end\n"

/* Users and holds are told to Redis in portions of so many. */
#define COUNTER_LOAD_PORTION 1000

struct counter_loading {
	struct task *task;
	const struct zone *zone; /* of the client */
	const struct counter_state *state;
	char loader[ID_TEXT_SIZE];
	enum counter_answer answer; /* of Redis; COUNTER_LOADING: go on */
};

/* A command of the load; NULL: Redis is away. */
struct redis_command *counter_load_make(struct counter_loading *load, struct redis_script *script);
/* False ends the load: Redis does not want any more of it. */
bool counter_load_send(struct counter_loading *load, struct redis_command *command);
/* Sets buckets to absolute values; "" is nothing to send. */
bool counter_load_fill(struct counter_loading *load, const struct buf *items);

/* The open windows of every budget, and what is held of them. False only when PostgreSQL fails. */
NODISCARD bool counter_load_budgets(struct counter_loading *load);

#endif
