/*
 * What is looked at all the time, or again and again: that no hard budget of a strict client is
 * ever overspent, and what each tallyd keeps of descriptors and memory.
 */
#ifndef TESTS_TORTURE_WATCH_H
#define TESTS_TORTURE_WATCH_H

#include "tests/torture/torture.h"

/* A process at rest. */
struct watch_size {
	long descriptors;
	long kib; /* resident */
};

/* A life of a tallyd, from its first look to its last. */
struct watch_life {
	pid_t pid;
	struct watch_size first, last;
	int looks;
};

struct watch *watch_start(struct torture *torture);
void watch_stop(struct watch *watch);
/* While the load is at rest. */
void watch_look(struct watch *watch);
/* The life that grew the most, of those that were looked at twice at least. */
struct watch_life watch_grown(const struct watch *watch);
/* Answers about strict clients' budgets that were read; those that showed more than the limit, as
 * they may while a record settles; and users for whom PostgreSQL had more. */
long watch_statuses(const struct watch *watch);
long watch_moments(const struct watch *watch);
long watch_overspent(const struct watch *watch);

#endif
