#include "tests/test.h"

#include <string.h>

#include "lib/core/price.h"

#define NO_CACHE .cached = PRICE_NONE, .cache_write = PRICE_NONE, .reasoning = PRICE_NONE
#define NO_TIER_CACHE .tier_cached = PRICE_NONE, .tier_cache_write = PRICE_NONE
#define PLAIN .input = 1000, .output = 3000, NO_CACHE
#define ALL .input = 1000, .output = 3000, .cached = 100, .cache_write = 1250, .reasoning = 5000

static const struct cost {
	const char *sentence;
	struct usage usage;
	struct rates rates;
	int64_t nanos;
} costs[] = {
	{ "no tokens cost nothing", { 0 }, { PLAIN }, 0 },
	{ "input and output", { .input = 10, .output = 5 }, { PLAIN }, 25 },
	{ "every class has its rate",
	    { .input = 10, .cached = 100, .cache_write = 4, .output = 7, .reasoning = 2 }, { ALL },
	    10 + 10 + 5 + 15 + 10 },
	{ "without rates of their own, cache counts as input and reasoning as output",
	    { .input = 1, .cached = 2, .cache_write = 3, .output = 9, .reasoning = 4 }, { PLAIN },
	    1 + 2 + 3 + 27 },
	{ "a rate of zero is a rate", { .cached = 9 },
	    { .input = 1000, .cached = 0, .cache_write = PRICE_NONE, .reasoning = PRICE_NONE }, 0 },
	{ "tokens of the trace's cheapest model", { .input = 374, .output = 44 },
	    { .input = 150000, .output = 600000, NO_CACHE }, 56100 + 26400 },

	{ "just below a half goes down", { .input = 499 }, { .input = 1, NO_CACHE }, 0 },
	{ "a half goes to the even number below", { .input = 500 }, { .input = 1, NO_CACHE }, 0 },
	{ "just above a half goes up", { .input = 501 }, { .input = 1, NO_CACHE }, 1 },
	{ "a half goes to the even number above", { .input = 1500 }, { .input = 1, NO_CACHE }, 2 },
	{ "two and a half are two", { .input = 2500 }, { .input = 1, NO_CACHE }, 2 },
	{ "the sum is rounded, not its parts", { .input = 1, .output = 1 },
	    { .input = 400, .output = 400, NO_CACHE }, 1 },

	{ "at the tier's tokens the first rates hold",
	    { .input = 60, .cached = 30, .cache_write = 10 },
	    { PLAIN, .tier_tokens = 100, .tier_input = 2000, .tier_output = 9000, NO_TIER_CACHE },
	    100 },
	{ "one token more and the tier's hold for the whole call",
	    { .input = 61, .cached = 30, .cache_write = 10, .output = 1 },
	    { PLAIN, .tier_tokens = 100, .tier_input = 2000, .tier_output = 9000, NO_TIER_CACHE },
	    202 + 9 },
	{ "output tokens do not lead into the tier", { .input = 100, .output = 100 },
	    { PLAIN, .tier_tokens = 100, .tier_input = 2000, .tier_output = 9000, NO_TIER_CACHE },
	    100 + 300 },
	{ "no tier with zero tokens", { .input = 1000 },
	    { PLAIN, .tier_tokens = 0, .tier_input = 2000, .tier_output = 9000, NO_TIER_CACHE },
	    1000 },
	{ "a rate that the tier does not give stays",
	    { .input = 100, .cached = 10, .cache_write = 4, .output = 2 },
	    { ALL, .tier_tokens = 100, .tier_input = 2000, .tier_output = PRICE_NONE,
		NO_TIER_CACHE },
	    200 + 1 + 5 + 6 },
	{ "the tier's cache rates",
	    { .input = 100, .cached = 10, .cache_write = 4, .output = 2, .reasoning = 1 },
	    { ALL, .tier_tokens = 100, .tier_input = 2000, .tier_output = 4000, .tier_cached = 300,
		.tier_cache_write = 2500 },
	    200 + 3 + 10 + 4 + 5 },

	{ "the largest call",
	    { .input = PRICE_TOKENS_MAX,
		.cached = PRICE_TOKENS_MAX,
		.cache_write = PRICE_TOKENS_MAX,
		.output = PRICE_TOKENS_MAX,
		.reasoning = PRICE_TOKENS_MAX },
	    { .input = PRICE_RATE_MAX, .output = PRICE_RATE_MAX, NO_CACHE },
	    INT64_C(4000000000000000000) },
};

