#include "tests/test.h"

#include "lib/money.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNTOUCHED INT64_C(-77)

__extension__ typedef unsigned __int128 wide;

static struct text
text(const char *value)
{
	return (struct text){ .at = value, .len = strlen(value) };
}

static const char *const verdicts[] = { "OK", "NOT_A_NUMBER", "TOO_PRECISE", "OUT_OF_RANGE" };

struct parse_case {
	const char *what;
	const char *text;
	int scale;
	enum money_parse verdict;
	int64_t value;
};

static void
check(enum money_parse (*parse)(struct text, int, int64_t *), const struct parse_case *c)
{
	int64_t value = UNTOUCHED, expected = c->verdict == MONEY_OK ? c->value : UNTOUCHED;
	enum money_parse verdict = parse(text(c->text), c->scale, &value);

	if (verdict != c->verdict || value != expected)
		fail_msg("%s: %s at scale %d is %s with %lld", c->what, c->text, c->scale,
		    verdicts[verdict], (long long)value);
}

static void
numbers_are_read_exactly(UNUSED void **state)
{
	static const struct parse_case cases[] = {
		{ "zero", "0", 7, MONEY_OK, 0 },
		{ "minus zero", "-0", 7, MONEY_OK, 0 },
		{ "zero with a fraction", "0.000", 1, MONEY_OK, 0 },
		{ "zero with an exponent", "0e5", 7, MONEY_OK, 0 },
		{ "zero with a huge exponent", "0e999999999999999999999", 7, MONEY_OK, 0 },
		{ "zero with a tiny exponent", "-0.0E-999999999999999999999", 7, MONEY_OK, 0 },
		{ "one", "1", 7, MONEY_OK, 10000000 },
		{ "a negative number", "-1", 7, MONEY_OK, -10000000 },
		{ "a fraction", "12.5", 7, MONEY_OK, 125000000 },
		{ "all digits of the scale", "0.0000001", 7, MONEY_OK, 1 },
		{ "zeros between", "100.0000001", 7, MONEY_OK, 1000000001 },
		{ "zeros at the end are not precision", "0.00000010000", 7, MONEY_OK, 1 },
		{ "whole zeros at the end", "1000.00000000000", 0, MONEY_OK, 1000 },
		{ "an exponent", "1e3", 0, MONEY_OK, 1000 },
		{ "a capital E", "1E3", 0, MONEY_OK, 1000 },
		{ "a plus in the exponent", "1e+3", 0, MONEY_OK, 1000 },
		{ "a negative exponent", "1500e-2", 0, MONEY_OK, 15 },
		{ "zeros before the exponent's digits", "1e0003", 0, MONEY_OK, 1000 },
		{ "a fraction lifted by its exponent", "0.00000000015e10", 1, MONEY_OK, 15 },
		{ "a fraction with an exponent", "12.34e1", 1, MONEY_OK, 1234 },
		{ "point moved into the digits", "1234.5e-2", 3, MONEY_OK, 12345 },
		{ "exponent eats zeros of the whole", "100000000000000000000000e-20", 0, MONEY_OK,
		    1000 },
		{ "the largest", "9223372036854775807", 0, MONEY_OK, INT64_MAX },
		{ "the smallest", "-9223372036854775808", 0, MONEY_OK, INT64_MIN },
		{ "the largest with a point", "922337203685.4775807", 7, MONEY_OK, INT64_MAX },
		{ "the smallest with a point", "-922337203685.4775808", 7, MONEY_OK, INT64_MIN },
		{ "the largest with an exponent", "0.9223372036854775807e19", 0, MONEY_OK,
		    INT64_MAX },
		{ "the largest scale", "9.223372036854775807", 18, MONEY_OK, INT64_MAX },
		{ "one more than the largest", "9223372036854775808", 0, MONEY_OUT_OF_RANGE, 0 },
		{ "one less than the smallest", "-9223372036854775809", 0, MONEY_OUT_OF_RANGE, 0 },
		{ "nineteen nines", "9999999999999999999", 0, MONEY_OUT_OF_RANGE, 0 },
		{ "twenty digits", "10000000000000000000", 0, MONEY_OUT_OF_RANGE, 0 },
		{ "2^64", "18446744073709551616", 0, MONEY_OUT_OF_RANGE, 0 },
		{ "2^64 and one", "18446744073709551617", 0, MONEY_OUT_OF_RANGE, 0 },
		{ "too large by the scale", "922337203685.4775808", 7, MONEY_OUT_OF_RANGE, 0 },
		{ "too large by the exponent", "1e400", 7, MONEY_OUT_OF_RANGE, 0 },
		{ "an exponent beyond int64_t", "1e99999999999999999999", 7, MONEY_OUT_OF_RANGE,
		    0 },
		{ "an exponent at the edge of int64_t", "1e9223372036854775807", 7,
		    MONEY_OUT_OF_RANGE, 0 },
		{ "one digit too many", "0.00000001", 7, MONEY_TOO_PRECISE, 0 },
		{ "a digit too many behind others", "1.00000001", 7, MONEY_TOO_PRECISE, 0 },
		{ "a tiny number", "1e-400", 7, MONEY_TOO_PRECISE, 0 },
		{ "a tiny exponent beyond int64_t", "-1e-99999999999999999999", 7,
		    MONEY_TOO_PRECISE, 0 },
		{ "half at scale 0", "0.5", 0, MONEY_TOO_PRECISE, 0 },
		{ "a fraction left by the exponent", "15e-2", 1, MONEY_TOO_PRECISE, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		check(money_parse_scaled, &cases[i]);
}

static void
numbers_are_rounded_half_to_even(UNUSED void **state)
{
	static const struct parse_case cases[] = {
		{ "nothing to round", "12.5", 7, MONEY_OK, 125000000 },
		{ "below half", "1.4", 0, MONEY_OK, 1 },
		{ "above half", "1.6", 0, MONEY_OK, 2 },
		{ "half above an odd number goes up", "1.5", 0, MONEY_OK, 2 },
		{ "half above an even number goes down", "2.5", 0, MONEY_OK, 2 },
		{ "half above zero goes down", "0.5", 0, MONEY_OK, 0 },
		{ "a little more than half goes up", "2.5000000000000000000000001", 0, MONEY_OK,
		    3 },
		{ "a little more than half above zero", "0.50000000000000000000001", 0, MONEY_OK,
		    1 },
		{ "half with zeros behind is half", "2.5000", 0, MONEY_OK, 2 },
		{ "a little less than half", "1.49999999999999999999999999", 0, MONEY_OK, 1 },
		{ "less than a tenth", "0.09", 0, MONEY_OK, 0 },
		{ "a nine in the second place is not half", "0.0999", 1, MONEY_OK, 1 },
		{ "negative half above an odd number", "-1.5", 0, MONEY_OK, -2 },
		{ "negative half above an even number", "-2.5", 0, MONEY_OK, -2 },
		{ "negative, nearly nothing", "-0.4", 0, MONEY_OK, 0 },
		{ "carry through nines", "0.99999999", 7, MONEY_OK, 10000000 },
		{ "half written with an exponent", "25e-1", 0, MONEY_OK, 2 },
		{ "half with the point behind", "0.25e1", 0, MONEY_OK, 2 },
		{ "half behind leading zeros", "0.00000005", 7, MONEY_OK, 0 },
		{ "three halves behind leading zeros", "0.00000015", 7, MONEY_OK, 2 },
		{ "a tiny number is zero", "1e-400", 7, MONEY_OK, 0 },
		{ "a tiny exponent beyond int64_t", "-9e-99999999999999999999", 7, MONEY_OK, 0 },
		{ "down to the largest", "9223372036854775807.4999", 0, MONEY_OK, INT64_MAX },
		{ "up past the largest", "9223372036854775807.5", 0, MONEY_OUT_OF_RANGE, 0 },
		{ "up to the largest", "9223372036854775806.51", 0, MONEY_OK, INT64_MAX },
		{ "half to the smallest", "-9223372036854775807.5", 0, MONEY_OK, INT64_MIN },
		{ "half that stays the smallest", "-9223372036854775808.5", 0, MONEY_OK,
		    INT64_MIN },
		{ "past the smallest", "-9223372036854775808.51", 0, MONEY_OUT_OF_RANGE, 0 },
		{ "carry past nineteen nines", "9999999999999999999.9", 0, MONEY_OUT_OF_RANGE, 0 },
		{ "too large", "1e400", 7, MONEY_OUT_OF_RANGE, 0 },
		{ "not a number", "1.", 7, MONEY_NOT_A_NUMBER, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		check(money_parse_rounded, &cases[i]);
}

static void
only_the_grammar_of_json_is_a_number(UNUSED void **state)
{
	static const char *const texts[] = { "", "-", "+1", "--1", "01", "-01", "00", ".5", "-.5",
		"1.", "1.e5", "-1.", "1e", "1e+", "1e-", "1e+-1", "1e1.5", "1e1e1", "1.2.3", "1,5",
		"1 ", " 1", "1_000", "0x10", "NaN", "Infinity", "-Infinity", "1a", "$1", "1e5 ",
		"\xd9\xa1", "e5", "1.-5", "0e", "1d5" };

	for (size_t i = 0; i < COUNT(texts); i++) {
		int64_t value = UNTOUCHED;

		if (money_parse_scaled(text(texts[i]), 7, &value) != MONEY_NOT_A_NUMBER ||
		    money_parse_rounded(text(texts[i]), 7, &value) != MONEY_NOT_A_NUMBER ||
		    value != UNTOUCHED)
			fail_msg("%s was read", texts[i]);
	}
	assert_int_equal(
	    money_parse_cents((struct text){ 0 }, &(int64_t){ 0 }), MONEY_NOT_A_NUMBER);
	assert_int_equal(
	    money_parse_cents((struct text){ "1\0", 2 }, &(int64_t){ 0 }), MONEY_NOT_A_NUMBER);
}

/* Exactly as long as its text, so that the sanitizers see one character too many. */
static void
nothing_behind_the_text_is_read(UNUSED void **state)
{
	static const char *const texts[] = { "1", "-", "1.", "1.5", "1e", "1e5", "0", "-0.", "12e-",
		"100.10" };

	for (size_t i = 0; i < COUNT(texts); i++) {
		size_t len = strlen(texts[i]);
		char *copy = malloc(len);
		int64_t value;

		memcpy(copy, texts[i], len);
		(void)!money_parse_rounded((struct text){ copy, len }, 0, &value);
		(void)!money_parse_scaled((struct text){ copy, len }, 7, &value);
		free(copy);
	}
}

static void
long_texts_are_read(UNUSED void **state)
{
	const size_t len = 1000000;
	char *digits = malloc(len + 1);
	int64_t value = UNTOUCHED;

	memset(digits, '0', len);
	digits[len] = '\0';
	memcpy(digits, "1.", 2);
	assert_int_equal(money_parse_scaled(text(digits), 7, &value), MONEY_OK);
	assert_int_equal(value, 10000000);
	digits[len - 1] = '1';
	assert_int_equal(money_parse_scaled(text(digits), 7, &value), MONEY_TOO_PRECISE);
	assert_int_equal(money_parse_rounded(text(digits), 7, &value), MONEY_OK);
	assert_int_equal(value, 10000000);
	memset(digits, '9', len);
	assert_int_equal(money_parse_rounded(text(digits), 7, &value), MONEY_OUT_OF_RANGE);
	memset(digits, '0', len);
	memcpy(digits + len - 8, "1e999992", 8);
	digits[1] = '.';
	assert_int_equal(money_parse_scaled(text(digits), 0, &value), MONEY_OK);
	assert_int_equal(value, 10);
	free(digits);
}

static void
cents_have_seven_decimals(UNUSED void **state)
{
	int64_t value = UNTOUCHED;

	assert_int_equal(money_parse_cents(text("0.0000001"), &value), MONEY_OK);
	assert_int_equal(value, 1);
	assert_int_equal(money_parse_cents(text("1"), &value), MONEY_OK);
	assert_int_equal(value, MONEY_NANOS_PER_CENT);
	assert_int_equal(money_parse_cents(text("0.00000001"), &value), MONEY_TOO_PRECISE);
}

static void
credits_have_four_decimals(UNUSED void **state)
{
	int64_t value = UNTOUCHED;

	assert_int_equal(money_parse_credits(text("0.0001"), &value), MONEY_OK);
	assert_int_equal(value, 100000);
	assert_int_equal(money_parse_credits(text("-1"), &value), MONEY_OK);
	assert_int_equal(value, -MONEY_NANOS_PER_CREDIT);
	assert_int_equal(money_parse_credits(text("0.00001"), &value), MONEY_TOO_PRECISE);
	assert_int_equal(money_parse_credits(text("9223372036.8547"), &value), MONEY_OK);
	assert_int_equal(money_parse_credits(text("9223372036.8548"), &value), MONEY_OUT_OF_RANGE);
}

static void
amounts_are_written_without_trailing_zeros(UNUSED void **state)
{
	static const struct {
		int64_t value;
		int scale;
		const char *text;
	} cases[] = {
		{ 0, 7, "0" },
		{ 0, 0, "0" },
		{ 0, 18, "0" },
		{ 1, 7, "0.0000001" },
		{ -1, 7, "-0.0000001" },
		{ 125000000, 7, "12.5" },
		{ 10000000, 7, "1" },
		{ 1000000000, 7, "100" },
		{ 100, 0, "100" },
		{ -100, 0, "-100" },
		{ 1000000001, 7, "100.0000001" },
		{ 5, 1, "0.5" },
		{ INT64_MAX, 7, "922337203685.4775807" },
		{ INT64_MIN, 7, "-922337203685.4775808" },
		{ INT64_MIN, 0, "-9223372036854775808" },
		{ INT64_MIN, 18, "-9.223372036854775808" },
		{ 1, 18, "0.000000000000000001" },
	};
	char out[MONEY_TEXT_SIZE];

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_ptr_equal(money_format_scaled(cases[i].value, cases[i].scale, out), out);
		assert_string_equal(out, cases[i].text);
	}
	assert_string_equal(money_format_cents(125000000, out), "12.5");
}

static int64_t
random_value(void)
{
	uint64_t value = (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random();

	/* All magnitudes alike. */
	value >>= random() % 64;
	return (int64_t)(random() % 2 == 0 ? value : 0 - value);
}

static void
what_is_written_is_read_as_the_same(UNUSED void **state)
{
	char out[MONEY_TEXT_SIZE];

	srandom(7);
	for (int i = 0; i < 300000; i++) {
		int64_t value = random_value(), again = UNTOUCHED;
		int scale = (int)(random() % 19);

		money_format_scaled(value, scale, out);
		if (money_parse_scaled(text(out), scale, &again) != MONEY_OK || again != value)
			fail_msg("%lld at scale %d became %s", (long long)value, scale, out);
	}
}

static wide
power(int exponent)
{
	wide value = 1;

	while (exponent-- > 0)
		value *= 10;
	return value;
}

/* What the text must give, from mantissa * 10^shift in 128 bits: shift is at most 9 either way. */
static enum money_parse
expect(uint64_t mantissa, int shift, bool negative, bool round, int64_t *ret)
{
	wide divisor = power(shift < 0 ? -shift : 0);
	wide product = (wide)mantissa * power(shift > 0 ? shift : 0);
	wide whole = product / divisor, rest = product % divisor;

	if (rest != 0 && !round)
		return MONEY_TOO_PRECISE;
	if (rest * 2 > divisor || (rest * 2 == divisor && whole % 2 != 0))
		whole++;
	if (whole > (wide)INT64_MAX + (negative ? 1 : 0))
		return MONEY_OUT_OF_RANGE;
	*ret = (int64_t)(negative ? 0 - (uint64_t)whole : (uint64_t)whole);
	return MONEY_OK;
}

/* mantissa with a point before its last digits, and an exponent that moves it by as much. */
static void
write_number(char out[96], uint64_t mantissa, bool negative, int decimals, int exponent)
{
	char digits[64];
	int len =
	    snprintf(digits, sizeof(digits), "%0*llu", decimals + 1, (unsigned long long)mantissa);
	int at = snprintf(out, 96, "%s%.*s", negative ? "-" : "", len - decimals, digits);

	if (decimals > 0)
		at += snprintf(out + at, 96 - (size_t)at, ".%s", digits + len - decimals);
	if (exponent != 0 || random() % 4 == 0)
		snprintf(
		    out + at, 96 - (size_t)at, "%c%+d", random() % 2 == 0 ? 'e' : 'E', exponent);
}

static void
check_random(bool round)
{
	char number[96];
	uint64_t mantissa = (uint64_t)random_value();
	bool negative = random() % 2 == 0;
	int scale = (int)(random() % 19), decimals = (int)(random() % 25);
	int shift = (int)(random() % 19) - 9;
	int64_t value = UNTOUCHED, expected = UNTOUCHED;
	enum money_parse verdict, wanted;

	/* Ties and round numbers are rare by chance. */
	if (random() % 3 == 0)
		mantissa = mantissa / 100 * 100 + (random() % 2 == 0 ? 50 : 0);
	write_number(number, mantissa, negative, decimals, shift + decimals - scale);
	wanted = expect(mantissa, shift, negative, round, &expected);
	verdict = round ? money_parse_rounded(text(number), scale, &value)
			: money_parse_scaled(text(number), scale, &value);
	/* A number may be both too large and too precise: either answer is right then. */
	if (wanted == MONEY_TOO_PRECISE && verdict == MONEY_OUT_OF_RANGE)
		wanted = expect(mantissa, shift, negative, true, &(int64_t){ 0 });
	if (verdict != wanted || value != expected)
		fail_msg("%s at scale %d is %s with %lld, not %s with %lld", number, scale,
		    verdicts[verdict], (long long)value, verdicts[wanted], (long long)expected);
}

static void
arithmetic_in_128_bits_agrees(UNUSED void **state)
{
	srandom(128);
	for (int i = 0; i < 500000; i++)
		check_random(i % 2 == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_exactly),
		cmocka_unit_test(numbers_are_rounded_half_to_even),
		cmocka_unit_test(only_the_grammar_of_json_is_a_number),
		cmocka_unit_test(nothing_behind_the_text_is_read),
		cmocka_unit_test(long_texts_are_read),
		cmocka_unit_test(cents_have_seven_decimals),
		cmocka_unit_test(credits_have_four_decimals),
		cmocka_unit_test(amounts_are_written_without_trailing_zeros),
		cmocka_unit_test(what_is_written_is_read_as_the_same),
		cmocka_unit_test(arithmetic_in_128_bits_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
