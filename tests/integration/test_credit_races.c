/* Postings by several at once: nothing is spent twice, nobody waits in a circle. */
#include "tests/test.h"

#include <pthread.h>
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

static void
of_two_8_credit_deductions_from_10_one_succeeds(UNUSED void **state)
{
	struct id user = crediting_user();

	crediting_purchase(user, CREDITS(2));
	for (int i = 0; i < DOUBLE_SPENDS; i++) {
		struct crediting_poster posters[2] = { { .count = 1 }, { .count = 1 } };

		crediting_purchase(user, CREDITS(8));
		for (int p = 0; p < 2; p++)
			posters[p].postings[0] = crediting_posting(user, CREDIT_USAGE, CREDITS(8));
		crediting_post_both(posters);
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
		struct crediting_poster posters[2] = { { .count = 2 }, { .count = 2 } };

		for (int p = 0; p < 2; p++)
			for (int n = 0; n < 2; n++)
				posters[p].postings[n] =
				    crediting_posting(users[n ^ p], CREDIT_PURCHASE, CREDITS(1));
		crediting_post_both(posters);
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
		struct crediting_poster posters[2] = { { .count = 2 }, { .count = 2 } };

		for (int p = 0; p < 2; p++)
			for (int n = 0; n < 2; n++)
				posters[p].postings[n] =
				    crediting_posting(users[n ^ p], CREDIT_PURCHASE, CREDITS(1));
		crediting_post_both(posters);
		assert_true(
		    id_equal(posters[0].postings[0].account.id, posters[1].postings[1].account.id));
		assert_int_equal(posters[0].postings[0].account.ledger.balance +
				     posters[1].postings[1].account.ledger.balance,
		    CREDITS(3));
	}
	crediting_expect_books();
}

/* A call's record and its void, its record and the job that expires it: whoever comes first gives
 * back, and the record is paid either way. */
static void
a_hold_is_given_back_once(UNUSED void **state)
{
	struct id user = crediting_user();

	crediting_purchase(user, CREDITS(OPPOSITE_ROUNDS));
	for (int i = 0; i < OPPOSITE_ROUNDS; i++) {
		struct credit_posting hold = crediting_posting(user, CREDIT_HOLD, CREDITS(1) / 2);
		struct crediting_poster posters[2] = { { .count = 1 }, { .count = 1 } };
		struct credit_posting *usage = &posters[0].postings[0];
		struct credit_posting *other = &posters[1].postings[0];

		hold.source = id_new(clock_now());
		hold.expires_at = i % 2 == 0 ? 0 : clock_now() + 1;
		crediting_expect(&hold, CREDIT_POSTED);
		*usage = crediting_posting(user, CREDIT_USAGE, CREDITS(1));
		*other = crediting_posting(user, i % 2 == 0 ? CREDIT_RELEASE : CREDIT_EXPIRY, 0);
		usage->source = id_new(clock_now());
		usage->source_created_at = id_time(usage->source);
		usage->clip = true;
		usage->hold = other->hold = hold.source;
		other->source = i % 2 == 0 ? hold.source : (struct id){ 0 };
		crediting_post_both(posters);
		assert_int_equal(usage->verdict, CREDIT_POSTED);
		assert_true(other->verdict != CREDIT_SHORT);
	}
	crediting_expect_books();
	crediting_expect_sql(
	    "SELECT string_agg(concat(transaction_type, ' ', sum, ' ', count), ', '\n"
	    "ORDER BY transaction_type) FROM (\n"
	    "SELECT transaction_type, trunc(sum(amount)) AS sum, count(*)\n"
	    "FROM credit_transactions AS t\n"
	    "JOIN credit_accounts AS a ON a.id = t.account_id\n"
	    "WHERE lifetime_spent = 200 AND current_balance = 0 AND held = 0\n"
	    "AND uncovered = 0 GROUP BY transaction_type) AS t",
	    "hold -100 200, purchase 200 1, release 100 200, usage -200 200");
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
		cmocka_unit_test(opposite_orders_do_not_wait_for_each_other),
		cmocka_unit_test(an_account_that_two_make_at_once_is_one),
		cmocka_unit_test(a_hold_is_given_back_once),
		cmocka_unit_test(the_books_are_whole_after_many_post_at_once),
		cmocka_unit_test(of_two_8_credit_deductions_from_10_one_succeeds),
	};

	return cmocka_run_group_tests(tests, crediting_start, crediting_stop);
}
