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

/* The last answer has what was given, and nothing that has one of these uses. */
static void
expect_shown(const struct resource *resource, unsigned hidden)
{
	for (size_t i = 0; i < resource->count; i++) {
		const struct resource_field *field = &resource->fields[i];
		const char *shown = api_json(sample_name(field));
		bool left_out = sample_leaves_out(resource, field);

		/* A parameter of the list and no more. */
		if (field->use & RESOURCE_UNSHOWN && field->use & RESOURCE_UNKEPT)
			continue;
		if (field->use & hidden)
			assert_string_equal(shown, "(none)");
		else if (left_out && field->use & RESOURCE_ADD)
			assert_string_equal(shown, field->group != NULL ? "(none)" : "null");
		else
			assert_string_not_equal(shown, "(none)");
		if (!left_out && !(field->use & hidden))
			assert_string_not_equal(shown, "null");
	}
}

static void
what_was_given_is_shown_but_no_secret(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		const char *path;

		sample_use_key(*at);
		path = sample_add(*at);
		expect_shown(*at, RESOURCE_SECRET);
		api_expect(200, "GET", path, NULL);
		expect_shown(*at, RESOURCE_SECRET | RESOURCE_ONCE);
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

/* The whole group of a field, but the field with this value; null: the group is. */
static const char *
group_of(const struct resource *resource, size_t i, const char *value)
{
	const struct resource_field *field = &resource->fields[i];
	const char *text = "";

	if (strcmp(value, "null") == 0)
		return "null";
	for (size_t j = 0; j < resource->count; j++) {
		const struct resource_field *other = &resource->fields[j];

		if (other->group == field->group)
			text = api_text("%s%s\"%s\":%s", text, text[0] == '\0' ? "" : ",",
			    other->json.name, i == j ? value : sample_value(other));
	}
	return api_text("{%s}", text);
}

/* A change of one field, and what must come with it. */
static const char *
change_of(const struct resource *resource, size_t i, const char *value)
{
	const struct resource_field *field = &resource->fields[i];
	const char *with = field->json.with, *text;

	if (field->group != NULL)
		return api_text("{\"%s\":%s}", field->group->name, group_of(resource, i, value));
	text = api_text("\"%s\":%s", field->json.name, value);
	for (size_t j = 0; with != NULL && j < resource->count; j++) {
		const struct resource_field *other = &resource->fields[j];

		if (strcmp(other->json.name, with) == 0)
			text = api_text("%s,\"%s\":%s", text, with,
			    strcmp(value, "null") == 0 ? value : sample_value(other));
	}
	return api_text("{%s}", text);
}

/* What is in no group and not taken away by null. */
static bool
stays(const struct resource_field *field)
{
	return field->use & RESOURCE_ADD && !is_hidden(field) && field->group == NULL &&
	       !(field->use & RESOURCE_CLEAR);
}

/* Null takes it away, or changes nothing; others may need it. */
static void
take_away(const struct resource *resource, size_t i, const char *path, const char *before)
{
	const struct resource_field *field = &resource->fields[i];
	const char *name = sample_name(field);
	const char *gone = field->group != NULL ? "(none)" : "null";
	long status = api_send("PATCH", path, NULL, change_of(resource, i, "null"));

	if (status == 422 && strcmp(api_json("errors.0.field"), name) != 0)
		return;
	assert_int_equal(status, 200);
	if (!is_hidden(field))
		api_expect_json(name, field->use & RESOURCE_CLEAR ? gone : before);
}

/* Changes one field to another sample; the others stay. */
static void
change(const struct resource *resource, size_t i, const char *path)
{
	const struct resource_field *field = &resource->fields[i];
	const char *name = sample_name(field), *value = sample_value(field);
	const char *expected =
	    value[0] == '"' ? api_text("%.*s", (int)strlen(value) - 2, value + 1) : value;

	api_expect(200, "PATCH", path, change_of(resource, i, value));
	api_expect(200, "GET", path, NULL);
	if (!is_hidden(field))
		api_expect_json(name, expected);
	take_away(resource, i, path, expected);
	api_expect(200, "GET", path, NULL);
	for (size_t j = 0; j < resource->count; j++)
		if (stays(&resource->fields[j]))
			assert_string_not_equal(api_json(resource->fields[j].json.name), "null");
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
				change(*at, i, path);
	}
}

/* What may be changed and is shown, with the values of the last answer. */
static const char *
body_as_it_is(const struct resource *resource)
{
	const char *body = "", *comma = "";

	for (size_t i = 0; i < resource->count; i += resource_group_size(resource, i)) {
		const struct resource_field *field = &resource->fields[i];
		const char *name = field->group != NULL ? field->group->name : field->json.name;
		const char *quote = field->group == NULL && sample_is_quoted(field) ? "\"" : "";

		if (!(field->use & RESOURCE_CHANGE) || is_hidden(field))
			continue;
		body =
		    api_text("%s%s\"%s\":%s%s%s", body, comma, name, quote, api_json(name), quote);
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
