#include "lib/model/scope.h"

#include <string.h>

const char *const scope_names[] = {
	[SCOPE_LOGS_WRITE] = "logs:write",
	[SCOPE_LOGS_READ] = "logs:read",
	[SCOPE_BUDGETS_READ] = "budgets:read",
	[SCOPE_BUDGETS_WRITE] = "budgets:write",
	[SCOPE_AUTHORIZE] = "authorize",
	[SCOPE_USERS] = "users",
	[SCOPE_CREDITS] = "credits",
	[SCOPE_AGENTS] = "agents",
	[SCOPE_CONVERSATIONS] = "conversations",
	[SCOPE_TOOLS] = "tools",
	[SCOPE_ANALYTICS] = "analytics",
	[SCOPE_ADMIN] = "admin",
	[SCOPE_OPERATOR] = "operator",
	NULL,
};

bool
scope_find(const char *name, enum scope *ret)
{
	for (int i = 0; i <= SCOPE_OPERATOR; i++) {
		if (strcmp(scope_names[i], name) == 0) {
			*ret = (enum scope)i;
			return true;
		}
	}
	return false;
}

bool
scope_read(struct task *task, struct json_texts names, uint64_t *ret)
{
	uint64_t scopes = 0;
	enum scope scope;

	for (size_t i = 0; i < names.count; i++) {
		if (!scope_find(names.at[i], &scope))
			return task_fail_field(task, "scopes", "holds a name that is no scope");
		scopes |= UINT64_C(1) << scope;
	}
	*ret = scopes;
	return true;
}
