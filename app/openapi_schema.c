/* A row of a field table as JSON Schema. */
#include "app/openapi_private.h"

#include "lib/money.h"

#define CENTS_SCALE 7
#define CREDITS_SCALE 9
#define RATE_SCALE 6

static void
write_number_range(struct json_out *out, const struct json_field *field, int scale)
{
	char text[MONEY_TEXT_SIZE];

	json_text(out, "type", "number");
	json_number(out, "minimum", money_format_scaled(field->min, scale, text));
	json_number(out, "maximum", money_format_scaled(field->max, scale, text));
}

void
openapi_write_string(struct json_out *out, const char *format)
{
	json_text(out, "type", "string");
	json_text(out, "format", format);
}

static void
write_choice(struct json_out *out, const struct json_field *field)
{
	json_text(out, "type", "string");
	json_open_array_at(out, "enum");
	for (const char *const *choice = field->choices; *choice; choice++)
		json_text(out, NULL, *choice);
	json_close_array(out);
}

static void
write_texts(struct json_out *out, const struct json_field *field)
{
	json_text(out, "type", "array");
	json_int(out, "minItems", field->min);
	json_int(out, "maxItems", field->max);
	json_open_at(out, "items");
	json_text(out, "type", "string");
	json_int(out, "minLength", 1);
	json_int(out, "maxLength", field->max_item);
	json_close(out);
}

static void
write_ints(struct json_out *out, const struct json_field *field)
{
	json_text(out, "type", "array");
	json_int(out, "minItems", field->min);
	json_int(out, "maxItems", field->max);
	json_open_at(out, "items");
	json_text(out, "type", "integer");
	json_int(out, "minimum", 1);
	json_int(out, "maximum", field->max_item);
	json_close(out);
}

static void
write_reals(struct json_out *out, const struct json_field *field)
{
	json_text(out, "type", "array");
	json_int(out, "minItems", field->min);
	json_int(out, "maxItems", field->max);
	json_open_at(out, "items");
	json_text(out, "type", "number");
	json_text(out, "format", "float");
	json_close(out);
}

static void
write_required(struct json_out *out, const struct json_field *fields, size_t count)
{
	json_open_array_at(out, "required");
	for (size_t i = 0; i < count; i++) {
		if (fields[i].required)
			json_text(out, NULL, fields[i].name);
	}
	json_close_array(out);
}

/* JSON Schema's word for fields that come together. */
static void
write_dependent(struct json_out *out, const struct json_field *fields, size_t count)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		if (!fields[i].with)
			continue;
		if (!any)
			json_open_at(out, "dependentRequired");
		any = true;
		json_open_array_at(out, fields[i].name);
		json_text(out, NULL, fields[i].with);
		json_close_array(out);
	}
	if (any)
		json_close(out);
}

void
openapi_write_fields(struct json_out *out, const struct json_field *fields, size_t count)
{
	json_text(out, "type", "object");
	json_bool(out, "additionalProperties", false);
	write_required(out, fields, count);
	write_dependent(out, fields, count);
	json_open_at(out, "properties");
	for (size_t i = 0; i < count; i++) {
		json_open_at(out, fields[i].name);
		openapi_write_type(out, &fields[i]);
		if (fields[i].about)
			json_text(out, "description", fields[i].about);
		json_close(out);
	}
	json_close(out);
}

void
openapi_write_type(struct json_out *out, const struct json_field *field)
{
	switch (field->type) {
	case JSON_TEXT:
	case JSON_LONG:
		json_text(out, "type", "string");
		json_int(out, "minLength", field->min);
		json_int(out, "maxLength", field->max);
		break;
	case JSON_INT:
		json_text(out, "type", "integer");
		json_text(out, "format", "int64");
		json_int(out, "minimum", field->min);
		json_int(out, "maximum", field->max);
		break;
	case JSON_BOOL:
		json_text(out, "type", "boolean");
		break;
	case JSON_CENTS:
		write_number_range(out, field, CENTS_SCALE);
		break;
	case JSON_CREDITS:
		write_number_range(out, field, CREDITS_SCALE);
		break;
	case JSON_RATE:
	case JSON_MILLIONTHS:
		write_number_range(out, field, RATE_SCALE);
		break;
	case JSON_TIME:
		openapi_write_string(out, "date-time");
		break;
	case JSON_DATE:
		openapi_write_string(out, "date");
		break;
	case JSON_ID:
		openapi_write_string(out, "uuid");
		break;
	case JSON_CHOICE:
		write_choice(out, field);
		break;
	case JSON_TEXTS:
		write_texts(out, field);
		break;
	case JSON_INTS:
		write_ints(out, field);
		break;
	case JSON_REALS:
		write_reals(out, field);
		break;
	case JSON_GROUP:
		openapi_write_fields(out, field->inside, field->inside_count);
		break;
	case JSON_OBJECT:
		json_text(out, "type", "object");
		break;
	}
}
