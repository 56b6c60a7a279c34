/* Clients and their keys, as an operator sees them through nginx. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/http.h"
#include "tests/servers.h"

static struct servers *servers;
static struct http operator;
static struct http_answer answer;

static int
start(UNUSED void **state)
{
	servers = servers_start(SERVER_NGINX);
	operator=(struct http){ servers_http_url(servers), servers_key(servers, NULL) };
	return 0;
}

static int
stop(UNUSED void **state)
{
	http_free(&answer);
	servers_stop(servers);
	return 0;
}

static long
call(const struct http *http, const char *method, const char *path, const char *body)
{
	http_free(&answer);
	answer = http_send(http, method, path, NULL, body);
	return answer.status;
}

static const char *
json(const char *path)
{
	const char *value = http_json(&answer, path, 0);

	return value ? value : "(none)";
}

/* A path below a client, in one of a few buffers that take turns. */
static const char *
path_of(const char *client, const char *rest)
{
	static char paths[4][200];
	static unsigned turn;
	char *path = paths[turn++ % COUNT(paths)];

	(void)snprintf(path, sizeof paths[0], "/v1/clients/%s%s", client, rest);
	return path;
}

static char *
add_client(const char *body)
{
	assert_int_equal(call(&operator, "POST", "/v1/clients", body), 201);
	return strdup(json("id"));
}

static char *
sql(const char *format, const char *value)
{
	char text[600];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(text, sizeof text, format, value);
#pragma GCC diagnostic pop
	return servers_sql(servers, text);
}

static void
assert_sql(const char *format, const char *value, const char *expected)
{
	char *got = sql(format, value);

	assert_string_equal(got, expected);
	free(got);
}

static void
a_client_is_what_was_given(UNUSED void **state)
{
	char *id = add_client("{\"name\":\"Acme\",\"plan\":\"pro\",\"timezone\":\"Asia/Kathmandu\","
			      "\"log_retention_days\":30}");

	assert_int_equal(call(&operator, "GET", path_of(id, ""), NULL), 200);
	assert_string_equal(json("name"), "Acme");
	assert_string_equal(json("plan"), "pro");
	assert_string_equal(json("timezone"), "Asia/Kathmandu");
	assert_string_equal(json("log_retention_days"), "30");
	assert_string_equal(json("active"), "true");
	assert_string_equal(json("deactivated_at"), "null");
	free(id);
}

static void
what_is_not_given_has_a_default(UNUSED void **state)
{
	char *id = add_client("{\"name\":\"Plain\"}");

	assert_string_equal(json("plan"), "free");
	assert_string_equal(json("timezone"), "UTC");
	assert_string_equal(json("log_retention_days"), "null");
	free(id);
}

static const struct {
	const char *sentence;
	const char *body;
	const char *field;
} bad_clients[] = {
	{ "a name is needed", "{}", "name" },
	{ "a name has a letter", "{\"name\":\"\"}", "name" },
	{ "a plan is one of three", "{\"name\":\"a\",\"plan\":\"gold\"}", "plan" },
	{ "a time zone exists", "{\"name\":\"a\",\"timezone\":\"Mars/Olympus\"}", "timezone" },
	{ "a time zone is no path", "{\"name\":\"a\",\"timezone\":\"../passwd\"}", "timezone" },
	{ "a log is kept for a day at least", "{\"name\":\"a\",\"log_retention_days\":0}",
	    "log_retention_days" },
	{ "a log is kept for a hundred years at most",
	    "{\"name\":\"a\",\"log_retention_days\":36501}", "log_retention_days" },
	{ "a state is not set here", "{\"name\":\"a\",\"active\":false}", "active" },
};

static void
a_bad_client_is_refused_by_field(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(bad_clients); i++) {
		if (call(&operator, "POST", "/v1/clients", bad_clients[i].body) != 422 ||
		    strcmp(json("errors.0.field"), bad_clients[i].field) != 0)
			fail_msg("%s: %s", bad_clients[i].sentence, answer.body);
	}
}

