#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "lib/core/json_schema.h"

static struct text
text(const char *at)
{
	return (struct text){ at, strlen(at) };
}

static const struct {
	const char *sentence;
	const char *schema;
} good[] = {
	{ "nothing", "{}" },
	{ "an object of anything", "{\"type\":\"object\"}" },
	{ "what tools have",
	    "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\","
	    "\"description\":\"d\"},\"unit\":{\"enum\":[\"c\",\"f\"]}},\"required\":[\"city\"],"
	    "\"additionalProperties\":false}" },
	{ "several types, and any value",
	    "{\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]},\"b\":true}}" },
	{ "arrays and numbers",
	    "{\"properties\":{\"a\":{\"type\":\"array\",\"items\":{\"type\":\"integer\","
	    "\"minimum\":-1,\"multipleOf\":0.5},\"minItems\":0,\"uniqueItems\":true}}}" },
	{ "items as older drafts have them",
	    "{\"properties\":{\"a\":{\"items\":[{\"type\":\"string\"},true]}}}" },
	{ "one of several", "{\"anyOf\":[{\"required\":[\"a\"]},{\"required\":[]}],\"not\":{},"
			    "\"$defs\":{\"x\":{}}}" },
	{ "properties named as keywords",
	    "{\"properties\":{\"type\":{\"type\":\"string\"},\"required\":{},\"enum\":{}}}" },
	{ "values are no schemas",
	    "{\"x-unknown\":{\"type\":7},\"default\":{\"type\":7},\"const\":{\"type\":7}}" },
	{ "nor are those of enum", "{\"properties\":{\"a\":{\"enum\":[null,{\"type\":7},1]}}}" },
	{ "white space and escapes", "{ \"type\" : \"obj\\u0065ct\" , \"title\" : \"t\" }" },
};

static void
what_has_the_form_is_taken(UNUSED void **state)
{
	struct json_schema_trouble trouble;

	for (size_t i = 0; i < COUNT(good); i++)
		if (!json_schema_check(text(good[i].schema), &trouble))
			fail_msg("%s: %s %s", good[i].sentence, trouble.place, trouble.message);
}

/* What it is behind properties.a. */
static const struct {
	const char *sentence;
	const char *schema;
	const char *place;
} bad[] = {
	{ "a schema that is a text", "\"string\"", "" },
	{ "a schema that is null", "null", "" },
	{ "a type that there is not", "{\"type\":\"text\"}", ".type" },
	{ "a type that is a number", "{\"type\":1}", ".type" },
	{ "no type of several", "{\"type\":[]}", ".type" },
	{ "one type twice", "{\"type\":[\"null\",\"null\"]}", ".type" },
	{ "one type of several that there is not", "{\"type\":[\"null\",\"nul\"]}", ".type" },
	{ "properties that are an array", "{\"properties\":[]}", ".properties" },
	{ "a property that is no schema", "{\"properties\":{\"b\":1}}", ".properties.b" },
	{ "what is wrong deep inside",
	    "{\"properties\":{\"b\":{\"properties\":{\"c\":{\"type\":\"x\"}}}}}",
	    ".properties.b.properties.c.type" },
	{ "what comes behind what is good",
	    "{\"properties\":{\"b\":{\"type\":\"null\"}},\"required\":1}", ".required" },
	{ "a name that does not show", "{\"properties\":{\"\xc3\xa4.b\\n\":1}}",
	    ".properties.???b?n" },
	{ "required that is a text", "{\"required\":\"b\"}", ".required" },
	{ "required that holds a number", "{\"required\":[\"b\",1]}", ".required" },
	{ "required that holds one twice", "{\"required\":[\"b\",\"b\"]}", ".required" },
	{ "enum that is an object", "{\"enum\":{}}", ".enum" },
	{ "enum without a value", "{\"enum\":[ ]}", ".enum" },
	{ "items that are a text", "{\"items\":\"string\"}", ".items" },
	{ "items without a schema", "{\"items\":[]}", ".items" },
	{ "items of which one is none", "{\"items\":[{},7]}", ".items" },
	{ "anyOf that is a schema", "{\"anyOf\":{}}", ".anyOf" },
	{ "anyOf without a schema", "{\"anyOf\":[]}", ".anyOf" },
	{ "additionalProperties that are a text", "{\"additionalProperties\":\"no\"}",
	    ".additionalProperties" },
	{ "a definition that is none", "{\"$defs\":{\"x\":[]}}", ".$defs.x" },
	{ "a description that is a number", "{\"description\":1}", ".description" },
	{ "a minimum that is a text", "{\"minimum\":\"1\"}", ".minimum" },
	{ "a length with a sign", "{\"minLength\":-1}", ".minLength" },
	{ "a length with a fraction", "{\"maxItems\":1.5}", ".maxItems" },
	{ "a truth that is a number", "{\"uniqueItems\":1}", ".uniqueItems" },
	{ "a keyword with an escape", "{\"t\\u0079pe\":1}", ".t?u0079pe" },
};

