#include "tests/test.h"

#include <string.h>

#include "lib/utf8.h"

static const struct row {
	const char *sentence;
	const char *text;
	size_t first; /* bytes of its first character */
	bool valid;
	size_t count; /* of characters where it is valid */
} rows[] = {
	{ "nothing", "", 0, true, 0 },
	{ "ASCII of more than a word", "abcdefghijklmnopqrstuvwxyz\x7f", 1, true, 27 },
	{ "the first of two bytes", "\xc2\x80", 2, true, 1 },
	{ "the last of two bytes", "\xdf\xbf", 2, true, 1 },
	{ "the first of three bytes", "\xe0\xa0\x80", 3, true, 1 },
	{ "the last before the surrogates", "\xed\x9f\xbf", 3, true, 1 },
	{ "the first behind the surrogates", "\xee\x80\x80", 3, true, 1 },
	{ "the last of three bytes", "\xef\xbf\xbf", 3, true, 1 },
	{ "the first of four bytes", "\xf0\x90\x80\x80", 4, true, 1 },
	{ "the last there is", "\xf4\x8f\xbf\xbf", 4, true, 1 },
	{ "a mixture over the end of a word", "abcdefg\xc3\xa9hijklmn\xf0\x9f\x98\x80", 1, true,
	    16 },
	{ "a tail alone", "\x80", 0, false, 0 },
	{ "overlong in two bytes", "\xc1\xbf", 0, false, 0 },
	{ "overlong in three bytes", "\xe0\x9f\xbf", 0, false, 0 },
	{ "overlong in four bytes", "\xf0\x8f\xbf\xbf", 0, false, 0 },
	{ "the first surrogate", "\xed\xa0\x80", 0, false, 0 },
	{ "the last surrogate", "\xed\xbf\xbf", 0, false, 0 },
	{ "one beyond the last", "\xf4\x90\x80\x80", 0, false, 0 },
	{ "a head that no character has", "\xf5\x80\x80\x80", 0, false, 0 },
	{ "five bytes", "\xf8\x88\x80\x80\x80", 0, false, 0 },
	{ "one of two", "\xc3", 0, false, 0 },
	{ "two of three", "\xe2\x82", 0, false, 0 },
	{ "three of four", "\xf0\x9f\x98", 0, false, 0 },
	{ "a second byte that is none", "\xc3(", 0, false, 0 },
	{ "a third byte that is none", "\xe2\x82(", 0, false, 0 },
	{ "a fourth byte that is none", "\xf0\x9f\x98(", 0, false, 0 },
	{ "bad behind a good word", "abcdefgh\xff", 1, false, 0 },
};

static void
texts_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text text = { .at = rows[i].text, .len = strlen(rows[i].text) };

		if (utf8_char(text) != rows[i].first || utf8_valid(text) != rows[i].valid)
			fail_msg(
			    "%s: %zu, %d", rows[i].sentence, utf8_char(text), utf8_valid(text));
		if (rows[i].valid && utf8_count(text) != rows[i].count)
			fail_msg("%s: %zu characters", rows[i].sentence, utf8_count(text));
	}
}

static void
nul_is_a_character(void **state)
{
	struct text text = { .at = "a\0b", .len = 3 };

	(void)state;
	assert_true(utf8_valid(text));
	assert_int_equal(utf8_count(text), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_judged),
		cmocka_unit_test(nul_is_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
