#include "app/openapi.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/idempotency.h"
#include "app/openapi_private.h"
#include "app/router.h"
#include "lib/json_write.h"

#define PROBLEM "#/components/responses/problem"

/* GET /v1/users/{id} is get_v1_users_id. */
static const char *
operation_id(const struct route *route, struct arena *arena)
{
	char *id = arena_printf(arena, "%s%s", route->method, route->path);
	char *to = id;

	for (const char *at = id; *at; at++) {
		if (isalnum((unsigned char)*at))
			*to++ = (char)tolower((unsigned char)*at);
		else if (to[-1] != '_' && at[1] != '\0')
			*to++ = '_';
	}
	*to = '\0';
	return id;
}

static void
write_ref(struct json_out *out, const char *key, const char *ref)
{
	json_open_at(out, key);
	json_text(out, "$ref", ref);
	json_close(out);
}

static void
write_query(struct json_out *out, const struct route *route)
{
	struct route_fields query = router_query(route);

	for (size_t i = 0; i < query.count; i++) {
		const struct json_field *field = &query.at[i];

		json_open(out);
		json_text(out, "name", field->name);
		json_text(out, "in", "query");
		json_bool(out, "required", field->required);
		if (field->about)
			json_text(out, "description", field->about);
		if (field->type == JSON_TEXTS || field->type == JSON_INTS)
			json_bool(out, "explode", false);
		json_open_at(out, "schema");
		openapi_write_type(out, field);
		json_close(out);
		json_close(out);
	}
}

/* The form of a path's part is told by its name, as the handlers read it. */
static void
write_path_type(struct json_out *out, struct text name)
{
	static const struct {
		const char *name;
		const char *format; /* NULL: any text */
	} formats[] = { { "date", "date" }, { "month", NULL }, { "user_id", NULL },
		{ "version", NULL } };

	for (size_t i = 0; i < COUNT(formats); i++) {
		if (name.len != strlen(formats[i].name) ||
		    memcmp(name.at, formats[i].name, name.len) != 0)
			continue;
		if (formats[i].format == NULL)
			json_text(out, "type", "string");
		else
			openapi_write_string(out, formats[i].format);
		return;
	}
	openapi_write_string(out, "uuid");
}

static void
write_path_params(struct json_out *out, const struct route *route)
{
	for (const char *at = strchr(route->path, '{'); at; at = strchr(at + 1, '{')) {
		struct text name = { at + 1, strcspn(at + 1, "}") };

		json_open(out);
		json_text_n(out, "name", name);
		json_text(out, "in", "path");
		json_bool(out, "required", true);
		json_open_at(out, "schema");
		write_path_type(out, name);
		json_close(out);
		json_close(out);
	}
}

static void
write_header(struct json_out *out, const struct route *route)
{
	if (!route->header)
		return;
	json_open(out);
	json_text(out, "name", route->header);
	json_text(out, "in", "header");
	json_bool(out, "required", !route->header_optional);
	json_open_at(out, "schema");
	json_text(out, "type", "string");
	json_close(out);
	json_close(out);
}

static void
write_params(struct json_out *out, const struct route *route)
{
	json_open_array_at(out, "parameters");
	write_path_params(out, route);
	write_query(out, route);
	write_header(out, route);
	if (strcmp(route->method, "POST") == 0)
		write_ref(out, NULL, "#/components/parameters/idempotency_key");
	if (route->if_match)
		write_ref(out, NULL, "#/components/parameters/if_match");
	json_close_array(out);
}

/* Records come one at a time, as an array or as lines. */
static void
write_many(struct json_out *out, const char *ref)
{
	json_open_at(out, "application/json");
	json_open_at(out, "schema");
	json_open_array_at(out, "oneOf");
	write_ref(out, NULL, ref);
	json_open(out);
	json_text(out, "type", "array");
	write_ref(out, "items", ref);
	json_close(out);
	json_close_array(out);
	json_close(out);
	json_close(out);
	json_open_at(out, "application/x-ndjson");
	write_ref(out, "schema", ref);
	json_close(out);
}

/* What others define is not described here a second time. */
static void
write_foreign(struct json_out *out, const char *type)
{
	json_open_at(out, type);
	json_open_at(out, "schema");
	json_close(out);
	json_close(out);
}

static void
write_body(struct json_out *out, const struct route *route, struct arena *arena)
{
	const char *ref =
	    arena_printf(arena, "#/components/schemas/%s", operation_id(route, arena));

	if (!router_body(route).at && !route->takes)
		return;
	json_open_at(out, "requestBody");
	json_bool(out, "required", !route->body_optional);
	json_open_at(out, "content");
	for (const char *const *type = route->takes; type && *type; type++)
		write_foreign(out, *type);
	if (!route->takes && route->many) {
		write_many(out, ref);
	} else if (!route->takes) {
		json_open_at(out, "application/json");
		write_ref(out, "schema", ref);
		json_close(out);
	}
	json_close(out);
	json_close(out);
}

static void
write_responses(struct json_out *out, const struct route *route)
{
	char status[12];

	snprintf(status, sizeof status, "%d", route->status);
	json_open_at(out, "responses");
	json_open_at(out, status);
	json_text(out, "description", route->summary);
	if (route->gives) {
		json_open_at(out, "content");
		write_foreign(out, route->gives);
		json_close(out);
	}
	json_close(out);
	if (route->known) {
		json_open_at(out, "200");
		json_text(out, "description", route->known);
		json_close(out);
	}
	if (route->scope != SCOPE_NONE) {
		write_ref(out, "401", PROBLEM);
		write_ref(out, "403", PROBLEM);
	}
	if (strchr(route->path, '{'))
		write_ref(out, "404", PROBLEM);
	if (route->if_match)
		write_ref(out, "412", PROBLEM);
	if (router_query(route).at || router_body(route).at)
		write_ref(out, "422", PROBLEM);
	write_ref(out, "default", PROBLEM);
	json_close(out);
}

