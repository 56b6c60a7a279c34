/* /v1/users through nginx: what is kept, what is unique, what deletion hides. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

#define NIL "00000000-0000-0000-0000-000000000000"

/* The id of a new user. */
static const char *
add(const char *body)
{
	api_expect(201, "POST", "/v1/users", body);
	return api_keep("id");
}

static const char *
user(const char *id, const char *rest)
{
	return api_text("/v1/users/%s%s", id, rest);
}

static void
a_user_is_what_was_given(UNUSED void **state)
{
	const char *id;

	api_use_new_client("users-given");
	id = add(
	    "{\"email\":\"Ann@Example.org\",\"password_hash\":\"$argon2id$x\",\"tier\":\"premium\","
	    "\"email_verified\":true,\"oauth_provider\":\"google\",\"oauth_id\":\"77\"}");
	api_expect(200, "GET", user(id, ""), NULL);
	assert_string_equal(api_json("id"), id);
	assert_string_equal(api_json("email"), "Ann@Example.org");
	assert_string_equal(api_json("tier"), "premium");
	assert_string_equal(api_json("email_verified"), "true");
	assert_string_equal(api_json("oauth_provider"), "google");
	assert_string_equal(api_json("oauth_id"), "77");
	assert_string_equal(api_json("external_id"), "null");
	assert_string_equal(api_json("deleted_at"), "null");
}

static void
what_is_not_given_has_a_default(UNUSED void **state)
{
	api_use_new_client("users-default");
	add("{\"email\":\"a@b\"}");
	assert_string_equal(api_json("tier"), "free");
	assert_string_equal(api_json("email_verified"), "false");
	assert_string_equal(api_json("oauth_id"), "null");
}

static void
a_password_hash_is_stored_and_never_shown(UNUSED void **state)
{
	const char *id;

	api_use_new_client("users-hash");
	id = add("{\"email\":\"a@b\",\"password_hash\":\"swordfish\"}");
	assert_null(strstr(api_answer()->body, "swordfish"));
	assert_null(strstr(api_answer()->body, "password"));
	api_expect(200, "GET", user(id, ""), NULL);
	assert_null(strstr(api_answer()->body, "swordfish"));
	api_expect(200, "GET", "/v1/users", NULL);
	assert_null(strstr(api_answer()->body, "swordfish"));
	assert_string_equal(
	    api_sql("SELECT password_hash FROM users WHERE id = '%s'", id), "swordfish");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM audit_log WHERE entity_id = '%s'"
		    "AND (before::text LIKE '%%swordfish%%' OR after::text LIKE '%%swordfish%%')",
		id),
	    "0");
}

static const struct {
	const char *sentence;
	const char *body;
	const char *field;
} bad_users[] = {
	{ "a user has something to be known by", "{}", "email" },
	{ "an address has an @", "{\"email\":\"ann.example.org\"}", "email" },
	{ "an address has one @", "{\"email\":\"a@b@c\"}", "email" },
	{ "an address has something before the @", "{\"email\":\"@example.org\"}", "email" },
	{ "an address has something behind the @", "{\"email\":\"ann@\"}", "email" },
	{ "an address has no blank", "{\"email\":\"a n@b.org\"}", "email" },
	{ "an address has no control character", "{\"email\":\"a@b\\n.org\"}", "email" },
	{ "an address has three characters at least", "{\"email\":\"@b\"}", "email" },
	{ "a tier is one of four", "{\"email\":\"a@b\",\"tier\":\"gold\"}", "tier" },
	{ "a truth value is no text", "{\"email\":\"a@b\",\"email_verified\":\"yes\"}",
	    "email_verified" },
	{ "a provider comes with an id", "{\"email\":\"a@b\",\"oauth_provider\":\"x\"}",
	    "oauth_id" },
	{ "an id comes with a provider", "{\"email\":\"a@b\",\"oauth_id\":\"x\"}",
	    "oauth_provider" },
	{ "an external id is not empty", "{\"external_id\":\"\"}", "external_id" },
	{ "the id is not for the caller to choose", "{\"email\":\"a@b\",\"id\":\"" NIL "\"}",
	    "id" },
	{ "a misspelled field is named", "{\"email\":\"a@b\",\"teir\":\"free\"}", "teir" },
};

