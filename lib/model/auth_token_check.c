/* What a token may be: in itself, and by what the key that asks for it may do. */
#include "lib/model/audit.h"
#include "lib/model/auth_token_private.h"
#include "lib/seal.h"

/* A deleted user's row is still there for the foreign key. Locked: who deletes or suspends the user
 * revokes this token, too. */
static const char user_sql[] = "SELECT id\n"
			       "FROM users\n"
			       "WHERE client_id = $1 AND id = $2 AND deleted_at IS NULL\n"
			       "AND (account_status = 'active' OR $3)\n"
			       "FOR SHARE";

/* One that purge has removed was not revoked: what it had made would have ended. Its uses are
 * counted meanwhile. */
static const char maker_sql[] = "SELECT is_active\n"
				"FROM auth_tokens\n"
				"WHERE client_id = $1 AND id = $2\n"
				"FOR KEY SHARE";

const char *const auth_token_check_statements[] = { user_sql, maker_sql, NULL };

bool
auth_token_lock_user(struct task *task, struct id user, enum auth_token_type type, bool *ret_may)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, user);
	db_add_bool(params, type == AUTH_TOKEN_API_KEY);
	if (!db_query(task, user_sql, params, &rows))
		return false;
	*ret_may = db_count(rows) > 0;
	return true;
}

bool
auth_token_lock_maker(struct task *task, struct id maker, bool *ret_may)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	*ret_may = true;
	if (id_is_nil(maker))
		return true;
	db_add_id(params, task->client);
	db_add_id(params, maker);
	if (!db_query(task, maker_sql, params, &rows))
		return false;
	*ret_may = db_count(rows) == 0 || db_bool(rows, 0, 0);
	return true;
}

static uint64_t
allowed_scopes(struct id client)
{
	return id_is_nil(client) ? UINT64_C(1) << SCOPE_OPERATOR : SCOPE_CLIENT_ALL;
}

uint64_t
auth_token_scopes(struct json_texts names, struct id client)
{
	uint64_t scopes = 0;
	enum scope scope;

	for (size_t i = 0; i < names.count; i++)
		if (scope_find(names.at[i], &scope))
			scopes |= UINT64_C(1) << scope;
	return scopes & allowed_scopes(client);
}

struct json_texts
auth_token_scope_names(struct task *task, uint64_t scopes)
{
	const char **names = arena_array(task->arena, SCOPE_OPERATOR + 1, sizeof *names);
	size_t count = 0;

	for (int i = 0; i <= SCOPE_OPERATOR; i++)
		if (scopes & UINT64_C(1) << i)
			names[count++] = scope_names[i];
	return (struct json_texts){ names, count };
}

static void
check_scopes(struct task *task, struct auth_token *token)
{
	uint64_t scopes;

	if (!scope_read(task, token->scopes, &scopes))
		return;
	if (scopes & ~allowed_scopes(task->client))
		task_fail_field(task, "scopes",
		    id_is_nil(task->client) ? "must be operator for an operator's key"
					    : "must not hold operator for a client's key");
	else if (token->grant != NULL && scopes & ~token->grant->scopes)
		task_fail_field(task, "scopes", "must not hold what the key that asks lacks");
	token->scopes = auth_token_scope_names(task, scopes);
}

static void
check_addresses(struct task *task, const struct auth_token *token)
{
	const struct auth_token_grant *grant = token->grant;
	bool limited = grant != NULL && grant->allowed != NULL;
	struct address_range range;

	if (token->allowed_addresses.at == NULL) {
		if (limited)
			task_fail_field(task, "allowed_addresses",
			    "must be given: the key that asks may not be used from everywhere");
		return;
	}
	for (size_t i = 0; i < token->allowed_addresses.count; i++) {
		if (!address_range_parse(token->allowed_addresses.at[i], &range))
			task_fail_field(task, "allowed_addresses",
			    "must hold ranges like 192.0.2.0/24 or 2001:db8::/32");
		else if (limited && !address_range_in(&range, grant->allowed, grant->allowed_count))
			task_fail_field(task, "allowed_addresses",
			    "must lie in the ranges of the key that asks");
	}
}

static void
check_expiry(struct task *task, const struct auth_token *token)
{
	int64_t last = token->grant != NULL ? token->grant->expires_at : INT64_MAX;

	if (token->expires_at == 0 && token->type != AUTH_TOKEN_API_KEY)
		task_fail_field(task, "expires_at", "must be given unless it is an API key");
	else if (token->expires_at != 0 && token->expires_at <= task->now)
		task_fail_field(task, "expires_at", "must be in the future");
	else if (last != INT64_MAX && (token->expires_at == 0 || token->expires_at > last))
		task_fail_field(
		    task, "expires_at", "must not be later than that of the key that asks");
}

