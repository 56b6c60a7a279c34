/* A hundred thousand postings at random: after each the books are whole. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/core/ledger.h"

#define POSTINGS 100000
#define SEED 20261122
#define GRANTS_MAX 4096
#define HOLDS_MAX 64

struct hold {
	struct ledger_hold hold;
	bool open;
};

/* The account, and what a list of all its entries says of it. */
static struct ledger_grant grants[GRANTS_MAX];
static struct ledger_burn burned[HOLDS_MAX][GRANTS_MAX];
static struct hold holds[HOLDS_MAX];
static struct ledger ledger;
static int64_t balance, purchased, spent, refunded, cost, expired;
static uint64_t ids;
static int64_t now = 1;
static unsigned verdicts[CREDIT_OVERFLOW + 1];

static int64_t
below(int64_t limit)
{
	return (int64_t)random() % limit;
}

static struct id
next_id(void)
{
	struct id id = { 0 };

	ids++;
	for (int i = 0; i < 8; i++)
		id.bytes[15 - i] = (uint8_t)(ids >> (8 * i));
	return id;
}

static bool
is_held(struct id grant)
{
	for (int i = 0; i < HOLDS_MAX; i++)
		for (size_t b = 0; holds[i].open && b < holds[i].hold.burned_count; b++)
			if (id_equal(burned[i][b].grant, grant))
				return true;
	return false;
}

/* What has nothing left and no hold may return to is of no use. */
static void
forget_grants(void)
{
	size_t kept = 0;

	for (size_t i = 0; i < ledger.grant_count; i++)
		if (grants[i].remaining > 0 || is_held(grants[i].id))
			grants[kept++] = grants[i];
	ledger.grant_count = kept;
}

static void
expect_whole_books(void)
{
	int64_t remaining = 0, held = 0;

	for (size_t i = 0; i < ledger.grant_count; i++) {
		assert_in_range(grants[i].remaining, 0, grants[i].amount);
		remaining += grants[i].remaining;
		if (i > 0)
			assert_true(grants[i - 1].priority <= grants[i].priority);
	}
	for (int i = 0; i < HOLDS_MAX; i++)
		held += holds[i].open ? holds[i].hold.amount : 0;
	assert_int_equal(ledger.balance, balance);
	assert_true(ledger.balance >= -ledger.overdraft);
	assert_int_equal(remaining, balance > 0 ? balance : 0);
	assert_int_equal(ledger.held, held);
	assert_int_equal(ledger.purchased, purchased);
	assert_int_equal(ledger.spent, spent);
	assert_int_equal(ledger.refunded, refunded);
	assert_true(refunded <= spent);
	assert_int_equal(ledger.spent + ledger.uncovered, cost);
}

static void
add(const struct ledger_entry *entry)
{
	balance += entry->amount;
	assert_int_equal(entry->balance_after, balance);
	assert_int_not_equal(entry->amount, 0);
	if (entry->type == CREDIT_PURCHASE)
		purchased += entry->amount;
	if (entry->type == CREDIT_USAGE)
		spent -= entry->amount;
	if (entry->type == CREDIT_REFUND)
		refunded += entry->amount;
	if (entry->type == CREDIT_EXPIRY)
		expired -= entry->amount;
}

static void
expire(void)
{
	struct ledger_entry entry;

	while (ledger_expire(&ledger, now, &entry))
		add(&entry);
	for (size_t i = 0; i < ledger.grant_count; i++)
		assert_true(grants[i].remaining == 0 || grants[i].expires_at == 0 ||
			    grants[i].expires_at > now);
}

static struct hold *
find_hold(bool open)
{
	struct hold *hold = &holds[below(HOLDS_MAX)];

	return hold->open == open ? hold : NULL;
}

