/*
 * A day has up to three books: the log, daily_costs, and for the open day the count in Redis. Here
 * they are compared while records keep coming in.
 */
#ifndef WORKER_BOOKS_H
#define WORKER_BOOKS_H

#include "lib/model/counter_day.h"
#include "lib/model/daily_cost.h"
#include "worker/output.h"
#include "worker/tenants.h"

enum book { BOOK_DAILY_COSTS, BOOK_COUNTER };

enum books_verdict {
	BOOKS_EQUAL, /* or no further apart than what is on its way between them explains */
	BOOKS_LATE, /* apart, and a batch is waiting for flush to sum the day again */
	BOOKS_GONE, /* a closed day, and the log does not hold all of it any more */
	BOOKS_DRIFT
};

struct books {
	int32_t date;
	struct daily_cost log;
	struct daily_cost stored; /* zeros where there is no row */
	bool closed;
	bool open; /* Redis counts it */
	bool late; /* flush is yet to sum it again */
	enum books_verdict verdict; /* of log against stored */
};

/*
 * Reads and compares log and daily_costs of a day. Leaves the transaction open, in which the day is
 * locked: the stored row may be corrected to books->log.
 */
NODISCARD bool books_read(
    struct task *task, const struct zone *zone, int32_t date, struct books *ret);

/*
 * Compares the count that was read before and after the log was summed. False where there is
 * nothing to compare: another day, or not from Redis.
 */
bool books_counter_drifts(
    const struct books *books, const struct counter_day *before, const struct counter_day *after);

/*
 * Today, changing nothing: from Redis where it has a complete count, else from the log
 * (ret->from_postgres). The task must be in no transaction.
 */
NODISCARD bool books_today(struct task *task, const struct zone *zone, struct counter_day *ret);

/* One line about a difference; healed: it has been set right. */
void books_print(struct command_context *context, const struct tenant *tenant,
    const struct books *books, enum book book, const struct counter_day *counted, bool healed);

/* Cost in the log less cost in the book, without its sign. */
int64_t books_drift_nanos(const struct totals *log, const struct totals *other);

#endif
