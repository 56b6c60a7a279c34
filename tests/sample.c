#include "tests/test.h"

#include "tests/sample.h"

#include <stdlib.h>
#include <string.h>

#include "app/rest.h"
#include "lib/model/agent_session.h"
#include "lib/model/budget.h"
#include "lib/model/conversation.h"
#include "lib/model/tool.h"
#include "lib/model/user.h"
#include "tests/api.h"

/* Texts that must have a form: what stands before and behind as many letters as are wanted. */
static const struct {
	const char *name;
	const char *before, *behind;
	bool any_length;
} forms[] = {
	{ "email", "", "@example.org", true },
	{ "url", "https://example.com/", "", true },
	{ "base_url", "https://example.com/", "", true },
	{ "path", "/", "", true },
	{ "webhook_url", "https://example.com/", "", true },
	{ "avatar_url", "https://example.com/", "", true },
	{ "timezone", "Europe/Berlin", "", false },
	{ "ip_address", "2001:db8::1", "", false },
	{ "client_ip", "2001:db8::1", "", false },
};

/* Ids that must be of something there is. */
static const struct {
	const char *name;
	const struct resource *resource;
} references[] = {
	{ "user_id", &user_resource },
	{ "tool_id", &tool_resource },
};

/* Lists that must hold what there is, and a choice with which all others may be changed. */
static const struct {
	const char *name;
	const char *value;
} fixed[] = {
	{ "events", "[\"counter.drift\"]" },
	{ "scopes", "[\"users\"]" },
	{ "allowed_addresses", "[\"192.0.2.0/24\"]" },
	{ "token_type", "\"api_key\"" },
	{ "subscribed_events", "[\"record\"]" },
};

/* What fits the rest of a sample as a whole; NULL: it is left out. */
static const struct {
	const struct resource *resource;
	const char *name;
	const char *value;
} fitting[] = {
	{ &budget_resource, "scope.tag", NULL },
	{ &budget_resource, "each", "\"tag\"" },
	{ &budget_resource, "window", "\"rolling\"" },
	{ &budget_resource, "limit_cents", "0" },
	/* It would have to be the user's. */
	{ &conversation_resource, "session_id", NULL },
	/* It would have to be of the same user. */
	{ &agent_session_resource, "parent_id", NULL },
};

#define PATHS_MAX 500

static int made; /* so that what must be unique is */

const struct route *
sample_route(const struct resource *resource, bool (*handle)(struct request *, struct reply *))
{
	for (size_t i = 0; route_at(i) != NULL; i++)
		if (route_at(i)->resource == resource && route_at(i)->handle == handle)
			return route_at(i);
	return NULL;
}

/* One of the parent's rows for each key. */
static struct {
	const struct resource *resource;
	const char *key;
	const char *path;
} paths[PATHS_MAX];
static size_t path_count;

static const char *
path_of_parent(const struct resource *resource, const char *path)
{
	const char *place = strchr(path, '{');

	for (size_t i = 0; i < path_count; i++)
		if (paths[i].resource == resource && strcmp(paths[i].key, api_key()) == 0)
			return paths[i].path;
	assert_in_range(path_count, 0, PATHS_MAX - 1);
	paths[path_count].resource = resource;
	paths[path_count].key = api_key();
	paths[path_count].path = api_text("%.*s%s%s", (int)(place - path), path,
	    strrchr(sample_add(resource->parent), '/') + 1, strchr(place, '}') + 1);
	return paths[path_count++].path;
}

const char *
sample_path(const struct resource *resource)
{
	const struct route *route = sample_route(resource, rest_add);

	if (route == NULL)
		fail_msg("%s cannot be added", resource->table);
	if (route == NULL || resource->parent == NULL)
		return route == NULL ? "" : route->path;
	return path_of_parent(resource, route->path);
}

bool
sample_is_parameter(const struct resource_field *field)
{
	return field->use & RESOURCE_FILTER && !(field->use & RESOURCE_PARENT);
}

const char *
sample_text(const struct resource_field *field, size_t length)
{
	const char *before = "", *behind = "";
	int fill;

	for (size_t i = 0; i < COUNT(forms); i++) {
		if (strcmp(forms[i].name, field->json.name) != 0)
			continue;
		if (!forms[i].any_length)
			return NULL;
		before = forms[i].before;
		behind = forms[i].behind;
	}
	fill = (int)length - (int)(strlen(before) + strlen(behind));
	return fill < 1 ? NULL : api_text("%s%0*d%s", before, fill, ++made % 10, behind);
}

bool
sample_is_quoted(const struct resource_field *field)
{
	return field->json.type == JSON_TEXT || field->json.type == JSON_CHOICE ||
	       field->json.type == JSON_ID || field->json.type == JSON_TIME;
}

static const char *
any_text(const struct resource_field *field)
{
	for (size_t i = 0; i < COUNT(forms); i++)
		if (strcmp(forms[i].name, field->json.name) == 0)
			return forms[i].any_length ? api_text("\"%sx%d%s\"", forms[i].before,
							 ++made, forms[i].behind)
						   : api_text("\"%s\"", forms[i].before);
	return api_text("\"x%d\"", ++made);
}

bool
sample_names_a_row(const struct resource_field *field)
{
	bool found = strcmp(field->json.name, "api_key_id") == 0;

	for (size_t i = 0; i < COUNT(references); i++)
		found = found || strcmp(references[i].name, field->json.name) == 0;
	return found && field->json.type == JSON_ID;
}

bool
sample_names_a_shared_row(const struct resource_field *field)
{
	for (size_t i = 0; i < COUNT(references); i++)
		if (strcmp(references[i].name, field->json.name) == 0)
			return references[i].resource->of_operator;
	return false;
}

