/* The tables of what a resource's routes take, made of the resource's at first use. */
#include <pthread.h>

#include "app/rest_private.h"

#define OBJECT offsetof(struct rest_input, object)

enum taking { ADDED, CHANGED, LISTED, COUNTED, TAKINGS };

#define LISTED_MORE 3 /* fields of a list behind those of the resource */
static const struct json_field listed[LISTED_MORE] = {
	PAGE_FIELDS(struct rest_input, page),
	{ .name = "deleted",
	    .type = JSON_BOOL,
	    .offset = offsetof(struct rest_input, deleted),
	    .given = JSON_ALWAYS,
	    .about = "The deleted ones instead of the living." },
};

/* One for each resource, in their order. All of it lives as long as the process. */
static struct route_fields (*tables)[TAKINGS];
static struct arena *arena;

static const char *
join(const char *about, const char *absent)
{
	return about == NULL ? absent : arena_printf(arena, "%s %s", about, absent);
}

/* No row has a value beyond the limits: a filter by one finds nothing, and is no mistake. */
static void
widen(struct json_field *field)
{
	if (field->type == JSON_TEXT) {
		field->min = 0;
		field->max = REQUEST_URI_MAX;
	} else if (field->type == JSON_INT || field->type == JSON_CENTS) {
		field->min = -INT64_MAX;
		field->max = INT64_MAX;
	}
}

static struct json_field
derive(const struct resource_field *from, size_t i, enum taking taking)
{
	struct json_field field = from->json;

	field.offset += OBJECT;
	field.given = offsetof(struct rest_input, given) + i;
	field.required = field.required && (taking == ADDED || from->group != NULL);
	/* Half of a pair that is not there yet may be null: it is as if not given. */
	if (from->use & RESOURCE_CLEAR && from->group == NULL && taking != LISTED &&
	    (taking != ADDED || !field.with))
		field.nulled = offsetof(struct rest_input, nulled) + i;
	if (taking == LISTED)
		widen(&field);
	if (from->absent != NULL && taking == ADDED)
		field.about = join(field.about, from->absent);
	return field;
}

/* The group that begins with this field. */
static struct json_field
derive_group(const struct resource *resource, size_t first, enum taking taking)
{
	const struct resource_field *from = &resource->fields[first];
	size_t count = resource_group_size(resource, first);
	struct json_field *inside = arena_array(arena, count, sizeof *inside);

	for (size_t i = 0; i < count; i++)
		inside[i] = derive(&from[i], first + i, taking);
	return (struct json_field){ .name = from->group->name,
		.type = JSON_GROUP,
		.nulled =
		    from->use & RESOURCE_CLEAR ? offsetof(struct rest_input, nulled) + first : 0,
		.inside = inside,
		.inside_count = count,
		.about = from->group->about };
}

/* What a count may be divided by: "by" with the names of those fields. */
static struct json_field
make_by(const struct resource *resource)
{
	const char **names = arena_array(arena, resource->count + 1, sizeof *names);
	size_t count = 0;

	for (size_t i = 0; i < resource->count; i++)
		if (resource_counts(&resource->fields[i]))
			names[count++] = resource->fields[i].json.name;
	return (struct json_field){ .name = "by",
		.type = JSON_CHOICE,
		.offset = offsetof(struct rest_input, by),
		.given = offsetof(struct rest_input, has_by),
		.choices = names };
}

static struct route_fields
make(const struct resource *resource, enum taking taking)
{
	static const unsigned uses[TAKINGS] = { RESOURCE_ADD, RESOURCE_CHANGE, RESOURCE_FILTER, 0 };
	struct json_field *fields =
	    arena_array(arena, resource->count + LISTED_MORE, sizeof *fields);
	size_t count = 0, more = resource->soft && !resource->final ? LISTED_MORE : LISTED_MORE - 1;

	for (size_t i = 0; i < resource->count; i += resource_group_size(resource, i)) {
		const struct resource_field *field = &resource->fields[i];

		if (field->use & uses[taking] && !(field->use & RESOURCE_PARENT))
			fields[count++] = field->group != NULL ? derive_group(resource, i, taking)
							       : derive(field, i, taking);
	}
	for (size_t i = 0; taking == LISTED && i < more; i++)
		fields[count++] = listed[i];
	if (taking == COUNTED)
		fields[count++] = make_by(resource);
	return (struct route_fields){ fields, count };
}

static void
make_all(void)
{
	size_t count = 0;

	while (resources[count] != NULL)
		count++;
	arena = arena_new();
	tables = arena_array(arena, count, sizeof *tables);
	for (size_t i = 0; i < count; i++)
		for (int taking = 0; taking < TAKINGS; taking++)
			tables[i][taking] = make(resources[i], (enum taking)taking);
}

static struct route_fields
find(const struct resource *resource, enum taking taking)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	size_t i = 0;

	(void)pthread_once(&once, make_all);
	while (resources[i] != resource)
		i++;
	return tables[i][taking];
}

struct route_fields
rest_query(const struct route *route)
{
	if (route->handle == rest_list)
		return find(route->resource, LISTED);
	if (route->handle == rest_count)
		return find(route->resource, COUNTED);
	return (struct route_fields){ 0 };
}

struct route_fields
rest_body(const struct route *route)
{
	if (route->handle == rest_add)
		return find(route->resource, ADDED);
	if (route->handle == rest_change)
		return find(route->resource, CHANGED);
	return (struct route_fields){ 0 };
}
