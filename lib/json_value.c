#include "lib/json_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/money.h"
#include "lib/utf8.h"

#define CREDITS_SCALE 9 /* dollars to nano-dollars */
#define RATE_SCALE 6 /* dollars per 1,000,000 tokens to pico-dollars a token; millionths */
/* What PostgreSQL's numeric holds. */
#define NUMERIC_WHOLE_MAX 131072
#define NUMERIC_FRACTION_MAX 16383

static void *
member(const struct json_field *field, void *base)
{
	return (char *)base + field->offset;
}

void
json_mark_given(const struct json_field *field, void *base)
{
	if (field->given != 0 && field->given != JSON_ALWAYS)
		*(bool *)((char *)base + field->given) = true;
}

static const char *
say_length(struct task *task, const char *what, int64_t min, int64_t max)
{
	if (min == max)
		return arena_printf(task->arena, "%s exactly %" PRId64 " characters", what, min);
	if (min <= 0)
		return arena_printf(task->arena, "%s at most %" PRId64 " characters", what, max);
	return arena_printf(
	    task->arena, "%s %" PRId64 " to %" PRId64 " characters", what, min, max);
}

static const char *
say_range(struct task *task, const struct json_field *field)
{
	char min[MONEY_TEXT_SIZE], max[MONEY_TEXT_SIZE];

	if (field->type == JSON_CENTS) {
		money_format_cents(field->min, min);
		money_format_cents(field->max, max);
	} else {
		int scale = field->type == JSON_INT	  ? 0
			    : field->type == JSON_CREDITS ? CREDITS_SCALE
							  : RATE_SCALE;

		money_format_scaled(field->min, scale, min);
		money_format_scaled(field->max, scale, max);
	}
	return arena_printf(task->arena, "must be from %s to %s", min, max);
}

static const char *
say_choices(struct task *task, const struct json_field *field)
{
	const char *all = "must be one of";

	for (size_t i = 0; field->choices[i] != NULL; i++)
		all = arena_printf(
		    task->arena, "%s%s %s", all, i == 0 ? ":" : ",", field->choices[i]);
	return all;
}

const char *
json_wants(struct task *task, const struct json_field *field)
{
	switch (field->type) {
	case JSON_TEXT:
	case JSON_LONG:
		return "must be a text";
	case JSON_INT:
		return "must be a whole number";
	case JSON_BOOL:
		return "must be true or false";
	case JSON_CENTS:
		return "must be a number of cents with at most 7 decimals";
	case JSON_RATE:
		return "must be a number of dollars per 1000000 tokens with at most 6 decimals";
	case JSON_CREDITS:
		return "must be a number of credits with at most 4 decimals";
	case JSON_MILLIONTHS:
		return "must be a number with at most 6 decimals";
	case JSON_TIME:
		return "must be a time as in 2026-11-21T09:30:00Z (RFC 3339)";
	case JSON_DATE:
		return "must be a date as in 2026-11-21";
	case JSON_ID:
		return "must be a UUID";
	case JSON_CHOICE:
		return say_choices(task, field);
	case JSON_TEXTS:
		return "must be an array of texts";
	case JSON_INTS:
		return "must be an array of whole numbers";
	case JSON_REALS:
		return "must be an array of numbers";
	case JSON_GROUP:
	case JSON_OBJECT:
		return "must be an object";
	}
	__builtin_unreachable();
}

/* A text of few bytes has few characters: it need not be counted. */
static bool
length_fits(struct text value, int64_t min, int64_t max)
{
	int64_t chars = (int64_t)value.len;

	if (min > 1 || chars > max)
		chars = (int64_t)utf8_count(value);
	return chars >= min && chars <= max;
}

static const char *
take_plain_text(struct task *task, const struct json_field *field, struct text value, void *base)
{
	if (!length_fits(value, field->min, field->max))
		return say_length(task, "must have", field->min, field->max);
	*(const char **)member(field, base) = arena_strndup(task->arena, value.at, value.len);
	return NULL;
}

static const char *
take_choice(struct task *task, const struct json_field *field, struct text value, void *base)
{
	for (int i = 0; field->choices[i] != NULL; i++) {
		if (strlen(field->choices[i]) == value.len &&
		    memcmp(field->choices[i], value.at, value.len) == 0) {
			*(int *)member(field, base) = i;
			return NULL;
		}
	}
	return say_choices(task, field);
}

/* A nil id means "none" everywhere behind this door, so nobody may send one. */
static bool
parse_id(struct text value, struct id *ret)
{
	struct id id;

	if (!id_parse(value, &id) || id_is_nil(id))
		return false;
	*ret = id;
	return true;
}

const char *
json_take_text(struct task *task, const struct json_field *field, struct text value, void *base)
{
	bool good = false;

	switch (field->type) {
	case JSON_TEXT:
		return take_plain_text(task, field, value, base);
	case JSON_CHOICE:
		return take_choice(task, field, value, base);
	case JSON_TIME:
		good = clock_parse(value, member(field, base));
		break;
	case JSON_DATE:
		good = date_parse(value, member(field, base));
		break;
	case JSON_ID:
		good = parse_id(value, member(field, base));
		break;
	case JSON_LONG:
	case JSON_INT:
	case JSON_BOOL:
	case JSON_CENTS:
	case JSON_RATE:
	case JSON_CREDITS:
	case JSON_MILLIONTHS:
	case JSON_TEXTS:
	case JSON_INTS:
	case JSON_REALS:
	case JSON_GROUP:
	case JSON_OBJECT:
		break;
	}
	return good ? NULL : json_wants(task, field);
}

