/*
 * Money and rates as integers. An amount is int64_t nano-dollars (1 cent = 10^7); a rate is int64_t
 * pico-dollars per token. Texts are plain decimals, never read through a double.
 */
#ifndef LIB_MONEY_H
#define LIB_MONEY_H

#include "lib/base.h"

#define MONEY_NANOS_PER_CENT INT64_C(10000000)
#define MONEY_NANOS_PER_CREDIT INT64_C(1000000000) /* a dollar */
#define MONEY_TEXT_SIZE 32

enum money_parse {
	MONEY_OK,
	MONEY_NOT_A_NUMBER,
	MONEY_TOO_PRECISE, /* more digits after the point than the unit has */
	MONEY_OUT_OF_RANGE
};

/* A JSON number (RFC 8259, exponents too) scaled by 10^scale into an integer: "12.5" with scale 7
 * is 125000000. */
enum money_parse money_parse_scaled(struct text text, int scale, int64_t *ret);
/* The same, but digits beyond the scale are rounded half to even; never MONEY_TOO_PRECISE. */
enum money_parse money_parse_rounded(struct text text, int scale, int64_t *ret);
/* Cents with at most 7 decimals to nano-dollars. */
enum money_parse money_parse_cents(struct text text, int64_t *ret);
/* Credits with at most 4 decimals to nano-dollars. */
enum money_parse money_parse_credits(struct text text, int64_t *ret);
/* Without trailing zeros: 125000000 is "12.5". Returns out. */
char *money_format_cents(int64_t nanos, char out[MONEY_TEXT_SIZE]);
/* value / 10^scale without trailing zeros. Returns out. */
char *money_format_scaled(int64_t value, int scale, char out[MONEY_TEXT_SIZE]);

#endif
