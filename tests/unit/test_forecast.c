#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/core/forecast.h"

#define ROUNDS 20000

#define WEEK(a, b, c, d, e, f, g) a, b, c, d, e, f, g
#define SAME(n) WEEK(n, n, n, n, n, n, n)
/* From a Thursday to a Wednesday: nothing at the weekend. */
#define WORKING(n) WEEK(n, n, 0, 0, n, n, n)

static const struct {
	const char *sentence;
	int64_t days[FORECAST_DAYS_MAX + 1];
	size_t count;
	int64_t so_far, today_left, days_left;
	struct forecast expected; /* days_used 0: there is none */
} rows[] = {
	{ "no days give no forecast", { 0 }, 0, 5, 0, 1, { 0 } },
	{ "nor do six", { SAME(9) }, 6, 5, 0, 1, { 0 } },
	{ "seven equal days leave no doubt", { SAME(10) }, 7, 100, 500, 3,
	    { 135, 135, 135, 7, false } },
	{ "what remains of today counts by its part", { SAME(1000) }, 7, 0, 1, 0,
	    { 1, 1, 1, 7, false } },
	{ "the last instant is what was spent", { WEEK(1, 2, 3, 4, 5, 6, 7) }, 7, 28, 0, 0,
	    { 28, 28, 28, 7, false } },
	/* The mean is 40, s^2 = 2800 / 6, the days to come 2 * s^2, their means 4 / 7 * s^2:
	 * 1.44 * sqrt(466.67 * 2.5714) = 49.88. */
	{ "two days, by hand", { WEEK(10, 20, 30, 40, 50, 60, 70) }, 7, 280, 0, 2,
	    { 360, 311, 409, 7, false } },
	{ "never below what was spent", { WEEK(0, 0, 0, 0, 0, 0, 700) }, 7, 700, 0, 1,
	    { 800, 700, 1207, 7, false } },
	{ "thirteen days are taken as one kind", { WORKING(70), WORKING(70) }, 13, 0, 0, 0,
	    { 0, 0, 0, 13, false } },
	{ "a Thursday is followed by a Friday and a weekend", { WORKING(70), WORKING(70) }, 14, 500,
	    0, 3, { 570, 570, 570, 14, true } },
	{ "and then by a Monday", { WORKING(70), WORKING(70) }, 14, 500, 1000, 4,
	    { 710, 710, 710, 14, true } },
	/* Each kind has a mean of 20 and two residuals of 10: s^2 = 1400 / 7, and one day to come:
	 * 1.44 * sqrt(200 * 1.5) = 24.94. */
	{ "by weekday, by hand", { SAME(10), SAME(30) }, 14, 0, 0, 1, { 20, 0, 44, 14, true } },
	{ "a day before the last 28 is not looked at",
	    { 1000000, SAME(10), SAME(10), SAME(10), SAME(10) }, 29, 0, 0, 31,
	    { 310, 310, 310, 28, true } },
	{ "a credit may leave less than nothing", { SAME(10) }, 7, -1000, 0, 2,
	    { -980, -980, -980, 7, false } },
	{ "nothing is spent where nothing was", { SAME(0) }, 7, 0, 1000, 31,
	    { 0, 0, 0, 7, false } },
	{ "a sum beyond INT64_MAX stays there", { SAME(INT64_MAX) }, 7, INT64_MAX, 1000, 31,
	    { INT64_MAX, INT64_MAX, INT64_MAX, 7, false } },
	{ "and so does the end of the range", { WEEK(0, INT64_MAX, 0, INT64_MAX, 0, INT64_MAX, 0) },
	    7, 0, 0, 1, { 3952873730080618203, 0, INT64_MAX, 7, false } },
};

static void
test_rows(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct forecast found = { 0 };
		const struct forecast *expected = &rows[i].expected;
		bool any =
		    forecast_find(&(struct forecast_input){ rows[i].days, rows[i].count,
				      rows[i].so_far, rows[i].today_left, rows[i].days_left },
			&found);

		if (any != (expected->days_used > 0) || found.expected != expected->expected ||
		    found.low != expected->low || found.high != expected->high ||
		    found.days_used != expected->days_used ||
		    found.by_weekday != expected->by_weekday)
			fail_msg("%s: %lld from %lld to %lld", rows[i].sentence,
			    (long long)found.expected, (long long)found.low, (long long)found.high);
	}
}

