#include "lib/db_private.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "lib/clock.h"

struct db_pool {
	struct db_pool_settings settings;
	/* Guards everything below. */
	pthread_mutex_t lock;
	pthread_cond_t released; /* a connection, or a place for one */
	struct db *idle; /* the last used is first */
	int64_t open, used, opened;
	/* After a failed connect: */
	bool failing;
	bool trying; /* one thread is finding out whether the server is back */
	int64_t retry_at;
};

static const char bypasses_sql[] = "SELECT rolsuper OR rolbypassrls"
				   " FROM pg_roles"
				   " WHERE rolname = current_user";

struct db_pool *
db_pool_new(const struct db_pool_settings *settings)
{
	struct db_pool *pool = calloc(1, sizeof(*pool));
	pthread_condattr_t monotonic;

	if (pool == NULL)
		abort();
	assert(settings->max > 0);
	pool->settings = *settings;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->released, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return pool;
}

void
db_close(struct db *db)
{
	PQfinish(db->conn);
	db_forget_statements(db);
	free(db);
}

static void
close_list(struct db *list)
{
	while (list != NULL) {
		struct db *next = list->next;

		db_close(list);
		list = next;
	}
}

void
db_pool_free(struct db_pool *pool)
{
	if (pool == NULL)
		return;
	close_list(pool->idle);
	pthread_cond_destroy(&pool->released);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

void
db_pool_count(struct db_pool *pool, int64_t *ret_open, int64_t *ret_used, int64_t *ret_opened)
{
	pthread_mutex_lock(&pool->lock);
	*ret_open = pool->open;
	*ret_used = pool->used;
	*ret_opened = pool->opened;
	pthread_mutex_unlock(&pool->lock);
}

/* Takes the connections out that nobody has needed for too long. The lock is held. */
static struct db *
take_stale(struct db_pool *pool)
{
	int64_t oldest = clock_monotonic() - pool->settings.idle_timeout_ms * 1000;
	struct db *stale = NULL;
	struct db **at = &pool->idle;

	if (pool->settings.idle_timeout_ms == 0)
		return NULL;
	while (*at != NULL) {
		struct db *db = *at;

		if (db->idle_since > oldest || pool->open <= pool->settings.min) {
			at = &db->next;
			continue;
		}
		*at = db->next;
		db->next = stale;
		stale = db;
		pool->open--;
	}
	return stale;
}

void
db_distrust(struct db_pool *pool)
{
	struct db *idle;

	pthread_mutex_lock(&pool->lock);
	idle = pool->idle;
	pool->idle = NULL;
	for (const struct db *db = idle; db != NULL; db = db->next)
		pool->open--;
	pool->failing = true;
	pool->retry_at = clock_monotonic() + DB_RETRY_MS * INT64_C(1000);
	pthread_cond_broadcast(&pool->released);
	pthread_mutex_unlock(&pool->lock);
	close_list(idle);
}

/*
 * A server that went away has closed its end. Whatever else an idle connection has to say (settings
 * reloaded) is not worth reading: a new one is as good.
 */
static bool
is_quiet(const struct db *db)
{
	char byte;

	if (PQstatus(db->conn) != CONNECTION_OK)
		return false;
	return recv(PQsocket(db->conn), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void
give_up(struct db_pool *pool, bool failing)
{
	pthread_mutex_lock(&pool->lock);
	pool->open--;
	pool->used--;
	if (failing) {
		pool->failing = true;
		pool->retry_at = clock_monotonic() + DB_RETRY_MS * INT64_C(1000);
	}
	pthread_cond_signal(&pool->released);
	pthread_mutex_unlock(&pool->lock);
}

void
db_discard(struct task *task)
{
	struct db *db = task->db;

	task->db = NULL;
	give_up(db->pool, false);
	db_close(db);
}

void
db_release(struct task *task)
{
	struct db *db = task->db;
	struct db_pool *pool = db->pool;
	struct db *stale;

	if (db->swollen) {
		db_discard(task);
		return;
	}
	task->db = NULL;
	pthread_mutex_lock(&pool->lock);
	db->idle_since = clock_monotonic();
	db->next = pool->idle;
	pool->idle = db;
	pool->used--;
	stale = take_stale(pool);
	pthread_cond_signal(&pool->released);
	pthread_mutex_unlock(&pool->lock);
	close_list(stale);
}

static bool
check_role(struct task *task, struct db *db)
{
	struct db_send send = { .sql = bypasses_sql, .once = true, .ours = true };

	if (!db_exchange(task, db, &send, 1))
		return false;
	if (PQntuples(send.result) == 1 && PQgetvalue(send.result, 0, 0)[0] != 0)
		return task_fail(task, ERR_FORBIDDEN,
		    "the database role bypasses row-level security; use one that does not");
	return true;
}

/* *ret is NULL when it fails. */
static bool
open_new(struct task *task, struct db_pool *pool, struct db **ret)
{
	PGconn *conn;
	struct db *db;

	*ret = NULL;
	if (!db_connect(task, &pool->settings, &conn))
		return false;
	db = calloc(1, sizeof(*db));
	if (db == NULL)
		abort();
	db->conn = conn;
	db->pool = pool;
	db->trace = pool->settings.trace;
	if (pool->settings.statement_timeout_ms > 0)
		db->answer_timeout_ms = pool->settings.statement_timeout_ms + DB_MARGIN_MS;
	if (pool->settings.refuse_superuser && !check_role(task, db)) {
		db_close(db);
		return false;
	}
	*ret = db;
	return true;
}

static bool
connect_new(struct task *task, struct db_pool *pool, bool trying)
{
	bool fine = open_new(task, pool, &task->db);

	if (!fine)
		give_up(pool, task->err.code == ERR_UNAVAILABLE);
	pthread_mutex_lock(&pool->lock);
	if (trying)
		pool->trying = false;
	if (fine) {
		pool->failing = false;
		pool->opened++;
	}
	pthread_mutex_unlock(&pool->lock);
	return fine;
}

enum turn {
	TURN_USE, /* an idle connection, in *ret */
	TURN_CONNECT,
	TURN_TRY, /* connect, as the only one */
	TURN_FAILING,
	TURN_LATE
};

static struct timespec
timespec_at(int64_t usec)
{
	return (struct timespec){ .tv_sec = usec / CLOCK_SECOND,
		.tv_nsec = usec % CLOCK_SECOND * 1000 };
}

/* The lock is held. False: wait. */
static bool
choose(struct db_pool *pool, enum turn *ret_turn, struct db **ret)
{
	if (pool->idle != NULL) {
		*ret = pool->idle;
		pool->idle = pool->idle->next;
		*ret_turn = TURN_USE;
		return true;
	}
	if (pool->open >= pool->settings.max)
		return false;
	if (!pool->failing) {
		*ret_turn = TURN_CONNECT;
	} else if (pool->trying || clock_monotonic() < pool->retry_at) {
		*ret_turn = TURN_FAILING;
		return true;
	} else {
		pool->trying = true;
		*ret_turn = TURN_TRY;
	}
	pool->open++;
	return true;
}

static enum turn
take_turn(struct db_pool *pool, int64_t deadline, struct db **ret)
{
	struct timespec until = timespec_at(deadline);
	enum turn turn = TURN_LATE;
	int late = 0;

	pthread_mutex_lock(&pool->lock);
	while (!choose(pool, &turn, ret)) {
		if (late != 0)
			break;
		late = pthread_cond_timedwait(&pool->released, &pool->lock, &until);
	}
	if (turn != TURN_LATE && turn != TURN_FAILING)
		pool->used++;
	pthread_mutex_unlock(&pool->lock);
	return turn;
}

bool
db_acquire(struct task *task)
{
	int64_t deadline = db_deadline(task->pool->settings.acquire_timeout_ms);

	for (;;) {
		struct db *db = NULL;
		enum turn turn = take_turn(task->pool, deadline, &db);

		if (turn == TURN_LATE)
			return task_fail_later(task, 1, "no connection to PostgreSQL is free");
		if (turn == TURN_FAILING)
			return task_fail_later(task, 1, "PostgreSQL cannot be reached");
		if (turn != TURN_USE)
			return connect_new(task, task->pool, turn == TURN_TRY);
		task->db = db;
		if (is_quiet(db))
			return true;
		db_discard(task);
	}
}
