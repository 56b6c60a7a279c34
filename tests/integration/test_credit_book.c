/* Postings to credit accounts on a real PostgreSQL, also by several at once. */
#include "tests/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "tests/crediting.h"

#define DOUBLE_SPENDS 1000
#define OPPOSITE_ROUNDS 200
#define MIXED_THREADS 6
#define MIXED_ROUNDS 60
#define MIXED_BATCH 20
#define MIXED_USERS 5

/* A thread that posts, and how that ended. */
struct poster {
	pthread_t thread;
	struct credit_posting postings[2];
	size_t count;
	pthread_barrier_t *start;
	bool stored;
	char failure[ERR_TEXT_MAX];
};

static void *
post_in_thread(void *argument)
{
	struct poster *poster = argument;
	struct task task = crediting_task();

	(void)pthread_barrier_wait(poster->start);
	poster->stored = crediting_post(&task, poster->postings, poster->count);
	if (!poster->stored)
		memcpy(poster->failure, task.err.text, sizeof poster->failure);
	crediting_task_end(&task);
	return NULL;
}

static void
post_both(struct poster posters[2])
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

static void
of_two_8_credit_deductions_from_10_one_succeeds(UNUSED void **state)
{
	struct id user = crediting_user();

	crediting_purchase(user, CREDITS(2));
	for (int i = 0; i < DOUBLE_SPENDS; i++) {
		struct poster posters[2] = { { .count = 1 }, { .count = 1 } };

		crediting_purchase(user, CREDITS(8));
		for (int p = 0; p < 2; p++)
			posters[p].postings[0] = crediting_posting(user, CREDIT_USAGE, CREDITS(8));
		post_both(posters);
		assert_true((posters[0].postings[0].verdict == CREDIT_POSTED &&
				posters[1].postings[0].verdict == CREDIT_SHORT) ||
			    (posters[0].postings[0].verdict == CREDIT_SHORT &&
				posters[1].postings[0].verdict == CREDIT_POSTED));
		for (int p = 0; p < 2; p++)
			assert_int_equal(posters[p].postings[0].account.ledger.balance, CREDITS(2));
	}
	crediting_expect_books();
}

static void
opposite_orders_do_not_wait_for_each_other(UNUSED void **state)
{
	struct id users[2] = { crediting_user(), crediting_user() };

	for (int i = 0; i < OPPOSITE_ROUNDS; i++) {
		struct poster posters[2] = { { .count = 2 }, { .count = 2 } };

		for (int p = 0; p < 2; p++)
			for (int n = 0; n < 2; n++)
				posters[p].postings[n] =
				    crediting_posting(users[n ^ p], CREDIT_PURCHASE, CREDITS(1));
		post_both(posters);
	}
	crediting_expect_books();
	crediting_expect_sql(
	    "SELECT count(*) FROM credit_accounts WHERE current_balance = 400", "2");
}

static void
an_account_that_two_make_at_once_is_one(UNUSED void **state)
{
	for (int i = 0; i < OPPOSITE_ROUNDS; i++) {
		struct id users[2] = { crediting_user(), crediting_user() };
		struct poster posters[2] = { { .count = 2 }, { .count = 2 } };

		for (int p = 0; p < 2; p++)
			for (int n = 0; n < 2; n++)
				posters[p].postings[n] =
				    crediting_posting(users[n ^ p], CREDIT_PURCHASE, CREDITS(1));
		post_both(posters);
		assert_true(
		    id_equal(posters[0].postings[0].account.id, posters[1].postings[1].account.id));
		assert_int_equal(posters[0].postings[0].account.ledger.balance +
				     posters[1].postings[1].account.ledger.balance,
		    CREDITS(3));
	}
	crediting_expect_books();
}

static void
a_source_is_posted_once(UNUSED void **state)
{
	struct id user = crediting_user(), record = id_new(clock_now());
	struct credit_posting twice[2];
	struct poster posters[2] = { { .count = 1 }, { .count = 1 } };
	struct task task = crediting_task();

	crediting_purchase(user, CREDITS(10));
	for (int i = 0; i < 2; i++) {
		twice[i] = crediting_posting(user, CREDIT_USAGE, CREDITS(1));
		twice[i].clip = true;
		twice[i].source = record;
		twice[i].source_created_at = id_time(record);
		posters[i].postings[0] = twice[i];
		posters[i].postings[0].id = id_new(clock_now());
		posters[i].postings[0].source = id_new(clock_now());
	}
	posters[1].postings[0].source = posters[0].postings[0].source;
	assert_true(crediting_post(&task, twice, 2));
	assert_int_equal(twice[0].verdict, CREDIT_POSTED);
	assert_int_equal(twice[1].verdict, CREDIT_KNOWN);
	assert_true(id_is_nil(twice[1].transaction.id));
	crediting_task_end(&task);
	twice[1].id = id_new(clock_now());
	crediting_expect(&twice[1], CREDIT_KNOWN);
	assert_int_equal(twice[1].account.ledger.balance, CREDITS(9));
	post_both(posters);
	assert_int_equal(posters[0].postings[0].verdict + posters[1].postings[0].verdict,
	    CREDIT_POSTED + CREDIT_KNOWN);
	crediting_expect_books();
}

