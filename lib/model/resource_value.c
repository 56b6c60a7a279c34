/* One value of a resource's field: as a parameter, and from a row. */
#include "lib/model/resource_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sealed.h"

/* The types that a resource may have; a table with another is a mistake of ours. */
size_t
resource_value_size(const struct resource_field *field)
{
	static const size_t sizes[JSON_OBJECT + 1] = {
		[JSON_TEXT] = sizeof(const char *),
		[JSON_INT] = sizeof(int64_t),
		[JSON_CENTS] = sizeof(int64_t),
		[JSON_RATE] = sizeof(int64_t),
		[JSON_MILLIONTHS] = sizeof(int64_t),
		[JSON_TIME] = sizeof(int64_t),
		[JSON_BOOL] = sizeof(bool),
		[JSON_CHOICE] = sizeof(int),
		[JSON_ID] = sizeof(struct id),
		[JSON_TEXTS] = sizeof(struct json_texts),
		[JSON_INTS] = sizeof(struct json_ints),
		[JSON_OBJECT] = sizeof(struct text),
	};

	if (sizes[field->json.type] == 0)
		abort();
	return sizes[field->json.type];
}

union resource_value
resource_load(const struct resource_field *field, const void *object)
{
	union resource_value value = { 0 };

	memcpy(&value, (const char *)object + field->json.offset, resource_value_size(field));
	return value;
}

static void
store(const struct resource_field *field, union resource_value value, void *object)
{
	memcpy((char *)object + field->json.offset, &value, resource_value_size(field));
}

static bool
is_number(const struct resource_field *field)
{
	return field->json.type == JSON_INT || field->json.type == JSON_CENTS ||
	       field->json.type == JSON_RATE || field->json.type == JSON_MILLIONTHS;
}

static union resource_value
nothing(const struct resource_field *field)
{
	union resource_value value = { 0 };

	if (is_number(field))
		value.number = field->none != NULL ? *field->none : RESOURCE_NONE;
	if (field->json.type == JSON_CHOICE)
		while (field->json.choices[value.choice] != NULL)
			value.choice++;
	return value;
}

void
resource_clear(const struct resource_field *field, void *object)
{
	store(field, nothing(field), object);
}

static bool
is_nothing(const struct resource_field *field, union resource_value value)
{
	switch ((int)field->json.type) {
	case JSON_TEXT:
		return value.text == NULL;
	case JSON_INT:
	case JSON_CENTS:
	case JSON_RATE:
	case JSON_MILLIONTHS:
		return value.number == nothing(field).number;
	case JSON_TIME:
		return value.number == 0;
	case JSON_CHOICE:
		return field->json.choices[value.choice] == NULL;
	case JSON_ID:
		return id_is_nil(value.id);
	case JSON_TEXTS:
		return value.texts.at == NULL;
	case JSON_OBJECT:
		return value.object.at == NULL;
	default:
		return false;
	}
}

bool
resource_is_absent(const struct resource_field *field, const void *object)
{
	return is_nothing(field, resource_load(field, object));
}

static void
add_ints(struct db_params *params, struct json_ints ints)
{
	struct db_array *array = db_add_array(params, DB_ARRAY_INT);

	for (size_t i = 0; i < ints.count; i++)
		db_array_int(array, ints.at[i]);
}

static struct sealed_place
place_of(struct task *task, const struct resource *resource, const struct resource_field *field)
{
	return (struct sealed_place){
		.name = arena_printf(task->arena, "%s.%s", resource->table, field->json.name),
		.client = task->client,
	};
}

static void
add_object(struct task *task, const struct resource *resource, struct db_params *params,
    const struct resource_field *field, struct text object)
{
	const struct sealed_place place = place_of(task, resource, field);
	struct text sealed = { 0 };

	if (!(field->use & RESOURCE_SEALED))
		db_add_text_n(params, object);
	else if (sealed_close(task, &place, object, &sealed))
		db_add_bytes(params, sealed);
}

void
resource_bind(struct task *task, const struct resource *resource, struct db_params *params,
    const struct resource_field *field, const void *object)
{
	union resource_value value = resource_load(field, object);

	if (is_nothing(field, value)) {
		db_add_null(params);
		return;
	}
	switch ((int)field->json.type) {
	case JSON_TEXT:
		db_add_text(params, value.text);
		break;
	case JSON_INT:
	case JSON_CENTS:
	case JSON_RATE:
	case JSON_MILLIONTHS:
		db_add_int(params, value.number);
		break;
	case JSON_TIME:
		db_add_time(params, value.number);
		break;
	case JSON_BOOL:
		db_add_bool(params, value.truth);
		break;
	case JSON_CHOICE:
		db_add_text(params, field->json.choices[value.choice]);
		break;
	case JSON_ID:
		db_add_id(params, value.id);
		break;
	case JSON_TEXTS:
		db_add_texts(params, value.texts.at, value.texts.count);
		break;
	case JSON_INTS:
		add_ints(params, value.ints);
		break;
	case JSON_OBJECT:
		add_object(task, resource, params, field, value.object);
		break;
	}
}

int
resource_choice(const struct resource_field *field, const char *name)
{
	int choice = 0;

	while (strcmp(field->json.choices[choice], name) != 0) {
		choice++;
		assert(field->json.choices[choice] != NULL);
	}
	return choice;
}

static struct text
take_object(struct task *task, const struct resource *resource, const struct resource_field *field,
    struct text kept)
{
	const struct sealed_place place = place_of(task, resource, field);
	struct text object = { 0 };

	if (!(field->use & RESOURCE_SEALED))
		return kept;
	return sealed_open(task, &place, kept, &object) ? object : (struct text){ 0 };
}

void
resource_take(struct task *task, const struct resource *resource, const struct db_rows *rows,
    int row, int column, const struct resource_field *field, void *object)
{
	union resource_value value = nothing(field);

	if (db_null(rows, row, column)) {
		store(field, value, object);
		return;
	}
	switch ((int)field->json.type) {
	case JSON_TEXT:
		value.text = db_text(rows, row, column);
		break;
	case JSON_INT:
	case JSON_CENTS:
	case JSON_RATE:
	case JSON_MILLIONTHS:
		value.number = db_int(rows, row, column);
		break;
	case JSON_TIME:
		value.number = db_time(rows, row, column);
		break;
	case JSON_BOOL:
		value.truth = db_bool(rows, row, column);
		break;
	case JSON_CHOICE:
		value.choice = resource_choice(field, db_text(rows, row, column));
		break;
	case JSON_ID:
		value.id = db_id(rows, row, column);
		break;
	case JSON_TEXTS:
		db_texts(rows, row, column, task, &value.texts);
		break;
	case JSON_INTS:
		db_ints(rows, row, column, task, &value.ints);
		break;
	case JSON_OBJECT:
		value.object = take_object(task, resource, field, db_bytes(rows, row, column));
		break;
	}
	store(field, value, object);
}
