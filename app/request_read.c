#include <string.h>

#include "app/request.h"
#include "app/router.h"
#include "app/url.h"

#define NAME_SHOWN_MAX 80

bool
request_read_body(const struct request *req, void *ret)
{
	struct route_fields body = route_body(req->route);

	if (strcmp(req->content_type, "application/json") != 0)
		return task_fail(
		    req->task, ERR_MEDIA_TYPE, "The body must be sent as application/json.");
	return json_read(req->task, req->body, body.at, body.count, ret);
}

static const struct json_field *
find_field(struct route_fields query, struct text name)
{
	for (size_t i = 0; i < query.count; i++) {
		const struct json_field *field = &query.at[i];

		if (strlen(field->name) == name.len && memcmp(field->name, name.at, name.len) == 0)
			return field;
	}
	return NULL;
}

/* One name=value. given: which fields of the table were there before. */
static bool
read_pair(const struct request *req, struct text pair, bool *given, void *ret)
{
	struct route_fields query = route_query(req->route);
	struct task *task = req->task;
	struct text name = url_cut(&pair, '='), value = pair;

	if (!url_decode(task->arena, name, URL_QUERY, &name) ||
	    !url_decode(task->arena, value, URL_QUERY, &value))
		return task_fail(
		    task, ERR_SYNTAX, "The query holds a broken escape or is not UTF-8.");
	const struct json_field *field = find_field(query, name);
	if (field == NULL)
		return task_fail_field(task, name.len <= NAME_SHOWN_MAX ? name.at : "...",
		    "is not a parameter of this call");
	size_t i = (size_t)(field - query.at);
	if (given[i])
		return task_fail_field(task, field->name, "is given more than once");
	given[i] = true;
	return json_read_value(task, field, value, ret);
}

bool
request_read_query(const struct request *req, void *ret)
{
	struct route_fields query = route_query(req->route);
	struct task *task = req->task;
	bool *given = arena_array(task->arena, query.count, sizeof(*given));
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
		if (query.at[i].required && !given[i])
			good = task_fail_field(task, query.at[i].name, "is required");
	return good;
}
