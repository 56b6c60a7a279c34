/*
 * No answer and no row crosses a tenant: every route with another tenant's ids, every filter with
 * another tenant's values, every route without its scope. A route that this test does not know how
 * to call fails it.
 */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "app/router.h"
#include "tests/api.h"

/* A tenant with one of everything; every text of its rows holds its mark. */
struct tenant {
	const char *mark;
	const char *amount; /* of its adjustment */
	const char *client;
	const char *key;
	const char *user;
	const char *session;
	const char *record;
	const char *budget;
	const char *authorization;
	const char *webhook;
	const char *transaction; /* of credits */
	const char *erasure;
	const char *date, *month;
};
static struct tenant own = { .mark = "only-for-a", .amount = "1234" };
static struct tenant other = { .mark = "only-for-b", .amount = "471147.1147" };

static void
make_tenant(struct tenant *tenant)
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
	api_add(api_text("/v1/daily-costs/%s/adjustments", tenant->date),
	    api_text("{\"amount_cents\":%s,\"reason\":\"%s\"}", tenant->amount, mark));
}

/* The calls from here on are the own tenant's. */
static int
start(void **state)
{
	api_start(state);
	make_tenant(&other);
	make_tenant(&own);
	return 0;
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
		{ "/v1/prompts/", tenant->record },
		{ "/v1/daily-costs/", tenant->date },
		{ "/v1/users/", tenant->user },
		{ "/v1/credit-accounts/{user_id}/transactions/", tenant->transaction },
		{ "/v1/credit-accounts/{user_id}/statements/", tenant->month },
		{ "/v1/credit-accounts/", tenant->user },
		{ "/v1/erasures/", tenant->erasure },
		{ "/v1/sessions/", tenant->session },
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

static const char *
fill_path(const char *path, const struct tenant *tenant)
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

/* A body that the route takes, so that a refusal is not about the body. */
static const char *
body_of(const struct route *route)
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
		{ "/v1/prompts/analyze", "{\"prompt\":\"n\"}" },
		{ "/v1/daily-costs/{date}/adjustments", "{\"amount_cents\":1,\"reason\":\"r\"}" },
		{ "/v1/users/{id}/password", "{\"password\":\"12345678\"}" },
		{ "/v1/users/{id}/mfa/confirm", "{\"code\":\"123456\"}" },
		{ "/v1/users/{id}/mfa/verify", "{\"code\":\"123456\"}" },
		{ "/v1/auth/verify-email", "{\"token\":\"t\"}" },
		{ "/v1/auth/login", "{\"email\":\"a@b\",\"password\":\"12345678\"}" },
		{ "/v1/sessions/{id}/extend", "{\"expires_in_s\":3600}" },
		{ "/v1/auth-tokens", "{\"name\":\"n\",\"scopes\":[\"users\"]}" },
		{ "/v1/auth-tokens/refresh", "{\"refresh_token\":\"n\"}" },
		{ "/v1/clients", "{\"name\":\"n\"}" },
		{ "/v1/clients/{id}/api-keys", "{\"name\":\"n\",\"scopes\":[\"users\"]}" },
	};

	for (size_t i = 0; i < COUNT(bodies); i++) {
		if (strcmp(bodies[i].path, route->path) == 0)
			return strcmp(route->method, "POST") == 0 ? bodies[i].body : NULL;
	}
	return strcmp(route->method, "POST") == 0 || strcmp(route->method, "PATCH") == 0 ? "{}"
											 : NULL;
}

static void
assert_nothing_of_the_other(const char *what)
{
	const char *secrets[] = { other.mark, other.client, other.key, other.user, other.session,
		other.record, other.budget, other.authorization, other.webhook, other.amount,
		other.transaction, other.erasure };
	const char *body = api_answer()->body;

	for (size_t i = 0; body && i < COUNT(secrets); i++) {
		if (strstr(body, secrets[i]))
			fail_msg("%s shows %s: %s", what, secrets[i], body);
	}
}

/* All rows of the other tenant as one hash; without its keys, whose uses are counted. */
static const char *
rows_of_the_other(void)
{
	return api_sql(
	    "SELECT md5(string_agg(query_to_xml(format("
	    "'SELECT * FROM %%I t WHERE client_id = %%L ORDER BY t::text', relname, '%s'),"
	    " true, false, '')::text, '' ORDER BY relname))"
	    " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
	    " WHERE a.attname = 'client_id' AND relkind IN ('r', 'p')"
	    " AND NOT relispartition AND relnamespace = 'public'::regnamespace"
	    " AND relname <> 'auth_tokens'",
	    other.client);
}

static void
every_route_refuses_another_tenants_ids(UNUSED void **state)
{
	const char *before = rows_of_the_other();

	for (size_t i = 0; i < route_count; i++) {
		const struct route *route = &routes[i];
		const char *path;
		long status;

		if (!strchr(route->path, '{'))
			continue;
		path = fill_path(route->path, &other);
		status = api_send(route->method, path, NULL, body_of(route));
		/* A date is nobody's: the tenant's own day answers. */
		if (!strstr(route->path, "{date}") &&
		    status != (route->scope == SCOPE_OPERATOR ? 403 : 404))
			fail_msg("%s %s: %ld", route->method, route->path, status);
		assert_nothing_of_the_other(route->path);
	}
	assert_string_equal(rows_of_the_other(), before);
}

