#include "lib/model/integration.h"

#include <string.h>

#include "lib/model/integration_call.h"

#define AT(member) offsetof(struct integration, member)
#define GIVEN (RESOURCE_ADD | RESOURCE_CHANGE)

const char *const integration_outcome_names[] = { "ok", "status", "private", "name", "connection",
	"tls", "timeout", "sealed", "failed", NULL };

static const struct resource_field fields[] = {
	{ { .name = "type",
	      .type = JSON_TEXT,
	      .offset = AT(type),
	      .required = true,
	      .min = 1,
	      .max = INTEGRATION_TYPE_MAX,
	      .about = "shopify, woocommerce, http, or another: small letters, digits, - and _." },
	    .use = RESOURCE_ADD | RESOURCE_FILTER },
	{ { .name = "name",
	      .type = JSON_TEXT,
	      .offset = AT(name),
	      .required = true,
	      .min = 1,
	      .max = INTEGRATION_NAME_MAX },
	    .use = GIVEN },
	{ { .name = "base_url",
	      .type = JSON_TEXT,
	      .offset = AT(base_url),
	      .required = true,
	      .min = 1,
	      .max = WEBHOOK_URL_MAX,
	      .about = "https, without user, password and query; addresses of private networks "
		       "are refused when it is called." },
	    .use = GIVEN },
	{ { .name = "configuration",
	      .type = JSON_OBJECT,
	      .offset = AT(configuration),
	      .max = INTEGRATION_OBJECT_MAX_BYTES,
	      .about = "Whatever else it takes to use it; kept sealed." },
	    .use = GIVEN | RESOURCE_CLEAR | RESOURCE_SEALED },
	{ { .name = "credentials",
	      .type = JSON_OBJECT,
	      .offset = AT(credentials),
	      .max = INTEGRATION_OBJECT_MAX_BYTES,
	      .about = "Kept sealed, and never shown. A test sends token as a bearer token (of "
		       "shopify: in X-Shopify-Access-Token), username and password as Basic, "
		       "header and value as that header." },
	    .use = GIVEN | RESOURCE_CLEAR | RESOURCE_SEALED | RESOURCE_SECRET },
	{ { .name = "enabled", .type = JSON_BOOL, .offset = AT(enabled) },
	    .use = GIVEN | RESOURCE_FILTER, .absent = "True where not given." },
	INTEGRATION_TEST_FIELDS(struct integration),
};

static bool
is_type(const char *type)
{
	return type[strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0';
}

static const char *
url_trouble(const struct integration *integration)
{
	const char *trouble = webhook_url_trouble(integration->base_url, integration->allow_http);

	if (trouble == NULL && strchr(integration->base_url, '?') != NULL)
		return "must not hold a query";
	return trouble;
}

static bool
check(struct task *task, const void *before, void *after)
{
	const struct integration *old = before;
	const struct integration *integration = after;
	const char *trouble = NULL;

	if (old == NULL && !is_type(integration->type))
		task_fail_field(
		    task, "type", "must consist of small letters, digits, hyphens and underscores");
	/* What the settings of another day allowed can still be switched off. */
	if (old == NULL || integration->base_url != old->base_url)
		trouble = url_trouble(integration);
	if (trouble != NULL)
		task_fail_field(task, "base_url", trouble);
	if (task->err.code != ERR_NONE || integration->credentials.at == NULL ||
	    (old != NULL && integration->credentials.at == old->credentials.at))
		return task->err.code == ERR_NONE;
	return integration_call_check(task, integration->credentials);
}

static struct resource_statements statements;

const struct resource integration_resource = {
	.table = "client_integrations",
	.one = "integration",
	.size = sizeof(struct integration),
	.defaults = &(const struct integration){ .enabled = true, .test = INTEGRATION_UNTESTED },
	.fields = fields,
	.count = COUNT(fields),
	.statements = &statements,
	.max = INTEGRATIONS_MAX,
	.check = check,
};
