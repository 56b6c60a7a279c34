#include "lib/money.h"

#include <assert.h>

#define SCALE_CENTS 7
#define SCALE_CREDITS 4 /* of what people write; calls cost what they cost */
#define SCALE_MAX 18
/* Digits of INT64_MAX; so many nines still fit into uint64_t. */
#define DIGITS_MAX 19
/* Beyond any text's length, and far from overflow when lengths are added. */
#define EXPONENT_MAX (INT64_MAX / 4)

/* A decimal without its leading and trailing zeros: 0.DIGITS times ten to the point. */
struct decimal {
	bool negative;
	const char *first; /* digits from first to last, perhaps with the point among them */
	const char *last; /* NULL: zero */
	int64_t digits; /* from first to last, without the point */
	int64_t point; /* how many of the digits stand before the decimal point; may be negative or
			  more */
};

static bool
is_digit(const char *at, const char *end)
{
	return at < end && *at >= '0' && *at <= '9';
}

/* Reads digits, and where the first and last that is not 0 stand. */
static const char *
read_digits(const char *at, const char *end, struct decimal *ret)
{
	for (; is_digit(at, end); at++) {
		if (*at == '0')
			continue;
		if (ret->first == NULL)
			ret->first = at;
		ret->last = at;
	}
	return at;
}

static const char *
read_exponent(const char *at, const char *end, int64_t *ret)
{
	bool negative = false;
	int64_t value = 0;

	at++;
	if (at < end && (*at == '+' || *at == '-'))
		negative = *at++ == '-';
	if (!is_digit(at, end))
		return NULL;
	for (; is_digit(at, end); at++) {
		if (value < EXPONENT_MAX / 10)
			value = value * 10 + (*at - '0');
		else
			value = EXPONENT_MAX;
	}
	*ret = negative ? -value : value;
	return at;
}

/* The grammar of RFC 8259, section 6. */
static bool
read_decimal(struct text text, struct decimal *ret)
{
	const char *at = text.at, *end, *point;
	int64_t exponent = 0;

	*ret = (struct decimal){ 0 };
	if (text.len == 0)
		return false;
	end = text.at + text.len;
	if (*at == '-') {
		ret->negative = true;
		at++;
	}
	if (!is_digit(at, end) || (*at == '0' && is_digit(at + 1, end)))
		return false;
	at = point = read_digits(at, end, ret);
	if (at < end && *at == '.') {
		if (!is_digit(at + 1, end))
			return false;
		at = read_digits(at + 1, end, ret);
	}
	if (at < end && (*at == 'e' || *at == 'E'))
		at = read_exponent(at, end, &exponent);
	if (at != end)
		return false;
	if (ret->first == NULL)
		return true;
	ret->digits = ret->last - ret->first + 1 - (ret->first < point && ret->last > point);
	ret->point = point - ret->first + (ret->first > point) + exponent;
	return true;
}

/* The count digits from the first one on, with zeros behind the last. */
static uint64_t
whole_part(const struct decimal *decimal, int64_t count, const char **ret_next)
{
	const char *at = decimal->first;
	uint64_t value = 0;

	for (int64_t i = 0; i < count; i++) {
		if (at <= decimal->last && *at == '.')
			at++;
		value = value * 10 + (uint64_t)(at <= decimal->last ? *at - '0' : 0);
		at += at <= decimal->last;
	}
	if (at <= decimal->last && *at == '.')
		at++;
	*ret_next = at;
	return value;
}

/* Whether the digits from next on are more than a half, or a half behind an odd number. */
static bool
rounds_up(const struct decimal *decimal, const char *next, bool odd)
{
	if (next > decimal->last || *next < '5')
		return false;
	return *next > '5' || next < decimal->last || odd;
}

static enum money_parse
parse(struct text text, int scale, bool round, int64_t *ret)
{
	struct decimal decimal;
	uint64_t value = 0;
	const char *next;

	assert(scale >= 0 && scale <= SCALE_MAX);
	if (!read_decimal(text, &decimal))
		return MONEY_NOT_A_NUMBER;
	if (decimal.first != NULL) {
		decimal.point += scale;
		if (decimal.point > DIGITS_MAX)
			return MONEY_OUT_OF_RANGE;
		if (!round && decimal.point < decimal.digits)
			return MONEY_TOO_PRECISE;
		if (decimal.point >= 0) {
			value = whole_part(&decimal, decimal.point, &next);
			value += rounds_up(&decimal, next, value % 2 != 0);
		}
	}
	if (value > (uint64_t)INT64_MAX + decimal.negative)
		return MONEY_OUT_OF_RANGE;
	*ret = (int64_t)(decimal.negative ? 0 - value : value);
	return MONEY_OK;
}

enum money_parse
money_parse_scaled(struct text text, int scale, int64_t *ret)
{
	return parse(text, scale, false, ret);
}

enum money_parse
money_parse_rounded(struct text text, int scale, int64_t *ret)
{
	return parse(text, scale, true, ret);
}

enum money_parse
money_parse_cents(struct text text, int64_t *ret)
{
	return money_parse_scaled(text, SCALE_CENTS, ret);
}

enum money_parse
money_parse_credits(struct text text, int64_t *ret)
{
	int64_t value;
	enum money_parse result = money_parse_scaled(text, SCALE_CREDITS, &value);

	if (result != MONEY_OK)
		return result;
	return __builtin_mul_overflow(value, INT64_C(100000), ret) ? MONEY_OUT_OF_RANGE : MONEY_OK;
}

char *
money_format_cents(int64_t nanos, char out[MONEY_TEXT_SIZE])
{
	return money_format_scaled(nanos, SCALE_CENTS, out);
}

char *
money_format_scaled(int64_t value, int scale, char out[MONEY_TEXT_SIZE])
{
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	char digits[MONEY_TEXT_SIZE];
	size_t len = 0, at = 0;

	assert(scale >= 0 && scale <= SCALE_MAX);
	for (; scale > 0 && rest % 10 == 0; scale--)
		rest /= 10;
	/* From the last digit to the first. */
	for (int i = 0; i <= scale || rest != 0; i++, rest /= 10) {
		if (i == scale && i > 0)
			digits[len++] = '.';
		digits[len++] = (char)('0' + rest % 10);
	}
	if (value < 0)
		out[at++] = '-';
	while (len > 0)
		out[at++] = digits[--len];
	out[at] = '\0';
	return out;
}
