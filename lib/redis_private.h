/*
 * What lib/redis*.c share: a command while it is built, and an answer of hiredis.
 */
#ifndef LIB_REDIS_PRIVATE_H
#define LIB_REDIS_PRIVATE_H

#include "lib/buf.h"
#include "lib/redis.h"

struct redis_command {
	struct redis_script *script; /* NULL: a plain command */
	size_t count; /* of all arguments */
	struct buf bytes; /* as they are sent; a script's first two are not among them */
};

/* All of it. */
struct text redis_script_text(struct arena *arena, const struct redis_script *script);

/* What is sent before its bytes. A script goes by its digest, or in full. */
struct text redis_command_head(const struct redis_command *command, bool in_full);

struct redisReply;
void redis_reply_convert(
    struct arena *arena, const struct redisReply *reply, struct redis_reply *ret);
/* Whether the answer says "not now" of the whole server. */
bool redis_reply_is_away(const struct redisReply *reply);

#endif
