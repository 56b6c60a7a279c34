/* /v1/users through nginx: who a user is, beside what every resource does. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

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

static const struct {
	const char *name;
	const char *given; /* as JSON */
	const char *preset;
} columns[] = {
	{ "username", "\"ann\"", "null" },
	{ "display_name", "\"Ann O'Neil\"", "null" },
	{ "avatar_url", "\"https://example.org/a.png?s=64\"", "null" },
	{ "subscription_tier", "\"team\"", "individual" },
	{ "subscription_status", "\"past_due\"", "active" },
	{ "billing_customer_id", "\"cus_42\"", "null" },
	{ "account_status", "\"closed\"", "active" },
	{ "timezone", "\"Asia/Kathmandu\"", "UTC" },
	{ "preferences", "{\"theme\": {\"dark\": true}}", "{}" },
	{ "mfa_enabled", NULL, "false" },
	{ "last_login_at", NULL, "null" },
	{ "last_login_ip", NULL, "null" },
};

static void
each_column_is_kept_or_has_its_default(UNUSED void **state)
{
	const char *body = "{\"email\":\"a@b\"";
	const char *id;

	api_use_new_client("identity-columns");
	add("{\"email\":\"b@b\"}");
	for (size_t i = 0; i < COUNT(columns); i++)
		api_expect_json(columns[i].name, columns[i].preset);
	for (size_t i = 0; i < COUNT(columns); i++)
		if (columns[i].given != NULL)
			body = api_text("%s,\"%s\":%s", body, columns[i].name, columns[i].given);
	id = add(api_text("%s}", body));
	api_expect(200, "GET", user(id, ""), NULL);
	for (size_t i = 0; i < COUNT(columns); i++) {
		const char *given = columns[i].given;

		if (given != NULL && given[0] == '"')
			given = api_text("%.*s", (int)strlen(given) - 2, given + 1);
		api_expect_json(columns[i].name, given == NULL ? columns[i].preset : given);
	}
}

static const struct {
	const char *sentence;
	const char *member;
	const char *field;
} bad_users[] = {
	{ "a name has no blank", "\"username\":\"an n\"", "username" },
	{ "a name has no control character", "\"username\":\"an\\nn\"", "username" },
	{ "an avatar comes by https", "\"avatar_url\":\"http://example.org/a\"", "avatar_url" },
	{ "an avatar is no script", "\"avatar_url\":\"javascript:alert(1)\"", "avatar_url" },
	{ "an avatar's URL has no password", "\"avatar_url\":\"https://u:p@x.org/\"",
	    "avatar_url" },
	{ "a zone is in the database", "\"timezone\":\"Mars/Olympus\"", "timezone" },
	{ "the machine's zone is none", "\"timezone\":\"localtime\"", "timezone" },
	{ "preferences are an object", "\"preferences\":[]", "preferences" },
	{ "preferences have no NUL", "\"preferences\":{\"a\":\"\\u0000\"}", "preferences" },
	{ "nor one in a name", "\"preferences\":{\"\\u0000\":1}", "preferences" },
	{ "nor half a letter", "\"preferences\":{\"a\":\"\\ud800\"}", "preferences" },
	{ "nor a number without bounds", "\"preferences\":{\"a\":1e999999}", "preferences" },
	{ "a subscription is one of the tiers", "\"subscription_tier\":\"gold\"",
	    "subscription_tier" },
	{ "a status is one of its names", "\"subscription_status\":\"gone\"",
	    "subscription_status" },
	{ "an account has one of three states", "\"account_status\":\"deleted\"",
	    "account_status" },
	{ "nobody says that MFA is on", "\"mfa_enabled\":true", "mfa_enabled" },
	{ "nobody says when somebody logged in", "\"last_login_at\":\"2026-01-01T00:00:00Z\"",
	    "last_login_at" },
};

static void
a_bad_column_is_refused_by_name(UNUSED void **state)
{
	const char *id;

	api_use_new_client("identity-bad");
	id = add("{\"email\":\"a@b\"}");
	for (size_t i = 0; i < COUNT(bad_users); i++) {
		api_send("POST", "/v1/users", NULL,
		    api_text("{\"email\":\"b@b\",%s}", bad_users[i].member));
		api_expect_field(bad_users[i].sentence, bad_users[i].field);
		api_send("PATCH", user(id, ""), NULL, api_text("{%s}", bad_users[i].member));
		api_expect_field(bad_users[i].sentence, bad_users[i].field);
	}
}

/* A body whose preferences have so many bytes. */
static const char *
with_preferences(int bytes)
{
	return api_text("{\"tier\":\"anonymous\",\"preferences\":{\"x\":\"%0*d\"}}",
	    bytes - (int)strlen("{\"x\":\"\"}"), 1);
}

static void
preferences_have_16_kib(UNUSED void **state)
{
	api_use_new_client("identity-preferences");
	api_expect(201, "POST", "/v1/users", with_preferences(16384));
	api_send("POST", "/v1/users", NULL, with_preferences(16385));
	api_expect_field("one byte more is too much", "preferences");
}

