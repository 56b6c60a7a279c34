#include "tests/test.h"

#include "lib/model/auth_token.h"

#include <string.h>

#define PUBLIC "abcXYZ0123456789"
#define SECRET "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
#define KEY AUTH_TOKEN_PREFIX PUBLIC "_" SECRET

static bool
parse(const char *key, struct auth_token_parts *ret)
{
	return auth_token_parse((struct text){ key, strlen(key) }, ret);
}

static void
a_key_has_a_public_and_a_secret_part(UNUSED void **state)
{
	struct auth_token_parts parts;

	assert_int_equal(strlen(KEY) + 1, AUTH_TOKEN_KEY_SIZE);
	assert_true(parse(KEY, &parts));
	assert_string_equal(parts.public_id, PUBLIC);
	assert_string_equal(parts.secret, SECRET);
}

static const struct {
	const char *sentence;
	const char *key;
} bad[] = {
	{ "nothing is no key", "" },
	{ "a prefix alone is no key", AUTH_TOKEN_PREFIX },
	{ "another prefix is no key", "Tally_" PUBLIC "_" SECRET },
	{ "a session's token is no key", "tallys_" PUBLIC "_" SECRET },
	{ "a letter less is no key",
	    AUTH_TOKEN_PREFIX PUBLIC "_"
				     "123456789abcdefghijklmnopqrstuvwxyzABCDEFG" },
	{ "a letter more is no key", KEY "0" },
	{ "a space behind it is not taken", KEY " " },
	{ "another separator is no key", AUTH_TOKEN_PREFIX PUBLIC "-" SECRET },
	{ "a public id is base 62", AUTH_TOKEN_PREFIX "abcXYZ012345678%"
						      "_" SECRET },
	{ "a secret is base 62",
	    AUTH_TOKEN_PREFIX PUBLIC "_"
				     "0123456789abcdefghijklmnopqrstuvwxyzABCDEF_" },
	{ "letters are ASCII", AUTH_TOKEN_PREFIX "abcXYZ01234567\xc3\xa9"
						 "_" SECRET },
};

static void
what_has_another_form_is_refused(UNUSED void **state)
{
	struct auth_token_parts parts;

	for (size_t i = 0; i < COUNT(bad); i++) {
		if (parse(bad[i].key, &parts))
			fail_msg("%s", bad[i].sentence);
	}
}

static void
every_scope_has_a_name_that_is_found(UNUSED void **state)
{
	enum scope scope;

	for (int i = 0; i <= SCOPE_OPERATOR; i++) {
		assert_true(scope_find(scope_names[i], &scope));
		assert_int_equal(scope, i);
	}
	assert_null(scope_names[SCOPE_OPERATOR + 1]);
	assert_false(scope_find("logs", &scope));
	assert_false(scope_find("", &scope));
}

static void
a_key_of_all_client_scopes_is_no_operators(UNUSED void **state)
{
	assert_true(SCOPE_CLIENT_ALL & UINT64_C(1) << SCOPE_ADMIN);
	assert_false(SCOPE_CLIENT_ALL & UINT64_C(1) << SCOPE_OPERATOR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_has_a_public_and_a_secret_part),
		cmocka_unit_test(what_has_another_form_is_refused),
		cmocka_unit_test(every_scope_has_a_name_that_is_found),
		cmocka_unit_test(a_key_of_all_client_scopes_is_no_operators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
