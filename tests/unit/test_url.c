#include "tests/test.h"

#include <string.h>

#include "app/url.h"

static const struct decoding {
	const char *sentence;
	const char *text;
	enum url_part part;
	const char *decoded; /* NULL: refused */
} decodings[] = {
	{ "nothing", "", URL_PATH, "" },
	{ "plain letters", "/v1/users", URL_PATH, "/v1/users" },
	{ "an escape", "a%20b", URL_PATH, "a b" },
	{ "small and capital digits", "%c3%A4", URL_PATH, "\xc3\xa4" },
	{ "a plus in a path stays", "a+b", URL_PATH, "a+b" },
	{ "a plus in a query is a space", "a+b", URL_QUERY, "a b" },
	{ "an escaped plus in a query stays", "a%2Bb", URL_QUERY, "a+b" },
	{ "an escaped percent sign is not read again", "%2541", URL_QUERY, "%41" },
	{ "UTF-8 as it stands", "\xe2\x82\xac", URL_QUERY, "\xe2\x82\xac" },
	{ "an escape without digits", "a%", URL_PATH, NULL },
	{ "an escape with one digit", "a%4", URL_PATH, NULL },
	{ "an escape with a letter", "%4g", URL_PATH, NULL },
	{ "an escape with a sign", "%+1", URL_PATH, NULL },
	{ "an escaped NUL", "a%00b", URL_QUERY, NULL },
	{ "a byte that is not UTF-8", "%ff", URL_PATH, NULL },
	{ "half a letter", "%c3", URL_QUERY, NULL },
	{ "an overlong slash", "%c0%af", URL_PATH, NULL },
};

static void
test_decode(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(decodings); i++) {
		const struct decoding *row = &decodings[i];
		struct text decoded, text = { row->text, strlen(row->text) };
		bool good = url_decode(arena, text, row->part, &decoded);

		if (good != (row->decoded != NULL) || (good && strcmp(decoded.at, row->decoded)))
			fail_msg("%s", row->sentence);
		if (good)
			assert_int_equal(decoded.len, strlen(row->decoded));
	}
	arena_free(arena);
}

static void
test_cut(void **state)
{
	struct text rest = { "a=1&&b", 6 }, part;

	(void)state;
	part = url_cut(&rest, '&');
	assert_int_equal(part.len, 3);
	assert_memory_equal(part.at, "a=1", 3);
	part = url_cut(&rest, '&');
	assert_int_equal(part.len, 0);
	part = url_cut(&rest, '&');
	assert_int_equal(part.len, 1);
	assert_null(rest.at);
	part = url_cut(&rest, '&');
	assert_null(part.at);
}

static void
test_a_mark_at_the_end_leaves_an_empty_rest(void **state)
{
	struct text rest = { "path?", 5 };

	(void)state;
	(void)url_cut(&rest, '?');
	assert_non_null(rest.at);
	assert_int_equal(rest.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_a_mark_at_the_end_leaves_an_empty_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
