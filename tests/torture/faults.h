/*
 * What is done to the servers while the load goes on. Each fault is over when its function returns:
 * from then on service must return by itself.
 */
#ifndef TESTS_TORTURE_FAULTS_H
#define TESTS_TORTURE_FAULTS_H

#include "tests/torture/torture.h"

struct fault {
	const char *name;
	void (*apply)(struct torture *torture);
	bool needs_small_disk;
};

extern const struct fault faults[];
extern const int fault_count;

/* Places in the programs' code (lib/failpoint.h). */
struct faults_place {
	const char *job; /* NULL: tallyd */
	const char *name;
};
extern const struct faults_place faults_places[];
extern const int faults_place_count;

/* Waits until so many more requests were sent, or have failed; not for ever. */
void faults_await_requests(struct torture *torture, long more);
void faults_await_failures(struct torture *torture, long more);

/* tests/torture/faults_postgres.c */
void faults_kill_backend(struct torture *torture);
void faults_kill_postgres(struct torture *torture);
void faults_quit_postgres(struct torture *torture);
void faults_stop_postgres(struct torture *torture);
void faults_fill_postgres(struct torture *torture);
void faults_use_up_connections(struct torture *torture);
/* tests/torture/faults_redis.c */
void faults_kill_redis(struct torture *torture);
void faults_kill_redis_appending(struct torture *torture);
void faults_flush_redis(struct torture *torture);
void faults_put_back_rdb(struct torture *torture);
void faults_put_back_aof(struct torture *torture);
void faults_stop_redis(struct torture *torture);
void faults_fill_redis(struct torture *torture);
/* Fills the part's disk; the path of what fills it, to be removed. Free it. */
char *faults_fill(struct torture *torture, enum server_part part);

#endif
