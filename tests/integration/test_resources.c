/* What follows from the table of a resource, for every resource there is: what is
 * shown and changed. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "app/rest.h"
#include "tests/api.h"
#include "tests/sample.h"

static bool
is_hidden(const struct resource_field *field)
{
	return field->use & (RESOURCE_SECRET | RESOURCE_ONCE);
}

/* The names of what is in no answer, for SQL. */
static const char *
hidden_of(const struct resource *resource)
{
	const char *names = "'password'";

	for (size_t i = 0; i < resource->count; i++)
		if (is_hidden(&resource->fields[i]))
			names = api_text("%s,'%s'", names, resource->fields[i].json.name);
	return names;
}

static void
what_was_given_is_shown_but_no_secret(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		const char *path;

		sample_use_key(*at);
		path = sample_add(*at);
		for (size_t i = 0; i < (*at)->count; i++)
			assert_int_equal(((*at)->fields[i].use & RESOURCE_SECRET) != 0,
			    strcmp(api_json((*at)->fields[i].json.name), "(none)") == 0);
		api_expect(200, "GET", path, NULL);
		for (size_t i = 0; i < (*at)->count; i++) {
			const struct resource_field *field = &(*at)->fields[i];
			const char *shown = api_json(field->json.name);

			assert_int_equal(is_hidden(field), strcmp(shown, "(none)") == 0);
			if (field->use & RESOURCE_ADD && !is_hidden(field))
				assert_string_not_equal(shown, "null");
		}
		assert_string_equal(api_sql("SELECT count(*) FROM audit_log"
					    " WHERE entity = '%s' AND entity_id = '%s'"
					    " AND action = 'add' AND before IS NULL"
					    " AND NOT after ?| ARRAY[%s]",
					(*at)->table, strrchr(path, '/') + 1, hidden_of(*at)),
		    (*at)->quiet ? "0" : "1");
	}
}

/* Its columns stand in its first line. */
static void
expect_no_secret(const struct resource *resource, const char *sql)
{
	const char *columns = api_text("%.*s,", (int)strcspn(sql, "\n"), sql);

	if (strncmp(sql, "SELECT", 6) != 0 || strstr(sql, "FOR NO KEY UPDATE"))
		return;
	for (size_t i = 0; i < resource->count; i++)
		if (is_hidden(&resource->fields[i]) &&
		    strstr(columns, api_text(" %s,", resource->fields[i].json.name)) != NULL)
			fail_msg("%s is read by %s", resource->fields[i].json.name, sql);
}

static void
what_is_only_shown_is_read_without_secrets(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		const char *sql;

		for (unsigned n = 0; (sql = resource_statement(*at, n)) != NULL; n++)
			expect_no_secret(*at, sql);
	}
}

static void
expect_no_default(const struct route *route, struct route_fields fields)
{
	for (size_t i = 0; i < fields.count; i++)
		if (fields.at[i].about != NULL && strcmp(fields.at[i].name, "limit") != 0 &&
		    strstr(fields.at[i].about, "where not given") != NULL)
			fail_msg("%s %s, %s: %s", route->method, route->path, fields.at[i].name,
			    fields.at[i].about);
}

/* What is not given stays when one is changed, and is not asked for when some are listed. */
static void
only_who_adds_is_told_of_defaults(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		const struct route *added = sample_route(*at, rest_add);
		const struct route *changed = sample_route(*at, rest_change);
		const struct route *listed = sample_route(*at, rest_list);
		struct route_fields fields = router_body(added);
		size_t told = 0;

		for (size_t i = 0; i < fields.count; i++)
			told += fields.at[i].about != NULL &&
				strstr(fields.at[i].about, "where not given") != NULL;
		assert_true(told > 0);
		if (changed != NULL)
			expect_no_default(changed, router_body(changed));
		expect_no_default(listed, router_query(listed));
	}
}

/* A member of a change, and what must come with it. */
static const char *
members(const struct resource *resource, const struct resource_field *field, const char *value)
{
	const char *with = field->json.with;
	const char *text = api_text("\"%s\":%s", field->json.name, value);

	for (size_t i = 0; with != NULL && i < resource->count; i++) {
		const struct resource_field *other = &resource->fields[i];

		if (strcmp(other->json.name, with) == 0)
			text = api_text("%s,\"%s\":%s", text, with,
			    strcmp(value, "null") == 0 ? value : sample_value(other));
	}
	return api_text("{%s}", text);
}

static bool
stays(const struct resource_field *field)
{
	return field->use & RESOURCE_ADD && !is_hidden(field) && !(field->use & RESOURCE_CLEAR);
}

/* Changes one field to another sample; the others stay. */
static void
change(const struct resource *resource, const struct resource_field *field, const char *path)
{
	const char *value = sample_value(field);
	const char *expected =
	    value[0] == '"' ? api_text("%.*s", (int)strlen(value) - 2, value + 1) : value;

	api_expect(200, "PATCH", path, members(resource, field, value));
	api_expect(200, "GET", path, NULL);
	if (!is_hidden(field))
		api_expect_json(field->json.name, expected);
	api_expect(200, "PATCH", path, members(resource, field, "null"));
	if (!is_hidden(field))
		api_expect_json(field->json.name, field->use & RESOURCE_CLEAR ? "null" : expected);
	for (size_t i = 0; i < resource->count; i++)
		if (stays(&resource->fields[i]))
			assert_string_not_equal(api_json(resource->fields[i].json.name), "null");
}

static void
a_change_keeps_the_rest(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		const char *path;

		if (!sample_route(*at, rest_change))
			continue;
		sample_use_key(*at);
		path = sample_add(*at);
		for (size_t i = 0; i < (*at)->count; i++)
			if ((*at)->fields[i].use & RESOURCE_CHANGE)
				change(*at, &(*at)->fields[i], path);
	}
}

/* What may be changed and is shown, with the values of the last answer. */
static const char *
body_as_it_is(const struct resource *resource)
{
	const char *body = "", *comma = "";

	for (size_t i = 0; i < resource->count; i++) {
		const struct resource_field *field = &resource->fields[i];
		const char *quote = sample_is_quoted(field) ? "\"" : "";

		if (!(field->use & RESOURCE_CHANGE) || is_hidden(field))
			continue;
		body = api_text("%s%s\"%s\":%s%s%s", body, comma, field->json.name, quote,
		    api_json(field->json.name), quote);
		comma = ",";
	}
	return api_text("{%s}", body);
}

static void
what_changes_nothing_is_no_change(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		const char *path, *updated;

		if (!sample_route(*at, rest_change))
			continue;
		sample_use_key(*at);
		path = sample_add(*at);
		updated = api_keep("updated_at");
		api_expect(200, "PATCH", path, "{}");
		api_expect_json("updated_at", updated);
		api_expect(200, "PATCH", path, body_as_it_is(*at));
		api_expect_json("updated_at", updated);
		assert_string_equal(
		    api_sql("SELECT string_agg(action, ' ') FROM audit_log WHERE entity_id = '%s'",
			strrchr(path, '/') + 1),
		    "add");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_given_is_shown_but_no_secret),
		cmocka_unit_test(what_is_only_shown_is_read_without_secrets),
		cmocka_unit_test(only_who_adds_is_told_of_defaults),
		cmocka_unit_test(a_change_keeps_the_rest),
		cmocka_unit_test(what_changes_nothing_is_no_change),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