static void
costs_are_exact(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(costs); i++) {
		int64_t nanos = price_cost(&costs[i].usage, &costs[i].rates);

		if (nanos != costs[i].nanos)
			fail_msg("%s: %lld", costs[i].sentence, (long long)nanos);
	}
}

static const struct style {
	const char *sentence;
	const char *provider;
	enum usage_style style;
	struct usage usage;
	bool good;
	int64_t input; /* afterwards */
} styles[] = {
	{ "OpenAI's input holds what came from the cache", "openai", USAGE_INCLUSIVE,
	    { .input = 100, .cached = 30, .cache_write = 10 }, true, 60 },
	{ "all of it may come from the cache", "openai", USAGE_INCLUSIVE,
	    { .input = 40, .cached = 30, .cache_write = 10 }, true, 0 },
	{ "more than all may not", "openai", USAGE_INCLUSIVE,
	    { .input = 39, .cached = 30, .cache_write = 10 }, false, 39 },
	{ "Anthropic's input does not", "anthropic", USAGE_DISJOINT,
	    { .input = 5, .cached = 30, .cache_write = 10 }, true, 5 },
	{ "Anthropic in other letters", "Anthropic", USAGE_DISJOINT, { .cached = 30 }, true, 0 },
	{ "Anthropic's older interface", "anthropic_text", USAGE_DISJOINT, { .cached = 30 }, true,
	    0 },
	{ "a name that begins alike", "anthropical", USAGE_INCLUSIVE, { .cached = 30 }, false, 0 },
	{ "no provider", NULL, USAGE_INCLUSIVE, { .input = 10, .cached = 1 }, true, 9 },
	{ "reasoning is a part of output", "openai", USAGE_INCLUSIVE,
	    { .output = 10, .reasoning = 10 }, true, 0 },
	{ "and not larger", "openai", USAGE_INCLUSIVE,
	    { .input = 3, .output = 10, .reasoning = 11 }, false, 3 },
	{ "nowhere", "anthropic", USAGE_DISJOINT, { .input = 3, .output = 10, .reasoning = 11 },
	    false, 3 },
	{ "a count beyond the limit is refused, not added", "openai", USAGE_INCLUSIVE,
	    { .input = PRICE_TOKENS_MAX, .cached = INT64_MAX, .cache_write = INT64_MAX }, false,
	    PRICE_TOKENS_MAX },
	{ "a count below zero too", "openai", USAGE_INCLUSIVE, { .input = 5, .cached = -1 }, false,
	    5 },
};

static void
classes_are_made_disjoint(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(styles); i++) {
		struct usage usage = styles[i].usage;
		enum usage_style style = usage_style(styles[i].provider);
		bool good = usage_make_disjoint(style, &usage);

		if (style != styles[i].style || good != styles[i].good ||
		    usage.input != styles[i].input)
			fail_msg("%s: style %d, %s, input %lld", styles[i].sentence, (int)style,
			    good ? "good" : "refused", (long long)usage.input);
		usage.input = styles[i].usage.input;
		assert_memory_equal(&usage, &styles[i].usage, sizeof(usage));
	}
}

