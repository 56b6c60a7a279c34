#include "lib/model/integration.h"

#define AT(member) offsetof(struct integration_endpoint, member)
#define GIVEN (RESOURCE_ADD | RESOURCE_CHANGE)

const char *const integration_method_names[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE",
	NULL };

static const struct resource_field fields[] = {
	{ { .name = "integration_id", .type = JSON_ID, .offset = AT(integration) },
	    .use = RESOURCE_FILTER | RESOURCE_PARENT },
	{ { .name = "name",
	      .type = JSON_TEXT,
	      .offset = AT(name),
	      .required = true,
	      .min = 1,
	      .max = INTEGRATION_NAME_MAX },
	    .use = GIVEN },
	{ { .name = "method",
	      .type = JSON_CHOICE,
	      .offset = AT(method),
	      .choices = integration_method_names },
	    .use = GIVEN, .absent = "GET where not given." },
	{ { .name = "path",
	      .type = JSON_TEXT,
	      .offset = AT(path),
	      .required = true,
	      .min = 1,
	      .max = INTEGRATION_PATH_MAX,
	      .about = "Behind the integration's base_url, with a query where it has one." },
	    .use = GIVEN },
	{ { .name = "description",
	      .type = JSON_TEXT,
	      .offset = AT(description),
	      .min = 1,
	      .max = INTEGRATION_DESCRIPTION_MAX },
	    .use = GIVEN | RESOURCE_CLEAR },
	{ { .name = "enabled", .type = JSON_BOOL, .offset = AT(enabled) },
	    .use = GIVEN | RESOURCE_FILTER, .absent = "True where not given." },
	INTEGRATION_TEST_FIELDS(struct integration_endpoint),
};

static const char *
path_trouble(const char *path)
{
	if (path[0] != '/')
		return "must begin with /";
	return webhook_url_plain(path) ? NULL : "holds a character that a path may not hold here";
}

static bool
check(struct task *task, const void *before, void *after)
{
	const struct integration_endpoint *old = before;
	const struct integration_endpoint *endpoint = after;
	const char *trouble = NULL;

	if (old == NULL || endpoint->path != old->path)
		trouble = path_trouble(endpoint->path);
	return trouble == NULL || task_fail_field(task, "path", trouble);
}

static struct resource_statements statements;

const struct resource integration_endpoint_resource = {
	.table = "integration_endpoints",
	.one = "endpoint",
	.size = sizeof(struct integration_endpoint),
	.defaults =
	    &(const struct integration_endpoint){ .enabled = true, .test = INTEGRATION_UNTESTED },
	.fields = fields,
	.count = COUNT(fields),
	.parent = &integration_resource,
	.statements = &statements,
	.max = INTEGRATION_ENDPOINTS_MAX,
	.check = check,
};
