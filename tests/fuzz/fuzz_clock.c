/* Times and dates: what is read is within bounds, and is written as something that reads alike. */
#include "lib/clock.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text text = { (const char *)data, size };
	char time[CLOCK_TEXT_SIZE], date[DATE_TEXT_SIZE];
	int64_t usec, usec_again;
	int32_t days, days_again;

	if (clock_parse(text, &usec)) {
		must(usec >= 0 && usec < (DATE_MAX + INT64_C(1)) * CLOCK_DAY);
		clock_format(usec, time);
		must(clock_parse((struct text){ time, strlen(time) }, &usec_again));
		must(usec_again == usec);
	}
	if (date_parse(text, &days)) {
		must(days >= 0 && days <= DATE_MAX);
		date_format(days, date);
		must(date_parse((struct text){ date, strlen(date) }, &days_again));
		must(days_again == days && size == strlen(date) && memcmp(date, data, size) == 0);
	}
	return 0;
}