static void
a_bad_user_is_refused_by_field(UNUSED void **state)
{
	api_use_new_client("users-bad");
	for (size_t i = 0; i < COUNT(bad_users); i++) {
		api_send("POST", "/v1/users", NULL, bad_users[i].body);
		api_expect_field(bad_users[i].sentence, bad_users[i].field);
	}
	api_expect(200, "GET", "/v1/users/count", NULL);
	assert_string_equal(api_json("count"), "0");
}

static void
an_address_may_be_255_characters(UNUSED void **state)
{
	char name[257];

	api_use_new_client("users-long");
	memset(name, 'a', 256);
	name[1] = '@';
	name[256] = '\0';
	api_send("POST", "/v1/users", NULL, api_text("{\"email\":\"%s\"}", name));
	api_expect_field("256 characters are too many", "email");
	name[255] = '\0';
	add(api_text("{\"email\":\"%s\"}", name));
}

static void
an_address_is_unique_whatever_its_case(UNUSED void **state)
{
	const char *id;

	api_use_new_client("users-unique");
	add("{\"email\":\"J\xc3\xbcrgen@Example.org\"}");
	api_send("POST", "/v1/users", NULL, "{\"email\":\"J\xc3\x9cRGEN@example.ORG\"}");
	assert_int_equal(api_answer()->status, 409);
	api_expect_field("another letter case is the same address", "email");
	id = add("{\"email\":\"other@example.org\"}");
	api_send("PATCH", user(id, ""), NULL, "{\"email\":\"j\xc3\xbcrgen@example.org\"}");
	assert_int_equal(api_answer()->status, 409);
	api_expect_field("a change cannot take it either", "email");
	api_use_new_client("users-unique-2");
	add("{\"email\":\"J\xc3\xbcrgen@Example.org\"}");
}

static void
an_account_of_a_provider_is_one_user(UNUSED void **state)
{
	api_use_new_client("users-oauth");
	add("{\"oauth_provider\":\"github\",\"oauth_id\":\"1\"}");
	add("{\"oauth_provider\":\"gitlab\",\"oauth_id\":\"1\"}");
	api_send("POST", "/v1/users", NULL, "{\"oauth_provider\":\"github\",\"oauth_id\":\"1\"}");
	assert_int_equal(api_answer()->status, 409);
	api_expect_field("the account is taken", "oauth_id");
}

static void
an_account_of_a_provider_comes_and_goes_as_a_whole(UNUSED void **state)
{
	const char *id;

	api_use_new_client("users-oauth-pair");
	id = add("{\"email\":\"a@b\",\"oauth_provider\":\"github\",\"oauth_id\":\"1\"}");
	api_send("PATCH", user(id, ""), NULL, "{\"oauth_provider\":\"gitlab\"}");
	api_expect_field("an id is of its provider", "oauth_id");
	api_send("PATCH", user(id, ""), NULL, "{\"oauth_id\":\"2\"}");
	api_expect_field("an id is not changed alone", "oauth_provider");
	api_send("PATCH", user(id, ""), NULL, "{\"oauth_id\":null}");
	api_expect_field("an id does not go alone", "oauth_provider");
	api_expect(200, "PATCH", user(id, ""), "{\"oauth_provider\":\"x\",\"oauth_id\":\"2\"}");
	api_expect_json("oauth_provider", "x");
	api_expect_json("oauth_id", "2");
	api_expect(200, "PATCH", user(id, ""), "{\"oauth_provider\":null,\"oauth_id\":null}");
	api_expect_json("oauth_provider", "null");
	api_expect_json("oauth_id", "null");
	add("{\"email\":\"b@b\",\"oauth_provider\":null}");
}

