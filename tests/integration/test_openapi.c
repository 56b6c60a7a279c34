/* The OpenAPI document against the tables it is made from, and the service against the document. */
#include "tests/test.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

#include "app/router.h"
#include "tests/http.h"
#include "tests/servers.h"

#define LINES "Content-Type: application/x-ndjson"
#define PROTOBUF "Content-Type: application/x-protobuf"

static struct servers *servers;
static struct http nobody;
static yajl_val document;

static int
start(UNUSED void **state)
{
	struct http_answer answer;
	char error[200] = "";

	servers = servers_start(SERVER_NGINX);
	nobody = (struct http){ .url = servers_http_url(servers) };
	answer = http_send(&nobody, "GET", "/v1/openapi.json", NULL, NULL);
	document = yajl_tree_parse(answer.body, error, sizeof error);
	if (answer.status != 200 || !document)
		print_error("%ld %s\n", answer.status, error);
	http_free(&answer);
	return document ? 0 : -1;
}

static int
stop(UNUSED void **state)
{
	yajl_tree_free(document);
	servers_stop(servers);
	return 0;
}

/* A member, or NULL. */
static yajl_val
get(yajl_val object, const char *name)
{
	const char *path[] = { name, NULL };

	return object ? yajl_tree_get(object, path, yajl_t_any) : NULL;
}

static const char *
get_text(yajl_val object, const char *name)
{
	yajl_val value = get(object, name);

	return YAJL_IS_STRING(value) ? YAJL_GET_STRING(value) : "(none)";
}

/* How many members or elements a value has. */
static size_t
size_of(yajl_val value)
{
	if (!value)
		return 0;
	if (value->type == yajl_t_array)
		return value->u.array.len;
	return value->type == yajl_t_object ? value->u.object.len : 0;
}

static yajl_val
child(yajl_val value, size_t i)
{
	return value->type == yajl_t_array ? value->u.array.values[i] : value->u.object.values[i];
}

/* The element of an array whose member name is value, or NULL. */
static yajl_val
element(yajl_val array, const char *name, const char *value)
{
	for (size_t i = 0; i < size_of(array); i++) {
		if (strcmp(get_text(child(array, i), name), value) == 0)
			return child(array, i);
	}
	return NULL;
}

static bool
holds(yajl_val array, const char *text)
{
	for (size_t i = 0; i < size_of(array); i++)
		if (strcmp(child(array, i)->u.string, text) == 0)
			return true;
	return false;
}

static yajl_val
operation(const struct route *route)
{
	char method[8] = "";

	for (size_t i = 0; route->method[i] != '\0'; i++)
		method[i] = (char)tolower((unsigned char)route->method[i]);
	return get(get(get(document, "paths"), route->path), method);
}

/* What "#/a/b" names, or NULL. */
static yajl_val
follow(const char *ref)
{
	yajl_val at = document;
	char names[200] = "", *rest = names;

	assert_memory_equal(ref, "#/", 2);
	(void)snprintf(names, sizeof names, "%s", ref + 2);
	while (at && rest)
		at = get(at, strsep(&rest, "/"));
	return at;
}

static void
the_document_is_openapi_3_1(UNUSED void **state)
{
	assert_string_equal(get_text(document, "openapi"), "3.1.0");
	assert_string_equal(get_text(get(document, "info"), "title"), "Tally");
	assert_string_equal(get_text(get(document, "info"), "version"), PACKAGE_VERSION);
	assert_string_equal(
	    get_text(follow("#/components/securitySchemes/key"), "scheme"), "bearer");
}

static void
every_route_is_an_operation(UNUSED void **state)
{
	for (size_t i = 0; route_at(i) != NULL; i++) {
		const struct route *route = route_at(i);
		yajl_val found = operation(route);
		char status[8];

		(void)snprintf(status, sizeof status, "%d", route->status);
		if (strcmp(get_text(found, "summary"), route->summary) != 0 ||
		    !get(get(found, "responses"), status) ||
		    !get(get(found, "responses"), "default") ||
		    (route->gives &&
			!get(get(get(get(found, "responses"), status), "content"), route->gives)))
			fail_msg("%s %s", route->method, route->path);
		if (route->scope == SCOPE_NONE) {
			assert_non_null(get(found, "security"));
			assert_null(get(found, "x-scope"));
		} else {
			assert_string_equal(get_text(found, "x-scope"), scope_names[route->scope]);
			assert_null(get(found, "security"));
		}
	}
}

