/*
 * A piece of work and all it needs: memory, the database connection, the client it acts for, the
 * time, the error. A request is a task, a step of a job is a task. A task is used by one thread at
 * a time.
 */
#ifndef LIB_TASK_H
#define LIB_TASK_H

#include "lib/arena.h"
#include "lib/err.h"
#include "lib/id.h"

struct actor; /* lib/model/audit.h */
struct db;
struct db_pool;
struct redis;
struct seal_keys;
struct usage_memory; /* lib/model/usage_memory.h */

struct task {
	struct arena *arena;
	int64_t now; /* microseconds since 1970, read once */
	struct id client; /* nil: no client, sees no tenant's rows */
	struct id user; /* nil: not bound to a user */
	bool operator_key; /* may see every row of clients */
	const struct actor *actor; /* for the audit log; NULL: the command line */
	struct db_pool *pool; /* where a connection comes from at the first query */
	struct db *db; /* inside a transaction, else NULL */
	const char *clients; /* what db_set_clients() named, instead of client; or NULL */
	bool snapshot; /* the next transaction is REPEATABLE READ: db_set_snapshot() */
	struct redis *redis; /* this thread's connection, or NULL */
	const struct seal_keys *seal_keys; /* of lib/sealed.h; NULL: there are none */
	struct usage_memory *usage_memory; /* what was read before; NULL: nothing is kept */
	struct err err;
	uint32_t queries; /* for the log line */
	int64_t query_usec;
};

/* Takes an arena that is already there; now is read from the clock. */
void task_init(struct task *task, struct arena *arena);
/* Forgets the error, so that the task may try something else. */
void task_clear_error(struct task *task);

/* Keeps the first reason. Always false, so that a caller can return it. The text is ours and ASCII.
 */
bool task_fail(struct task *task, enum err_code code, const char *format, ...) PRINTF(3, 4);
/* ERR_INVALID with one more bad field; both texts must live as long as the task. Always false. */
bool task_fail_field(struct task *task, const char *field, const char *message);
/* ERR_UNAVAILABLE with a number of seconds after which to try again. Always false. */
bool task_fail_later(struct task *task, int retry_after, const char *format, ...) PRINTF(3, 4);

#endif
