/*
 * Tools: one catalogue for all clients, which operators keep and clients read. What a client does
 * with one of them says lib/model/client_tool.h.
 */
#ifndef LIB_MODEL_TOOL_H
#define LIB_MODEL_TOOL_H

#include "lib/model/resource.h"

#define TOOL_NAME_MAX 64
#define TOOL_CATEGORY_MAX 80
#define TOOL_DESCRIPTION_MAX 4096
#define TOOL_PARAMETERS_MAX 32768 /* bytes of JSON */

struct tool {
	struct resource_head head;
	const char *name; /* as models call it; stays: executions are counted by it */
	const char *category; /* NULL: none, as for the description */
	const char *description;
	struct text parameters; /* a JSON Schema: lib/core/json_schema.h */
	bool enabled;
};

/* Deleting one takes it from the clients that have it; what they did with it stays. */
extern const struct resource tool_resource;

#endif
