/*
 * Every route that changes something, and every command of the operator: it leaves one entry in the
 * audit log, with who did it and what it was before and after, or this file says why it leaves
 * none. A route or a command that is not here fails the test.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/router.h"
#include "tests/api.h"

#define DATA "what is sent is data, and keeps its key itself"
#define LOOKS "it changes nothing"
#define ELSEWHERE "what it leaves is told in test_auth_refresh.c"

/* In an order in which each finds what it needs: {id} is the row that was added last. */
static const struct row {
	const char *method;
	const char *path;
	const char *body;
	const char *entity, *action; /* of the entry, which is the only one */
	const char *none; /* why there is no entry */
} rows[] = {
	{ "POST", "/v1/clients", "{\"name\":\"audited\"}", "clients", "add", NULL },
	{ "PATCH", "/v1/clients/{id}", "{\"plan\":\"pro\"}", "clients", "change", NULL },
	{ "POST", "/v1/clients/{id}/api-keys", "{\"name\":\"k\",\"scopes\":[\"users\"]}",
	    "auth_tokens", "add", NULL },
	{ "PATCH", "/v1/clients/{id}/api-keys/{key_id}", "{\"name\":\"l\"}", "auth_tokens",
	    "change", NULL },
	{ "POST", "/v1/clients/{id}/api-keys/{key_id}/rotate", "{}", "auth_tokens", "rotate",
	    NULL },
	{ "DELETE", "/v1/clients/{id}/api-keys/{key_id}", NULL, "auth_tokens", "revoke", NULL },
	{ "POST", "/v1/clients/{id}/deactivate", NULL, "clients", "deactivate", NULL },
	{ "POST", "/v1/users", "{\"email\":\"a@example.com\",\"password_hash\":\"hush\"}", "users",
	    "add", NULL },
	{ "PATCH", "/v1/users/{id}", "{\"tier\":\"premium\",\"password_hash\":\"hush hush\"}",
	    "users", "change", NULL },
	{ "POST", "/v1/auth-tokens", "{\"name\":\"t\",\"scopes\":[\"users\"]}", "auth_tokens",
	    "add", NULL },
	{ "PATCH", "/v1/auth-tokens/{id}", "{\"name\":\"u\"}", "auth_tokens", "change", NULL },
	{ "DELETE", "/v1/auth-tokens/{id}", NULL, "auth_tokens", "revoke", NULL },
	{ "POST", "/v1/auth-tokens/refresh", "{\"refresh_token\":\"n\"}", NULL, NULL, ELSEWHERE },
	{ "POST", "/v1/sessions", "{}", NULL, NULL, "sessions come and go with every visit" },
	{ "POST", "/v1/sessions/{id}/extend", "{\"expires_in_s\":3600}", NULL, NULL,
	    "sessions come and go with every visit" },
	{ "DELETE", "/v1/sessions/{id}", NULL, NULL, NULL,
	    "sessions come and go with every visit" },
	{ "POST", "/v1/users/{id}/sessions/revoke", NULL, NULL, NULL,
	    "sessions come and go with every visit" },
	{ "DELETE", "/v1/users/{id}", NULL, "users", "remove", NULL },
	{ "POST", "/v1/users/{id}/restore", NULL, "users", "restore", NULL },
	{ "POST", "/v1/budgets", "{\"name\":\"b\",\"window\":\"day\",\"limit_cents\":100}",
	    "budgets", "add", NULL },
	{ "PATCH", "/v1/budgets/{id}", "{\"limit_cents\":200}", "budgets", "change", NULL },
	{ "DELETE", "/v1/budgets/{id}", NULL, "budgets", "remove", NULL },
	{ "POST", "/v1/webhooks", "{\"url\":\"https://example.com/\"}", "webhooks", "add", NULL },
	{ "PATCH", "/v1/webhooks/{id}", "{\"active\":false}", "webhooks", "change", NULL },
	{ "DELETE", "/v1/webhooks/{id}", NULL, "webhooks", "remove", NULL },
	{ "POST", "/v1/daily-costs/{date}/adjustments", "{\"amount_cents\":1,\"reason\":\"r\"}",
	    "cost_adjustments", "add", NULL },
	{ "POST", "/v1/chat-logs", "{\"input_tokens\":1}", NULL, NULL, DATA },
	{ "POST", "/v1/traces", "{}", NULL, NULL, DATA },
	{ "POST", "/v1/ingest/litellm", "{\"id\":\"n\",\"startTime\":1,\"prompt_tokens\":1}", NULL,
	    NULL, DATA },
	{ "POST", "/v1/authorizations", "{\"max_cost_cents\":0.1}", NULL, NULL, DATA },
	{ "POST", "/v1/authorizations/{id}/settle", "{\"input_tokens\":1}", NULL, NULL, DATA },
	{ "POST", "/v1/authorizations/{id}/void", NULL, NULL, NULL, DATA },
	{ "POST", "/v1/prompts/analyze", "{\"prompt\":\"n\"}", NULL, NULL, DATA },
	{ "POST", "/v1/prompts/embeddings", "{}", NULL, NULL, DATA },
	{ "POST", "/v1/prompts/similar", "{}", NULL, NULL, LOOKS },
};

static const char *client_key, *operator_key;

static int
start(void **state)
{
	api_start(state);
	api_use_new_client("house");
	client_key = api_key();
	operator_key = api_use_operator();
	return 0;
}

/* The last id that was added at this path, which ends before {...}. */
static struct {
	const char *path;
	const char *id;
} added[COUNT(rows)];
static size_t added_count;

