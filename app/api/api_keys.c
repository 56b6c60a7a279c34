#include "app/api/api_keys.h"

#include "app/cache.h"
#include "app/etag.h"
#include "app/page.h"
#include "lib/model/auth_token.h"
#include "lib/model/client.h"
#include "lib/model/rate.h"

#define GRACE_DEFAULT_S INT64_C(86400)

struct key_input {
	const char *name;
	struct json_texts scopes;
	struct json_texts allowed_addresses;
	int64_t expires_at; /* 0: not given, as below */
	int64_t rate_limit_per_hour;
	bool no_addresses, no_end, no_rate; /* nulled */
};

#define NAME(is_required) \
	{ \
		.name = "name", .type = JSON_TEXT, .offset = offsetof(struct key_input, name), \
		.given = JSON_ALWAYS, .required = (is_required), .min = 1, \
		.max = AUTH_TOKEN_NAME_MAX \
	}
#define SCOPES(is_required) \
	{ \
		.name = "scopes", .type = JSON_TEXTS, \
		.offset = offsetof(struct key_input, scopes), .given = JSON_ALWAYS, \
		.required = (is_required), .min = 1, .max = SCOPE_CLIENT_COUNT, .max_item = 20, \
		.about = \
		    "What the key may do: names as in each route's x-scope, but not operator." \
	}
#define ADDRESSES(none) \
	{ \
		.name = "allowed_addresses", .type = JSON_TEXTS, \
		.offset = offsetof(struct key_input, allowed_addresses), .given = JSON_ALWAYS, \
		.nulled = offsetof(struct key_input, no_addresses), .min = 1, \
		.max = AUTH_TOKEN_ADDRESSES_MAX, .max_item = ADDRESS_RANGE_TEXT_MAX, \
		.about = "Where the key may be used: ranges of addresses as CIDR writes them. " \
			 "Anywhere " none "." \
	}
#define EXPIRES(none) \
	{ \
		.name = "expires_at", .type = JSON_TIME, \
		.offset = offsetof(struct key_input, expires_at), .given = JSON_ALWAYS, \
		.nulled = offsetof(struct key_input, no_end), .about = "Never " none "." \
	}
#define RATE(none) \
	{ \
		.name = "rate_limit_per_hour", .type = JSON_INT, \
		.offset = offsetof(struct key_input, rate_limit_per_hour), .given = JSON_ALWAYS, \
		.nulled = offsetof(struct key_input, no_rate), .min = 1, .max = RATE_MAX, \
		.about = "How many requests the key may make in each full hour of UTC; the " \
			 "next gets 429. No limit " none "." \
	}

const struct json_field api_keys_add_fields[5] = { NAME(true), SCOPES(true),
	ADDRESSES("where not given"), EXPIRES("where not given"), RATE("where not given") };
const struct json_field api_keys_change_fields[5] = { NAME(false), SCOPES(false),
	ADDRESSES("by null"), EXPIRES("by null"), RATE("by null") };

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

static void
apply(const struct key_input *input, struct auth_token *token)
{
	if (input->name != NULL)
		token->name = input->name;
	if (input->scopes.at != NULL)
		token->scopes = input->scopes;
	if (input->allowed_addresses.at != NULL || input->no_addresses)
		token->allowed_addresses = input->allowed_addresses;
	if (input->expires_at != 0 || input->no_end)
		token->expires_at = input->expires_at;
	if (input->no_rate)
		token->rate_limit_per_hour = RESOURCE_NONE;
	else if (input->rate_limit_per_hour != 0)
		token->rate_limit_per_hour = input->rate_limit_per_hour;
}

static const char *
tag_of(struct request *req, const struct auth_token *token)
{
	struct buf buf = { .arena = req->task->arena };

	resource_write_version(json_out_new(&buf), &auth_token_resource, token);
	return etag_of_text(req->task->arena, buf_text(&buf));
}

static bool
reply_token(struct request *req, struct reply *reply, const struct auth_token *token)
{
	etag_set(reply, tag_of(req, token));
	return reply_json(reply, 200, auth_token_write, token);
}

/* Here it holds from the next request on. */
static void
forget(struct request *req)
{
	struct id id;

	if (request_id_param(req, 1, &id))
		cache_forget_key(req->app->cache, id);
}

bool
api_keys_add(struct request *req, struct reply *reply)
{
	struct auth_token *token = resource_new(req->task, &auth_token_resource);
	struct key_input input = { 0 };

	if (!request_read_body(req, &input) || !enter_active(req))
		return false;
	apply(&input, token);
	if (!resource_add(req->task, &auth_token_resource, token))
		return false;
	return reply_json(reply, 201, auth_token_write_shown, token);
}

bool
api_keys_list(struct request *req, struct reply *reply)
{
	struct list_query query = { 0 };
	const struct auth_token *tokens;
	struct client client;
	struct json_out *out;
	int64_t limit;
	struct id after;
	size_t count, shown_count;

	if (!request_read_query(req, &query) || !enter(req, &client))
		return false;
	if (!page_read(req->task, &query.page, &limit, &after))
		return false;
	if (!auth_token_list_keys(req->task, after, limit + 1, &tokens, &count))
		return false;
	shown_count = count < (size_t)limit ? count : (size_t)limit;
	out = page_begin(reply);
	for (size_t i = 0; i < shown_count; i++)
		auth_token_write(out, &tokens[i]);
	return page_end(reply, out, count > shown_count,
	    shown_count == 0 ? (struct id){ 0 } : resource_id(&tokens[shown_count - 1]));
}

/* The key of the path. */
static bool
find(struct request *req, struct auth_token *ret)
{
	struct client client;
	struct id id;

	return request_id_param(req, 1, &id) && enter(req, &client) &&
	       auth_token_find_key(req->task, id, ret);
}

bool
api_keys_find(struct request *req, struct reply *reply)
{
	struct auth_token token = { 0 };

	return find(req, &token) && reply_token(req, reply, &token);
}

bool
api_keys_change(struct request *req, struct reply *reply)
{
	struct auth_token before = { 0 }, after;
	struct key_input input = { 0 };

	if (!request_read_body(req, &input) || !find(req, &before) ||
	    !resource_find_to_change(
		req->task, &auth_token_resource, resource_id(&before), NULL, &before))
		return false;
	if (!etag_check(req, tag_of(req, &before)))
		return false;
	after = before;
	apply(&input, &after);
	if (!resource_change(req->task, &auth_token_resource, "change", &before, &after))
		return false;
	req->committed = forget;
	return reply_token(req, reply, &after);
}

bool
api_keys_revoke(struct request *req, struct reply *reply)
{
	struct auth_token token = { 0 };

	if (!find(req, &token) || !auth_token_revoke(req->task, resource_id(&token), &token))
		return false;
	req->committed = forget;
	return reply_empty(reply);
}

bool
api_keys_rotate(struct request *req, struct reply *reply)
{
	struct rotate_input input = { GRACE_DEFAULT_S };
	struct auth_token token = { 0 };
	struct id id;

	if (!request_id_param(req, 1, &id))
		return false;
	if (req->body.len > 0 && !request_read_body(req, &input))
		return false;
	if (!enter_active(req))
		return false;
	if (!auth_token_rotate(req->task, id, input.grace_seconds, &token))
		return false;
	req->committed = forget;
	return reply_json(reply, 201, auth_token_write_shown, &token);
}
