#include "tests/held.h"

#include "tests/test.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/model/chat_log.h"
#include "lib/seal.h"

struct id held_own, held_other;

void
held_open_task(struct task *with)
{
	*with = (struct task){ 0 };
	task_init(with, arena_new());
	with->pool = pool;
	with->client = held_own;
}

void
held_close_task(struct task *with)
{
	db_rollback(with);
	arena_free(with->arena);
}

/* The database is slow where everything is: waiting for a lock is no failure. */
int
held_begin(void **state)
{
	struct db_pool_settings with = settings("tally_app");

	(void)state;
	with.statement_timeout_ms = 30000;
	pool = db_pool_new(&with);
	held_open_task(&task);
	return 0;
}

void
held_fails(bool done, enum err_code code)
{
	assert_false(done);
	assert_int_equal(task.err.code, code);
	db_rollback(&task);
	task_clear_error(&task);
}

const char *
held_text(struct id id)
{
	char text[ID_TEXT_SIZE];

	return arena_strdup(task.arena, id_format(id, text));
}

/* One of ten minutes that began at the instant. */
struct authorization
held_make(int64_t at)
{
	at -= at % 1000;
	return (struct authorization){
		.id = id_new(at),
		.created_at = at,
		.expires_at = at + 10 * MINUTE,
		.held_nanos = CENT,
		.held_tokens = CHAT_LOG_NONE,
		.cost_nanos = CHAT_LOG_NONE,
	};
}

void
held_store_rows(const struct authorization_row *rows, size_t count)
{
	const struct id clients[] = { held_own, held_other };
	struct db_step step;

	db_set_clients(&task, clients, COUNT(clients));
	step = authorization_insert_step(&task, rows, count);
	fine(db_pipeline_commit(&task, &step, 1, NULL, NULL));
}

void
held_store(struct id client, const struct authorization *authorization)
{
	const struct authorization_row row = { client, authorization, NULL };

	held_store_rows(&row, 1);
}

struct authorization
held_stored(int64_t at)
{
	struct authorization authorization = held_make(at);

	held_store(held_own, &authorization);
	return authorization;
}

struct authorization
held_find(struct id id)
{
	struct authorization found;

	fine(authorization_find(&task, id, &found));
	fine(db_commit(&task));
	return found;
}

/* A record in the log that names the authorization. */
struct id
held_record(struct id client, struct id authorization, const char *cents)
{
	int64_t at = task.now - task.now % 1000;
	struct id id = id_new(at);

	free(servers_sql(servers,
	    arena_printf(task.arena,
		"INSERT INTO chat_logs (client_id, id, created_at, authorization_id, message_length,"
		" estimated_cost_cents) VALUES ('%s', '%s', 'epoch'::timestamptz + %lld * interval"
		" '1 microsecond', '%s', 1, %s) RETURNING 1",
		held_text(client), held_text(id), (long long)at, held_text(authorization), cents)));
	return id;
}

struct db_rows *
held_settle_all(struct task *with, const struct authorization_settle *settles, size_t count)
{
	const struct id clients[] = { held_own, held_other };
	struct db_rows *rows = NULL;
	struct db_step step;

	db_set_clients(with, clients, COUNT(clients));
	step = authorization_settle_step(with, settles, count);
	return db_pipeline_commit(with, &step, 1, &rows, NULL) ? rows : NULL;
}

/* How many were settled. */
int
held_settle(struct id client, struct id authorization, struct id record)
{
	const struct authorization_settle one = { client, authorization, record };
	struct db_rows *rows = held_settle_all(&task, &one, 1);

	fine(rows != NULL);
	return db_count(rows);
}

static struct id
add_client(const char *name)
{
	struct id id = id_new(clock_now());
	struct arena *arena = arena_new();
	char text[ID_TEXT_SIZE];

	free(servers_sql(servers,
	    arena_printf(arena, "INSERT INTO clients (id, name) VALUES ('%s', '%s') RETURNING 1",
		id_format(id, text), name)));
	arena_free(arena);
	return id;
}

int
held_start(void **state)
{
	seal_init();
	start_postgres(state);
	held_own = add_client("own");
	held_other = add_client("other");
	return 0;
}
