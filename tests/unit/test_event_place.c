#include "tests/test.h"

#include <string.h>

#include "lib/model/event_read.h"

static const struct {
	const char *sentence, *text;
	bool good;
} rows[] = {
	{ "what Redis numbers an entry", "1795357132837-0", true },
	{ "the largest there is", "18446744073709551615-18446744073709551615", true },
	{ "zeros", "0-0", true },
	{ "one beyond the largest", "18446744073709551616-0", false },
	{ "a number beyond the largest", "0-18446744073709551616", false },
	{ "nothing", "", false },
	{ "no number", "12", false },
	{ "no number behind the line", "12-", false },
	{ "no milliseconds", "-1", false },
	{ "a sign", "+1-1", false },
	{ "a negative number", "1--1", false },
	{ "a blank before", " 1-1", false },
	{ "a blank behind", "1-1 ", false },
	{ "one that is too long", "000000000000000000000000000000000000000000-1", false },
};

static void
places_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text text = { rows[i].text, strlen(rows[i].text) };
		struct event_place place;
		char out[EVENT_PLACE_SIZE];

		if (event_place_parse(text, &place) != rows[i].good)
			fail_msg("%s", rows[i].sentence);
		if (rows[i].good)
			assert_string_equal(event_place_format(place, out), rows[i].text);
	}
}

static void
places_have_an_order(void **state)
{
	static const struct event_place places[] = { { 1, 5 }, { 2, 0 }, { 2, 1 },
		{ UINT64_MAX, UINT64_MAX } };

	(void)state;
	for (size_t i = 0; i < COUNT(places); i++) {
		assert_int_equal(event_place_compare(places[i], places[i]), 0);
		for (size_t j = 0; j < i; j++) {
			assert_true(event_place_compare(places[j], places[i]) < 0);
			assert_true(event_place_compare(places[i], places[j]) > 0);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_are_read),
		cmocka_unit_test(places_have_an_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
