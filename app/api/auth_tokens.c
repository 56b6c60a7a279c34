#include "app/api/auth_tokens.h"

#include <string.h>

#include "app/auth.h"
#include "app/cache.h"
#include "lib/clock.h"
#include "lib/model/auth_token_refresh.h"

#define TEXT_MAX 255

struct refresh_input {
	const char *token;
};

const struct json_field auth_tokens_refresh_fields[1] = {
	{ .name = "refresh_token",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct refresh_input, token),
	    .given = JSON_ALWAYS,
	    .required = true,
	    .min = 1,
	    .max = TEXT_MAX,
	    .about = "It is good for this one use: presented again, it ends all that came of it." },
};

static const struct auth_token_grant *
grant_of(const struct request *req)
{
	const struct identity *identity = req->identity;
	struct auth_token_grant *grant = arena_alloc(req->task->arena, sizeof *grant);

	*grant = (struct auth_token_grant){
		.user = identity->user,
		.scopes = identity->scopes,
		.expires_at = identity->expires_at,
		.rate_limit_per_hour = identity->rate_limit_per_hour,
		.allowed = identity->allowed,
		.allowed_count = identity->allowed_count,
	};
	return grant;
}

/* 0: for good. */
static int64_t
lifetime_s(const struct conf *conf, int type)
{
	if (type == AUTH_TOKEN_API_KEY)
		return 0;
	return type == AUTH_TOKEN_SESSION ? conf->access_token_lifetime_s
					  : conf->refresh_token_lifetime_s;
}

void
auth_tokens_fill(struct request *req, void *object)
{
	struct auth_token *token = object;
	int64_t lifetime = lifetime_s(&req->app->conf, token->type);

	token->grant = grant_of(req);
	if (!id_is_nil(resource_id(token)))
		return;
	token->maker = req->identity->key;
	if (token->expires_at != 0 || lifetime == 0)
		return;
	token->expires_at = req->task->now + lifetime * CLOCK_SECOND;
	if (token->expires_at > token->grant->expires_at)
		token->expires_at = token->grant->expires_at;
}

void
auth_tokens_changed(struct request *req)
{
	struct id id;

	if (request_id_param(req, 0, &id))
		cache_forget_key(req->app->cache, id);
}

bool
auth_tokens_revoke(struct request *req, struct reply *reply)
{
	struct auth_token token = { 0 };
	struct id id;

	if (!request_id_param(req, 0, &id) || !auth_token_revoke(req->task, id, &token))
		return false;
	req->committed = auth_tokens_changed;
	return reply_empty(reply);
}

struct given {
	const struct auth_token_pair *pair;
	int64_t now;
};

static int64_t
seconds_left(const struct auth_token *token, int64_t now)
{
	return (token->expires_at - now) / CLOCK_SECOND;
}

/* The members that OAuth 2.0 has (RFC 6749, 5.1), then ours. */
static void
write_given(struct json_out *out, const void *object)
{
	const struct given *given = object;
	const struct auth_token *session = &given->pair->session;
	const struct auth_token *refresh = &given->pair->refresh;

	json_open(out);
	json_text(out, "access_token", session->token);
	json_text(out, "token_type", "Bearer");
	json_int(out, "expires_in", seconds_left(session, given->now));
	json_text(out, "refresh_token", refresh->token);
	json_int(out, "refresh_expires_in", seconds_left(refresh, given->now));
	json_texts(out, "scopes", session->scopes);
	json_id(out, "user_id", session->user);
	json_id(out, "access_token_id", resource_id(session));
	json_id(out, "refresh_token_id", resource_id(refresh));
	json_id(out, "lineage_id", refresh->lineage);
	json_close(out);
}

bool
auth_tokens_refresh(struct request *req, struct reply *reply)
{
	const struct auth_token_lifetimes lifetimes = { req->app->conf.access_token_lifetime_s,
		req->app->conf.refresh_token_lifetime_s, req->identity->expires_at };
	struct auth_token_pair *pair = arena_alloc(req->task->arena, sizeof *pair);
	struct given given = { pair, req->task->now };
	struct refresh_input input = { 0 };
	bool reused;

	if (!request_read_body(req, &input) ||
	    !auth_token_refresh(req->task, (struct text){ input.token, strlen(input.token) },
		&lifetimes, &reused, pair))
		return false;
	/* That the line has ended must stay, though the answer is a failure. */
	if (reused)
		return db_commit(req->task) &&
		       task_fail(req->task, ERR_UNAUTHENTICATED, AUTH_TOKEN_NO_REFRESH);
	return reply_json(reply, 200, write_given, &given);
}