static uint64_t seed;

/* xorshift64: the same numbers at each run. */
static int64_t
draw(int64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (int64_t)(seed % (uint64_t)below);
}

struct sample {
	int64_t days[40];
	struct forecast_input input;
};

static struct sample *
draw_sample(struct sample *sample, int64_t most)
{
	int64_t below = 1 + draw(most), added = draw(below), taken = draw(below);

	sample->input = (struct forecast_input){ sample->days, FORECAST_DAYS_MIN + (size_t)draw(33),
		added - taken, draw(FORECAST_WHOLE_DAY + 1), draw(FORECAST_LEFT_MAX + 1) };
	for (size_t i = 0; i < sample->input.count; i++)
		sample->days[i] = draw(below);
	return sample;
}

static struct forecast
find(const struct forecast_input *input)
{
	struct forecast ret = { 0 };

	assert_true(forecast_find(input, &ret));
	return ret;
}

static void
test_the_range_holds_what_is_expected(UNUSED void **state)
{
	struct sample sample;

	seed = 1;
	for (int i = 0; i < ROUNDS; i++) {
		int64_t most = i % 2 == 0 ? INT64_MAX : 1000000;
		struct forecast found = find(&draw_sample(&sample, most)->input);

		assert_true(found.low <= found.expected && found.expected <= found.high);
		assert_true(found.low >= sample.input.so_far);
	}
}

static void
test_more_to_come_costs_no_less(UNUSED void **state)
{
	struct sample sample;

	seed = 2;
	for (int i = 0; i < ROUNDS; i++) {
		struct forecast_input *input = &draw_sample(&sample, INT64_MAX)->input;
		struct forecast less = find(input), more;

		input->days_left += input->days_left < FORECAST_LEFT_MAX;
		more = find(input);
		assert_true(more.expected >= less.expected && more.high >= less.high);
		less = more;
		input->today_left = FORECAST_WHOLE_DAY;
		more = find(input);
		assert_true(more.expected >= less.expected && more.high >= less.high);
	}
}

static void
test_what_was_spent_more_is_expected_more(UNUSED void **state)
{
	struct sample sample;

	seed = 3;
	for (int i = 0; i < ROUNDS; i++) {
		struct forecast_input *input = &draw_sample(&sample, INT64_MAX / 200)->input;
		struct forecast less = find(input), more;

		input->so_far += 7;
		more = find(input);
		assert_true(more.expected == less.expected + 7 && more.high == less.high + 7);
		assert_true(more.low >= less.low && more.low <= less.low + 7);
		sample.days[draw((int64_t)input->count)] += 1000;
		assert_true(find(input).expected >= more.expected);
	}
}

/* Of many months with weekends and noise, about as many as it says end within the range. */
static void
test_the_range_is_as_wide_as_it_says(UNUSED void **state)
{
	int64_t days[FORECAST_DAYS_MAX];
	int within = 0;

	seed = 4;
	for (int round = 0; round < ROUNDS; round++) {
		int64_t left = 1 + draw(20), end = 0;
		struct forecast found;

		for (int64_t i = 0; i < FORECAST_DAYS_MAX + left; i++) {
			int64_t day = i % 7 < 5 ? 100000 : 20000;

			day += draw(10000) + draw(10000) + draw(10000);
			if (i < FORECAST_DAYS_MAX)
				days[i] = day;
			else
				end += day;
		}
		/* The part of the first day to come is all of it. */
		found = find(
		    &(struct forecast_input){ days, COUNT(days), 0, FORECAST_WHOLE_DAY, left - 1 });
		within += found.low <= end && end <= found.high;
	}
	assert_in_range(within * 100 / ROUNDS, FORECAST_CONFIDENCE - 3, FORECAST_CONFIDENCE + 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_the_range_holds_what_is_expected),
		cmocka_unit_test(test_more_to_come_costs_no_less),
		cmocka_unit_test(test_what_was_spent_more_is_expected_more),
		cmocka_unit_test(test_the_range_is_as_wide_as_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
