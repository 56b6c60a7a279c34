/* Whose key it is and what it may do, through nginx. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/model/auth_token_text.h"
#include "tests/http.h"
#include "tests/servers.h"

static struct servers *servers;
static struct http operator;
static struct http tenant; /* a key of all scopes */
static char *client; /* its id */
static struct http_answer answer;

static int
start(UNUSED void **state)
{
	servers = servers_start(SERVER_NGINX);
	operator=(struct http){ servers_http_url(servers), servers_key(servers, NULL) };
	tenant = (struct http){ operator.url, servers_key(servers, "tenant") };
	client = servers_sql(servers, "SELECT id FROM clients WHERE name = 'tenant'");
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

/* A request to a route of the scope users with this Authorization; NULL: none. */
static long
present(const char *authorization)
{
	struct http http = { .url = operator.url };
	const char *headers[] = { authorization, NULL };

	http_free(&answer);
	answer = http_send(&http, "GET", "/v1/users", headers, NULL);
	return answer.status;
}

/* The tenant's key with one letter of it turned into another, checked: with the digits that fit. */
static char *
spoiled_key(size_t at, bool checked)
{
	char *key = strdup(tenant.key);

	key[at] = key[at] == 'a' ? 'b' : 'a';
	if (checked)
		auth_token_add_check(key);
	return key;
}

static char *
header(const char *format, const char *key)
{
	char *text;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (asprintf(&text, format, key) < 0)
		abort();
#pragma GCC diagnostic pop
	return text;
}

static void
assert_unauthenticated(const char *sentence, long status)
{
	if (status != 401 || strcmp(http_json(&answer, "detail", 0), "A valid API key is needed."))
		fail_msg("%s: %ld %s", sentence, status, answer.body);
	if (!http_header(&answer, "www-authenticate") ||
	    strcmp(http_header(&answer, "www-authenticate"), "Bearer") != 0)
		fail_msg("%s: no WWW-Authenticate", sentence);
	assert_string_equal(http_header(&answer, "content-type"), "application/problem+json");
}

static void
a_key_lets_in(UNUSED void **state)
{
	char *text = header("Authorization: Bearer %s", tenant.key);

	assert_int_equal(present(text), 200);
	free(text);
	text = header("Authorization: bearer  %s", tenant.key);
	assert_int_equal(present(text), 200);
	free(text);
}

static void
every_wrong_key_gets_the_same_answer(UNUSED void **state)
{
	static const struct {
		const char *sentence;
		const char *format;
		size_t spoil; /* which letter of the key; 0: none */
		bool checked; /* its check digits fit */
	} cases[] = {
		{ "another scheme is no key", "Authorization: Basic %s", 0, false },
		{ "a key without a scheme is none", "Authorization: %s", 0, false },
		{ "a key with something behind it is none", "Authorization: Bearer %s x", 0,
		    false },
		{ "an empty key is none", "Authorization: Bearer %.0s", 0, false },
		{ "a key without its check digits is none", "Authorization: Bearer %.66s", 0,
		    false },
		{ "a mistyped public id is no key", "Authorization: Bearer %s", 8, false },
		{ "a mistyped secret is no key", "Authorization: Bearer %s", 23, false },
		{ "a wrong check digit is no key", "Authorization: Bearer %s", 71, false },
		{ "an unknown public id is no key", "Authorization: Bearer %s", 8, true },
		{ "a wrong first letter of the secret is no key", "Authorization: Bearer %s", 23,
		    true },
		{ "a wrong last letter of the secret is no key", "Authorization: Bearer %s", 65,
		    true },
	};

	assert_unauthenticated("no key is none", present(NULL));
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *key = cases[i].spoil ? spoiled_key(cases[i].spoil, cases[i].checked)
					   : strdup(tenant.key);
		char *text = header(cases[i].format, key);

		assert_unauthenticated(cases[i].sentence, present(text));
		free(text);
		free(key);
	}
}

/* A key of the tenant with these fields of its row. */
static char *
make_key(const char *scopes, const char *expires_at)
{
	char body[300];
	char path[100];

	(void)snprintf(path, sizeof path, "/v1/clients/%s/api-keys", client);
	(void)snprintf(body, sizeof body, "{\"name\":\"k\",\"scopes\":[%s]%s%s%s}", scopes,
	    expires_at ? ",\"expires_at\":\"" : "", expires_at ? expires_at : "",
	    expires_at ? "\"" : "");
	assert_int_equal(call(&operator, "POST", path, body), 201);
	return strdup(http_json(&answer, "key", 0));
}

static bool
is_refused(void *context)
{
	return call(context, "GET", "/v1/users", NULL) == 401;
}

#define OLD_PUBLIC "0ldKeyOfTheFirst"
#define OLD_SECRET "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"

static void
a_key_without_check_digits_works_until_it_is_revoked(UNUSED void **state)
{
	struct http http = { operator.url, "tally_" OLD_PUBLIC "_" OLD_SECRET };

	free(servers_sql(servers,
	    "INSERT INTO auth_tokens (client_id, id, public_id, token_hash, name, scopes)"
	    " SELECT id, gen_random_uuid(), '" OLD_PUBLIC "', sha256('" OLD_SECRET "'), 'old',"
	    " '{users}' FROM clients WHERE name = 'tenant' RETURNING 1"));
	assert_int_equal(call(&http, "GET", "/v1/users", NULL), 200);
	free(servers_sql(servers,
	    "UPDATE auth_tokens SET is_active = false WHERE public_id = '" OLD_PUBLIC
	    "' RETURNING 1"));
	assert_true(servers_await(is_refused, &http));
}

