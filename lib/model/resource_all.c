/* The resources there are. */
#include "lib/model/agent_session.h"
#include "lib/model/auth_token.h"
#include "lib/model/budget.h"
#include "lib/model/client.h"
#include "lib/model/client_tool.h"
#include "lib/model/conversation.h"
#include "lib/model/integration.h"
#include "lib/model/session.h"
#include "lib/model/tool.h"
#include "lib/model/user.h"
#include "lib/model/webhook.h"
#include "lib/model/websocket_connection.h"

const struct resource *const resources[] = {
	&agent_session_resource,
	&auth_token_resource,
	&budget_resource,
	&client_resource,
	&client_tool_resource,
	&conversation_resource,
	&integration_endpoint_resource,
	&integration_resource,
	&session_resource,
	&tool_resource,
	&user_resource,
	&webhook_resource,
	&websocket_connection_resource,
	NULL,
};
