/*
 * The tools of the catalogue that a client has: switched on or off, and where its calls of them go.
 */
#ifndef LIB_MODEL_CLIENT_TOOL_H
#define LIB_MODEL_CLIENT_TOOL_H

#include "lib/model/resource.h"
#include "lib/model/webhook.h"

#define CLIENT_TOOL_URL_MAX WEBHOOK_URL_MAX

struct client_tool {
	struct resource_head head;
	struct id tool_id; /* each tool once */
	bool enabled;
	const char *webhook_url; /* by the rules of webhooks; NULL: none */
	/* Of the tool, as the catalogue has it now. */
	const char *name;
	const char *category;
	const char *description;
	struct text parameters;
	bool offered; /* the tool itself is enabled */
	bool allow_http; /* as the settings say; not stored */
};

extern const struct resource client_tool_resource;

#endif