static void
a_key_ends_when_it_expires(UNUSED void **state)
{
	char *soon = servers_sql(servers, "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC'"
					  " + '2 s', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')");
	char *key = make_key("\"users\"", soon);
	struct http http = { operator.url, key };

	assert_true(servers_await(is_refused, &http));
	assert_unauthenticated("an expired key is none", answer.status);
	free(key);
	free(soon);
}

static void
a_missing_scope_is_named(UNUSED void **state)
{
	char *key = make_key("\"logs:write\",\"admin\"", NULL);
	struct http http = { operator.url, key };

	assert_int_equal(call(&http, "GET", "/v1/users", NULL), 403);
	assert_string_equal(http_json(&answer, "detail", 0), "The key lacks the scope users.");
	assert_int_equal(call(&http, "GET", "/v1/daily-costs", NULL), 403);
	assert_string_equal(http_json(&answer, "detail", 0), "The key lacks the scope logs:read.");
	free(key);
}

static void
an_operator_does_no_tenants_work(UNUSED void **state)
{
	assert_int_equal(call(&operator, "GET", "/v1/users", NULL), 403);
	assert_int_equal(call(&operator, "POST", "/v1/users", "{}"), 403);
	assert_int_equal(call(&operator, "GET", "/v1/chat-logs", NULL), 403);
	assert_int_equal(call(&operator, "GET", "/v1/clients", NULL), 200);
}

static void
a_tenant_does_no_operators_work(UNUSED void **state)
{
	char path[100];

	(void)snprintf(path, sizeof path, "/v1/clients/%s", client);
	assert_int_equal(call(&tenant, "GET", path, NULL), 403);
	assert_string_equal(http_json(&answer, "detail", 0), "The key lacks the scope operator.");
	assert_int_equal(call(&tenant, "GET", "/v1/clients", NULL), 403);
	assert_int_equal(call(&tenant, "POST", "/v1/clients", "{\"name\":\"x\"}"), 403);
}

/* Whoever can write the table cannot make a tenant's key an operator's. */
static void
a_scope_of_the_other_kind_in_the_row_gives_no_right(UNUSED void **state)
{
	char *key = make_key("\"users\"", NULL);
	struct http http = { operator.url, key };
	char sql[300];

	(void)snprintf(sql, sizeof sql,
	    "UPDATE auth_tokens SET scopes = '{users,operator}' WHERE public_id = '%.16s'"
	    " RETURNING 1",
	    key + strlen("tally_"));
	free(servers_sql(servers, sql));
	assert_int_equal(call(&http, "GET", "/v1/users", NULL), 200);
	assert_int_equal(call(&http, "GET", "/v1/clients", NULL), 403);
	free(key);
}

static void
a_deleted_clients_key_is_none(UNUSED void **state)
{
	char *gone_key = servers_key(servers, "gone");
	struct http gone = { operator.url, gone_key };

	assert_int_equal(call(&gone, "GET", "/v1/users", NULL), 200);
	free(servers_sql(
	    servers, "UPDATE clients SET deleted_at = now() WHERE name = 'gone' RETURNING 1"));
	assert_true(servers_await(is_refused, &gone));
	assert_unauthenticated("a deleted client's key is none", answer.status);
	free(gone_key);
}

static void
public_routes_need_no_key(UNUSED void **state)
{
	struct http nobody = { .url = operator.url };

	assert_int_equal(call(&nobody, "GET", "/healthz", NULL), 200);
	assert_int_equal(call(&nobody, "GET", "/v1/openapi.json", NULL), 200);
}

static void
no_key_is_in_the_log(UNUSED void **state)
{
	char command[300];
	FILE *found;
	char line[16] = "";

	(void)snprintf(command, sizeof command, "grep -c -e %.43s -e %.43s %s/tallyd.log",
	    strrchr(tenant.key, '_') + 1, strrchr(operator.key, '_') + 1, servers_folder(servers));
	found = popen(command, "r");
	assert_non_null(found);
	assert_non_null(fgets(line, sizeof line, found));
	pclose(found);
	assert_string_equal(line, "0\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_lets_in),
		cmocka_unit_test(every_wrong_key_gets_the_same_answer),
		cmocka_unit_test(a_key_without_check_digits_works_until_it_is_revoked),
		cmocka_unit_test(a_key_ends_when_it_expires),
		cmocka_unit_test(a_missing_scope_is_named),
		cmocka_unit_test(an_operator_does_no_tenants_work),
		cmocka_unit_test(a_tenant_does_no_operators_work),
		cmocka_unit_test(a_scope_of_the_other_kind_in_the_row_gives_no_right),
		cmocka_unit_test(a_deleted_clients_key_is_none),
		cmocka_unit_test(public_routes_need_no_key),
		cmocka_unit_test(no_key_is_in_the_log),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
