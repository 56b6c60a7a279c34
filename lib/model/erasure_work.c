/* What calls are made for: agents, prompts, conversations with their versions. */
#include "lib/model/erasure_sql.h"

/* What is kept of a prompt stands beside the record, in a select of its own: joined, all of it
 * would be read. */
#define OF_RECORD(column, table) \
	"(SELECT " column " FROM " table " p WHERE p.client_id = $1 AND p.event_id = l.id)"
#define RECORDS_WITH(table) \
	"SELECT l.id FROM chat_logs l WHERE l.client_id = $1 AND l.user_id = $2 AND " OF_RECORD( \
	    "true", table)
#define PROMPTS \
	"SELECT " OF_RECORD("prompt_hash", \
	    "prompt_events") " FROM chat_logs l WHERE l.client_id = $1 AND l.user_id = $2"
/* One look into the index for each of the few models. */
#define EMBEDDED \
	"client_id = $1 AND (model, prompt_hash) IN (" \
	"WITH RECURSIVE models AS (" \
	"(SELECT e.model FROM prompt_embeddings e WHERE e.client_id = $1 ORDER BY e.model LIMIT 1) " \
	"UNION ALL SELECT (SELECT e.model FROM prompt_embeddings e WHERE e.client_id = $1 " \
	"AND e.model > m.model ORDER BY e.model LIMIT 1) FROM models m WHERE m.model IS NOT NULL) " \
	"SELECT m.model, h.hash FROM models m, unnest(ARRAY(" PROMPTS ")) AS h (hash) " \
	"WHERE h.hash IS NOT NULL)"
/* Also where somebody else had the same prompt: it can be sent again. */
static const char embeddings_sql[] = DELETE_SOME("prompt_embeddings", EMBEDDED);
static const char embeddings_find_sql[] = FIND("prompt_embeddings", EMBEDDED);
static const char analysis_sql[] =
    "DELETE FROM prompt_analysis WHERE client_id = $1 "
    "AND event_id = ANY (ARRAY(" RECORDS_WITH("prompt_analysis") " LIMIT $3))";
static const char analysis_find_sql[] = FIND("prompt_analysis",
    "client_id = $1 AND event_id = ANY (ARRAY(" RECORDS_WITH("prompt_analysis") "))");
static const char events_sql[] =
    "DELETE FROM prompt_events WHERE client_id = $1 "
    "AND event_id = ANY (ARRAY(" RECORDS_WITH("prompt_events") " LIMIT $3))";
static const char events_find_sql[] = FIND("prompt_events",
    "client_id = $1 AND event_id = ANY (ARRAY(" RECORDS_WITH("prompt_events") "))");

/* By their ids: places in a table are not unique among its partitions. */
static const char messages_sql[] =
    "WITH picked AS MATERIALIZED (SELECT id, created_at FROM messages WHERE " OF_USER " LIMIT $3) "
    "DELETE FROM messages WHERE client_id = $1 AND id = ANY (ARRAY(SELECT id FROM picked)) "
    "AND created_at >= (SELECT min(created_at) FROM picked) "
    "AND created_at <= (SELECT max(created_at) FROM picked)";
static const char messages_find_sql[] = FIND("messages", OF_USER " ORDER BY id");

/* The deepest first: those below a session go before it does. */
static const char agents_sql[] = DELETE_SOME("agent_sessions", OF_USER " ORDER BY depth DESC");
static const char agents_find_sql[] = FIND("agent_sessions", OF_USER " ORDER BY id");
#define OF_AGENTS \
	"client_id = $1 AND agent_session_id = ANY (ARRAY(SELECT id FROM agent_sessions " \
	"WHERE " OF_USER "))"
static const char agent_sums_sql[] = DELETE_SOME("agent_session_usage", OF_AGENTS);
static const char agent_sums_find_sql[] = FIND("agent_session_usage", OF_AGENTS);

static const char versions_sql[] = DELETE_SOME("versions", OF_USER);
static const char versions_find_sql[] = FIND("versions", OF_USER " ORDER BY id");

/* What was called, when, and how it went are the application's; what was said and by whom goes. */
static const char executions_sql[] = UPDATE_SOME("tool_executions", OF_USER,
    "user_id = NULL, conversation_id = NULL, agent_session_id = NULL, arguments = NULL, "
    "result = NULL, error_message = NULL");
static const char executions_find_sql[] = FIND("tool_executions", OF_USER " ORDER BY id");

static const char connections_sql[] = DELETE_SOME("websocket_connections", OF_USER);
static const char connections_find_sql[] = FIND("websocket_connections", OF_USER " ORDER BY id");

const char *const erasure_work_statements[] = { agents_sql, agents_find_sql, agent_sums_sql,
	agent_sums_find_sql, embeddings_sql, embeddings_find_sql, analysis_sql, analysis_find_sql,
	events_sql, events_find_sql, messages_sql, messages_find_sql, versions_sql,
	versions_find_sql, executions_sql, executions_find_sql, connections_sql,
	connections_find_sql, NULL };

const struct erasure_table erasure_work[] = {
	{ "agent_session_usage", "client_id calls cost_nanos tokens", "agent_session_id",
	    .erase = { agent_sums_sql }, .find = agent_sums_find_sql },
	{ "agent_sessions",
	    "client_id id parent_id root_id depth streaming_enabled status phase progress "
	    "iteration_count tool_calls_count success stated_cost_cents stated_tokens started_at "
	    "last_activity_at ended_at created_at updated_at",
	    "user_id external_id git_branch vision working_directory files_modified files_created "
	    "files_deleted error_message completion_report",
	    .erase = { agents_sql }, .find = agents_find_sql },
	{ "versions", "client_id id conversation_id version size_bytes created_at",
	    "user_id html description", .erase = { versions_sql }, .find = versions_find_sql },
	{ "prompt_embeddings", "client_id model seen_at", "prompt_hash event_id embedding",
	    "sketch", .erase = { embeddings_sql }, .find = embeddings_find_sql },
	{ "prompt_analysis", "client_id analyzed_at",
	    "event_id input_token_ratio redundancy_score suggestions", .erase = { analysis_sql },
	    .find = analysis_find_sql },
	{ "prompt_events", "client_id created_at cost_cents", "event_id prompt_hash prefix_hash",
	    .erase = { events_sql }, .find = events_find_sql },
	{ "messages", "client_id id created_at conversation_id ordinal role tokens",
	    "user_id content metadata", .erase = { messages_sql }, .find = messages_find_sql },
	{ "tool_executions", "client_id id created_at tool success duration_ms",
	    "user_id conversation_id agent_session_id arguments result error_message",
	    .erase = { executions_sql }, .find = executions_find_sql },
	{ "websocket_connections",
	    "client_id id client_type subscribed_events connection_status last_ping_at "
	    "disconnected_at created_at updated_at",
	    "user_id connection_id client_ip user_agent session_filters",
	    .erase = { connections_sql }, .find = connections_find_sql },
	{ .name = "tool_statistics", .plain = "client_id date tool slot calls failed_calls" },
	{ .name = "client_tools",
	    .plain = "client_id id tool_id enabled webhook_url created_at updated_at" },
};
const size_t erasure_work_count = COUNT(erasure_work);
