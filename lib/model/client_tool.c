#include "lib/model/client_tool.h"

#define AT(member) offsetof(struct client_tool, member)
#define GIVEN (RESOURCE_ADD | RESOURCE_CHANGE)
#define OF_TOOL RESOURCE_DERIVED, .group = &tool
#define FROM_TOOL(column) "(SELECT t." column " FROM tools AS t WHERE t.id = client_tools.tool_id)"

static const struct resource_group tool = {
	.name = "tool",
	.about = "The tool, as the catalogue has it.",
};

static const struct resource_field fields[] = {
	{ { .name = "tool_id",
	      .type = JSON_ID,
	      .offset = AT(tool_id),
	      .required = true,
	      .about = "A tool of the catalogue; each once." },
	    .use = RESOURCE_ADD | RESOURCE_FILTER },
	{ { .name = "enabled",
	      .type = JSON_BOOL,
	      .offset = AT(enabled),
	      .about = "False: the tool is off for this client." },
	    .use = GIVEN | RESOURCE_FILTER, .absent = "True where not given." },
	{ { .name = "webhook_url",
	      .type = JSON_TEXT,
	      .offset = AT(webhook_url),
	      .min = 1,
	      .max = CLIENT_TOOL_URL_MAX,
	      .about = "Where the application sends the tool's calls: https, without user and "
		       "password. Kept here, and never called from here." },
	    .use = GIVEN | RESOURCE_CLEAR },
	{ { .name = "name", .type = JSON_TEXT, .offset = AT(name) }, .use = OF_TOOL,
	    .from = FROM_TOOL("name") },
	{ { .name = "category", .type = JSON_TEXT, .offset = AT(category) }, .use = OF_TOOL,
	    .from = FROM_TOOL("category") },
	{ { .name = "description", .type = JSON_TEXT, .offset = AT(description) }, .use = OF_TOOL,
	    .from = FROM_TOOL("description") },
	{ { .name = "parameters", .type = JSON_OBJECT, .offset = AT(parameters) }, .use = OF_TOOL,
	    .from = FROM_TOOL("parameters::text") },
	{ { .name = "enabled", .type = JSON_BOOL, .offset = AT(offered) }, .use = OF_TOOL,
	    .from = FROM_TOOL("enabled") },
};

static bool
check(struct task *task, const void *before, void *after)
{
	const struct client_tool *old = before, *now = after;
	const char *trouble = NULL;

	/* What the settings of another day allowed can still be switched off. */
	if (now->webhook_url != NULL && (old == NULL || now->webhook_url != old->webhook_url))
		trouble = webhook_url_trouble(now->webhook_url, now->allow_http);
	return trouble == NULL || task_fail_field(task, "webhook_url", trouble);
}

static const struct resource_taken taken[] = {
	{ "client_tools_tool", "tool_id", "is the tool of another of the client's" },
	{ "client_tools_tool_id_fkey", "tool_id", "names no tool of the catalogue" },
};

static struct resource_statements statements;

const struct resource client_tool_resource = {
	.table = "client_tools",
	.one = "tool of the client",
	.size = sizeof(struct client_tool),
	.defaults = &(const struct client_tool){ .enabled = true },
	.fields = fields,
	.count = COUNT(fields),
	.taken = taken,
	.taken_count = COUNT(taken),
	.statements = &statements,
	.check = check,
};
