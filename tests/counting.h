/*
 * What the tests of the counters share: a real PostgreSQL and Redis, and batches of one record that
 * are announced, committed and confirmed step by step.
 */
#ifndef TESTS_COUNTING_H
#define TESTS_COUNTING_H

#include "lib/db.h"
#include "lib/model/batch.h"
#include "lib/model/counter_day.h"
#include "lib/model/daily_cost.h"
#include "tests/servers.h"

extern struct servers *counting_servers;

/* For cmocka_run_group_tests(). */
int counting_start(void **state);
int counting_stop(void **state);

/* A thread's view of one client, and a batch of one record for it. */
struct counting {
	struct task task;
	struct counter_book *book;
	const struct zone *zone;
	struct chat_log log;
	struct batch_row row;
	struct batch_client mark;
	struct batch batch;
	struct counter_part part;
	struct totals totals; /* of the record */
};

/* A new client's id. */
struct id counting_client(void);
void counting_open(struct counting *bench, struct id client);
void counting_close(struct counting *bench);

/* One record of the task's now, as a batch of its own. */
void counting_make(struct counting *bench, int64_t cost);
/* The record's totals in the bucket of the open day, and its amounts in those of budgets. */
struct counter_sums counting_sums(struct counting *bench);
/* The steps of a batch; whether they succeeded. */
bool counting_announce(struct counting *bench);
bool counting_commit(struct counting *bench);
void counting_confirm(struct counting *bench);

/* What the log holds of the open day, and what the counters say. */
struct daily_cost counting_log(struct counting *bench);
struct counter_day counting_today(struct counting *bench);
/* Fails the test unless the count comes from Redis, has this cost, and is the log's, with nothing
 * pending. */
void counting_equals_log(struct counting *bench, int64_t cost);

#endif