static void
a_record_that_is_in_the_log_is_not_paid(UNUSED void **state)
{
	struct id user = crediting_user();
	struct credit_posting posting = crediting_posting(user, CREDIT_USAGE, CREDITS(1));
	char sql[400], client[ID_TEXT_SIZE], record[ID_TEXT_SIZE];

	posting.clip = true;
	posting.source = id_new(clock_now());
	posting.source_created_at = id_time(posting.source);
	(void)snprintf(sql, sizeof sql,
	    "INSERT INTO chat_logs (client_id, id, created_at) VALUES ('%s', '%s',\n"
	    "to_timestamp(%lld / 1000000.0)) RETURNING 1",
	    id_format(crediting_client, client), id_format(posting.source, record),
	    (long long)posting.source_created_at);
	free(servers_sql(crediting_servers, sql));
	crediting_expect(&posting, CREDIT_KNOWN);
	crediting_expect_books();
}

static void
a_hold_is_closed_once_by_its_call(UNUSED void **state)
{
	struct id user = crediting_user(), other = crediting_user(), call = id_new(clock_now());
	struct credit_posting hold = crediting_posting(user, CREDIT_HOLD, CREDITS(4));
	struct credit_posting usage = crediting_posting(other, CREDIT_USAGE, CREDITS(1));
	struct credit_posting again = crediting_posting(user, CREDIT_RELEASE, 0);

	crediting_purchase(user, CREDITS(10));
	hold.source = usage.hold = again.hold = again.source = call;
	hold.expires_at = clock_now() + CLOCK_DAY;
	crediting_expect(&hold, CREDIT_POSTED);
	assert_int_equal(hold.account.ledger.balance, CREDITS(6));
	assert_int_equal(hold.account.ledger.held, CREDITS(4));
	assert_true(id_equal(hold.transaction.hold, call));
	usage.source = id_new(clock_now());
	usage.source_created_at = id_time(usage.source);
	usage.clip = true;
	crediting_expect(&usage, CREDIT_POSTED);
	assert_true(id_equal(usage.account.user, user));
	assert_int_equal(usage.account.ledger.balance, CREDITS(9));
	assert_int_equal(usage.account.ledger.held, 0);
	assert_int_equal(usage.transaction.sequence, 4);
	crediting_expect(&again, CREDIT_KNOWN);
	usage.id = id_new(clock_now());
	usage.source = id_new(clock_now());
	crediting_expect(&usage, CREDIT_POSTED); /* late, and paid by its own user */
	assert_true(id_equal(usage.account.user, other));
	assert_int_equal(usage.account.ledger.uncovered, CREDITS(1));
	crediting_expect_books();
}

static void
a_hold_by_hand_is_its_accounts(UNUSED void **state)
{
	struct id user = crediting_user(), other = crediting_user();
	struct credit_posting hold = crediting_posting(user, CREDIT_HOLD, CREDITS(4));
	struct credit_posting usage = crediting_posting(other, CREDIT_USAGE, CREDITS(1));
	struct credit_posting release = crediting_posting(user, CREDIT_RELEASE, 0);

	crediting_purchase(user, CREDITS(10));
	crediting_purchase(other, CREDITS(10));
	crediting_expect(&hold, CREDIT_POSTED);
	usage.hold = release.hold = hold.id;
	crediting_expect(&usage, CREDIT_NO_HOLD);
	usage.user = user;
	usage.amount_nanos = CREDITS(11);
	crediting_expect(&usage, CREDIT_SHORT);
	assert_int_equal(usage.account.ledger.held, CREDITS(4));
	crediting_expect(&release, CREDIT_POSTED);
	assert_int_equal(release.transaction.amount_nanos, CREDITS(4));
	assert_int_equal(release.account.ledger.balance, CREDITS(10));
	crediting_expect_books();
}

