/* Statements of a month, and lists of what was posted. */
#include "tests/test.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/model/credit_statement.h"
#include "tests/crediting.h"

#define FEBRUARY INT32_C(20485) /* 2026-02-01 */

/* An account whose ledger has one purchase or usage at each of these times. */
static const struct {
	const char *at;
	enum credit_type type;
	int64_t amount;
} postings[] = {
	{ "2026-01-20T12:00:00Z", CREDIT_PURCHASE, CREDITS(100) },
	/* In Berlin the month has begun, in UTC it has not. */
	{ "2026-01-31T23:30:00Z", CREDIT_USAGE, CREDITS(1) },
	{ "2026-02-10T12:00:00Z", CREDIT_USAGE, CREDITS(2) },
	{ "2026-02-10T12:00:01Z", CREDIT_PURCHASE, CREDITS(10) },
	{ "2026-02-28T23:30:00Z", CREDIT_USAGE, CREDITS(4) },
	{ "2026-03-01T12:00:00Z", CREDIT_USAGE, CREDITS(8) },
};

static struct id user;

static void
post_all(void)
{
	user = crediting_user();
	for (size_t i = 0; i < COUNT(postings); i++) {
		struct credit_posting posting =
		    crediting_posting(user, postings[i].type, postings[i].amount);
		struct task task = crediting_task();

		assert_true(clock_parse(
		    (struct text){ postings[i].at, strlen(postings[i].at) }, &task.now));
		posting.description = i == 0 ? "the first" : NULL;
		posting.metadata = (struct text){ "{\"a\": 1}", i == 0 ? 8 : 0 };
		posting.metadata.at = i == 0 ? posting.metadata.at : NULL;
		posting.address = i == 0 ? "192.0.2.1" : NULL;
		assert_true(crediting_post(&task, &posting, 1));
		assert_int_equal(posting.verdict, CREDIT_POSTED);
		crediting_task_end(&task);
	}
}

static struct credit_account
account_in(struct task *task, const char *zone)
{
	struct credit_account account;

	assert_true(credit_account_find_to_change(task, user, &account));
	account.timezone = zone;
	assert_true(credit_account_change(task, &account));
	return account;
}

static void
a_month_is_the_accounts(UNUSED void **state)
{
	static const struct {
		const char *timezone;
		int64_t opening, closing, used;
		int first, last;
	} rows[] = {
		{ "UTC", 99, 103, -6, 3, 5 },
		{ "Europe/Berlin", 100, 107, -3, 2, 4 },
	};

	post_all();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct task task = crediting_task();
		struct credit_account account = account_in(&task, rows[i].timezone);
		struct credit_statement statement;
		struct credit_transactions list;
		struct window month;

		assert_true(credit_statement_month(&task, &account, FEBRUARY + 9, &month));
		assert_true(credit_statement_find(&task, account.id, month, &statement));
		assert_int_equal(statement.opening_nanos, CREDITS(rows[i].opening));
		assert_int_equal(statement.closing_nanos, CREDITS(rows[i].closing));
		assert_int_equal(statement.first_sequence, rows[i].first);
		assert_int_equal(statement.last_sequence, rows[i].last);
		assert_int_equal(statement.sums[CREDIT_USAGE].amount_nanos, CREDITS(rows[i].used));
		assert_int_equal(statement.sums[CREDIT_USAGE].count, 2);
		assert_int_equal(statement.sums[CREDIT_PURCHASE].amount_nanos, CREDITS(10));
		assert_int_equal(statement.sums[CREDIT_REFUND].count, 0);
		assert_true(credit_statement_list(&task, account.id, &statement, 0, 2, &list));
		assert_int_equal(list.count, 2);
		assert_int_equal(list.at[0].sequence, rows[i].first);
		assert_true(credit_statement_list(
		    &task, account.id, &statement, list.at[1].sequence, 2, &list));
		assert_int_equal(list.count, 1);
		assert_int_equal(list.at[0].sequence, rows[i].last);
		crediting_task_end(&task);
	}
}

static void
a_month_without_postings_is_empty(UNUSED void **state)
{
	struct task task = crediting_task();
	struct credit_statement statement;
	struct credit_transactions list;
	struct credit_account account;
	struct window month;

	assert_true(credit_account_find(&task, user, &account));
	assert_true(credit_statement_month(&task, &account, FEBRUARY - 100, &month));
	assert_true(credit_statement_find(&task, account.id, month, &statement));
	assert_int_equal(statement.opening_nanos, 0);
	assert_int_equal(statement.closing_nanos, 0);
	assert_true(credit_statement_list(&task, account.id, &statement, 0, 9, &list));
	assert_int_equal(list.count, 0);
	assert_true(credit_statement_month(&task, &account, FEBRUARY + 400, &month));
	assert_true(credit_statement_find(&task, account.id, month, &statement));
	assert_int_equal(statement.opening_nanos, CREDITS(95));
	assert_int_equal(statement.closing_nanos, CREDITS(95));
	crediting_task_end(&task);
}

