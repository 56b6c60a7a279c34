/*
 * What the files of lib/db*.c share: a connection, the statements it has prepared, one pipelined
 * exchange with the server.
 */
#ifndef LIB_DB_PRIVATE_H
#define LIB_DB_PRIVATE_H

#include <libpq-fe.h>

#include "lib/db.h"
#include "lib/db_type.h"

/* How much longer than statement_timeout a thread waits before it gives the connection up. */
#define DB_MARGIN_MS 1000
/* After a failed connect only one thread tries again, and not before this time is over. */
#define DB_RETRY_MS 250

/* What carries more than that in one statement or answer is not kept for the next task. */
#define DB_LARGE (4 << 20)

/* A statement as this connection knows it; the same text with other parameter types is another. */
struct db_statement {
	const char *sql; /* compared by address */
	unsigned number; /* its name on the server */
	enum { DB_STATEMENT_NEW, DB_STATEMENT_SENT, DB_STATEMENT_READY } state;
	int64_t runs;
	int type_count;
	uint32_t types[]; /* 0: left to the server */
};

struct db {
	PGconn *conn;
	struct db_pool *pool;
	struct db *next; /* in the pool's list of idle connections */
	int64_t idle_since;
	int64_t answer_timeout_ms; /* 0: waits for ever */
	void (*trace)(const struct task *task, const char *sql, int64_t usec);
	unsigned cursors;
	bool spent; /* to be closed, not to be used again */
	bool swollen; /* something of DB_LARGE bytes went through: libpq keeps the room for it */
	struct db_statement **statements; /* open addressing; NULL: a free slot */
	size_t statement_count, statement_capacity;
};

struct db_rows {
	PGresult *result;
};

/* One statement on its way through db_exchange(). */
struct db_send {
	const char *sql;
	const struct db_params *params; /* NULL: none */
	bool once; /* not prepared: its text was composed */
	bool ours; /* BEGIN and the like: neither counted nor traced */
	struct db_statement *statement;
	bool prepares; /* this one carries the Parse */
	bool refused; /* the server said no, and goes on */
	PGresult *result;
};

/* lib/db_connect.c: *ret in pipeline mode and nonblocking. */
NODISCARD bool db_connect(struct task *task, const struct db_pool_settings *settings, PGconn **ret);
/* Milliseconds from now as a time of clock_monotonic(); 0 is never. */
int64_t db_deadline(int64_t timeout_ms);
/* For poll(): -1 is for ever. */
int db_remaining_ms(int64_t deadline);
/* Whether the descriptor is ready before the deadline. */
bool db_wait(int fd, short events, int64_t deadline);

/* lib/db_pool.c: sets task->db. */
NODISCARD bool db_acquire(struct task *task);
/* Gives task->db back, or closes it when it is of no more use. */
void db_release(struct task *task);
void db_discard(struct task *task);
/* The server does not answer: the idle connections are not worth a time-out each. */
void db_distrust(struct db_pool *pool);
void db_close(struct db *db);

/* lib/db_statement.c */
struct db_statement *db_statement(struct db *db, const char *sql, const struct db_params *params);
void db_forget_statements(struct db *db);

/*
 * lib/db_exchange.c: sends all statements in one go and reads every answer. False: one was refused,
 * or the connection is lost (db->spent); task->err has it.
 */
NODISCARD bool db_exchange(struct task *task, struct db *db, struct db_send *sends, size_t count);
/* Reads to the end of one command's answer; *ret is NULL when the connection is lost. */
NODISCARD bool db_answer(struct db *db, PGresult **ret);
NODISCARD bool db_flush(struct db *db);

/* lib/db_error.c: keeps the reason in task->err. Always false. */
bool db_refused(struct task *task, const PGresult *result);
bool db_lost(struct task *task, PGconn *conn, const char *text);

/* lib/db_params.c: counted from PostgreSQL's epoch. */
int64_t db_time_out(int64_t usec);

/* The rows of a result; it is cleared with the task's arena. */
struct db_rows *db_rows(struct task *task, PGresult *result);

#endif
