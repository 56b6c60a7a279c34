/* The rows of the API: each is complete, none hides another. */
#include "tests/test.h"

#include <ctype.h>
#include <string.h>

#include "app/router.h"

static void
test_rows_are_complete(void **state)
{
	(void)state;
	for (size_t i = 0; route_at(i) != NULL; i++) {
		const struct route *route = route_at(i);

		if (route->handle == NULL || route->summary == NULL || route->status < 200 ||
		    route->status > 299)
			fail_msg("%s %s lacks something", route->method, route->path);
		if ((route->query == NULL) != (route->query_count == 0) ||
		    (route->body == NULL) != (route->body_count == 0))
			fail_msg("%s %s: a table and its size", route->method, route->path);
	}
}

static bool
has_form(const char *path)
{
	size_t params = 0;

	if (path[0] != '/' || path[strlen(path) - 1] == '/')
		return false;
	for (const char *c = path; *c != '\0'; c++) {
		if (*c == '{') {
			size_t name = strspn(c + 1, "abcdefghijklmnopqrstuvwxyz_");

			if (c[-1] != '/' || name == 0 || c[name + 1] != '}' ||
			    (c[name + 2] != '/' && c[name + 2] != '\0'))
				return false;
			params++;
			c += name + 1;
		} else if (!islower(*c) && !isdigit(*c) && strchr("/-._", *c) == NULL) {
			return false;
		}
	}
	return params <= REQUEST_PARAMS_MAX;
}

static void
test_paths_have_their_form(void **state)
{
	(void)state;
	for (size_t i = 0; route_at(i) != NULL; i++)
		if (!has_form(route_at(i)->path))
			fail_msg("%s", route_at(i)->path);
}

/* {id} and {date} at the same place are the same to the router. */
static bool
same_path(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		if (*a == '{') {
			a = strchr(a, '}');
			b = strchr(b, '}');
		}
		a++;
		b++;
	}
	return *a == *b;
}

static void
test_no_row_is_there_twice(void **state)
{
	(void)state;
	for (size_t i = 0; route_at(i) != NULL; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(route_at(i)->method, route_at(j)->method) == 0 &&
			    same_path(route_at(i)->path, route_at(j)->path))
				fail_msg("%s %s", route_at(i)->method, route_at(i)->path);
}

static void
test_keys_are_asked_for(void **state)
{
	static const char *const open[] = { "/healthz", "/readyz", "/metrics", "/v1/openapi.json" };

	(void)state;
	for (size_t i = 0; route_at(i) != NULL; i++) {
		bool known = false;

		for (size_t j = 0; j < COUNT(open); j++)
			known = known || strcmp(route_at(i)->path, open[j]) == 0;
		if ((route_at(i)->scope == SCOPE_NONE) != known)
			fail_msg("%s", route_at(i)->path);
	}
}

static void
test_each_row_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; route_at(i) != NULL; i++) {
		struct arena *arena = arena_new();
		struct task task;
		struct request req = { .task = &task, .method = route_at(i)->method };

		task_init(&task, arena);
		/* The pattern itself is a path of its form. */
		req.path = route_at(i)->path;
		if (!router_find(&req) || req.route != route_at(i))
			fail_msg("%s %s", route_at(i)->method, route_at(i)->path);
		arena_free(arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_complete),
		cmocka_unit_test(test_paths_have_their_form),
		cmocka_unit_test(test_no_row_is_there_twice),
		cmocka_unit_test(test_keys_are_asked_for),
		cmocka_unit_test(test_each_row_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