static void
a_list_is_newest_first_by_pages(UNUSED void **state)
{
	struct task task = crediting_task();
	struct credit_transaction first;
	struct credit_transactions list;
	struct credit_account account;
	struct id after = { 0 };
	int64_t sequence = (int64_t)COUNT(postings);

	assert_true(credit_account_find(&task, user, &account));
	for (; sequence > 0; sequence -= 2) {
		assert_true(credit_transaction_list(&task, account.id, after, 2, &list));
		assert_int_equal(list.count, 2);
		assert_int_equal(list.at[0].sequence, sequence);
		after = list.at[1].id;
	}
	assert_true(credit_transaction_list(&task, account.id, after, 2, &list));
	assert_int_equal(list.count, 0);
	assert_true(credit_transaction_find(&task, account.id, after, &first));
	assert_string_equal(first.description, "the first");
	assert_memory_equal(first.metadata.at, "{\"a\": 1}", 8);
	assert_string_equal(first.address, "192.0.2.1");
	assert_false(credit_transaction_find(&task, id_new(task.now), after, &first));
	assert_int_equal(task.err.code, ERR_NOT_FOUND);
	crediting_task_end(&task);
}

static void
what_is_open_is_listed(UNUSED void **state)
{
	struct credit_posting grant = crediting_posting(user, CREDIT_PURCHASE, CREDITS(5));
	struct credit_posting hold = crediting_posting(user, CREDIT_HOLD, CREDITS(6));
	struct task task = crediting_task();
	struct credit_account account;
	struct credit_grants grants;
	struct credit_holds holds;

	grant.priority = 1;
	grant.expires_at = hold.expires_at = clock_now() + CLOCK_DAY;
	crediting_expect(&grant, CREDIT_POSTED);
	crediting_expect(&hold, CREDIT_POSTED);
	assert_true(credit_account_find(&task, user, &account));
	assert_true(credit_grant_list(&task, account.id, (struct id){ 0 }, 1, &grants));
	assert_int_equal(grants.count, 1);
	assert_int_equal(grants.at[0].remaining_nanos, CREDITS(84));
	assert_true(credit_grant_list(&task, account.id, grants.at[0].id, 5, &grants));
	assert_int_equal(grants.count, 1);
	assert_int_equal(grants.at[0].amount_nanos, CREDITS(10));
	assert_true(credit_grant_list(&task, account.id, grants.at[0].id, 5, &grants));
	assert_int_equal(grants.count, 0);
	assert_true(credit_hold_list(&task, account.id, (struct id){ 0 }, 5, &holds));
	assert_int_equal(holds.count, 1);
	assert_true(id_equal(holds.at[0].id, hold.id));
	assert_int_equal(holds.at[0].expires_at, hold.expires_at);
	assert_true(credit_hold_list(&task, account.id, hold.id, 5, &holds));
	assert_int_equal(holds.count, 0);
	crediting_task_end(&task);
}

static void
settings_are_checked(UNUSED void **state)
{
	struct credit_posting usage = crediting_posting(crediting_user(), CREDIT_USAGE, 5);
	struct task task = crediting_task();
	struct credit_account account;

	assert_true(credit_account_find_to_change(&task, usage.user, &account));
	account.ledger.overdraft = 5;
	account.ledger.daily_limit = 7;
	account.ledger.recharge_enabled = true;
	assert_true(credit_account_change(&task, &account) && db_commit(&task));
	assert_int_not_equal(account.ledger.recharge_due_at, 0);
	crediting_expect(&usage, CREDIT_POSTED);
	assert_true(credit_account_find_to_change(&task, usage.user, &account));
	assert_int_equal(account.ledger.daily_limit, 7);
	assert_int_equal(account.ledger.monthly_limit, LEDGER_NO_LIMIT);
	account.ledger.overdraft = 4;
	assert_false(credit_account_change(&task, &account));
	assert_string_equal(task.err.fields[0].field, "overdraft");
	task_clear_error(&task);
	account.ledger.overdraft = 5;
	account.timezone = "Europe/Nowhere";
	assert_false(credit_account_change(&task, &account));
	assert_string_equal(task.err.fields[0].field, "timezone");
	task_clear_error(&task);
	assert_false(credit_account_find(&task, id_new(task.now), &account));
	assert_int_equal(task.err.code, ERR_NOT_FOUND);
	crediting_task_end(&task);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_month_is_the_accounts),
		cmocka_unit_test(a_month_without_postings_is_empty),
		cmocka_unit_test(a_list_is_newest_first_by_pages),
		cmocka_unit_test(what_is_open_is_listed),
		cmocka_unit_test(settings_are_checked),
	};

	return cmocka_run_group_tests(tests, crediting_start, crediting_stop);
}