static const char *
lower(const char *method, struct arena *arena)
{
	char *name = arena_strdup(arena, method);

	for (char *at = name; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return name;
}

static void
write_operation(struct json_out *out, const struct route *route, struct arena *arena)
{
	json_open_at(out, lower(route->method, arena));
	json_text(out, "operationId", operation_id(route, arena));
	json_text(out, "summary", route->summary);
	if (route->scope == SCOPE_NONE) {
		json_open_array_at(out, "security");
		json_close_array(out);
	} else {
		json_text(out, "x-scope", scope_names[route->scope]);
		json_bool(out, "x-bound-keys", route->bound);
	}
	write_params(out, route);
	write_body(out, route, arena);
	write_responses(out, route);
	json_close(out);
}

static bool
is_first_of_path(size_t i)
{
	for (size_t before = 0; before < i; before++) {
		if (strcmp(route_at(before)->path, route_at(i)->path) == 0)
			return false;
	}
	return true;
}

static void
write_paths(struct json_out *out, struct arena *arena)
{
	json_open_at(out, "paths");
	for (size_t i = 0; route_at(i) != NULL; i++) {
		if (!is_first_of_path(i))
			continue;
		json_open_at(out, route_at(i)->path);
		for (size_t same = i; route_at(same) != NULL; same++) {
			if (strcmp(route_at(same)->path, route_at(i)->path) == 0)
				write_operation(out, route_at(same), arena);
		}
		json_close(out);
	}
	json_close(out);
}

/* The parts that do not follow from a table. */
static const char info[] =
    "{\"title\":\"Tally\",\"version\":\"" PACKAGE_VERSION "\","
    "\"description\":\"Keeps an LLM application's books. In bodies, null"
    " means: not given, unless the field says more. Unknown fields and parameters are refused."
    " A list's filter by a value of the right type that nothing can have finds nothing.\","
    "\"license\":{\"name\":\"MIT\",\"identifier\":\"MIT\"}}";

static const char servers[] = "[{\"url\":\"/\"}]";

static const char security[] = "[{\"key\":[]}]";

static const char security_schemes[] = "{\"key\":{\"type\":\"http\",\"scheme\":\"bearer\","
				       "\"bearerFormat\":\"tally_<public id>_<secret>\"}}";

static const char parameters[] =
    "{\"idempotency_key\":{\"name\":\"Idempotency-Key\",\"in\":\"header\","
    "\"required\":false,\"description\":\"A second request with the same key within 24 hours does"
    " nothing and gets the first answer.\","
    "\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}},"
    "\"if_match\":{\"name\":\"If-Match\",\"in\":\"header\","
    "\"required\":false,\"description\":\"The ETag of an answer: 412 when it was changed since.\","
    "\"schema\":{\"type\":\"string\"}}}";
_Static_assert(IDEMPOTENCY_KEY_MAX == 255, "the document names it");

static const char responses[] = "{\"problem\":{\"description\":\"Why not (RFC 9457).\","
				"\"content\":{\"application/problem+json\":{\"schema\":{"
				"\"$ref\":\"#/components/schemas/problem\"}}}}}";

static const char problem[] =
    "{\"type\":\"object\","
    "\"required\":[\"type\",\"title\",\"status\",\"detail\",\"instance\"],"
    "\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
    "\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
    "\"instance\":{\"type\":\"string\",\"description\":\"The request's id.\"},"
    "\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"required\":[\"field\",\"message\"],\"properties\":{\"field\":{\"type\":\"string\"},"
    "\"message\":{\"type\":\"string\"}}}}}}";

#define CONSTANT(json) ((struct text){ (json), sizeof(json) - 1 })

static void
write_components(struct json_out *out, struct arena *arena)
{
	json_open_at(out, "components");
	json_raw(out, "securitySchemes", CONSTANT(security_schemes));
	json_raw(out, "parameters", CONSTANT(parameters));
	json_raw(out, "responses", CONSTANT(responses));
	json_open_at(out, "schemas");
	json_raw(out, "problem", CONSTANT(problem));
	for (size_t i = 0; route_at(i) != NULL; i++) {
		struct route_fields body = router_body(route_at(i));

		if (!body.at)
			continue;
		json_open_at(out, operation_id(route_at(i), arena));
		openapi_write_fields(out, body.at, body.count);
		json_close(out);
	}
	json_close(out);
	json_close(out);
}

/* Never freed: it is served for the life of the process. */
static struct text document;

static void
make_document(void)
{
	struct arena *arena = arena_new();
	struct buf buf = { .arena = arena };
	struct json_out *out = json_out_new(&buf);

	json_open(out);
	json_text(out, "openapi", "3.1.0");
	json_raw(out, "info", CONSTANT(info));
	json_raw(out, "servers", CONSTANT(servers));
	json_raw(out, "security", CONSTANT(security));
	write_paths(out, arena);
	write_components(out, arena);
	json_close(out);
	document = buf_text(&buf);
	document.at = strndup(document.at, document.len);
	if (document.at == NULL)
		abort();
	arena_free(arena);
}

bool
openapi_show(struct request *req UNUSED, struct reply *reply)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_document);
	buf_add(&reply->body, document.at, document.len);
	return reply_done(reply, 200, "application/json");
}
