/*
 * Authorizations in the database, for tests: two clients, a fresh task for each test, as tally_app
 * and of the first of them. The rest is of db_fixture.h.
 */
#ifndef TESTS_HELD_H
#define TESTS_HELD_H

#include "lib/model/authorization.h"
#include "tests/db_fixture.h"

#define CENT INT64_C(10000000)
#define MINUTE (60 * CLOCK_SECOND)

extern struct id held_own, held_other; /* clients */

/* Another task of the same kind. */
void held_open_task(struct task *with);
void held_close_task(struct task *with);
/* Fails the test unless it failed like this; the transaction ends. */
void held_fails(bool done, enum err_code code);
const char *held_text(struct id id);

/* One of ten minutes and a cent that began at the instant. */
struct authorization held_make(int64_t at);
void held_store_rows(const struct authorization_row *rows, size_t count);
void held_store(struct id client, const struct authorization *authorization);
/* One that was made and stored. */
struct authorization held_stored(int64_t at);
struct authorization held_find(struct id id);

/* A record in the log that names the authorization. */
struct id held_record(struct id client, struct id authorization, const char *cents);
/* What the step gives; NULL when it failed. */
struct db_rows *held_settle_all(
    struct task *with, const struct authorization_settle *settles, size_t count);
/* How many were settled. */
int held_settle(struct id client, struct id authorization, struct id record);

/* cmocka's set-up of a test, and of a group. */
int held_begin(void **state);
int held_start(void **state);

#define HELD_TEST(name) cmocka_unit_test_setup_teardown(name, held_begin, end)

#endif
