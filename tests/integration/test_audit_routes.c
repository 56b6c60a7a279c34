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
#include "tests/authenticator.h"

#define DATA "what is sent is data, and keeps its key itself"
#define SAID "what is said can be erased, and the log cannot"
#define LOOKS "it changes nothing"
#define CONNECTIONS "connections come and go with every visit"
#define AGENTS "what agents work at would stay in the log for good"

/* In an order in which each finds what it needs: {id} is the row that was added last; in bodies
 * USER is the user, and the words in capitals are what it was given. */
static const struct row {
	const char *method;
	const char *path;
	const char *body;
	const char *entity;
	const char *actions; /* of the entry; of several where the change adds rows, too */
	const char *none; /* why there is no entry */
} rows[] = {
	{ "POST", "/v1/clients", "{\"name\":\"audited\"}", "clients", "add", NULL },
	{ "POST", "/v1/tools", "{\"name\":\"web_search\"}", "tools", "add", NULL },
	{ "PATCH", "/v1/tools/{id}", "{\"enabled\":false}", "tools", "change", NULL },
	{ "POST", "/v1/client-tools", "{\"tool_id\":\"TOOL\"}", "client_tools", "add", NULL },
	{ "PATCH", "/v1/client-tools/{id}", "{\"enabled\":false}", "client_tools", "change", NULL },
	{ "DELETE", "/v1/client-tools/{id}", NULL, "client_tools", "remove", NULL },
	{ "DELETE", "/v1/tools/{id}", NULL, "tools", "remove", NULL },
	{ "PATCH", "/v1/clients/{id}", "{\"plan\":\"pro\"}", "clients", "change", NULL },
	{ "POST", "/v1/clients/{id}/api-keys", "{\"name\":\"k\",\"scopes\":[\"users\"]}",
	    "auth_tokens", "add", NULL },
	{ "POST", "/v1/clients/{id}/api-keys/{key_id}/rotate", "{}", "auth_tokens", "add rotate",
	    NULL },
	{ "PATCH", "/v1/clients/{id}/api-keys/{key_id}", "{\"name\":\"kk\"}", "auth_tokens",
	    "change", NULL },
	{ "DELETE", "/v1/clients/{id}/api-keys/{key_id}", NULL, "auth_tokens", "revoke", NULL },
	{ "POST", "/v1/clients/{id}/deactivate", NULL, "clients", "deactivate", NULL },
	{ "POST", "/v1/users", "{\"email\":\"a@example.com\",\"password_hash\":\"hush\"}", "users",
	    "add", NULL },
	{ "PATCH", "/v1/users/{id}", "{\"tier\":\"premium\",\"password_hash\":\"hush hush\"}",
	    "users", "change", NULL },
	{ "POST", "/v1/users/{id}/password", "{\"password\":\"hush-hush-hush\"}", "users",
	    "set_password", NULL },
	{ "POST", "/v1/auth/login", "{\"email\":\"a@example.com\",\"password\":\"hush-hush-hush\"}",
	    "users", "login", NULL },
	{ "POST", "/v1/webhooks",
	    "{\"url\":\"https://example.com/\",\"events\":[\"user.email_verification\"]}",
	    "webhooks", "add", NULL },
	{ "POST", "/v1/users/{id}/email-verification", NULL, "users", "send_verification", NULL },
	{ "POST", "/v1/auth/verify-email", "{\"token\":\"MAILED\"}", "users", "verify_email",
	    NULL },
	{ "POST", "/v1/users/{id}/mfa", "{}", "users", "enrol_mfa", NULL },
	{ "POST", "/v1/users/{id}/mfa/confirm", "{\"code\":\"CODE\"}", "users", "enable_mfa",
	    NULL },
	{ "POST", "/v1/users/{id}/mfa/verify", "{\"recovery_code\":\"RECOVERY\"}", "users",
	    "use_recovery_code", NULL },
	{ "POST", "/v1/users/{id}/mfa/recovery-codes", NULL, "users", "renew_recovery_codes",
	    NULL },
	{ "DELETE", "/v1/users/{id}/mfa", NULL, "users", "disable_mfa", NULL },
	{ "POST", "/v1/auth-tokens",
	    "{\"name\":\"t\",\"token_type\":\"jwt_refresh\",\"user_id\":\"USER\",\"scopes\":[\"users\"],"
	    "\"expires_at\":\"2099-01-01T00:00:00Z\"}",
	    "auth_tokens", "add", NULL },
	{ "PATCH", "/v1/auth-tokens/{id}", "{\"name\":\"tt\"}", "auth_tokens", "change", NULL },
	{ "DELETE", "/v1/auth-tokens/{id}", NULL, "auth_tokens", "revoke", NULL },
	{ "POST", "/v1/auth-tokens",
	    "{\"name\":\"t\",\"token_type\":\"jwt_refresh\",\"user_id\":\"USER\",\"scopes\":[\"users\"],"
	    "\"expires_at\":\"2099-01-01T00:00:00Z\"}",
	    "auth_tokens", "add", NULL },
	{ "POST", "/v1/auth-tokens/refresh", "{\"refresh_token\":\"REFRESH\"}", "auth_tokens",
	    "add add refresh", NULL },
	{ "PATCH", "/v1/credit-accounts/{user_id}", "{\"daily_limit\":5}", "credit_accounts",
	    "change", NULL },
	{ "POST", "/v1/credit-accounts/{user_id}/transactions",
	    "{\"type\":\"purchase\",\"amount\":5,\"description\":\"d\"}", "credit_transactions",
	    "purchase", NULL },
	{ "POST", "/v1/sessions", "{}", NULL, NULL, "sessions come and go with every visit" },
	{ "POST", "/v1/sessions/{id}/extend", "{\"expires_in_s\":3600}", NULL, NULL,
	    "sessions come and go with every visit" },
	{ "DELETE", "/v1/sessions/{id}", NULL, NULL, NULL,
	    "sessions come and go with every visit" },
	{ "POST", "/v1/websocket-connections",
	    "{\"user_id\":\"USER\",\"connection_id\":\"c\",\"client_type\":\"t\"}", NULL, NULL,
	    CONNECTIONS },
	{ "PATCH", "/v1/websocket-connections/{id}", "{\"subscribed_events\":[\"record\"]}", NULL,
	    NULL, CONNECTIONS },
	{ "POST", "/v1/websocket-connections/{id}/ping", NULL, NULL, NULL, CONNECTIONS },
	{ "POST", "/v1/websocket-connections/{id}/disconnect", NULL, NULL, NULL, CONNECTIONS },
	{ "POST", "/v1/users/{id}/sessions/revoke", NULL, NULL, NULL,
	    "sessions come and go with every visit" },
	{ "POST", "/v1/conversations", "{}", NULL, NULL, SAID },
	{ "PATCH", "/v1/conversations/{id}", "{\"title\":\"t\"}", NULL, NULL, SAID },
	{ "POST", "/v1/conversations/{id}/messages", "{\"role\":\"user\",\"content\":\"c\"}", NULL,
	    NULL, SAID },
	{ "POST", "/v1/conversations/{id}/versions", "{\"html\":\"h\"}", NULL, NULL, SAID },
	{ "POST", "/v1/conversations/{id}/versions/{version}/current", NULL, NULL, NULL, SAID },
	{ "POST", "/v1/conversations/{id}/end", NULL, NULL, NULL, SAID },
	{ "DELETE", "/v1/conversations/{id}", NULL, "conversations", "erase", NULL },
	{ "POST", "/v1/agent-sessions", "{}", NULL, NULL, AGENTS },
	{ "PATCH", "/v1/agent-sessions/{id}/progress", "{}", NULL, NULL, AGENTS },
	{ "POST", "/v1/agent-sessions/{id}/complete", "{}", NULL, NULL, AGENTS },
	{ "POST", "/v1/agent-sessions/{id}/cancel", NULL, NULL, NULL, AGENTS },
	{ "POST", "/v1/agent-sessions", "{}", NULL, NULL, AGENTS },
	{ "POST", "/v1/agent-sessions/{id}/fail", "{}", NULL, NULL, AGENTS },
	{ "DELETE", "/v1/users/{id}", NULL, "users", "remove", NULL },
	{ "POST", "/v1/users/{id}/restore", NULL, "users", "restore", NULL },
	{ "POST", "/v1/users/{id}/erase", NULL, "users", "erase", NULL },
	{ "POST", "/v1/budgets", "{\"name\":\"b\",\"window\":\"day\",\"limit_cents\":100}",
	    "budgets", "add", NULL },
	{ "PATCH", "/v1/budgets/{id}", "{\"limit_cents\":200}", "budgets", "change", NULL },
	{ "DELETE", "/v1/budgets/{id}", NULL, "budgets", "remove", NULL },
	{ "PATCH", "/v1/webhooks/{id}", "{\"active\":false}", "webhooks", "change", NULL },
	{ "DELETE", "/v1/webhooks/{id}", NULL, "webhooks", "remove", NULL },
	{ "POST", "/v1/integrations",
	    "{\"type\":\"http\",\"name\":\"n\",\"base_url\":\"https://example.com\","
	    "\"configuration\":{\"a\":\"hush\"},\"credentials\":{\"token\":\"hush\"}}",
	    "client_integrations", "add", NULL },
	{ "PATCH", "/v1/integrations/{id}",
	    "{\"name\":\"m\",\"credentials\":{\"token\":\"hush hush\"}}", "client_integrations",
	    "change", NULL },
	{ "POST", "/v1/integrations/{id}/test", NULL, "client_integrations", "test", NULL },
	{ "POST", "/v1/integrations/{integration_id}/endpoints",
	    "{\"name\":\"n\",\"path\":\"/products\"}", "integration_endpoints", "add", NULL },
	{ "PATCH", "/v1/integrations/{integration_id}/endpoints/{id}", "{\"name\":\"m\"}",
	    "integration_endpoints", "change", NULL },
	{ "POST", "/v1/integrations/{integration_id}/endpoints/{id}/test", NULL,
	    "integration_endpoints", "test", NULL },
	{ "DELETE", "/v1/integrations/{integration_id}/endpoints/{id}", NULL,
	    "integration_endpoints", "remove", NULL },
	{ "DELETE", "/v1/integrations/{id}", NULL, "client_integrations", "remove", NULL },
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
	{ "POST", "/v1/tool-executions", "{\"tool\":\"n\"}", NULL, NULL, DATA },
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
	/* An account is its user's. */
	if (len == strlen("/v1/credit-accounts") && strncmp(path, "/v1/credit-accounts", len) == 0)
		path = "/v1/users", len = strlen(path);
	/* A version is known by its number. */
	if (len > 9 && strncmp(path + len - 9, "/versions", 9) == 0)
		return "0";
	for (size_t i = added_count; i-- > 0;) {
		if (strlen(added[i].path) == len && strncmp(added[i].path, path, len) == 0)
			return added[i].id;
	}
	return strstr(path, "{date}") ? api_sql("SELECT (now() AT TIME ZONE 'UTC')::date - 1")
				      : "(none)";
}