static void
a_name_is_unique_among_the_living_whatever_its_case(UNUSED void **state)
{
	const char *old, *id;

	api_use_new_client("identity-name");
	old = add("{\"username\":\"J\xc3\xbcrgen\"}");
	api_send("POST", "/v1/users", NULL, "{\"username\":\"J\xc3\x9cRGEN\"}");
	assert_int_equal(api_answer()->status, 409);
	api_expect_field("another letter case is the same name", "username");
	id = add("{\"username\":\"other\"}");
	api_send("PATCH", user(id, ""), NULL, "{\"username\":\"j\xc3\xbcrgen\"}");
	assert_int_equal(api_answer()->status, 409);
	api_expect_field("a change cannot take it either", "username");
	api_expect(204, "DELETE", user(old, ""), NULL);
	api_expect(200, "PATCH", user(id, ""), "{\"username\":\"j\xc3\xbcrgen\"}");
	api_send("POST", user(old, "/restore"), NULL, NULL);
	assert_int_equal(api_answer()->status, 409);
	api_expect_field("the name was taken meanwhile", "username");
	api_use_new_client("identity-name-2");
	add("{\"username\":\"j\xc3\xbcrgen\"}");
}

static const char *
open_sessions(const char *id)
{
	return api_sql(
	    "SELECT count(*) FROM sessions WHERE user_id = '%s' AND revoked_at IS NULL", id);
}

static void
a_suspended_user_has_no_sessions(UNUSED void **state)
{
	static const char *const states[] = { "suspended", "closed" };

	api_use_new_client("identity-suspended");
	for (size_t i = 0; i < COUNT(states); i++) {
		const char *id = add(api_text("{\"email\":\"u%zu@b\"}", i));
		const char *open = api_text("{\"user_id\":\"%s\"}", id);

		api_expect(201, "POST", "/v1/sessions", open);
		api_expect(200, "PATCH", user(id, ""), "{\"display_name\":\"n\"}");
		assert_string_equal(open_sessions(id), "1");
		api_expect(
		    200, "PATCH", user(id, ""), api_text("{\"account_status\":\"%s\"}", states[i]));
		assert_string_equal(open_sessions(id), "0");
		api_send("POST", "/v1/sessions", NULL, open);
		api_expect_field("no session of one who is not active", "user_id");
		api_expect(200, "PATCH", user(id, ""), "{\"account_status\":\"active\"}");
		assert_string_equal(open_sessions(id), "0");
		api_expect(201, "POST", "/v1/sessions", open);
	}
}

static void
a_new_address_is_not_verified(UNUSED void **state)
{
	const char *id;

	api_use_new_client("identity-address");
	id = add("{\"email\":\"a@b\",\"email_verified\":true}");
	api_expect_json("email_verified", "true");
	api_expect(200, "PATCH", user(id, ""), "{\"email\":\"a@b\",\"display_name\":\"n\"}");
	api_expect_json("email_verified", "true");
	api_expect(200, "PATCH", user(id, ""), "{\"email\":\"c@b\"}");
	api_expect_json("email_verified", "false");
	api_expect(200, "PATCH", user(id, ""), "{\"email_verified\":true}");
	api_expect_json("email_verified", "true");
	api_expect(200, "PATCH", user(id, ""), "{\"email\":\"d@b\",\"email_verified\":true}");
	api_expect_json("email_verified", "false");
}

/* The list has this user and no other; NULL: none. */
static void
expect_found(const char *filter, const char *id)
{
	api_expect(200, "GET", api_text("/v1/users?%s", filter), NULL);
	assert_int_equal(api_rows(), id == NULL ? 0 : 1);
	if (id != NULL)
		api_expect_json("data.0.id", id);
}

static void
users_are_found_by_name_subscription_and_account(UNUSED void **state)
{
	const char *ann, *bob;

	api_use_new_client("identity-found");
	ann = add("{\"username\":\"Ann\",\"subscription_tier\":\"pro\","
		  "\"oauth_provider\":\"google\",\"oauth_id\":\"7\"}");
	bob = add("{\"username\":\"bob\",\"oauth_provider\":\"github\",\"oauth_id\":\"7\"}");
	expect_found("username=aNN", ann);
	expect_found("username=an", NULL);
	expect_found("subscription_tier=pro", ann);
	expect_found("subscription_tier=individual&username=bob", bob);
	expect_found("subscription_tier=team", NULL);
	expect_found("oauth_provider=google&oauth_id=7", ann);
	expect_found("oauth_provider=github&oauth_id=7", bob);
	expect_found("oauth_provider=google&oauth_id=8", NULL);
	api_expect(200, "GET", "/v1/users/count?by=subscription_tier", NULL);
	assert_string_equal(api_answer()->body,
	    "{\"count\":2,\"by_subscription_tier\":{\"individual\":1,\"pro\":1,\"team\":0,"
	    "\"enterprise\":0}}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_column_is_kept_or_has_its_default),
		cmocka_unit_test(a_bad_column_is_refused_by_name),
		cmocka_unit_test(preferences_have_16_kib),
		cmocka_unit_test(a_name_is_unique_among_the_living_whatever_its_case),
		cmocka_unit_test(a_suspended_user_has_no_sessions),
		cmocka_unit_test(a_new_address_is_not_verified),
		cmocka_unit_test(users_are_found_by_name_subscription_and_account),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
