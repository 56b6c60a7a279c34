#include "app/rest.h"

#include <string.h>

#include "app/etag.h"
#include "app/rest_private.h"

#define REST_CHOICES_MAX 32 /* of a field that is counted by */

static struct rest_input *
new_input(struct request *req)
{
	return arena_alloc(
	    req->task->arena, sizeof(struct rest_input) + req->route->resource->size);
}

static const char *
tag_of(struct arena *arena, const struct resource *resource, const void *object)
{
	struct buf buf = { .arena = arena };

	resource_write_version(json_out_new(&buf), resource, object);
	return etag_of_text(arena, buf_text(&buf));
}

bool
rest_reply(struct reply *reply, int status, const struct resource *resource, const void *object,
    bool added)
{
	resource_write(json_out_new(&reply->body), resource, object, added);
	etag_set(reply, tag_of(reply->body.arena, resource, object));
	return reply_done(reply, status, "application/json");
}

/* The field that the path names before the object's id; NULL: none. */
static const struct resource_field *
parent_field(const struct resource *resource)
{
	const struct resource_field *field = resource->fields;

	if (resource->parent == NULL)
		return NULL;
	while (!(field->use & RESOURCE_PARENT))
		field++;
	return field;
}

/* Whose rows they are: the path's first id, at its place in the object. */
static bool
enter_parent(struct request *req, void *object)
{
	const struct resource *resource = req->route->resource;
	const struct resource_field *field = parent_field(resource);
	struct id id;

	if (field == NULL)
		return true;
	if (!request_id_param(req, 0, &id) || !resource_find(req->task, resource->parent, id,
						  resource_new(req->task, resource->parent)))
		return false;
	memcpy((char *)object + field->json.offset, &id, sizeof id);
	return true;
}

bool
rest_id(const struct request *req, struct id *ret)
{
	return request_id_param(req, req->route->resource->parent == NULL ? 0 : 1, ret);
}

bool
rest_of_path(const struct request *req, const void *object)
{
	const struct resource_field *field = parent_field(req->route->resource);
	struct id id;

	if (field == NULL)
		return true;
	return request_id_param(req, 0, &id) &&
	       (memcmp((const char *)object + field->json.offset, &id, sizeof id) == 0 ||
		   task_fail(req->task, ERR_NOT_FOUND, "There is nothing with this id."));
}

/* What the request gives of the object, from the route. */
static void
apply(struct request *req, const struct rest_input *input, void *object)
{
	resource_apply(req->route->resource, input->given, input->nulled, input->object, object);
	if (req->route->fill != NULL)
		req->route->fill(req, object);
}

bool
rest_add(struct request *req, struct reply *reply)
{
	const struct resource *resource = req->route->resource;
	struct rest_input *input = new_input(req);
	void *object = resource_new(req->task, resource);

	if (!request_read_body(req, input) || !enter_parent(req, object))
		return false;
	apply(req, input, object);
	if (!resource_add(req->task, resource, object))
		return false;
	req->committed = req->route->changed;
	return rest_reply(reply, 201, resource, object, true);
}

/* Which of the filters are given, in their order. */
static unsigned
filters_of(const struct resource *resource, const struct rest_input *input)
{
	unsigned given = 0, bit = 1;

	for (size_t i = 0; i < resource->count; i++) {
		if (!(resource->fields[i].use & RESOURCE_FILTER))
			continue;
		if (input->given[i] || resource->fields[i].use & RESOURCE_PARENT)
			given |= bit;
		bit <<= 1;
	}
	return given;
}

