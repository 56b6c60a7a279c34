/*
 * What a call costs: disjoint token classes times rates, exact, rounded half to even once. Pure.
 */
#ifndef LIB_CORE_PRICE_H
#define LIB_CORE_PRICE_H

#include "lib/base.h"

#define PRICE_TOKENS_MAX INT64_C(1000000000) /* tokens of one class in one call */
#define PRICE_RATE_MAX INT64_C(1000000000000) /* pico-dollars a token: one dollar a token */
#define PRICE_NONE INT64_C(-1) /* a rate that the price list does not give */

/* Disjoint classes: input is uncached input; reasoning is a part of output. */
struct usage {
	int64_t input;
	int64_t cached;
	int64_t cache_write;
	int64_t output; /* reasoning included */
	int64_t reasoning;
};

/*
 * Pico-dollars a token. cached and cache_write fall back to input, reasoning to output, where
 * PRICE_NONE. From tier_tokens on (input + cached + cache_write > tier_tokens), the tier_ rates
 * hold for the whole call where given; tier_tokens 0: no tier.
 */
struct rates {
	int64_t input, output, cached, cache_write, reasoning;
	int64_t tier_tokens;
	int64_t tier_input, tier_output, tier_cached, tier_cache_write;
};

/* Nano-dollars. The limits above make an overflow impossible; larger values are a mistake of the
 * caller (assert). */
int64_t price_cost(const struct usage *usage, const struct rates *rates);
/*
 * The most that a call can cost with input tokens of all its classes together, and at most output
 * tokens: each counts at the dearest rate that it may have.
 */
int64_t price_worst(int64_t input, int64_t output, const struct rates *rates);

/* Nano-dollars of so many tokens at one rate, rounded half to even; at most PRICE_ALL_TOKENS_MAX.
 */
#define PRICE_ALL_TOKENS_MAX (5 * PRICE_TOKENS_MAX) /* of all classes together */
int64_t price_of_tokens(int64_t tokens, int64_t rate);

/*
 * How a provider counts cached tokens: inside the input (OpenAI, OpenTelemetry) or beside it
 * (Anthropic's own API: the providers "anthropic" and "anthropic_text", in any letter case).
 */
enum usage_style { USAGE_INCLUSIVE, USAGE_DISJOINT };
enum usage_style usage_style(const char *provider); /* NULL: inclusive */
/* Makes the classes disjoint. False when the parts are larger than the whole or a count is beyond
 * the limit; usage untouched then. */
NODISCARD bool usage_make_disjoint(enum usage_style style, struct usage *usage);

#endif
