#include "tests/test.h"

#include <string.h>

#include "lib/core/ledger.h"

#define NOW INT64_C(1000000)
#define GRANTS_MAX 4
#define NONE LEDGER_NO_LIMIT
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
#define NO_LIMITS .daily_limit = NONE, .monthly_limit = NONE
#define NEW 9 /* the id of what a posting makes */
#define OF_RELEASE 8 /* the same of a release before a usage */

static const struct row {
	const char *sentence;
	struct ledger ledger;
	struct ledger_grant grants[GRANTS_MAX];
	struct ledger_posting posting;
	struct ledger_hold hold; /* closed by the posting, if it has an amount */
	struct ledger_burn burned[GRANTS_MAX];
	enum credit_verdict verdict;
	int64_t balance, held, uncovered;
	int64_t remaining[GRANTS_MAX + 2]; /* in burn order */
} rows[] = {
	{ "a purchase is there", { NO_LIMITS },
	    .posting = { .type = CREDIT_PURCHASE, .amount = 10 }, .verdict = CREDIT_POSTED, 10, 0,
	    0, { 10 } },
	{ "a usage of all there is", { .balance = 10, NO_LIMITS }, { GRANT(1, 10, 50, 0) },
	    { .type = CREDIT_USAGE, .amount = 10 }, .verdict = CREDIT_POSTED, 0, 0, 0, { 0 } },
	{ "one nano more is too much", { .balance = 10, NO_LIMITS }, { GRANT(1, 10, 50, 0) },
	    { .type = CREDIT_USAGE, .amount = 11 }, .verdict = CREDIT_SHORT, 10, 0, 0, { 10 } },
	{ "an empty account gives nothing", { NO_LIMITS },
	    .posting = { .type = CREDIT_USAGE, .amount = 1 }, .verdict = CREDIT_SHORT, 0, 0, 0,
	    { 0 } },
	{ "the overdraft is there, too", { .balance = 10, .overdraft = 5, NO_LIMITS },
	    { GRANT(1, 10, 50, 0) }, { .type = CREDIT_USAGE, .amount = 15 },
	    .verdict = CREDIT_POSTED, -5, 0, 0, { 0 } },
	{ "one nano beyond the overdraft is too much", { .balance = 10, .overdraft = 5, NO_LIMITS },
	    { GRANT(1, 10, 50, 0) }, { .type = CREDIT_USAGE, .amount = 16 },
	    .verdict = CREDIT_SHORT, 10, 0, 0, { 10 } },
	{ "a purchase in the overdraft pays what is owed first",
	    { .balance = -4, .overdraft = 5, NO_LIMITS },
	    .posting = { .type = CREDIT_PURCHASE, .amount = 10 }, .verdict = CREDIT_POSTED, 6, 0, 0,
	    { 6 } },
	{ "a purchase of less than is owed gives nothing to burn",
	    { .balance = -4, .overdraft = 5, NO_LIMITS },
	    .posting = { .type = CREDIT_PURCHASE, .amount = 4 }, .verdict = CREDIT_POSTED, 0, 0, 0,
	    { 0 } },

	{ "the daily limit can be reached",
	    { .balance = 99,
		.daily_limit = 10,
		.monthly_limit = NONE,
		.spent_today = 3,
		.held = 2 },
	    { GRANT(1, 99, 50, 0) }, { .type = CREDIT_USAGE, .amount = 5 },
	    .verdict = CREDIT_POSTED, 94, 2, 0, { 94 } },
	{ "one nano beyond the daily limit is refused",
	    { .balance = 99,
		.daily_limit = 10,
		.monthly_limit = NONE,
		.spent_today = 3,
		.held = 2 },
	    { GRANT(1, 99, 50, 0) }, { .type = CREDIT_USAGE, .amount = 6 },
	    .verdict = CREDIT_DAILY_LIMIT, 99, 2, 0, { 99 } },
	{ "a hold counts to the daily limit as a usage does",
	    { .balance = 99,
		.daily_limit = 10,
		.monthly_limit = NONE,
		.spent_today = 3,
		.held = 2 },
	    { GRANT(1, 99, 50, 0) }, { .type = CREDIT_HOLD, .amount = 6 },
	    .verdict = CREDIT_DAILY_LIMIT, 99, 2, 0, { 99 } },
	{ "a daily limit of nothing allows nothing", { .balance = 99, .monthly_limit = NONE },
	    { GRANT(1, 99, 50, 0) }, { .type = CREDIT_USAGE, .amount = 1 },
	    .verdict = CREDIT_DAILY_LIMIT, 99, 0, 0, { 99 } },
	{ "the monthly limit can be reached",
	    { .balance = 99,
		.daily_limit = NONE,
		.monthly_limit = 10,
		.spent_this_month = 3,
		.held = 2 },
	    { GRANT(1, 99, 50, 0) }, { .type = CREDIT_HOLD, .amount = 5 }, .verdict = CREDIT_POSTED,
	    94, 7, 0, { 94 } },
	{ "one nano beyond the monthly limit is refused",
	    { .balance = 99,
		.daily_limit = NONE,
		.monthly_limit = 10,
		.spent_this_month = 3,
		.held = 2 },
	    { GRANT(1, 99, 50, 0) }, { .type = CREDIT_HOLD, .amount = 6 },
	    .verdict = CREDIT_MONTHLY_LIMIT, 99, 2, 0, { 99 } },
	{ "spent and held past INT64_MAX leave nothing of a limit",
	    { .balance = 99,
		.daily_limit = INT64_MAX - 1,
		.monthly_limit = NONE,
		.spent_today = INT64_MAX,
		.held = 2 },
	    { GRANT(1, 99, 50, 0) }, { .type = CREDIT_USAGE, .amount = 1 },
	    .verdict = CREDIT_DAILY_LIMIT, 99, 2, 0, { 99 } },
	{ "a hold that its usage closes does not count against that",
	    { .balance = 0, .daily_limit = 10, .monthly_limit = NONE, .held = 10 },
	    { EMPTY(1, 10, 50, 0) }, { .type = CREDIT_USAGE, .amount = 10 },
	    { .amount = 10, .burned_count = 1 }, { { BYTES(1), 10 } }, CREDIT_POSTED, 0, 0, 0,
	    { 0 } },

	{ "what was spent already goes through with clip, and the rest is uncovered",
	    { .balance = 10, .overdraft = 5, NO_LIMITS }, { GRANT(1, 10, 50, 0) },
	    { .type = CREDIT_USAGE, .amount = 20, .clip = true }, .verdict = CREDIT_POSTED, -5, 0,
	    5, { 0 } },
	{ "with clip an empty account covers nothing", { NO_LIMITS },
	    .posting = { .type = CREDIT_USAGE, .amount = 20, .clip = true },
	    .verdict = CREDIT_POSTED, 0, 0, 20, { 0 } },
	{ "no limit stops what was spent already", { .balance = 10 }, { GRANT(1, 10, 50, 0) },
	    { .type = CREDIT_USAGE, .amount = 4, .clip = true }, .verdict = CREDIT_POSTED, 6, 0, 0,
	    { 6 } },
	{ "a call that cost more than it held takes the rest from the account",
	    { .balance = 5, .held = 10, NO_LIMITS }, { EMPTY(1, 10, 50, 0), GRANT(2, 5, 50, 0) },
	    { .type = CREDIT_USAGE, .amount = 12, .clip = true },
	    { .amount = 10, .burned_count = 1 }, { { BYTES(1), 10 } }, CREDIT_POSTED, 3, 0, 0,
	    { 0, 3 } },
	{ "an uncovered sum ends at INT64_MAX", { .uncovered = INT64_MAX - 1, NO_LIMITS },
	    .posting = { .type = CREDIT_USAGE, .amount = 20, .clip = true },
	    .verdict = CREDIT_POSTED, 0, 0, INT64_MAX, { 0 } },

	{ "the least priority burns first", { .balance = 20, NO_LIMITS },
	    { GRANT(2, 10, 1, 0), GRANT(1, 10, 50, 0) }, { .type = CREDIT_USAGE, .amount = 12 },
	    .verdict = CREDIT_POSTED, 8, 0, 0, { 0, 8 } },
	{ "then what expires first, and what never does last", { .balance = 30, NO_LIMITS },
	    { GRANT(3, 10, 50, NOW + 1), GRANT(2, 10, 50, NOW + 2), GRANT(1, 10, 50, 0) },
	    { .type = CREDIT_USAGE, .amount = 12 }, .verdict = CREDIT_POSTED, 18, 0, 0,
	    { 0, 8, 10 } },
	{ "then the oldest", { .balance = 20, NO_LIMITS },
	    { GRANT(1, 10, 50, 0), GRANT(2, 10, 50, 0) }, { .type = CREDIT_HOLD, .amount = 3 },
	    .verdict = CREDIT_POSTED, 17, 3, 0, { 7, 10 } },
	{ "a purchase goes to its place in that order", { .balance = 20, NO_LIMITS },
	    { GRANT(1, 10, 1, 0), GRANT(2, 10, 50, 0) },
	    { .type = CREDIT_PURCHASE, .amount = 3, .priority = 50, .expires_at = NOW + 1 },
	    .verdict = CREDIT_POSTED, 23, 0, 0, { 10, 3, 10 } },
	{ "behind those that are like it", { .balance = 20, NO_LIMITS },
	    { GRANT(1, 10, 50, 0), GRANT(2, 10, 51, 0) },
	    { .type = CREDIT_PURCHASE, .amount = 3, .priority = 50 }, .verdict = CREDIT_POSTED, 23,
	    0, 0, { 10, 3, 10 } },
	{ "what has expired burns no more", { .balance = 20, NO_LIMITS },
	    { GRANT(1, 10, 1, NOW), GRANT(2, 10, 50, 0) }, { .type = CREDIT_USAGE, .amount = 4 },
	    .verdict = CREDIT_POSTED, 6, 0, 0, { 0, 6 } },
	{ "what has expired is gone also where the posting is refused",
	    { .balance = 20, NO_LIMITS }, { GRANT(1, 10, 1, NOW), GRANT(2, 10, 50, 0) },
	    { .type = CREDIT_USAGE, .amount = 11 }, .verdict = CREDIT_SHORT, 10, 0, 0, { 0, 10 } },
	{ "until its time it burns", { .balance = 10, NO_LIMITS }, { GRANT(1, 10, 1, NOW + 1) },
	    { .type = CREDIT_USAGE, .amount = 4 }, .verdict = CREDIT_POSTED, 6, 0, 0, { 6 } },

	{ "a release gives back to the grants it came from",
	    { .balance = 3, .held = 12, NO_LIMITS }, { EMPTY(1, 10, 1, 0), GRANT(2, 3, 50, 0) },
	    { .type = CREDIT_RELEASE, .amount = 0 }, { .amount = 12, .burned_count = 2 },
	    { { BYTES(1), 10 }, { BYTES(2), 2 } }, CREDIT_POSTED, 15, 0, 0, { 10, 5 } },
	{ "of what the overdraft gave nothing returns to a grant",
	    { .balance = -5, .held = 15, .overdraft = 5, NO_LIMITS }, { EMPTY(1, 10, 50, 0) },
	    { .type = CREDIT_RELEASE, .amount = 0 }, { .amount = 15, .burned_count = 1 },
	    { { BYTES(1), 10 } }, CREDIT_POSTED, 10, 0, 0, { 10 } },
	{ "what the overdraft gave and was paid since becomes a grant",
	    { .balance = 7, .held = 15, .overdraft = 5, NO_LIMITS },
	    { EMPTY(1, 10, 50, 0), GRANT(2, 7, 50, 0) }, { .type = CREDIT_RELEASE, .amount = 0 },
	    { .amount = 15, .burned_count = 1 }, { { BYTES(1), 10 } }, CREDIT_POSTED, 22, 0, 0,
	    { 10, 7, 5 } },
	{ "a release in the overdraft gives what it took last back first",
	    { .balance = -4, .held = 10, .overdraft = 5, NO_LIMITS },
	    { EMPTY(1, 5, 1, 0), EMPTY(2, 5, 50, 0) }, { .type = CREDIT_RELEASE, .amount = 0 },
	    { .amount = 10, .burned_count = 2 }, { { BYTES(1), 5 }, { BYTES(2), 5 } },
	    CREDIT_POSTED, 6, 0, 0, { 1, 5 } },
	{ "a release to what has expired since is gone at once",
	    { .balance = 3, .held = 10, NO_LIMITS }, { EMPTY(1, 10, 1, NOW), GRANT(2, 3, 50, 0) },
	    { .type = CREDIT_RELEASE, .amount = 0 }, { .amount = 10, .burned_count = 1 },
	    { { BYTES(1), 10 } }, CREDIT_POSTED, 3, 0, 0, { 0, 3 } },
	{ "a call may use what it held of a grant that has expired since, and no other",
	    { .balance = 3, .held = 10, NO_LIMITS }, { GRANT(2, 3, 1, 0), EMPTY(1, 10, 50, NOW) },
	    { .type = CREDIT_USAGE, .amount = 7 }, { .amount = 10, .burned_count = 1 },
	    { { BYTES(1), 10 } }, CREDIT_POSTED, 3, 0, 0, { 3, 0 } },
	{ "a call that cost nothing gives back all it held",
	    { .balance = 0, .held = 10, NO_LIMITS }, { EMPTY(1, 10, 50, 0) },
	    { .type = CREDIT_USAGE, .amount = 0 }, { .amount = 10, .burned_count = 1 },
	    { { BYTES(1), 10 } }, CREDIT_POSTED, 10, 0, 0, { 10 } },
	{ "a usage that is too much leaves its hold open", { .balance = 1, .held = 10, NO_LIMITS },
	    { EMPTY(1, 10, 50, 0), GRANT(2, 1, 50, 0) }, { .type = CREDIT_USAGE, .amount = 12 },
	    { .amount = 10, .burned_count = 1 }, { { BYTES(1), 10 } }, CREDIT_SHORT, 1, 10, 0,
	    { 0, 1 } },

	{ "all that was used can be refunded", { .spent = 10, .refunded = 4, NO_LIMITS },
	    .posting = { .type = CREDIT_REFUND, .amount = 6, .refundable = NONE },
	    .verdict = CREDIT_POSTED, 6, 0, 0, { 6 } },
	{ "one nano more cannot", { .spent = 10, .refunded = 4, NO_LIMITS },
	    .posting = { .type = CREDIT_REFUND, .amount = 7, .refundable = NONE },
	    .verdict = CREDIT_REFUND_LIMIT, 0, 0, 0, { 0 } },
	{ "all of one usage can be refunded", { .spent = 10, NO_LIMITS },
	    .posting = { .type = CREDIT_REFUND, .amount = 3, .refundable = 3 },
	    .verdict = CREDIT_POSTED, 3, 0, 0, { 3 } },
	{ "one nano more of it cannot", { .spent = 10, NO_LIMITS },
	    .posting = { .type = CREDIT_REFUND, .amount = 4, .refundable = 3 },
	    .verdict = CREDIT_REFUND_LIMIT, 0, 0, 0, { 0 } },

	{ "an adjustment may take all there is, and no limit stops it",
	    { .balance = 10, .overdraft = 5 }, { GRANT(1, 10, 50, 0) },
	    { .type = CREDIT_ADJUSTMENT, .amount = -15 }, .verdict = CREDIT_POSTED, -5, 0, 0,
	    { 0 } },
	{ "one nano more is too much", { .balance = 10, .overdraft = 5 }, { GRANT(1, 10, 50, 0) },
	    { .type = CREDIT_ADJUSTMENT, .amount = -16 }, .verdict = CREDIT_SHORT, 10, 0, 0,
	    { 10 } },
	{ "an adjustment may give", { .balance = -2, .overdraft = 5 },
	    .posting = { .type = CREDIT_ADJUSTMENT, .amount = 5 }, .verdict = CREDIT_POSTED, 3, 0,
	    0, { 3 } },

	{ "a balance can be as large as a number is", { .balance = INT64_MAX - 5, NO_LIMITS },
	    { GRANT(1, INT64_MAX - 5, 50, 0) }, { .type = CREDIT_PURCHASE, .amount = 5 },
	    .verdict = CREDIT_POSTED, INT64_MAX, 0, 0, { 5, INT64_MAX - 5 } },
	{ "and no larger", { .balance = INT64_MAX - 5, NO_LIMITS },
	    { GRANT(1, INT64_MAX - 5, 50, 0) }, { .type = CREDIT_ADJUSTMENT, .amount = 6 },
	    .verdict = CREDIT_OVERFLOW, INT64_MAX - 5, 0, 0, { INT64_MAX - 5 } },
	{ "there must be room for what is held to return",
	    { .balance = INT64_MAX - 5, .held = 3, NO_LIMITS }, { GRANT(1, INT64_MAX - 5, 50, 0) },
	    { .type = CREDIT_PURCHASE, .amount = 3 }, .verdict = CREDIT_OVERFLOW, INT64_MAX - 5, 3,
	    0, { INT64_MAX - 5 } },
	{ "what was purchased in all is a number, too", { .purchased = INT64_MAX - 5, NO_LIMITS },
	    .posting = { .type = CREDIT_PURCHASE, .amount = 6 }, .verdict = CREDIT_OVERFLOW, 0, 0,
	    0, { 0 } },
	{ "so is what was spent", { .balance = 10, .spent = INT64_MAX - 5, NO_LIMITS },
	    { GRANT(1, 10, 50, 0) }, { .type = CREDIT_USAGE, .amount = 6 },
	    .verdict = CREDIT_OVERFLOW, 10, 0, 0, { 10 } },
	{ "what was spent already ends there", { .balance = 10, .spent = INT64_MAX - 5, NO_LIMITS },
	    { GRANT(1, 10, 50, 0) }, { .type = CREDIT_USAGE, .amount = 6, .clip = true },
	    .verdict = CREDIT_POSTED, 5, 0, 1, { 5 } },
	{ "so is what is held", { .balance = 10, .held = INT64_MAX - 5, NO_LIMITS },
	    { GRANT(1, 10, 50, 0) }, { .type = CREDIT_HOLD, .amount = 6 },
	    .verdict = CREDIT_OVERFLOW, 10, INT64_MAX - 5, 0, { 10 } },
};