static void
an_external_id_is_one_user_and_the_one_of_its_records(UNUSED void **state)
{
	const char *id;

	api_use_new_client("users-external");
	id = add("{\"external_id\":\"crm/42\"}");
	api_send("POST", "/v1/users", NULL, "{\"external_id\":\"crm/42\"}");
	assert_int_equal(api_answer()->status, 409);
	api_expect_field("the id is taken", "external_id");
	api_expect(
	    201, "POST", "/v1/chat-logs", "{\"external_user_id\":\"crm/42\",\"message_length\":5}");
	assert_string_equal(api_json("user_id"), id);
	api_expect(
	    201, "POST", "/v1/chat-logs", "{\"external_user_id\":\"crm/43\",\"message_length\":5}");
	api_expect(200, "GET", "/v1/users?external_id=crm%2F43", NULL);
	assert_string_equal(api_json("data.0.tier"), "anonymous");
	assert_string_equal(api_json("data.0.external_id"), "crm/43");
}

static void
a_change_touches_what_is_given(UNUSED void **state)
{
	const char *id;
	const char *updated_at;

	api_use_new_client("users-change");
	id = add("{\"email\":\"a@b\",\"tier\":\"premium\",\"email_verified\":true}");
	updated_at = api_keep("updated_at");
	api_expect(200, "PATCH", user(id, ""), "{\"email_verified\":false}");
	assert_string_equal(api_json("email_verified"), "false");
	assert_string_equal(api_json("tier"), "premium");
	assert_string_equal(api_json("email"), "a@b");
	assert_true(strcmp(api_json("updated_at"), updated_at) > 0);
	api_expect(200, "PATCH", user(id, ""), "{\"tier\":\"anonymous\"}");
	assert_string_equal(api_json("tier"), "anonymous");
	updated_at = api_keep("updated_at");
	api_expect(200, "PATCH", user(id, ""), "{}");
	assert_string_equal(api_json("updated_at"), updated_at);
	api_send("PATCH", user(id, ""), NULL, "{\"external_id\":\"x\"}");
	api_expect_field("an external id is given at creation only", "external_id");
}

static void
a_deleted_user_is_hidden_until_restored(UNUSED void **state)
{
	const char *id;

	api_use_new_client("users-delete");
	id = add("{\"email\":\"a@b\",\"external_id\":\"e\"}");
	api_expect(204, "DELETE", user(id, ""), NULL);
	api_expect(404, "GET", user(id, ""), NULL);
	api_expect(404, "PATCH", user(id, ""), "{\"tier\":\"free\"}");
	api_expect(404, "DELETE", user(id, ""), NULL);
	api_expect(404, "GET", user(id, "/usage"), NULL);
	api_expect(404, "GET", user(id, "/chat-logs"), NULL);
	api_expect(200, "GET", "/v1/users", NULL);
	assert_string_equal(api_json("data.0.id"), "(none)");
	api_expect(200, "GET", "/v1/users?external_id=e", NULL);
	assert_string_equal(api_json("data.0.id"), "(none)");
	api_expect(200, "GET", "/v1/users?deleted=true&external_id=e", NULL);
	assert_string_equal(api_json("data.0.id"), id);
	assert_string_not_equal(api_json("data.0.deleted_at"), "null");
	api_expect(200, "POST", user(id, "/restore"), NULL);
	assert_string_equal(api_json("deleted_at"), "null");
	api_expect(200, "GET", user(id, ""), NULL);
	api_expect(409, "POST", user(id, "/restore"), NULL);
}

static void
an_address_of_a_deleted_user_is_free(UNUSED void **state)
{
	const char *old, *new;

	api_use_new_client("users-taken");
	old = add("{\"email\":\"a@b\"}");
	api_expect(204, "DELETE", user(old, ""), NULL);
	new = add("{\"email\":\"A@B\"}");
	api_send("POST", user(old, "/restore"), NULL, NULL);
	assert_int_equal(api_answer()->status, 409);
	api_expect_field("the address was taken meanwhile", "email");
	api_expect(204, "DELETE", user(new, ""), NULL);
	api_expect(200, "POST", user(old, "/restore"), NULL);
}

