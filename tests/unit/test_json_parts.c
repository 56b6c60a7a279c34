#include "tests/test.h"

#include <string.h>

#include "lib/core/json_parts.h"

static struct text
text(const char *at)
{
	return (struct text){ at, strlen(at) };
}

/* What is found, each part behind the other. */
static const struct {
	const char *sentence;
	const char *json;
	const char *parts;
} rows[] = {
	{ "nothing", "{}", "" },
	{ "nothing, spread out", " { \n} ", "" },
	{ "one", "{\"a\":1}", "a=1;" },
	{ "several", "{\"a\":1,\"b\":null,\"c\":\"d\"}", "a=1;b=null;c=\"d\";" },
	{ "white space is no part", "{ \"a\" :\t1 ,\n\"b\": true }", "a=1;b=true;" },
	{ "what is inside stays whole", "{\"a\":{\"b\":[1,{}]},\"c\":[]}",
	    "a={\"b\":[1,{}]};c=[];" },
	{ "brackets in a text are letters", "{\"a\":\"]}\",\"}\":\"{\"}", "a=\"]}\";}=\"{\";" },
	{ "quotes in a text are letters", "{\"a\":\"b\\\"c\\\\\",\"d\":1}",
	    "a=\"b\\\"c\\\\\";d=1;" },
	{ "a name without letters", "{\"\":1}", "=1;" },
	{ "an empty array", "[]", "" },
	{ "elements", "[1, \"b\" ,[2],{\"c\":3}]", "1;\"b\";[2];{\"c\":3};" },
};

static void
parts_stand_as_they_are(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text rest = json_parts_value(text(rows[i].json)), name, value;
		bool object = rest.at[0] == '{';
		char found[200] = "";

		while (object ? json_parts_member(&rest, &name, &value)
			      : json_parts_element(&rest, &value)) {
			if (object)
				(void)strncat(strncat(found, name.at, name.len), "=", 1);
			(void)strncat(strncat(found, value.at, value.len), ";", 1);
		}
		if (strcmp(found, rows[i].parts) != 0)
			fail_msg("%s: %s", rows[i].sentence, found);
	}
}

static const struct {
	const char *sentence;
	const char *text;
	const char *word;
	bool same;
} words[] = {
	{ "the same", "type", "type", true },
	{ "an escape is a letter", "t\\u0079p\\u0065", "type", true },
	{ "escapes have letters of either case", "\\u004a\\u004A", "JJ", true },
	{ "an escape by name", "a\\tb\\\\c\\/", "a\tb\\c/", true },
	{ "longer", "types", "type", false },
	{ "shorter", "typ", "type", false },
	{ "case matters", "Type", "type", false },
	{ "a unit above ASCII is no letter of it", "typ\\u0165", "type", false },
	{ "nothing", "", "", true },
};

static void
a_text_says_a_word_however_it_is_written(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(words); i++)
		if (json_parts_is(text(words[i].text), words[i].word) != words[i].same)
			fail_msg("%s", words[i].sentence);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_stand_as_they_are),
		cmocka_unit_test(a_text_says_a_word_however_it_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
