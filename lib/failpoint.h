/*
 * Places at which a test may kill the process. Nothing in what is installed: only the programs of
 * tests/torture are compiled with FAILPOINTS, and only they have failpoint_hit().
 */
#ifndef LIB_FAILPOINT_H
#define LIB_FAILPOINT_H

#include "lib/base.h"

#ifdef FAILPOINTS
/* Kills the process by SIGKILL where the environment's TALLY_FAILPOINT is name:N and this is the
 * Nth time. */
void failpoint_hit(const char *name);
#define FAILPOINT(name) failpoint_hit(name)
#else
#define FAILPOINT(name) ((void)0)
#endif

#endif
