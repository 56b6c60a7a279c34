#include "tests/test.h"

#include <string.h>

#include "lib/core/redact.h"

#define NAMES "password, api_key token"
#define GONE REDACTED

static const struct {
	const char *sentence;
	const char *json;
	const char *kept;
} rows[] = {
	{ "nothing to hide", "{\"city\":\"Bonn\"}", "{\"city\":\"Bonn\"}" },
	{ "a text", "{\"password\":\"hush\"}", "{\"password\":" GONE "}" },
	{ "what stands around it stays", "{\"a\": 1, \"token\" : 7 , \"b\":[2]}",
	    "{\"a\": 1, \"token\" : " GONE " , \"b\":[2]}" },
	{ "the last name of the list", "{\"token\":true}", "{\"token\":" GONE "}" },
	{ "the case of letters is nothing", "{\"PassWord\":1}", "{\"PassWord\":" GONE "}" },
	{ "nor are hyphens and underscores", "{\"Api-Key\":1,\"apiKey\":2,\"API__KEY_\":3}",
	    "{\"Api-Key\":" GONE ",\"apiKey\":" GONE ",\"API__KEY_\":" GONE "}" },
	{ "a name with an escape", "{\"pass\\u0077ord\":1}", "{\"pass\\u0077ord\":" GONE "}" },
	{ "deep inside", "{\"a\":[{\"b\":{\"token\":1}}]}",
	    "{\"a\":[{\"b\":{\"token\":" GONE "}}]}" },
	{ "an object as a whole", "{\"token\":{\"a\":{\"b\":1}},\"c\":2}",
	    "{\"token\":" GONE ",\"c\":2}" },
	{ "an array as a whole", "{\"token\":[\"]\",1],\"c\":2}", "{\"token\":" GONE ",\"c\":2}" },
	{ "a text with quotes as a whole", "{\"token\":\"a\\\"b\",\"c\":2}",
	    "{\"token\":" GONE ",\"c\":2}" },
	{ "one behind the other", "{\"token\":1,\"password\":2}",
	    "{\"token\":" GONE ",\"password\":" GONE "}" },
	{ "null, too", "{\"token\":null}", "{\"token\":" GONE "}" },
	{ "a longer name is another", "{\"tokens\":1,\"my_token\":2}",
	    "{\"tokens\":1,\"my_token\":2}" },
	{ "a shorter name is another", "{\"toke\":1,\"\":2}", "{\"toke\":1,\"\":2}" },
	{ "a value is no name", "{\"a\":\"token\",\"b\":[\"token\"]}",
	    "{\"a\":\"token\",\"b\":[\"token\"]}" },
	{ "a name inside a text is none", "{\"a\":\"\\\"token\\\":1\"}",
	    "{\"a\":\"\\\"token\\\":1\"}" },
	{ "an array at the top", "[{\"token\":1},\"token\"]", "[{\"token\":" GONE "},\"token\"]" },
	{ "nothing at all", "{}", "{}" },
};

static void
the_value_of_a_secret_is_gone(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text json = { rows[i].json, strlen(rows[i].json) };
		char out[200] = "";
		size_t len = redact_json(json, NAMES, NULL);

		assert_true(len < sizeof out);
		assert_int_equal(redact_json(json, NAMES, out), len);
		if (len != strlen(rows[i].kept) || strcmp(out, rows[i].kept) != 0)
			fail_msg("%s: %s", rows[i].sentence, out);
	}
}

static void
without_names_nothing_is_secret(UNUSED void **state)
{
	static const char *const none[] = { "", " ", ",", ", ,\t" };
	struct text json = { "{\"token\":1,\"\":2}", strlen("{\"token\":1,\"\":2}") };

	for (size_t i = 0; i < COUNT(none); i++)
		assert_int_equal(redact_json(json, none[i], NULL), json.len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_value_of_a_secret_is_gone),
		cmocka_unit_test(without_names_nothing_is_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
