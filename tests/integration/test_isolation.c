/*
 * No answer and no row crosses a tenant: every route with another tenant's ids, every filter with
 * another tenant's values, and what the catalogue says of every table. A route that this test does
 * not know how to call fails it.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/router.h"
#include "tests/http.h"
#include "tests/servers.h"

static struct servers *servers;
static struct http operator;
static struct http_answer answer;

/* A tenant with one of everything; every text of its rows holds its mark. */
struct tenant {
	const char *mark;
	const char *amount; /* of its adjustment */
	struct http http;
	char *client;
	char *key;
	char *user;
	char *session;
	char *record;
	char *date;
};
static struct tenant own = { .mark = "only-for-a", .amount = "1234" };
static struct tenant other = { .mark = "only-for-b", .amount = "471147.1147" };

static long
call(const struct http *http, const char *method, const char *path, const char *body)
{
	http_free(&answer);
	answer = http_send(http, method, path, NULL, body);
	return answer.status;
}

/* The id of what a POST made. */
static char *
add(const struct tenant *tenant, const char *path, const char *format, const char *first,
    const char *second, const char *third)
{
	char body[600];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(body, sizeof body, format, first, second, third);
#pragma GCC diagnostic pop
	if (call(&tenant->http, "POST", path, body) != 201)
		fail_msg("POST %s: %s", path, answer.body);
	return strdup(http_json(&answer, "id", 0));
}

static char *
sql(const char *format, const char *value)
{
	char text[1000];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(text, sizeof text, format, value, value);
#pragma GCC diagnostic pop
	return servers_sql(servers, text);
}

static void
make_tenant(struct tenant *tenant)
{
	const char *mark = tenant->mark;
	char path[100];

	tenant->http = (struct http){ operator.url, servers_key(servers, mark) };
	tenant->client = sql("SELECT id FROM clients WHERE name = '%s'", mark);
	tenant->key = sql("SELECT id FROM auth_tokens WHERE client_id = '%s'", tenant->client);
	tenant->date = servers_sql(servers, "SELECT (now() AT TIME ZONE 'UTC')::date - 1");
	tenant->user = add(tenant, "/v1/users",
	    "{\"external_id\":\"%s\",\"email\":\"%s@example.com\"}", mark, mark, "");
	tenant->session = add(tenant, "/v1/sessions", "{\"user_id\":\"%s\",\"user_agent\":\"%s\"}",
	    tenant->user, mark, "");
	tenant->record = add(tenant, "/v1/chat-logs",
	    "{\"user_id\":\"%s\",\"session_id\":\"%s\",\"feature\":\"%s\",\"input_tokens\":7}",
	    tenant->user, tenant->session, mark);
	(void)snprintf(path, sizeof path, "/v1/daily-costs/%s/adjustments", tenant->date);
	free(
	    add(tenant, path, "{\"amount_cents\":%s,\"reason\":\"%s\"}", tenant->amount, mark, ""));
}

static int
start(UNUSED void **state)
{
	servers = servers_start(SERVER_NGINX);
	operator=(struct http){ servers_http_url(servers), servers_key(servers, NULL) };
	make_tenant(&own);
	make_tenant(&other);
	return 0;
}

static int
stop(UNUSED void **state)
{
	http_free(&answer);
	servers_stop(servers);
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
		{ "/v1/daily-costs/", tenant->date },
		{ "/v1/users/", tenant->user },
		{ "/v1/sessions/", tenant->session },
		{ "/v1/clients/{id}/api-keys/", tenant->key },
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

static void
fill_path(const char *path, const struct tenant *tenant, char *out, size_t size)
{
	FILE *to = fmemopen(out, size, "w");

	for (const char *at = path; *at != '\0'; at++) {
		if (*at != '{') {
			fputc(*at, to);
			continue;
		}
		fputs(value_of(path, at, tenant), to);
		at += strcspn(at, "}");
	}
	fclose(to);
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
		{ "/v1/daily-costs/{date}/adjustments", "{\"amount_cents\":1,\"reason\":\"r\"}" },
		{ "/v1/sessions/{id}/extend", "{\"expires_in_s\":3600}" },
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
		other.record, other.amount };

	for (size_t i = 0; i < COUNT(secrets); i++) {
		if (strstr(answer.body, secrets[i]))
			fail_msg("%s shows %s: %s", what, secrets[i], answer.body);
	}
}

