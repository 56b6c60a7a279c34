#include "tests/test.h"

#include "lib/core/totals.h"

static void
test_add(void **state)
{
	struct totals sum = { .at = { [TOTAL_COST] = 5, [TOTAL_REQUESTS] = INT64_MAX - 1 } };
	const struct totals more = { .at = { [TOTAL_COST] = 7, [TOTAL_REQUESTS] = 2 } };

	(void)state;
	totals_add(&sum, &more);
	assert_int_equal(sum.at[TOTAL_COST], 12);
	assert_int_equal(sum.at[TOTAL_REQUESTS], INT64_MAX);
	assert_int_equal(sum.at[TOTAL_UNPRICED], 0);
}

static void
test_each_member_is_compared(void **state)
{
	const struct totals zero = { 0 };

	(void)state;
	assert_true(totals_equal(&zero, &zero));
	assert_false(totals_exceed(&zero, &zero));
	for (int i = 0; i < TOTAL_COUNT; i++) {
		struct totals one = { 0 };

		one.at[i] = 1;
		assert_false(totals_equal(&one, &zero));
		assert_true(totals_exceed(&one, &zero));
		assert_false(totals_exceed(&zero, &one));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_each_member_is_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