/* As answers have shown them. */
static const char *refresh_token, *mfa_secret, *recovery_code;

static const char *
fill_body(const char *body)
{
	const struct {
		const char *word, *value;
	} words[] = {
		{ "USER", id_at("/v1/users", strlen("/v1/users")) },
		{ "TOOL", id_at("/v1/tools", strlen("/v1/tools")) },
		{ "MAILED", api_sql("SELECT max(token) FROM webhook_deliveries") },
		{ "REFRESH", refresh_token },
		{ "CODE", mfa_secret == NULL ? NULL : authenticator_code(mfa_secret, 0) },
		{ "RECOVERY", recovery_code },
	};

	for (size_t i = 0; body && i < COUNT(words); i++) {
		const char *at = strstr(body, words[i].word);

		if (at)
			return api_text("%.*s%s%s", (int)(at - body), body, words[i].value,
			    at + strlen(words[i].word));
	}
	return body;
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

static bool
is_of(const struct row *row, const struct route *route)
{
	return strcmp(row->method, route->method) == 0 && strcmp(row->path, route->path) == 0;
}

static bool
is_known(const struct route *route)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (is_of(&rows[i], route))
			return true;
	}
	return false;
}

static const struct route *
route_of(const struct row *row)
{
	for (size_t i = 0; route_at(i) != NULL; i++) {
		if (is_of(row, route_at(i)))
			return route_at(i);
	}
	fail_msg("there is no %s %s any more", row->method, row->path);
	return NULL;
}