bool
rest_list(struct request *req, struct reply *reply)
{
	const struct resource *resource = req->route->resource;
	struct rest_input *input = new_input(req);
	struct resource_filter filter;
	struct json_out *out;
	void *objects;
	const char *at;
	size_t count, shown;

	if (!request_read_query(req, input) || !enter_parent(req, input->object))
		return false;
	filter = (struct resource_filter){ .values = input->object,
		.given = filters_of(resource, input),
		.deleted = input->deleted };
	if (!page_read(req->task, &input->page, &filter.limit, &filter.after))
		return false;
	shown = (size_t)filter.limit++;
	if (!resource_list(req->task, resource, &filter, &objects, &count))
		return false;
	if (count < shown)
		shown = count;
	out = page_begin(reply);
	at = objects;
	for (size_t i = 0; i < shown; i++)
		resource_write(out, resource, at + i * resource->size, false);
	return page_end(reply, out, count > shown,
	    shown == 0 ? (struct id){ 0 } : resource_id(at + (shown - 1) * resource->size));
}

/* The i-th of the fields that are counted by. */
static const struct resource_field *
group_of(const struct resource *resource, int i)
{
	const struct resource_field *field = resource->fields;

	while (!resource_counts(field) || i-- > 0)
		field++;
	return field;
}

bool
rest_count(struct request *req, struct reply *reply)
{
	const struct resource *resource = req->route->resource;
	struct rest_input *input = new_input(req);
	struct json_out *out = json_out_new(&reply->body);
	const struct resource_field *by;
	int64_t counts[REST_CHOICES_MAX], sum = 0;

	if (!request_read_query(req, input))
		return false;
	by = group_of(resource, input->by);
	if (!resource_count(req->task, resource, by, counts))
		return false;
	for (int i = 0; by->json.choices[i] != NULL; i++)
		sum += counts[i];
	json_open(out);
	json_int(out, "count", sum);
	if (input->has_by) {
		json_open_at(out, arena_printf(req->task->arena, "by_%s", by->json.name));
		for (int i = 0; by->json.choices[i] != NULL; i++)
			json_int(out, by->json.choices[i], counts[i]);
		json_close(out);
	}
	json_close(out);
	return reply_done(reply, 200, "application/json");
}

bool
rest_find(struct request *req, struct reply *reply)
{
	const struct resource *resource = req->route->resource;
	void *object = resource_new(req->task, resource);
	struct id id;

	if (!rest_id(req, &id) || !resource_find(req->task, resource, id, object) ||
	    !rest_of_path(req, object))
		return false;
	return rest_reply(reply, 200, resource, object, false);
}

/* The object of the path, which nobody else changes until the answer, as the caller knows it. */
static bool
find_to_change(struct request *req, const void *change, void *ret)
{
	struct id id;

	return rest_id(req, &id) &&
	       resource_find_to_change(req->task, req->route->resource, id, change, ret) &&
	       rest_of_path(req, ret) &&
	       etag_check(req, tag_of(req->task->arena, req->route->resource, ret));
}

bool
rest_change(struct request *req, struct reply *reply)
{
	const struct resource *resource = req->route->resource;
	struct rest_input *input = new_input(req);
	void *before = resource_new(req->task, resource);
	void *after = resource_new(req->task, resource);

	if (!request_read_body(req, input) || !find_to_change(req, input->object, before))
		return false;
	memcpy(after, before, resource->size);
	apply(req, input, after);
	if (!resource_change(req->task, resource, "change", before, after))
		return false;
	req->committed = req->route->changed;
	return rest_reply(reply, 200, resource, after, false);
}

bool
rest_remove(struct request *req, struct reply *reply)
{
	const struct resource *resource = req->route->resource;
	void *before = resource_new(req->task, resource);

	if (!find_to_change(req, NULL, before) || !resource_remove(req->task, resource, before))
		return false;
	req->committed = req->route->changed;
	return reply_empty(reply);
}

bool
rest_restore(struct request *req, struct reply *reply)
{
	const struct resource *resource = req->route->resource;
	void *object = resource_new(req->task, resource);
	struct id id;

	if (!rest_id(req, &id) || !resource_restore(req->task, resource, id, object) ||
	    !rest_of_path(req, object))
		return false;
	req->committed = req->route->changed;
	return rest_reply(reply, 200, resource, object, false);
}