static const char *
id_at(const char *path, size_t len)
{
	for (size_t i = added_count; i-- > 0;) {
		if (strlen(added[i].path) == len && strncmp(added[i].path, path, len) == 0)
			return added[i].id;
	}
	return strstr(path, "{date}") ? api_sql("SELECT (now() AT TIME ZONE 'UTC')::date - 1")
				      : "(none)";
}

static const char *
fill_path(const char *path)
{
	char filled[300] = "";
	FILE *to = fmemopen(filled, sizeof filled, "w");

	for (const char *at = path; *at != '\0'; at++) {
		if (*at != '{') {
			fputc(*at, to);
			continue;
		}
		fputs(id_at(path, (size_t)(at - path) - 1), to);
		at += strcspn(at, "}");
	}
	fclose(to);
	return api_text("%s", filled);
}

static const struct row *
row_of(const struct route *route)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (strcmp(rows[i].method, route->method) == 0 &&
		    strcmp(rows[i].path, route->path) == 0)
			return &rows[i];
	}
	return NULL;
}

static const struct route *
route_of(const struct row *row)
{
	for (size_t i = 0; i < route_count; i++) {
		if (row_of(&routes[i]) == row)
			return &routes[i];
	}
	fail_msg("there is no %s %s any more", row->method, row->path);
	return routes;
}

static void
every_changing_route_is_known(UNUSED void **state)
{
	for (size_t i = 0; i < route_count; i++) {
		if (strcmp(routes[i].method, "GET") != 0 && row_of(&routes[i]) == NULL)
			fail_msg("%s %s: does it leave an entry in the audit log?",
			    routes[i].method, routes[i].path);
	}
	for (size_t i = 0; i < COUNT(rows); i++)
		(void)route_of(&rows[i]);
}

/* What is made by the way has the same time. */
#define NEWEST(column) \
	api_sql("SELECT coalesce((" column ")::text, '') FROM audit_log WHERE action = '%s'" \
		" ORDER BY id DESC LIMIT 1", \
	    row->action)

static void
expect_newest(const struct row *row, const char *id)
{
	const char *request = http_header(api_answer(), "x-request-id");

	assert_string_equal(NEWEST("entity"), row->entity);
	assert_string_equal(NEWEST("action"), row->action);
	assert_string_equal(NEWEST("entity_id"), id);
	assert_non_null(request);
	assert_string_equal(NEWEST("request_id"), request);
	assert_string_equal(NEWEST("host(ip_address)"), "127.0.0.1");
	assert_string_equal(NEWEST("api_key_id IS NOT NULL"), "true");
	assert_string_equal(
	    NEWEST("before IS NULL"), strcmp(row->action, "add") == 0 ? "true" : "false");
}

/* What an answer shows only once, and what is never shown. */
static void
expect_no_secret(const struct row *row)
{
	static const char *const secrets[] = { "key", "token", "secret" };
	const char *entry = NEWEST("audit_log::text");

	for (size_t i = 0; i < COUNT(secrets); i++) {
		const char *secret = api_json(secrets[i]);

		if (strcmp(secret, "(none)") != 0 && strstr(entry, secret))
			fail_msg("%s %s: %s", row->method, row->path, entry);
	}
	assert_null(strstr(entry, "hush"));
}

/* Of the entity: the last {...} of the path, or what was added. */
static const char *
entity_id_of(const struct row *row)
{
	const char *last = strrchr(row->path, '{');

	if (strcmp(row->action, "add") == 0)
		return api_keep("id");
	return id_at(row->path, (size_t)(last - row->path) - 1);
}

/* A rotation makes a key, too, which has its own. */
static int
entries_of(const struct row *row)
{
	if (row->none != NULL)
		return 0;
	return strcmp(row->action, "rotate") == 0 ? 2 : 1;
}

static void
call(const struct row *row)
{
	const char *before = api_sql("SELECT count(*) FROM audit_log");
	bool by_operator = route_of(row)->scope == SCOPE_OPERATOR;

	api_use_key(by_operator ? operator_key : client_key);
	api_send(row->method, fill_path(row->path), NULL, row->body);
	if (row->none == NULL && api_answer()->status / 100 != 2)
		fail_msg("%s %s: %s", row->method, row->path, api_answer()->body);
	if (atoi(api_sql("SELECT count(*) FROM audit_log")) - atoi(before) != entries_of(row))
		fail_msg("%s %s leaves another number of entries", row->method, row->path);
	if (row->none == NULL) {
		expect_newest(row, entity_id_of(row));
		expect_no_secret(row);
	}
	if (api_answer()->status == 201 && strcmp(row->method, "POST") == 0) {
		added[added_count].path = row->path;
		added[added_count++].id = api_keep("id");
	}
}

static void
a_change_leaves_one_entry(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		call(&rows[i]);
}

static void
a_change_that_is_refused_leaves_none(UNUSED void **state)
{
	const char *before = api_sql("SELECT count(*) FROM audit_log");

	api_use_key(client_key);
	api_expect(422, "POST", "/v1/budgets", "{\"name\":\"b\"}");
	api_expect(
	    404, "DELETE", api_text("/v1/users/%s", api_sql("SELECT gen_random_uuid()")), NULL);
	assert_string_equal(api_sql("SELECT count(*) FROM audit_log"), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_changing_route_is_known),
		cmocka_unit_test(a_change_leaves_one_entry),
		cmocka_unit_test(a_change_that_is_refused_leaves_none),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
