/* An object of a resource as JSON. */
#include "lib/model/resource_private.h"

void
resource_show(struct json_out *out, const struct resource_field *field, const void *object)
{
	union resource_value value = resource_load(field, object);
	const char *name = field->json.name;

	if (resource_is_absent(field, object)) {
		json_null(out, name);
		return;
	}
	switch ((int)field->json.type) {
	case JSON_TEXT:
		json_text(out, name, value.text);
		break;
	case JSON_INT:
		json_int(out, name, value.number);
		break;
	case JSON_CENTS:
		json_cents(out, name, value.number);
		break;
	case JSON_RATE:
		json_rate(out, name, value.number);
		break;
	case JSON_MILLIONTHS:
		json_millionths(out, name, value.number);
		break;
	case JSON_TIME:
		json_time(out, name, value.number);
		break;
	case JSON_BOOL:
		json_bool(out, name, value.truth);
		break;
	case JSON_CHOICE:
		json_text(out, name, field->json.choices[value.choice]);
		break;
	case JSON_ID:
		json_id(out, name, value.id);
		break;
	case JSON_TEXTS:
		json_texts(out, name, value.texts);
		break;
	case JSON_INTS:
		json_ints(out, name, value.ints);
		break;
	case JSON_OBJECT:
		json_raw(out, name, value.object);
		break;
	}
}

static bool
has_any(const struct resource_field *fields, size_t count, const void *object)
{
	for (size_t i = 0; i < count; i++)
		if (!resource_is_absent(&fields[i], object))
			return true;
	return false;
}

static void
write_group(
    struct json_out *out, const struct resource_field *fields, size_t count, const void *object)
{
	const struct resource_group *group = fields->group;

	if (!group->sparse && !has_any(fields, count, object)) {
		json_null(out, group->name);
		return;
	}
	json_open_at(out, group->name);
	for (size_t i = 0; i < count; i++)
		if (!group->sparse || !resource_is_absent(&fields[i], object))
			resource_show(out, &fields[i], object);
	json_close(out);
}

size_t
resource_group_size(const struct resource *resource, size_t first)
{
	const struct resource_group *group = resource->fields[first].group;
	size_t count = 1;

	while (first + count < resource->count && group != NULL &&
	       resource->fields[first + count].group == group)
		count++;
	return count;
}

static void
write_fields(
    struct json_out *out, const struct resource *resource, const void *object, unsigned without)
{
	size_t count;

	for (size_t i = 0; i < resource->count; i += count) {
		const struct resource_field *field = &resource->fields[i];

		count = resource_group_size(resource, i);
		if (field->use & without)
			continue;
		if (field->group != NULL)
			write_group(out, field, count, object);
		else
			resource_show(out, field, object);
	}
}

void
resource_write_members(
    struct json_out *out, const struct resource *resource, const void *object, unsigned without)
{
	const struct resource_head *head = object;

	json_id(out, "id", head->id);
	write_fields(out, resource, object, without);
	json_time(out, "created_at", head->created_at);
	json_time(out, "updated_at", head->updated_at);
	if (resource->soft && !resource->final && head->deleted_at != 0)
		json_time(out, "deleted_at", head->deleted_at);
	else if (resource->soft && !resource->final)
		json_null(out, "deleted_at");
	if (resource->write != NULL)
		resource->write(out, object);
}

void
resource_write(
    struct json_out *out, const struct resource *resource, const void *object, bool added)
{
	unsigned without = RESOURCE_SECRET | RESOURCE_UNSHOWN;

	json_open(out);
	resource_write_members(
	    out, resource, object, without | (added ? 0 : (unsigned)RESOURCE_ONCE));
	json_close(out);
}

void
resource_write_version(struct json_out *out, const struct resource *resource, const void *object)
{
	json_open(out);
	resource_write_members(out, resource, object,
	    RESOURCE_SECRET | RESOURCE_UNSHOWN | RESOURCE_ONCE | RESOURCE_COUNTED |
		RESOURCE_DERIVED);
	json_close(out);
}
