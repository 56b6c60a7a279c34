#include "tests/tenant.h"

#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "app/router.h"
#include "tests/api.h"

/* Of the catalogue, which is every client's, there is none with this id. */
#define NOBODYS "00000000-0000-7000-8000-000000000001"

/* What its calls reach. */
static void
make_systems(struct tenant *tenant)
{
	const char *mark = tenant->mark;

	tenant->integration = api_add("/v1/integrations",
	    api_text("{\"type\":\"http\",\"name\":\"%s\",\"base_url\":\"https://%s.example\","
		     "\"configuration\":{\"a\":\"%s\"},\"credentials\":{\"token\":\"%s\"}}",
		mark, mark, mark, mark));
	tenant->endpoint = api_add(api_text("/v1/integrations/%s/endpoints", tenant->integration),
	    api_text("{\"name\":\"%s\",\"path\":\"/%s\"}", mark, mark));
	/* Every client sees its name. */
	api_sql("INSERT INTO tools (id, name, parameters)\n"
		"VALUES (gen_random_uuid(), md5('%s'), '{}')",
	    mark);
	tenant->client_tool = api_add("/v1/client-tools",
	    api_text("{\"tool_id\":\"%s\",\"webhook_url\":\"https://%s.example/\"}",
		api_sql("SELECT id FROM tools WHERE name = md5('%s')", mark), mark));
	tenant->tool_execution = api_add("/v1/tool-executions",
	    api_text("{\"user_id\":\"%s\",\"tool\":\"%s\"}", tenant->user, mark));
	tenant->websocket = api_add("/v1/websocket-connections",
	    api_text("{\"user_id\":\"%s\",\"connection_id\":\"%s\",\"client_type\":\"%s\"}",
		tenant->user, mark, mark));
}

void
tenant_make(struct tenant *tenant)
{
	const char *mark = tenant->mark;

	api_use_new_client(mark);
	tenant->client = api_sql("SELECT id FROM clients WHERE name = '%s'", mark);
	tenant->key = api_sql("SELECT id FROM auth_tokens WHERE client_id = '%s'", tenant->client);
	tenant->date = api_sql("SELECT (now() AT TIME ZONE 'UTC')::date - 1");
	tenant->month = api_text("%.7s", tenant->date);
	tenant->user = api_add("/v1/users",
	    api_text("{\"external_id\":\"%s\",\"email\":\"%s@example.com\"}", mark, mark));
	api_expect(202, "POST",
	    api_text(
		"/v1/users/%s/erase", api_add("/v1/users", "{\"email\":\"gone@example.com\"}")),
	    "{}");
	tenant->erasure = api_keep("id");
	tenant->session = api_add("/v1/sessions",
	    api_text("{\"user_id\":\"%s\",\"user_agent\":\"%s\"}", tenant->user, mark));
	tenant->record = api_add("/v1/chat-logs",
	    api_text("{\"user_id\":\"%s\",\"session_id\":\"%s\",\"feature\":\"%s\","
		     "\"input_tokens\":7}",
		tenant->user, tenant->session, mark));
	api_expect(200, "POST", "/v1/prompts/analyze",
	    api_text("{\"event_id\":\"%s\",\"prompt\":\"%s\"}", tenant->record, mark));
	tenant->conversation = api_add("/v1/conversations",
	    api_text("{\"session_id\":\"%s\",\"title\":\"%s\"}", tenant->session, mark));
	api_add(api_text("/v1/conversations/%s/messages", tenant->conversation),
	    api_text("{\"role\":\"user\",\"content\":\"%s\"}", mark));
	tenant->agent = api_add("/v1/agent-sessions",
	    api_text("{\"user_id\":\"%s\",\"vision\":\"%s\"}", tenant->user, mark));
	api_add(api_text("/v1/conversations/%s/versions", tenant->conversation),
	    api_text("{\"html\":\"%s\"}", mark));
	tenant->budget = api_add(
	    "/v1/budgets", api_text("{\"name\":\"%s\",\"window\":\"total\",\"limit_cents\":1,"
				    "\"scope\":{\"feature\":\"%s\"}}",
			       mark, mark));
	tenant->authorization = api_add(
	    "/v1/authorizations", api_text("{\"max_cost_cents\":0.5,\"feature\":\"%s\"}", mark));
	tenant->webhook =
	    api_add("/v1/webhooks", api_text("{\"url\":\"https://%s.example/\"}", mark));
	tenant->transaction = api_add(api_text("/v1/credit-accounts/%s/transactions", tenant->user),
	    api_text("{\"type\":\"purchase\",\"amount\":1,\"description\":\"%s\"}", mark));
	api_sql("INSERT INTO alerts (client_id, id, kind, payload, created_at)\n"
		"SELECT '%s', gen_random_uuid(), 'counter.drift', '{\"book\": \"%s\"}', now()",
	    tenant->client, mark);
	make_systems(tenant);
	api_add(api_text("/v1/daily-costs/%s/adjustments", tenant->date),
	    api_text("{\"amount_cents\":%s,\"reason\":\"%s\"}", tenant->amount, mark));
}

