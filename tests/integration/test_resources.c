/* What follows from the table of a resource, for every resource there is: its fields. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "app/rest.h"
#include "tests/api.h"
#include "tests/sample.h"

/* POSTs a sample in which the field has this value; the sentence begins with the resource. */
static void
expect_refused(const struct resource *resource, const struct resource_field *field,
    const char *sentence, const char *value)
{
	api_send(
	    "POST", sample_path(resource), NULL, sample_body(resource, field->json.name, value));
	api_expect_field(
	    api_text("%s.%s %s", resource->table, field->json.name, sentence), field->json.name);
}

static void
expect_taken(const struct resource *resource, const struct resource_field *field, const char *value)
{
	sample_use_key(resource);
	api_expect(
	    201, "POST", sample_path(resource), sample_body(resource, field->json.name, value));
}

static void
try_text(const struct resource *resource, const struct resource_field *field)
{
	const char *most = sample_text(field, (size_t)field->json.max);
	const char *least = sample_text(field, (size_t)field->json.min);
	const char *more = api_text("\"%0*d\"", (int)field->json.max + 1, 1);

	expect_refused(resource, field, "is longer than its limit", more);
	expect_refused(resource, field, "is empty", "\"\"");
	expect_refused(resource, field, "has a NUL", "\"a\\u0000b\"");
	if (most != NULL)
		expect_taken(resource, field, api_text("\"%s\"", most));
	if (least != NULL)
		expect_taken(resource, field, api_text("\"%s\"", least));
}

static void
try_int(const struct resource *resource, const struct resource_field *field)
{
	const long long min = field->json.min, max = field->json.max;

	expect_refused(resource, field, "is below its limit", api_text("%lld", min - 1));
	expect_refused(resource, field, "is above its limit", api_text("%lld", max + 1));
	expect_refused(resource, field, "has a fraction", "1.5");
	expect_taken(resource, field, api_text("%lld", min));
	expect_taken(resource, field, api_text("%lld", max));
}

static void
try_texts(const struct resource *resource, const struct resource_field *field)
{
	const char *many = "";

	for (int64_t i = 0; i < field->json.max + 1; i++)
		many = api_text("%s%s\"x\"", many, i == 0 ? "" : ",");
	expect_refused(resource, field, "has too many", api_text("[%s]", many));
	expect_refused(resource, field, "has none", "[]");
	expect_refused(resource, field, "holds an empty text", "[\"\"]");
	expect_refused(resource, field, "holds a number", "[1]");
	expect_refused(resource, field, "holds a long text",
	    api_text("[\"%0*d\"]", (int)field->json.max_item + 1, 1));
}

static void
try_choice(const struct resource *resource, const struct resource_field *field)
{
	expect_refused(resource, field, "is no choice", "\"no such\"");
	expect_refused(resource, field, "is a part of a choice", "\"f\"");
	for (size_t i = 0; field->json.choices[i] != NULL; i++)
		expect_taken(resource, field, api_text("\"%s\"", field->json.choices[i]));
}

static void
try_field(const struct resource *resource, const struct resource_field *field)
{
	static const char *const others[] = { "{}", "[[]]", "[{}]" };

	for (size_t i = 0; i < COUNT(others); i++)
		expect_refused(resource, field, "is of another type", others[i]);
	if (field->json.type != JSON_BOOL)
		expect_refused(resource, field, "is a truth", "true");
	if (field->json.type != JSON_INT)
		expect_refused(resource, field, "is a number", "7");
	if (field->json.type == JSON_TEXT)
		try_text(resource, field);
	else if (field->json.type == JSON_INT)
		try_int(resource, field);
	else if (field->json.type == JSON_TEXTS)
		try_texts(resource, field);
	else if (field->json.type == JSON_CHOICE)
		try_choice(resource, field);
}

static void
a_field_is_held_to_its_type_and_limits(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		sample_use_key(*at);
		for (size_t i = 0; i < (*at)->count; i++)
			if ((*at)->fields[i].use & RESOURCE_ADD)
				try_field(*at, &(*at)->fields[i]);
	}
}

static void
what_may_not_be_given_is_refused_by_name(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		const char *path;

		sample_use_key(*at);
		path = sample_add(*at);
		api_send("POST", sample_path(*at), NULL, sample_body(*at, "no_such", "1"));
		api_expect_field((*at)->table, "no_such");
		for (size_t i = 0; i < (*at)->count; i++) {
			const struct resource_field *field = &(*at)->fields[i];

			if (!(field->use & RESOURCE_ADD))
				expect_refused(*at, field, "is not given", "\"x\"");
			if (field->use & RESOURCE_CHANGE)
				continue;
			api_send("PATCH", path, NULL, api_text("{\"%s\":\"x\"}", field->json.name));
			api_expect_field((*at)->table, field->json.name);
		}
	}
}

static void
what_is_needed_is_asked_for_by_name(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		sample_use_key(*at);
		for (size_t i = 0; i < (*at)->count; i++)
			if ((*at)->fields[i].json.required)
				expect_refused(*at, &(*at)->fields[i], "is missing", NULL);
	}
}

static bool
is_hidden(const struct resource_field *field)
{
	return field->use & (RESOURCE_SECRET | RESOURCE_ONCE);
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
					    " AND NOT after ?| ARRAY['password_hash', 'secret']",
					(*at)->table, strrchr(path, '/') + 1),
		    "1");
	}
}

static void
what_is_only_shown_is_read_without_secrets(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		const char *sql;

		for (unsigned n = 0; (sql = resource_statement(*at, n)) != NULL; n++) {
			bool shows =
			    strncmp(sql, "SELECT id", 9) == 0 && !strstr(sql, "FOR NO KEY");

			for (size_t i = 0; shows && i < (*at)->count; i++)
				if (is_hidden(&(*at)->fields[i]) &&
				    strstr(sql, (*at)->fields[i].json.name) != NULL)
					fail_msg(
					    "%s is read by %s", (*at)->fields[i].json.name, sql);
		}
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
		bool quoted = field->json.type == JSON_TEXT || field->json.type == JSON_CHOICE;

		if (!(field->use & RESOURCE_CHANGE) || is_hidden(field))
			continue;
		body = api_text("%s%s\"%s\":%s%s%s", body, comma, field->json.name,
		    quoted ? "\"" : "", api_json(field->json.name), quoted ? "\"" : "");
		comma = ",";
	}
	return api_text("{%s}", body);
}

static void
what_changes_nothing_is_no_change(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		const char *path, *updated;

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
		cmocka_unit_test(a_field_is_held_to_its_type_and_limits),
		cmocka_unit_test(what_may_not_be_given_is_refused_by_name),
		cmocka_unit_test(what_is_needed_is_asked_for_by_name),
		cmocka_unit_test(what_was_given_is_shown_but_no_secret),
		cmocka_unit_test(what_is_only_shown_is_read_without_secrets),
		cmocka_unit_test(only_who_adds_is_told_of_defaults),
		cmocka_unit_test(a_change_keeps_the_rest),
		cmocka_unit_test(what_changes_nothing_is_no_change),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
