#include "tests/test.h"

#include "app/accept.h"
#include "lib/base.h"

static const struct {
	const char *sentence;
	const char *header;
	enum accept accept;
} cases[] = {
	{ "no header means JSON", NULL, ACCEPT_JSON },
	{ "an empty header means JSON", "", ACCEPT_JSON },
	{ "CSV is CSV", "text/csv", ACCEPT_CSV },
	{ "NDJSON is NDJSON", "application/x-ndjson", ACCEPT_NDJSON },
	{ "case does not matter", "Text/CSV", ACCEPT_CSV },
	{ "parameters do not matter", "text/csv;header=present;q=0.9", ACCEPT_CSV },
	{ "what is not ours is passed over", "text/html, text/csv", ACCEPT_CSV },
	{ "the first of ours wins", "application/json, text/csv", ACCEPT_JSON },
	{ "curl's default is JSON", "*/*", ACCEPT_JSON },
	{ "any text is CSV", "text/*", ACCEPT_CSV },
	{ "a longer name is another type", "text/csvx", ACCEPT_JSON },
	{ "a shorter name is another type", "text/cs", ACCEPT_JSON },
	{ "nothing of ours is JSON", "image/png", ACCEPT_JSON },
	{ "commas alone end", " , ,,", ACCEPT_JSON },
};

static void
the_header_chooses_the_format(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(cases); i++)
		if (accept_choose(cases[i].header) != cases[i].accept)
			fail_msg("%s", cases[i].sentence);
}

static void
an_answers_media_type_asks_for_its_format(UNUSED void **state)
{
	for (int accept = ACCEPT_JSON; accept <= ACCEPT_NDJSON; accept++) {
		const char *type = accept_media_type((enum accept)accept);

		assert_int_equal(accept_choose(type), accept);
	}
}

static const struct {
	const char *sentence;
	const char *header;
	bool begins;
} beginnings[] = {
	{ "no header", NULL, false },
	{ "an empty one", "", false },
	{ "the type alone", "text/html", true },
	{ "in capitals", " Text/HTML;q=0.9", true },
	{ "as browsers send it", "text/html,application/xhtml+xml,*/*;q=0.8", true },
	{ "behind another", "application/json, text/html", false },
	{ "a longer name", "text/htmlx", false },
	{ "a shorter name", "text/htm", false },
	{ "any type", "*/*", false },
};

static void
the_header_begins_with_a_type(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(beginnings); i++)
		if (accept_begins(beginnings[i].header, "text/html") != beginnings[i].begins)
			fail_msg("%s", beginnings[i].sentence);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_header_chooses_the_format),
		cmocka_unit_test(the_header_begins_with_a_type),
		cmocka_unit_test(an_answers_media_type_asks_for_its_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