/* What stands for the {...} at this place of a path. */
static const char *
value_of(const char *path, const char *at, const struct tenant *tenant)
{
	const struct {
		const char *prefix;
		const char *value;
	} values[] = {
		{ "/v1/chat-logs/", tenant->record },
		{ "/v1/budgets/", tenant->budget },
		{ "/v1/authorizations/", tenant->authorization },
		{ "/v1/webhooks/", tenant->webhook },
		{ "/v1/integrations/", tenant->integration },
		{ "/v1/integrations/{integration_id}/endpoints/", tenant->endpoint },
		{ "/v1/prompts/", tenant->record },
		{ "/v1/daily-costs/", tenant->date },
		{ "/v1/users/", tenant->user },
		{ "/v1/credit-accounts/{user_id}/transactions/", tenant->transaction },
		{ "/v1/credit-accounts/{user_id}/statements/", tenant->month },
		{ "/v1/credit-accounts/", tenant->user },
		{ "/v1/erasures/", tenant->erasure },
		{ "/v1/tools/", NOBODYS },
		{ "/v1/client-tools/", tenant->client_tool },
		{ "/v1/tool-executions/", tenant->tool_execution },
		{ "/v1/sessions/", tenant->session },
		{ "/v1/conversations/{id}/versions/", "0" },
		{ "/v1/conversations/", tenant->conversation },
		{ "/v1/agent-sessions/", tenant->agent },
		{ "/v1/websocket-connections/", tenant->websocket },
		{ "/v1/clients/{id}/api-keys/", tenant->key },
		{ "/v1/auth-tokens/", tenant->key },
		{ "/v1/clients/", tenant->client },
	};

	for (size_t i = 0; i < COUNT(values); i++) {
		size_t len = strlen(values[i].prefix);

		if ((size_t)(at - path) == len && strncmp(path, values[i].prefix, len) == 0)
			return values[i].value;
	}
	fail_msg("this test does not know what to put into %s", path);
	return NULL;
}

const char *
tenant_path(const char *path, const struct tenant *tenant)
{
	char filled[300] = "";
	FILE *to = fmemopen(filled, sizeof filled, "w");

	for (const char *at = path; *at != '\0'; at++) {
		if (*at != '{') {
			fputc(*at, to);
			continue;
		}
		fputs(value_of(path, at, tenant), to);
		at += strcspn(at, "}");
	}
	fclose(to);
	return api_text("%s", filled);
}

const char *
tenant_body(const struct route *route)
{
	static const struct {
		const char *path;
		const char *body;
	} bodies[] = {
		{ "/v1/chat-logs", "{\"input_tokens\":1}" },
		{ "/v1/ingest/litellm", "{\"id\":\"n\",\"startTime\":1,\"prompt_tokens\":1}" },
		{ "/v1/budgets", "{\"name\":\"n\",\"window\":\"day\",\"limit_cents\":1}" },
		{ "/v1/authorizations", "{\"max_cost_cents\":0.1}" },
		{ "/v1/credit-accounts/{user_id}/transactions",
		    "{\"type\":\"purchase\",\"amount\":1}" },
		{ "/v1/authorizations/{id}/settle", "{\"input_tokens\":1}" },
		{ "/v1/webhooks", "{\"url\":\"https://example.com/\"}" },
		{ "/v1/integrations",
		    "{\"type\":\"http\",\"name\":\"n\",\"base_url\":\"https://example.com\"}" },
		{ "/v1/integrations/{integration_id}/endpoints",
		    "{\"name\":\"n\",\"path\":\"/\"}" },
		{ "/v1/prompts/analyze", "{\"prompt\":\"n\"}" },
		{ "/v1/daily-costs/{date}/adjustments", "{\"amount_cents\":1,\"reason\":\"r\"}" },
		{ "/v1/users/{id}/password", "{\"password\":\"12345678\"}" },
		{ "/v1/users/{id}/mfa/confirm", "{\"code\":\"123456\"}" },
		{ "/v1/users/{id}/mfa/verify", "{\"code\":\"123456\"}" },
		{ "/v1/auth/verify-email", "{\"token\":\"t\"}" },
		{ "/v1/auth/login", "{\"email\":\"a@b\",\"password\":\"12345678\"}" },
		{ "/v1/sessions/{id}/extend", "{\"expires_in_s\":3600}" },
		{ "/v1/conversations/{id}/versions", "{\"html\":\"n\"}" },
		{ "/v1/conversations/{id}/messages", "{\"role\":\"user\",\"content\":\"n\"}" },
		{ "/v1/auth-tokens", "{\"name\":\"n\",\"scopes\":[\"users\"]}" },
		{ "/v1/auth-tokens/refresh", "{\"refresh_token\":\"n\"}" },
		{ "/v1/clients", "{\"name\":\"n\"}" },
		{ "/v1/websocket-connections",
		    "{\"user_id\":\"" NOBODYS "\",\"connection_id\":\"n\",\"client_type\":\"n\"}" },
		{ "/v1/tools", "{\"name\":\"n\"}" },
		{ "/v1/tool-executions", "{\"tool\":\"n\"}" },
		{ "/v1/client-tools", "{\"tool_id\":\"" NOBODYS "\"}" },
		{ "/v1/clients/{id}/api-keys", "{\"name\":\"n\",\"scopes\":[\"users\"]}" },
	};

	for (size_t i = 0; i < COUNT(bodies); i++) {
		if (strcmp(bodies[i].path, route->path) == 0)
			return strcmp(route->method, "POST") == 0 ? bodies[i].body : NULL;
	}
	return strcmp(route->method, "POST") == 0 || strcmp(route->method, "PATCH") == 0 ? "{}"
											 : NULL;
}
