#include "lib/core/advice.h"

const char *const advice_codes[] = {
	[ADVICE_CACHE_PREFIX] = "cache_prefix",
	[ADVICE_REPEATED_TEXT] = "repeated_text",
	[ADVICE_REPEATED_LINES] = "repeated_lines",
	[ADVICE_MOSTLY_INPUT] = "mostly_input",
	[ADVICE_LONG_FOR_SHORT] = "long_for_short",
	[ADVICE_WHITE_SPACE] = "white_space",
	[ADVICE_COUNT] = NULL,
};

const char *const advice_sentences[] = {
	[ADVICE_CACHE_PREFIX] = "Other calls begin with the same text and none of it was read from "
				"a cache: use the provider's prompt caching.",
	[ADVICE_REPEATED_TEXT] = "A quarter or more of the words repeat what was said before: say "
				 "it once.",
	[ADVICE_REPEATED_LINES] = "Whole lines stand in it more than once: say each instruction "
				  "once.",
	[ADVICE_MOSTLY_INPUT] = "Nearly all tokens are input: send only what the answer needs.",
	[ADVICE_LONG_FOR_SHORT] = "A long prompt gets a short answer: a cheaper model or fewer "
				  "examples may do.",
	[ADVICE_WHITE_SPACE] = "A third or so is white space: send JSON and tables without it.",
};
_Static_assert(COUNT(advice_sentences) == ADVICE_COUNT, "advice without a sentence");

/* share / whole >= least; both far from INT64_MAX / 10000. */
static bool
reaches(int64_t share, int64_t whole, int64_t least)
{
	return whole > 0 && share * 10000 >= whole * least;
}

int64_t
advice_ratio(int64_t input_tokens, int64_t output_tokens)
{
	uint64_t input = (uint64_t)input_tokens, sum = input + (uint64_t)output_tokens;

	if (input_tokens < 0 || output_tokens < 0 || sum == 0)
		return ADVICE_UNKNOWN;
	/* Of numbers so large the last digits tell nothing. */
	for (; sum > INT64_MAX / 20000; sum /= 2)
		input /= 2;
	return (int64_t)((input * 20000 + sum) / (2 * sum));
}

uint64_t
advice_give(const struct advice_facts *facts)
{
	int64_t ratio = advice_ratio(facts->input_tokens, facts->output_tokens);
	const bool rules[] = {
		[ADVICE_CACHE_PREFIX] = facts->prefix_seen && facts->cached_input_tokens == 0 &&
					facts->input_tokens >= ADVICE_CACHE_TOKENS,
		[ADVICE_REPEATED_TEXT] = facts->redundancy >= ADVICE_REDUNDANCY,
		[ADVICE_REPEATED_LINES] = facts->repeated_lines > 0,
		[ADVICE_MOSTLY_INPUT] =
		    ratio >= ADVICE_RATIO && facts->input_tokens >= ADVICE_RATIO_TOKENS,
		[ADVICE_LONG_FOR_SHORT] = facts->input_tokens >= ADVICE_LONG_TOKENS &&
					  facts->output_tokens >= 0 &&
					  facts->output_tokens <= ADVICE_SHORT_TOKENS,
		[ADVICE_WHITE_SPACE] = facts->bytes >= ADVICE_BLANK_BYTES &&
				       reaches(facts->blank_bytes, facts->bytes, ADVICE_BLANK),
	};
	uint64_t given = 0;

	_Static_assert(COUNT(rules) == ADVICE_COUNT, "advice without a rule");
	for (int i = 0; i < ADVICE_COUNT; i++) {
		if (rules[i])
			given |= UINT64_C(1) << i;
	}
	return given;
}
