#include "lib/core/decide.h"

#include <assert.h>

const char *const decide_mode_names[] = {
	[DECIDE_HARD] = "hard",
	[DECIDE_SOFT] = "soft",
	[DECIDE_SHADOW] = "shadow",
	NULL,
};

static void
check(const struct account *account)
{
	assert(account->limit >= 0 && account->extra >= 0);
	assert(account->spent >= 0 && account->held >= 0);
}

int64_t
decide_limit(const struct account *account, int64_t now)
{
	int64_t limit;

	check(account);
	if (account->limit == DECIDE_NO_LIMIT || now >= account->extra_until)
		return account->limit;
	/* A limit as large as "none" would be none. */
	if (__builtin_add_overflow(account->limit, account->extra, &limit) ||
	    limit == DECIDE_NO_LIMIT)
		return DECIDE_NO_LIMIT - 1;
	return limit;
}

int64_t
decide_remaining(const struct account *account, int64_t now)
{
	int64_t limit = decide_limit(account, now);
	int64_t used;

	if (limit == DECIDE_NO_LIMIT)
		return DECIDE_NO_LIMIT;
	if (__builtin_add_overflow(account->spent, account->held, &used) || used >= limit)
		return 0;
	return limit - used;
}

enum verdict
decide(const struct account *account, int64_t amount, int64_t now)
{
	int64_t used;

	assert(amount >= 0);
	check(account);
	if (!__builtin_add_overflow(account->spent, account->held, &used) &&
	    !__builtin_add_overflow(used, amount, &used) && used <= decide_limit(account, now))
		return VERDICT_ALLOW;
	return account->mode == DECIDE_HARD ? VERDICT_DENY : VERDICT_PASS;
}
