#include "lib/model/user_private.h"

#include "lib/seal.h"

#include <assert.h>
#include <string.h>

static const char tier_sql[] = "SELECT tier\n"
			       "FROM users\n"
			       "WHERE client_id = $1 AND id = $2";

static const char end_sessions_sql[] =
    "UPDATE sessions\n"
    "SET revoked_at = $3\n"
    "WHERE client_id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3\n"
    "AND token_hash <> $4";

/* A key is the application's, whoever it is bound to; a deleted user's ends by a trigger. */
static const char end_tokens_sql[] =
    "UPDATE auth_tokens\n"
    "SET is_active = false\n"
    "WHERE client_id = $1 AND user_id = $2 AND is_active AND token_type <> 'api_key'";

/* A person who was erased is welcome again; records alone do not bring them back. */
static const char welcome_sql[] = "DELETE FROM erased_users\n"
				  "WHERE client_id = $1 AND user_hash = erased_hash($1, $2)";

static const char erasing_sql[] = "SELECT id\n"
				  "FROM erasures\n"
				  "WHERE client_id = $1 AND user_id = $2";

const char *const user_statements[] = { tier_sql, end_sessions_sql, end_tokens_sql, welcome_sql,
	erasing_sql, NULL };

static const struct resource_taken taken[] = {
	{ "users_email", "email", "another user has this e-mail address" },
	{ "users_username", "username", "another user has this name" },
	{ "users_oauth", "oauth_id", "another user has this account" },
	{ "users_external_id", "external_id", "another user, maybe a deleted one, has this id" },
	{ "users_pkey", "external_id", "another user, maybe a deleted one, has this id" },
};

struct id
user_id_from_external(struct id client, struct text external_id)
{
	return id_hash(client, external_id);
}

enum user_tier
user_tier_of(const char *name)
{
	for (int tier = 0; tier < USER_TIERS; tier++)
		if (strcmp(name, user_tier_names[tier]) == 0)
			return (enum user_tier)tier;
	assert(false && "a tier that the table's check refuses");
	return USER_ANONYMOUS;
}

bool
user_end_sessions(struct task *task, struct id user, const char *kept)
{
	const char *token = kept == NULL ? "" : kept;
	uint8_t *hash = arena_alloc(task->arena, SEAL_HASH_SIZE);
	struct db_params *params = db_params_of(task, user);

	seal_hash((struct text){ token, strlen(token) }, hash);
	db_add_time(params, task->now);
	db_add_bytes(params, (struct text){ (const char *)hash, SEAL_HASH_SIZE });
	return db_query(task, end_sessions_sql, params, NULL) &&
	       db_query(task, end_tokens_sql, db_params_of(task, user), NULL);
}

static bool
other_password(const struct user *before, const struct user *after)
{
	return after->password_hash != NULL &&
	       (before->password_hash == NULL ||
		   strcmp(before->password_hash, after->password_hash) != 0);
}

/* A deletion, a change of the account's status to any but active, another password: whoever sets
 * that by lib/model/password.h says which session goes on. */
static bool
ends_sessions(const char *action, const struct user *before, const struct user *after)
{
	if (strcmp(action, "remove") == 0)
		return true;
	if (before == NULL)
		return false;
	if (before->account_status == USER_ACTIVE && after->account_status != USER_ACTIVE)
		return true;
	return strcmp(action, "change") == 0 && other_password(before, after);
}

/* Whoever asks for it while the jobs are at it would keep half a user. */
static bool
check_not_erased(struct task *task, struct id id)
{
	struct db_rows *rows;

	if (!db_query(task, erasing_sql, db_params_of(task, id), &rows))
		return false;
	return db_count(rows) == 0 ||
	       task_fail(task, ERR_CONFLICT, "The user's erasure was asked for.");
}

static bool
stored(struct task *task, const char *action, const void *before, const void *after)
{
	if (strcmp(action, "restore") == 0)
		return check_not_erased(task, resource_id(after));
	return !ends_sessions(action, before, after) ||
	       user_end_sessions(task, resource_id(after), NULL);
}

bool
user_find_tier(struct task *task, struct id id, bool *ret_found, enum user_tier *ret_tier)
{
	struct db_rows *rows;

	if (!db_query(task, tier_sql, db_params_of(task, id), &rows))
		return false;
	*ret_found = db_count(rows) > 0;
	*ret_tier = *ret_found ? user_tier_of(db_text(rows, 0, 0)) : USER_ANONYMOUS;
	return true;
}

static bool
check(struct task *task, const void *before, void *after)
{
	const struct user *user = after;

	if (!user_check(task, before, after))
		return false;
	return before != NULL || user->external_id == NULL ||
	       db_query(task, welcome_sql, db_params_of(task, user->head.id), NULL);
}

static struct resource_statements statements;

const struct resource user_resource = {
	.table = "users",
	.one = "user",
	.size = sizeof(struct user),
	.defaults = &(
	    const struct user){ .tier = USER_FREE, .timezone = "UTC", .preferences = { "{}", 2 } },
	.fields = user_fields,
	.count = USER_FIELDS,
	.taken = taken,
	.taken_count = COUNT(taken),
	.statements = &statements,
	.soft = true,
	.check = check,
	.stored = stored,
};
