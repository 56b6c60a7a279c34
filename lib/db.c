#include "lib/db_private.h"

#include <assert.h>

#include "lib/buf.h"

static const char begin_sql[] = "BEGIN";
static const char snapshot_sql[] = "BEGIN ISOLATION LEVEL REPEATABLE READ";
static const char commit_sql[] = "COMMIT";
static const char rollback_sql[] = "ROLLBACK";

/* What the policies of row-level security read; gone with the transaction. */
static const char context_sql[] = "SELECT set_config('app.client_id', $1, true),"
				  " set_config('app.user_id', $2, true),"
				  " set_config('app.operator', $3, true)";

static const char *
id_or_empty(struct task *task, struct id id)
{
	return id_is_nil(id) ? "" : id_format(id, arena_alloc(task->arena, ID_TEXT_SIZE));
}

static const struct db_params *
context_params(struct task *task)
{
	struct db_params *params = db_params(task);

	if (task->clients != NULL)
		db_add_text(params, task->clients);
	else
		db_add_text(params, id_or_empty(task, task->client));
	db_add_text(params, id_or_empty(task, task->user));
	db_add_text(params, task->operator_key ? "on" : "");
	return params;
}

/* What was set for a transaction that does not begin is not for the next one. */
static bool
acquire(struct task *task)
{
	if (db_acquire(task))
		return true;
	task->clients = NULL;
	task->snapshot = false;
	return false;
}

/* Ends what is left of the transaction; the error that led here stays the first. */
static void
abandon(struct task *task)
{
	struct err kept = task->err;

	if (task->db == NULL)
		return;
	if (!task->db->spent && PQtransactionStatus(task->db->conn) != PQTRANS_IDLE) {
		struct db_send send = { .sql = rollback_sql, .ours = true };

		if (!db_exchange(task, task->db, &send, 1))
			task->db->spent = true;
	}
	task->err = kept;
	if (task->db->spent)
		db_discard(task);
	else
		db_release(task);
}

/* The transaction's start, the caller's statements, and its end, as one exchange. */
struct exchange {
	struct db_send *sends;
	size_t first; /* the caller's first */
	size_t count;
};

static void
add(struct exchange *exchange, struct db_send send)
{
	exchange->sends[exchange->count++] = send;
}

static struct exchange
lay_out(struct task *task, const struct db_step *steps, size_t count, bool begins, bool commits)
{
	struct exchange ret = { 0 };

	ret.sends = arena_array(task->arena, count + 3, sizeof(*ret.sends));
	if (begins) {
		add(&ret, (struct db_send){
			      .sql = task->snapshot ? snapshot_sql : begin_sql, .ours = true });
		task->snapshot = false;
		add(&ret, (struct db_send){
			      .sql = context_sql, .params = context_params(task), .ours = true });
		task->clients = NULL;
	}
	ret.first = ret.count;
	for (size_t i = 0; i < count; i++)
		add(&ret, (struct db_send){ .sql = steps[i].sql, .params = steps[i].params });
	if (commits)
		add(&ret, (struct db_send){ .sql = commit_sql, .ours = true });
	return ret;
}

/* rets: room for the answers to the caller's statements, or NULL. */
static bool
run(struct task *task, struct exchange *exchange, struct db_rows **rets, size_t count)
{
	if (!db_exchange(task, task->db, exchange->sends, exchange->count))
		return false;
	for (size_t i = 0; rets != NULL && i < count; i++)
		rets[i] = db_rows(task, exchange->sends[exchange->first + i].result);
	return true;
}

bool
db_pipeline(struct task *task, const struct db_step *steps, size_t count, struct db_rows **rets)
{
	bool begins = task->db == NULL;
	struct exchange exchange;

	if (begins && !acquire(task))
		return false;
	exchange = lay_out(task, steps, count, begins, false);
	if (run(task, &exchange, rets, count))
		return true;
	abandon(task);
	return false;
}

/* The server skips what stands behind a refusal, so a COMMIT there did not happen. */
static bool
is_unknown(const struct db *db, const struct exchange *exchange)
{
	size_t last = exchange->count - 1;

	for (size_t i = 0; i < last; i++) {
		if (exchange->sends[i].refused)
			return false;
	}
	return db->spent || !exchange->sends[last].refused;
}

bool
db_pipeline_commit(struct task *task, const struct db_step *steps, size_t count,
    struct db_rows **rets, bool *ret_unknown)
{
	bool begins = task->db == NULL;
	struct exchange exchange;

	if (ret_unknown != NULL)
		*ret_unknown = false;
	if (begins && !acquire(task))
		return false;
	exchange = lay_out(task, steps, count, begins, true);
	if (run(task, &exchange, rets, count)) {
		db_release(task);
		return true;
	}
	if (ret_unknown != NULL)
		*ret_unknown = is_unknown(task->db, &exchange);
	abandon(task);
	return false;
}

bool
db_query(struct task *task, const char *sql, const struct db_params *params, struct db_rows **ret)
{
	struct db_step step = { .sql = sql, .params = params };

	return db_pipeline(task, &step, 1, ret);
}

bool
db_query_one(
    struct task *task, const char *sql, const struct db_params *params, struct db_rows **ret)
{
	struct db_rows *rows;

	if (!db_query(task, sql, params, &rows))
		return false;
	if (db_count(rows) == 0)
		return task_fail(task, ERR_NOT_FOUND, "There is nothing with this id.");
	if (ret != NULL)
		*ret = rows;
	return true;
}

bool
db_commit(struct task *task)
{
	return task->db == NULL || db_pipeline_commit(task, NULL, 0, NULL, NULL);
}

void
db_rollback(struct task *task)
{
	abandon(task);
}

void
db_set_clients(struct task *task, const struct id *clients, size_t count)
{
	struct buf list = { .arena = task->arena };
	char text[ID_TEXT_SIZE];

	assert(task->db == NULL);
	buf_puts(&list, "");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_putc(&list, ',');
		buf_puts(&list, id_format(clients[i], text));
	}
	task->clients = list.at;
}

void
db_set_snapshot(struct task *task)
{
	assert(task->db == NULL);
	task->snapshot = true;
}
