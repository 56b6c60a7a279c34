/* The chapter of what calls are made for: agents, conversations, tools. */
#include "app/routes.h"

#include "app/api/agent_sessions.h"
#include "app/api/usage_stats.h"
#include "app/rest.h"
#include "lib/model/agent_session.h"

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
};

const struct routes routes_work = { rows, COUNT(rows) };
