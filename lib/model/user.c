#include "lib/model/user.h"

#include <assert.h>
#include <string.h>

const char *const user_tier_names[] = { "anonymous", "free", "premium", "enterprise", NULL };

static const char tier_sql[] = "SELECT tier\n"
			       "FROM users\n"
			       "WHERE client_id = $1 AND id = $2";

static const char end_sessions_sql[] =
    "UPDATE sessions\n"
    "SET revoked_at = $3\n"
    "WHERE client_id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3";

const char *const user_statements[] = { tier_sql, end_sessions_sql, NULL };

#define AT(member) offsetof(struct user, member)
#define TEXT(column, most) \
	.name = #column, .type = JSON_TEXT, .offset = AT(column), .min = 1, .max = (most)

/* The folding's collation must not become that of the comparison: the index has the default one. */
#define EMAIL_IS "email_folded = lower(? COLLATE \"und-x-icu\") COLLATE \"default\""

static const struct resource_field fields[] = {
	{ { TEXT(external_id, USER_EXTERNAL_ID_MAX),
	      .about = "The application's own id; records name it as external_user_id." },
	    .use = RESOURCE_ADD | RESOURCE_FILTER },
	{ { .name = "email",
	      .type = JSON_TEXT,
	      .offset = AT(email),
	      .min = 3,
	      .max = USER_EMAIL_MAX,
	      .about = "Unique among the living, whatever the letters' case." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE | RESOURCE_FILTER, .filter = EMAIL_IS },
	{ { TEXT(password_hash, USER_PASSWORD_HASH_MAX),
	      .about = "Kept for the application; never returned." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE | RESOURCE_SECRET },
	{ { .name = "tier", .type = JSON_CHOICE, .offset = AT(tier), .choices = user_tier_names },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE | RESOURCE_FILTER,
	    .absent = "free where not given." },
	{ { .name = "email_verified", .type = JSON_BOOL, .offset = AT(email_verified) },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE },
	{ { TEXT(oauth_provider, USER_OAUTH_PROVIDER_MAX), .with = "oauth_id",
	      .about = "Together with oauth_id." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE | RESOURCE_CLEAR },
	{ { TEXT(oauth_id, USER_OAUTH_ID_MAX), .with = "oauth_provider",
	      .about = "The user's id at the provider." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE | RESOURCE_CLEAR },
};

static const struct resource_taken taken[] = {
	{ "users_email", "email", "another user has this e-mail address" },
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

/* One @ with something before and behind it, and nothing that could break a header or a line. */
static bool
is_email(const char *email)
{
	const char *at = strchr(email, '@');

	if (at == NULL || at == email || at[1] == '\0' || strchr(at + 1, '@') != NULL)
		return false;
	for (const char *c = email; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return false;
	return true;
}

static bool
check(struct task *task, const void *before, void *after)
{
	struct user *user = after;

	if (user->email != NULL && !is_email(user->email))
		task_fail_field(task, "email", "must be an e-mail address");
	if (before == NULL && user->email == NULL && user->external_id == NULL &&
	    user->oauth_id == NULL && user->tier != USER_ANONYMOUS)
		task_fail_field(task, "email",
		    "must be given, unless external_id, oauth_id or the tier anonymous is");
	if (before == NULL && user->external_id != NULL)
		user->head.id = user_id_from_external(
		    task->client, (struct text){ user->external_id, strlen(user->external_id) });
	return task->err.code == ERR_NONE;
}

static struct db_params *
key(struct task *task, struct id id)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_id(params, id);
	return params;
}

static bool
end_sessions(struct task *task, const char *action, const void *before, const void *after)
{
	struct db_params *params = key(task, resource_id(after));

	(void)before;
	if (strcmp(action, "remove") != 0)
		return true;
	db_add_time(params, task->now);
	return db_query(task, end_sessions_sql, params, NULL);
}

bool
user_find_tier(struct task *task, struct id id, bool *ret_found, enum user_tier *ret_tier)
{
	struct db_rows *rows;

	if (!db_query(task, tier_sql, key(task, id), &rows))
		return false;
	*ret_found = db_count(rows) > 0;
	*ret_tier = *ret_found ? user_tier_of(db_text(rows, 0, 0)) : USER_ANONYMOUS;
	return true;
}

static struct resource_statements statements;

const struct resource user_resource = {
	.table = "users",
	.one = "user",
	.size = sizeof(struct user),
	.defaults = &(const struct user){ .tier = USER_FREE },
	.fields = fields,
	.count = COUNT(fields),
	.taken = taken,
	.taken_count = COUNT(taken),
	.statements = &statements,
	.soft = true,
	.check = check,
	.stored = end_sessions,
};
