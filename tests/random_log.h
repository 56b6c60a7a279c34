/* Records of a client that differ in whatever they can, straight into the log. */
#ifndef TESTS_RANDOM_LOG_H
#define TESTS_RANDOM_LOG_H

#include "tests/servers.h"

/*
 * As the write path stores them, with their batch: so many, from now back to so many seconds ago.
 * The client's users are made where there are none. The same seed gives the same records but for
 * their time; no seed twice.
 */
void random_log_insert(
    struct servers *servers, const char *client, int seed, int count, int seconds);

#endif
