/* Postings to credit accounts on a real PostgreSQL. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "tests/crediting.h"

#define MANY_GRANTS 250

static void
a_source_is_posted_once(UNUSED void **state)
{
	struct id user = crediting_user(), record = id_new(clock_now());
	struct credit_posting twice[2];
	struct crediting_poster posters[2] = { { .count = 1 }, { .count = 1 } };
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
	crediting_post_both(posters);
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

static const char over_sql[] =
    "UPDATE credit_grants SET expires_at = now() WHERE expires_at > now()";

/* More than a posting reads where the first of them suffice. */
static void
an_account_may_have_many_grants(UNUSED void **state)
{
	struct credit_posting grants[MANY_GRANTS];
	struct id user = crediting_user();
	struct credit_posting few = crediting_posting(user, CREDIT_USAGE, CREDITS(3));
	struct credit_posting most = crediting_posting(user, CREDIT_USAGE, CREDITS(230));
	struct credit_posting rest = crediting_posting(user, CREDIT_USAGE, CREDITS(1));
	struct credit_posting sweep = crediting_posting(user, CREDIT_EXPIRY, 0);
	struct task task = crediting_task();

	for (int i = 0; i < MANY_GRANTS; i++) {
		grants[i] = crediting_posting(user, CREDIT_PURCHASE, CREDITS(1));
		grants[i].expires_at = i < 10 ? 0 : task.now + CLOCK_DAY;
	}
	assert_true(crediting_post(&task, grants, MANY_GRANTS));
	crediting_task_end(&task);
	crediting_expect(&few, CREDIT_POSTED);
	crediting_expect_books();
	crediting_expect(&most, CREDIT_POSTED);
	assert_int_equal(most.account.ledger.balance, CREDITS(17));
	crediting_expect_books();
	free(servers_sql(crediting_servers, over_sql));
	crediting_expect(&rest, CREDIT_POSTED);
	assert_int_equal(rest.account.ledger.balance, CREDITS(9));
	crediting_expect_books();
	for (int i = 0; i < MANY_GRANTS; i++)
		grants[i].id = id_new(clock_now());
	task = crediting_task();
	assert_true(crediting_post(&task, grants + 10, MANY_GRANTS - 10));
	crediting_task_end(&task);
	free(servers_sql(crediting_servers, over_sql));
	crediting_expect(&sweep, CREDIT_POSTED);
	assert_int_equal(sweep.account.ledger.balance, CREDITS(9));
	crediting_expect_books();
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

/* A user of the first call is made with the authorization: one that is refused makes none. */
static void
a_hold_that_is_refused_asks_for_no_user(UNUSED void **state)
{
	struct credit_posting both[2] = {
		crediting_posting(crediting_user(), CREDIT_PURCHASE, CREDITS(1)),
		crediting_posting(id_new(clock_now()), CREDIT_HOLD, CREDITS(1)),
	};
	struct task task = crediting_task();

	if (!crediting_post(&task, both, 2))
		fail_msg("%s", task.err.text);
	assert_int_equal(both[0].verdict, CREDIT_POSTED);
	assert_int_equal(both[1].verdict, CREDIT_SHORT);
	assert_int_equal(both[1].account.ledger.balance, 0);
	crediting_task_end(&task);
	crediting_expect_books();
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
		cmocka_unit_test(an_account_may_have_many_grants),
		cmocka_unit_test(a_hold_that_is_refused_asks_for_no_user),
		cmocka_unit_test(nobody_changes_what_was_posted),
	};

	return cmocka_run_group_tests(tests, crediting_start, crediting_stop);
}
