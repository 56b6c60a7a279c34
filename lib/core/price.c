#include "lib/core/price.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#define PICOS_PER_NANO 1000

__extension__ typedef __int128 int128;

static bool
is_count(int64_t tokens)
{
	return tokens >= 0 && tokens <= PRICE_TOKENS_MAX;
}

static bool
is_rate(int64_t rate)
{
	return rate >= PRICE_NONE && rate <= PRICE_RATE_MAX;
}

static int64_t
first_given(int64_t rate, int64_t otherwise)
{
	return rate != PRICE_NONE ? rate : otherwise;
}

static int128
picos(int64_t tokens, int64_t rate)
{
	assert(is_count(tokens) && is_rate(rate));
	/* The other rates always have one to fall back to. */
	assert(rate != PRICE_NONE || tokens == 0);
	return (int128)tokens * rate;
}

static int64_t
round_half_even(int128 amount)
{
	int64_t whole = (int64_t)(amount / PICOS_PER_NANO);
	int64_t rest = (int64_t)(amount % PICOS_PER_NANO);

	if (rest * 2 > PICOS_PER_NANO || (rest * 2 == PICOS_PER_NANO && whole % 2 != 0))
		whole++;
	return whole;
}

/* The rates without tiers, by the size of the input. */
static struct rates
rates_for(const struct usage *usage, const struct rates *rates)
{
	struct rates flat = *rates;

	if (rates->tier_tokens > 0 &&
	    usage->input + usage->cached + usage->cache_write > rates->tier_tokens) {
		flat.input = first_given(rates->tier_input, rates->input);
		flat.output = first_given(rates->tier_output, rates->output);
		flat.cached = first_given(rates->tier_cached, rates->cached);
		flat.cache_write = first_given(rates->tier_cache_write, rates->cache_write);
	}
	flat.cached = first_given(flat.cached, flat.input);
	flat.cache_write = first_given(flat.cache_write, flat.input);
	flat.reasoning = first_given(flat.reasoning, flat.output);
	return flat;
}

int64_t
price_cost(const struct usage *usage, const struct rates *rates)
{
	const struct rates flat = rates_for(usage, rates);

	assert(usage->reasoning >= 0 && usage->reasoning <= usage->output);
	return round_half_even(picos(usage->input, flat.input) + picos(usage->cached, flat.cached) +
			       picos(usage->cache_write, flat.cache_write) +
			       picos(usage->output - usage->reasoning, flat.output) +
			       picos(usage->reasoning, flat.reasoning));
}

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t
price_worst(int64_t input, int64_t output, const struct rates *rates)
{
	const struct usage usage = { .input = input, .output = output };
	const struct rates flat = rates_for(&usage, rates);
	int64_t dearest = larger(flat.input, larger(flat.cached, flat.cache_write));

	return round_half_even(
	    picos(input, dearest) + picos(output, larger(flat.output, flat.reasoning)));
}

int64_t
price_of_tokens(int64_t tokens, int64_t rate)
{
	assert(tokens >= 0 && tokens <= PRICE_ALL_TOKENS_MAX);
	assert(rate >= 0 && rate <= PRICE_RATE_MAX);
	return round_half_even((int128)tokens * rate);
}

enum usage_style
usage_style(const char *provider)
{
	/* The second is what LiteLLM calls Anthropic's older interface. */
	static const char *const disjoint[] = { "anthropic", "anthropic_text" };

	for (size_t i = 0; provider != NULL && i < COUNT(disjoint); i++)
		if (strcasecmp(provider, disjoint[i]) == 0)
			return USAGE_DISJOINT;
	return USAGE_INCLUSIVE;
}

bool
usage_make_disjoint(enum usage_style style, struct usage *usage)
{
	int64_t inside;

	if (!is_count(usage->input) || !is_count(usage->cached) || !is_count(usage->cache_write) ||
	    !is_count(usage->output) || !is_count(usage->reasoning))
		return false;
	if (usage->reasoning > usage->output)
		return false;
	if (style == USAGE_DISJOINT)
		return true;
	inside = usage->cached + usage->cache_write;
	if (inside > usage->input)
		return false;
	usage->input -= inside;
	return true;
}
