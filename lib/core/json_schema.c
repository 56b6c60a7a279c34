#include "lib/core/json_schema.h"

#include <string.h>

#include "lib/core/json_parts.h"

enum form {
	SCHEMA, /* an object, or true or false */
	SCHEMA_OR_MANY, /* or an array of such */
	SCHEMAS, /* an array of at least one */
	SCHEMA_BY_NAME, /* an object of schemas */
	TYPE, /* the name of a type, or an array of such */
	NAMES, /* an array of texts, each once */
	VALUES, /* an array of at least one */
	TEXT,
	NUMBER,
	LENGTH, /* a whole number, not negative */
	TRUTH
};

static const struct keyword {
	const char *name;
	enum form form;
} keywords[] = {
	{ "type", TYPE },
	{ "properties", SCHEMA_BY_NAME },
	{ "required", NAMES },
	{ "enum", VALUES },
	{ "items", SCHEMA_OR_MANY },
	{ "prefixItems", SCHEMAS },
	{ "additionalItems", SCHEMA },
	{ "additionalProperties", SCHEMA },
	{ "patternProperties", SCHEMA_BY_NAME },
	{ "propertyNames", SCHEMA },
	{ "dependentSchemas", SCHEMA_BY_NAME },
	{ "unevaluatedItems", SCHEMA },
	{ "unevaluatedProperties", SCHEMA },
	{ "contains", SCHEMA },
	{ "anyOf", SCHEMAS },
	{ "oneOf", SCHEMAS },
	{ "allOf", SCHEMAS },
	{ "not", SCHEMA },
	{ "if", SCHEMA },
	{ "then", SCHEMA },
	{ "else", SCHEMA },
	{ "$defs", SCHEMA_BY_NAME },
	{ "definitions", SCHEMA_BY_NAME },
	{ "$schema", TEXT },
	{ "$id", TEXT },
	{ "$ref", TEXT },
	{ "$anchor", TEXT },
	{ "$comment", TEXT },
	{ "title", TEXT },
	{ "description", TEXT },
	{ "pattern", TEXT },
	{ "format", TEXT },
	{ "minimum", NUMBER },
	{ "maximum", NUMBER },
	{ "exclusiveMinimum", NUMBER },
	{ "exclusiveMaximum", NUMBER },
	{ "multipleOf", NUMBER },
	{ "minLength", LENGTH },
	{ "maxLength", LENGTH },
	{ "minItems", LENGTH },
	{ "maxItems", LENGTH },
	{ "minContains", LENGTH },
	{ "maxContains", LENGTH },
	{ "minProperties", LENGTH },
	{ "maxProperties", LENGTH },
	{ "uniqueItems", TRUTH },
	{ "deprecated", TRUTH },
	{ "readOnly", TRUTH },
	{ "writeOnly", TRUTH },
};

static const char *const types[] = { "object", "array", "string", "number", "integer", "boolean",
	"null" };

struct check {
	struct json_schema_trouble *trouble;
	size_t place_len;
	int depth;
};

/* Always false. */
static bool
refuse(struct check *check, const char *message)
{
	check->trouble->message = message;
	return false;
}

/* Goes into a part of the schema; what does not show well is shown as "?". */
static size_t
enter(struct check *check, struct text name)
{
	static const char shown[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_$-";
	size_t before = check->place_len, room = JSON_SCHEMA_PLACE_MAX - 1 - before;
	char *to = check->trouble->place + before;

	for (size_t i = 0; i <= name.len && i < room; i++) {
		char c = i == 0 ? '.' : name.at[i - 1];

		*to++ = i == 0 || (c != '\0' && strchr(shown, c) != NULL) ? c : '?';
	}
	*to = '\0';
	check->place_len = (size_t)(to - check->trouble->place);
	return before;
}

static void
leave(struct check *check, size_t before)
{
	check->place_len = before;
	check->trouble->place[before] = '\0';
}

static bool
is_text(struct text value)
{
	return value.at[0] == '"';
}

static struct text
inside(struct text quoted)
{
	return (struct text){ quoted.at + 1, quoted.len - 2 };
}

static bool
is_word(struct text value, const char *word)
{
	return value.len == strlen(word) && memcmp(value.at, word, value.len) == 0;
}

static bool
is_truth(struct text value)
{
	return is_word(value, "true") || is_word(value, "false");
}

static bool
is_number(struct text value)
{
	return value.at[0] == '-' || (value.at[0] >= '0' && value.at[0] <= '9');
}

static bool
is_length(struct text value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] < '0' || value.at[i] > '9')
			return false;
	return true;
}

static bool
is_type(struct text value)
{
	for (size_t i = 0; is_text(value) && i < COUNT(types); i++)
		if (json_parts_is(inside(value), types[i]))
			return true;
	return false;
}

static bool
is_array(struct text value)
{
	return value.at[0] == '[';
}

