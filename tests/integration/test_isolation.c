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
#include "tests/tenant.h"

static struct tenant own = { .mark = "only-for-a", .amount = "1234" };
static struct tenant other = { .mark = "only-for-b", .amount = "471147.1147" };

/* The calls from here on are the own tenant's. */
static int
start(void **state)
{
	api_start(state);
	tenant_make(&other);
	tenant_make(&own);
	return 0;
}

static void
assert_nothing_of_the_other(const char *what)
{
	const char *secrets[] = { other.mark, other.client, other.key, other.user, other.session,
		other.record, other.budget, other.authorization, other.webhook, other.amount,
		other.transaction, other.erasure, other.conversation, other.agent,
		other.integration, other.endpoint, other.client_tool, other.tool_execution,
		other.websocket };
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

	for (size_t i = 0; route_at(i) != NULL; i++) {
		const struct route *route = route_at(i);
		const char *path;
		long status;

		if (!strchr(route->path, '{'))
			continue;
		path = tenant_path(route->path, &other);
		status = api_send(route->method, path, NULL, tenant_body(route));
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
		other.budget, other.authorization, other.webhook, other.conversation, other.agent,
		other.integration, other.endpoint, other.websocket, NULL };

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

	for (size_t i = 0; route_at(i) != NULL; i++) {
		const struct route *route = route_at(i);
		const char *path;

		if (strcmp(route->method, "GET") != 0 || route->scope >= SCOPE_CLIENT_COUNT)
			continue;
		path = tenant_path(route->path, &own);
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
	       strcmp(field, "agent_root_id") == 0 || strcmp(field, "authorization_id") == 0;
}

/* A body that the route takes but for this member; of a group where group is not NULL. */
static void
name_in_body(const struct route *route, const char *group, const char *name, const char *id)
{
	const char *body = tenant_body(route), *rest = strcmp(body, "{}") == 0 ? "}" : body + 1;
	const char *member = api_text("\"%s\":\"%s\"", name, id);
	long status;

	if (group)
		member = api_text("\"%s\":{%s}", group, member);
	body = api_text("{%s%s%s", member, rest[0] == '}' ? "" : ",", rest);
	status = api_send(route->method, tenant_path(route->path, &own), NULL, body);
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

	for (size_t i = 0; route_at(i) != NULL; i++) {
		if (route_at(i)->scope < SCOPE_CLIENT_COUNT)
			named += name_in_fields(route_at(i), NULL, router_body(route_at(i)));
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
		for (size_t i = 0; route_at(i) != NULL; i++) {
			const struct route *route = route_at(i);

			if ((int)route->scope == scope)
				api_expect(403, route->method, tenant_path(route->path, &own),
				    tenant_body(route));
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
