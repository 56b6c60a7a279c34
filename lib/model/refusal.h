/*
 * How many authorizations were refused, by hour of UTC: counted in Redis alone, where the budgets
 * are, and forgotten after two days. Best done: nothing depends on it.
 */
#ifndef LIB_MODEL_REFUSAL_H
#define LIB_MODEL_REFUSAL_H

#include "lib/task.h"

enum refusal_reason {
	REFUSED_COST,
	REFUSED_REQUESTS,
	REFUSED_TOKENS,
	REFUSED_UNPRICED,
	REFUSED_REASONS
};
extern const char *const refusal_names[REFUSED_REASONS];

#define REFUSAL_HOURS 24
#define REFUSAL_EXPIRE_S (INT64_C(2) * 86400)

struct refused {
	struct id client;
	enum refusal_reason reason;
};

/* All of them in one go. Redis away: they are not counted. */
void refusal_count(struct task *task, const struct refused *list, size_t count);
/* Those of task->client in the open hour and the ones before it. False: Redis is away, and the task
 * has no error. */
bool refusal_sum(struct task *task, int64_t ret[REFUSED_REASONS]);

#endif
