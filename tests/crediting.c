#include "tests/test.h"

#include "tests/crediting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/seal.h"

struct servers *crediting_servers;
struct id crediting_client;
static struct db_pool *pool;

/* What is wrong, an account a line. */
static const char differences_sql[] =
    "WITH t AS (\n"
    "SELECT *, sum(amount) OVER w AS running,\n"
    "lag(sequence, 1, 0::bigint) OVER w AS sequence_before,\n"
    "lag(created_at) OVER w AS created_before,\n"
    "lag(hash, 1, '\\x0000000000000000000000000000000000000000000000000000000000000000') OVER w\n"
    "AS hash_before\n"
    "FROM credit_transactions\n"
    "WINDOW w AS (PARTITION BY client_id, account_id ORDER BY sequence)),\n"
    "wrong (text) AS (\n"
    "SELECT 'balance after ' || sequence FROM t WHERE running <> balance_after\n"
    "UNION ALL SELECT 'gap at ' || sequence FROM t WHERE sequence <> sequence_before + 1\n"
    "UNION ALL SELECT 'time of ' || sequence FROM t WHERE created_at < created_before\n"
    "UNION ALL SELECT 'hash of ' || t.sequence FROM t\n"
    "JOIN credit_transactions AS c ON c.client_id = t.client_id AND c.id = t.id\n"
    "WHERE credit_hash(t.hash_before, c) <> t.hash\n"
    "UNION ALL SELECT format('account %s of %s: %s of sums %s', a.id, a.user_id,\n"
    "ROW(current_balance, lifetime_purchased, lifetime_spent, lifetime_refunded, held,\n"
    "last_sequence, greatest(current_balance, 0)), s.*)\n"
    "FROM credit_accounts AS a CROSS JOIN LATERAL (\n"
    "SELECT ROW(coalesce(sum(amount), 0)::numeric(20, 9),\n"
    "coalesce(sum(amount) FILTER (WHERE transaction_type = 'purchase'), 0)::numeric(20, 9),\n"
    "coalesce(-sum(amount) FILTER (WHERE transaction_type = 'usage'), 0)::numeric(20, 9),\n"
    "coalesce(sum(amount) FILTER (WHERE transaction_type = 'refund'), 0)::numeric(20, 9),\n"
    "(SELECT coalesce(sum(amount), 0)::numeric(20, 9) FROM credit_holds WHERE account_id = a.id),\n"
    "coalesce(max(sequence), 0), (SELECT coalesce(sum(remaining), 0)::numeric(20, 9)\n"
    "FROM credit_grants WHERE account_id = a.id)) AS sums\n"
    "FROM credit_transactions WHERE client_id = a.client_id AND account_id = a.id) AS s\n"
    "WHERE s.sums IS DISTINCT FROM ROW(current_balance, lifetime_purchased, lifetime_spent,\n"
    "lifetime_refunded, held, last_sequence, greatest(current_balance, 0)::numeric(20, 9)))\n"
    "SELECT coalesce(string_agg(text, E'\\n'), '') FROM wrong";

int
crediting_start(void **state)
{
	struct db_pool_settings settings = { .max = 16,
		.connect_timeout_ms = 5000,
		.acquire_timeout_ms = 10000,
		.statement_timeout_ms = 30000,
		.application = "crediting" };
	char sql[200], text[ID_TEXT_SIZE];

	(void)state;
	seal_init();
	crediting_servers = servers_start(SERVER_POSTGRES);
	settings.url = servers_database_url(crediting_servers, "tally_app");
	pool = db_pool_new(&settings);
	crediting_client = id_new(clock_now());
	(void)snprintf(sql, sizeof sql,
	    "INSERT INTO clients (id, name, credits) VALUES ('%s', 'credits', 'user') RETURNING 1",
	    id_format(crediting_client, text));
	free(servers_sql(crediting_servers, sql));
	return 0;
}

int
crediting_stop(void **state)
{
	(void)state;
	db_pool_free(pool);
	servers_stop(crediting_servers);
	return 0;
}

struct task
crediting_task(void)
{
	struct task task;

	task_init(&task, arena_new());
	task.client = crediting_client;
	task.pool = pool;
	return task;
}

void
crediting_task_end(struct task *task)
{
	db_rollback(task);
	arena_free(task->arena);
}

struct id
crediting_user(void)
{
	struct id user = id_new(clock_now());
	char sql[250], client[ID_TEXT_SIZE], text[ID_TEXT_SIZE];

	(void)snprintf(sql, sizeof sql,
	    "INSERT INTO users (client_id, id, external_id) VALUES ('%s', '%s', '%s') RETURNING 1",
	    id_format(crediting_client, client), id_format(user, text), text);
	free(servers_sql(crediting_servers, sql));
	return user;
}

struct credit_posting
crediting_posting(struct id user, enum credit_type type, int64_t nanos)
{
	return (struct credit_posting){ .client = crediting_client,
		.user = user,
		.type = type,
		.amount_nanos = nanos,
		.id = id_new(clock_now()),
		.priority = LEDGER_PRIORITY_DEFAULT };
}

bool
crediting_post(struct task *task, struct credit_posting *postings, size_t count)
{
	struct db_step steps[CREDIT_STEPS_MAX];
	struct credit_book *book;
	bool unknown;

	return credit_decide(task, postings, count, &book) &&
	       db_pipeline_commit(task, steps, credit_steps(task, book, steps), NULL, &unknown);
}

void
crediting_expect(struct credit_posting *posting, enum credit_verdict verdict)
{
	struct task task = crediting_task();

	if (!crediting_post(&task, posting, 1))
		fail_msg("%s (%s)", task.err.text, task.err.cause == NULL ? "" : task.err.cause);
	assert_int_equal(posting->verdict, verdict);
	/* What was read is gone with the arena. */
	posting->account.timezone = posting->account.zone_name = NULL;
	crediting_task_end(&task);
}

void
crediting_purchase(struct id user, int64_t nanos)
{
	struct credit_posting posting = crediting_posting(user, CREDIT_PURCHASE, nanos);

	crediting_expect(&posting, CREDIT_POSTED);
}

static void *
post_in_thread(void *argument)
{
	struct crediting_poster *poster = argument;
	struct task task = crediting_task();

	(void)pthread_barrier_wait(poster->start);
	poster->stored = crediting_post(&task, poster->postings, poster->count);
	if (!poster->stored)
		memcpy(poster->failure, task.err.text, sizeof poster->failure);
	crediting_task_end(&task);
	return NULL;
}

void
crediting_post_both(struct crediting_poster posters[2])
{
	pthread_barrier_t start;

	assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
	for (int i = 0; i < 2; i++) {
		posters[i].start = &start;
		assert_int_equal(
		    pthread_create(&posters[i].thread, NULL, post_in_thread, &posters[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(posters[i].thread, NULL), 0);
	for (int i = 0; i < 2; i++)
		if (!posters[i].stored)
			fail_msg("%s", posters[i].failure);
	(void)pthread_barrier_destroy(&start);
}

void
crediting_expect_books(void)
{
	crediting_expect_sql(differences_sql, "");
}

void
crediting_expect_sql(const char *sql, const char *expected)
{
	char *value = servers_sql(crediting_servers, sql);

	if (strcmp(value, expected) != 0)
		fail_msg("%s\ngives %s\nand not %s", sql, value, expected);
	free(value);
}
