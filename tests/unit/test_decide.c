#include "tests/test.h"

#include "lib/core/decide.h"

#define NOW INT64_C(1000000)
#define NANOS_2_53 (INT64_C(1) << 53)

static const struct row {
	const char *sentence;
	struct account account;
	int64_t amount;
	enum verdict verdict;
	int64_t remaining;
} rows[] = {
	{ "nothing spent, less than the limit", { .limit = 100 }, 99, VERDICT_ALLOW, 100 },
	{ "exactly the limit is allowed", { .limit = 100, .spent = 60, .held = 30 }, 10,
	    VERDICT_ALLOW, 10 },
	{ "one nano more is not", { .limit = 100, .spent = 60, .held = 30 }, 11, VERDICT_DENY, 10 },
	{ "what is held counts as if it were spent", { .limit = 100, .held = 100 }, 1, VERDICT_DENY,
	    0 },
	{ "nothing costs nothing at the limit", { .limit = 100, .spent = 100 }, 0, VERDICT_ALLOW,
	    0 },
	{ "at the limit the least amount is denied", { .limit = 100, .spent = 100 }, 1,
	    VERDICT_DENY, 0 },
	{ "beyond the limit even nothing is denied", { .limit = 100, .spent = 101 }, 0,
	    VERDICT_DENY, 0 },
	{ "a lowered limit leaves nothing, not less", { .limit = 10, .spent = 60, .held = 30 }, 1,
	    VERDICT_DENY, 0 },
	{ "a limit of zero allows nothing", { .limit = 0 }, 1, VERDICT_DENY, 0 },
	{ "a limit of zero allows what is free", { .limit = 0 }, 0, VERDICT_ALLOW, 0 },

	{ "a soft budget lets pass", { .limit = 100, .spent = 100, .mode = DECIDE_SOFT }, 1,
	    VERDICT_PASS, 0 },
	{ "a shadow budget lets pass", { .limit = 100, .spent = 100, .mode = DECIDE_SHADOW }, 1,
	    VERDICT_PASS, 0 },
	{ "a soft budget below its limit says nothing",
	    { .limit = 100, .spent = 99, .mode = DECIDE_SOFT }, 1, VERDICT_ALLOW, 1 },
	{ "a shadow budget below its limit says nothing",
	    { .limit = 100, .spent = 99, .mode = DECIDE_SHADOW }, 1, VERDICT_ALLOW, 1 },
	{ "a soft budget lets a sum past INT64_MAX pass",
	    { .limit = 100, .spent = INT64_MAX, .mode = DECIDE_SOFT }, 1, VERDICT_PASS, 0 },

	{ "an override raises the limit",
	    { .limit = 100, .spent = 100, .extra = 50, .extra_until = NOW + 1 }, 50, VERDICT_ALLOW,
	    50 },
	{ "and not by more than itself",
	    { .limit = 100, .spent = 100, .extra = 50, .extra_until = NOW + 1 }, 51, VERDICT_DENY,
	    50 },
	{ "at its time it is over", { .limit = 100, .spent = 100, .extra = 50, .extra_until = NOW },
	    1, VERDICT_DENY, 0 },
	{ "what was spent under it stays spent",
	    { .limit = 100, .spent = 140, .extra = 50, .extra_until = NOW - 1 }, 1, VERDICT_DENY,
	    0 },
	{ "an override without a time is none", { .limit = 100, .spent = 100, .extra = 50 }, 1,
	    VERDICT_DENY, 0 },
	{ "an override lifts a limit of zero", { .limit = 0, .extra = 5, .extra_until = NOW + 1 },
	    5, VERDICT_ALLOW, 5 },
	{ "an override past INT64_MAX is still a limit",
	    { .limit = INT64_MAX - 1, .extra = INT64_MAX, .extra_until = NOW + 1, .spent = 7 },
	    INT64_MAX - 7, VERDICT_DENY, INT64_MAX - 8 },
	{ "an override that would make the limit none is still a limit",
	    { .limit = INT64_MAX - 1, .extra = 1, .extra_until = NOW + 1 }, INT64_MAX, VERDICT_DENY,
	    INT64_MAX - 1 },

	{ "no limit allows anything", { .limit = DECIDE_NO_LIMIT, .spent = NANOS_2_53 }, NANOS_2_53,
	    VERDICT_ALLOW, DECIDE_NO_LIMIT },
	{ "an override of no limit changes nothing",
	    { .limit = DECIDE_NO_LIMIT, .extra = 5, .extra_until = NOW + 1 }, INT64_MAX,
	    VERDICT_ALLOW, DECIDE_NO_LIMIT },
	{ "a sum past INT64_MAX is denied", { .limit = INT64_MAX, .spent = INT64_MAX }, 1,
	    VERDICT_DENY, DECIDE_NO_LIMIT },
	{ "the largest limit, to the nano", { .limit = NANOS_2_53, .spent = NANOS_2_53 - 1 }, 1,
	    VERDICT_ALLOW, 1 },
	{ "and one more", { .limit = NANOS_2_53, .spent = NANOS_2_53 - 1 }, 2, VERDICT_DENY, 1 },
	{ "spent and held past INT64_MAX leave nothing",
	    { .limit = INT64_MAX - 1, .spent = INT64_MAX, .held = INT64_MAX }, 0, VERDICT_DENY, 0 },
	{ "an amount past INT64_MAX is denied", { .limit = INT64_MAX - 1, .spent = 1, .held = 1 },
	    INT64_MAX, VERDICT_DENY, INT64_MAX - 3 },
};

static void
verdicts_are_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (decide(&rows[i].account, rows[i].amount, NOW) != rows[i].verdict)
			fail_msg("%s", rows[i].sentence);
}

static void
what_remains_is_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t remaining = decide_remaining(&rows[i].account, NOW);

		if (remaining != rows[i].remaining)
			fail_msg("%s: %lld", rows[i].sentence, (long long)remaining);
	}
}

/* Whatever remains is allowed, and one more is not: for every small account there is. */
static void
what_remains_is_what_is_allowed(void **state)
{
	(void)state;
	for (int n = 0; n < 5 * 5 * 5 * 5; n++) {
		struct account account = { .limit = n % 5,
			.spent = n / 5 % 5,
			.held = n / 25 % 5,
			.extra = n / 125,
			.extra_until = n % 2 == 0 ? NOW + 1 : NOW };
		int64_t left = decide_remaining(&account, NOW);
		bool fits = account.spent + account.held <= decide_limit(&account, NOW);

		assert_int_equal(decide(&account, left, NOW), fits ? VERDICT_ALLOW : VERDICT_DENY);
		assert_int_equal(decide(&account, left + 1, NOW), VERDICT_DENY);
		account.mode = DECIDE_SHADOW;
		assert_int_not_equal(decide(&account, left + 1, NOW), VERDICT_DENY);
	}
}

static void
the_limit_changes_at_the_overrides_time(void **state)
{
	const struct account account = { .limit = 100, .extra = 20, .extra_until = NOW };

	(void)state;
	assert_int_equal(decide_limit(&account, NOW - 1), 120);
	assert_int_equal(decide_limit(&account, NOW), 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_are_right),
		cmocka_unit_test(what_remains_is_right),
		cmocka_unit_test(what_remains_is_what_is_allowed),
		cmocka_unit_test(the_limit_changes_at_the_overrides_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
