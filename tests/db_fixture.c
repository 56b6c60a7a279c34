#include "tests/db_fixture.h"

#include "tests/test.h"

#include <stdlib.h>

struct servers *servers;
struct db_pool *pool;
struct task task;

struct db_pool_settings
settings(const char *role)
{
	return (struct db_pool_settings){
		.url = servers_database_url(servers, role),
		.application = "test_db",
		.max = 4,
		.min = 1,
		.idle_timeout_ms = 60000,
		.connect_timeout_ms = 5000,
		.acquire_timeout_ms = 5000,
		.statement_timeout_ms = 5000,
	};
}

void
use(const struct db_pool_settings *with)
{
	db_pool_free(pool);
	pool = db_pool_new(with);
	task.pool = pool;
}

int
begin(void **state)
{
	struct db_pool_settings with = settings("tally_worker");

	(void)state;
	task_init(&task, arena_new());
	use(&with);
	return 0;
}

int
end(void **state)
{
	(void)state;
	db_rollback(&task);
	arena_free(task.arena);
	db_pool_free(pool);
	pool = NULL;
	return 0;
}

void
fine(bool done)
{
	if (!done)
		fail_msg("%s (%s)", task.err.text, task.err.cause ? task.err.cause : "");
}

void
fails(bool done, enum err_code code)
{
	assert_false(done);
	if (task.err.code != code)
		fail_msg("%s: %s", err_name(task.err.code), task.err.text);
	assert_null(task.db);
	task_clear_error(&task);
}

int64_t
number(const char *sql)
{
	struct db_rows *rows;

	fine(db_query_one(&task, sql, NULL, &rows));
	return db_int(rows, 0, 0);
}

const char *
word(const char *sql)
{
	struct db_rows *rows;

	fine(db_query_one(&task, sql, NULL, &rows));
	return db_text(rows, 0, 0);
}

int64_t
opened(void)
{
	int64_t open, used, ever;

	db_pool_count(pool, &open, &used, &ever);
	return ever;
}

bool
is_back(void *context)
{
	(void)context;
	task_clear_error(&task);
	return db_query(&task, "SELECT 1", NULL, NULL);
}

int
start_postgres(void **state)
{
	(void)state;
	servers = servers_start(SERVER_POSTGRES);
	return 0;
}

int
stop_postgres(void **state)
{
	(void)state;
	servers_stop(servers);
	return 0;
}
