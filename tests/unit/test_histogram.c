#include "tests/test.h"

#include "lib/core/histogram.h"

static void
each_bound_is_the_first_of_its_slot(UNUSED void **state)
{
	for (size_t slot = 0; slot < HISTOGRAM_SLOTS; slot++) {
		int64_t bound = histogram_bound(slot);

		assert_int_equal(histogram_slot(bound), slot);
		if (slot > 0) {
			assert_true(bound > histogram_bound(slot - 1));
			assert_int_equal(histogram_slot(bound - 1), slot - 1);
		}
	}
}

static void
slots_are_at_most_an_eighth_wide(UNUSED void **state)
{
	for (size_t slot = 16; slot + 1 < HISTOGRAM_SLOTS; slot++)
		assert_true((histogram_bound(slot + 1) - histogram_bound(slot)) * 8 <=
			    histogram_bound(slot));
}

static void
what_lasts_longer_counts_in_the_last(UNUSED void **state)
{
	struct histogram histogram = { 0 };

	assert_int_equal(histogram_slot(INT64_MAX), HISTOGRAM_SLOTS - 1);
	assert_int_equal(histogram_slot(INT64_C(1) << 31), HISTOGRAM_SLOTS - 1);
	histogram_add(&histogram, HISTOGRAM_SLOTS, 2);
	assert_int_equal(histogram.calls[HISTOGRAM_SLOTS - 1], 2);
	assert_int_equal(histogram_quantile(&histogram, 500), histogram_bound(HISTOGRAM_SLOTS - 1));
}

static void
sums_stay_at_the_largest(UNUSED void **state)
{
	struct histogram histogram = { 0 };

	histogram_add(&histogram, 3, INT64_MAX);
	histogram_add(&histogram, 3, 1);
	assert_int_equal(histogram.calls[3], INT64_MAX);
	assert_int_equal(histogram.total, INT64_MAX);
	assert_int_equal(histogram_quantile(&histogram, 1000), 3);
}

/* 1 to 15 milliseconds, so many calls of each. */
static const struct {
	const char *sentence;
	int64_t calls[16];
	int permille;
	int64_t expected;
} quantiles[] = {
	{ "nothing has no quantile", { 0 }, 500, -1 },
	{ "one call is each quantile", { [7] = 1 }, 1, 7 },
	{ "the lower of two is the median", { [1] = 1, [2] = 1 }, 500, 1 },
	{ "a permille more is the upper", { [1] = 1, [2] = 1 }, 501, 2 },
	{ "of three the second is the median", { [1] = 1, [2] = 1, [9] = 1 }, 500, 2 },
	{ "of a hundred the 99th is p99", { [1] = 98, [5] = 1, [9] = 1 }, 990, 5 },
	{ "of 101 it is the 100th", { [1] = 99, [5] = 1, [9] = 1 }, 990, 5 },
	{ "all are within the whole", { [1] = 99, [15] = 1 }, 1000, 15 },
	{ "a call of no time counts", { [0] = 2, [4] = 1 }, 500, 0 },
};

static void
quantiles_are_of_rank_ceil(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(quantiles); i++) {
		struct histogram histogram = { 0 };

		for (size_t slot = 0; slot < COUNT(quantiles[i].calls); slot++)
			histogram_add(&histogram, slot, quantiles[i].calls[slot]);
		if (histogram_quantile(&histogram, quantiles[i].permille) != quantiles[i].expected)
			fail_msg("%s", quantiles[i].sentence);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bound_is_the_first_of_its_slot),
		cmocka_unit_test(slots_are_at_most_an_eighth_wide),
		cmocka_unit_test(what_lasts_longer_counts_in_the_last),
		cmocka_unit_test(sums_stay_at_the_largest),
		cmocka_unit_test(quantiles_are_of_rank_ceil),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