/* All rows of the other tenant as one hash; its keys apart, whose uses are counted. */
static char *
rows_of_the_other(void)
{
	return sql("SELECT md5(string_agg(query_to_xml(format("
		   "'SELECT * FROM %%I t WHERE client_id = %%L ORDER BY t::text', relname, '%s'),"
		   " true, false, '')::text, '' ORDER BY relname))"
		   " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
		   " WHERE a.attname = 'client_id' AND relkind IN ('r', 'p') AND NOT relispartition"
		   " AND relnamespace = 'public'::regnamespace AND relname <> 'auth_tokens'",
	    other.client);
}

static void
every_route_refuses_another_tenants_ids(UNUSED void **state)
{
	char *before = rows_of_the_other();
	char *after;

	for (size_t i = 0; i < route_count; i++) {
		const struct route *route = &routes[i];
		long expected = route->scope == SCOPE_OPERATOR ? 403 : 404;
		char path[300] = "";

		if (!strchr(route->path, '{'))
			continue;
		fill_path(route->path, &other, path, sizeof path);
		long status = call(&own.http, route->method, path, body_of(route));
		/* A date is nobody's: there the tenant's own day answers. */
		if (!strstr(route->path, "{date}") && status != expected)
			fail_msg("%s %s: %ld %s", route->method, route->path, status, answer.body);
		assert_nothing_of_the_other(route->path);
	}
	after = rows_of_the_other();
	assert_string_equal(after, before);
	free(after);
	free(before);
}

/* Asks a GET route for one value of one parameter. */
static void
filter(
    const struct route *route, const char *path, const struct json_field *field, const char *value)
{
	char url[600];

	(void)snprintf(url, sizeof url, "%s?%s=%s", path, field->name, value);
	if (call(&own.http, route->method, url, NULL) >= 500)
		fail_msg("%s: %s", url, answer.body);
	assert_nothing_of_the_other(url);
}

static void
filter_by_all(const struct route *route, const char *path)
{
	const char *ids[] = { other.client, other.key, other.user, other.session, other.record };

	for (size_t i = 0; i < route->query_count; i++) {
		const struct json_field *field = &route->query[i];

		for (size_t j = 0; field->type == JSON_ID && j < COUNT(ids); j++)
			filter(route, path, field, ids[j]);
		if (field->type == JSON_TEXT)
			filter(route, path, field, other.mark);
	}
}

static void
no_list_shows_another_tenants_rows(UNUSED void **state)
{
	int shown = 0;

	for (size_t i = 0; i < route_count; i++) {
		const struct route *route = &routes[i];
		char path[300] = "";

		if (strcmp(route->method, "GET") != 0 || route->scope >= SCOPE_CLIENT_COUNT)
			continue;
		fill_path(route->path, &own, path, sizeof path);
		if (call(&own.http, "GET", path, NULL) >= 500)
			fail_msg("%s: %s", path, answer.body);
		shown += strstr(answer.body, own.mark) != NULL;
		assert_nothing_of_the_other(path);
		filter_by_all(route, path);
	}
	/* Users, sessions, records, adjustments: the tenant's own rows are there. */
	assert_in_range(shown, 4, 100);
}

static void
no_body_may_name_another_tenants_rows(UNUSED void **state)
{
	static const char *const fields[] = { "user_id", "session_id" };
	const char *ids[] = { other.user, other.session };
	char *before = rows_of_the_other();
	char *after;

	for (size_t i = 0; i < route_count; i++) {
		for (size_t j = 0; j < routes[i].body_count; j++) {
			for (size_t k = 0; k < COUNT(fields); k++) {
				char body[300];

				if (strcmp(routes[i].body[j].name, fields[k]) != 0)
					continue;
				(void)snprintf(body, sizeof body, "{\"%s\":\"%s\",%s", fields[k],
				    ids[k], body_of(&routes[i]) + 1);
				if (strstr(body, ",}"))
					strcpy(strstr(body, ",}"), "}");
				if (call(&own.http, routes[i].method, routes[i].path, body) != 422)
					fail_msg("%s %s: %ld %s", routes[i].path, body,
					    answer.status, answer.body);
			}
		}
	}
	after = rows_of_the_other();
	assert_string_equal(after, before);
	free(after);
	free(before);
}

