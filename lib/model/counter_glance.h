/*
 * The open days of several clients at one round trip, by plain reads instead of a script.
 *
 * It is right or it is nothing: what is not found at once (an epoch that is not loaded, over, lost;
 * Redis away) is left to counter_today(), which finds out why and mends it.
 */
#ifndef LIB_MODEL_COUNTER_GLANCE_H
#define LIB_MODEL_COUNTER_GLANCE_H

#include "lib/model/counter_day.h"

struct counter_glance {
	struct id client;
	struct counter_state state;
	bool found;
	struct counter_day day; /* where found; what is pending stands with what is confirmed */
};

/*
 * Prepares one of task->client. *ret_open says whether there is an open day to look for; where
 * there is none, counter_today() is to be asked. The task must be in no transaction.
 */
NODISCARD bool counter_glance_begin(struct task *task, struct counter_book *book,
    const struct zone *zone, struct counter_glance *ret, bool *ret_open);

/* Each holds every record that was acknowledged before the call. */
void counter_glance(struct task *task, struct counter_glance *const *glances, size_t count);

#endif