static const struct worst {
	const char *sentence;
	int64_t input, output;
	struct rates rates;
	int64_t nanos;
} worsts[] = {
	{ "no tokens cost nothing", 0, 0, { ALL }, 0 },
	{ "without rates of their own, every class costs what its kind does", 10, 5, { PLAIN },
	    10 + 15 },
	{ "input may have to be written into the cache, output be reasoning", 100, 5, { ALL },
	    125 + 25 },
	{ "input may be all uncached", 100, 0, { .input = 1000, .cached = 100, .cache_write = 0 },
	    100 },
	{ "input may come from a cache that is dearer", 100, 0,
	    { .input = 1000, .cached = 4000, .cache_write = 2000 }, 400 },
	{ "output may be no reasoning", 0, 4, { .output = 3000, .reasoning = 1000 }, 12 },
	{ "at the tier's tokens the first rates hold", 100, 1,
	    { PLAIN, .tier_tokens = 100, .tier_input = 2000, .tier_output = 9000, NO_TIER_CACHE },
	    100 + 3 },
	{ "one token more and the tier's do", 101, 1,
	    { PLAIN, .tier_tokens = 100, .tier_input = 2000, .tier_output = 9000, NO_TIER_CACHE },
	    202 + 9 },
	{ "the tier's cache may be the dearest", 200, 0,
	    { ALL, .tier_tokens = 100, .tier_input = 2000, .tier_output = PRICE_NONE,
		.tier_cached = PRICE_NONE, .tier_cache_write = 2500 },
	    500 },
	{ "a half goes to the even number", 5, 0, { .input = 300, NO_CACHE }, 2 },
	{ "the largest call", PRICE_TOKENS_MAX, PRICE_TOKENS_MAX,
	    { .input = PRICE_RATE_MAX, .output = PRICE_RATE_MAX, NO_CACHE },
	    INT64_C(2000000000000000000) },
};

static void
the_worst_is_exact(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(worsts); i++) {
		int64_t nanos = price_worst(worsts[i].input, worsts[i].output, &worsts[i].rates);

		if (nanos != worsts[i].nanos)
			fail_msg("%s: %lld", worsts[i].sentence, (long long)nanos);
	}
}

/* xorshift64*: the same numbers in every run. */
static int64_t
next_below(uint64_t *seed, int64_t end)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return (int64_t)((*seed * UINT64_C(2685821657736338717)) >> 33) % end;
}

static int64_t
random_rate(uint64_t *seed, bool optional)
{
	return optional && next_below(seed, 3) == 0 ? PRICE_NONE : next_below(seed, 5000);
}

static struct rates
random_rates(uint64_t *seed)
{
	return (struct rates){
		.input = random_rate(seed, false),
		.output = random_rate(seed, false),
		.cached = random_rate(seed, true),
		.cache_write = random_rate(seed, true),
		.reasoning = random_rate(seed, true),
		.tier_tokens = next_below(seed, 200),
		.tier_input = random_rate(seed, true),
		.tier_output = random_rate(seed, true),
		.tier_cached = random_rate(seed, true),
		.tier_cache_write = random_rate(seed, true),
	};
}

/* Some call with so many input tokens and at most so many output tokens. */
static struct usage
random_split(uint64_t *seed, int64_t input, int64_t output)
{
	struct usage usage = { .cached = next_below(seed, input + 1) };

	usage.cache_write = next_below(seed, input - usage.cached + 1);
	usage.input = input - usage.cached - usage.cache_write;
	usage.output = next_below(seed, 2) == 0 ? output : next_below(seed, output + 1);
	usage.reasoning = next_below(seed, usage.output + 1);
	return usage;
}

/* The dearest of the calls that have all their tokens in one class of each kind. */
static int64_t
dearest_corner(int64_t input, int64_t output, const struct rates *rates)
{
	int64_t dearest = 0;

	for (int corner = 0; corner < 6; corner++) {
		struct usage usage = { .output = output, .reasoning = corner % 2 * output };
		int64_t *const classes[] = { &usage.input, &usage.cached, &usage.cache_write };
		int64_t nanos;

		*classes[corner / 2] = input;
		nanos = price_cost(&usage, rates);
		dearest = nanos > dearest ? nanos : dearest;
	}
	return dearest;
}

static void
no_split_costs_more_than_the_worst(void **state)
{
	uint64_t seed = 20261122;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct rates rates = random_rates(&seed);
		int64_t input = next_below(&seed, 300), output = next_below(&seed, 300);
		int64_t worst = price_worst(input, output, &rates);

		/* It is the price of a call, and of none that is cheaper. */
		assert_int_equal(worst, dearest_corner(input, output, &rates));
		for (int j = 0; j < 20; j++) {
			struct usage usage = random_split(&seed, input, output);

			if (price_cost(&usage, &rates) > worst)
				fail_msg(
				    "round %d: a split costs more than %lld", i, (long long)worst);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(costs_are_exact),
		cmocka_unit_test(the_worst_is_exact),
		cmocka_unit_test(no_split_costs_more_than_the_worst),
		cmocka_unit_test(classes_are_made_disjoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
