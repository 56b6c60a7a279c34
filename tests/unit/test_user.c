#include "tests/test.h"

#include "lib/model/user.h"

#include <string.h>

static const struct id client_a = { { 0x01, 0x02 } };
static const struct id client_b = { { 0x01, 0x03 } };

static struct id
of(struct id client, const char *external_id)
{
	return user_id_from_external(client, (struct text){ external_id, strlen(external_id) });
}

/* Stored rows hold these ids: a change of the rule would give every user a second row. */
static void
an_external_ids_user_never_changes(UNUSED void **state)
{
	char text[ID_TEXT_SIZE];

	assert_string_equal(
	    id_format(of(client_a, "user-1"), text), "0aa878fe-ba5b-8959-b127-48c79e23e477");
}

static void
an_external_id_is_one_user_of_one_client(UNUSED void **state)
{
	assert_true(id_equal(of(client_a, "user-1"), of(client_a, "user-1")));
	assert_false(id_equal(of(client_a, "user-1"), of(client_a, "User-1")));
	assert_false(id_equal(of(client_a, "user-1"), of(client_b, "user-1")));
	assert_false(id_equal(of(client_a, ""), of(client_a, " ")));
}

static void
tier_names_match_the_enum(UNUSED void **state)
{
	assert_string_equal(user_tier_names[USER_ANONYMOUS], "anonymous");
	assert_string_equal(user_tier_names[USER_FREE], "free");
	assert_string_equal(user_tier_names[USER_PREMIUM], "premium");
	assert_string_equal(user_tier_names[USER_ENTERPRISE], "enterprise");
	assert_null(user_tier_names[USER_TIERS]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_external_ids_user_never_changes),
		cmocka_unit_test(an_external_id_is_one_user_of_one_client),
		cmocka_unit_test(tier_names_match_the_enum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
