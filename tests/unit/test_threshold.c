#include "tests/test.h"

#include "lib/core/threshold.h"

static const struct {
	const char *sentence;
	int64_t limit;
	int64_t percent;
	int64_t amount;
} rows[] = {
	{ "half", 100, 50, 50 },
	{ "all of it", 100, 100, 100 },
	{ "more than all of it", 100, 1000, 1000 },
	{ "a part of a unit is reached by the whole one", 3, 50, 2 },
	{ "one percent of one", 1, 1, 1 },
	{ "one percent of a hundred and one", 101, 1, 2 },
	{ "where nothing may be spent, the first unit crosses all", 0, 50, 1 },
	{ "the largest limit of a budget and the largest threshold", INT64_C(1) << 54, 1000,
	    (INT64_C(1) << 54) * 10 },
	{ "nothing is beyond INT64_MAX", INT64_MAX - 1, 101, INT64_MAX },
	{ "nor lost below it", INT64_MAX - 1, 100, INT64_MAX - 1 },
};

static void
test_amount(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (threshold_amount(rows[i].limit, rows[i].percent) != rows[i].amount)
			fail_msg("%s", rows[i].sentence);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_amount) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
