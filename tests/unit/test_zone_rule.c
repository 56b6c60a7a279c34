#include "tests/test.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/zone_private.h"

static struct text
text(const char *at)
{
	return (struct text){ .at = at, .len = strlen(at) };
}

static int64_t
instant(const char *at)
{
	int64_t usec = 0;

	assert_true(clock_parse(text(at), &usec));
	return usec / CLOCK_SECOND;
}

static const struct span {
	const char *sentence;
	const char *rule;
	const char *at;
	int offset; /* minutes */
	const char *end; /* NULL: never */
} spans[] = {
	{ "no change", "UTC0", "2026-11-21T00:00:00Z", 0, NULL },
	{ "west is positive", "EST5", "2026-11-21T00:00:00Z", -300, NULL },
	{ "minutes", "<+0545>-5:45", "2026-11-21T00:00:00Z", 345, NULL },
	{ "a plus sign", "<-0330>+3:30:00", "2026-11-21T00:00:00Z", -210, NULL },

	{ "before the change in March", "EST5EDT,M3.2.0,M11.1.0", "2026-03-08T06:59:59Z", -300,
	    "2026-03-08T07:00:00Z" },
	{ "at the change in March", "EST5EDT,M3.2.0,M11.1.0", "2026-03-08T07:00:00Z", -240,
	    "2026-11-01T06:00:00Z" },
	{ "at the change in November", "EST5EDT,M3.2.0,M11.1.0", "2026-11-01T06:00:00Z", -300,
	    "2027-03-14T07:00:00Z" },
	{ "the daylight offset may be written", "EST5EDT4,M3.2.0/2,M11.1.0/2:00:00",
	    "2026-06-01T00:00:00Z", -240, "2026-11-01T06:00:00Z" },
	{ "week 5 is the last, the fourth here", "CET-1CEST,M2.5.0,M10.5.0/3",
	    "2027-02-28T00:59:59Z", 60, "2027-02-28T01:00:00Z" },
	{ "week 5 is the last, the fifth here", "CET-1CEST,M3.5.0,M10.5.0/3",
	    "2026-03-29T00:59:59Z", 60, "2026-03-29T01:00:00Z" },
	{ "week 5 in December", "CET-1CEST,M3.5.0,M12.5.4/3", "2026-12-31T00:00:00Z", 120,
	    "2026-12-31T01:00:00Z" },
	{ "summer in the south is over the end of the year", "AEST-10AEDT,M10.1.0,M4.1.0/3",
	    "2026-12-31T23:59:59Z", 660, "2027-04-03T16:00:00Z" },
	{ "half an hour", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-10-03T15:30:00Z", 660,
	    "2027-04-03T15:00:00Z" },
	{ "standard time in summer, as in Dublin", "IST-1GMT0,M10.5.0,M3.5.0/1",
	    "2026-03-29T01:00:00Z", 60, "2026-10-25T01:00:00Z" },
	{ "a time before midnight", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -120,
	    "2026-03-29T01:00:00Z" },
	{ "a time on a later day", "EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-27T23:59:59Z", 120,
	    "2026-03-28T00:00:00Z" },
	{ "a time in the year before", "AAA0BBB,M1.1.4/-24,M7.1.0", "2025-12-31T00:00:00Z", 60,
	    "2026-07-05T01:00:00Z" },
	{ "a time in the year after", "AAA0BBB,M7.1.0,M12.5.4/24", "2026-12-31T22:59:59Z", 60,
	    "2026-12-31T23:00:00Z" },
	{ "the longest times", "AAA0BBB,M6.1.0/-167,M9.1.0/167:59:59", "2026-05-31T00:59:59Z", 0,
	    "2026-05-31T01:00:00Z" },

	{ "the 60th day without leap days is 1 March in a leap year", "AAA0BBB,J60/0,J300/1",
	    "2024-02-29T23:59:59Z", 0, "2024-03-01T00:00:00Z" },
	{ "and in another", "AAA0BBB,J60/0,J300/1", "2023-02-28T23:59:59Z", 0,
	    "2023-03-01T00:00:00Z" },
	{ "the 59th day without leap days is 28 February", "AAA0BBB,J59/0,J300/1",
	    "2024-02-27T23:59:59Z", 0, "2024-02-28T00:00:00Z" },
	{ "day 59 from zero is the leap day", "AAA0BBB,59/0,300/1", "2024-02-28T23:59:59Z", 0,
	    "2024-02-29T00:00:00Z" },
	{ "day 59 from zero is 1 March without one", "AAA0BBB,59/0,300/1", "2023-02-28T23:59:59Z",
	    0, "2023-03-01T00:00:00Z" },
	{ "a century without a leap day", "AAA0BBB,59/0,300/1", "2100-02-28T23:59:59Z", 0,
	    "2100-03-01T00:00:00Z" },
};

