/* What follows from the table of a resource, for every resource there is: what its
 * fields take. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "app/rest.h"
#include "tests/api.h"
#include "tests/sample.h"

#define UNKNOWN "01890000-0000-7000-8000-000000000000"

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
	expect_refused(resource, field, "has a NUL", "\"a\\u0000b\"");
	expect_refused(resource, field, "has half of a letter", "\"\\ud800\"");
	if (field->json.min > 0)
		expect_refused(resource, field, "is empty", "\"\"");
	if (most != NULL)
		expect_taken(resource, field, api_text("\"%s\"", most));
	if (least != NULL)
		expect_taken(resource, field, api_text("\"%s\"", least));
	else if (field->json.min == 0)
		expect_taken(resource, field, "\"\"");
}

static void
try_int(const struct resource *resource, const struct resource_field *field)
{
	const long long min = field->json.min, max = field->json.max;

	expect_refused(resource, field, "is below its limit", api_text("%lld", min - 1));
	expect_refused(resource, field, "is above its limit", api_text("%lld", max + 1));
	expect_refused(resource, field, "is above all numbers", "99999999999999999999");
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
	if (field->json.min > 0)
		expect_refused(resource, field, "has none", "[]");
	expect_refused(resource, field, "holds an empty text", "[\"\"]");
	expect_refused(resource, field, "holds a number", "[1]");
	expect_refused(resource, field, "holds null", "[null]");
	expect_refused(resource, field, "holds a NUL", "[\"a\\u0000\"]");
	expect_refused(resource, field, "holds a long text",
	    api_text("[\"%0*d\"]", (int)field->json.max_item + 1, 1));
}

static void
try_choice(const struct resource *resource, const struct resource_field *field)
{
	expect_refused(resource, field, "is no choice", "\"no such\"");
	expect_refused(resource, field, "is a part of a choice", "\"f\"");
	expect_refused(resource, field, "goes on behind a NUL",
	    api_text("\"%s\\u0000\"", field->json.choices[0]));
	for (size_t i = 0; field->json.choices[i] != NULL; i++)
		expect_taken(resource, field, api_text("\"%s\"", field->json.choices[i]));
}

/* The other tenant has what this one may not name. */
static void
try_id(const struct resource *resource, const struct resource_field *field)
{
	const char *own = api_key(), *theirs;

	expect_refused(resource, field, "is no id", "\"x\"");
	expect_refused(resource, field, "is nil", "\"00000000-0000-0000-0000-000000000000\"");
	expect_refused(resource, field, "names nothing", "\"" UNKNOWN "\"");
	sample_use_key(resource);
	theirs = sample_value(field);
	api_use_key(own);
	expect_refused(resource, field, "is another tenant's", theirs);
}

static void
try_time(const struct resource *resource, const struct resource_field *field)
{
	expect_refused(resource, field, "is no time", "\"tomorrow\"");
	expect_refused(resource, field, "has no zone", "\"2100-01-01T00:00:00\"");
	expect_refused(resource, field, "is no day", "\"2100-02-30T00:00:00Z\"");
}

static void
try_type(const struct resource *resource, const struct resource_field *field)
{
	static void (*const tries[JSON_OBJECT + 1])(
	    const struct resource *, const struct resource_field *) = {
		[JSON_TEXT] = try_text,
		[JSON_INT] = try_int,
		[JSON_TEXTS] = try_texts,
		[JSON_CHOICE] = try_choice,
		[JSON_ID] = try_id,
		[JSON_TIME] = try_time,
	};

	if (tries[field->json.type] != NULL)
		tries[field->json.type](resource, field);
}

static void
try_field(const struct resource *resource, const struct resource_field *field)
{
	static const char *const others[] = { "[[]]", "[{}]" };

	for (size_t i = 0; i < COUNT(others); i++)
		expect_refused(resource, field, "is of another type", others[i]);
	if (field->json.type != JSON_OBJECT)
		expect_refused(resource, field, "is an object", "{}");
	if (field->json.type != JSON_BOOL)
		expect_refused(resource, field, "is a truth", "true");
	if (field->json.type != JSON_INT && field->json.type != JSON_CENTS)
		expect_refused(resource, field, "is a number", "7");
	if (!sample_is_quoted(field))
		expect_refused(resource, field, "is a text", "\"7\"");
	if (field->json.required)
		expect_refused(resource, field, "is null", "null");
	try_type(resource, field);
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
		api_send("POST", sample_path(*at), NULL, "{\"\\u0000\":1}");
		api_expect_field((*at)->table, "?");
		for (size_t i = 0; i < (*at)->count; i++) {
			const struct resource_field *field = &(*at)->fields[i];

			if (!(field->use & RESOURCE_ADD))
				expect_refused(*at, field, "is not given", "\"x\"");
			if (field->use & RESOURCE_CHANGE || !sample_route(*at, rest_change))
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_is_held_to_its_type_and_limits),
		cmocka_unit_test(what_may_not_be_given_is_refused_by_name),
		cmocka_unit_test(what_is_needed_is_asked_for_by_name),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