static void
unknown_users_are_not_found(UNUSED void **state)
{
	static const char *const ids[] = { "01890000-0000-7000-8000-000000000000", NIL, "x", "%ff",
		"01890000-0000-7000-8000-00000000000z" };
	const char *other;

	api_use_new_client("users-other");
	other = add("{\"email\":\"a@b\"}");
	api_use_new_client("users-unknown");
	api_expect(404, "GET", user(other, ""), NULL);
	api_expect(404, "PATCH", user(other, ""), "{\"tier\":\"free\"}");
	api_expect(404, "DELETE", user(other, ""), NULL);
	api_expect(404, "POST", user(other, "/restore"), NULL);
	api_expect(404, "POST", user(other, "/sessions/revoke"), NULL);
	api_expect(404, "GET", user(other, "/usage"), NULL);
	for (size_t i = 0; i < COUNT(ids); i++) {
		long status = api_send("GET", user(ids[i], ""), NULL, NULL);

		if (status != 404 && !(status == 400 && strcmp(ids[i], "%ff") == 0))
			fail_msg("%s: %ld", ids[i], status);
	}
	assert_string_equal(
	    api_sql("SELECT deleted_at IS NULL FROM users WHERE id = '%s'", other), "t");
}

static void
changes_stand_in_the_audit_log(UNUSED void **state)
{
	const char *id;

	api_use_new_client("users-audit");
	id = add("{\"email\":\"a@b\"}");
	api_expect(200, "PATCH", user(id, ""), "{\"tier\":\"premium\"}");
	api_expect(204, "DELETE", user(id, ""), NULL);
	api_expect(200, "POST", user(id, "/restore"), NULL);
	assert_string_equal(
	    api_sql("SELECT string_agg(action, ' ' ORDER BY created_at) FROM audit_log\n"
		    "WHERE entity = 'users' AND entity_id = '%s' AND api_key_id IS NOT NULL",
		id),
	    "add change remove restore");
	assert_string_equal(api_sql("SELECT (before->>'tier') || '>' || (after->>'tier')\n"
				    "FROM audit_log WHERE entity_id = '%s' AND action = 'change'",
				id),
	    "free>premium");
	assert_string_equal(
	    api_sql("SELECT string_agg((before->>'deleted_at' IS NULL)::text || '>' ||\n"
		    "(after->>'deleted_at' IS NULL)::text, ' ' ORDER BY created_at)\n"
		    "FROM audit_log WHERE entity_id = '%s' AND before IS NOT NULL",
		id),
	    "true>true true>false false>true");
}

static void
a_repeated_post_adds_one_user(UNUSED void **state)
{
	static const char *const headers[] = { "Idempotency-Key: one", NULL };
	const char *id;

	api_use_new_client("users-idempotent");
	assert_int_equal(api_send("POST", "/v1/users", headers, "{\"tier\":\"anonymous\"}"), 201);
	id = api_keep("id");
	assert_int_equal(api_send("POST", "/v1/users", headers, "{\"tier\":\"anonymous\"}"), 201);
	assert_string_equal(api_json("id"), id);
	api_expect(200, "GET", "/v1/users/count", NULL);
	assert_string_equal(api_json("count"), "1");
}

static void
users_need_their_scope(UNUSED void **state)
{
	api_use_new_client("users-scope");
	api_use_scope("logs:read");
	api_expect(403, "GET", "/v1/users", NULL);
	api_expect(403, "POST", "/v1/users", "{\"email\":\"a@b\"}");
	api_use_scope("users");
	api_expect(200, "GET", "/v1/users", NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_is_what_was_given),
		cmocka_unit_test(what_is_not_given_has_a_default),
		cmocka_unit_test(a_password_hash_is_stored_and_never_shown),
		cmocka_unit_test(a_bad_user_is_refused_by_field),
		cmocka_unit_test(an_address_may_be_255_characters),
		cmocka_unit_test(an_address_is_unique_whatever_its_case),
		cmocka_unit_test(an_account_of_a_provider_is_one_user),
		cmocka_unit_test(an_account_of_a_provider_comes_and_goes_as_a_whole),
		cmocka_unit_test(an_external_id_is_one_user_and_the_one_of_its_records),
		cmocka_unit_test(a_change_touches_what_is_given),
		cmocka_unit_test(a_deleted_user_is_hidden_until_restored),
		cmocka_unit_test(an_address_of_a_deleted_user_is_free),
		cmocka_unit_test(unknown_users_are_not_found),
		cmocka_unit_test(changes_stand_in_the_audit_log),
		cmocka_unit_test(a_repeated_post_adds_one_user),
		cmocka_unit_test(users_need_their_scope),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
