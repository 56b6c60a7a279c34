/* A client's API keys, as an operator sees them through nginx. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

static const char *operator;

static int
start(void **state)
{
	api_start(state);
	operator= api_use_operator();
	return 0;
}

/* The path of a new client. */
static const char *
add_client(const char *name)
{
	const char *body = api_text("{\"name\":\"%s\"}", name);

	return api_text("/v1/clients/%s", api_add("/v1/clients", body));
}

struct key {
	const char *id;
	const char *path;
	const char *text;
};

/* A key with the scope users. */
static struct key
add_key(const char *client)
{
	const char *keys = api_text("%s/api-keys", client);
	struct key key = { .id = api_add(keys, "{\"name\":\"k\",\"scopes\":[\"users\"]}") };

	key.path = api_text("%s/%s", keys, key.id);
	key.text = api_keep("key");
	return key;
}

struct attempt {
	const char *key;
	long status;
};

static bool
answers_with(void *context)
{
	const struct attempt *attempt = context;
	long status;

	api_use_key(attempt->key);
	status = api_send("GET", "/v1/users", NULL, NULL);
	api_use_key(operator);
	return status == attempt->status;
}

/* Until a request with the key is answered like this: a change reaches tallyd a moment later. */
static void
await(const char *key, long status)
{
	struct attempt attempt = { key, status };

	if (!servers_await(answers_with, &attempt))
		fail_msg("%ld and not %ld", api_answer()->status, status);
}

static void
a_key_is_shown_once_and_works(UNUSED void **state)
{
	const char *client = add_client("keyed");
	struct key key = add_key(client);
	const char *secret = strrchr(key.text, '_') + 1;

	assert_string_equal(api_json("name"), "k");
	assert_string_equal(api_json("scopes.0"), "users");
	assert_string_equal(api_json("scopes.1"), "(none)");
	assert_string_equal(api_json("expires_at"), "null");
	await(key.text, 200);
	api_expect(200, "GET", api_text("%s/api-keys", client), NULL);
	assert_string_equal(api_json("data.0.id"), key.id);
	assert_string_equal(api_json("data.0.key"), "(none)");
	assert_null(strstr(api_answer()->body, secret));
	assert_string_equal(
	    api_sql("SELECT count(*) FROM auth_tokens t WHERE t::text LIKE '%%%s%%'", secret), "0");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM audit_log a WHERE a::text LIKE '%%%s%%'", secret), "0");
}

static void
only_the_hash_of_the_key_is_stored(UNUSED void **state)
{
	struct key key = add_key(add_client("hashed"));

	assert_string_equal(
	    api_sql("SELECT token_hash = sha256('%s') FROM auth_tokens WHERE id = '%s'", key.text,
		key.id),
	    "t");
}

static const struct {
	const char *sentence;
	const char *body;
	const char *field;
} bad[] = {
	{ "a name is needed", "{\"scopes\":[\"users\"]}", "name" },
	{ "scopes are needed", "{\"name\":\"k\"}", "scopes" },
	{ "one scope at least", "{\"name\":\"k\",\"scopes\":[]}", "scopes" },
	{ "a scope exists", "{\"name\":\"k\",\"scopes\":[\"user\"]}", "scopes" },
	{ "a client's key is no operator's", "{\"name\":\"k\",\"scopes\":[\"operator\"]}",
	    "scopes" },
	{ "not even beside others", "{\"name\":\"k\",\"scopes\":[\"users\",\"operator\"]}",
	    "scopes" },
	{ "an end lies ahead",
	    "{\"name\":\"k\",\"scopes\":[\"users\"],\"expires_at\":\"2020-01-01T00:00:00Z\"}",
	    "expires_at" },
	{ "a rate is one request at least",
	    "{\"name\":\"k\",\"scopes\":[\"users\"],\"rate_limit_per_hour\":0}",
	    "rate_limit_per_hour" },
	{ "a rate has an end",
	    "{\"name\":\"k\",\"scopes\":[\"users\"],\"rate_limit_per_hour\":1000000001}",
	    "rate_limit_per_hour" },
};

static void
a_bad_key_is_refused_by_field(UNUSED void **state)
{
	const char *path = api_text("%s/api-keys", add_client("refusing"));

	for (size_t i = 0; i < COUNT(bad); i++) {
		api_send("POST", path, NULL, bad[i].body);
		api_expect_field(bad[i].sentence, bad[i].field);
	}
}

static void
a_name_has_80_letters_at_most(UNUSED void **state)
{
	const char *path = api_text("%s/api-keys", add_client("naming"));

	api_expect(201, "POST", path, api_text("{\"name\":\"%080d\",\"scopes\":[\"users\"]}", 1));
	api_expect(422, "POST", path, api_text("{\"name\":\"%081d\",\"scopes\":[\"users\"]}", 1));
}

