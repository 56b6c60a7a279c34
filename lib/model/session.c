#include "lib/model/session.h"

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/model/user.h"
#include "lib/seal.h"

#include <string.h>

/* A deleted user's row is still there for the foreign key, so the living are asked for. Locked: who
 * deletes or suspends the user ends this session, too. */
static const char user_sql[] = "SELECT id\n"
			       "FROM users\n"
			       "WHERE client_id = $1 AND id = $2 AND deleted_at IS NULL\n"
			       "AND account_status = 'active'\n"
			       "FOR SHARE";

static const char revoke_user_sql[] =
    "UPDATE sessions\n"
    "SET revoked_at = $3\n"
    "WHERE client_id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3";

const char *const session_statements[] = { user_sql, revoke_user_sql, NULL };

enum { BY_TOKEN };
static const char *const selects[] = {
	[BY_TOKEN] =
	    "WHERE client_id = $1 AND token_hash = $2 AND revoked_at IS NULL AND expires_at > $3",
	NULL,
};

#define AT(member) offsetof(struct session, member)

static const struct resource_field fields[] = {
	{ { .name = "user_id", .type = JSON_ID, .offset = AT(user) },
	    .use = RESOURCE_ADD | RESOURCE_FILTER, .absent = "Anonymous where not given." },
	{ { .name = "ip_address",
	      .type = JSON_TEXT,
	      .offset = AT(ip_address),
	      .min = 2,
	      .max = 45,
	      .about = "IPv4 or IPv6." },
	    .use = RESOURCE_ADD, .into = "?::inet", .from = "host(?)" },
	{ { .name = "user_agent",
	      .type = JSON_TEXT,
	      .offset = AT(user_agent),
	      .max = SESSION_USER_AGENT_MAX },
	    .use = RESOURCE_ADD },
	{ { .name = "expires_in_s",
	      .type = JSON_INT,
	      .offset = AT(expires_in_s),
	      .min = 1,
	      .max = SESSION_LIFETIME_MAX_S,
	      .about = "Seconds from now." },
	    .use = RESOURCE_ADD | RESOURCE_SECRET | RESOURCE_UNKEPT,
	    .absent = "As the service is set up where not given." },
	{ { .name = "expires_at", .type = JSON_TIME, .offset = AT(expires_at) },
	    .use = RESOURCE_OWN },
	{ { .name = "revoked_at", .type = JSON_TIME, .offset = AT(revoked_at) },
	    .use = RESOURCE_OWN },
	{ { .name = "token", .type = JSON_TEXT, .offset = AT(token) },
	    .use = RESOURCE_ONCE | RESOURCE_UNKEPT },
	{ { .name = "token_hash", .type = JSON_TEXT, .offset = AT(token_hash) },
	    .use = RESOURCE_SECRET | RESOURCE_ONCE, .into = "decode(?, 'hex')" },
};

static bool
check_user(struct task *task, struct id user)
{
	struct db_rows *rows;

	if (id_is_nil(user))
		return true;
	if (!db_query(task, user_sql, db_params_of(task, user), &rows))
		return false;
	return db_count(rows) == 1 ||
	       task_fail_field(task, "user_id", "must be the id of an active user");
}

/* As bytes, which must live as long as the task. */
static struct text
hash_token(struct task *task, const char *token, size_t len)
{
	uint8_t *hash = arena_alloc(task->arena, SEAL_HASH_SIZE);

	seal_hash((struct text){ token, len }, hash);
	return (struct text){ (const char *)hash, SEAL_HASH_SIZE };
}

static void
make_token(struct task *task, struct session *session)
{
	struct buf hex = { .arena = task->arena };
	char *token = arena_alloc(task->arena, SESSION_TOKEN_SIZE);
	struct text hash;

	memcpy(token, SESSION_TOKEN_PREFIX, sizeof SESSION_TOKEN_PREFIX - 1);
	seal_random_base62(token + sizeof SESSION_TOKEN_PREFIX - 1, SESSION_TOKEN_DIGITS);
	session->token = token;
	hash = hash_token(task, token, SESSION_TOKEN_SIZE - 1);
	for (size_t i = 0; i < hash.len; i++)
		buf_printf(&hex, "%02x", (unsigned)(unsigned char)hash.at[i]);
	session->token_hash = hex.at;
}

static bool
check(struct task *task, const void *before, void *after)
{
	struct session *session = after;

	if (before != NULL)
		return true;
	if (session->ip_address != NULL && !address_valid(session->ip_address))
		return task_fail_field(task, "ip_address", "must be an IPv4 or IPv6 address");
	session->expires_at = task->now + session->expires_in_s * CLOCK_SECOND;
	make_token(task, session);
	return check_user(task, session->user);
}

bool
session_find_by_token(struct task *task, struct text token, struct session *ret)
{
	struct db_params *params = db_params(task);
	void *found;
	size_t count;

	db_add_id(params, task->client);
	db_add_bytes(params, hash_token(task, token.at, token.len));
	db_add_time(params, task->now);
	if (!resource_select(task, &session_resource, BY_TOKEN, params, &found, &count))
		return false;
	if (count == 0)
		return task_fail(task, ERR_UNAUTHENTICATED, "The session token is not valid.");
	*ret = *(const struct session *)found;
	return true;
}

bool
session_extend(struct task *task, struct id id, int64_t expires_in_s, struct session *ret)
{
	int64_t until = task->now + expires_in_s * CLOCK_SECOND;
	struct session before;

	if (!resource_find_to_change(task, &session_resource, id, NULL, &before))
		return false;
	if (before.revoked_at != 0 || before.expires_at <= task->now)
		return task_fail(task, ERR_CONFLICT, "The session has ended.");
	*ret = before;
	if (until > before.expires_at)
		ret->expires_at = until;
	return resource_change(task, &session_resource, "extend", &before, ret);
}

bool
session_revoke(struct task *task, struct id id)
{
	struct session before, after;

	if (!resource_find_to_change(task, &session_resource, id, NULL, &before))
		return false;
	after = before;
	if (before.revoked_at == 0)
		after.revoked_at = task->now;
	return resource_change(task, &session_resource, "revoke", &before, &after);
}

bool
session_revoke_user(struct task *task, struct id user, int64_t *ret_revoked)
{
	struct db_params *params = db_params_of(task, user);
	struct db_rows *rows;
	struct user living;

	if (!resource_find(task, &user_resource, user, &living))
		return false;
	db_add_time(params, task->now);
	if (!db_query(task, revoke_user_sql, params, &rows))
		return false;
	*ret_revoked = db_changed(rows);
	return true;
}

static struct resource_statements statements;

const struct resource session_resource = {
	.table = "sessions",
	.one = "session",
	.size = sizeof(struct session),
	.defaults = &(const struct session){ .expires_in_s = RESOURCE_NONE },
	.fields = fields,
	.count = COUNT(fields),
	.statements = &statements,
	.selects = selects,
	.stays = true,
	.quiet = true,
	.check = check,
};
