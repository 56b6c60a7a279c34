/*
 * The first seed's user model, by its own steps (Task 1.1.3, "Verification"): create, find by id
 * and by e-mail, update, count, count by tier, soft delete.
 */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

#define EMAIL "modeltest@example.com"
#define USER "{\"email\":\"" EMAIL "\",\"password_hash\":\"hashed_password\",\"tier\":\"free\"}"

static const char *
path(const char *id)
{
	return api_text("/v1/users/%s", id);
}

/* UserModel.create. The hash is kept, and in no answer: the seed's RETURNING * shows it. */
static void
can_create_users(UNUSED void **state)
{
	const char *id;

	api_use_new_client("seed1-create");
	id = api_add("/v1/users", USER);
	api_expect_json("email", EMAIL);
	api_expect_json("tier", "free");
	api_expect_json("email_verified", "false");
	assert_null(strstr(api_answer()->body, "hashed_password"));
	assert_string_equal(
	    api_sql("SELECT password_hash FROM users WHERE id = '%s'", id), "hashed_password");
}

/* "tier = 'free'" where none is given. */
static void
a_tier_is_free_by_default(UNUSED void **state)
{
	api_use_new_client("seed1-tier");
	api_add("/v1/users", "{\"email\":\"" EMAIL "\",\"password_hash\":\"h\"}");
	api_expect_json("tier", "free");
}

/* UserModel.findById. null is 404 here. */
static void
can_find_by_id(UNUSED void **state)
{
	const char *id;

	api_use_new_client("seed1-id");
	id = api_add("/v1/users", USER);
	api_expect(200, "GET", path(id), NULL);
	api_expect_json("email", EMAIL);
	api_expect(404, "GET", path("00000000-0000-4000-8000-000000000000"), NULL);
}

/* UserModel.findByEmail. The list has one row or none, and the letters' case does not matter. */
static void
can_find_by_email(UNUSED void **state)
{
	const char *id;

	api_use_new_client("seed1-email");
	id = api_add("/v1/users", USER);
	api_expect(200, "GET", "/v1/users?email=ModelTest%40Example.com", NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.id", id);
	api_expect(200, "GET", "/v1/users?email=nobody%40example.com", NULL);
	assert_int_equal(api_rows(), 0);
}

static const struct {
	const char *sentence, *body, *member, *value;
} changes[] = {
	{ "the tier", "{\"tier\":\"premium\"}", "tier", "premium" },
	{ "the address", "{\"email\":\"other@example.com\"}", "email", "other@example.com" },
	{ "that it was verified", "{\"email_verified\":true}", "email_verified", "true" },
	{ "nothing, which gives the user as it is", "{}", "email_verified", "true" },
};

/* UserModel.update. */
static void
can_update_user(UNUSED void **state)
{
	const char *id;

	api_use_new_client("seed1-update");
	id = api_add("/v1/users", USER);
	for (size_t i = 0; i < COUNT(changes); i++) {
		api_expect(200, "PATCH", path(id), changes[i].body);
		if (strcmp(api_json(changes[i].member), changes[i].value) != 0)
			fail_msg("%s: %s", changes[i].sentence, api_answer()->body);
	}
	api_expect(200, "PATCH", path(id), "{\"password_hash\":\"rehashed\"}");
	assert_string_equal(
	    api_sql("SELECT password_hash FROM users WHERE id = '%s'", id), "rehashed");
	api_expect(
	    404, "PATCH", path("00000000-0000-4000-8000-000000000000"), "{\"tier\":\"free\"}");
}

/* "updated_at should be newer than created_at" */
static void
updated_at_is_newer_after_an_update(UNUSED void **state)
{
	const char *id;

	api_use_new_client("seed1-updated");
	id = api_add("/v1/users", USER);
	api_expect(200, "PATCH", path(id), "{\"tier\":\"premium\"}");
	assert_string_equal(
	    api_sql("SELECT updated_at > created_at FROM users WHERE id = '%s'", id), "t");
}

/* UserModel.count and countByTier. Tiers without users are counted, too: as 0. */
static void
count_functions_work(UNUSED void **state)
{
	api_use_new_client("seed1-count");
	api_add("/v1/users", USER);
	api_add("/v1/users", "{\"email\":\"second@example.com\",\"tier\":\"premium\"}");
	api_add("/v1/users", "{\"email\":\"third@example.com\",\"tier\":\"premium\"}");
	api_expect(200, "GET", "/v1/users/count", NULL);
	api_expect_json("count", "3");
	api_expect(200, "GET", "/v1/users/count?by=tier", NULL);
	api_expect_json("by_tier.free", "1");
	api_expect_json("by_tier.premium", "2");
	api_expect_json("by_tier.enterprise", "0");
}

/* UserModel.delete, and "User not found after delete". The seed keeps the address for ever; here it
 * is free for the next user. */
static void
can_soft_delete_users(UNUSED void **state)
{
	const char *id;

	api_use_new_client("seed1-delete");
	id = api_add("/v1/users", USER);
	api_expect(204, "DELETE", path(id), NULL);
	api_expect(404, "GET", path(id), NULL);
	api_expect(404, "DELETE", path(id), NULL);
	api_expect(200, "GET", "/v1/users/count", NULL);
	api_expect_json("count", "0");
	assert_string_equal(
	    api_sql("SELECT deleted_at IS NOT NULL FROM users WHERE id = '%s'", id), "t");
	assert_string_not_equal(api_add("/v1/users", USER), id);
}

/* "Should fail with duplicate key error" */
static void
a_duplicate_email_is_refused(UNUSED void **state)
{
	api_use_new_client("seed1-duplicate");
	api_add("/v1/users", USER);
	api_send("POST", "/v1/users", NULL,
	    "{\"email\":\"" EMAIL "\",\"password_hash\":\"another_hash\"}");
	assert_int_equal(api_answer()->status, 409);
	api_expect_field("the address is taken", "email");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(can_create_users),
		cmocka_unit_test(a_tier_is_free_by_default),
		cmocka_unit_test(can_find_by_id),
		cmocka_unit_test(can_find_by_email),
		cmocka_unit_test(can_update_user),
		cmocka_unit_test(updated_at_is_newer_after_an_update),
		cmocka_unit_test(count_functions_work),
		cmocka_unit_test(can_soft_delete_users),
		cmocka_unit_test(a_duplicate_email_is_refused),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