static void
a_name_has_80_letters_at_most(UNUSED void **state)
{
	char body[200];

	(void)snprintf(body, sizeof body, "{\"name\":\"%080d\"}", 1);
	assert_int_equal(call(&operator, "POST", "/v1/clients", body), 201);
	(void)snprintf(body, sizeof body, "{\"name\":\"%081d\"}", 1);
	assert_int_equal(call(&operator, "POST", "/v1/clients", body), 422);
}

static void
only_what_is_given_is_changed(UNUSED void **state)
{
	char *id = add_client("{\"name\":\"Old\",\"timezone\":\"Europe/Berlin\"}");

	assert_int_equal(
	    call(&operator, "PATCH", path_of(id, ""), "{\"name\":\"New\",\"plan\":null}"), 200);
	assert_int_equal(call(&operator, "GET", path_of(id, ""), NULL), 200);
	assert_string_equal(json("name"), "New");
	assert_string_equal(json("plan"), "free");
	assert_string_equal(json("timezone"), "Europe/Berlin");
	assert_int_equal(call(&operator, "PATCH", path_of(id, ""), "{\"timezone\":\"x\"}"), 422);
	free(id);
}

static void
a_change_is_in_the_audit_log(UNUSED void **state)
{
	char *id = add_client("{\"name\":\"Before\"}");

	assert_int_equal(call(&operator, "PATCH", path_of(id, ""), "{\"name\":\"After\"}"), 200);
	assert_sql("SELECT string_agg(concat_ws(' ', action, before->>'name', after->>'name'), ', '"
		   " ORDER BY id) FROM audit_log"
		   " WHERE entity = 'clients' AND entity_id = '%s' AND api_key_id IS NOT NULL"
		   " AND request_id IS NOT NULL AND ip_address = '127.0.0.1'",
	    id, "add Before, change Before After");
	free(id);
}

static void
clients_are_listed_newest_first(UNUSED void **state)
{
	char *first = add_client("{\"name\":\"first\",\"plan\":\"enterprise\"}");
	char *second = add_client("{\"name\":\"second\",\"plan\":\"enterprise\"}");
	char path[200];

	assert_int_equal(call(&operator, "GET", "/v1/clients?plan=enterprise&limit=1", NULL), 200);
	assert_string_equal(json("data.0.id"), second);
	assert_string_equal(json("data.1.id"), "(none)");
	(void)snprintf(path, sizeof path, "/v1/clients?plan=enterprise&limit=1&cursor=%s",
	    json("next_cursor"));
	assert_int_equal(call(&operator, "GET", path, NULL), 200);
	assert_string_equal(json("data.0.id"), first);
	assert_string_equal(json("next_cursor"), "null");
	free(first);
	free(second);
}

static void
the_operator_is_no_client(UNUSED void **state)
{
	const char *nil = "00000000-0000-0000-0000-000000000000";

	assert_int_equal(call(&operator, "GET", path_of(nil, ""), NULL), 404);
	assert_int_equal(call(&operator, "PATCH", path_of(nil, ""), "{\"name\":\"x\"}"), 404);
	assert_int_equal(call(&operator, "POST", path_of(nil, "/deactivate"), NULL), 404);
	assert_int_equal(call(&operator, "GET", path_of(nil, "/api-keys"), NULL), 404);
	assert_int_equal(call(&operator, "GET", "/v1/clients?limit=500", NULL), 200);
	assert_null(strstr(answer.body, nil));
}

static void
clients_are_counted_by_plan(UNUSED void **state)
{
	int before;

	assert_int_equal(call(&operator, "GET", "/v1/clients/count?by=plan", NULL), 200);
	before = atoi(json("by_plan.pro"));
	free(add_client("{\"name\":\"one more\",\"plan\":\"pro\"}"));
	assert_int_equal(call(&operator, "GET", "/v1/clients/count?by=plan", NULL), 200);
	assert_int_equal(atoi(json("by_plan.pro")), before + 1);
	assert_int_equal(atoi(json("count")), atoi(json("by_plan.free")) +
						  atoi(json("by_plan.pro")) +
						  atoi(json("by_plan.enterprise")));
	assert_int_equal(call(&operator, "GET", "/v1/clients/count", NULL), 200);
	assert_string_equal(json("by_plan"), "(none)");
	assert_int_equal(call(&operator, "GET", "/v1/clients/count?by=name", NULL), 422);
}

