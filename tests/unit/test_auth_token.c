#include "tests/test.h"

#include "lib/model/auth_token_text.h"
#include "lib/model/scope.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUBLIC "abcXYZ0123456789"
#define SECRET "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
#define CHECK "0JwCqI" /* by Python's zlib.crc32() */
#define OLD AUTH_TOKEN_PREFIX PUBLIC "_" SECRET
#define KEY OLD CHECK

static enum auth_token_form
parse(const char *key, struct auth_token_parts *ret)
{
	return auth_token_parse((struct text){ key, strlen(key) }, ret);
}

static void
a_key_has_a_public_and_a_secret_part(UNUSED void **state)
{
	struct auth_token_parts parts;

	assert_int_equal(strlen(KEY) + 1, AUTH_TOKEN_KEY_SIZE);
	assert_int_equal(parse(KEY, &parts), AUTH_TOKEN_KEY);
	assert_string_equal(parts.public_id, PUBLIC);
	assert_string_equal(parts.secret, KEY);
}

static void
a_key_from_before_there_were_check_digits_is_one(UNUSED void **state)
{
	struct auth_token_parts parts;

	assert_int_equal(parse(OLD, &parts), AUTH_TOKEN_KEY);
	assert_string_equal(parts.public_id, PUBLIC);
	assert_string_equal(parts.secret, SECRET);
}

static void
the_check_digits_are_worked_out(UNUSED void **state)
{
	char key[AUTH_TOKEN_KEY_SIZE] = OLD;

	auth_token_add_check(key);
	assert_string_equal(key, KEY);
}

/* Whichever letter it is, digits of the check among them. */
static void
a_slip_in_any_letter_is_noticed(UNUSED void **state)
{
	struct auth_token_parts parts;
	char key[] = KEY;

	for (size_t i = sizeof AUTH_TOKEN_PREFIX - 1; key[i] != '\0'; i++) {
		char right = key[i];

		if (right == '_')
			continue;
		key[i] = right == 'x' ? 'X' : 'x';
		if (parse(key, &parts) != AUTH_TOKEN_MISTYPED)
			fail_msg("%s", key);
		key[i] = right;
	}
	assert_int_equal(parse(KEY, &parts), AUTH_TOKEN_KEY);
}

static void
two_letters_that_change_places_are_noticed(UNUSED void **state)
{
	struct auth_token_parts parts;

	assert_int_equal(
	    parse(AUTH_TOKEN_PREFIX "bacXYZ0123456789_" SECRET CHECK, &parts), AUTH_TOKEN_MISTYPED);
	assert_int_equal(parse(OLD "J0wCqI", &parts), AUTH_TOKEN_MISTYPED);
}

static bool
matches(const char *pattern, const char *text)
{
	regex_t regex;
	bool found;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	found = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return found;
}

static void
a_scanner_finds_a_key(UNUSED void **state)
{
	assert_true(matches(AUTH_TOKEN_PATTERN, KEY));
	assert_true(matches(AUTH_TOKEN_PATTERN, "TALLY_API_KEY=" KEY " # do not commit"));
	assert_true(matches("^" AUTH_TOKEN_PATTERN "$", KEY));
	assert_false(matches("^" AUTH_TOKEN_PATTERN "$", KEY "0"));
	assert_false(matches(AUTH_TOKEN_PATTERN, OLD));
	assert_false(matches(AUTH_TOKEN_PATTERN, "tallys_" SECRET SECRET));
}

static bool
has_line_with(const char *name, const char *text)
{
	const char *source = getenv("TALLY_SRCDIR");
	char path[4096], line[4096];
	bool found = false;
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/%s", source != NULL ? source : ".", name);
	file = fopen(path, "r");
	assert_non_null(file);
	while (!found && fgets(line, sizeof line, file) != NULL)
		found = strstr(line, text) != NULL;
	(void)fclose(file);
	return found;
}

static void
the_manuals_tell_scanners_the_pattern(UNUSED void **state)
{
	assert_true(has_line_with("README.md", AUTH_TOKEN_PATTERN));
	assert_true(has_line_with("worker/tally.8", AUTH_TOKEN_PATTERN));
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
	{ "a digit of the check less is no key", OLD "0JwCq" },
	{ "a digit of the check is base 62", OLD "0JwC-I" },
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
		if (parse(bad[i].key, &parts) != AUTH_TOKEN_NO_KEY)
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
		cmocka_unit_test(a_key_from_before_there_were_check_digits_is_one),
		cmocka_unit_test(the_check_digits_are_worked_out),
		cmocka_unit_test(a_slip_in_any_letter_is_noticed),
		cmocka_unit_test(two_letters_that_change_places_are_noticed),
		cmocka_unit_test(a_scanner_finds_a_key),
		cmocka_unit_test(the_manuals_tell_scanners_the_pattern),
		cmocka_unit_test(what_has_another_form_is_refused),
		cmocka_unit_test(every_scope_has_a_name_that_is_found),
		cmocka_unit_test(a_key_of_all_client_scopes_is_no_operators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