/* A key of the tenant with all scopes but this one. */
static char *
key_without(enum scope without)
{
	char body[400] = "{\"name\":\"k\",\"scopes\":[";
	char path[100];

	for (int i = 0; i < SCOPE_CLIENT_COUNT; i++) {
		if (i == (int)without)
			continue;
		strcat(strcat(strcat(body, "\""), scope_names[i]), "\",");
	}
	strcpy(strrchr(body, ','), "]}");
	(void)snprintf(path, sizeof path, "/v1/clients/%s/api-keys", own.client);
	assert_int_equal(call(&operator, "POST", path, body), 201);
	return strdup(http_json(&answer, "key", 0));
}

static void
every_route_refuses_a_key_without_its_scope(UNUSED void **state)
{
	for (int scope = 0; scope < SCOPE_CLIENT_COUNT; scope++) {
		char *key = key_without((enum scope)scope);
		struct http http = { operator.url, key };

		for (size_t i = 0; i < route_count; i++) {
			const struct route *route = &routes[i];
			char path[300] = "";

			if ((int)route->scope != scope)
				continue;
			fill_path(route->path, &own, path, sizeof path);
			if (call(&http, route->method, path, body_of(route)) != 403)
				fail_msg("%s %s: %ld", route->method, path, answer.status);
		}
		free(key);
	}
}

/* Tables, views and functions of the schema that break a rule, by name; empty where none does. */
static const struct {
	const char *rule;
	const char *sql;
} rules[] = {
	{ "a tenant's table has row-level security, forced, with a policy for tally_app; a partition"
	  " is closed to it",
	    "SELECT string_agg(relname, ', ') FROM pg_class c"
	    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'client_id'"
	    " WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
	    " AND CASE WHEN relispartition"
	    "  THEN has_table_privilege('tally_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE')"
	    "  ELSE NOT (relrowsecurity AND relforcerowsecurity AND EXISTS (SELECT FROM pg_policy"
	    "   WHERE polrelid = c.oid AND 'tally_app'::regrole = ANY (polroles))) END" },
	{ "so has the table of clients",
	    "SELECT string_agg(relname, ', ') FROM pg_class WHERE relname = 'clients'"
	    " AND NOT (relrowsecurity AND relforcerowsecurity)" },
	{ "no policy of tally_app is open to all rows",
	    "SELECT string_agg(polrelid::regclass::text, ', ') FROM pg_policy"
	    " WHERE polroles && ARRAY[0::oid, 'tally_app'::regrole::oid]"
	    " AND pg_get_expr(polqual, polrelid) NOT LIKE '%current_setting%'" },
	{ "tally_app cannot bypass row-level security",
	    "SELECT string_agg(rolname, ', ') FROM pg_roles"
	    " WHERE rolname = 'tally_app' AND (rolsuper OR rolbypassrls OR rolcreaterole)" },
	{ "tally_app is nobody else", "SELECT string_agg(rolname, ', ') FROM pg_roles"
				      " WHERE rolname <> 'tally_app' AND rolname NOT LIKE 'pg\\_%'"
				      " AND pg_has_role('tally_app', oid, 'MEMBER')" },
	{ "tally_app owns nothing", "SELECT string_agg(relname, ', ') FROM pg_class"
				    " WHERE relowner = 'tally_app'::regrole" },
	{ "tally_app runs no function with its owner's rights",
	    "SELECT string_agg(proname, ', ') FROM pg_proc"
	    " WHERE prosecdef AND has_function_privilege('tally_app', oid, 'EXECUTE')" },
	{ "a view that tally_app reads shows what tally_app may see",
	    "SELECT string_agg(relname, ', ') FROM pg_class"
	    " WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace"
	    " AND has_table_privilege('tally_app', oid, 'SELECT')"
	    " AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)" },
	{ "the log, the audit log and adjustments are not changed or deleted by tally_app",
	    "SELECT string_agg(name, ', ')"
	    " FROM unnest(ARRAY['chat_logs', 'audit_log', 'cost_adjustments']) AS name"
	    " WHERE has_table_privilege('tally_app', name, 'UPDATE, DELETE, TRUNCATE')" },
};

static void
the_catalogue_keeps_the_rules(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rules); i++) {
		char *broken = servers_sql(servers, rules[i].sql);

		if (broken[0] != '\0')
			fail_msg("%s: %s", rules[i].rule, broken);
		free(broken);
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
		cmocka_unit_test(the_catalogue_keeps_the_rules),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
