#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "tests/db_fixture.h"

/* What a client's transaction sees of clients; the nil id is the operator's own row. */
static int64_t
clients_seen(struct id client, bool operator_key)
{
	int64_t count;

	task.client = client;
	task.operator_key = operator_key;
	count = number("SELECT count(*) FROM clients");
	fine(db_commit(&task));
	return count;
}

static void
test_a_transaction_sees_its_tenant_only(void **state)
{
	struct db_pool_settings with = settings("tally_app");
	struct id clients[] = { id_new(task.now), id_new(task.now) };
	char first[ID_TEXT_SIZE], second[ID_TEXT_SIZE], sql[256];

	(void)state;
	snprintf(sql, sizeof(sql), "INSERT INTO clients (id, name) VALUES ('%s', 'a'), ('%s', 'b')",
	    id_format(clients[0], first), id_format(clients[1], second));
	free(servers_sql(servers, sql));
	with.max = 1;
	use(&with);
	assert_int_equal(clients_seen((struct id){ 0 }, false), 0);
	assert_int_equal(clients_seen(clients[0], false), 1);
	/* The same connection, and no tenant: the last one's setting is gone. */
	assert_int_equal(clients_seen((struct id){ 0 }, false), 0);
	assert_true(clients_seen((struct id){ 0 }, true) >= 3);
	task.operator_key = false;
	db_set_clients(&task, clients, 2);
	assert_int_equal(number("SELECT count(*) FROM clients"), 2);
	fine(db_commit(&task));
	db_set_clients(&task, NULL, 0);
	assert_int_equal(number("SELECT count(*) FROM clients"), 0);
	db_rollback(&task);
	task.clients = NULL;
}

static void
test_the_user_is_set_too(void **state)
{
	char text[ID_TEXT_SIZE];

	(void)state;
	task.user = id_new(task.now);
	assert_string_equal(
	    word("SELECT current_setting('app.user_id')"), id_format(task.user, text));
}

static void
test_a_snapshot_does_not_move(void **state)
{
	(void)state;
	db_set_snapshot(&task);
	assert_string_equal(word("SHOW transaction_isolation"), "repeatable read");
	fine(db_commit(&task));
	assert_string_equal(word("SHOW transaction_isolation"), "read committed");
}

static void
make_table(void)
{
	free(servers_sql(servers, "DROP TABLE IF EXISTS test_db;"
				  "CREATE TABLE test_db (id bigint PRIMARY KEY,"
				  " parent bigint REFERENCES test_db (id),"
				  " n bigint NOT NULL CONSTRAINT n_small CHECK (n < 10));"
				  "GRANT ALL ON test_db TO tally_worker;"
				  "INSERT INTO test_db VALUES (1, NULL, 1)"));
}

static const struct {
	const char *sentence;
	const char *sql;
	enum err_code code;
	const char *sqlstate;
	const char *constraint;
} refusals[] = {
	{ "a taken key is a conflict", "INSERT INTO test_db VALUES (1, NULL, 1)", ERR_CONFLICT,
	    "23505", "test_db_pkey" },
	{ "a restricting trigger is a conflict",
	    "DO $$ BEGIN RAISE 'no' USING ERRCODE = 'restrict_violation'; END $$", ERR_CONFLICT,
	    "23001", NULL },
	{ "our own state is a conflict", "DO $$ BEGIN RAISE 'no' USING ERRCODE = 'TL001'; END $$",
	    ERR_CONFLICT, "TL001", NULL },
	{ "a missing parent is invalid", "INSERT INTO test_db VALUES (2, 7, 1)", ERR_INVALID,
	    "23503", "test_db_parent_fkey" },
	{ "a failed check is invalid", "INSERT INTO test_db VALUES (2, NULL, 10)", ERR_INVALID,
	    "23514", "n_small" },
	{ "a NULL is invalid", "INSERT INTO test_db VALUES (2, NULL, NULL)", ERR_INVALID, "23502",
	    NULL },
	{ "data that does not fit is invalid", "SELECT 'x'::text::bigint", ERR_INVALID, "22P02",
	    NULL },
	{ "a missing right is our own mistake", "SELECT * FROM pg_authid", ERR_INTERNAL, "42501",
	    NULL },
	{ "a lock that is not to be had is for later",
	    "DO $$ BEGIN RAISE 'no' USING ERRCODE = 'lock_not_available'; END $$", ERR_UNAVAILABLE,
	    "55P03", NULL },
	{ "a serialization failure is for later",
	    "DO $$ BEGIN RAISE 'no' USING ERRCODE = '40001'; END $$", ERR_UNAVAILABLE, "40001",
	    NULL },
	{ "a full disk is for later", "DO $$ BEGIN RAISE 'no' USING ERRCODE = '53100'; END $$",
	    ERR_UNAVAILABLE, "53100", NULL },
	{ "wrong SQL is ours", "SELECT FROM nowhere_at_all", ERR_INTERNAL, "42P01", NULL },
};

