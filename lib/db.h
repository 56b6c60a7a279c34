/*
 * PostgreSQL: a pool of connections, transactions that carry the tenant, prepared statements, typed
 * rows. The only door to libpq.
 *
 * The first query of a task takes a connection from task->pool and begins a transaction in which
 * app.client_id (and app.user_id, app.operator) is set from the task, so that row-level security
 * shows only its rows. db_commit() or db_rollback() ends it and gives the connection back. A
 * statement is a constant: each connection prepares it at first use. Parameters and results travel
 * in binary.
 */
#ifndef LIB_DB_H
#define LIB_DB_H

#include "lib/db_params.h"
#include "lib/db_rows.h"

struct db_pool;

struct db_pool_settings {
	const char *url; /* libpq URL or conninfo */
	const char *application; /* shown in pg_stat_activity */
	int64_t max, min; /* connections */
	int64_t idle_timeout_ms; /* closed when unused for so long, down to min; 0: never */
	int64_t connect_timeout_ms;
	int64_t acquire_timeout_ms; /* ERR_UNAVAILABLE when none is free by then */
	int64_t statement_timeout_ms; /* 0: none */
	int64_t idle_transaction_timeout_ms; /* the same of one left alone; 0: never */
	bool refuse_superuser; /* ERR_FORBIDDEN at connect for a role that bypasses row-level
				  security */
	/* Called after each statement, on the thread that ran it; NULL: not called. */
	void (*trace)(const struct task *task, const char *sql, int64_t usec);
};

/* A part of a URL or conninfo, such as "dbname"; *ret NULL where it is not given. ERR_INVALID. */
NODISCARD bool db_url_get(
    struct task *task, const char *url, const char *keyword, const char **ret);
/* The same connection with another part. */
NODISCARD bool db_url_set(
    struct task *task, const char *url, const char *keyword, const char *value, const char **ret);

/* Connects to nothing yet. Thread-safe. */
struct db_pool *db_pool_new(const struct db_pool_settings *settings);
void db_pool_free(struct db_pool *pool);
/* Connections open, in use, and ever opened; for /metrics. */
void db_pool_count(struct db_pool *pool, int64_t *ret_open, int64_t *ret_used, int64_t *ret_opened);

/*
 * Runs one statement; sql must be a constant of the program. ret may be NULL. The rows live as long
 * as the task's arena. ERR_UNAVAILABLE: no connection, time-out, shutdown. ERR_CONFLICT: unique,
 * exclusion. ERR_INVALID: foreign key, check, data that does not fit. Else ERR_INTERNAL.
 * task->err.sqlstate and .constraint say more. After a failure the transaction is gone.
 */
NODISCARD bool db_query(
    struct task *task, const char *sql, const struct db_params *params, struct db_rows **ret);
/* The same, and ERR_NOT_FOUND when no row came (then the transaction goes on). */
NODISCARD bool db_query_one(
    struct task *task, const char *sql, const struct db_params *params, struct db_rows **ret);

/*
 * Several statements in one round trip (libpq's pipeline mode), in the task's transaction. On false
 * none of them has any effect and the transaction is gone. rets[i] is set for each, or rets is
 * NULL.
 */
struct db_step {
	const char *sql;
	const struct db_params *params; /* NULL: none */
};
NODISCARD bool db_pipeline(
    struct task *task, const struct db_step *steps, size_t count, struct db_rows **rets);
/* The same with COMMIT behind the last step in the same round trip. ERR_UNAVAILABLE may leave open
 * whether it happened: *ret_unknown (may be NULL) is true then. */
NODISCARD bool db_pipeline_commit(struct task *task, const struct db_step *steps, size_t count,
    struct db_rows **rets, bool *ret_unknown);

/* One or more statements as text: migrations only. Inside the task's transaction if one began, else
 * outside of any. */
NODISCARD bool db_script(struct task *task, const char *sql);

/* Ends the transaction, if any. ERR_UNAVAILABLE from db_commit(): unknown whether it happened. */
NODISCARD bool db_commit(struct task *task);
void db_rollback(struct task *task);
int64_t db_runs(const struct task *task, const char *sql); /* of its connection; 0 without one */

/*
 * For a task that serves many clients in one transaction (the write path): the tenants that its
 * next transaction may see, instead of task->client.
 */
void db_set_clients(struct task *task, const struct id *clients, size_t count);

/*
 * The next transaction sees one state of the database in all its queries (REPEATABLE READ), taken
 * at its first query. Before that query.
 */
void db_set_snapshot(struct task *task);

/* Rows in portions by a cursor, for answers and exports that may be long: at most size rows a call,
 * 0 at the end. */
struct db_cursor;
NODISCARD bool db_cursor_open(
    struct task *task, const char *sql, const struct db_params *params, struct db_cursor **ret);
NODISCARD bool db_cursor_next(
    struct task *task, struct db_cursor *cursor, int size, struct db_rows **ret);
/* The end of the transaction closes it, too. */
NODISCARD bool db_cursor_close(struct task *task, struct db_cursor *cursor);

/*
 * Notifications: a connection of its own that listens on one channel. Waits until something
 * arrives, the time is over (-1: never) or wake_fd (-1: none) is readable. False: the connection is
 * lost (and closed); open again.
 */
struct db_listener;
NODISCARD bool db_listen(struct task *task, const struct db_pool_settings *settings,
    const char *channel, struct db_listener **ret);
/* *ret_payload NULL: nothing came. The payload lives until the next call. */
NODISCARD bool db_listen_wait(
    struct db_listener *listener, int timeout_ms, int wake_fd, const char **ret_payload);
void db_listen_close(struct db_listener *listener);

#endif