static void
every_changing_route_is_known(UNUSED void **state)
{
	for (size_t i = 0; route_at(i) != NULL; i++) {
		if (strcmp(route_at(i)->method, "GET") != 0 && !is_known(route_at(i)))
			fail_msg("%s %s: does it leave an entry in the audit log?",
			    route_at(i)->method, route_at(i)->path);
	}
	for (size_t i = 0; i < COUNT(rows); i++)
		(void)route_of(&rows[i]);
}

#define NEWEST(column) \
	api_sql("SELECT coalesce((" column ")::text, '') FROM audit_log ORDER BY id DESC LIMIT 1")

static void
expect_newest(const struct row *row, const char *id)
{
	const char *request = http_header(api_answer(), "x-request-id");

	assert_string_equal(NEWEST("entity"), row->entity);
	if (id != NULL)
		assert_string_equal(NEWEST("entity_id"), id);
	assert_non_null(request);
	assert_string_equal(NEWEST("request_id"), request);
	assert_string_equal(NEWEST("host(ip_address)"), "127.0.0.1");
	assert_string_equal(NEWEST("api_key_id IS NOT NULL"), "true");
	if (strcmp(row->actions, "add") == 0)
		assert_string_equal(NEWEST("before IS NULL AND after IS NOT NULL"), "true");
	if (strcmp(row->actions, "change") == 0)
		assert_string_equal(NEWEST("before <> after"), "true");
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

/* Of the entity: the last {...} of the path, or what was added; NULL: only the service knows. */
static const char *
entity_id_of(const struct row *row)
{
	const char *last = strrchr(row->path, '{');

	if (strcmp(row->actions, "add") == 0)
		return api_keep("id");
	if (last == NULL || strncmp(last, "{user_id}", 9) == 0)
		return NULL;
	return id_at(row->path, (size_t)(last - row->path) - 1);
}

static void
call(const struct row *row)
{
	const char *before = api_sql("SELECT count(*) FROM audit_log"), *made;
	bool by_operator = route_of(row)->scope == SCOPE_OPERATOR;

	api_use_key(by_operator ? operator_key : client_key);
	api_send(row->method, fill_path(row->path), NULL, fill_body(row->body));
	if (row->none == NULL && api_answer()->status / 100 != 2)
		fail_msg("%s %s: %s", row->method, row->path, api_answer()->body);
	made = api_sql("SELECT string_agg(action, ' ' ORDER BY id) FROM"
		       " (SELECT * FROM audit_log ORDER BY id OFFSET %s) AS a",
	    before);
	if (strcmp(made, row->none == NULL ? row->actions : "") != 0)
		fail_msg("%s %s leaves \"%s\"", row->method, row->path, made);
	if (row->none == NULL) {
		expect_newest(row, entity_id_of(row));
		expect_no_secret(row);
	}
	if (strcmp(api_json("recovery_codes.0"), "(none)") != 0)
		recovery_code = api_keep("recovery_codes.0");
	if (api_answer()->status == 201 && strcmp(row->method, "POST") == 0) {
		added[added_count].path = row->path;
		added[added_count++].id = api_keep("id");
		if (strcmp(row->path, "/v1/auth-tokens") == 0)
			refresh_token = api_keep("token");
		if (strcmp(api_json("secret"), "(none)") != 0)
			mfa_secret = api_keep("secret");
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
