#include <string.h>

#include "lib/clock.h"
#include "lib/zone_private.h"

#define HOUR 3600
#define DAY 86400
#define OFFSET_HOURS_MAX 24
#define TIME_HOURS_MAX 167
#define NAME_MIN 3

static bool
take(struct text *rest, char c)
{
	if (rest->len == 0 || *rest->at != c)
		return false;
	rest->at++;
	rest->len--;
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
take_number(struct text *rest, int min, int max, int *ret)
{
	int value = 0, digits = 0;

	for (; rest->len > 0 && is_digit(*rest->at) && digits < 3; digits++) {
		value = value * 10 + (*rest->at - '0');
		rest->at++;
		rest->len--;
	}
	*ret = value;
	return digits > 0 && value >= min && value <= max;
}

/* An abbreviation: letters, or anything of letters, digits and signs in <>. */
static bool
take_name(struct text *rest)
{
	bool quoted = take(rest, '<');
	size_t len = 0;

	while (len < rest->len) {
		char c = rest->at[len];

		if (!is_letter(c) && !(quoted && (is_digit(c) || c == '+' || c == '-')))
			break;
		len++;
	}
	rest->at += len;
	rest->len -= len;
	return len >= NAME_MIN && (!quoted || take(rest, '>'));
}

/* [+-]h[:mm[:ss]] in seconds. */
static bool
take_time(struct text *rest, int hours_max, int32_t *ret)
{
	bool negative = take(rest, '-');
	int hours, minutes = 0, seconds = 0;

	if (!negative)
		(void)take(rest, '+');
	if (!take_number(rest, 0, hours_max, &hours))
		return false;
	if (take(rest, ':')) {
		if (!take_number(rest, 0, 59, &minutes))
			return false;
		if (take(rest, ':') && !take_number(rest, 0, 59, &seconds))
			return false;
	}
	*ret = hours * HOUR + minutes * 60 + seconds;
	if (negative)
		*ret = -*ret;
	return true;
}

static bool
take_day(struct text *rest, struct zone_day *ret)
{
	bool good;

	if (take(rest, 'M')) {
		ret->form = ZONE_DAY_MONTH;
		good = take_number(rest, 1, 12, &ret->month) && take(rest, '.') &&
		       take_number(rest, 1, 5, &ret->week) && take(rest, '.') &&
		       take_number(rest, 0, 6, &ret->weekday);
	} else if (take(rest, 'J')) {
		ret->form = ZONE_DAY_JULIAN;
		good = take_number(rest, 1, 365, &ret->day);
	} else {
		ret->form = ZONE_DAY_PLAIN;
		good = take_number(rest, 0, 365, &ret->day);
	}
	ret->time = 2 * HOUR;
	if (good && take(rest, '/'))
		good = take_time(rest, TIME_HOURS_MAX, &ret->time);
	return good;
}

/* Daylight time: its name, maybe its offset, and when it begins and ends. */
static bool
take_daylight(struct text *rest, struct zone_rule *ret)
{
	int32_t west;

	if (!take_name(rest))
		return false;
	ret->changes = true;
	ret->daylight = ret->standard + HOUR;
	if (rest->len > 0 && *rest->at != ',') {
		if (!take_time(rest, OFFSET_HOURS_MAX, &west))
			return false;
		ret->daylight = -west;
	}
	return take(rest, ',') && take_day(rest, &ret->start) && take(rest, ',') &&
	       take_day(rest, &ret->end);
}

bool
zone_rule_parse(struct text text, struct zone_rule *ret)
{
	struct zone_rule rule = { .given = true };
	int32_t west;

	if (!take_name(&text) || !take_time(&text, OFFSET_HOURS_MAX, &west))
		return false;
	rule.standard = -west;
	if (text.len > 0 && !take_daylight(&text, &rule))
		return false;
	if (text.len > 0)
		return false;
	*ret = rule;
	return true;
}

static bool
is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int
month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

static int32_t
day_of_month_rule(const struct zone_day *rule, int year)
{
	int32_t first = date_from_civil(year, rule->month, 1);
	int weekday = ((first + 4) % 7 + 7) % 7; /* 0: Sunday; 1970 began on a Thursday */
	int32_t day = (rule->weekday - weekday + 7) % 7 + (rule->week - 1) * 7;

	if (day >= 28 && day >= month_days(year, rule->month))
		day -= 7; /* week 5: the last there is */
	return first + day;
}

static int32_t
day_of_rule(const struct zone_day *rule, int year)
{
	switch (rule->form) {
	case ZONE_DAY_MONTH:
		return day_of_month_rule(rule, year);
	case ZONE_DAY_JULIAN:
		return date_from_civil(year, 1, 1) + rule->day -
		       (is_leap(year) && rule->day >= 60 ? 0 : 1);
	case ZONE_DAY_PLAIN:
		break;
	}
	return date_from_civil(year, 1, 1) + rule->day;
}

struct change {
	int64_t at;
	int32_t offset; /* from then on */
};

static struct change
change_of_year(const struct zone_rule *rule, int year, bool start)
{
	const struct zone_day *day = start ? &rule->start : &rule->end;
	int32_t before = start ? rule->standard : rule->daylight;

	return (struct change){
		.at = (int64_t)day_of_rule(day, year) * DAY + day->time - before,
		.offset = start ? rule->daylight : rule->standard,
	};
}

struct zone_span
zone_rule_span(const struct zone_rule *rule, int64_t at)
{
	struct zone_span span = { .end = INT64_MAX, .offset = rule->standard };
	int64_t last = INT64_MIN;
	int year, month, day;

	if (!rule->changes)
		return span;
	date_to_civil((int32_t)(at / DAY), &year, &month, &day);
	/*
	 * Times reach into the week before and after their day, so a year's changes may fall into
	 * its neighbours. Of an end and a start at the same instant the start wins: that is how
	 * daylight time all the year is written.
	 */
	for (int i = 0; i < 10; i++) {
		bool start = i % 2 == 0;
		struct change change = change_of_year(rule, year - 2 + i / 2, start);

		if (change.at > at) {
			span.end = change.at < span.end ? change.at : span.end;
		} else if (change.at > last || (change.at == last && start)) {
			last = change.at;
			span.offset = change.offset;
		}
	}
	return span;
}
