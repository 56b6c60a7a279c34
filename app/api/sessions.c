#include "app/api/sessions.h"

#include "app/page.h"
#include "lib/model/session.h"

#include <string.h>

#define LIFETIME_FIELD(input, is_required) \
	{ \
		.name = "expires_in_s", .type = JSON_INT, .offset = offsetof(input, expires_in_s), \
		.given = JSON_ALWAYS, .required = (is_required), .min = 1, \
		.max = SESSION_LIFETIME_MAX_S, .about = "Seconds from now." \
	}

const struct json_field sessions_add_fields[4] = {
	{ .name = "user_id",
	    .type = JSON_ID,
	    .offset = offsetof(struct session_input, user),
	    .given = JSON_ALWAYS,
	    .about = "Anonymous where not given." },
	{ .name = "ip_address",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct session_input, ip_address),
	    .given = JSON_ALWAYS,
	    .min = 2,
	    .max = 45,
	    .about = "IPv4 or IPv6." },
	{ .name = "user_agent",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct session_input, user_agent),
	    .given = JSON_ALWAYS,
	    .min = 0,
	    .max = SESSION_USER_AGENT_MAX },
	LIFETIME_FIELD(struct session_input, false),
};

struct list_query {
	struct page page;
	struct id user;
};

const struct json_field sessions_list_fields[3] = {
	{ .name = "user_id",
	    .type = JSON_ID,
	    .offset = offsetof(struct list_query, user),
	    .given = JSON_ALWAYS },
	PAGE_FIELDS(struct list_query, page),
};

struct extend_input {
	int64_t expires_in_s;
};

const struct json_field sessions_extend_fields[1] = {
	LIFETIME_FIELD(struct extend_input, true),
};

static void
write_session(struct json_out *out, const void *session)
{
	json_open(out);
	session_write(out, session);
	json_close(out);
}

struct opened {
	struct session session;
	char token[SESSION_TOKEN_SIZE];
};

static void
write_opened(struct json_out *out, const void *object)
{
	const struct opened *opened = object;

	json_open(out);
	session_write(out, &opened->session);
	json_text(out, "token", opened->token);
	json_close(out);
}

bool
sessions_add(struct request *req, struct reply *reply)
{
	struct session_input input = { .expires_in_s = req->app->conf.session_lifetime_s };
	struct opened opened;

	if (!request_read_body(req, &input))
		return false;
	if (!session_add(req->task, &input, &opened.session, opened.token))
		return false;
	return reply_json(reply, 201, write_opened, &opened);
}

bool
sessions_list(struct request *req, struct reply *reply)
{
	struct list_query query = { 0 };
	struct sessions sessions;
	struct json_out *out;
	struct id after;
	int64_t limit;
	size_t shown;

	if (!request_read_query(req, &query))
		return false;
	if (!page_read(req->task, &query.page, &limit, &after))
		return false;
	if (!session_list(req->task, query.user, after, limit + 1, &sessions))
		return false;
	shown = sessions.count < (size_t)limit ? sessions.count : (size_t)limit;
	out = page_begin(reply);
	for (size_t i = 0; i < shown; i++)
		write_session(out, &sessions.at[i]);
	return page_end(reply, out, sessions.count > shown,
	    shown == 0 ? (struct id){ 0 } : sessions.at[shown - 1].id);
}

bool
sessions_current(struct request *req, struct reply *reply)
{
	const char *token = req->session_token == NULL ? "" : req->session_token;
	struct session session;

	if (!session_find_by_token(req->task, (struct text){ token, strlen(token) }, &session))
		return false;
	return reply_json(reply, 200, write_session, &session);
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
	return reply_json(reply, 200, write_session, &session);
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
