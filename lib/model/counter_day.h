/*
 * The open day as Redis counts it, and counts that are mended where they are broken.
 */
#ifndef LIB_MODEL_COUNTER_DAY_H
#define LIB_MODEL_COUNTER_DAY_H

#include "lib/model/counter.h"

/* A batch that is pending for so long was left behind by a process that died. */
#define COUNTER_STALE_MS 30000

struct redis_command;

struct counter_day {
	int32_t date;
	struct totals confirmed;
	struct totals pending; /* announced and not yet confirmed: in flight, or left behind */
	int64_t pending_since; /* of the oldest of them; 0: there is none */
	int64_t users;
	bool from_postgres; /* Redis was away or did not have it */
};

/*
 * The open day of task->client, at one round trip to Redis. Where Redis does not have it, it is
 * loaded; where Redis is away, it is summed from the log.
 */
NODISCARD bool counter_today(
    struct task *task, struct counter_book *book, const struct zone *zone, struct counter_day *ret);

/* The open days of many clients. */
struct counter_open_day {
	struct id client;
	int64_t epoch;
	int32_t date;
	bool found; /* else something is amiss: counter_heal() mends it, counter_today() knows */
	struct counter_day counted; /* where found */
};
/*
 * Of any clients, at one round trip: asked for, and received some time later, what is in flight
 * there. In between, Redis is not to be used; both for the same list, and the same arena.
 */
struct counter_open_days {
	struct counter_open_day *list;
	size_t count;
	struct redis_command **commands; /* NULL: Redis is away */
};
void counter_open_days_ask(struct task *task, struct counter_open_days *days);
void counter_open_days_receive(struct task *task, struct counter_open_days *days);

/*
 * Mends the count of task->client where it is broken: day over, not loaded, bypassed, lost, a batch
 * left behind. *ret_healed says whether there was need. ERR_UNAVAILABLE while Redis is away.
 */
NODISCARD bool counter_heal(
    struct task *task, struct counter_book *book, const struct zone *zone, bool *ret_healed);
/* The same whether there is need or not. */
NODISCARD bool counter_rebuild(struct task *task, const struct zone *zone);

#endif