static void
test_refusals_have_codes(void **state)
{
	(void)state;
	make_table();
	for (size_t i = 0; i < COUNT(refusals); i++) {
		const struct err *err = &task.err;

		assert_false(db_query(&task, refusals[i].sql, NULL, NULL));
		if (err->code != refusals[i].code ||
		    strcmp(err->sqlstate, refusals[i].sqlstate) != 0)
			fail_msg("%s: %s, %s", refusals[i].sentence, err->text, err->sqlstate);
		if (refusals[i].constraint != NULL)
			assert_string_equal(err->constraint, refusals[i].constraint);
		assert_int_equal(err->retry_after, refusals[i].code == ERR_UNAVAILABLE);
		/* What PostgreSQL said is for the operator, not for the caller. */
		assert_non_null(err->cause);
		assert_null(strstr(err->text, "nowhere_at_all"));
		fails(false, refusals[i].code);
		/* The connection is as good as before. */
		assert_int_equal(number("SELECT 1"), 1);
		db_rollback(&task);
	}
}

static void
test_no_byte_of_the_caller_comes_back(void **state)
{
	struct db_params *params = db_params(&task);

	(void)state;
	db_add_text(params, "Stra\xc3\x9f"
			    "e\n");
	assert_false(db_query(&task, "SELECT $1::bigint", params, NULL));
	for (const char *c = task.err.text; *c != '\0'; c++)
		assert_in_range(*c, ' ', '~');
	for (const char *c = task.err.cause; *c != '\0'; c++)
		assert_in_range(*c, ' ', '~');
	assert_null(strstr(task.err.text, "Stra"));
	fails(false, ERR_INVALID);
}

static void
test_a_missing_row_leaves_the_transaction(void **state)
{
	(void)state;
	assert_false(db_query_one(&task, "SELECT 1 WHERE false", NULL, NULL));
	assert_int_equal(task.err.code, ERR_NOT_FOUND);
	assert_non_null(task.db);
	task_clear_error(&task);
	fine(db_commit(&task));
	assert_null(task.db);
}

static void
test_a_pipeline_does_all_or_nothing(void **state)
{
	struct db_step steps[] = {
		{ .sql = "INSERT INTO test_db VALUES (2, NULL, 2)" },
		{ .sql = "INSERT INTO test_db VALUES (3, 2, 3)" },
		{ .sql = "SELECT count(*) FROM test_db" },
		{ .sql = "INSERT INTO test_db VALUES (1, NULL, 2)" },
	};
	struct db_rows *rows[3];
	bool unknown = true;

	(void)state;
	make_table();
	fails(db_pipeline(&task, steps, 4, NULL), ERR_CONFLICT);
	fails(db_pipeline_commit(&task, steps, 4, NULL, &unknown), ERR_CONFLICT);
	assert_false(unknown);
	assert_int_equal(number("SELECT count(*) FROM test_db"), 1);
	fine(db_pipeline(&task, steps, 3, rows));
	assert_int_equal(db_changed(rows[0]), 1);
	assert_int_equal(db_int(rows[2], 0, 0), 3);
	db_rollback(&task);
	fine(db_pipeline_commit(&task, steps, 3, rows, &unknown));
	assert_false(unknown);
	assert_null(task.db);
	assert_int_equal(number("SELECT count(*) FROM test_db"), 3);
}

/* A Parse that the server skipped behind an error is not there later. */
static void
test_a_skipped_statement_is_prepared_later(void **state)
{
	static const char skipped[] = "SELECT 41 + 1::bigint";
	static const char broken[] = "SELECT FROM nowhere_at_all";
	struct db_step steps[] = {
		{ .sql = "SELECT 1::bigint" },
		{ .sql = broken },
		{ .sql = skipped },
		{ .sql = skipped },
	};
	struct db_rows *rows[4];
	int64_t open, used, opened;

	(void)state;
	fails(db_pipeline(&task, steps, 4, NULL), ERR_INTERNAL);
	fails(db_pipeline(&task, steps, 4, NULL), ERR_INTERNAL);
	steps[1].sql = skipped;
	fine(db_pipeline(&task, steps, 4, rows));
	assert_int_equal(db_int(rows[3], 0, 0), 42);
	db_rollback(&task);
	db_pool_count(pool, &open, &used, &opened);
	assert_int_equal(opened, 1);
}

static void
test_a_refused_commit_is_known(void **state)
{
	struct db_step step = { .sql = "INSERT INTO test_db_later VALUES (1), (1)" };
	bool unknown = true;

	(void)state;
	free(servers_sql(servers,
	    "CREATE TABLE test_db_later (n bigint UNIQUE DEFERRABLE INITIALLY DEFERRED);"
	    "GRANT ALL ON test_db_later TO tally_worker"));
	fails(db_pipeline_commit(&task, &step, 1, NULL, &unknown), ERR_CONFLICT);
	assert_false(unknown);
	assert_int_equal(number("SELECT count(*) FROM test_db_later"), 0);
}

