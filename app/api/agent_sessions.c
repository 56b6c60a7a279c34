#include "app/api/agent_sessions.h"

#include "app/auth.h"
#include "app/rest.h"
#include "lib/model/agent_session_tree.h"
#include "lib/model/audit.h"
#include "lib/model/event.h"

struct input {
	struct agent_progress progress;
	bool success;
	const char *error_message;
	struct text completion_report;
	int64_t cost_nanos;
};

/* As if nothing were given. */
static const struct input nothing = {
	.progress = { .progress = RESOURCE_NONE,
	    .iteration_count = RESOURCE_NONE,
	    .tool_calls_count = RESOURCE_NONE,
	    .tokens_used = RESOURCE_NONE },
	.success = true,
	.cost_nanos = RESOURCE_NONE,
};

#define INPUT(member) .offset = offsetof(struct input, member), .given = JSON_ALWAYS
#define FILES(which) \
	{ \
		.name = "files_" #which, .type = JSON_TEXTS, INPUT(progress.files.which), \
		.max = AGENT_FILES_MAX, .max_item = AGENT_FILE_NAME_MAX, \
		.about = "Added to those told before." \
	}

#define PROGRESS_FIELDS \
	{ .name = "phase", \
		.type = JSON_TEXT, \
		INPUT(progress.phase), \
		.min = 1, \
		.max = AGENT_PHASE_MAX, \
		.about = "EXPLORE, PLAN, SUMMON, COMPLETE, or another name of capital letters." }, \
	    { .name = "progress", \
		    .type = JSON_MILLIONTHS, \
		    INPUT(progress.progress), \
		    .max = AGENT_PROGRESS_SCALE, \
		    .about = "From 0 to 1." }, \
	    { .name = "iteration_count", \
		    .type = JSON_INT, \
		    INPUT(progress.iteration_count), \
		    .max = AGENT_COUNT_MAX, \
		    .about = "So far; never falls." }, \
	    { .name = "tool_calls_count", \
		    .type = JSON_INT, \
		    INPUT(progress.tool_calls_count), \
		    .max = AGENT_COUNT_MAX, \
		    .about = "So far; never falls." }, \
	    { .name = "tokens_used", \
		    .type = JSON_INT, \
		    INPUT(progress.tokens_used), \
		    .max = AGENT_TOKENS_MAX, \
		    .about = "So far; never falls. Where the session's records have more, those " \
			     "count." }, \
	    FILES(modified), FILES(created), FILES(deleted)

#define COST_FIELD \
	{ \
		.name = "total_cost_cents", .type = JSON_CENTS, INPUT(cost_nanos), \
		.max = AGENT_COST_MAX, \
		.about = \
		    "What the session cost in all, without those below it. Where its records " \
		    "cost more, they count; what it is beyond them, the owner's credits pay." \
	}

#define REPORT_FIELD \
	{ \
		.name = "completion_report", .type = JSON_OBJECT, INPUT(completion_report), \
		.max = AGENT_REPORT_MAX, .about = "At most 65536 bytes." \
	}

const struct json_field agent_sessions_progress_fields[AGENT_PROGRESS_FIELDS] = { PROGRESS_FIELDS };

const struct json_field agent_sessions_complete_fields[AGENT_PROGRESS_FIELDS + 3] = {
	PROGRESS_FIELDS,
	COST_FIELD,
	REPORT_FIELD,
	{ .name = "success",
	    .type = JSON_BOOL,
	    INPUT(success),
	    .about = "Whether it did what it was to do; true where not given." },
};

const struct json_field agent_sessions_fail_fields[AGENT_PROGRESS_FIELDS + 3] = {
	PROGRESS_FIELDS,
	COST_FIELD,
	REPORT_FIELD,
	{ .name = "error_message",
	    .type = JSON_TEXT,
	    INPUT(error_message),
	    .max = AGENT_ERROR_MAX },
};

