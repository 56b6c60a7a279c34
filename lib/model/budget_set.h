/*
 * The living budgets of a client as a process keeps them, and the buckets into which a call falls.
 */
#ifndef LIB_MODEL_BUDGET_SET_H
#define LIB_MODEL_BUDGET_SET_H

#include "lib/model/budget.h"

/* A window is counted for so long after its end. */
#define BUDGET_LATE_USEC (INT64_C(3600) * 1000000)

/* Never changes once made; shared by threads. */
struct budget_set {
	const struct budget *at;
	const struct zone *const *zones; /* of each */
	size_t count;
};

/* The living budgets of task->client, in the task's transaction. *ret NULL where there are none;
 * the caller keeps one reference. */
NODISCARD bool budget_set_read(struct task *task, const struct budget_set **ret);
/* One more reference, or one less; set may be NULL. */
void budget_set_keep(const struct budget_set *set);
void budget_set_drop(const struct budget_set *set);

/* What a call is to budgets: a record, or an authorization before it. */
struct budget_call {
	struct budget_scope scope; /* without its tag */
	struct json_texts tags;
	int64_t cost_nanos; /* negative: not known */
	int64_t tokens;
};

struct chat_log;
struct budget_call budget_call_of_log(const struct chat_log *log);

/*
 * One bucket into which a call falls. Redis has a bucket for each slot of a window: a calendar
 * window is one slot, a rolling one several, of which the last gets what is added.
 */
struct budget_place {
	const struct budget *budget;
	const char *value; /* of each, or NULL */
	const char *base; /* of the buckets' names; the name is base:slot */
	struct window window;
	int64_t first, last; /* slots */
	int64_t expires_at_s; /* of the last slot's bucket: nobody asks for it afterwards */
	int64_t amounts[BUDGET_MEASURES];
	int64_t unpriced; /* of them without a cost of their own */
};

struct budget_places {
	const struct budget_place *at;
	size_t count;
};

/* Of a call that is made at the instant. set may be NULL. Windows that are over are left to the
 * caller. */
struct budget_places budget_set_places(
    struct task *task, const struct budget_set *set, const struct budget_call *call, int64_t at);
/* The bucket of a slot of a budget, as it is loaded. */
struct budget_place budget_place_of_slot(struct task *task, const struct budget *budget,
    const struct zone *zone, const char *value, int64_t at);
/* "base:slot" of the last slot. */
const char *budget_place_bucket(struct task *task, const struct budget_place *place);

#endif
