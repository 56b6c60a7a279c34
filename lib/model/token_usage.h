/*
 * What a conversation has used, by agent type and model, from the records of the log that name it.
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_TOKEN_USAGE_H
#define LIB_MODEL_TOKEN_USAGE_H

#include "lib/core/totals.h"
#include "lib/db.h"
#include "lib/json_write.h"

#define TOKEN_USAGE_GROUPS_MAX 500

struct token_usage_group {
	const char *agent_type, *model; /* NULL: none was given */
	struct totals totals;
};

struct token_usage {
	struct id conversation;
	struct totals totals; /* of all groups */
	const struct token_usage_group *groups; /* what costs most first */
	size_t count;
	bool more; /* there are groups beyond TOKEN_USAGE_GROUPS_MAX */
};

/* ERR_NOT_FOUND: no such conversation. */
NODISCARD bool token_usage_find(struct task *task, struct id conversation, struct token_usage *ret);

/* As JSON; object: a struct token_usage. */
void token_usage_write(struct json_out *out, const void *object);

extern const char *const token_usage_statements[]; /* for the tests; NULL behind the last */

#endif