static void
what_is_over_is_settled_on_the_way(UNUSED void **state)
{
	struct id user = crediting_user();
	struct credit_posting grant = crediting_posting(user, CREDIT_PURCHASE, CREDITS(5));
	struct credit_posting hold = crediting_posting(user, CREDIT_HOLD, CREDITS(2));
	struct credit_posting sweep = crediting_posting(user, CREDIT_EXPIRY, 0);
	struct credit_posting settle = crediting_posting(user, CREDIT_USAGE, CREDITS(1));

	crediting_purchase(user, CREDITS(10));
	grant.expires_at = clock_now() + CLOCK_DAY;
	grant.priority = 1;
	hold.expires_at = clock_now() + CLOCK_DAY;
	crediting_expect(&grant, CREDIT_POSTED);
	crediting_expect(&hold, CREDIT_POSTED);
	crediting_expect_sql(
	    "UPDATE credit_grants SET expires_at = now() - interval '1 s' WHERE priority = 1"
	    " RETURNING 1",
	    "1");
	crediting_expect_sql(
	    "UPDATE credit_holds SET expires_at = now() - interval '1 s' RETURNING 1", "1");
	settle.hold = hold.id;
	crediting_expect(&settle, CREDIT_NO_HOLD); /* by hand it is too late */
	assert_int_equal(settle.account.ledger.balance, CREDITS(10));
	assert_int_equal(settle.account.ledger.held, CREDITS(2));
	crediting_expect(&sweep, CREDIT_POSTED);
	assert_int_equal(sweep.account.ledger.balance, CREDITS(10));
	assert_int_equal(sweep.account.ledger.held, 0);
	crediting_expect_books();
	crediting_expect_sql("SELECT string_agg(transaction_type || ' ' || trunc(amount), ', '\n"
			     "ORDER BY sequence) FROM credit_transactions WHERE account_id =\n"
			     "(SELECT account_id FROM credit_grants WHERE priority = 1)",
	    "purchase 10, purchase 5, hold -2, expiry -3, release 2, expiry -2");
}

static void
a_refund_is_of_what_was_used(UNUSED void **state)
{
	struct id user = crediting_user(), other = crediting_user();
	struct credit_posting usage = crediting_posting(user, CREDIT_USAGE, CREDITS(4));
	struct credit_posting refund = crediting_posting(user, CREDIT_REFUND, CREDITS(3));
	struct credit_posting both[2];
	struct task task = crediting_task();

	crediting_purchase(user, CREDITS(10));
	crediting_purchase(other, CREDITS(10));
	crediting_expect(&usage, CREDIT_POSTED);
	refund.refunded = usage.id;
	refund.user = other;
	crediting_expect(&refund, CREDIT_NO_TRANSACTION);
	refund.user = user;
	crediting_expect(&refund, CREDIT_POSTED);
	both[0] = both[1] = refund;
	both[0].amount_nanos = both[1].amount_nanos = CREDITS(1);
	both[0].id = id_new(clock_now());
	both[1].id = id_new(clock_now());
	assert_true(crediting_post(&task, both, 2));
	assert_int_equal(both[0].verdict, CREDIT_POSTED);
	assert_int_equal(both[1].verdict, CREDIT_REFUND_LIMIT);
	crediting_task_end(&task);
	crediting_expect_books();
}

