/*
 * Holds: what authorizations keep of budgets until their records are counted, and what is used of a
 * bucket, both in one step over every budget that applies.
 */
#ifndef LIB_MODEL_COUNTER_HOLD_H
#define LIB_MODEL_COUNTER_HOLD_H

#include "lib/model/budget_status.h"
#include "lib/model/counter.h"

/* One authorization of a client, or a question. */
struct counter_hold {
	struct id client;
	struct counter_state state;
	struct id id; /* nil: nothing is held, only looked at */
	int64_t expires_at;
	struct budget_places places; /* of the call now */
	/* The buckets of windows that begin before it expires: it is held there, too. */
	struct budget_places next;
	int64_t now; /* by the clock of expires_at; decides whether a limit's override holds */
	struct budget_use *uses; /* of each place, this hold included */
	bool refused; /* by this place's limit: nothing is held */
	size_t refused_by; /* in places, then in next */
	enum budget_measure measure;
	enum counter_answer answer;
};

/* The bucket of the call in the windows that follow while its record may be made by any clock. */
struct budget_places counter_hold_next(struct task *task, const struct budget_set *set,
    const struct budget_places *places, int64_t expires_at);

/* One round trip for all of them; all buckets of one hold or none. A hold that is there is left as
 * it is. */
void counter_reserve(struct task *task, struct counter_hold **holds, size_t count);

/* Drops a hold of task->client, best done: what fails is left to its expiry. */
void counter_release(
    struct task *task, struct counter_book *book, const struct zone *zone, struct id hold);
/* The same where the epoch is known. */
void counter_release_in(struct task *task, int64_t epoch, struct id client, struct id hold);

struct counter_expired {
	int64_t count; /* that were past their time */
	int64_t oldest_at; /* when the hold was made that expires first of the others; 0: none */
};

/*
 * Drops what is past its time of task->client, or (drop false) only counts it. Every reservation
 * does the same before it looks; this is for the time between them. Other answers than COUNTER_OK:
 * nothing is held in this epoch, or nobody can tell.
 */
enum counter_answer counter_expire(
    struct task *task, const struct counter_state *state, bool drop, struct counter_expired *ret);

#endif
