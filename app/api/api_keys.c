#include "app/api/api_keys.h"

#include "app/page.h"
#include "lib/model/auth_token.h"
#include "lib/model/client.h"
#include "lib/model/rate.h"

#define GRACE_DEFAULT_S INT64_C(86400)

struct add_input {
	const char *name;
	struct json_texts scopes;
	int64_t expires_at;
	int64_t rate_limit_per_hour;
};

const struct json_field api_keys_add_fields[4] = {
	{ .name = "name",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct add_input, name),
	    .given = JSON_ALWAYS,
	    .required = true,
	    .min = 1,
	    .max = AUTH_TOKEN_NAME_MAX },
	{ .name = "scopes",
	    .type = JSON_TEXTS,
	    .offset = offsetof(struct add_input, scopes),
	    .given = JSON_ALWAYS,
	    .required = true,
	    .min = 1,
	    .max = SCOPE_CLIENT_COUNT,
	    .max_item = 20,
	    .about = "What the key may do: names as in each route's x-scope, but not operator." },
	{ .name = "expires_at",
	    .type = JSON_TIME,
	    .offset = offsetof(struct add_input, expires_at),
	    .given = JSON_ALWAYS,
	    .about = "Never where not given." },
	{ .name = "rate_limit_per_hour",
	    .type = JSON_INT,
	    .offset = offsetof(struct add_input, rate_limit_per_hour),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = RATE_MAX,
	    .about =
		"How many requests the key may make in each full hour of UTC; the next gets 429. "
		"No limit where not given." },
};

struct list_query {
	struct page page;
};

const struct json_field api_keys_list_fields[2] = { PAGE_FIELDS(struct list_query, page) };

struct rotate_input {
	int64_t grace_seconds;
};

const struct json_field api_keys_rotate_fields[1] = {
	{ .name = "grace_seconds",
	    .type = JSON_INT,
	    .offset = offsetof(struct rotate_input, grace_seconds),
	    .given = JSON_ALWAYS,
	    .min = 0,
	    .max = AUTH_TOKEN_GRACE_MAX_S,
	    .about = "How long the old key works on; 86400 where not given." },
};

/* From here on the task acts for the client of the path. */
static bool
enter(struct request *req, struct client *ret)
{
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!resource_find(req->task, &client_resource, id, ret))
		return false;
	req->task->client = id;
	return true;
}

static bool
enter_active(struct request *req)
{
	struct client client;

	if (!enter(req, &client))
		return false;
	if (client.deactivated_at != 0)
		return task_fail(req->task, ERR_CONFLICT, "The client is deactivated.");
	return true;
}

bool
api_keys_add(struct request *req, struct reply *reply)
{
	struct add_input input = { .expires_at = INT64_MAX };
	struct auth_token_input token = { 0 };
	struct auth_token_shown shown;

	if (!request_read_body(req, &input) || !enter_active(req))
		return false;
	token.name = input.name;
	token.expires_at = input.expires_at;
	token.rate_limit_per_hour = input.rate_limit_per_hour;
	if (!scope_read(req->task, input.scopes, &token.scopes))
		return false;
	if (!auth_token_add(req->task, &token, &shown.token, shown.key))
		return false;
	return reply_json(reply, 201, auth_token_write_shown, &shown);
}

bool
api_keys_list(struct request *req, struct reply *reply)
{
	struct list_query query = { 0 };
	struct client client;
	struct auth_tokens tokens;
	struct json_out *out;
	int64_t limit;
	struct id after;
	size_t shown;

	if (!request_read_query(req, &query) || !enter(req, &client))
		return false;
	if (!page_read(req->task, &query.page, &limit, &after))
		return false;
	if (!auth_token_list(req->task, after, limit + 1, &tokens))
		return false;
	shown = tokens.count < (size_t)limit ? tokens.count : (size_t)limit;
	out = page_begin(reply);
	for (size_t i = 0; i < shown; i++)
		auth_token_write(out, &tokens.at[i]);
	return page_end(reply, out, tokens.count > shown,
	    shown == 0 ? (struct id){ 0 } : tokens.at[shown - 1].id);
}

bool
api_keys_revoke(struct request *req, struct reply *reply)
{
	struct client client;
	struct auth_token token;
	struct id id;

	if (!request_id_param(req, 1, &id) || !enter(req, &client))
		return false;
	if (!auth_token_revoke(req->task, id, &token))
		return false;
	return reply_empty(reply);
}

bool
api_keys_rotate(struct request *req, struct reply *reply)
{
	struct rotate_input input = { GRACE_DEFAULT_S };
	struct auth_token_shown shown;
	struct id id;

	if (!request_id_param(req, 1, &id))
		return false;
	if (req->body.len > 0 && !request_read_body(req, &input))
		return false;
	if (!enter_active(req))
		return false;
	if (!auth_token_rotate(req->task, id, input.grace_seconds, &shown.token, shown.key))
		return false;
	return reply_json(reply, 201, auth_token_write_shown, &shown);
}
