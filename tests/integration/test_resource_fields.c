/* What follows from the table of a resource, for every resource there is: what its
 * fields take. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "app/rest.h"
#include "lib/money.h"
#include "tests/api.h"
#include "tests/sample.h"

#define UNKNOWN "01890000-0000-7000-8000-000000000000"

static const char *one; /* the path of what is changed */

/* POSTs a sample in which the field has this value; the sentence begins with the resource. */
static void
expect_none_added(const struct resource *resource, const struct resource_field *field,
    const char *sentence, const char *value)
{
	const char *name = sample_name(field);

	api_send("POST", sample_path(resource), NULL, sample_body(resource, name, value));
	api_expect_field(api_text("%s.%s %s", resource->table, name, sentence), name);
}

/* The same, and in a change of one that is there. */
static void
expect_refused(const struct resource *resource, const struct resource_field *field,
    const char *sentence, const char *value)
{
	const char *name = sample_name(field);
	const char *member = api_text("{\"%s\":%s}", field->json.name, value);

	expect_none_added(resource, field, sentence, value);
	if (!(field->use & RESOURCE_CHANGE) || !sample_route(resource, rest_change))
		return;
	if (field->group != NULL)
		member = api_text("{\"%s\":%s}", field->group->name, member);
	api_send("PATCH", one, NULL, member);
	api_expect_field(api_text("%s.%s %s, changed", resource->table, name, sentence), name);
}

/* Stored, or refused for what another field is beside it. Of a client of its own: what must be
 * unique may be there. */
static void
expect_taken(const struct resource *resource, const struct resource_field *field, const char *value)
{
	const char *name = sample_name(field), *key = api_key();
	long status;

	sample_use_key(resource);
	status = api_send("POST", sample_path(resource), NULL, sample_body(resource, name, value));
	if (status != 201 && (status != 422 || strcmp(api_json("errors.0.field"), name) == 0))
		fail_msg("%s.%s is not taken: %s", resource->table, name, api_answer()->body);
	api_use_key(key);
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

/* Numbers with decimals, by the smallest step. */
static void
try_scaled(const struct resource *resource, const struct resource_field *field)
{
	int scale = field->json.type == JSON_CENTS ? 7 : 6;
	char text[MONEY_TEXT_SIZE];

	expect_refused(resource, field, "is below its limit",
	    money_format_scaled(field->json.min - 1, scale, text));
	expect_refused(resource, field, "is above its limit",
	    money_format_scaled(field->json.max + 1, scale, text));
	expect_refused(resource, field, "has too many decimals", "0.12345678");
	expect_taken(resource, field, money_format_scaled(field->json.min, scale, text));
	expect_taken(resource, field, money_format_scaled(field->json.max, scale, text));
}

static void
try_ints(const struct resource *resource, const struct resource_field *field)
{
	const char *many = "1";

	for (int64_t i = 0; i < field->json.max; i++)
		many = api_text("%s,1", many);
	expect_refused(resource, field, "has too many", api_text("[%s]", many));
	expect_refused(resource, field, "holds a text", "[\"1\"]");
	expect_refused(resource, field, "holds null", "[null]");
	expect_refused(resource, field, "holds nought", "[0]");
	expect_refused(resource, field, "holds too much",
	    api_text("[%lld]", (long long)field->json.max_item + 1));
	expect_taken(resource, field, api_text("[%lld]", (long long)field->json.max_item));
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
	for (size_t i = 0; !sample_is_fixed(resource, field) && field->json.choices[i] != NULL; i++)
		expect_taken(resource, field, api_text("\"%s\"", field->json.choices[i]));
}

/* The other tenant has what this one may not name. */
static void
try_id(const struct resource *resource, const struct resource_field *field)
{
	const char *own = api_key(), *theirs;

	expect_refused(resource, field, "is no id", "\"x\"");
	expect_refused(resource, field, "is nil", "\"00000000-0000-0000-0000-000000000000\"");
	if (!sample_names_a_row(field))
		return;
	expect_refused(resource, field, "names nothing", "\"" UNKNOWN "\"");
	if (sample_names_a_shared_row(field))
		return;
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
		[JSON_CENTS] = try_scaled,
		[JSON_RATE] = try_scaled,
		[JSON_TEXTS] = try_texts,
		[JSON_INTS] = try_ints,
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
	if (sample_is_quoted(field) || field->json.type == JSON_TEXTS ||
	    field->json.type == JSON_INTS || field->json.type == JSON_BOOL)
		expect_refused(resource, field, "is a number", "7");
	if (!sample_is_quoted(field))
		expect_refused(resource, field, "is a text", "\"7\"");
	if (field->json.required)
		expect_none_added(resource, field, "is null", "null");
	try_type(resource, field);
}

static void
a_field_is_held_to_its_type_and_limits(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		sample_use_key(*at);
		one = sample_add(*at);
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
			const char *name =
			    field->group != NULL ? field->group->name : field->json.name;

			if (!(field->use & RESOURCE_ADD)) {
				api_send("POST", sample_path(*at), NULL,
				    sample_body(*at, name, "\"x\""));
				api_expect_field((*at)->table, name);
			}
			if (field->use & RESOURCE_CHANGE || !sample_route(*at, rest_change))
				continue;
			api_send("PATCH", path, NULL, api_text("{\"%s\":\"x\"}", name));
			api_expect_field((*at)->table, name);
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
				expect_none_added(*at, &(*at)->fields[i], "is missing", NULL);
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
