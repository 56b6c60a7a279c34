/* What a run is played on: servers, and clients with their keys and budgets. */
#ifndef TESTS_TORTURE_STAGE_H
#define TESTS_TORTURE_STAGE_H

#include "tests/torture/torture.h"

void stage_start(struct torture *torture);
/* Puts the tables beside PostgreSQL's socket, for its data is gone with the small disk. */
void stage_keep(struct torture *torture);
/* Whether the servers could be stopped well is theirs to say. */
void stage_stop(struct torture *torture);
/* Strict clients may spend more, and have new users. */
void stage_raise(struct torture *torture);

#endif
