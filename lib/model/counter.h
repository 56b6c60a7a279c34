/*
 * What Redis counts of a client, and what makes it exact.
 *
 * A count is of buckets: the open day and the one that follows, and each budget's windows. It
 * belongs to an epoch (migrations, "ingest"): one life of Redis, every batch announced, the same
 * budgets. A batch adds what it will store to the buckets when it is announced, is listed as
 * pending until it is confirmed, and what was not stored is taken back then; so a bucket is never
 * below the log. Holds (lib/model/counter_hold.h) stand beside what is spent. Everything that
 * breaks a count (Redis restarted, flushed or restored, a batch committed without it, or confirmed
 * by nobody) is healed in one way: the next epoch is opened and loaded from PostgreSQL.
 */
#ifndef LIB_MODEL_COUNTER_H
#define LIB_MODEL_COUNTER_H

#include "lib/core/totals.h"
#include "lib/model/budget_set.h"
#include "lib/model/event.h"
#include "lib/zone.h"

/* The clocks of two processes may differ by so much: what one calls today is so for both. */
#define COUNTER_SKEW_USEC (INT64_C(300) * 1000000)

/* The counters' state as PostgreSQL has it, and the budgets that are counted with it. */
struct counter_state {
	int64_t epoch; /* 0: the client never had one */
	int32_t day; /* the open day, in the client's zone */
	const struct zone *zone; /* the caller's */
	bool bypassed; /* a batch was not announced, or the budgets or the zone changed */
	bool other_zone; /* the caller does not know the client's zone yet; also bypassed */
	const struct budget_set *budgets; /* NULL: none */
};

/* What a process knows of the states, so that the hot path does not ask. Thread-safe. */
struct counter_book;
struct counter_book *counter_book_new(void);
void counter_book_free(struct counter_book *book);
void counter_book_forget(struct counter_book *book, struct id client);
/* Forgets all, and keeps nothing while it is not told of changes: not all of them end an epoch. */
void counter_book_hear(struct counter_book *book, bool hears);
/* A commit was not announced, or nobody knows of it: who asks next opens another epoch. */
void counter_book_doubt(
    struct counter_book *book, struct id client, const struct counter_state *state);

/*
 * The state of task->client, from the book where it is there (book may be NULL). A state that
 * cannot be counted on (none yet, bypassed) is replaced by opening the next epoch, if Redis
 * answers, unless the caller's zone is another; a day that is over is ended. The budgets live as
 * long as the task's arena.
 */
NODISCARD bool counter_state(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_state *ret);

/* Opens the next epoch of task->client in PostgreSQL, in a transaction of its own, and in Redis. */
NODISCARD bool counter_open(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_state *ret);

enum counter_answer {
	COUNTER_OK,
	COUNTER_LOADING, /* the epoch is not loaded yet: of use to those who only add */
	COUNTER_OVER, /* another epoch was opened: forget the state and ask again */
	COUNTER_LOST, /* Redis lost this epoch: open the next one */
	COUNTER_AWAY /* Redis does not answer */
};

/* What is added to a bucket: a day's totals, or a budget's measures, by their numbers. */
struct counter_sum {
	const char *bucket; /* its name, without blanks and semicolons */
	int64_t expires_at_s; /* Unix time; nobody asks for it afterwards */
	int count; /* of amounts */
	int64_t amounts[TOTAL_COUNT];
};

struct counter_sums {
	const struct counter_sum *at;
	size_t count;
};

struct counter_users { /* who called on a day */
	int32_t day;
	const struct id *at;
	size_t count;
};
#define COUNTER_DAYS 2 /* that are counted: the open one and the next */

/* One client's part of a batch. */
struct counter_part {
	struct id client;
	struct counter_state state;
	bool idle; /* without records: left out of the calls below */
	struct counter_sums announced; /* an upper bound */
	bool differs; /* what was stored is not what was announced, but: */
	struct counter_sums stored;
	struct counter_users users[COUNTER_DAYS]; /* of what was stored */
	const struct id *settled; /* the holds that the stored records drop */
	size_t settled_count;
	enum counter_answer answer; /* of the last call below; never COUNTER_LOADING */
	enum event_heard heard; /* of records, or it may be so; set by counter_announce() */
};

/* Each is one round trip for all parts with .answer == COUNTER_OK before it, and sets .answer.
 * more: what else is said to Redis behind the commit. */
void counter_announce(struct task *task, struct id batch, struct counter_part *parts, size_t count);
void counter_confirm(struct task *task, struct id batch, struct counter_part *parts, size_t count,
    struct redis_commands more);
/* For a batch that certainly was not committed. */
void counter_drop(struct task *task, struct id batch, struct counter_part *parts, size_t count);

/* Whether the epoch of the state counts this day. */
bool counter_counts_day(const struct counter_state *state, int32_t day);
/* The buckets of a day and of a place, with their amounts. */
struct counter_sum counter_day_sum(
    struct task *task, const struct zone *zone, int32_t day, const struct totals *totals);
struct counter_sum counter_place_sum(struct task *task, const struct budget_place *place);

/* For the tests; NULL behind the last. */
extern const char *const counter_book_statements[];
extern const char *const counter_load_statements[];

#endif
