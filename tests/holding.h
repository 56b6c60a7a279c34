/*
 * Holds on the fixture of tests/counting.h: budgets by SQL, reservations one by one, authorizations
 * stored and settled as the write path does it.
 */
#ifndef TESTS_HOLDING_H
#define TESTS_HOLDING_H

#include "lib/model/counter_hold.h"
#include "tests/counting.h"

/* What differs from a hard budget of the whole client for a day of servers_noon(). */
struct holding_budget {
	const char *name;
	const char *period; /* NULL: day */
	const char *mode; /* NULL: hard */
	const char *timezone; /* NULL: servers_noon() */
	int64_t limit; /* nano-dollars; 0: none */
	const char *columns, *values; /* more of them; NULL: none */
};

/* A client with these budgets and without calls; its counters are loaded at the first use. */
void holding_open(struct counting *bench, const struct holding_budget *budgets, size_t count);
void holding_add_budget(struct counting *bench, const struct holding_budget *budget);

/* A call of this cost and no other value. */
struct budget_call holding_call(int64_t cost);

/* A hold for a call of now and ten minutes, with the state that is known or opened, and loaded. */
struct counter_hold holding_make(struct counting *bench, const struct budget_call *call);
/* The same without loading. */
struct counter_hold holding_prepare(struct counting *bench, const struct budget_call *call);
/* One round trip; the hold's answer. */
enum counter_answer holding_ask(struct counting *bench, struct counter_hold *hold);
/* Fails the test unless the counters answered; whether the call may be made. */
bool holding_reserve(struct counting *bench, struct counter_hold *hold);
/* Both for a new hold of this cost. */
bool holding_take(struct counting *bench, int64_t cost, struct counter_hold *ret);
/* What is used of the budgets into which the call falls, in the order of its places. */
const struct budget_use *holding_look(struct counting *bench, const struct budget_call *call);
/* Fails the test unless the only budget has this spent and this held. */
void holding_expect(struct counting *bench, int64_t spent, int64_t held);
/* Fails the test unless what is spent of each budget of the call is the sum over the log. */
void holding_equals_log(struct counting *bench, const struct budget_call *call);

/* Commits the row of a hold. */
void holding_store(
    struct counting *bench, const struct counter_hold *hold, const struct budget_call *call);
/* The record of counting_make() settles the hold. */
void holding_settle_by_record(struct counting *bench, const struct id *hold);
/* The steps of a batch: announced, committed, confirmed. */
void holding_record(struct counting *bench);
/* A record of this cost that settles the hold. */
void holding_settle(struct counting *bench, const struct id *hold, int64_t cost);

/* A client with one budget, a record of 30 and a stored hold of 40. */
struct id holding_open_used(struct counting *bench, const struct holding_budget *budget);

#endif