/* A key of the client with the scope users; its id in *ret_id. */
static char *
add_key(const char *client, char **ret_id)
{
	assert_int_equal(call(&operator, "POST", path_of(client, "/api-keys"),
			     "{\"name\":\"k\",\"scopes\":[\"users\"]}"),
	    201);
	*ret_id = strdup(json("id"));
	return strdup(json("key"));
}

static void
a_key_is_shown_once_and_works(UNUSED void **state)
{
	char *client = add_client("{\"name\":\"keyed\"}");
	char *id;
	char *key = add_key(client, &id);
	struct http http = { operator.url, key };

	assert_string_equal(json("scopes.0"), "users");
	assert_string_equal(json("scopes.1"), "(none)");
	assert_int_equal(call(&http, "GET", "/v1/users", NULL), 200);
	assert_int_equal(call(&operator, "GET", path_of(client, "/api-keys"), NULL), 200);
	assert_string_equal(json("data.0.id"), id);
	assert_string_equal(json("data.0.key"), "(none)");
	assert_null(strstr(answer.body, strrchr(key, '_') + 1));
	assert_sql("SELECT count(*) FROM auth_tokens t WHERE t::text LIKE '%%' || '%s' || '%%'",
	    strrchr(key, '_') + 1, "0");
	assert_sql("SELECT count(*) FROM audit_log a WHERE a::text LIKE '%%' || '%s' || '%%'",
	    strrchr(key, '_') + 1, "0");
	free(key);
	free(id);
	free(client);
}

static const struct {
	const char *sentence;
	const char *body;
	const char *field;
} bad_keys[] = {
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
};

static void
a_bad_key_is_refused_by_field(UNUSED void **state)
{
	char *client = add_client("{\"name\":\"refusing\"}");

	for (size_t i = 0; i < COUNT(bad_keys); i++) {
		if (call(&operator, "POST", path_of(client, "/api-keys"), bad_keys[i].body) !=
			422 ||
		    strcmp(json("errors.0.field"), bad_keys[i].field) != 0)
			fail_msg("%s: %s", bad_keys[i].sentence, answer.body);
	}
	free(client);
}

struct attempt {
	struct http http;
	long status;
};

static bool
answers_with(void *context)
{
	struct attempt *attempt = context;

	return call(&attempt->http, "GET", "/v1/users", NULL) == attempt->status;
}

static void
await(const char *key, long status)
{
	struct attempt attempt = { { operator.url, key }, status };

	if (!servers_await(answers_with, &attempt))
		fail_msg("still %ld instead of %ld", answer.status, status);
}

static void
a_revoked_key_stops_working(UNUSED void **state)
{
	char *client = add_client("{\"name\":\"revoking\"}");
	char *id;
	char *key = add_key(client, &id);
	char rest[100];

	await(key, 200);
	(void)snprintf(rest, sizeof rest, "/api-keys/%s", id);
	assert_int_equal(call(&operator, "DELETE", path_of(client, rest), NULL), 204);
	await(key, 401);
	assert_int_equal(call(&operator, "DELETE", path_of(client, rest), NULL), 204);
	assert_sql(
	    "SELECT count(*) FROM audit_log WHERE action = 'revoke' AND entity_id = '%s'", id, "1");
	assert_int_equal(call(&operator, "GET", path_of(client, "/api-keys"), NULL), 200);
	assert_string_equal(json("data.0.active"), "false");
	free(key);
	free(id);
	free(client);
}

static void
the_keys_of_a_deactivated_client_stop_working(UNUSED void **state)
{
	char *client = add_client("{\"name\":\"leaving\"}");
	char *id;
	char *key = add_key(client, &id);

	await(key, 200);
	assert_int_equal(call(&operator, "POST", path_of(client, "/deactivate"), NULL), 200);
	assert_string_equal(json("active"), "false");
	await(key, 401);
	assert_int_equal(call(&operator, "POST", path_of(client, "/deactivate"), NULL), 200);
	assert_int_equal(call(&operator, "POST", path_of(client, "/api-keys"),
			     "{\"name\":\"k\",\"scopes\":[\"users\"]}"),
	    409);
	free(key);
	free(id);
	free(client);
}