static void
spans_are_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(spans); i++) {
		int64_t end = spans[i].end == NULL ? INT64_MAX : instant(spans[i].end);
		struct zone_rule rule;
		struct zone_span span;

		if (!zone_rule_parse(text(spans[i].rule), &rule))
			fail_msg("%s: not read", spans[i].sentence);
		span = zone_rule_span(&rule, instant(spans[i].at));
		if (span.offset != spans[i].offset * 60 || span.end != end)
			fail_msg("%s: %d seconds to %lld", spans[i].sentence, span.offset,
			    (long long)span.end);
	}
}

/* RFC 9636, section 3.3.1: how it is written that daylight time never ends. */
static void
daylight_time_may_be_for_ever(void **state)
{
	struct zone_rule rule;

	(void)state;
	assert_true(zone_rule_parse(text("XXX3EDT4,0/0,J365/23"), &rule));
	for (int64_t day = 0; day < 400 * 365; day++) {
		struct zone_span span = zone_rule_span(&rule, day * 86400 + 4 * 3600 - 1);

		assert_int_equal(span.offset, -4 * 3600);
		assert_int_equal(zone_rule_span(&rule, day * 86400 + 4 * 3600).offset, -4 * 3600);
	}
}

static const char *const bad_rules[] = {
	"",
	"UTC",
	"UT0",
	"0",
	"<UTC0",
	"<U>0",
	"U+C0",
	"UTC0 ",
	" UTC0",
	"UTC25",
	"UTC1:60",
	"UTC1:30:60",
	"UTC1:",
	"UTC--1",
	"EST5EDT",
	"EST5EDT,M3.2.0",
	"EST5EDT,M3.2.0,M11.1.0,",
	"EST5EDT,M3.2.0,M11.1.0/",
	"EST5EDT,M0.2.0,M11.1.0",
	"EST5EDT,M13.2.0,M11.1.0",
	"EST5EDT,M3.0.0,M11.1.0",
	"EST5EDT,M3.6.0,M11.1.0",
	"EST5EDT,M3.2.7,M11.1.0",
	"EST5EDT,M3.2,M11.1.0",
	"EST5EDT,J0,J300",
	"EST5EDT,J366,J300",
	"EST5EDT,366,300",
	"EST5EDT,M3.2.0/168,M11.1.0",
	"EST5EDT,M3.2.0/-168,M11.1.0",
	"EST5EDT25,M3.2.0,M11.1.0",
	"EST5ED,M3.2.0,M11.1.0",
	"EST5EDT,0000,300",
};

static void
what_is_no_rule_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_rules); i++) {
		struct zone_rule rule = { .standard = 99 };

		if (zone_rule_parse(text(bad_rules[i]), &rule))
			fail_msg("\"%s\" was read", bad_rules[i]);
		assert_int_equal(rule.standard, 99);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_are_right),
		cmocka_unit_test(daylight_time_may_be_for_ever),
		cmocka_unit_test(what_is_no_rule_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