static bool
is_empty(struct text array)
{
	struct text element;

	return !json_parts_element(&array, &element);
}

/* Texts that are written the same. */
static bool
is_before(struct text array, struct text element)
{
	struct text earlier;

	while (json_parts_element(&array, &earlier) && earlier.at < element.at)
		if (earlier.len == element.len && memcmp(earlier.at, element.at, element.len) == 0)
			return true;
	return false;
}

static bool check_schema(struct check *check, struct text value);

static bool
check_type(struct check *check, struct text value)
{
	static const char wanted[] = "must be object, array, string, number, integer, boolean or "
				     "null, or an array of some of them";
	struct text rest = value, element;

	if (!is_array(value))
		return is_type(value) || refuse(check, wanted);
	if (is_empty(value))
		return refuse(check, wanted);
	/* Each once: so many are looked at at most. */
	while (json_parts_element(&rest, &element))
		if (!is_type(element) || is_before(value, element))
			return refuse(check, wanted);
	return true;
}

static bool
check_names(struct check *check, struct text value)
{
	static const char wanted[] = "must be an array of at most 256 texts, each once";
	struct text rest = value, element;
	int count = 0;

	if (!is_array(value))
		return refuse(check, wanted);
	while (json_parts_element(&rest, &element))
		if (++count > JSON_SCHEMA_NAMES_MAX || !is_text(element) ||
		    is_before(value, element))
			return refuse(check, wanted);
	return true;
}

static bool
check_schemas(struct check *check, struct text value)
{
	struct text rest = value, element;

	if (!is_array(value) || is_empty(value))
		return refuse(check, "must be an array of at least one schema");
	while (json_parts_element(&rest, &element))
		if (!check_schema(check, element))
			return false;
	return true;
}

static bool
check_schema_by_name(struct check *check, struct text value)
{
	struct text rest = value, name, schema;

	if (value.at[0] != '{')
		return refuse(check, "must be an object of schemas");
	while (json_parts_member(&rest, &name, &schema)) {
		size_t before = enter(check, name);

		if (!check_schema(check, schema))
			return false;
		leave(check, before);
	}
	return true;
}

static bool
check_keyword(struct check *check, enum form form, struct text value)
{
	switch (form) {
	case SCHEMA:
		return check_schema(check, value);
	case SCHEMA_OR_MANY:
		return is_array(value) && !is_empty(value) ? check_schemas(check, value)
							   : check_schema(check, value);
	case SCHEMAS:
		return check_schemas(check, value);
	case SCHEMA_BY_NAME:
		return check_schema_by_name(check, value);
	case TYPE:
		return check_type(check, value);
	case NAMES:
		return check_names(check, value);
	case VALUES:
		return (is_array(value) && !is_empty(value)) ||
		       refuse(check, "must be an array of at least one value");
	case TEXT:
		return is_text(value) || refuse(check, "must be a text");
	case NUMBER:
		return is_number(value) || refuse(check, "must be a number");
	case LENGTH:
		return is_length(value) || refuse(check, "must be a whole number from 0");
	case TRUTH:
		break;
	}
	return is_truth(value) || refuse(check, "must be true or false");
}

static bool
check_member(struct check *check, struct text name, struct text value)
{
	for (size_t i = 0; i < COUNT(keywords); i++) {
		size_t before;

		if (!json_parts_is(name, keywords[i].name))
			continue;
		before = enter(check, name);
		if (!check_keyword(check, keywords[i].form, value))
			return false;
		leave(check, before);
	}
	return true;
}

static bool
check_members(struct check *check, struct text object)
{
	struct text name, value;

	while (json_parts_member(&object, &name, &value))
		if (!check_member(check, name, value))
			return false;
	return true;
}

static bool
check_schema(struct check *check, struct text value)
{
	bool good;

	if (is_truth(value))
		return true;
	if (value.at[0] != '{')
		return refuse(check, "must be a schema: an object, or true or false");
	if (check->depth == JSON_SCHEMA_DEPTH_MAX)
		return refuse(check, "is too deep: at most 10 schemas may be inside one another");
	check->depth++;
	good = check_members(check, value);
	check->depth--;
	return good;
}

/* What a tool is given is an object. */
static bool
check_whole(struct check *check, struct text object)
{
	struct text name, value;

	while (json_parts_member(&object, &name, &value)) {
		if (!json_parts_is(name, "type"))
			continue;
		if (is_text(value) && json_parts_is(inside(value), "object"))
			continue;
		(void)enter(check, name);
		return refuse(check, "must be object, for so are a tool's parameters");
	}
	return true;
}

bool
json_schema_check(struct text object, struct json_schema_trouble *ret)
{
	struct check check = { .trouble = ret };

	*ret = (struct json_schema_trouble){ 0 };
	object = json_parts_value(object);
	return check_schema(&check, object) && check_whole(&check, object);
}