static void
a_rate_is_shown_and_kept_by_rotation(UNUSED void **state)
{
	const char *keys = api_text("%s/api-keys", add_client("rated"));
	const char *id = api_add(
	    keys, "{\"name\":\"k\",\"scopes\":[\"users\"],\"rate_limit_per_hour\":1000000000}");

	assert_string_equal(api_json("rate_limit_per_hour"), "1000000000");
	api_expect(201, "POST", api_text("%s/%s/rotate", keys, id), "{}");
	assert_string_equal(api_json("rate_limit_per_hour"), "1000000000");
	api_add(keys, "{\"name\":\"k\",\"scopes\":[\"users\"]}");
	assert_string_equal(api_json("rate_limit_per_hour"), "null");
	api_expect(200, "GET", keys, NULL);
	assert_string_equal(api_json("data.0.rate_limit_per_hour"), "null");
	assert_string_equal(api_json("data.1.rate_limit_per_hour"), "1000000000");
}

static void
an_operator_changes_a_key(UNUSED void **state)
{
	const char *client = add_client("changing"), *tag;
	struct key key = add_key(client);
	const char *headers[2] = { NULL };

	await(key.text, 200);
	api_expect(200, "GET", key.path, NULL);
	tag = api_text("%s", http_header(api_answer(), "etag"));
	headers[0] = api_text("If-Match: %s", tag);
	assert_int_equal(api_send("PATCH", key.path, headers,
			     "{\"name\":\"n\",\"scopes\":[\"users\",\"agents\"],"
			     "\"rate_limit_per_hour\":9,\"expires_at\":\"2099-01-01T00:00:00Z\","
			     "\"allowed_addresses\":[\"10.0.0.0/8\",\"2001:db8::/32\"]}"),
	    200);
	api_use_key(key.text);
	api_expect(403, "GET", "/v1/users", NULL);
	api_use_key(operator);
	assert_int_equal(api_send("PATCH", key.path, headers, "{\"name\":\"o\"}"), 412);
	api_expect(200, "GET", key.path, NULL);
	api_expect_json("name", "n");
	api_expect_json("scopes.1", "agents");
	api_expect_json("rate_limit_per_hour", "9");
	api_expect_json("expires_at", "2099-01-01T00:00:00Z");
	api_expect_json("allowed_addresses.1", "2001:db8::/32");
	api_expect(200, "PATCH", key.path,
	    "{\"rate_limit_per_hour\":null,\"expires_at\":null,\"allowed_addresses\":null}");
	api_expect_json("rate_limit_per_hour", "null");
	api_expect_json("expires_at", "null");
	api_expect_json("allowed_addresses", "null");
	api_expect_json("name", "n");
	api_use_key(key.text);
	api_expect(200, "GET", "/v1/users", NULL);
	api_use_key(operator);
	api_send("PATCH", key.path, NULL, "{\"scopes\":[\"operator\"]}");
	api_expect_field("a client's key is no operator's", "scopes");
	assert_string_equal(api_sql("SELECT count(*) FROM audit_log"
				    " WHERE action = 'change' AND entity_id = '%s'"
				    " AND before <> after",
				key.id),
	    "2");
}

/* Tokens of users are theirs: an operator has only to do with keys. */
static void
an_operator_finds_no_token_of_another_type(UNUSED void **state)
{
	const char *client = add_client("typed"), *path;

	path = api_text("%s/api-keys/%s", client,
	    api_sql("WITH u AS (INSERT INTO users (client_id, id, tier)"
		    " VALUES ('%s', gen_random_uuid(), 'anonymous') RETURNING client_id, id)"
		    " INSERT INTO auth_tokens (client_id, id, public_id, token_hash, name,"
		    " token_type, user_id, expires_at)"
		    " SELECT client_id, gen_random_uuid(), 'ofAnotherTypeXYZ', sha256('x'), 'n',"
		    " 'session', id, now() + '1 h' FROM u RETURNING id",
		strrchr(client, '/') + 1));
	api_expect(200, "GET", api_text("%s/api-keys", client), NULL);
	assert_int_equal(api_rows(), 0);
	api_expect(404, "GET", path, NULL);
	api_expect(404, "PATCH", path, "{\"name\":\"o\"}");
	api_expect(404, "POST", api_text("%s/rotate", path), NULL);
	api_expect(404, "DELETE", path, NULL);
}

static void
keys_are_listed_newest_first(UNUSED void **state)
{
	const char *client = add_client("listing");
	struct key first = add_key(client);
	struct key second = add_key(client);
	const char *path = api_text("%s/api-keys?limit=1", client);

	api_expect(200, "GET", path, NULL);
	assert_int_equal(api_rows(), 1);
	assert_string_equal(api_json("data.0.id"), second.id);
	api_expect(200, "GET", api_text("%s&cursor=%s", path, api_keep("next_cursor")), NULL);
	assert_string_equal(api_json("data.0.id"), first.id);
	assert_string_equal(api_json("next_cursor"), "null");
}