/* The server skips what stands behind the statement that killed it. */
static void
test_a_killed_step_is_known(void **state)
{
	struct db_step step = { .sql = "SELECT pg_terminate_backend(pg_backend_pid())" };
	bool unknown = true;

	(void)state;
	fails(db_pipeline_commit(&task, &step, 1, NULL, &unknown), ERR_UNAVAILABLE);
	assert_false(unknown);
	fine(db_query(&task, "SELECT 1", NULL, NULL));
}

static void
test_a_changed_result_is_prepared_again(void **state)
{
	static const char sql[] = "SELECT * FROM test_db_shape";

	(void)state;
	free(servers_sql(servers, "CREATE TABLE test_db_shape (a bigint);"
				  "GRANT ALL ON test_db_shape TO tally_worker"));
	fine(db_query(&task, sql, NULL, NULL));
	fine(db_commit(&task));
	free(servers_sql(servers, "ALTER TABLE test_db_shape ADD b text"));
	fails(db_query(&task, sql, NULL, NULL), ERR_UNAVAILABLE);
	fine(db_query(&task, sql, NULL, NULL));
	assert_int_equal(opened(), 2);
}

static void
test_a_script_runs_whole(void **state)
{
	(void)state;
	make_table();
	fine(db_script(&task,
	    "INSERT INTO test_db VALUES (2, NULL, 2); INSERT INTO test_db VALUES (3, 2, 3)"));
	assert_null(task.db);
	fine(db_query(&task, "SELECT 1", NULL, NULL));
	fails(
	    db_script(&task, "INSERT INTO test_db VALUES (4, NULL, 4); SELECT FROM nowhere_at_all"),
	    ERR_INTERNAL);
	assert_int_equal(number("SELECT count(*) FROM test_db"), 3);
	fails(db_script(&task, "COMMIT"), ERR_INVALID);
	fine(db_script(&task, "BEGIN; DELETE FROM test_db"));
	assert_int_equal(number("SELECT count(*) FROM test_db"), 3);
	assert_int_equal(opened(), 1);
}

static unsigned traced;

static void
trace(const struct task *who, const char *sql, int64_t usec)
{
	assert_ptr_equal(who, &task);
	assert_non_null(sql);
	assert_true(usec >= 0);
	traced++;
}

static void
test_queries_are_counted(void **state)
{
	struct db_pool_settings with = settings("tally_worker");
	struct db_step steps[] = { { .sql = "SELECT 1" }, { .sql = "SELECT 2" } };

	(void)state;
	traced = 0;
	with.trace = trace;
	use(&with);
	fine(db_query(&task, "SELECT pg_sleep(0.01)", NULL, NULL));
	fine(db_pipeline_commit(&task, steps, 2, NULL, NULL));
	assert_int_equal(task.queries, 3);
	assert_int_equal(traced, 3);
	assert_true(task.query_usec >= 10000);
}

/* Each connection counts for itself. */
static void
test_runs_are_counted(void **state)
{
	static const char sql[] = "SELECT 1", other[] = "SELECT 2";

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(db_runs(&task, sql), 0);
		fine(db_query(&task, other, NULL, NULL));
		assert_int_equal(db_runs(&task, sql), i);
		fine(db_query(&task, sql, NULL, NULL));
		assert_int_equal(db_runs(&task, sql), i + 1);
		fine(db_commit(&task));
	}
}

static bool
is_gone(void *count_sql)
{
	char *open = servers_sql(servers, count_sql);
	bool none = strcmp(open, "0") == 0;

	free(open);
	return none;
}

static void
test_a_transaction_left_open_is_ended(void **state)
{
	static char count_sql[] = "SELECT count(*) FROM pg_stat_activity "
				  "WHERE application_name = 'left open'";
	struct db_pool_settings with = settings("tally_worker");

	(void)state;
	with.idle_transaction_timeout_ms = 50;
	with.application = "left open";
	use(&with);
	fine(db_query(&task, "SELECT 1", NULL, NULL));
	assert_true(servers_await(is_gone, count_sql));
	fails(db_query(&task, "SELECT 1", NULL, NULL), ERR_UNAVAILABLE);
	assert_int_equal(number("SELECT 1"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_transaction_sees_its_tenant_only),
		TEST(test_the_user_is_set_too),
		TEST(test_a_snapshot_does_not_move),
		TEST(test_refusals_have_codes),
		TEST(test_no_byte_of_the_caller_comes_back),
		TEST(test_a_missing_row_leaves_the_transaction),
		TEST(test_a_pipeline_does_all_or_nothing),
		TEST(test_a_skipped_statement_is_prepared_later),
		TEST(test_a_refused_commit_is_known),
		TEST(test_a_killed_step_is_known),
		TEST(test_a_changed_result_is_prepared_again),
		TEST(test_a_script_runs_whole),
		TEST(test_queries_are_counted),
		TEST(test_runs_are_counted),
		TEST(test_a_transaction_left_open_is_ended),
	};

	return cmocka_run_group_tests(tests, start_postgres, stop_postgres);
}
