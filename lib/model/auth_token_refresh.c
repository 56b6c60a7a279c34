#include "lib/model/auth_token_refresh.h"

#include "lib/clock.h"
#include "lib/model/audit.h"
#include "lib/model/auth_token_private.h"
#include "lib/seal.h"

#include <string.h>

static const char find_sql[] =
    "SELECT id, coalesce(lineage_id, id), token_hash, user_id, maker_id\n"
    "FROM auth_tokens\n"
    "WHERE public_id = $2 AND client_id = $1\n"
    "AND token_type = 'jwt_refresh'";

static const char end_sessions_sql[] =
    "UPDATE auth_tokens\n"
    "SET is_active = false\n"
    "WHERE client_id = $1 AND lineage_id = $2 AND token_type = 'session' AND is_active";

const char *const auth_token_refresh_statements[] = { find_sql, end_sessions_sql, NULL };

static bool
refuse(struct task *task)
{
	return task_fail(task, ERR_UNAUTHENTICATED, AUTH_TOKEN_NO_REFRESH);
}

/* With its user, its maker and its line locked, in the order in which all do so. */
static bool
find(struct task *task, const struct auth_token_parts *parts, struct auth_token *ret)
{
	struct db_params *params = db_params(task);
	uint8_t hash[SEAL_HASH_SIZE];
	struct db_rows *rows;
	bool may;

	db_add_id(params, task->client);
	db_add_text(params, parts->public_id);
	if (!db_query(task, find_sql, params, &rows))
		return false;
	seal_hash((struct text){ parts->secret, strlen(parts->secret) }, hash);
	if (db_count(rows) == 0 || !seal_equal(hash, db_bytes(rows, 0, 2).at, sizeof hash))
		return refuse(task);
	if (!auth_token_lock_user(task, db_id(rows, 0, 3), AUTH_TOKEN_JWT_REFRESH, &may))
		return false;
	if (may && !auth_token_lock_maker(task, db_id(rows, 0, 4), &may))
		return false;
	if (!may)
		return refuse(task);
	return auth_token_lock_line(task, db_id(rows, 0, 1)) &&
	       resource_find_to_change(task, &auth_token_resource, db_id(rows, 0, 0), NULL, ret);
}

/* A token of the line like the one before it. */
static bool
add(struct task *task, const struct auth_token *before, enum auth_token_type type,
    int64_t expires_at, struct auth_token *ret)
{
	*ret = *before;
	ret->head = (struct resource_head){ 0 };
	ret->type = (int)type;
	ret->expires_at = expires_at;
	ret->last_used_at = ret->usage_count = 0;
	ret->last_used_ip = NULL;
	return resource_add(task, &auth_token_resource, ret);
}

/* Its use is its last. */
static bool
use_up(struct task *task, const struct auth_token *before, struct id next)
{
	struct auth_token after = *before;

	after.active = false;
	after.rotated_to = next;
	return resource_change(task, &auth_token_resource, "refresh", before, &after);
}

static int64_t
until(const struct task *task, int64_t seconds, int64_t last)
{
	int64_t end = task->now + seconds * CLOCK_SECOND;

	return end < last ? end : last;
}

static bool
give(struct task *task, const struct auth_token *before,
    const struct auth_token_lifetimes *lifetimes, struct auth_token_pair *ret)
{
	int64_t session_until = until(task, lifetimes->session_s, lifetimes->last);
	int64_t refresh_until = until(task, lifetimes->refresh_s, lifetimes->last);

	return db_query(task, end_sessions_sql, db_params_of(task, before->lineage), NULL) &&
	       add(task, before, AUTH_TOKEN_JWT_REFRESH, refresh_until, &ret->refresh) &&
	       add(task, before, AUTH_TOKEN_SESSION, session_until, &ret->session) &&
	       use_up(task, before, resource_id(&ret->refresh));
}

/* Whoever goes on asking tells nothing new. */
static bool
end_line(struct task *task, const struct auth_token *used)
{
	const struct text none = { 0 };
	int64_t revoked;

	return auth_token_revoke_line(task, used->lineage, &revoked) &&
	       (revoked == 0 || audit_add(task, "reuse", "auth_tokens", used->head.id, none,
				    audit_json(task, auth_token_write, used)));
}

bool
auth_token_refresh(struct task *task, struct text token,
    const struct auth_token_lifetimes *lifetimes, bool *ret_reused, struct auth_token_pair *ret)
{
	struct auth_token_parts *parts = arena_alloc(task->arena, sizeof *parts);
	struct auth_token before = { 0 };

	*ret_reused = false;
	if (auth_token_parse(token, parts) != AUTH_TOKEN_KEY)
		return refuse(task);
	if (!find(task, parts, &before))
		return false;
	*ret_reused = !id_is_nil(before.rotated_to);
	if (*ret_reused)
		return end_line(task, &before);
	if (!before.active || before.expires_at <= task->now)
		return refuse(task);
	return give(task, &before, lifetimes, ret);
}