static void
every_operation_is_a_route_with_an_id_of_its_own(UNUSED void **state)
{
	yajl_val paths = get(document, "paths");
	size_t count = 0;

	for (size_t i = 0; i < size_of(paths); i++)
		count += size_of(child(paths, i));
	for (size_t i = 0; route_at(i) != NULL; i++, count--)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(get_text(operation(route_at(i)), "operationId"),
			    get_text(operation(route_at(j)), "operationId"));
	assert_int_equal(count, 0);
}

static const char *
type_of(const struct json_field *field)
{
	switch ((int)field->type) {
	case JSON_INT:
		return "integer";
	case JSON_BOOL:
		return "boolean";
	case JSON_CENTS:
	case JSON_RATE:
	case JSON_CREDITS:
	case JSON_MILLIONTHS:
		return "number";
	case JSON_TEXTS:
	case JSON_INTS:
	case JSON_REALS:
		return "array";
	case JSON_GROUP:
	case JSON_OBJECT:
		return "object";
	default:
		return "string";
	}
}

static void
assert_limit(yajl_val schema, const char *name, int64_t expected)
{
	yajl_val value = get(schema, name);

	assert_true(YAJL_IS_INTEGER(value));
	assert_int_equal(YAJL_GET_INTEGER(value), expected);
}

static void
assert_schema(const struct json_field *field, yajl_val schema)
{
	if (strcmp(get_text(schema, "type"), type_of(field)) != 0)
		fail_msg("%s is %s", field->name, get_text(schema, "type"));
	if (field->type == JSON_TEXT)
		assert_limit(schema, "maxLength", field->max);
	if (strcmp(type_of(field), "array") == 0)
		assert_limit(schema, "maxItems", field->max);
	if (field->type == JSON_INT) {
		assert_limit(schema, "minimum", field->min);
		assert_limit(schema, "maximum", field->max);
	}
	for (size_t i = 0; field->type == JSON_CHOICE && field->choices[i]; i++)
		assert_true(holds(get(schema, "enum"), field->choices[i]));
	for (size_t i = 0; i < field->inside_count; i++)
		assert_schema(
		    &field->inside[i], get(get(schema, "properties"), field->inside[i].name));
}

static void
assert_in(yajl_val parameters, const char *name, const char *where, bool required)
{
	yajl_val found = element(parameters, "name", name);

	assert_string_equal(get_text(found, "in"), where);
	assert_int_equal(YAJL_IS_TRUE(get(found, "required")), required);
}

static void
every_parameter_is_described(UNUSED void **state)
{
	for (size_t i = 0; route_at(i) != NULL; i++) {
		const struct route *route = route_at(i);
		yajl_val parameters = get(operation(route), "parameters");
		struct route_fields query = router_query(route);
		char name[32];

		for (size_t j = 0; j < query.count; j++) {
			assert_in(parameters, query.at[j].name, "query", query.at[j].required);
			assert_schema(&query.at[j],
			    get(element(parameters, "name", query.at[j].name), "schema"));
		}
		if (route->header)
			assert_in(parameters, route->header, "header", !route->header_optional);
		for (const char *at = route->path; (at = strchr(at, '{')); at++)
			if (sscanf(at, "{%31[^}]", name) == 1)
				assert_in(parameters, name, "path", true);
		assert_int_equal(strcmp(route->method, "POST") == 0,
		    element(parameters, "$ref", "#/components/parameters/idempotency_key") != NULL);
		assert_int_equal(route->if_match,
		    element(parameters, "$ref", "#/components/parameters/if_match") != NULL);
	}
}

static void
events_may_go_on_behind_an_id(UNUSED void **state)
{
	yajl_val found = get(get(follow("#/paths"), "/v1/events"), "get");

	assert_in(get(found, "parameters"), "Last-Event-ID", "header", false);
	found = get(get(get(found, "responses"), "200"), "content");
	assert_non_null(get(found, "text/event-stream"));
}

