#include "app/api/sessions.h"

#include "app/rest.h"
#include "lib/model/session.h"

#include <string.h>

struct extend_input {
	int64_t expires_in_s;
};

const struct json_field sessions_extend_fields[1] = {
	{ .name = "expires_in_s",
	    .type = JSON_INT,
	    .offset = offsetof(struct extend_input, expires_in_s),
	    .given = JSON_ALWAYS,
	    .required = true,
	    .min = 1,
	    .max = SESSION_LIFETIME_MAX_S,
	    .about = "Seconds from now." },
};

void
sessions_fill(struct request *req, void *object)
{
	struct session *session = object;

	if (session->expires_in_s == RESOURCE_NONE)
		session->expires_in_s = req->app->conf.session_lifetime_s;
	/* A key that is bound to a user opens sessions of that user only. */
	if (id_is_nil(session->user))
		session->user = req->task->user;
}

bool
sessions_current(struct request *req, struct reply *reply)
{
	const char *token = req->session_token == NULL ? "" : req->session_token;
	struct session session;

	if (!session_find_by_token(req->task, (struct text){ token, strlen(token) }, &session))
		return false;
	return rest_reply(reply, 200, &session_resource, &session, false);
}

bool
sessions_extend(struct request *req, struct reply *reply)
{
	struct extend_input input = { 0 };
	struct session session;
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!request_read_body(req, &input))
		return false;
	if (!session_extend(req->task, id, input.expires_in_s, &session))
		return false;
	return rest_reply(reply, 200, &session_resource, &session, false);
}

bool
sessions_revoke(struct request *req, struct reply *reply)
{
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!session_revoke(req->task, id))
		return false;
	return reply_empty(reply);
}

static void
write_revoked(struct json_out *out, const void *count)
{
	json_open(out);
	json_int(out, "revoked", *(const int64_t *)count);
	json_close(out);
}

bool
sessions_revoke_user(struct request *req, struct reply *reply)
{
	int64_t count;
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!session_revoke_user(req->task, id, &count))
		return false;
	return reply_json(reply, 200, write_revoked, &count);
}
