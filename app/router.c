#include "app/router.h"

#include <string.h>

#include "app/auth.h"
#include "app/idempotency.h"
#include "app/rest.h"
#include "app/url.h"

/*
 * Whether the path has the form of the pattern; its parts for {...} go into params. *ret_rank: the
 * smaller, the earlier a literal part took the place of a parameter.
 */
static bool
match(const char *pattern, const char *path, struct text *params, unsigned *ret_rank)
{
	size_t count = 0;
	unsigned rank = 0;

	while (*pattern != '\0' && *path != '\0') {
		if (*pattern != '{') {
			if (*pattern++ != *path)
				return false;
			if (*path++ == '/')
				rank <<= 1;
			continue;
		}
		size_t len = strcspn(path, "/");
		if (len == 0)
			return false;
		params[count++] = (struct text){ path, len };
		rank |= 1;
		path += len;
		pattern += strcspn(pattern, "}") + 1;
	}
	*ret_rank = rank;
	return *pattern == '\0' && *path == '\0';
}

static bool
same_method(const char *route, const char *method)
{
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	return strcmp(route, method) == 0;
}

/* The Allow header: every method that the path has, once though two rows may have it. */
static void
add_allow(struct request *req)
{
	struct text params[REQUEST_PARAMS_MAX];
	struct buf allow = { .arena = req->task->arena };
	const struct route *route;
	unsigned rank;

	for (size_t i = 0; (route = route_at(i)) != NULL; i++) {
		if (!match(route->path, req->path, params, &rank) ||
		    (allow.len > 0 && strstr(allow.at, route->method) != NULL))
			continue;
		buf_printf(&allow, "%s%s%s", allow.len > 0 ? ", " : "", route->method,
		    strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
	}
	reply_header(&req->reply, "Allow", allow.at);
}

/* A path without parameters is the best match for itself; most requests have one. A brace in what
 * was asked for is a letter like any other. */
static const struct route *
find_literal(const char *path, const char *method)
{
	const struct route *route;

	if (strchr(path, '{') != NULL)
		return NULL;
	for (size_t i = 0; (route = route_at(i)) != NULL; i++)
		if (strcmp(route->path, path) == 0 && same_method(route->method, method))
			return route;
	return NULL;
}

bool
router_find(struct request *req)
{
	struct text params[REQUEST_PARAMS_MAX];
	const struct route *route;
	unsigned rank, best = UINT32_MAX;
	bool known = false;

	req->route = find_literal(req->path, req->method);
	if (req->route != NULL)
		return true;
	for (size_t i = 0; (route = route_at(i)) != NULL; i++) {
		if (!match(route->path, req->path, params, &rank))
			continue;
		known = true;
		if (rank >= best || !same_method(route->method, req->method))
			continue;
		best = rank;
		req->route = route;
	}
	if (req->route != NULL)
		return match(req->route->path, req->path, req->params, &rank);
	if (!known)
		return task_fail(req->task, ERR_NOT_FOUND, "There is nothing at this path.");
	add_allow(req);
	return task_fail(req->task, ERR_METHOD, "The path does not have this method.");
}

struct route_fields
router_query(const struct route *route)
{
	return route->resource != NULL ? rest_query(route)
				       : (struct route_fields){ route->query, route->query_count };
}

struct route_fields
router_body(const struct route *route)
{
	return route->resource != NULL ? rest_body(route)
				       : (struct route_fields){ route->body, route->body_count };
}

/* Where nothing is taken, a field would be ignored without a word: it is refused by its name. */
static bool
check_empty(struct request *req)
{
	const struct route *route = req->route;

	return (router_query(route).count > 0 || request_read_query(req, NULL)) &&
	       (router_body(route).count > 0 || route->takes != NULL || req->body.len == 0 ||
		   request_read_body(req, NULL));
}

/* Whether the request may reach its handler. */
static bool
admit(struct request *req)
{
	bool found = router_find(req);

	if (found && req->route->prepare != NULL)
		req->route->prepare(req);
	found = found && (req->route->scope == SCOPE_NONE || auth_check(req, req->route->scope));
	reply_keep_headers(&req->reply);
	return found && request_receive(req) && check_empty(req);
}

/* What was done is committed before anyone hears of it. */
static bool
act(struct request *req)
{
	bool replayed;

	if (!idempotency_begin(req, &replayed))
		return false;
	if (!replayed && (!req->route->handle(req, &req->reply) || !idempotency_end(req)))
		return false;
	if (!db_commit(req->task))
		return false;
	if (req->committed != NULL)
		req->committed(req);
	return true;
}

void
router_handle(struct request *req)
{
	if (!admit(req))
		request_finish(req, false);
	else if (req->route->parks)
		(void)req->route->handle(req, &req->reply);
	else
		request_finish(req, act(req));
}
