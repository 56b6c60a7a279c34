#include "lib/core/forecast.h"

#include <assert.h>

#define WEEKDAYS 7
/* Residuals are cut to so many bits: the squares of all, times all weights, fit into 128. */
#define RESIDUAL_BITS 44
/* Student's t at 90 %: 1.440 with the six degrees of freedom of FORECAST_DAYS_MIN, less with more.
 */
#define T_HUNDREDTHS 144
#define HUNDREDTHS 100

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

/* Days of which the same is expected. */
struct kind {
	int128 sum;
	int64_t count;
	int64_t left; /* days to come, in parts of a whole day */
};

struct kinds {
	struct kind at[WEEKDAYS];
	size_t count; /* WEEKDAYS, or 1 */
};

static int64_t
saturate(int128 amount)
{
	return amount > INT64_MAX ? INT64_MAX : (int64_t)amount;
}

/* The largest whole number whose square is not larger. */
static uint128
root(uint128 square)
{
	uint128 found = 0;

	for (uint128 bit = (uint128)1 << 63; bit > 0; bit >>= 1) {
		uint128 next = found | bit;

		if (next * next <= square)
			found = next;
	}
	return found;
}

/* Today is of kind 0. */
static struct kinds
sort_days(const int64_t *days, size_t count, const struct forecast_input *input)
{
	struct kinds kinds = { .count = count < FORECAST_WEEKDAYS_MIN ? 1 : WEEKDAYS };

	for (size_t ago = 1; ago <= count; ago++) {
		struct kind *kind = &kinds.at[(kinds.count - ago % kinds.count) % kinds.count];

		assert(days[count - ago] >= 0);
		kind->sum += days[count - ago];
		kind->count++;
	}
	kinds.at[0].left = input->today_left;
	for (size_t ahead = 1; ahead <= (size_t)input->days_left; ahead++)
		kinds.at[ahead % kinds.count].left += FORECAST_WHOLE_DAY;
	return kinds;
}

static int128
expect_rest(const struct kinds *kinds)
{
	int128 rest = 0;

	for (size_t i = 0; i < kinds->count; i++) {
		const struct kind *kind = &kinds->at[i];
		int128 parts = (int128)kind->count * FORECAST_WHOLE_DAY;

		rest += (kind->sum * kind->left + parts / 2) / parts;
	}
	return rest;
}

/* How far a day was from what is expected of its kind. */
static uint128
find_residual(const int64_t *days, size_t count, const struct kinds *kinds, size_t ago)
{
	const struct kind *kind = &kinds->at[(kinds->count - ago % kinds->count) % kinds->count];
	int128 far = days[count - ago] - kind->sum / kind->count;

	return (uint128)(far < 0 ? -far : far);
}

/*
 * The days to come differ each by itself, and the means that are expected of them are those of few
 * days: both in squares of parts of a day.
 */
static uint128
weigh(const struct kinds *kinds)
{
	int64_t weight = 0;

	for (size_t i = 0; i < kinds->count; i++) {
		const struct kind *kind = &kinds->at[i];

		weight += kind->left * FORECAST_WHOLE_DAY + kind->left * kind->left / kind->count;
	}
	return (uint128)weight;
}

static int128
find_spread(const int64_t *days, size_t count, const struct kinds *kinds)
{
	uint128 largest = 0, squares = 0;
	int shift = 0;

	for (size_t ago = 1; ago <= count; ago++) {
		uint128 residual = find_residual(days, count, kinds, ago);

		largest = residual > largest ? residual : largest;
	}
	while (largest >> shift >> RESIDUAL_BITS > 0)
		shift++;
	for (size_t ago = 1; ago <= count; ago++) {
		uint128 residual = find_residual(days, count, kinds, ago) >> shift;

		squares += residual * residual;
	}
	squares = squares * weigh(kinds) / (count - kinds->count);
	return (int128)(root(squares) << shift) * T_HUNDREDTHS / HUNDREDTHS / FORECAST_WHOLE_DAY;
}

bool
forecast_find(const struct forecast_input *input, struct forecast *ret)
{
	size_t count = input->count < FORECAST_DAYS_MAX ? input->count : FORECAST_DAYS_MAX;
	int128 expected, spread;
	struct kinds kinds;

	assert(input->today_left >= 0 && input->today_left <= FORECAST_WHOLE_DAY);
	assert(input->days_left >= 0 && input->days_left <= FORECAST_LEFT_MAX);
	if (count < FORECAST_DAYS_MIN)
		return false;
	const int64_t *days = input->days + (input->count - count);
	kinds = sort_days(days, count, input);
	expected = input->so_far + expect_rest(&kinds);
	spread = find_spread(days, count, &kinds);
	*ret = (struct forecast){
		.expected = saturate(expected),
		.low =
		    expected - spread < input->so_far ? input->so_far : saturate(expected - spread),
		.high = saturate(expected + spread),
		.days_used = (int)count,
		.by_weekday = kinds.count == WEEKDAYS,
	};
	return true;
}
