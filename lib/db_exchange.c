#include "lib/db_private.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"

#define NAME_SIZE 16

static void
statement_name(const struct db_statement *statement, char out[NAME_SIZE])
{
	snprintf(out, NAME_SIZE, "s%u", statement->number);
}

/* Parameters in the form libpq wants them. */
struct arguments {
	int count;
	Oid types[DB_PARAMS_MAX];
	const char *values[DB_PARAMS_MAX];
	int lengths[DB_PARAMS_MAX];
	int formats[DB_PARAMS_MAX];
};

static bool
is_large(const struct db_params *params)
{
	int64_t bytes = 0;

	for (int i = 0; params != NULL && i < params->count; i++)
		bytes += params->list[i].len;
	return bytes > DB_LARGE;
}

static void
lay_out(const struct db_params *params, struct arguments *ret)
{
	ret->count = params == NULL ? 0 : params->count;
	for (int i = 0; i < ret->count; i++) {
		ret->types[i] = params->list[i].type;
		ret->values[i] = params->list[i].at;
		ret->lengths[i] = params->list[i].len;
		ret->formats[i] = 1;
	}
}

static bool
send_prepared(struct db *db, struct db_send *send, const struct arguments *with)
{
	struct db_statement *statement = db_statement(db, send->sql, send->params);
	char name[NAME_SIZE];

	statement_name(statement, name);
	send->statement = statement;
	statement->runs++;
	send->prepares = statement->state == DB_STATEMENT_NEW;
	if (send->prepares) {
		statement->state = DB_STATEMENT_SENT;
		if (PQsendPrepare(db->conn, name, send->sql, with->count, with->types) != 1)
			return false;
	}
	return PQsendQueryPrepared(
		   db->conn, name, with->count, with->values, with->lengths, with->formats, 1) == 1;
}

static bool
send_one(struct db *db, struct db_send *send)
{
	struct arguments with;

	lay_out(send->params, &with);
	db->swollen |= is_large(send->params);
	if (!send->once)
		return send_prepared(db, send, &with);
	return PQsendQueryParams(db->conn, send->sql, with.count, with.types, with.values,
		   with.lengths, with.formats, 1) == 1;
}

/* The server may not read on before we read its answers: both directions are served. */
bool
db_flush(struct db *db)
{
	int64_t deadline = db_deadline(db->answer_timeout_ms);

	for (;;) {
		int left = PQflush(db->conn);

		if (left <= 0)
			return left == 0;
		if (!db_wait(PQsocket(db->conn), POLLIN | POLLOUT, deadline))
			return false;
		if (PQconsumeInput(db->conn) != 1)
			return false;
	}
}

static bool
await_result(struct db *db, int64_t deadline)
{
	while (PQisBusy(db->conn)) {
		if (!db_wait(PQsocket(db->conn), POLLIN, deadline))
			return false;
		if (PQconsumeInput(db->conn) != 1)
			return false;
	}
	return true;
}

static bool
is_error(const PGresult *result)
{
	return PQresultStatus(result) == PGRES_FATAL_ERROR;
}

/* An error of libpq itself, not of the server: the connection is of no more use. */
static bool
is_loss(const PGresult *result)
{
	return is_error(result) && PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL;
}

bool
db_answer(struct db *db, PGresult **ret)
{
	int64_t deadline = db_deadline(db->answer_timeout_ms);
	PGresult *kept = NULL;

	for (;;) {
		PGresult *result;

		if (!await_result(db, deadline))
			break;
		result = PQgetResult(db->conn);
		if (result == NULL) {
			*ret = kept;
			return kept != NULL;
		}
		/* A script answers once for each statement: an error is the last one. */
		PQclear(kept);
		kept = result;
		if (is_loss(result) || PQresultStatus(result) == PGRES_COPY_IN ||
		    PQresultStatus(result) == PGRES_COPY_OUT)
			break;
	}
	*ret = kept;
	return false;
}

static bool
read_prepare(struct task *task, struct db *db, struct db_send *send)
{
	PGresult *result;
	bool answered = db_answer(db, &result);

	send->statement->state = DB_STATEMENT_NEW;
	if (answered && PQresultStatus(result) == PGRES_COMMAND_OK)
		send->statement->state = DB_STATEMENT_READY;
	if (result != NULL && is_error(result)) {
		send->refused = answered;
		db_refused(task, result);
	}
	PQclear(result);
	return answered;
}

/* A plan made before a migration: "cached plan must not change result type". */
static bool
is_stale(const struct db_send *send, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (send->once || send->prepares || state == NULL)
		return false;
	return strcmp(state, "0A000") == 0 || strcmp(state, "26000") == 0;
}

static void
undo_result(void *result)
{
	PQclear(result);
}

/* Nobody looks at the answers to BEGIN, set_config() and COMMIT: a long job has many of them. */
static void
keep(struct task *task, struct db_send *send)
{
	if (send->result != NULL && send->ours && !send->once) {
		PQclear(send->result);
		send->result = NULL;
	} else if (send->result != NULL) {
		arena_defer(task->arena, undo_result, send->result);
	}
}

static bool
read_one(struct task *task, struct db *db, struct db_send *send)
{
	bool answered;

	if (send->prepares && !read_prepare(task, db, send))
		return false;
	answered = db_answer(db, &send->result);
	db->swollen |= send->result != NULL && PQresultMemorySize(send->result) > DB_LARGE;
	if (send->result != NULL && is_error(send->result)) {
		send->refused = answered;
		if (is_stale(send, send->result)) {
			db->spent = true;
			task_fail_later(task, 1, "the database was changed meanwhile");
		}
		db_refused(task, send->result);
	}
	keep(task, send);
	return answered;
}

static void
count(struct task *task, const struct db *db, const struct db_send *send, int64_t *last)
{
	int64_t now = clock_monotonic();

	task->query_usec += now - *last;
	if (!send->ours) {
		task->queries++;
		if (db->trace != NULL)
			db->trace(task, send->sql, now - *last);
	}
	*last = now;
}

/* The answer to the sync point, which the server gives whatever went wrong before it. */
static bool
read_sync(struct db *db)
{
	int64_t deadline = db_deadline(db->answer_timeout_ms);
	PGresult *result;
	bool synced;

	if (!await_result(db, deadline))
		return false;
	result = PQgetResult(db->conn);
	synced = result != NULL && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
	PQclear(result);
	return synced;
}

static bool
send_all(struct db *db, struct db_send *sends, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!send_one(db, &sends[i]))
			return false;
	}
	return PQpipelineSync(db->conn) == 1 && db_flush(db);
}

static bool
read_all(struct task *task, struct db *db, struct db_send *sends, size_t n, int64_t begun)
{
	for (size_t i = 0; i < n; i++) {
		if (!read_one(task, db, &sends[i]))
			return false;
		count(task, db, &sends[i], &begun);
	}
	return read_sync(db);
}

static bool
lose(struct task *task, struct db *db)
{
	db->spent = true;
	if (PQstatus(db->conn) != CONNECTION_OK)
		return db_lost(task, db->conn, "the connection to PostgreSQL is lost");
	db_distrust(db->pool);
	return db_lost(task, db->conn, "PostgreSQL did not answer in time");
}

bool
db_exchange(struct task *task, struct db *db, struct db_send *sends, size_t n)
{
	int64_t begun = clock_monotonic();

	if (!send_all(db, sends, n) || !read_all(task, db, sends, n, begun))
		return lose(task, db);
	for (size_t i = 0; i < n; i++) {
		if (sends[i].refused)
			return false;
	}
	return true;
}
