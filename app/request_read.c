#include <string.h>

#include "app/request.h"
#include "app/router.h"
#include "app/url.h"

#define NAME_SHOWN_MAX 80

bool
request_read_body(const struct request *req, void *ret)
{
	struct route_fields body = router_body(req->route);

	if (strcmp(req->content_type, "application/json") != 0)
		return task_fail(
		    req->task, ERR_MEDIA_TYPE, "The body must be sent as application/json.");
	return json_read(req->task, req->body, body.at, body.count, ret);
}

/* What was given of a parameter. */
struct given {
	bool any;
	struct buf list; /* of one that is a list: its values with commas between */
};

static bool
is_named(const struct json_field *field, struct text name)
{
	size_t len = strlen(field->name);

	if (name.len < len || memcmp(field->name, name.at, len) != 0)
		return false;
	return name.len == len || (field->type == JSON_TEXTS && name.len == len + 2 &&
				      memcmp(name.at + len, "[]", 2) == 0);
}

static const struct json_field *
find_field(const struct route_fields *query, struct text name)
{
	const struct json_field *end = query->at + query->count;

	for (const struct json_field *field = query->at; field < end; field++)
		if (is_named(field, name))
			return field;
	return NULL;
}

/* A list may come in parts: name=a&name=b, name[]=a&name[]=b and name=a,b are the same. */
static void
add_part(struct task *task, struct given *given, struct text value)
{
	given->list.arena = task->arena;
	if (given->any)
		buf_putc(&given->list, ',');
	buf_add(&given->list, value.at, value.len);
	given->any = true;
}

/* One name=value. given: of each field of the table. */
static bool
read_pair(const struct request *req, struct text pair, struct given *given, void *ret)
{
	struct route_fields query = router_query(req->route);
	struct task *task = req->task;
	struct text name = url_cut(&pair, '='), value = pair;

	if (!url_decode(task->arena, name, URL_QUERY, &name) ||
	    !url_decode(task->arena, value, URL_QUERY, &value))
		return task_fail(
		    task, ERR_SYNTAX, "The query holds a broken escape or is not UTF-8.");
	const struct json_field *field = find_field(&query, name);
	if (field == NULL)
		return task_fail_field(task, name.len <= NAME_SHOWN_MAX ? name.at : "...",
		    "is not a parameter of this call");
	given += field - query.at;
	if (field->type == JSON_TEXTS) {
		add_part(task, given, value);
		return true;
	}
	if (given->any)
		return task_fail_field(task, field->name, "is given more than once");
	given->any = true;
	return json_read_value(task, field, value, ret);
}

/* What can only be told at the end. */
static bool
finish_field(
    struct task *task, const struct json_field *field, const struct given *given, void *ret)
{
	if (!given->any)
		return !field->required || task_fail_field(task, field->name, "is required");
	return field->type != JSON_TEXTS ||
	       json_read_value(task, field, buf_text(&given->list), ret);
}

bool
request_read_query(const struct request *req, void *ret)
{
	struct route_fields query = router_query(req->route);
	struct task *task = req->task;
	struct given *given = arena_array(task->arena, query.count, sizeof(*given));
	struct text rest = req->query;
	bool good = true;

	while (rest.at != NULL) {
		struct text pair = url_cut(&rest, '&');

		if (pair.len > 0 && !read_pair(req, pair, given, ret))
			good = false;
		if (task->err.code == ERR_SYNTAX)
			return false;
	}
	for (size_t i = 0; i < query.count; i++)
		good &= finish_field(task, &query.at[i], &given[i], ret);
	return good;
}
