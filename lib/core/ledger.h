/*
 * The ledger of a credit account: what a posting does to the balance, the holds and the grants, or
 * why it is refused. Pure: numbers in, verdict out. Amounts are nano-dollars.
 *
 * A grant is what was given to an account and is not used up. At all times the balance is the sum
 * of all entries and not below -overdraft, what remains of the grants is the balance where that is
 * above 0, and held is the sum of the open holds. What is held is not in the balance.
 */
#ifndef LIB_CORE_LEDGER_H
#define LIB_CORE_LEDGER_H

#include "lib/id.h"

enum credit_type {
	CREDIT_PURCHASE,
	CREDIT_USAGE,
	CREDIT_REFUND,
	CREDIT_ADJUSTMENT,
	CREDIT_HOLD,
	CREDIT_RELEASE,
	CREDIT_EXPIRY,
	CREDIT_TYPES
};

enum credit_verdict {
	CREDIT_POSTED,
	CREDIT_KNOWN, /* its source was posted before: nothing is done */
	CREDIT_SHORT, /* beyond balance and overdraft */
	CREDIT_DAILY_LIMIT,
	CREDIT_MONTHLY_LIMIT,
	CREDIT_REFUND_LIMIT, /* more than was used, or is left to refund of it */
	CREDIT_NO_HOLD, /* it is not open, or not this account's */
	CREDIT_NO_TRANSACTION, /* what is to be refunded is no usage of it */
	CREDIT_OVERFLOW
};

#define LEDGER_NO_LIMIT INT64_MAX
#define LEDGER_PRIORITY_DEFAULT 50
#define LEDGER_PRIORITY_MAX 100

struct ledger_grant {
	struct id id; /* of the transaction that made it */
	int64_t amount;
	int64_t remaining;
	int64_t priority; /* the least burns first, then what expires first, then the oldest */
	int64_t expires_at; /* 0: never */
	bool added, changed; /* since it was read */
};

struct ledger_burn {
	struct id grant;
	int64_t amount;
};

struct ledger_hold {
	struct id id;
	int64_t amount;
	/* What it took from grants, in that order; the caller's memory, with room for as many as
	 * the ledger has grants. Less than the amount where the overdraft gave the rest. */
	struct ledger_burn *burned;
	size_t burned_count;
};

struct ledger {
	int64_t balance; /* what is available */
	int64_t held;
	int64_t purchased, spent, refunded; /* over the account's life */
	int64_t uncovered; /* what calls cost beyond what the account had */
	int64_t overdraft;
	int64_t daily_limit, monthly_limit; /* LEDGER_NO_LIMIT: none */
	int32_t day, month; /* of what follows, in the account's zone; a month is its first day */
	int64_t spent_today, spent_this_month; /* with what was uncovered */
	bool recharge_enabled;
	int64_t recharge_threshold;
	int64_t recharge_due_at; /* when balance and held fell below it; 0: they are not below */
	/* In the order in which they burn; room for one more at each posting. Some of them suffice,
	 * if they are the first, cover what is posted, and with them are all that have expired. */
	struct ledger_grant *grants;
	size_t grant_count;
};

struct ledger_posting {
	enum credit_type type;
	int64_t amount; /* above 0; of a usage also 0, of an adjustment also below, else 0 */
	struct id id; /* of the grant that it may make */
	struct id release_id; /* the same of the hold's release, before a usage */
	int64_t priority, expires_at; /* of the grant */
	bool clip; /* a usage: the money is spent, and what the account lacks is uncovered */
	struct ledger_hold *hold; /* a hold: the one to fill; usage, release: to close, or NULL */
	int64_t refundable; /* what is left to refund of the usage; LEDGER_NO_LIMIT: none named */
	int64_t now;
};

struct ledger_entry {
	enum credit_type type;
	int64_t amount; /* what it added to the balance, not 0 */
	int64_t balance_after;
	struct id grant; /* what an expiry ended; else nil */
};

/* Puts a grant into its place among the others; there is room for it. */
void ledger_add_grant(struct ledger *ledger, struct ledger_grant grant);
/* Makes it the day and month of the date; an account that was further already stays there. */
void ledger_begin_day(struct ledger *ledger, int32_t date);
/* Posts the expiry of one grant whose time is over; false: there is none left. To be called until
 * then before each ledger_post(), and behind one that closed a hold: what returned from it to an
 * expired grant is open to that one usage only. */
NODISCARD bool ledger_expire(struct ledger *ledger, int64_t now, struct ledger_entry *ret);
/* Changes nothing unless it is CREDIT_POSTED; then *ret_count is 0 to LEDGER_ENTRIES_MAX. */
#define LEDGER_ENTRIES_MAX 2
enum credit_verdict ledger_post(struct ledger *ledger, const struct ledger_posting *posting,
    struct ledger_entry ret[LEDGER_ENTRIES_MAX], size_t *ret_count);
/* Sets recharge_due_at, after the threshold was changed. */
void ledger_check_recharge(struct ledger *ledger, int64_t now);
/* What could be posted as usage now: balance, overdraft and limits allow it. */
int64_t ledger_available(const struct ledger *ledger);

#endif