static void
the_chain_is_the_one_that_sql_computes(UNUSED void **state)
{
	struct id user = crediting_user();
	struct credit_posting posting = crediting_posting(user, CREDIT_PURCHASE, 1);
	uint8_t first[SEAL_HASH_SIZE];
	char sql[200], hex[2 * SEAL_HASH_SIZE + 1], id[ID_TEXT_SIZE];

	crediting_expect(&posting, CREDIT_POSTED);
	credit_transaction_hash(&posting.transaction, (uint8_t[SEAL_HASH_SIZE]){ 0 }, first);
	assert_memory_equal(first, posting.transaction.hash, sizeof first);
	for (size_t i = 0; i < sizeof first; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", first[i]);
	(void)snprintf(sql, sizeof sql,
	    "SELECT encode(credit_hash(decode(repeat('00', 32), 'hex'), t), 'hex')\n"
	    "FROM credit_transactions AS t WHERE id = '%s'",
	    id_format(posting.id, id));
	crediting_expect_sql(sql, hex);
}

static void
nobody_changes_what_was_posted(UNUSED void **state)
{
	static const char *const changes[] = { "UPDATE credit_transactions SET amount = amount",
		"DELETE FROM credit_transactions", "TRUNCATE credit_transactions CASCADE" };
	static const char guarded[] = "DO $$ BEGIN EXECUTE $x$%s$x$;\n"
				      "RAISE EXCEPTION 'it was changed';\n"
				      "EXCEPTION WHEN restrict_violation THEN NULL; END $$";

	crediting_purchase(crediting_user(), CREDITS(1));
	for (size_t i = 0; i < COUNT(changes); i++) {
		char sql[300];

		(void)snprintf(sql, sizeof sql, guarded, changes[i]);
		free(servers_sql(crediting_servers, sql)); /* as the superuser */
	}
}

/* Posts batches of all kinds to a few accounts. */
struct mixer {
	pthread_t thread;
	unsigned seed;
	const struct id *users;
	bool failed;
	char failure[ERR_TEXT_MAX];
};

/* hold: the last one of the batch. */
static struct credit_posting
draw(struct mixer *mixer, int64_t now, struct id *hold)
{
	static const enum credit_type types[] = { CREDIT_PURCHASE, CREDIT_USAGE, CREDIT_USAGE,
		CREDIT_HOLD, CREDIT_REFUND, CREDIT_ADJUSTMENT, CREDIT_RELEASE };
	int random = rand_r(&mixer->seed);
	struct credit_posting posting = crediting_posting(mixer->users[random % MIXED_USERS],
	    types[(random >> 8) % (int)COUNT(types)], 1 + random % 1000000);

	posting.clip = random % 3 == 0;
	posting.expires_at = random % 4 == 0 ? now + 1 + random % 100000 : 0;
	if (posting.type == CREDIT_USAGE || posting.type == CREDIT_RELEASE)
		posting.hold = *hold;
	if (posting.type == CREDIT_HOLD)
		*hold = posting.id;
	return posting;
}

static void *
mix(void *argument)
{
	struct mixer *mixer = argument;

	for (int round = 0; round < MIXED_ROUNDS && !mixer->failed; round++) {
		struct credit_posting batch[MIXED_BATCH];
		struct task task = crediting_task();
		struct id hold = { 0 };

		for (int i = 0; i < MIXED_BATCH; i++)
			batch[i] = draw(mixer, task.now, &hold);
		mixer->failed = !crediting_post(&task, batch, MIXED_BATCH);
		if (mixer->failed)
			memcpy(mixer->failure, task.err.text, sizeof mixer->failure);
		crediting_task_end(&task);
	}
	return NULL;
}

static void
the_books_are_whole_after_many_post_at_once(UNUSED void **state)
{
	struct mixer mixers[MIXED_THREADS];
	struct id users[MIXED_USERS];

	for (int i = 0; i < MIXED_USERS; i++)
		users[i] = crediting_user();
	for (unsigned i = 0; i < MIXED_THREADS; i++) {
		mixers[i] = (struct mixer){ .seed = i + 1, .users = users };
		assert_int_equal(pthread_create(&mixers[i].thread, NULL, mix, &mixers[i]), 0);
	}
	for (int i = 0; i < MIXED_THREADS; i++)
		assert_int_equal(pthread_join(mixers[i].thread, NULL), 0);
	for (int i = 0; i < MIXED_THREADS; i++)
		if (mixers[i].failed)
			fail_msg("%s", mixers[i].failure);
	crediting_expect_books();
	/* It came by each type, or else it shows nothing of it. */
	crediting_expect_sql(
	    "SELECT count(DISTINCT transaction_type) FROM credit_transactions", "7");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_chain_is_the_one_that_sql_computes),
		cmocka_unit_test(a_source_is_posted_once),
		cmocka_unit_test(a_record_that_is_in_the_log_is_not_paid),
		cmocka_unit_test(a_hold_is_closed_once_by_its_call),
		cmocka_unit_test(a_hold_by_hand_is_its_accounts),
		cmocka_unit_test(what_is_over_is_settled_on_the_way),
		cmocka_unit_test(a_refund_is_of_what_was_used),
		cmocka_unit_test(nobody_changes_what_was_posted),
		cmocka_unit_test(opposite_orders_do_not_wait_for_each_other),
		cmocka_unit_test(an_account_that_two_make_at_once_is_one),
		cmocka_unit_test(the_books_are_whole_after_many_post_at_once),
		cmocka_unit_test(of_two_8_credit_deductions_from_10_one_succeeds),
	};

	return cmocka_run_group_tests(tests, crediting_start, crediting_stop);
}
