/* The chapter of what calls are made for: agents, conversations, tools. */
#include "app/routes.h"

#include "app/api/agent_sessions.h"
#include "app/api/client_tools.h"
#include "app/api/conversations.h"
#include "app/api/integrations.h"
#include "app/api/messages.h"
#include "app/api/token_usage.h"
#include "app/api/tool_executions.h"
#include "app/api/usage_stats.h"
#include "app/api/versions.h"
#include "app/api/websocket_connections.h"
#include "app/rest.h"
#include "lib/model/agent_session.h"
#include "lib/model/client_tool.h"
#include "lib/model/conversation.h"
#include "lib/model/integration.h"
#include "lib/model/tool.h"
#include "lib/model/websocket_connection.h"

#define ENDPOINTS "/v1/integrations/{integration_id}/endpoints"

static const struct route rows[] = {
	REST_ADD("/v1/agent-sessions", SCOPE_AGENTS, agent_session_resource,
	    "an agent session, which runs from here on", .fill = agent_sessions_fill,
	    .bound = true),
	REST_LIST("/v1/agent-sessions", SCOPE_AGENTS, agent_session_resource,
	    "Agent sessions, newest first, ended ones too", .bound = true),
	REST_FIND("/v1/agent-sessions", SCOPE_AGENTS, agent_session_resource, "an agent session",
	    .bound = true),
	{ "PATCH", "/v1/agent-sessions/{id}/progress", agent_sessions_progress, SCOPE_AGENTS,
	    BODY(agent_sessions_progress_fields), .bound = true, .status = 200,
	    .summary = "Tells how far a session is; a sign of life where nothing is given." },
	{ "POST", "/v1/agent-sessions/{id}/complete", agent_sessions_complete, SCOPE_AGENTS,
	    BODY(agent_sessions_complete_fields), .bound = true, .status = 200,
	    .summary = "Ends a session that came to its end." },
	{ "POST", "/v1/agent-sessions/{id}/fail", agent_sessions_fail, SCOPE_AGENTS,
	    BODY(agent_sessions_fail_fields), .bound = true, .status = 200,
	    .summary = "Ends a session that failed." },
	{ "POST", "/v1/agent-sessions/{id}/cancel", agent_sessions_cancel, SCOPE_AGENTS,
	    .bound = true, .status = 200,
	    .summary = "Ends a session and all below it that still run; how many these were." },
	{ "GET", "/v1/agent-sessions/{id}/tree", agent_sessions_tree, SCOPE_AGENTS, .bound = true,
	    .status = 200,
	    .summary = "A session and all below it, parents first, each with what it took itself "
		       "and with all below it." },
	{ "GET", "/v1/usage-stats/daily", usage_stats_daily, SCOPE_ANALYTICS,
	    QUERY(usage_stats_daily_fields), .bound = true, .status = 200,
	    .summary = "What a user has used by day, newest first; days without a call are not "
		       "there." },

	/* What is said is nowhere but in these tables: an answer that is kept to be given again is
	 * sealed, and no hash of a message is kept that could be guessed at. */
	REST_ADD("/v1/conversations", SCOPE_CONVERSATIONS, conversation_resource, "a conversation",
	    .fill = conversations_fill, .bound = true, .secret = true, .secret_body = true),
	REST_LIST("/v1/conversations", SCOPE_CONVERSATIONS, conversation_resource,
	    "Conversations, newest first", .bound = true),
	REST_COUNT("/v1/conversations", SCOPE_CONVERSATIONS, conversation_resource, "conversations",
	    .bound = true),
	REST_FIND("/v1/conversations", SCOPE_CONVERSATIONS, conversation_resource, "a conversation",
	    .bound = true),
	REST_CHANGE("/v1/conversations", SCOPE_CONVERSATIONS, conversation_resource,
	    "a conversation", .bound = true),
	{ "DELETE", "/v1/conversations/{id}", conversations_erase, SCOPE_CONVERSATIONS,
	    .bound = true, .status = 200,
	    .summary = "Erases a conversation at once, with all that was said in it; answers how "
		       "many rows were removed. The records of its calls stay, and name its id." },
	{ "POST", "/v1/conversations/{id}/end", conversations_end, SCOPE_CONVERSATIONS,
	    .bound = true, .secret = true, .status = 200,
	    .summary = "Ends a conversation: it takes no more messages." },
	{ "POST", "/v1/conversations/{id}/messages", messages_add, SCOPE_CONVERSATIONS,
	    BODY(messages_add_fields), .bound = true, .secret_body = true, .status = 201,
	    .summary = "Adds a message behind the last; 409 once the conversation has ended. The "
		       "answer has its number and does not repeat its content." },
	{ "GET", "/v1/conversations/{id}/messages", messages_list, SCOPE_CONVERSATIONS,
	    QUERY(messages_list_fields), .bound = true, .status = 200,
	    .summary = "Messages, oldest first; a page ends early where their contents have more "
		       "than 4 MiB." },
	{ "GET", "/v1/conversations/{id}/messages/recent", messages_recent, SCOPE_CONVERSATIONS,
	    QUERY(messages_recent_fields), .bound = true, .status = 200,
	    .summary = "The newest messages that fit so many tokens, oldest first, and every "
		       "system message; at most 500 with 4 MiB. more: there are others." },

	{ "POST", "/v1/conversations/{id}/versions", versions_post, SCOPE_CONVERSATIONS,
	    BODY(versions_post_fields), .bound = true, .secret = true, .secret_body = true,
	    .body_max = VERSIONS_BODY_MAX, .status = 201,
	    .summary = "Adds a version: it gets the next number, from 0, and is the current one." },
	{ "GET", "/v1/conversations/{id}/versions", versions_list, SCOPE_CONVERSATIONS,
	    QUERY(versions_list_fields), .bound = true, .status = 200,
	    .summary = "Versions without their html, newest first." },
	{ "GET", "/v1/conversations/{id}/versions/diff", versions_diff, SCOPE_CONVERSATIONS,
	    QUERY(versions_diff_fields), .bound = true, .status = 200,
	    .summary = "How two versions differ in size and time." },
	{ "GET", "/v1/conversations/{id}/versions/{version}", versions_find, SCOPE_CONVERSATIONS,
	    .bound = true, .status = 200,
	    .summary =
		"One version with its html; that alone where Accept begins with text/html." },
	{ "POST", "/v1/conversations/{id}/versions/{version}/current", versions_set_current,
	    SCOPE_CONVERSATIONS, .bound = true, .secret = true, .status = 200,
	    .summary = "Makes a version the current one." },
	{ "GET", "/v1/conversations/{id}/token-usage", token_usage_show, SCOPE_CONVERSATIONS,
	    .bound = true, .status = 200,
	    .summary = "What the calls of a conversation have used, by agent type and model." },
	REST_ADD("/v1/integrations", SCOPE_ADMIN, integration_resource,
	    "an integration: how another system of the client is reached",
	    .fill = integrations_fill, .secret = true, .secret_body = true),
	REST_LIST(
	    "/v1/integrations", SCOPE_ADMIN, integration_resource, "Integrations, newest first", ),
	REST_FIND("/v1/integrations", SCOPE_ADMIN, integration_resource, "an integration", ),
	REST_CHANGE("/v1/integrations", SCOPE_ADMIN, integration_resource, "an integration",
	    .fill = integrations_fill),
	REST_REMOVE("/v1/integrations", SCOPE_ADMIN, integration_resource,
	    "an integration and its endpoints", ),
	{ "POST", "/v1/integrations/{id}/test", integrations_test, SCOPE_ADMIN,
	    .resource = &integration_resource, .secret = true, .status = 202,
	    .summary = "Lets the integration's base_url be called within a minute or so; what "
		       "came of it is shown with the integration, as last_test_outcome." },

	REST_ADD(ENDPOINTS, SCOPE_ADMIN, integration_endpoint_resource,
	    "an endpoint of an integration", ),
	REST_LIST(ENDPOINTS, SCOPE_ADMIN, integration_endpoint_resource,
	    "Endpoints of an integration, newest first", ),
	REST_FIND(ENDPOINTS, SCOPE_ADMIN, integration_endpoint_resource, "an endpoint", ),
	REST_CHANGE(ENDPOINTS, SCOPE_ADMIN, integration_endpoint_resource, "an endpoint", ),
	REST_REMOVE(ENDPOINTS, SCOPE_ADMIN, integration_endpoint_resource, "an endpoint", ),
	{ "POST", ENDPOINTS "/{id}/test", integrations_test_endpoint, SCOPE_ADMIN,
	    .resource = &integration_endpoint_resource, .status = 202,
	    .summary = "Lets an endpoint be called, as the test of an integration does; 409 where "
		       "its method is neither GET nor HEAD." },

	REST_ADD("/v1/tools", SCOPE_OPERATOR, tool_resource, "a tool to the catalogue", ),
	REST_LIST("/v1/tools", SCOPE_TOOLS, tool_resource,
	    "The catalogue of tools, which all clients read, newest first", .operators = true,
	    .bound = true),
	REST_FIND("/v1/tools", SCOPE_TOOLS, tool_resource, "a tool of the catalogue",
	    .operators = true, .bound = true),
	REST_CHANGE("/v1/tools", SCOPE_OPERATOR, tool_resource, "a tool of the catalogue", ),
	REST_REMOVE("/v1/tools", SCOPE_OPERATOR, tool_resource,
	    "a tool of the catalogue, and takes it from the clients that have it", ),
	REST_ADD("/v1/client-tools", SCOPE_TOOLS, client_tool_resource,
	    "a tool of the catalogue to those of the client", .fill = client_tools_fill),
	REST_LIST("/v1/client-tools", SCOPE_TOOLS, client_tool_resource,
	    "The client's tools with what the catalogue says of them, newest first", ),
	REST_FIND("/v1/client-tools", SCOPE_TOOLS, client_tool_resource, "a tool of the client", ),
	REST_CHANGE("/v1/client-tools", SCOPE_TOOLS, client_tool_resource,
	    "a tool of the client (null takes the webhook_url away)", .fill = client_tools_fill),
	REST_REMOVE(
	    "/v1/client-tools", SCOPE_TOOLS, client_tool_resource, "a tool of the client", ),
	{ "POST", "/v1/tool-executions", tool_executions_post, SCOPE_TOOLS,
	    BODY(tool_executions_post_fields), .bound = true, .secret_body = true, .many = true,
	    .status = 201,
	    .summary = "Logs a call of a tool, an array of them, or NDJSON, without secrets; "
		       "answered after the commit.",
	    .known = "A call that was logged before, as it was. To an array or lines: how many "
		     "were accepted, how many duplicates, and which were rejected." },
	{ "GET", "/v1/tool-executions", tool_executions_list, SCOPE_TOOLS,
	    QUERY(tool_executions_list_fields), .bound = true, .status = 200,
	    .summary = "Calls of tools, newest first." },
	{ "GET", "/v1/tool-executions/statistics", tool_executions_statistics, SCOPE_TOOLS,
	    QUERY(tool_executions_statistics_fields), .status = 200,
	    .summary = "How often tools were called, failed, and how long they took, by day of "
		       "the client's zone; kept for good." },
	{ "GET", "/v1/tool-executions/{id}", tool_executions_find, SCOPE_TOOLS, .bound = true,
	    .status = 200, .summary = "One call of a tool." },

	REST_ADD("/v1/websocket-connections", SCOPE_USERS, websocket_connection_resource,
	    "a user's connection to a gateway, which is there from here on", ),
	REST_LIST("/v1/websocket-connections", SCOPE_USERS, websocket_connection_resource,
	    "Connections to gateways, newest first, those that have ended too", ),
	REST_FIND("/v1/websocket-connections", SCOPE_USERS, websocket_connection_resource,
	    "a connection to a gateway", ),
	REST_CHANGE("/v1/websocket-connections", SCOPE_USERS, websocket_connection_resource,
	    "what a connection is to hear", ),
	{ "POST", "/v1/websocket-connections/{id}/ping", websocket_connections_ping, SCOPE_USERS,
	    .status = 200,
	    .summary = "Says that a connection is there: without it for 90 seconds it has ended." },
	{ "POST", "/v1/websocket-connections/{id}/disconnect", websocket_connections_end,
	    SCOPE_USERS, .status = 200, .summary = "Ends a connection." },
};

const struct routes routes_work = { rows, COUNT(rows) };