static void
what_has_not_is_refused_with_its_place(UNUSED void **state)
{
	struct json_schema_trouble trouble;
	char schema[300], place[300];

	for (size_t i = 0; i < COUNT(bad); i++) {
		(void)snprintf(schema, sizeof schema, "{\"properties\":{\"a\":%s}}", bad[i].schema);
		(void)snprintf(place, sizeof place, ".properties.a%s", bad[i].place);
		if (json_schema_check(text(schema), &trouble))
			fail_msg("%s is taken", bad[i].sentence);
		if (strcmp(trouble.place, place) != 0 ||
		    strncmp(trouble.message, "must be ", 8) != 0)
			fail_msg("%s: %s %s", bad[i].sentence, trouble.place, trouble.message);
	}
}

static void
parameters_are_an_object(UNUSED void **state)
{
	static const char *const others[] = { "{\"type\":\"string\"}", "{\"type\":[\"object\"]}" };
	struct json_schema_trouble trouble;

	for (size_t i = 0; i < COUNT(others); i++) {
		assert_false(json_schema_check(text(others[i]), &trouble));
		assert_string_equal(trouble.place, ".type");
	}
}

/* So many schemas inside one another. */
static bool
takes_depth(int depth, struct json_schema_trouble *trouble)
{
	char schema[500] = "";
	FILE *out = fmemopen(schema, sizeof schema, "w");

	for (int i = 0; i < depth; i++)
		fputs("{\"not\":", out);
	fputs("true", out);
	for (int i = 0; i < depth; i++)
		fputs("}", out);
	fclose(out);
	return json_schema_check(text(schema), trouble);
}

static void
depth_has_a_limit(UNUSED void **state)
{
	struct json_schema_trouble trouble;

	assert_true(takes_depth(JSON_SCHEMA_DEPTH_MAX, &trouble));
	assert_false(takes_depth(JSON_SCHEMA_DEPTH_MAX + 1, &trouble));
	assert_non_null(strstr(trouble.message, "at most 10 "));
	assert_int_equal(JSON_SCHEMA_DEPTH_MAX, 10);
}

static bool
takes_names(int count)
{
	struct json_schema_trouble trouble;
	char schema[4000] = "";
	FILE *out = fmemopen(schema, sizeof schema, "w");

	fputs("{\"required\":[\"n\"", out);
	for (int i = 1; i < count; i++)
		fprintf(out, ",\"n%d\"", i);
	fputs("]}", out);
	fclose(out);
	return json_schema_check(text(schema), &trouble);
}

static void
required_has_a_limit(UNUSED void **state)
{
	assert_true(takes_names(JSON_SCHEMA_NAMES_MAX));
	assert_false(takes_names(JSON_SCHEMA_NAMES_MAX + 1));
}

/* A place that is too long to be shown ends somewhere. */
static void
a_long_place_is_cut(UNUSED void **state)
{
	struct json_schema_trouble trouble;
	char schema[400];

	(void)snprintf(schema, sizeof schema, "{\"properties\":{\"%0300d\":{\"type\":1}}}", 7);
	assert_false(json_schema_check(text(schema), &trouble));
	assert_int_equal(strlen(trouble.place), JSON_SCHEMA_PLACE_MAX - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_the_form_is_taken),
		cmocka_unit_test(what_has_not_is_refused_with_its_place),
		cmocka_unit_test(parameters_are_an_object),
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(required_has_a_limit),
		cmocka_unit_test(a_long_place_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
