/*
 * A second tallyd beside that of tests/servers.h, on the same PostgreSQL and Redis: nginx sends
 * every other request to it.
 */
#ifndef TESTS_TWIN_H
#define TESTS_TWIN_H

#include "tests/servers.h"

/* From the thread that called servers_start(). */
pid_t twin_start(struct servers *servers);
/* Its wait status. */
int twin_stop(pid_t pid);

#endif