/* An account with the memory that its holds and grants need. */
struct account {
	struct ledger ledger;
	struct ledger_grant grants[GRANTS_MAX + 2];
	struct ledger_burn burned[GRANTS_MAX + 2];
	struct ledger_hold hold;
	int64_t sum; /* of the entries */
};

static void
open_account(struct account *account, const struct row *row)
{
	*account = (struct account){ .ledger = row->ledger, .hold = row->hold };
	account->ledger.grants = account->grants;
	while (account->ledger.grant_count < GRANTS_MAX &&
	       row->grants[account->ledger.grant_count].amount > 0) {
		size_t i = account->ledger.grant_count++;

		account->grants[i] = row->grants[i];
	}
	memcpy(account->burned, row->burned, sizeof row->burned);
	account->hold.burned = account->burned;
}

static void
expire(struct account *account)
{
	struct ledger_entry entry;

	while (ledger_expire(&account->ledger, NOW, &entry)) {
		account->sum += entry.amount;
		assert_int_equal(entry.type, CREDIT_EXPIRY);
		assert_int_equal(entry.balance_after, account->ledger.balance);
	}
}

static bool
same(const struct ledger *a, const struct ledger *b)
{
	return a->balance == b->balance && a->held == b->held && a->purchased == b->purchased &&
	       a->spent == b->spent && a->refunded == b->refunded && a->uncovered == b->uncovered &&
	       a->spent_today == b->spent_today && a->spent_this_month == b->spent_this_month &&
	       a->recharge_due_at == b->recharge_due_at && a->grant_count == b->grant_count;
}

