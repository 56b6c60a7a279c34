/*
 * What the tests of lib/redis.h share: a real Redis, a fresh connection and task for each test.
 */
#ifndef TESTS_REDIS_FIXTURE_H
#define TESTS_REDIS_FIXTURE_H

#include "lib/redis.h"
#include "tests/servers.h"

extern struct servers *redis_fixture_servers;
extern struct task redis_fixture_task;
extern struct redis_script redis_fixture_adds; /* INCRBY of its key */

struct redis_settings redis_fixture_settings(void);

/* Fails the test unless done. */
void redis_fixture_fine(bool done);
/* Fails the test unless it failed and may be tried again in a second. */
void redis_fixture_fails(bool done);

bool redis_fixture_run(struct redis_command *command, struct redis_reply *ret);
struct redis_command *redis_fixture_get(const char *key);
struct redis_command *redis_fixture_set(const char *key, const void *bytes, size_t len);
/* Adds n by a script. */
struct redis_command *redis_fixture_add(const char *key, int64_t n);
/* Kills Redis and waits for its end. */
void redis_fixture_kill(void);

/* cmocka's set-up and tear-down of a group, and of a test. */
int redis_fixture_start(void **state);
int redis_fixture_stop(void **state);
int redis_fixture_begin(void **state);
int redis_fixture_end(void **state);

#define REDIS_TEST(name) \
	cmocka_unit_test_setup_teardown(name, redis_fixture_begin, redis_fixture_end)

#endif