static void
check_rate(struct task *task, const struct auth_token *token)
{
	int64_t most = token->grant != NULL ? token->grant->rate_limit_per_hour : 0;

	if (most > 0 &&
	    (token->rate_limit_per_hour == RESOURCE_NONE || token->rate_limit_per_hour > most))
		task_fail_field(
		    task, "rate_limit_per_hour", "must not be more than that of the key that asks");
}

static bool
check_user(struct task *task, const struct auth_token *token)
{
	enum auth_token_type type = (enum auth_token_type)token->type;
	bool may;

	if (token->grant != NULL && !id_is_nil(token->grant->user) &&
	    !id_equal(token->user, token->grant->user))
		return task_fail_field(task, "user_id", "must be the user of the key that asks");
	if (id_is_nil(token->user))
		return token->type == AUTH_TOKEN_API_KEY ||
		       task_fail_field(task, "user_id", "must be given unless it is an API key");
	return auth_token_lock_user(task, token->user, type, &may) &&
	       (may || task_fail_field(task, "user_id",
			   type == AUTH_TOKEN_API_KEY ? "must be the id of a user"
						      : "must be the id of an active user"));
}

static bool
check_maker(struct task *task, const struct auth_token *token)
{
	bool may;

	return auth_token_lock_maker(task, token->maker, &may) &&
	       (may || task_fail(
			   task, ERR_UNAUTHENTICATED, "The key that asks was revoked meanwhile."));
}

static void
make(struct task *task, struct auth_token *token)
{
	struct auth_token_parts *parts = arena_alloc(task->arena, sizeof *parts);
	char *text = arena_alloc(task->arena, AUTH_TOKEN_KEY_SIZE);
	struct buf hex = { .arena = task->arena };
	uint8_t hash[SEAL_HASH_SIZE];

	auth_token_make(text);
	(void)auth_token_parse((struct text){ text, AUTH_TOKEN_KEY_SIZE - 1 }, parts);
	seal_hash((struct text){ parts->secret, AUTH_TOKEN_KEY_SIZE - 1 }, hash);
	for (size_t i = 0; i < sizeof hash; i++)
		buf_printf(&hex, "%02x", hash[i]);
	token->token = text;
	token->public_id = parts->public_id;
	token->token_hash = hex.at;
	token->active = true;
	token->created_ip = task->actor != NULL ? task->actor->address : NULL;
}

static bool
check_new(struct task *task, struct auth_token *token)
{
	check_scopes(task, token);
	check_addresses(task, token);
	check_expiry(task, token);
	check_rate(task, token);
	make(task, token);
	return check_user(task, token) && check_maker(task, token) && task->err.code == ERR_NONE;
}

static bool
is_within(const struct json_texts *addresses, const struct auth_token_grant *grant)
{
	struct address_range range;

	if (grant->allowed == NULL)
		return true;
	for (size_t i = 0; i < addresses->count; i++)
		if (!address_range_parse(addresses->at[i], &range) ||
		    !address_range_in(&range, grant->allowed, grant->allowed_count))
			return false;
	return addresses->at != NULL;
}

/* Whether whoever has the grant could have made it: in all that it may do, from where, how long and
 * how often. */
static bool
is_granted(const struct auth_token *token, struct id client, const struct auth_token_grant *grant)
{
	int64_t most = grant->rate_limit_per_hour;

	if (auth_token_scopes(token->scopes, client) & ~grant->scopes)
		return false;
	if (!id_is_nil(grant->user) && !id_equal(grant->user, token->user))
		return false;
	if (grant->expires_at != INT64_MAX &&
	    (token->expires_at == 0 || token->expires_at > grant->expires_at))
		return false;
	if (most > 0 &&
	    (token->rate_limit_per_hour == RESOURCE_NONE || token->rate_limit_per_hour > most))
		return false;
	return is_within(&token->allowed_addresses, grant);
}

/* A change must not give back to a token what its maker could not have given, nor more to one that
 * may be used where or when its maker could not use it. */
static bool
check_reach(struct task *task, const struct auth_token *old, const struct auth_token_grant *grant)
{
	return grant == NULL || is_granted(old, task->client, grant) ||
	       task_fail(task, ERR_FORBIDDEN,
		   "A key that may do more than the one that asks can be revoked, but not changed.");
}

bool
auth_token_check(struct task *task, const void *before, void *after)
{
	const struct auth_token *old = before;
	struct auth_token *token = after;

	if (old == NULL)
		return check_new(task, token);
	/* Revoking and rotating are ours. */
	if (token->active != old->active || !id_equal(token->rotated_to, old->rotated_to))
		return true;
	if (!check_reach(task, old, token->grant))
		return false;
	if (token->scopes.at != old->scopes.at)
		check_scopes(task, token);
	if (token->allowed_addresses.at != old->allowed_addresses.at)
		check_addresses(task, token);
	if (token->expires_at != old->expires_at)
		check_expiry(task, token);
	if (token->rate_limit_per_hour != old->rate_limit_per_hour)
		check_rate(task, token);
	return task->err.code == ERR_NONE;
}
