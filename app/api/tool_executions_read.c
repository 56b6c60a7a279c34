#include "app/api/tool_executions_read.h"

#include <string.h>

#include "app/api/tool_executions.h"
#include "app/auth.h"
#include "app/ingest/elements.h"
#include "app/ingest/stamp.h"
#include "lib/core/redact.h"
#include "lib/model/user.h"

struct input {
	struct tool_execution execution;
	const char *id;
	const char *external_user_id;
};

#define IN(member) .offset = offsetof(struct input, member), .given = JSON_ALWAYS
#define OF(member) IN(execution.member)

const struct json_field tool_executions_post_fields[12] = {
	{ "id", JSON_TEXT, IN(id), .min = 1, .max = 255,
	    .about = "Identity of the call. A UUIDv7 is kept, and created_at is its time; any "
		     "other text needs created_at and becomes a UUIDv7 that follows from both. "
		     "Sent twice, it is stored once." },
	{ "tool", JSON_TEXT, OF(tool), .required = true, .min = 1, .max = TOOL_EXECUTION_TOOL_MAX,
	    .about = "Its name, of the catalogue or your own." },
	{ "user_id", JSON_ID, OF(user_id), .about = "A user of this client." },
	{ "external_user_id", JSON_TEXT, IN(external_user_id), .min = 1,
	    .max = USER_EXTERNAL_ID_MAX,
	    .about = "Your own name of the user, instead of user_id; the user must be there." },
	{ "conversation_id", JSON_ID, OF(conversation_id) },
	{ "agent_session_id", JSON_ID, OF(agent_session_id) },
	{ "arguments", JSON_OBJECT, OF(arguments), .max = TOOL_EXECUTION_ARGUMENTS_MAX,
	    .about = "At most 16384 bytes, more is refused. Of members whose names are those of "
		     "secrets (the setting tool_redact_keys) the value is not stored." },
	{ "result", JSON_OBJECT, OF(result), .max = TOOL_EXECUTION_RESULT_MAX,
	    .about = "The same, of at most 65536 bytes." },
	{ "success", JSON_BOOL, OF(success), .about = "True where not given." },
	{ "error_message", JSON_TEXT, OF(error_message), .max = TOOL_EXECUTION_ERROR_MAX },
	{ "duration_ms", JSON_INT, OF(duration_ms), .max = TOOL_EXECUTION_DURATION_MAX_MS },
	{ "created_at", JSON_TIME, OF(created_at),
	    .about = "The call's time; now where not given. Milliseconds are kept." },
};

static struct text
redact(const struct request *req, struct text json)
{
	const char *names = req->app->conf.tool_redact_keys;
	size_t len;
	char *kept;

	if (json.at == NULL)
		return json;
	len = redact_json(json, names, NULL);
	kept = arena_alloc(req->task->arena, len + 1);
	(void)redact_json(json, names, kept);
	return (struct text){ kept, len };
}

/* A key that is bound to a user logs that user's. */
static bool
set_user(const struct request *req, struct input *input)
{
	struct id bound = req->identity->user;
	struct id *user = &input->execution.user_id;
	struct text name = { .at = input->external_user_id };

	if (name.at != NULL && !id_is_nil(*user))
		return task_fail_field(
		    req->task, "external_user_id", "cannot be given beside user_id");
	if (name.at != NULL) {
		name.len = strlen(name.at);
		*user = user_id_from_external(req->identity->client, name);
	}
	if (id_is_nil(*user))
		*user = bound;
	return id_is_nil(bound) || id_equal(*user, bound) ||
	       task_fail_field(req->task, "user_id", "is not the user to whom the key is bound");
}

/* All that is wrong is named at once. */
static bool
read_one(const struct request *req, struct text json, struct tool_call *ret)
{
	const struct identity *identity = req->identity;
	int64_t days = req->app->conf.tool_executions_retention_days;
	struct tool_execution *execution;
	struct input input = {
		.execution = { .success = true,
		    .created_at = STAMP_NOW,
		    .duration_ms = TOOL_EXECUTION_NONE },
	};
	bool good = json_read(req->task, json, tool_executions_post_fields,
	    COUNT(tool_executions_post_fields), &input);

	if (!good && req->task->err.code != ERR_INVALID)
		return false;
	execution = &input.execution;
	good = stamp_read(req->task, identity->client, days, input.id, &execution->created_at,
		   &execution->id) &&
	       good;
	if (!set_user(req, &input) || !good)
		return false;
	execution->arguments = redact(req, execution->arguments);
	execution->result = redact(req, execution->result);
	*ret = (struct tool_call){
		.execution = *execution,
		.date = zone_date(identity->zone, execution->created_at),
	};
	return true;
}

static void
make_room(struct request *req, size_t most, struct tool_calls *ret)
{
	struct arena *arena = req->task->arena;

	*ret = (struct tool_calls){
		.at = arena_array(arena, most, sizeof(*ret->at)),
		.indexes = arena_array(arena, most, sizeof(*ret->indexes)),
		.rejections = arena_array(arena, most, sizeof(*ret->rejections)),
	};
}

/* False when the request as a whole has to fail; a broken object makes the array around it no JSON
 * either. */
static bool
add(struct request *req, struct text json, size_t index, bool in_array, struct tool_calls *calls)
{
	struct task *task = req->task;

	if (read_one(req, json, &calls->at[calls->count])) {
		calls->indexes[calls->count++] = index;
		return true;
	}
	if (task->err.code == ERR_SYNTAX && in_array && json.at[0] == '{')
		return false;
	if (task->err.code != ERR_INVALID && task->err.code != ERR_SYNTAX)
		return false;
	calls->rejections[calls->rejection_count++] = rejection_take(task, index);
	return true;
}

static bool
read_array(struct request *req, struct tool_calls *ret)
{
	struct json_items items = { .rest = req->body };
	struct text element;
	size_t count;

	if (!elements_count_items(req, INGEST_ARRAY_MAX, &count))
		return false;
	make_room(req, count, ret);
	for (size_t i = 0; json_next_item(req->task, &items, &element); i++)
		if (!add(req, element, i, true, ret))
			return false;
	return true;
}

static bool
read_lines(struct request *req, struct tool_calls *ret)
{
	struct text rest = req->body, line;
	size_t count;

	if (!elements_count_lines(req, &count))
		return false;
	make_room(req, count, ret);
	for (size_t i = 0; elements_next_line(&rest, &line); i++)
		if (!elements_is_blank(line) && !add(req, line, i, false, ret))
			return false;
	return true;
}

bool
tool_executions_read(struct request *req, struct tool_calls *ret)
{
	if (strcmp(req->content_type, "application/x-ndjson") == 0)
		return read_lines(req, ret);
	if (strcmp(req->content_type, "application/json") != 0)
		return task_fail(req->task, ERR_MEDIA_TYPE,
		    "Executions are taken as application/json or application/x-ndjson.");
	if (json_is_array(req->body))
		return read_array(req, ret);
	make_room(req, 1, ret);
	ret->single = true;
	ret->count = 1;
	return read_one(req, req->body, &ret->at[0]);
}
