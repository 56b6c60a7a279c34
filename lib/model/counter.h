/*
 * The count of a client's open day in Redis, and what makes it exact.
 *
 * A count belongs to an epoch (migrations, "ingest"): one day, one life of Redis, every batch
 * announced. Three keys share the client's hash tag: the day (a hash of epoch, run id, date, ready
 * and the sums), the pending batches (a hash of batch id to sums), the users (a set). A batch is
 * announced before it commits and confirmed after it, so that confirmed + pending is never below
 * the log. Everything that breaks a count (Redis restarted, flushed or restored, a batch committed
 * without it, a batch that nobody confirmed) is healed in one way: the next epoch is opened and
 * loaded from PostgreSQL by absolute values.
 */
#ifndef LIB_MODEL_COUNTER_H
#define LIB_MODEL_COUNTER_H

#include "lib/core/totals.h"
#include "lib/task.h"
#include "lib/zone.h"

/* A batch that is pending for so long was left behind by a process that died. */
#define COUNTER_STALE_MS 30000
/* The clocks of two processes may differ by so much: what one calls today is so for both. */
#define COUNTER_SKEW_USEC (INT64_C(300) * 1000000)
/* Keys of a client without calls go away by themselves. */
#define COUNTER_EXPIRE_S (INT64_C(3) * 86400)

/* The counters' state as PostgreSQL has it. */
struct counter_state {
	int64_t epoch; /* 0: the client never had one */
	int32_t day; /* the open day, in the client's zone */
	bool bypassed; /* a batch was committed without being announced */
};

/* What a process knows of the states, so that the hot path does not ask. Thread-safe. */
struct counter_book;
struct counter_book *counter_book_new(void);
void counter_book_free(struct counter_book *book);
/* Forgets what is known of one client, or of all when client is nil. */
void counter_book_forget(struct counter_book *book, struct id client);
/* After a commit that was not announced, or of which nobody knows whether it happened: the next to
 * ask opens another epoch than this state's. */
void counter_book_doubt(
    struct counter_book *book, struct id client, const struct counter_state *state);

/*
 * The state of task->client, from the book where it is there (book may be NULL). A state that
 * cannot be counted on (none yet, bypassed, the day over) is replaced by opening the next epoch, if
 * Redis answers.
 */
NODISCARD bool counter_state(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_state *ret);

/* Opens the next epoch of task->client in PostgreSQL and prepares its keys in Redis. Uses a
 * transaction of its own. */
NODISCARD bool counter_open(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_state *ret);

enum counter_answer {
	COUNTER_OK,
	COUNTER_OVER, /* another epoch was opened: forget the state and ask again */
	COUNTER_LOST, /* Redis lost this epoch: open the next one */
	COUNTER_AWAY /* Redis does not answer */
};

/* One client's part of a batch. */
struct counter_part {
	struct id client;
	struct counter_state state;
	struct totals totals; /* announced: an upper bound; confirmed: exact */
	const struct id *users; /* confirmed: who called */
	size_t user_count;
	enum counter_answer answer; /* of the last call below */
};

/* Each is one round trip for all parts with .answer == COUNTER_OK before it, and sets .answer. */
void counter_announce(struct task *task, struct id batch, struct counter_part *parts, size_t count);
void counter_confirm(struct task *task, struct id batch, struct counter_part *parts, size_t count);
/* For a batch that certainly was not committed. */
void counter_drop(struct task *task, struct id batch, struct counter_part *parts, size_t count);

struct counter_day {
	int32_t date;
	struct totals confirmed;
	struct totals pending; /* announced and not yet confirmed: in flight, or left behind */
	int64_t users;
	bool from_postgres; /* Redis was away or did not have it */
};

/*
 * The open day of task->client, at one round trip to Redis. Where Redis does not have it, it is
 * loaded; where Redis is away, it is summed from the log.
 */
NODISCARD bool counter_today(
    struct task *task, struct counter_book *book, const struct zone *zone, struct counter_day *ret);

/*
 * Mends the count of task->client where it is broken: day over, not loaded, bypassed, lost, a batch
 * left behind. *ret_healed says whether there was need. ERR_UNAVAILABLE while Redis is away.
 */
NODISCARD bool counter_heal(struct task *task, const struct zone *zone, bool *ret_healed);
/* The same whether there is need or not. */
NODISCARD bool counter_rebuild(struct task *task, const struct zone *zone);

#endif
