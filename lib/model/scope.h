/*
 * What a key may do. A client's key holds any of the client scopes; an operator's key holds
 * "operator" and nothing else.
 */
#ifndef LIB_MODEL_SCOPE_H
#define LIB_MODEL_SCOPE_H

#include "lib/json_read.h"

enum scope {
	SCOPE_LOGS_WRITE,
	SCOPE_LOGS_READ,
	SCOPE_BUDGETS_READ,
	SCOPE_BUDGETS_WRITE,
	SCOPE_AUTHORIZE,
	SCOPE_USERS,
	SCOPE_CREDITS,
	SCOPE_AGENTS,
	SCOPE_CONVERSATIONS,
	SCOPE_TOOLS,
	SCOPE_ANALYTICS,
	SCOPE_ADMIN,
	SCOPE_CLIENT_COUNT, /* those above belong to a client's keys */
	SCOPE_OPERATOR = SCOPE_CLIENT_COUNT, /* operator keys, and only they */
	SCOPE_NONE /* of a route: no key is asked for */
};

extern const char *const scope_names[]; /* "logs:write", ..., "admin", "operator", NULL */

/* False for a name that is none. */
NODISCARD bool scope_find(const char *name, enum scope *ret);
/* Bits 1 << enum scope. ERR_INVALID on the field "scopes" for a name that is none. */
NODISCARD bool scope_read(struct task *task, struct json_texts names, uint64_t *ret);
/* Every scope that a client's key may hold. */
#define SCOPE_CLIENT_ALL ((UINT64_C(1) << SCOPE_CLIENT_COUNT) - 1)

#endif
