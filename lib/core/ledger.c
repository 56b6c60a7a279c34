#include "lib/core/ledger.h"

#include <assert.h>
#include <string.h>

#include "lib/clock.h"

static int64_t
above_zero(int64_t value)
{
	return value > 0 ? value : 0;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Where a sum ends that is shown and decides, and to which nothing is owed. */
static int64_t
saturate(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int32_t
month_of(int32_t date)
{
	int year, month, day;

	date_to_civil(date, &year, &month, &day);
	return date_from_civil(year, month, 1);
}

void
ledger_begin_day(struct ledger *ledger, int32_t date)
{
	int32_t month = month_of(date);

	/* Never back: the day that comes twice, or comes again in another zone, goes on. */
	if (date > ledger->day) {
		ledger->day = date;
		ledger->spent_today = 0;
	}
	if (month > ledger->month) {
		ledger->month = month;
		ledger->spent_this_month = 0;
	}
}

void
ledger_check_recharge(struct ledger *ledger, int64_t now)
{
	/* What is held is still there: else every call near the threshold would cross it. */
	if (!ledger->recharge_enabled ||
	    saturate(ledger->balance, ledger->held) >= ledger->recharge_threshold)
		ledger->recharge_due_at = 0;
	else if (ledger->recharge_due_at == 0)
		ledger->recharge_due_at = now;
}

static bool
is_over(const struct ledger_grant *grant, int64_t now)
{
	return grant->expires_at != 0 && grant->expires_at <= now;
}

static int64_t
expiry_key(const struct ledger_grant *grant)
{
	return grant->expires_at == 0 ? INT64_MAX : grant->expires_at;
}

static bool
burns_before(const struct ledger_grant *a, const struct ledger_grant *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	if (expiry_key(a) != expiry_key(b))
		return expiry_key(a) < expiry_key(b);
	return id_compare(a->id, b->id) < 0;
}

void
ledger_add_grant(struct ledger *ledger, struct ledger_grant grant)
{
	size_t at = ledger->grant_count;

	while (at > 0 && burns_before(&grant, &ledger->grants[at - 1]))
		at--;
	memmove(&ledger->grants[at + 1], &ledger->grants[at],
	    (ledger->grant_count - at) * sizeof grant);
	ledger->grants[at] = grant;
	ledger->grant_count++;
}

/* Returns what the grant could not give. */
static int64_t
burn_grant(struct ledger_grant *grant, int64_t amount, struct ledger_hold *hold)
{
	int64_t part = least(grant->remaining, amount);

	if (part == 0)
		return amount;
	grant->remaining -= part;
	grant->changed = true;
	if (hold != NULL)
		hold->burned[hold->burned_count++] =
		    (struct ledger_burn){ .grant = grant->id, .amount = part };
	return amount - part;
}

/*
 * An expired grant has something only while a hold is closed that took from it. The usage that
 * closes the hold takes that first: what it leaves is lost.
 */
static void
burn(struct ledger *ledger, int64_t amount, int64_t now, struct ledger_hold *hold)
{
	for (size_t i = 0; i < ledger->grant_count; i++)
		if (is_over(&ledger->grants[i], now))
			amount = burn_grant(&ledger->grants[i], amount, hold);
	for (size_t i = 0; i < ledger->grant_count && amount > 0; i++)
		amount = burn_grant(&ledger->grants[i], amount, hold);
}

static struct ledger_entry
debit(struct ledger *ledger, enum credit_type type, int64_t amount, int64_t now,
    struct ledger_hold *hold)
{
	int64_t before = above_zero(ledger->balance);

	ledger->balance -= amount;
	burn(ledger, before - above_zero(ledger->balance), now, hold);
	return (struct ledger_entry){
		.type = type, .amount = -amount, .balance_after = ledger->balance
	};
}

/* What the hold took last returns first, as if that had not been taken. Returns the rest. */
static int64_t
give_back(struct ledger *ledger, const struct ledger_hold *hold, int64_t amount)
{
	for (size_t i = hold->burned_count; i-- > 0 && amount > 0;) {
		int64_t part = least(hold->burned[i].amount, amount);

		for (size_t g = 0; g < ledger->grant_count; g++) {
			struct ledger_grant *grant = &ledger->grants[g];

			if (!id_equal(grant->id, hold->burned[i].grant))
				continue;
			grant->remaining += part;
			grant->changed = true;
			amount -= part;
		}
	}
	return amount;
}

/* What was owed is paid first; grants get what is above zero then. */
static struct ledger_entry
credit(struct ledger *ledger, enum credit_type type, int64_t amount,
    const struct ledger_grant *grant, const struct ledger_hold *hold)
{
	int64_t before = above_zero(ledger->balance), rise;

	ledger->balance += amount;
	rise = above_zero(ledger->balance) - before;
	if (hold != NULL)
		rise = give_back(ledger, hold, rise);
	if (rise > 0) {
		struct ledger_grant added = *grant;

		added.amount = added.remaining = rise;
		added.added = true;
		ledger_add_grant(ledger, added);
	}
	return (struct ledger_entry){
		.type = type, .amount = amount, .balance_after = ledger->balance
	};
}

bool
ledger_expire(struct ledger *ledger, int64_t now, struct ledger_entry *ret)
{
	for (size_t i = 0; i < ledger->grant_count; i++) {
		struct ledger_grant *grant = &ledger->grants[i];
		int64_t amount = grant->remaining;

		if (amount == 0 || !is_over(grant, now))
			continue;
		grant->remaining = 0;
		grant->changed = true;
		ledger->balance -= amount;
		ledger_check_recharge(ledger, now);
		*ret = (struct ledger_entry){ .type = CREDIT_EXPIRY,
			.amount = -amount,
			.balance_after = ledger->balance,
			.grant = grant->id };
		return true;
	}
	return false;
}

/* What limit leaves beside what is spent and held. */
static int64_t
left_of(int64_t limit, int64_t spent, int64_t held)
{
	if (limit == LEDGER_NO_LIMIT)
		return INT64_MAX;
	return above_zero(limit - least(saturate(spent, held), limit));
}

static enum credit_verdict
check_spending(const struct ledger *ledger, int64_t amount, int64_t returned)
{
	int64_t held = ledger->held - returned;

	if (amount > saturate(saturate(ledger->balance, returned), ledger->overdraft))
		return CREDIT_SHORT;
	if (amount > left_of(ledger->daily_limit, ledger->spent_today, held))
		return CREDIT_DAILY_LIMIT;
	if (amount > left_of(ledger->monthly_limit, ledger->spent_this_month, held))
		return CREDIT_MONTHLY_LIMIT;
	return CREDIT_POSTED;
}

int64_t
ledger_available(const struct ledger *ledger)
{
	int64_t least_left = saturate(ledger->balance, ledger->overdraft);

	least_left =
	    least(least_left, left_of(ledger->daily_limit, ledger->spent_today, ledger->held));
	least_left = least(
	    least_left, left_of(ledger->monthly_limit, ledger->spent_this_month, ledger->held));
	return above_zero(least_left);
}

static struct ledger_grant
grant_of(const struct ledger_posting *posting)
{
	return (struct ledger_grant){
		.id = posting->id, .priority = posting->priority, .expires_at = posting->expires_at
	};
}

static struct ledger_entry
release(struct ledger *ledger, const struct ledger_hold *hold, struct id id)
{
	const struct ledger_grant grant = { .id = id, .priority = LEDGER_PRIORITY_DEFAULT };

	ledger->held -= hold->amount;
	return credit(ledger, CREDIT_RELEASE, hold->amount, &grant, hold);
}

/* Whether balance and what is held, which may return, can grow by the amount. */
static bool
fits(const struct ledger *ledger, int64_t amount)
{
	int64_t sum;

	return !__builtin_add_overflow(ledger->balance, ledger->held, &sum) &&
	       !__builtin_add_overflow(sum, amount, &sum);
}

static enum credit_verdict
post_usage(struct ledger *ledger, const struct ledger_posting *posting, struct ledger_entry *ret,
    size_t *ret_count)
{
	int64_t returned = posting->hold == NULL ? 0 : posting->hold->amount;
	int64_t room = saturate(ledger->balance + returned, ledger->overdraft);
	int64_t covered = posting->amount, sum;
	enum credit_verdict verdict = check_spending(ledger, posting->amount, returned);

	if (posting->clip)
		covered = least(least(covered, above_zero(room)), INT64_MAX - ledger->spent);
	else if (verdict != CREDIT_POSTED)
		return verdict;
	else if (__builtin_add_overflow(ledger->spent, covered, &sum))
		return CREDIT_OVERFLOW;
	*ret_count = 0;
	if (posting->hold != NULL)
		ret[(*ret_count)++] = release(ledger, posting->hold, posting->release_id);
	if (covered > 0)
		ret[(*ret_count)++] = debit(ledger, CREDIT_USAGE, covered, posting->now, NULL);
	ledger->spent += covered;
	ledger->uncovered = saturate(ledger->uncovered, posting->amount - covered);
	ledger->spent_today = saturate(ledger->spent_today, posting->amount);
	ledger->spent_this_month = saturate(ledger->spent_this_month, posting->amount);
	return CREDIT_POSTED;
}

static enum credit_verdict
post_hold(struct ledger *ledger, const struct ledger_posting *posting, struct ledger_entry *ret)
{
	enum credit_verdict verdict = check_spending(ledger, posting->amount, 0);
	int64_t held;

	if (verdict != CREDIT_POSTED)
		return verdict;
	if (__builtin_add_overflow(ledger->held, posting->amount, &held))
		return CREDIT_OVERFLOW;
	posting->hold->amount = posting->amount;
	posting->hold->burned_count = 0;
	*ret = debit(ledger, CREDIT_HOLD, posting->amount, posting->now, posting->hold);
	ledger->held = held;
	return CREDIT_POSTED;
}

/* life: what the account keeps the sum of; NULL: nothing. */
static enum credit_verdict
post_credit(struct ledger *ledger, const struct ledger_posting *posting, int64_t *life,
    struct ledger_entry *ret)
{
	const struct ledger_grant grant = grant_of(posting);
	int64_t sum = 0;

	if (!fits(ledger, posting->amount) ||
	    (life != NULL && __builtin_add_overflow(*life, posting->amount, &sum)))
		return CREDIT_OVERFLOW;
	if (life != NULL)
		*life = sum;
	*ret = credit(ledger, posting->type, posting->amount, &grant, NULL);
	return CREDIT_POSTED;
}

static enum credit_verdict
post_refund(struct ledger *ledger, const struct ledger_posting *posting, struct ledger_entry *ret)
{
	if (posting->amount > posting->refundable ||
	    posting->amount > ledger->spent - ledger->refunded)
		return CREDIT_REFUND_LIMIT;
	return post_credit(ledger, posting, &ledger->refunded, ret);
}

static enum credit_verdict
post_adjustment(
    struct ledger *ledger, const struct ledger_posting *posting, struct ledger_entry *ret)
{
	assert(posting->amount != 0 && posting->amount != INT64_MIN);
	if (posting->amount > 0)
		return post_credit(ledger, posting, NULL, ret);
	if (-posting->amount > saturate(ledger->balance, ledger->overdraft))
		return CREDIT_SHORT;
	*ret = debit(ledger, CREDIT_ADJUSTMENT, -posting->amount, posting->now, NULL);
	return CREDIT_POSTED;
}

static enum credit_verdict
post(struct ledger *ledger, const struct ledger_posting *posting, struct ledger_entry *ret,
    size_t *ret_count)
{
	*ret_count = 1;
	switch (posting->type) {
	case CREDIT_PURCHASE:
		return post_credit(ledger, posting, &ledger->purchased, ret);
	case CREDIT_USAGE:
		return post_usage(ledger, posting, ret, ret_count);
	case CREDIT_REFUND:
		return post_refund(ledger, posting, ret);
	case CREDIT_ADJUSTMENT:
		return post_adjustment(ledger, posting, ret);
	case CREDIT_HOLD:
		return post_hold(ledger, posting, ret);
	case CREDIT_RELEASE:
		*ret = release(ledger, posting->hold, posting->id);
		return CREDIT_POSTED;
	case CREDIT_EXPIRY: /* ledger_expire() has done it */
	case CREDIT_TYPES:
		break;
	}
	*ret_count = 0;
	return CREDIT_POSTED;
}

enum credit_verdict
ledger_post(struct ledger *ledger, const struct ledger_posting *posting,
    struct ledger_entry ret[LEDGER_ENTRIES_MAX], size_t *ret_count)
{
	enum credit_verdict verdict;
	size_t count;

	assert(posting->type == CREDIT_ADJUSTMENT || posting->amount >= 0);
	assert((posting->type != CREDIT_HOLD && posting->type != CREDIT_RELEASE) ||
	       posting->hold != NULL);
	verdict = post(ledger, posting, ret, &count);
	if (verdict != CREDIT_POSTED)
		return verdict;
	ledger_check_recharge(ledger, posting->now);
	*ret_count = count;
	return CREDIT_POSTED;
}