/* The id of a new one, which the caller's key may not make where it is an operator's. */
static const char *
any_row(const struct resource *resource)
{
	const char *key = api_key(), *path;

	if (resource->of_operator)
		api_use_operator();
	path = sample_add(resource);
	api_use_key(key);
	return api_text("\"%s\"", strrchr(path, '/') + 1);
}

static const char *
any_id(const struct resource_field *field)
{
	if (strcmp(field->json.name, "api_key_id") == 0)
		return api_text("\"%s\"", api_sql("SELECT id FROM auth_tokens WHERE public_id ="
						  " split_part('%s', '_', 2)",
					      api_key()));
	for (size_t i = 0; i < COUNT(references); i++)
		if (strcmp(references[i].name, field->json.name) == 0)
			return any_row(references[i].resource);
	return api_text("\"0190a5b0-0000-7000-8000-%012d\"", ++made);
}

static const char *
any_choice(const struct resource_field *field)
{
	int count = 1;

	/* Whoever is not active takes part in nothing. */
	if (strcmp(field->json.name, "account_status") == 0)
		return "\"active\"";
	while (field->json.choices[count] != NULL)
		count++;
	return api_text("\"%s\"", field->json.choices[++made % count]);
}

bool
sample_is_ids(const struct resource_field *field)
{
	return field->json.type == JSON_TEXTS && field->json.max_item == ID_TEXT_SIZE - 1;
}

const char *
sample_value(const struct resource_field *field)
{
	for (size_t i = 0; i < COUNT(fixed); i++)
		if (strcmp(fixed[i].name, field->json.name) == 0)
			return fixed[i].value;
	switch ((int)field->json.type) {
	case JSON_TEXT:
		return any_text(field);
	case JSON_INT:
		return api_text("%lld", (long long)field->json.min);
	case JSON_CENTS:
	case JSON_RATE:
		return api_text("%d", 1 + ++made % 9);
	case JSON_TIME:
		return api_text("\"2100-01-01T00:00:%02dZ\"", ++made % 60);
	case JSON_ID:
		return any_id(field);
	case JSON_BOOL:
		return "true";
	case JSON_CHOICE:
		return any_choice(field);
	case JSON_OBJECT:
		return api_text("{\"x\": %d}", ++made);
	case JSON_TEXTS:
		if (sample_is_ids(field))
			return api_text("[\"0190b6f0-0000-7000-8000-%012d\"]", ++made);
		return "[\"x\"]";
	case JSON_INTS:
		return api_text("[%d]", 1 + ++made % 9);
	default:
		fail_msg("a sample of %s is missing here", field->json.name);
		return NULL;
	}
}

const char *
sample_name(const struct resource_field *field)
{
	return field->group == NULL ? field->json.name
				    : api_text("%s.%s", field->group->name, field->json.name);
}

/* Whether there is one value that fits, or none: then *ret is NULL. */
static bool
find_fitting(const struct resource *resource, const char *name, const char **ret)
{
	for (size_t i = 0; i < COUNT(fitting); i++) {
		if (fitting[i].resource != resource || strcmp(fitting[i].name, name) != 0)
			continue;
		*ret = fitting[i].value;
		return true;
	}
	return false;
}

bool
sample_leaves_out(const struct resource *resource, const struct resource_field *field)
{
	const char *value = "";

	return !(field->use & RESOURCE_ADD) ||
	       (find_fitting(resource, sample_name(field), &value) && value == NULL);
}

static const char *
value_given(const struct resource *resource, const struct resource_field *field)
{
	const char *value;

	if (sample_leaves_out(resource, field))
		return NULL;
	return find_fitting(resource, sample_name(field), &value) ? value : sample_value(field);
}

bool
sample_is_fixed(const struct resource *resource, const struct resource_field *field)
{
	const char *value;

	return find_fitting(resource, sample_name(field), &value);
}

static const char *
join(const char *members, const char *name, const char *value)
{
	if (value == NULL)
		return members;
	return api_text("%s%s\"%s\":%s", members, members[0] == '\0' ? "" : ",", name, value);
}

/* The members of the fields from first on, but name with this value. */
static const char *
members(const struct resource *resource, size_t first, size_t count, const char *name,
    const char *value)
{
	const char *text = "";

	for (size_t i = first; i < first + count; i++) {
		const struct resource_field *field = &resource->fields[i];
		bool is_name = name != NULL && strcmp(name, sample_name(field)) == 0;

		text = join(text, field->json.name, is_name ? value : value_given(resource, field));
	}
	return text;
}

const char *
sample_body(const struct resource *resource, const char *name, const char *value)
{
	const char *body = "";
	bool found = false;
	size_t count;

	for (size_t i = 0; i < resource->count; i += count) {
		const struct resource_field *field = &resource->fields[i];
		const char *inside;

		count = resource_group_size(resource, i);
		for (size_t j = i; name != NULL && j < i + count; j++)
			found = found || strcmp(name, sample_name(&resource->fields[j])) == 0;
		inside = members(resource, i, count, name, value);
		if (inside[0] == '\0')
			continue;
		if (field->group != NULL)
			inside = api_text("\"%s\":{%s}", field->group->name, inside);
		body = api_text("%s%s%s", body, body[0] == '\0' ? "" : ",", inside);
	}
	return api_text("{%s}", found || name == NULL ? body : join(body, name, value));
}

void
sample_use_key(const struct resource *resource)
{
	if (resource->of_operator)
		api_use_operator();
	else
		api_use_new_client(api_text("sample-%d", ++made));
}

const char *
sample_add(const struct resource *resource)
{
	return api_text("%s/%s", sample_path(resource),
	    api_add(sample_path(resource), sample_body(resource, NULL, NULL)));
}
