#include "lib/redis_private.h"

#include <hiredis/hiredis.h>
#include <string.h>

/* Answers that say "not now" of the whole server. */
static const char *const away[] = { "LOADING ", "BUSY ", "MASTERDOWN ", "CLUSTERDOWN ",
	"TRYAGAIN " };

bool
redis_reply_is_away(const struct redisReply *reply)
{
	for (size_t i = 0; i < COUNT(away); i++) {
		if (strncmp(reply->str, away[i], strlen(away[i])) == 0)
			return true;
	}
	return false;
}

static void
convert_one(struct arena *arena, const redisReply *reply, struct redis_reply *ret)
{
	*ret = (struct redis_reply){ .type = REDIS_NIL };
	switch (reply->type) {
	case REDIS_REPLY_INTEGER:
		ret->type = REDIS_INT;
		ret->integer = reply->integer;
		break;
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS:
	case REDIS_REPLY_ERROR:
		ret->type = reply->type == REDIS_REPLY_ERROR ? REDIS_ERROR : REDIS_TEXT;
		ret->text.at = arena_strndup(arena, reply->str, reply->len);
		ret->text.len = reply->len;
		break;
	default:
		break;
	}
}

/* hiredis refuses replies that nest deep. */
void
redis_reply_convert(struct arena *arena, const struct redisReply *reply, struct redis_reply *ret)
{
	convert_one(arena, reply, ret);
	if (reply->type != REDIS_REPLY_ARRAY)
		return;
	ret->type = REDIS_ARRAY;
	ret->count = reply->elements;
	ret->items = arena_array(arena, reply->elements, sizeof(*ret->items));
	for (size_t i = 0; i < reply->elements; i++)
		redis_reply_convert(arena, reply->element[i], &ret->items[i]);
}
