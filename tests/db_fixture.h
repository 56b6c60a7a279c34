/*
 * What the tests of lib/db.h share: a real PostgreSQL, a fresh pool and task for each test.
 */
#ifndef TESTS_DB_FIXTURE_H
#define TESTS_DB_FIXTURE_H

#include "lib/db.h"
#include "tests/servers.h"

extern struct servers *servers;
extern struct db_pool *pool; /* as tally_worker, of at most 4 */
extern struct task task;

struct db_pool_settings settings(const char *role);
/* Puts another pool in the place of the first. */
void use(const struct db_pool_settings *with);

/* Fails the test unless done. */
void fine(bool done);
/* Fails the test unless it failed like this, and nothing of the transaction is left. */
void fails(bool done, enum err_code code);

/* The first value that the SQL gives. */
int64_t number(const char *sql);
const char *word(const char *sql);
/* Connections that the pool has ever opened. */
int64_t opened(void);
/* For servers_await(): whether a query works. */
bool is_back(void *context);

/* cmocka's set-up and tear-down of a group, and of a test. */
int start_postgres(void **state);
int stop_postgres(void **state);
int begin(void **state);
int end(void **state);

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