/* Asks a GET route for one value of one parameter. */
static void
filter(const char *path, const struct json_field *field, const char *value)
{
	const char *url = api_text("%s?%s=%s", path, field->name, value);

	if (api_send("GET", url, NULL, NULL) >= 500)
		fail_msg("%s: %ld", url, api_answer()->status);
	assert_nothing_of_the_other(url);
}

/* The id of each kind that the other tenant has; NULL behind the last. */
static const char *
id_of_the_other(size_t i)
{
	const char *ids[] = { other.client, other.key, other.user, other.session, other.record,
		other.budget, other.authorization, other.webhook, NULL };

	return ids[i];
}

static void
filter_by_all(const struct route *route, const char *path)
{
	struct route_fields query = router_query(route);

	for (size_t i = 0; i < query.count; i++) {
		const struct json_field *field = &query.at[i];

		for (size_t j = 0; field->type == JSON_ID && id_of_the_other(j); j++)
			filter(path, field, id_of_the_other(j));
		if (field->type == JSON_TEXT)
			filter(path, field, other.mark);
	}
}

static void
no_list_shows_another_tenants_rows(UNUSED void **state)
{
	int shown = 0;

	for (size_t i = 0; i < route_count; i++) {
		const struct route *route = &routes[i];
		const char *path;

		if (strcmp(route->method, "GET") != 0 || route->scope >= SCOPE_CLIENT_COUNT)
			continue;
		path = fill_path(route->path, &own);
		if (api_send("GET", path, NULL, NULL) >= 500)
			fail_msg("%s: %ld", path, api_answer()->status);
		shown += strstr(api_answer()->body, own.mark) != NULL;
		assert_nothing_of_the_other(path);
		filter_by_all(route, path);
	}
	/* Users, sessions, records, adjustments: the tenant's own rows are there. */
	assert_in_range(shown, 4, 100);
}

/* Fields that any id fits: what they say is compared, among the client's calls, and no more. */
static bool
takes_any_id(const char *group, const char *field)
{
	return (group && strcmp(field, "session_id") == 0) ||
	       strcmp(field, "conversation_id") == 0 || strcmp(field, "agent_session_id") == 0 ||
	       strcmp(field, "authorization_id") == 0;
}

/* A body that the route takes but for this member; of a group where group is not NULL. */
static void
name_in_body(const struct route *route, const char *group, const char *name, const char *id)
{
	const char *body = body_of(route), *rest = strcmp(body, "{}") == 0 ? "}" : body + 1;
	const char *member = api_text("\"%s\":\"%s\"", name, id);
	long status;

	if (group)
		member = api_text("\"%s\":{%s}", group, member);
	body = api_text("{%s%s%s", member, rest[0] == '}' ? "" : ",", rest);
	status = api_send(route->method, fill_path(route->path, &own), NULL, body);
	if (!takes_any_id(group, name)) {
		if (status != 422 && status != 404)
			fail_msg("%s %s: %ld", route->path, body, status);
		assert_nothing_of_the_other(body);
	} else if (status >= 500 || strstr(api_answer()->body, other.mark)) {
		fail_msg("%s %s: %s", route->path, body, api_answer()->body);
	}
}

/* How many of the fields could name a row. */
static int
name_in_fields(const struct route *route, const char *group, struct route_fields fields)
{
	int named = 0;

	for (size_t i = 0; i < fields.count; i++) {
		const struct json_field *field = &fields.at[i];

		for (size_t j = 0; field->type == JSON_ID && id_of_the_other(j); j++)
			name_in_body(route, group, field->name, id_of_the_other(j));
		named += field->type == JSON_ID;
		if (field->type == JSON_GROUP)
			named += name_in_fields(route, field->name,
			    (struct route_fields){ field->inside, field->inside_count });
	}
	return named;
}

static void
no_body_may_name_another_tenants_rows(UNUSED void **state)
{
	const char *before = rows_of_the_other();
	int named = 0;

	for (size_t i = 0; i < route_count; i++) {
		if (routes[i].scope < SCOPE_CLIENT_COUNT)
			named += name_in_fields(&routes[i], NULL, router_body(&routes[i]));
	}
	/* Of records and settles, authorizations, scopes of budgets, prompts and sessions. */
	assert_in_range(named, 15, 1000);
	assert_string_equal(rows_of_the_other(), before);
}

/* The calls from here on use a key of the own tenant with all scopes but this one. */
static void
use_key_without(const char *operator, enum scope without)
{
	const char *names = "";

	for (int i = 0; i < SCOPE_CLIENT_COUNT; i++) {
		if (i != (int)without)
			names = api_text("%s%s\"%s\"", names, names[0] ? "," : "", scope_names[i]);
	}
	api_use_key(operator);
	api_add(api_text("/v1/clients/%s/api-keys", own.client),
	    api_text("{\"name\":\"k\",\"scopes\":[%s]}", names));
	api_use_key(api_keep("key"));
}

static void
every_route_refuses_a_key_without_its_scope(UNUSED void **state)
{
	const char *operator= api_use_operator();

	for (int scope = 0; scope < SCOPE_CLIENT_COUNT; scope++) {
		use_key_without(operator,(enum scope) scope);
		for (size_t i = 0; i < route_count; i++) {
			const struct route *route = &routes[i];

			if ((int)route->scope == scope)
				api_expect(403, route->method, fill_path(route->path, &own),
				    body_of(route));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_refuses_another_tenants_ids),
		cmocka_unit_test(no_list_shows_another_tenants_rows),
		cmocka_unit_test(no_body_may_name_another_tenants_rows),
		cmocka_unit_test(every_route_refuses_a_key_without_its_scope),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
