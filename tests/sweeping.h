/*
 * Epochs that are over, on the fixture of tests/holding.h, and the sweep of what they left.
 */
#ifndef TESTS_SWEEPING_H
#define TESTS_SWEEPING_H

#include "lib/model/counter_sweep.h"
#include "tests/holding.h"

/* For cmocka_run_group_tests(). */
int sweeping_start(void **state);
int sweeping_stop(void **state);
int sweeping_empty(void **state);

/* A test that finds Redis empty. */
#define SWEEPING_TEST(name) cmocka_unit_test_setup(name, sweeping_empty)

/* A client whose epoch is the first, with a key of each kind in it: 30 are spent, 40 held, and 5
 * announced for ever. */
void sweeping_open_used(struct counting *bench);
/* The next epoch, loaded. */
void sweeping_open_next(struct counting *bench);

/* As when its time is over. */
void sweeping_lose_state(struct counting *bench);

/* A walk as the worker; fails the test when PostgreSQL fails or an error is left. */
struct counter_sweep sweeping_try(struct counting *bench, bool dry_run);
/* The keys that a whole walk removed. */
int64_t sweeping_run(struct counting *bench);

/* One Redis command given as one line; its answer. */
const char *sweeping_ask(struct counting *bench, const char *command);
/* The name of a key of the client. */
const char *sweeping_key(struct counting *bench, const char *rest);
/* How many keys of the client match. */
int64_t sweeping_count(struct counting *bench, const char *rest);

#endif