static void
a_revoked_key_stops_working(UNUSED void **state)
{
	const char *client = add_client("revoking");
	struct key key = add_key(client);

	await(key.text, 200);
	api_expect(204, "DELETE", key.path, NULL);
	await(key.text, 401);
	api_expect(204, "DELETE", key.path, NULL);
	assert_string_equal(api_sql("SELECT count(*) FROM audit_log"
				    " WHERE action = 'revoke' AND entity_id = '%s'",
				key.id),
	    "1");
	api_expect(200, "GET", api_text("%s/api-keys", client), NULL);
	assert_string_equal(api_json("data.0.active"), "false");
	api_expect(409, "POST", api_text("%s/rotate", key.path), NULL);
}

static void
the_keys_of_a_deactivated_client_stop_working(UNUSED void **state)
{
	const char *client = add_client("leaving");
	struct key key = add_key(client);

	await(key.text, 200);
	api_expect(200, "POST", api_text("%s/deactivate", client), NULL);
	await(key.text, 401);
	api_expect(409, "POST", api_text("%s/api-keys", client),
	    "{\"name\":\"k\",\"scopes\":[\"users\"]}");
	api_expect(409, "POST", api_text("%s/rotate", key.path), NULL);
	api_expect(204, "DELETE", key.path, NULL);
}

static void
a_rotated_key_works_on_for_its_grace(UNUSED void **state)
{
	struct key old = add_key(add_client("rotating"));
	const char *path = api_text("%s/rotate", old.path);
	const char *new_key;

	api_expect(201, "POST", path, "{\"grace_seconds\":3600}");
	assert_string_equal(api_json("name"), "k");
	assert_string_equal(api_json("scopes.0"), "users");
	assert_string_not_equal(api_json("id"), old.id);
	new_key = api_keep("key");
	assert_string_equal(
	    api_sql("SELECT rotated_to FROM auth_tokens WHERE id = '%s'", old.id), api_json("id"));
	await(new_key, 200);
	await(old.text, 200);
	assert_string_equal(
	    api_sql("SELECT expires_at BETWEEN now() + '3000 s' AND now() + '3600 s'"
		    " FROM auth_tokens WHERE id = '%s'",
		old.id),
	    "t");
	api_expect(409, "POST", path, "{}");
}

static void
without_grace_the_old_key_ends_at_once(UNUSED void **state)
{
	struct key old = add_key(add_client("hasty"));

	await(old.text, 200);
	api_expect(201, "POST", api_text("%s/rotate", old.path), "{\"grace_seconds\":0}");
	await(old.text, 401);
}

static void
grace_has_bounds_and_a_default(UNUSED void **state)
{
	struct key key = add_key(add_client("bounded"));
	const char *path = api_text("%s/rotate", key.path);

	api_expect(422, "POST", path, "{\"grace_seconds\":-1}");
	api_expect(422, "POST", path, "{\"grace_seconds\":2592001}");
	api_expect(201, "POST", path, NULL);
	assert_string_equal(
	    api_sql("SELECT expires_at BETWEEN now() + '80000 s' AND now() + '86400 s'"
		    " FROM auth_tokens WHERE id = '%s'",
		key.id),
	    "t");
}

static void
grace_does_not_prolong_a_key(UNUSED void **state)
{
	struct key key = add_key(add_client("ending"));

	api_sql("UPDATE auth_tokens SET expires_at = now() + '1 min' WHERE id = '%s' RETURNING 1",
	    key.id);
	api_expect(201, "POST", api_text("%s/rotate", key.path), "{\"grace_seconds\":2592000}");
	assert_string_equal(api_sql("SELECT expires_at <= now() + '1 min'::interval"
				    " FROM auth_tokens WHERE id = '%s'",
				key.id),
	    "t");
}

static void
a_key_is_found_under_its_own_client_only(UNUSED void **state)
{
	struct key key = add_key(add_client("mine"));
	const char *wrong = api_text("%s/api-keys/%s", add_client("not mine"), key.id);

	api_expect(404, "DELETE", wrong, NULL);
	api_expect(404, "POST", api_text("%s/rotate", wrong), "{}");
	api_expect(404, "DELETE", api_text("/v1/clients/x/api-keys/%s", key.id), NULL);
	await(key.text, 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_shown_once_and_works),
		cmocka_unit_test(only_the_hash_of_the_key_is_stored),
		cmocka_unit_test(a_bad_key_is_refused_by_field),
		cmocka_unit_test(a_name_has_80_letters_at_most),
		cmocka_unit_test(a_rate_is_shown_and_kept_by_rotation),
		cmocka_unit_test(an_operator_changes_a_key),
		cmocka_unit_test(an_operator_finds_no_token_of_another_type),
		cmocka_unit_test(keys_are_listed_newest_first),
		cmocka_unit_test(a_revoked_key_stops_working),
		cmocka_unit_test(the_keys_of_a_deactivated_client_stop_working),
		cmocka_unit_test(a_rotated_key_works_on_for_its_grace),
		cmocka_unit_test(without_grace_the_old_key_ends_at_once),
		cmocka_unit_test(grace_has_bounds_and_a_default),
		cmocka_unit_test(grace_does_not_prolong_a_key),
		cmocka_unit_test(a_key_is_found_under_its_own_client_only),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
