/*
 * The write path's transaction against another one of its kind: with the same records, on two
 * connections, at once.
 */
#include "tests/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/model/batch.h"
#include "lib/model/counter.h"
#include "lib/model/user.h"
#include "lib/seal.h"
#include "tests/servers.h"

#define ROWS_MAX 3

static struct servers *servers;
static struct db_pool *pool;
static struct id client;
static struct chat_log logs[ROWS_MAX]; /* by ascending id */

/* Some of the logs, in an order of its own. */
struct writer {
	pthread_t thread;
	struct task task;
	struct batch batch;
	struct batch_row rows[ROWS_MAX];
	struct batch_client mark;
	bool stored;
};

static void
make_logs(void)
{
	const struct chat_log log = {
		.input_tokens = CHAT_LOG_NONE,
		.output_tokens = CHAT_LOG_NONE,
		.cached_input_tokens = CHAT_LOG_NONE,
		.cache_write_tokens = CHAT_LOG_NONE,
		.reasoning_tokens = CHAT_LOG_NONE,
		.tokens_used = CHAT_LOG_NONE,
		.message_length = 1,
		.response_length = CHAT_LOG_NONE,
		.estimated_cost_nanos = CHAT_LOG_NONE,
		.verified_cost_nanos = CHAT_LOG_NONE,
		.duration_ms = CHAT_LOG_NONE,
		.success = true,
	};
	int64_t now = clock_now();

	for (int i = 0; i < ROWS_MAX; i++) {
		logs[i] = log;
		logs[i].created_at = now - now % 1000 + i * INT64_C(1000);
		logs[i].received_at = now;
		logs[i].id = id_new(logs[i].created_at);
	}
}

/* order: indexes of logs, ended by one that is negative. */
static void
writer_open(struct writer *writer, const int *order)
{
	*writer = (struct writer){ 0 };
	task_init(&writer->task, arena_new());
	writer->task.client = client;
	writer->task.pool = pool;
	/* Not announced: the count is not what is looked at. */
	writer->mark = (struct batch_client){ .client = client };
	writer->batch = (struct batch){
		.id = id_new(writer->task.now),
		.rows = writer->rows,
		.clients = &writer->mark,
		.client_count = 1,
	};
	for (; *order >= 0; order++)
		writer->rows[writer->batch.row_count++] =
		    (struct batch_row){ .client = client, .log = &logs[*order] };
}

static void
writer_close(struct writer *writer)
{
	db_rollback(&writer->task);
	arena_free(writer->task.arena);
}

static bool
store(struct writer *writer, bool commit)
{
	bool unknown;

	batch_begin(&writer->task, &writer->batch);
	return batch_store(&writer->task, &writer->batch, commit, &unknown);
}

static void *
store_in_thread(void *argument)
{
	struct writer *writer = argument;

	writer->stored = store(writer, true);
	return NULL;
}

static void
start(struct writer *writer)
{
	assert_int_equal(pthread_create(&writer->thread, NULL, store_in_thread, writer), 0);
}

/* For servers_await(): whether so many connections wait for a lock. */
static bool
wait_for_lock(void *context)
{
	char *count =
	    servers_sql(servers, "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted");
	bool enough = strtol(count, NULL, 10) == *(int *)context;

	free(count);
	return enough;
}

static void
await_waiting(int count)
{
	assert_true(servers_await(wait_for_lock, &count));
}

/* The last record holds both until each has stored what it has before it. */
static void
test_same_records_in_another_order(void **state)
{
	static const int last[] = { 2, -1 }, upwards[] = { 0, 2, 1, -1 },
			 downwards[] = { 1, 2, 0, -1 };
	struct writer holder, first, second;
	int stored = 0;

	(void)state;
	writer_open(&holder, last);
	writer_open(&first, upwards);
	writer_open(&second, downwards);
	assert_true(store(&holder, false));
	start(&first);
	await_waiting(1);
	start(&second);
	await_waiting(2);
	db_rollback(&holder.task);
	assert_int_equal(pthread_join(first.thread, NULL), 0);
	assert_int_equal(pthread_join(second.thread, NULL), 0);
	if (!first.stored || !second.stored)
		fail_msg("one of them failed: %s", (first.stored ? second : first).task.err.text);
	for (int i = 0; i < ROWS_MAX; i++) {
		stored += first.rows[i].outcome == BATCH_STORED;
		stored += second.rows[i].outcome == BATCH_STORED;
	}
	assert_int_equal(stored, ROWS_MAX);
	writer_close(&holder);
	writer_close(&first);
	writer_close(&second);
}

/* A record names its user, and its client: their rows must stay, and nothing more. */
static void
test_a_change_of_the_user_is_not_waited_for(void **state)
{
	static const int one[] = { 0, -1 }, none[] = { -1 };
	struct writer editor, writer;
	struct chat_log log = logs[0];
	struct user *user, changed;

	(void)state;
	writer_open(&editor, none);
	user = resource_new(&editor.task, &user_resource);
	user->external_id = "changed";
	user->email = "a@example.org";
	assert_true(resource_add(&editor.task, &user_resource, user) && db_commit(&editor.task));
	changed = *user;
	changed.email = "b@example.org";
	assert_true(resource_change(&editor.task, &user_resource, "change", user, &changed));
	log.id = id_new(log.created_at);
	log.user_id = user->head.id;
	writer_open(&writer, one);
	writer.rows[0].log = &log;
	assert_true(store(&writer, true));
	assert_int_equal(writer.rows[0].outcome, BATCH_STORED);
	assert_true(db_commit(&editor.task));
	writer_close(&writer);
	writer_close(&editor);
}

/* What is known of who is named may be old: the foreign keys decide. */
static void
test_a_row_that_names_nobody(void **state)
{
	static const int two[] = { 0, 1, -1 };
	struct writer writer;
	struct chat_log copies[2] = { logs[0], logs[1] };

	(void)state;
	writer_open(&writer, two);
	for (int i = 0; i < 2; i++) {
		copies[i].id = id_new(copies[i].created_at);
		copies[i].user_id = i == 0 ? id_new(writer.task.now) : (struct id){ 0 };
		writer.rows[i].log = &copies[i];
	}
	assert_false(store(&writer, true));
	assert_string_equal(writer.task.err.sqlstate, "23503");
	db_rollback(&writer.task);
	task_clear_error(&writer.task);
	writer.rows[0].outcome = BATCH_NO_USER;
	assert_true(store(&writer, true));
	assert_int_equal(writer.rows[0].outcome, BATCH_NO_USER);
	assert_int_equal(writer.rows[1].outcome, BATCH_STORED);
	writer_close(&writer);
}

static int
set_up(void **state)
{
	struct db_pool_settings settings = { .max = 4,
		.connect_timeout_ms = 5000,
		.acquire_timeout_ms = 10000,
		.statement_timeout_ms = 30000,
		.application = "test_batch" };
	char sql[200], text[ID_TEXT_SIZE];

	(void)state;
	seal_init();
	servers = servers_start(SERVER_POSTGRES);
	settings.url = servers_database_url(servers, "tally_app");
	pool = db_pool_new(&settings);
	client = id_new(clock_now());
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO clients (id, name) VALUES ('%s', 'batches') RETURNING 1",
	    id_format(client, text));
	free(servers_sql(servers, sql));
	make_logs();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	db_pool_free(pool);
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_records_in_another_order),
		cmocka_unit_test(test_a_change_of_the_user_is_not_waited_for),
		cmocka_unit_test(test_a_row_that_names_nobody),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