static long
rotate(const char *client, const char *id, const char *body)
{
	char rest[100];

	(void)snprintf(rest, sizeof rest, "/api-keys/%s/rotate", id);
	return call(&operator, "POST", path_of(client, rest), body);
}

static void
a_rotated_key_works_on_for_its_grace(UNUSED void **state)
{
	char *client = add_client("{\"name\":\"rotating\"}");
	char *id;
	char *old_key = add_key(client, &id);
	char *new_key;

	assert_int_equal(rotate(client, id, "{\"grace_seconds\":3600}"), 201);
	assert_string_equal(json("name"), "k");
	assert_string_equal(json("scopes.0"), "users");
	assert_string_not_equal(json("id"), id);
	new_key = strdup(json("key"));
	await(new_key, 200);
	await(old_key, 200);
	assert_sql("SELECT expires_at BETWEEN now() + '3500 s' AND now() + '3600 s'"
		   " AND rotated_to IS NOT NULL FROM auth_tokens WHERE id = '%s'",
	    id, "t");
	assert_int_equal(rotate(client, id, "{}"), 409);
	free(new_key);
	free(old_key);
	free(id);
	free(client);
}

static void
without_grace_the_old_key_ends_at_once(UNUSED void **state)
{
	char *client = add_client("{\"name\":\"hasty\"}");
	char *id;
	char *old_key = add_key(client, &id);

	await(old_key, 200);
	assert_int_equal(rotate(client, id, "{\"grace_seconds\":0}"), 201);
	await(old_key, 401);
	free(old_key);
	free(id);
	free(client);
}

static void
grace_has_bounds_and_a_default(UNUSED void **state)
{
	char *client = add_client("{\"name\":\"bounded\"}");
	char *id;
	char *key = add_key(client, &id);

	assert_int_equal(rotate(client, id, "{\"grace_seconds\":-1}"), 422);
	assert_int_equal(rotate(client, id, "{\"grace_seconds\":2592001}"), 422);
	assert_int_equal(rotate(client, id, NULL), 201);
	assert_sql("SELECT expires_at BETWEEN now() + '86000 s' AND now() + '86400 s'"
		   " FROM auth_tokens WHERE id = '%s'",
	    id, "t");
	free(key);
	free(id);
	free(client);
}

static void
a_key_is_found_under_its_own_client_only(UNUSED void **state)
{
	char *client = add_client("{\"name\":\"mine\"}");
	char *other = add_client("{\"name\":\"not mine\"}");
	char *id;
	char *key = add_key(client, &id);
	char rest[100];

	(void)snprintf(rest, sizeof rest, "/api-keys/%s", id);
	assert_int_equal(call(&operator, "DELETE", path_of(other, rest), NULL), 404);
	assert_int_equal(rotate(other, id, "{}"), 404);
	assert_int_equal(call(&operator, "DELETE", path_of("x", rest), NULL), 404);
	await(key, 200);
	free(key);
	free(id);
	free(other);
	free(client);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_is_what_was_given),
		cmocka_unit_test(what_is_not_given_has_a_default),
		cmocka_unit_test(a_bad_client_is_refused_by_field),
		cmocka_unit_test(a_name_has_80_letters_at_most),
		cmocka_unit_test(only_what_is_given_is_changed),
		cmocka_unit_test(a_change_is_in_the_audit_log),
		cmocka_unit_test(clients_are_listed_newest_first),
		cmocka_unit_test(the_operator_is_no_client),
		cmocka_unit_test(clients_are_counted_by_plan),
		cmocka_unit_test(a_key_is_shown_once_and_works),
		cmocka_unit_test(a_bad_key_is_refused_by_field),
		cmocka_unit_test(a_revoked_key_stops_working),
		cmocka_unit_test(the_keys_of_a_deactivated_client_stop_working),
		cmocka_unit_test(a_rotated_key_works_on_for_its_grace),
		cmocka_unit_test(without_grace_the_old_key_ends_at_once),
		cmocka_unit_test(grace_has_bounds_and_a_default),
		cmocka_unit_test(a_key_is_found_under_its_own_client_only),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