static void
every_field_of_a_body_is_described(UNUSED void **state)
{
	yajl_val schemas = follow("#/components/schemas");

	for (size_t i = 0; route_at(i) != NULL; i++) {
		yajl_val found = operation(route_at(i));
		yajl_val schema = get(schemas, get_text(found, "operationId"));
		yajl_val with = get(schema, "dependentRequired");
		struct route_fields body = router_body(route_at(i));

		assert_int_equal(body.at != NULL || route_at(i)->takes != NULL,
		    get(found, "requestBody") != NULL);
		for (const char *const *type = route_at(i)->takes; type && *type; type++)
			assert_non_null(get(get(get(found, "requestBody"), "content"), *type));
		for (size_t j = 0; j < body.count; j++) {
			const struct json_field *field = &body.at[j];

			assert_schema(field, get(get(schema, "properties"), field->name));
			assert_true(field->required == holds(get(schema, "required"), field->name));
			assert_true(!field->with || holds(get(with, field->name), field->with));
		}
		assert_int_equal(body.at ? size_of(get(schema, "properties")) : 0, body.count);
	}
}

/* Every {"$ref": ...} below the value names something in the document. */
static void
assert_refs(yajl_val value)
{
	for (size_t i = 0; i < size_of(value); i++)
		assert_refs(child(value, i));
	if (!YAJL_IS_OBJECT(value))
		return;
	if (get(value, "$ref") && !follow(get_text(value, "$ref")))
		fail_msg("%s", get_text(value, "$ref"));
}

static void
every_reference_is_there(UNUSED void **state)
{
	assert_refs(document);
}

/* The path with something of the right form in place of {...}. */
static void
fill_path(const char *path, char *out, size_t size)
{
	FILE *to = fmemopen(out, size, "w");

	for (; *path != '\0'; path += *path == '{' ? strcspn(path, "}") + 1 : 1)
		if (*path != '{')
			fputc(*path, to);
		else if (strncmp(path, "{date}", 6) == 0)
			fputs("2026-01-02", to);
		else
			fputs("0193d7a0-0000-7000-8000-000000000001", to);
	fclose(to);
}

static long
send_as(const char *key, const struct route *route, const char *type, const char *body)
{
	const char *headers[] = { type, NULL };
	char path[300] = "";
	struct http_answer answer;
	long status;

	fill_path(route->path, path, sizeof path);
	answer = http_send(
	    &(struct http){ .url = nobody.url, .key = key }, route->method, path, headers, body);
	status = answer.status;
	http_free(&answer);
	return status;
}

static void
every_operation_with_a_scope_wants_a_key(UNUSED void **state)
{
	for (size_t i = 0; route_at(i) != NULL; i++) {
		const struct route *route = route_at(i);
		const char *body = strcmp(route->method, "GET") == 0 ? NULL : "{}";

		if ((send_as(NULL, route, NULL, body) == 401) != (route->scope != SCOPE_NONE))
			fail_msg("%s %s", route->method, route->path);
	}
}

static void
bodies_are_taken_as_the_document_says(UNUSED void **state)
{
	char *client = servers_key(servers, "bodies"), *operator= servers_key(servers, NULL);

	for (size_t i = 0; route_at(i) != NULL; i++) {
		const struct route *route = route_at(i);
		const char *key = route->scope == SCOPE_OPERATOR ? operator: client;
		yajl_val body = get(operation(route), "requestBody");
		bool lines = get(get(body, "content"), "application/x-ndjson") != NULL;
		bool required = YAJL_IS_TRUE(get(body, "required"));
		bool otel = strcmp(route->path, "/v1/traces") == 0;
		long status = body ? send_as(key, route, otel ? PROTOBUF : NULL, "") : 404;

		/* Some look first whether there is what the path names. */
		if (status != 404 && (status == 400) != required)
			fail_msg("%s %s without a body: %ld", route->method, route->path, status);
		if (router_body(route).at && (send_as(key, route, LINES, "{}\n") != 415) != lines)
			fail_msg("%s %s with lines", route->method, route->path);
	}
	free(client);
	free(operator);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_is_openapi_3_1),
		cmocka_unit_test(every_route_is_an_operation),
		cmocka_unit_test(every_operation_is_a_route_with_an_id_of_its_own),
		cmocka_unit_test(every_parameter_is_described),
		cmocka_unit_test(events_may_go_on_behind_an_id),
		cmocka_unit_test(every_field_of_a_body_is_described),
		cmocka_unit_test(every_reference_is_there),
		cmocka_unit_test(every_operation_with_a_scope_wants_a_key),
		cmocka_unit_test(bodies_are_taken_as_the_document_says),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