static enum money_parse
parse_number(enum json_type type, struct text value, int64_t *ret)
{
	if (type == JSON_INT)
		return money_parse_scaled(value, 0, ret);
	if (type == JSON_CENTS)
		return money_parse_cents(value, ret);
	if (type == JSON_CREDITS)
		return money_parse_credits(value, ret);
	if (type == JSON_RATE || type == JSON_MILLIONTHS)
		return money_parse_scaled(value, RATE_SCALE, ret);
	return MONEY_NOT_A_NUMBER;
}

const char *
json_take_number(struct task *task, const struct json_field *field, struct text value, void *base)
{
	int64_t number = 0;

	switch (parse_number(field->type, value, &number)) {
	case MONEY_OK:
		break;
	case MONEY_NOT_A_NUMBER:
	case MONEY_TOO_PRECISE:
		return json_wants(task, field);
	case MONEY_OUT_OF_RANGE:
		return say_range(task, field);
	}
	if (number < field->min || number > field->max)
		return say_range(task, field);
	*(int64_t *)member(field, base) = number;
	return NULL;
}

const char *
json_take_bool(struct task *task, const struct json_field *field, bool value, void *base)
{
	if (field->type != JSON_BOOL)
		return json_wants(task, field);
	*(bool *)member(field, base) = value;
	return NULL;
}

void
json_list_add(
    struct task *task, const struct json_field *field, struct text element, struct json_list *list)
{
	if (list->trouble != NULL)
		return;
	if (field->type == JSON_TEXTS && !length_fits(element, 1, field->max_item)) {
		list->trouble = say_length(task, "each element must have", 1, field->max_item);
		return;
	}
	if ((int64_t)list->count == field->max) {
		list->trouble =
		    arena_printf(task->arena, "must have at most %" PRId64 " elements", field->max);
		return;
	}
	if (list->count == list->capacity) {
		size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
		const char **at = arena_array(task->arena, capacity, sizeof(*at));

		if (list->count > 0)
			memcpy(at, list->at, list->count * sizeof(*at));
		list->at = at;
		list->capacity = capacity;
	}
	list->at[list->count++] = arena_strndup(task->arena, element.at, element.len);
}

/* The elements of a JSON_INTS, which were collected as texts. */
static const char *
take_ints(
    struct task *task, const struct json_field *field, const struct json_list *list, void *base)
{
	int64_t *ints = arena_array(task->arena, list->count, sizeof(*ints));

	for (size_t i = 0; i < list->count; i++) {
		struct text text = { .at = list->at[i], .len = strlen(list->at[i]) };
		enum money_parse parse = money_parse_scaled(text, 0, &ints[i]);

		if (parse == MONEY_NOT_A_NUMBER || parse == MONEY_TOO_PRECISE)
			return json_wants(task, field);
		if (parse != MONEY_OK || ints[i] < 1 || ints[i] > field->max_item)
			return arena_printf(task->arena, "each element must be from 1 to %" PRId64,
			    field->max_item);
	}
	*(struct json_ints *)member(field, base) =
	    (struct json_ints){ .at = ints, .count = list->count };
	return NULL;
}

static const char *
take_reals(
    struct task *task, const struct json_field *field, const struct json_list *list, void *base)
{
	float *reals = arena_array(task->arena, list->count, sizeof(*reals));

	for (size_t i = 0; i < list->count; i++) {
		char *end;

		reals[i] = strtof(list->at[i], &end);
		if (end == list->at[i] || *end != '\0')
			return json_wants(task, field);
		if (!isfinite(reals[i]))
			return "each element must be a finite number in single precision";
	}
	*(struct json_reals *)member(field, base) =
	    (struct json_reals){ .at = reals, .count = list->count };
	return NULL;
}

const char *
json_take_list(
    struct task *task, const struct json_field *field, struct json_list *list, void *base)
{
	if (list->trouble != NULL)
		return list->trouble;
	if ((int64_t)list->count < field->min)
		return arena_printf(
		    task->arena, "must have at least %" PRId64 " elements", field->min);
	if (field->type == JSON_INTS)
		return take_ints(task, field, list, base);
	if (field->type == JSON_REALS)
		return take_reals(task, field, list, base);
	*(struct json_texts *)member(field, base) =
	    (struct json_texts){ .at = list->at, .count = list->count };
	return NULL;
}

bool
json_number_fits(struct text number)
{
	const char *end = number.at + number.len;
	const char *at = number.at;
	int64_t whole = 0, fraction = 0, exponent = 0;
	bool negative = false;

	if (at < end && *at == '-')
		at++;
	for (; at < end && *at >= '0' && *at <= '9'; at++)
		whole++;
	if (at < end && *at == '.')
		for (at++; at < end && *at >= '0' && *at <= '9'; at++)
			fraction++;
	if (at < end) { /* e or E */
		at++;
		negative = at < end && *at == '-';
		if (at < end && (*at == '-' || *at == '+'))
			at++;
		for (; at < end && exponent <= JSON_EXPONENT_MAX; at++)
			exponent = exponent * 10 + (*at - '0');
	}
	if (exponent > JSON_EXPONENT_MAX)
		return false;
	if (negative)
		exponent = -exponent;
	return whole + exponent <= NUMERIC_WHOLE_MAX && fraction - exponent <= NUMERIC_FRACTION_MAX;
}
