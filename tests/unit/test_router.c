/* The router over a table of its own: which row a path and a method find. */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "app/router.h"

static const struct route rows[] = {
	{ .method = "GET", .path = "/healthz" },
	{ .method = "GET", .path = "/v1/users" },
	{ .method = "POST", .path = "/v1/users" },
	{ .method = "GET", .path = "/v1/users/{id}" },
	{ .method = "PATCH", .path = "/v1/users/{id}" },
	{ .method = "GET", .path = "/v1/users/count" },
	{ .method = "GET", .path = "/v1/users/{id}/logs/{log}" },
	{ .method = "GET", .path = "/v1/users/count/logs/{log}" },
	{ .method = "GET", .path = "/v1/users/{id}/logs/last" },
	{ .method = "GET", .path = "/v1/users/count/logs/last" },
};

const struct route *
route_at(size_t i)
{
	return i < COUNT(rows) ? &rows[i] : NULL;
}

static const struct find {
	const char *sentence;
	const char *method;
	const char *path;
	enum err_code code;
	const char *found; /* path of the row */
	const char *params; /* with a bar behind each */
	const char *allow;
} finds[] = {
	{ "a literal path", "GET", "/v1/users", ERR_NONE, "/v1/users", "", NULL },
	{ "HEAD is GET", "HEAD", "/v1/users", ERR_NONE, "/v1/users", "", NULL },
	{ "a parameter", "GET", "/v1/users/7", ERR_NONE, "/v1/users/{id}", "7|", NULL },
	{ "a literal beats a parameter", "GET", "/v1/users/count", ERR_NONE, "/v1/users/count", "",
	    NULL },
	{ "a pattern's own text", "GET", "/v1/users/{id}", ERR_NONE, "/v1/users/{id}", "{id}|",
	    NULL },
	{ "a longer word than the literal", "GET", "/v1/users/counts", ERR_NONE, "/v1/users/{id}",
	    "counts|", NULL },
	{ "the literal's path has not this method", "PATCH", "/v1/users/count", ERR_NONE,
	    "/v1/users/{id}", "count|", NULL },
	{ "two parameters", "GET", "/v1/users/a/logs/b", ERR_NONE, "/v1/users/{id}/logs/{log}",
	    "a|b|", NULL },
	{ "the earlier literal beats the later one", "GET", "/v1/users/count/logs/b", ERR_NONE,
	    "/v1/users/count/logs/{log}", "b|", NULL },
	{ "the later literal", "GET", "/v1/users/a/logs/last", ERR_NONE, "/v1/users/{id}/logs/last",
	    "a|", NULL },
	{ "both literals", "GET", "/v1/users/count/logs/last", ERR_NONE,
	    "/v1/users/count/logs/last", "", NULL },
	{ "no such path", "GET", "/v1/things", ERR_NOT_FOUND, NULL, NULL, NULL },
	{ "nothing", "GET", "", ERR_NOT_FOUND, NULL, NULL, NULL },
	{ "the root", "GET", "/", ERR_NOT_FOUND, NULL, NULL, NULL },
	{ "half a path", "GET", "/v1/user", ERR_NOT_FOUND, NULL, NULL, NULL },
	{ "a slash at the end", "GET", "/v1/users/", ERR_NOT_FOUND, NULL, NULL, NULL },
	{ "an empty parameter", "GET", "/v1/users//logs/b", ERR_NOT_FOUND, NULL, NULL, NULL },
	{ "two slashes at the start", "GET", "//healthz", ERR_NOT_FOUND, NULL, NULL, NULL },
	{ "a path that goes on", "GET", "/v1/users/a/b", ERR_NOT_FOUND, NULL, NULL, NULL },
	{ "another method", "DELETE", "/v1/users", ERR_METHOD, NULL, NULL, "GET, HEAD, POST" },
	{ "OPTIONS is another method", "OPTIONS", "/healthz", ERR_METHOD, NULL, NULL, "GET, HEAD" },
	{ "methods have capitals", "get", "/healthz", ERR_METHOD, NULL, NULL, "GET, HEAD" },
	{ "HEAD of a path without GET", "HEAD", "/v1/things", ERR_NOT_FOUND, NULL, NULL, NULL },
	{ "a parameter's path with another method", "PUT", "/v1/users/7", ERR_METHOD, NULL, NULL,
	    "GET, HEAD, PATCH" },
	{ "a path of two rows names a method once", "PUT", "/v1/users/count", ERR_METHOD, NULL,
	    NULL, "GET, HEAD, PATCH" },
};

static void
join_params(const struct request *req, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < REQUEST_PARAMS_MAX && strstr(req->route->path, "{") != NULL; i++) {
		if (req->params[i].at == NULL)
			break;
		len += (size_t)snprintf(
		    out + len, size - len, "%.*s|", (int)req->params[i].len, req->params[i].at);
	}
}

static void
check(const struct find *row)
{
	struct arena *arena = arena_new();
	struct task task;
	struct request req = { .task = &task, .method = row->method, .path = row->path };
	char params[64];

	task_init(&task, arena);
	req.reply.body.arena = arena;
	bool found = router_find(&req);
	if (found != (row->code == ERR_NONE) || task.err.code != row->code)
		fail_msg("%s: code %s", row->sentence, err_name(task.err.code));
	if (found && strcmp(req.route->path, row->found) != 0)
		fail_msg("%s: found %s", row->sentence, req.route->path);
	if (found) {
		join_params(&req, params, sizeof(params));
		if (strcmp(params, row->params) != 0)
			fail_msg("%s: parameters %s", row->sentence, params);
	}
	const char *allow = req.reply.header_count > 0 ? req.reply.headers[0].value : "";
	if (strcmp(allow, row->allow != NULL ? row->allow : "") != 0)
		fail_msg("%s: Allow: %s", row->sentence, allow);
	arena_free(arena);
}

static void
test_find(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(finds); i++)
		check(&finds[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_find) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
