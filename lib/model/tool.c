#include "lib/model/tool.h"

#include <string.h>

#include "lib/core/json_schema.h"

#define AT(member) offsetof(struct tool, member)
#define GIVEN (RESOURCE_ADD | RESOURCE_CHANGE)
#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."

static const struct resource_field fields[] = {
	{ { .name = "name",
	      .type = JSON_TEXT,
	      .offset = AT(name),
	      .required = true,
	      .min = 1,
	      .max = TOOL_NAME_MAX,
	      .about = "As models call it: letters, digits, _, - and dots. Unique, and for ever." },
	    .use = RESOURCE_ADD | RESOURCE_FILTER },
	{ { .name = "category",
	      .type = JSON_TEXT,
	      .offset = AT(category),
	      .min = 1,
	      .max = TOOL_CATEGORY_MAX },
	    .use = GIVEN | RESOURCE_FILTER | RESOURCE_CLEAR },
	{ { .name = "description",
	      .type = JSON_TEXT,
	      .offset = AT(description),
	      .min = 1,
	      .max = TOOL_DESCRIPTION_MAX },
	    .use = GIVEN | RESOURCE_CLEAR },
	{ { .name = "parameters",
	      .type = JSON_OBJECT,
	      .offset = AT(parameters),
	      .max = TOOL_PARAMETERS_MAX,
	      .about = "A JSON Schema, at most 32768 bytes; its form is checked, and an error "
		       "names the place in it. Replaced as a whole." },
	    .use = GIVEN, .absent = "Empty where not given." },
	{ { .name = "enabled",
	      .type = JSON_BOOL,
	      .offset = AT(enabled),
	      .about = "False: clients see it, and nobody is to use it." },
	    .use = GIVEN | RESOURCE_FILTER, .absent = "True where not given." },
};

static void
check_parameters(struct task *task, struct text parameters)
{
	struct json_schema_trouble trouble;

	if (!json_schema_check(parameters, &trouble))
		task_fail_field(task, arena_printf(task->arena, "parameters%s", trouble.place),
		    trouble.message);
}

static bool
check(struct task *task, const void *before, void *after)
{
	const struct tool *old = before, *tool = after;

	if (tool->name[strspn(tool->name, NAME_LETTERS)] != '\0')
		task_fail_field(
		    task, "name", "must have letters, digits, _, - and dots, and nothing else");
	/* What the rules of another day allowed stays as it is. */
	if (old == NULL || tool->parameters.at != old->parameters.at)
		check_parameters(task, tool->parameters);
	return task->err.code == ERR_NONE;
}

static const struct resource_taken taken[] = {
	{ "tools_name_key", "name", "is the name of another tool" },
};

static struct resource_statements statements;

const struct resource tool_resource = {
	.table = "tools",
	.one = "tool",
	.size = sizeof(struct tool),
	.defaults = &(const struct tool){ .parameters = { "{}", 2 }, .enabled = true },
	.fields = fields,
	.count = COUNT(fields),
	.taken = taken,
	.taken_count = COUNT(taken),
	.statements = &statements,
	.of_operator = true,
	.check = check,
};
