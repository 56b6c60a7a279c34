#include "tests/test.h"

#include "lib/core/advice.h"

#define NONE ADVICE_UNKNOWN
#define BIT(advice) (UINT64_C(1) << (advice))

static const struct {
	const char *sentence;
	struct advice_facts facts;
	uint64_t advice;
} rules[] = {
	{ "nothing is known", { .input_tokens = NONE, .output_tokens = NONE }, 0 },
	{ "a beginning seen before, of the least that is cached",
	    { .prefix_seen = true, .input_tokens = ADVICE_CACHE_TOKENS, .output_tokens = NONE },
	    BIT(ADVICE_CACHE_PREFIX) },
	{ "one token less is not cached",
	    { .prefix_seen = true, .input_tokens = ADVICE_CACHE_TOKENS - 1, .output_tokens = NONE },
	    0 },
	{ "one that was not seen", { .input_tokens = ADVICE_CACHE_TOKENS, .output_tokens = NONE },
	    0 },
	{ "something was cached",
	    { .prefix_seen = true,
		.input_tokens = ADVICE_CACHE_TOKENS,
		.output_tokens = NONE,
		.cached_input_tokens = 1 },
	    0 },
	{ "nobody knows whether something was cached",
	    { .prefix_seen = true,
		.input_tokens = ADVICE_CACHE_TOKENS,
		.output_tokens = NONE,
		.cached_input_tokens = NONE },
	    0 },
	{ "a quarter repeats", { .redundancy = ADVICE_REDUNDANCY }, BIT(ADVICE_REPEATED_TEXT) },
	{ "less than a quarter", { .redundancy = ADVICE_REDUNDANCY - 1 }, 0 },
	{ "a line again", { .repeated_lines = 1 }, BIT(ADVICE_REPEATED_LINES) },
	{ "19 of 20 are input", { .input_tokens = 1900, .output_tokens = 100 },
	    BIT(ADVICE_MOSTLY_INPUT) },
	{ "a little less", { .input_tokens = 1899, .output_tokens = 101 }, 0 },
	{ "too few to matter", { .input_tokens = ADVICE_RATIO_TOKENS - 1, .output_tokens = 0 }, 0 },
	{ "just enough", { .input_tokens = ADVICE_RATIO_TOKENS, .output_tokens = 0 },
	    BIT(ADVICE_MOSTLY_INPUT) },
	{ "long for short",
	    { .input_tokens = ADVICE_LONG_TOKENS, .output_tokens = ADVICE_SHORT_TOKENS },
	    BIT(ADVICE_MOSTLY_INPUT) | BIT(ADVICE_LONG_FOR_SHORT) },
	{ "not so long",
	    { .input_tokens = ADVICE_LONG_TOKENS - 1, .output_tokens = ADVICE_SHORT_TOKENS },
	    BIT(ADVICE_MOSTLY_INPUT) },
	{ "not so short",
	    { .input_tokens = ADVICE_LONG_TOKENS, .output_tokens = ADVICE_SHORT_TOKENS + 1 },
	    BIT(ADVICE_MOSTLY_INPUT) },
	{ "the answer is not known", { .input_tokens = ADVICE_LONG_TOKENS, .output_tokens = NONE },
	    0 },
	{ "white space", { .bytes = ADVICE_BLANK_BYTES, .blank_bytes = 300 },
	    BIT(ADVICE_WHITE_SPACE) },
	{ "less white space", { .bytes = ADVICE_BLANK_BYTES, .blank_bytes = 299 }, 0 },
	{ "too short to matter",
	    { .bytes = ADVICE_BLANK_BYTES - 1, .blank_bytes = ADVICE_BLANK_BYTES - 1 }, 0 },
};

static void
each_rule_has_its_bound(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rules); i++) {
		if (advice_give(&rules[i].facts) != rules[i].advice)
			fail_msg(
			    "%s: %#x", rules[i].sentence, (unsigned)advice_give(&rules[i].facts));
	}
}

static const struct {
	const char *sentence;
	int64_t input, output;
	int64_t ratio;
} ratios[] = {
	{ "as much as comes back", 7, 7, 5000 },
	{ "nothing comes back", 7, 0, 10000 },
	{ "nothing goes in", 0, 7, 0 },
	{ "rounded to the nearest", 2, 1, 6667 },
	{ "a half goes up", 1, 19999, 1 },
	{ "less than a half down", 1, 20001, 0 },
	{ "nothing at all", 0, 0, NONE },
	{ "no input known", NONE, 1, NONE },
	{ "no output known", 1, NONE, NONE },
	{ "as much as there can be", INT64_MAX, INT64_MAX, 5000 },
	{ "as much as there can be, and nothing back", INT64_MAX, 0, 10000 },
};

static void
a_ratio_is_of_all_tokens(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(ratios); i++) {
		if (advice_ratio(ratios[i].input, ratios[i].output) != ratios[i].ratio)
			fail_msg("%s: %d", ratios[i].sentence,
			    (int)advice_ratio(ratios[i].input, ratios[i].output));
	}
}

static void
each_advice_has_a_code_and_a_sentence(UNUSED void **state)
{
	for (int i = 0; i < ADVICE_COUNT; i++) {
		assert_non_null(advice_codes[i]);
		assert_non_null(advice_sentences[i]);
	}
	assert_null(advice_codes[ADVICE_COUNT]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_has_its_bound),
		cmocka_unit_test(a_ratio_is_of_all_tokens),
		cmocka_unit_test(each_advice_has_a_code_and_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
