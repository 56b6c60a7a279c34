#include "lib/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#define DAYS_IN_400_YEARS 146097
/* Counted from March, so that the leap day is the last of its year. */
#define DAYS_FROM_MARCH_0000_TO_1970 719468
#define USEC_MAX ((DATE_MAX + INT64_C(1)) * CLOCK_DAY - 1)

static int64_t
read_clock(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) != 0)
		abort();
	return (int64_t)now.tv_sec * CLOCK_SECOND + now.tv_nsec / 1000;
}

int64_t
clock_now(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
clock_monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int32_t
date_from_civil(int year, int month, int day)
{
	int64_t years = (int64_t)year - (month <= 2);
	int64_t months = (month + 9) % 12; /* since March */
	int64_t era = floor_div(years, 400);
	int64_t year_of_era = years - era * 400;
	int64_t days = year_of_era * 365 + year_of_era / 4 - year_of_era / 100;

	/* The months from March have 31 30 31 30 31 days, again and again. */
	days += (months * 153 + 2) / 5 + day - 1;
	return (int32_t)(era * DAYS_IN_400_YEARS + days - DAYS_FROM_MARCH_0000_TO_1970);
}

void
date_to_civil(int32_t date, int *ret_year, int *ret_month, int *ret_day)
{
	int64_t days = (int64_t)date + DAYS_FROM_MARCH_0000_TO_1970;
	int64_t era = floor_div(days, DAYS_IN_400_YEARS);
	int64_t day_of_era = days - era * DAYS_IN_400_YEARS;
	int64_t leap_days = day_of_era / 1460 - day_of_era / 36524 + day_of_era / 146096;
	int64_t year = (day_of_era - leap_days) / 365;
	int64_t day_of_year = day_of_era - (year * 365 + year / 4 - year / 100);
	int64_t month = (day_of_year * 5 + 2) / 153;

	*ret_day = (int)(day_of_year - (month * 153 + 2) / 5 + 1);
	*ret_month = (int)(month < 10 ? month + 3 : month - 9);
	*ret_year = (int)(era * 400 + year + (*ret_month <= 2));
}

/* Takes exactly count digits from the front of rest. */
static bool
take_number(struct text *rest, size_t count, int *ret)
{
	int value = 0;

	if (rest->len < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		char c = rest->at[i];

		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	rest->at += count;
	rest->len -= count;
	*ret = value;
	return true;
}

/* Takes c, or its lower-case form where it is a letter. */
static bool
take_char(struct text *rest, char c)
{
	char lower = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;

	if (rest->len == 0 || (rest->at[0] != c && rest->at[0] != lower))
		return false;
	rest->at++;
	rest->len--;
	return true;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* Any year from 0000 to 9999: an offset may carry a time into 1970. */
static bool
take_date(struct text *rest, int32_t *ret)
{
	int year, month, day;

	if (!take_number(rest, 4, &year) || !take_char(rest, '-'))
		return false;
	if (!take_number(rest, 2, &month) || !take_char(rest, '-'))
		return false;
	if (!take_number(rest, 2, &day) || month < 1 || month > 12)
		return false;
	if (day < 1 || day > days_in_month(year, month))
		return false;
	*ret = date_from_civil(year, month, day);
	return true;
}

static bool
take_fraction(struct text *rest, int64_t *ret)
{
	int64_t unit = CLOCK_SECOND / 10;
	int digit;

	*ret = 0;
	if (!take_char(rest, '.'))
		return true;
	if (!take_number(rest, 1, &digit))
		return false;
	do {
		*ret += digit * unit;
		unit /= 10;
	} while (take_number(rest, 1, &digit));
	return true;
}

/* Minutes east of UTC. */
static bool
take_offset(struct text *rest, int *ret)
{
	int hours, minutes, sign;

	*ret = 0;
	if (take_char(rest, 'Z'))
		return true;
	if (take_char(rest, '+'))
		sign = 1;
	else if (take_char(rest, '-'))
		sign = -1;
	else
		return false;
	if (!take_number(rest, 2, &hours) || !take_char(rest, ':'))
		return false;
	if (!take_number(rest, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret = sign * (hours * 60 + minutes);
	return true;
}

bool
clock_parse(struct text text, int64_t *ret)
{
	int32_t date;
	int hour, minute, second, offset;
	int64_t fraction, usec;

	if (!take_date(&text, &date) || !take_char(&text, 'T'))
		return false;
	if (!take_number(&text, 2, &hour) || !take_char(&text, ':'))
		return false;
	if (!take_number(&text, 2, &minute) || !take_char(&text, ':'))
		return false;
	/* A leap second is refused: it has no number in this count of time. */
	if (!take_number(&text, 2, &second) || hour > 23 || minute > 59 || second > 59)
		return false;
	if (!take_fraction(&text, &fraction) || !take_offset(&text, &offset) || text.len != 0)
		return false;
	usec = date * CLOCK_DAY + fraction;
	usec += (hour * 3600 + (minute - offset) * 60 + second) * CLOCK_SECOND;
	if (usec < 0 || usec > USEC_MAX)
		return false;
	*ret = usec;
	return true;
}

bool
date_parse(struct text text, int32_t *ret)
{
	int32_t date;

	if (!take_date(&text, &date) || text.len != 0 || date < 0)
		return false;
	*ret = date;
	return true;
}

static char *
put_number(char *out, int64_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		out[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return out + digits;
}

static int64_t
clamp(int64_t value, int64_t max)
{
	if (value < 0)
		return 0;
	return value > max ? max : value;
}

static char *
put_date(char *out, int32_t date)
{
	int year, month, day;

	date_to_civil((int32_t)clamp(date, DATE_MAX), &year, &month, &day);
	out = put_number(out, year, 4);
	*out++ = '-';
	out = put_number(out, month, 2);
	*out++ = '-';
	return put_number(out, day, 2);
}

char *
date_format(int32_t date, char out[DATE_TEXT_SIZE])
{
	*put_date(out, date) = '\0';
	return out;
}

static char *
put_fraction(char *out, int64_t usec)
{
	if (usec == 0)
		return out;
	*out++ = '.';
	if (usec % 1000 == 0)
		return put_number(out, usec / 1000, 3);
	return put_number(out, usec, 6);
}

char *
clock_format(int64_t usec, char out[CLOCK_TEXT_SIZE])
{
	int64_t seconds;
	char *at;

	usec = clamp(usec, USEC_MAX);
	seconds = usec % CLOCK_DAY / CLOCK_SECOND;
	at = put_date(out, (int32_t)(usec / CLOCK_DAY));
	*at++ = 'T';
	at = put_number(at, seconds / 3600, 2);
	*at++ = ':';
	at = put_number(at, seconds / 60 % 60, 2);
	*at++ = ':';
	at = put_number(at, seconds % 60, 2);
	at = put_fraction(at, usec % CLOCK_SECOND);
	*at++ = 'Z';
	*at = '\0';
	return out;
}