static enum credit_verdict
run(struct account *account, const struct row *row)
{
	struct ledger_entry entries[LEDGER_ENTRIES_MAX];
	struct ledger_posting posting = row->posting;
	enum credit_verdict verdict;
	struct ledger before;
	size_t count = 0;

	posting.now = NOW;
	posting.id = ID(NEW);
	posting.release_id = ID(OF_RELEASE);
	if (posting.type == CREDIT_HOLD || row->hold.amount > 0)
		posting.hold = &account->hold;
	expire(account);
	before = account->ledger;
	verdict = ledger_post(&account->ledger, &posting, entries, &count);
	if (verdict != CREDIT_POSTED && !same(&before, &account->ledger))
		fail_msg("%s: it was refused and changed something", row->sentence);
	for (size_t i = 0; i < count; i++)
		account->sum += entries[i].amount;
	if (count > 0)
		assert_int_equal(entries[count - 1].balance_after, account->ledger.balance);
	expire(account);
	return verdict;
}

static void
each_posting_does_what_is_said_of_it(void **state)
{
	(void)state;
	for (const struct row *row = rows; row < rows + sizeof rows / sizeof *rows; row++) {
		struct account account;
		enum credit_verdict verdict;

		open_account(&account, row);
		verdict = run(&account, row);
		if (verdict != row->verdict || account.ledger.balance != row->balance ||
		    account.ledger.held != row->held ||
		    account.ledger.uncovered != row->uncovered ||
		    account.sum != row->balance - row->ledger.balance)
			fail_msg(
			    "%s: verdict %d, balance %lld, held %lld, uncovered %lld, entries %lld",
			    row->sentence, (int)verdict, (long long)account.ledger.balance,
			    (long long)account.ledger.held, (long long)account.ledger.uncovered,
			    (long long)account.sum);
		for (size_t i = 0; i < GRANTS_MAX + 2; i++)
			if (account.grants[i].remaining != row->remaining[i])
				fail_msg("%s: %lld remain of grant %zu", row->sentence,
				    (long long)account.grants[i].remaining, i);
	}
}

static void
what_is_available_can_be_used_and_no_more(void **state)
{
	(void)state;
	for (const struct row *row = rows; row < rows + sizeof rows / sizeof *rows; row++) {
		struct row most = *row, more;
		struct account account;
		int64_t available;

		most.hold = (struct ledger_hold){ 0 };
		most.ledger.spent = 0;
		open_account(&account, &most);
		expire(&account);
		available = ledger_available(&account.ledger);
		most.posting = (struct ledger_posting){ .type = CREDIT_USAGE, .amount = available };
		more = most;
		more.posting.amount++;
		open_account(&account, &most);
		if (run(&account, &most) != CREDIT_POSTED)
			fail_msg("%s: what is available is not", row->sentence);
		open_account(&account, &more);
		if (available < INT64_MAX && run(&account, &more) == CREDIT_POSTED)
			fail_msg("%s: more than what is available is", row->sentence);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_posting_does_what_is_said_of_it),
		cmocka_unit_test(what_is_available_can_be_used_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