static struct ledger_posting
draw(struct hold **ret_hold)
{
	static const enum credit_type types[] = { CREDIT_PURCHASE, CREDIT_USAGE, CREDIT_USAGE,
		CREDIT_USAGE, CREDIT_REFUND, CREDIT_ADJUSTMENT, CREDIT_HOLD, CREDIT_HOLD,
		CREDIT_RELEASE };
	struct ledger_posting posting = { .type = types[below(COUNT(types))], .now = now };

	posting.amount = 1 + below(posting.type == CREDIT_PURCHASE ? 2500 : 1000);
	posting.id = next_id();
	posting.release_id = next_id();
	posting.priority = below(3) * 50;
	posting.expires_at = below(2) == 0 ? 0 : now + 1 + below(50);
	posting.clip = below(2) == 0;
	posting.refundable = below(2) == 0 ? LEDGER_NO_LIMIT : below(1000);
	*ret_hold = NULL;
	if (posting.type == CREDIT_ADJUSTMENT && below(2) == 0)
		posting.amount = -posting.amount;
	if (posting.type == CREDIT_HOLD)
		*ret_hold = find_hold(false);
	else if (posting.type == CREDIT_RELEASE || posting.type == CREDIT_USAGE)
		*ret_hold = find_hold(true);
	if (posting.type == CREDIT_RELEASE)
		posting.amount = 0;
	if (*ret_hold != NULL)
		posting.hold = &(*ret_hold)->hold;
	return posting;
}

/* Whether what is to burn first has nothing left where something behind it was burned. */
static void
expect_burn_order(const struct ledger_grant *before, size_t count)
{
	bool left = false;

	for (size_t i = 0; i < count; i++) {
		assert_false(left && ledger.grants[i].remaining < before[i].remaining);
		left = left || ledger.grants[i].remaining > 0;
	}
}

static void
post_one(void)
{
	static struct ledger_grant before[GRANTS_MAX];
	struct ledger_entry entries[LEDGER_ENTRIES_MAX];
	struct ledger old;
	struct hold *hold;
	struct ledger_posting posting = draw(&hold);
	enum credit_verdict verdict;
	size_t count = 0;

	if ((posting.type == CREDIT_HOLD || posting.type == CREDIT_RELEASE) && hold == NULL)
		return;
	memcpy(&old, &ledger, sizeof old);
	memcpy(before, grants, ledger.grant_count * sizeof *grants);
	verdict = ledger_post(&ledger, &posting, entries, &count);
	verdicts[verdict]++;
	if (verdict != CREDIT_POSTED) {
		assert_memory_equal(&old, &ledger, sizeof old);
		assert_memory_equal(before, grants, old.grant_count * sizeof *grants);
		return;
	}
	for (size_t i = 0; i < count; i++)
		add(&entries[i]);
	if (posting.type == CREDIT_USAGE)
		cost += posting.amount;
	if (hold != NULL)
		hold->open = posting.type == CREDIT_HOLD;
	else if (balance < old.balance)
		expect_burn_order(before, old.grant_count);
}

static void
the_books_are_whole_after_each_posting(UNUSED void **state)
{
	srandom(SEED);
	ledger = (struct ledger){
		.overdraft = 2000, .daily_limit = 35000, .monthly_limit = 800000, .grants = grants
	};
	for (int i = 0; i < HOLDS_MAX; i++)
		holds[i].hold.burned = burned[i];
	for (int i = 0; i < POSTINGS; i++) {
		now++;
		ledger_begin_day(&ledger, (int32_t)(now / 200));
		expire();
		expect_whole_books();
		post_one();
		expire();
		expect_whole_books();
		forget_grants();
		assert_true(ledger.grant_count < GRANTS_MAX - 1);
	}
	/* The walk came by each of these, or else it shows nothing of them. */
	assert_true(verdicts[CREDIT_POSTED] > POSTINGS / 4);
	assert_true(verdicts[CREDIT_SHORT] > 0 && verdicts[CREDIT_DAILY_LIMIT] > 0 &&
		    verdicts[CREDIT_MONTHLY_LIMIT] > 0 && verdicts[CREDIT_REFUND_LIMIT] > 0);
	assert_true(expired > 0 && ledger.uncovered > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_books_are_whole_after_each_posting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
