/* The table of the sessions of agents. */
#include "lib/model/agent_session_private.h"

const char *const agent_status_names[] = {
	[AGENT_RUNNING] = "running",
	[AGENT_COMPLETED] = "completed",
	[AGENT_FAILED] = "failed",
	[AGENT_CANCELLED] = "cancelled",
	NULL,
};

#define AT(member) offsetof(struct agent_session, member)
#define TEXT(column, most) .name = #column, .type = JSON_TEXT, .offset = AT(column), .max = (most)
#define INT(column) .name = #column, .type = JSON_INT, .offset = AT(column)
#define TIME(column) .name = #column, .type = JSON_TIME, .offset = AT(column)
#define FILES(which) .name = "files_" #which, .type = JSON_TEXTS, .offset = AT(files.which)

/* A sum of the session's records; NULL where it has none. */
#define RECORDED(column) \
	"(SELECT u." column " FROM agent_session_usage AS u " \
	"WHERE u.client_id = $1 AND u.agent_session_id = agent_sessions.id)"

/* The least id of a time. An id is made shortly before its row: of those near a bound the row's own
 * time decides. */
#define ID_AT(time) \
	"(lpad(to_hex((extract(epoch FROM " time ") * 1000)::bigint), 12, '0') " \
	"|| repeat('0', 20))::uuid"

static const struct resource_field fields[] = {
	{ { .name = "user_id", .type = JSON_ID, .offset = AT(user) },
	    .use = RESOURCE_ADD | RESOURCE_FILTER,
	    .absent = "The parent's where not given, or nobody's." },
	{ { TEXT(external_id, AGENT_EXTERNAL_ID_MAX), .min = 1,
	      .about = "The application's own name of the session, unique within the client." },
	    .use = RESOURCE_ADD | RESOURCE_FILTER },
	{ { .name = "parent_id",
	      .type = JSON_ID,
	      .offset = AT(parent),
	      .about = "The session that began this one, which must be running." },
	    .use = RESOURCE_ADD | RESOURCE_FILTER },
	{ { .name = "root_id", .type = JSON_ID, .offset = AT(root) }, .use = RESOURCE_FILTER },
	{ { INT(depth) }, .use = 0 },
	{ { TEXT(git_branch, AGENT_BRANCH_MAX), .min = 1 }, .use = RESOURCE_ADD },
	{ { TEXT(vision, AGENT_VISION_MAX), .min = 1, .about = "What the agent is to do." },
	    .use = RESOURCE_ADD },
	{ { TEXT(working_directory, AGENT_DIRECTORY_MAX), .min = 1 }, .use = RESOURCE_ADD },
	{ { .name = "streaming_enabled", .type = JSON_BOOL, .offset = AT(streaming_enabled) },
	    .use = RESOURCE_ADD, .absent = "True where not given." },
	{ { .name = "status",
	      .type = JSON_CHOICE,
	      .offset = AT(status),
	      .choices = agent_status_names },
	    .use = RESOURCE_OWN | RESOURCE_FILTER },
	{ { TEXT(phase, AGENT_PHASE_MAX) }, .use = RESOURCE_OWN },
	{ { .name = "progress", .type = JSON_MILLIONTHS, .offset = AT(progress) },
	    .use = RESOURCE_OWN },
	{ { INT(iteration_count) }, .use = RESOURCE_OWN },
	{ { INT(tool_calls_count) }, .use = RESOURCE_OWN },
	{ { FILES(modified) }, .use = RESOURCE_OWN },
	{ { FILES(created) }, .use = RESOURCE_OWN },
	{ { FILES(deleted) }, .use = RESOURCE_OWN },
	{ { .name = "success", .type = JSON_BOOL, .offset = AT(success) }, .use = RESOURCE_OWN },
	{ { TEXT(error_message, AGENT_ERROR_MAX) }, .use = RESOURCE_OWN },
	{ { .name = "completion_report", .type = JSON_OBJECT, .offset = AT(completion_report) },
	    .use = RESOURCE_OWN },
	{ { .name = "stated_cost_cents", .type = JSON_CENTS, .offset = AT(stated_cost_nanos) },
	    .use = RESOURCE_OWN },
	{ { INT(stated_tokens) }, .use = RESOURCE_OWN },
	{ { .name = "total_cost_cents", .type = JSON_CENTS, .offset = AT(total_cost_nanos) },
	    .use = RESOURCE_DERIVED,
	    .from = "coalesce(greatest((stated_cost_cents * 10000000)::bigint, " RECORDED(
		"cost_nanos") "), 0)" },
	{ { INT(tokens_used) }, .use = RESOURCE_DERIVED,
	    .from = "coalesce(greatest(stated_tokens, " RECORDED("tokens") "), 0)" },
	{ { INT(calls) }, .use = RESOURCE_DERIVED, .from = "coalesce(" RECORDED("calls") ", 0)" },
	{ { TIME(started_at) }, .use = 0 },
	{ { TIME(last_activity_at) }, .use = RESOURCE_OWN },
	{ { TIME(ended_at) }, .use = RESOURCE_OWN },
	{ { TIME(since), .about = "Those that began then or later." },
	    .use = RESOURCE_FILTER | RESOURCE_UNKEPT | RESOURCE_UNSHOWN,
	    .filter = "started_at >= ? AND id >= " ID_AT("? - interval '1 hour'") },
	{ { TIME(until), .about = "Those that began before." },
	    .use = RESOURCE_FILTER | RESOURCE_UNKEPT | RESOURCE_UNSHOWN,
	    .filter = "started_at < ? AND id < " ID_AT("? + interval '1 hour'") },
};

static const struct resource_taken taken[] = {
	{ "agent_sessions_external_id", "external_id", "another agent session has this id" },
	{ "agent_sessions_client_id_user_id_fkey", "user_id", "must be the id of a living user" },
	{ "agent_sessions_client_id_parent_id_fkey", "parent_id",
	    "names no agent session of this client" },
};

static const char *const none[1];
static struct resource_statements statements;

const struct resource agent_session_resource = {
	.table = "agent_sessions",
	.one = "agent session",
	.size = sizeof(struct agent_session),
	.defaults = &(const struct agent_session){ .streaming_enabled = true,
	    .phase = "EXPLORE",
	    .files = { { none, 0 }, { none, 0 }, { none, 0 } },
	    .stated_cost_nanos = RESOURCE_NONE,
	    .stated_tokens = RESOURCE_NONE },
	.fields = fields,
	.count = COUNT(fields),
	.taken = taken,
	.taken_count = COUNT(taken),
	.statements = &statements,
	.stays = true,
	.quiet = true,
	.check = agent_session_check,
};
