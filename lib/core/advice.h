/*
 * What could be done about a prompt: rules over what is known of it and of its call, each a code
 * and a sentence. Pure. A rule whose numbers are not known gives no advice.
 */
#ifndef LIB_CORE_ADVICE_H
#define LIB_CORE_ADVICE_H

#include "lib/base.h"

#define ADVICE_UNKNOWN INT64_C(-1)

/* Shares in ten-thousandths. */
#define ADVICE_REDUNDANCY 2500 /* from here on */
#define ADVICE_RATIO 9500 /* from here on, of at least ADVICE_RATIO_TOKENS */
#define ADVICE_RATIO_TOKENS 1000
#define ADVICE_LONG_TOKENS 4000 /* a long prompt, from here on */
#define ADVICE_SHORT_TOKENS 100 /* a short answer, up to here */
#define ADVICE_CACHE_TOKENS 1024 /* the least that providers cache */
#define ADVICE_BLANK 3000 /* from here on, of at least ADVICE_BLANK_BYTES */
#define ADVICE_BLANK_BYTES 1000

enum advice {
	ADVICE_CACHE_PREFIX, /* the same beginning came before, and nothing was cached */
	ADVICE_REPEATED_TEXT, /* redundancy */
	ADVICE_REPEATED_LINES, /* a line that stood before */
	ADVICE_MOSTLY_INPUT, /* input to input and output */
	ADVICE_LONG_FOR_SHORT, /* a long prompt for a short answer */
	ADVICE_WHITE_SPACE, /* white space to bytes */
	ADVICE_COUNT
};
extern const char *const advice_codes[]; /* NULL behind the last */
extern const char *const advice_sentences[];

struct advice_facts {
	int64_t input_tokens; /* all classes; ADVICE_UNKNOWN where not known, as below */
	int64_t output_tokens;
	int64_t cached_input_tokens; /* read from a cache, a part of the input */
	bool prefix_seen; /* another call's prompt began with the same PROMPT_PREFIX bytes */
	int64_t redundancy; /* ten-thousandths */
	int64_t repeated_lines;
	int64_t bytes;
	int64_t blank_bytes; /* spaces, tabs, ends of lines */
};

/* input / (input + output) in ten-thousandths, rounded half up; ADVICE_UNKNOWN where one is not
 * known or both are 0. */
int64_t advice_ratio(int64_t input_tokens, int64_t output_tokens);
/* Bits 1 << enum advice. */
uint64_t advice_give(const struct advice_facts *facts);

#endif