void
agent_sessions_fill(struct request *req, void *object)
{
	struct agent_session *session = object;

	/* A key that is bound to a user begins sessions of that user only. */
	if (id_is_nil(session->user))
		session->user = req->task->user;
}

struct done {
	struct agent_session session;
	int64_t cancelled; /* with it, or as it; 0: it was not cancelled */
};

static void
write_done(struct json_out *out, const void *object)
{
	const struct done *done = object;
	const struct agent_session *session = &done->session;

	json_open(out);
	json_id(out, "agent_session_id", session->head.id);
	json_id(out, "user_id", session->user);
	json_text(out, "external_id", session->external_id);
	json_id(out, "root_id", session->root);
	json_text(out, "status", agent_status_names[session->status]);
	json_text(out, "phase", session->phase);
	json_millionths(out, "progress", session->progress);
	json_int(out, "iteration_count", session->iteration_count);
	json_int(out, "tool_calls_count", session->tool_calls_count);
	json_int(out, "tokens_used", session->tokens_used);
	json_cents(out, "total_cost_cents", session->total_cost_nanos);
	if (done->cancelled > 0)
		json_int(out, "cancelled", done->cancelled);
	json_close(out);
}

static void
tell(struct request *req)
{
	const struct done *done = req->done;

	event_tell(req->task, EVENT_AGENT_PROGRESS, done->session.user, done->session.head.id,
	    write_done, done);
}

static struct done *
new_done(struct request *req)
{
	return arena_alloc(req->task->arena, sizeof(struct done));
}

static bool
reply_session(struct request *req, struct reply *reply, const struct done *done)
{
	req->done = done;
	req->committed = tell;
	return rest_reply(reply, 200, &agent_session_resource, &done->session, false);
}

bool
agent_sessions_progress(struct request *req, struct reply *reply)
{
	struct input input = nothing;
	struct done *done = new_done(req);
	struct id id;

	if (!request_id_param(req, 0, &id) || !request_read_body(req, &input))
		return false;
	if (!agent_session_progress(req->task, id, &input.progress, &done->session))
		return false;
	return reply_session(req, reply, done);
}

static bool
end(struct request *req, struct reply *reply, enum agent_status status)
{
	const struct identity *identity = req->identity;
	struct input input = nothing;
	struct done *done = new_done(req);
	struct agent_ending ending;
	struct id id;

	if (!request_id_param(req, 0, &id) || !request_read_body(req, &input))
		return false;
	ending = (struct agent_ending){ .progress = input.progress,
		.status = status,
		.success = status == AGENT_COMPLETED && input.success,
		.error_message = input.error_message,
		.completion_report = input.completion_report,
		.cost_nanos = input.cost_nanos,
		.credits = identity->credits,
		.api_key = identity->lineage,
		.address = req->task->actor->address };
	if (!agent_session_end(req->task, id, &ending, &done->session))
		return false;
	return reply_session(req, reply, done);
}

bool
agent_sessions_complete(struct request *req, struct reply *reply)
{
	return end(req, reply, AGENT_COMPLETED);
}

bool
agent_sessions_fail(struct request *req, struct reply *reply)
{
	return end(req, reply, AGENT_FAILED);
}

static void
write_cancelled(struct json_out *out, const void *count)
{
	json_open(out);
	json_int(out, "cancelled", *(const int64_t *)count);
	json_close(out);
}

bool
agent_sessions_cancel(struct request *req, struct reply *reply)
{
	struct done *done = new_done(req);
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!agent_session_cancel(req->task, id, &done->session, &done->cancelled))
		return false;
	req->done = done;
	req->committed = done->cancelled > 0 ? tell : NULL;
	return reply_json(reply, 200, write_cancelled, &done->cancelled);
}

bool
agent_sessions_tree(struct request *req, struct reply *reply)
{
	struct agent_tree tree;
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!agent_session_tree(req->task, id, &tree))
		return false;
	return reply_json(reply, 200, agent_tree_write, &tree);
}
