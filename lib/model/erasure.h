/*
 * Erasures: a person goes from every table, and what is counted stays (lib/model/erasure_tables.h
 * says what becomes of each column). One is asked for, which ends the user's sessions and tokens at
 * once, and then done by the jobs: in steps of so many rows, each a transaction that adds what it
 * removed to the receipt, and a last one that holds the user's row, removes what came meanwhile and
 * forgets the name. Whatever is killed in between goes on where it stopped.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_ERASURE_H
#define LIB_MODEL_ERASURE_H

#include "lib/clock.h"
#include "lib/db.h"
#include "lib/json_write.h"
#include "lib/model/erasure_tables.h"

#define ERASURE_PORTION 1000 /* rows of a step */
/* For so long a record does not make the person again, and who erases twice gets the first receipt.
 */
#define ERASURE_REMEMBERED (30 * CLOCK_DAY)

/* The receipt. */
struct erasure {
	struct id id;
	struct id user; /* nil: the person is gone from PostgreSQL */
	const char *origin; /* "api", "command", "purge" */
	struct id api_key; /* nil: none */
	const char *request_id; /* or NULL */
	int64_t requested_at;
	int64_t erased_at; /* 0: not yet, as below */
	int64_t finished_at; /* Redis has been swept, too */
	struct text removed; /* a JSON object: rows by table */
};

struct erasures {
	const struct erasure *at;
	size_t count;
};

/* The one of a user that is under way or remembered, or a new one. The user may be deleted already.
 * ERR_NOT_FOUND: there is no such user. */
NODISCARD bool erasure_request(
    struct task *task, struct id user, const char *origin, struct erasure *ret);
NODISCARD bool erasure_find(struct task *task, struct id id, struct erasure *ret);
/* By descending id; after nil: from the start. */
NODISCARD bool erasure_list(
    struct task *task, struct id after, int64_t limit, struct erasures *ret);
/* The user with this address, also a deleted one. ERR_NOT_FOUND; ERR_CONFLICT: there are several.
 */
NODISCARD bool erasure_find_email(struct task *task, const char *email, struct id *ret);

/* For the jobs. */

/* The clients with erasures that are not finished, for task->client nil; then those of one. */
NODISCARD bool erasure_clients(struct task *task, const struct id **ret, size_t *ret_count);
NODISCARD bool erasure_list_open(struct task *task, struct erasures *ret);
/* One statement of the table on at most most rows; *ret_count: how many there were. */
NODISCARD bool erasure_step(struct task *task, const struct erasure *erasure,
    const struct erasure_table *table, int way, int64_t most, int64_t *ret_count);
/* All that is left of the person, who is locked until the commit. */
NODISCARD bool erasure_end(struct task *task, const struct erasure *erasure);
/* Says so of these clients' erasures whose users are gone. */
NODISCARD bool erasure_finish(struct task *task, const struct id *clients, size_t count);

/* A JSON object. */
void erasure_write(struct json_out *out, const void *object);

/* Its SQL, for the tests; NULL behind the last. */
extern const char *const erasure_statements[]; /* of tally_app */
extern const char *const erasure_job_statements[];

#endif
