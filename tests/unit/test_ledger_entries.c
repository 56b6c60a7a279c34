/* What a posting leaves behind beside the balance: entries, holds, days, the recharge. */
#include "tests/test.h"

#include "lib/core/ledger.h"

#define NOW INT64_C(1000000)
#define NO_LIMITS .daily_limit = LEDGER_NO_LIMIT, .monthly_limit = LEDGER_NO_LIMIT
#define ID(n) ((struct id)BYTES(n))
#define BYTES(n) \
	{ \
		.bytes = { [15] = (n) } \
	}
#define GRANT(n, amount_, priority_, expires) \
	{ \
		.id = BYTES(n), .amount = (amount_), .remaining = (amount_), \
		.priority = (priority_), .expires_at = (expires) \
	}
#define EMPTY(n, amount_, priority_, expires) \
	{ \
		.id = BYTES(n), .amount = (amount_), .priority = (priority_), \
		.expires_at = (expires) \
	}

static void
a_usage_that_closes_a_hold_is_two_entries(void **state)
{
	struct ledger_grant grants[3] = { EMPTY(1, 10, 50, 0) };
	struct ledger ledger = { .held = 10, NO_LIMITS, .grants = grants, .grant_count = 1 };
	struct ledger_burn burned[1] = { { BYTES(1), 10 } };
	struct ledger_hold hold = { .amount = 10, .burned = burned, .burned_count = 1 };
	struct ledger_posting posting = {
		.type = CREDIT_USAGE, .amount = 4, .hold = &hold, .now = NOW
	};
	struct ledger_entry entries[LEDGER_ENTRIES_MAX];
	size_t count;

	(void)state;
	assert_int_equal(ledger_post(&ledger, &posting, entries, &count), CREDIT_POSTED);
	assert_int_equal(count, 2);
	assert_int_equal(entries[0].type, CREDIT_RELEASE);
	assert_int_equal(entries[0].amount, 10);
	assert_int_equal(entries[0].balance_after, 10);
	assert_int_equal(entries[1].type, CREDIT_USAGE);
	assert_int_equal(entries[1].amount, -4);
	assert_int_equal(entries[1].balance_after, 6);
	assert_int_equal(ledger.spent, 4);
}

static void
a_hold_remembers_what_it_took(void **state)
{
	struct ledger_grant grants[3] = { GRANT(1, 10, 50, 0), GRANT(2, 10, 50, 0) };
	struct ledger ledger = {
		.balance = 20, .overdraft = 5, NO_LIMITS, .grants = grants, .grant_count = 2
	};
	struct ledger_burn burned[2];
	struct ledger_hold hold = { .burned = burned };
	struct ledger_posting posting = {
		.type = CREDIT_HOLD, .amount = 23, .hold = &hold, .now = NOW
	};
	struct ledger_entry entries[LEDGER_ENTRIES_MAX];
	size_t count;

	(void)state;
	assert_int_equal(ledger_post(&ledger, &posting, entries, &count), CREDIT_POSTED);
	assert_int_equal(hold.amount, 23);
	assert_int_equal(hold.burned_count, 2);
	assert_true(id_equal(burned[0].grant, ID(1)) && id_equal(burned[1].grant, ID(2)));
	assert_int_equal(burned[0].amount, 10);
	assert_int_equal(burned[1].amount, 10);
	assert_int_equal(ledger.balance, -3);
	assert_int_equal(ledger.spent, 0);
}

static void
what_was_spent_counts_to_its_day_and_month(void **state)
{
	struct ledger ledger = {
		.day = 20508, .month = 20485, .spent_today = 5, .spent_this_month = 7
	}; /* 2026-02-24 */

	(void)state;
	ledger_begin_day(&ledger, 20508);
	assert_int_equal(ledger.spent_today, 5);
	ledger_begin_day(&ledger, 20507); /* again, in a zone further west */
	assert_int_equal(ledger.spent_today, 5);
	assert_int_equal(ledger.day, 20508);
	ledger_begin_day(&ledger, 20509);
	assert_int_equal(ledger.spent_today, 0);
	assert_int_equal(ledger.spent_this_month, 7);
	ledger_begin_day(&ledger, 20512); /* 2026-02-28 */
	assert_int_equal(ledger.spent_this_month, 7);
	ledger_begin_day(&ledger, 20513);
	assert_int_equal(ledger.spent_this_month, 0);
	assert_int_equal(ledger.month, 20513);
	ledger.spent_today = ledger.spent_this_month = 3;
	ledger_begin_day(&ledger, 20512);
	assert_int_equal(ledger.spent_this_month, 3);
}

static void
the_threshold_is_crossed_once(void **state)
{
	struct ledger_grant grants[8];
	struct ledger ledger = { .balance = 0,
		NO_LIMITS,
		.grants = grants,
		.recharge_enabled = true,
		.recharge_threshold = 10 };
	struct ledger_entry entries[LEDGER_ENTRIES_MAX];
	struct ledger_burn burned[8];
	struct ledger_hold hold = { .burned = burned };
	size_t count;
	const struct {
		struct ledger_posting posting;
		int64_t due_at;
	} steps[] = {
		{ { .type = CREDIT_PURCHASE, .amount = 12, .now = 1 }, 0 },
		{ { .type = CREDIT_HOLD, .amount = 5, .now = 2, .hold = &hold },
		    0 }, /* it may come back */
		{ { .type = CREDIT_USAGE, .amount = 2, .now = 3, .hold = &hold }, 0 },
		{ { .type = CREDIT_USAGE, .amount = 1, .now = 4 }, 4 },
		{ { .type = CREDIT_USAGE, .amount = 1, .now = 5 }, 4 },
		{ { .type = CREDIT_PURCHASE, .amount = 2, .now = 6 }, 0 },
		{ { .type = CREDIT_USAGE, .amount = 1, .now = 7 }, 7 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		assert_int_equal(
		    ledger_post(&ledger, &steps[i].posting, entries, &count), CREDIT_POSTED);
		assert_int_equal(ledger.recharge_due_at, steps[i].due_at);
	}
	ledger.recharge_enabled = false;
	ledger_check_recharge(&ledger, 8);
	assert_int_equal(ledger.recharge_due_at, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_usage_that_closes_a_hold_is_two_entries),
		cmocka_unit_test(a_hold_remembers_what_it_took),
		cmocka_unit_test(what_was_spent_counts_to_its_day_and_month),
		cmocka_unit_test(the_threshold_is_crossed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
