#include "lib/model/auth_token_private.h"

#include "lib/clock.h"
#include "lib/model/rate.h"

const char *const auth_token_type_names[] = { "api_key", "session", "jwt_refresh", NULL };

static const char revoke_line_sql[] =
    "UPDATE auth_tokens\n"
    "SET is_active = false\n"
    "WHERE client_id = $1 AND (id = $2 OR lineage_id = $2) AND is_active";

/* Who ends a line must not overtake one who goes on with it, whose new tokens it would not see. */
static const char lock_line_sql[] = "SELECT id\n"
				    "FROM auth_tokens\n"
				    "WHERE client_id = $1 AND id = $2\n"
				    "FOR NO KEY UPDATE";

/* Waits for those who make tokens with the key just now, and keeps others from it; as below. */
static const char lock_key_sql[] = "SELECT id\n"
				   "FROM auth_tokens\n"
				   "WHERE client_id = $1 AND id = $2\n"
				   "FOR UPDATE";

static const char revoke_made_sql[] =
    "WITH RECURSIVE makers AS (\n"
    "SELECT $2::uuid AS id\n"
    "UNION\n"
    "SELECT t.id\n"
    "FROM makers AS m\n"
    "JOIN auth_tokens AS t ON t.client_id = $1 AND t.maker_id = m.id\n"
    "WHERE t.token_type = 'api_key'\n"
    "), made AS (\n"
    "SELECT id\n"
    "FROM auth_tokens\n"
    "WHERE client_id = $1 AND maker_id IN (SELECT id FROM makers) AND is_active\n"
    "ORDER BY id\n"
    "FOR UPDATE)\n"
    "UPDATE auth_tokens\n"
    "SET is_active = false\n"
    "WHERE client_id = $1 AND id IN (SELECT id FROM made)";

const char *const auth_token_statements[] = { revoke_line_sql, lock_line_sql, lock_key_sql,
	revoke_made_sql, NULL };

#define AT(member) offsetof(struct auth_token, member)
#define GIVEN (RESOURCE_ADD | RESOURCE_CHANGE)

static const struct resource_field fields[] = {
	{ { .name = "token_type",
	      .type = JSON_CHOICE,
	      .offset = AT(type),
	      .choices = auth_token_type_names },
	    .use = RESOURCE_ADD | RESOURCE_FILTER, .absent = "api_key where not given." },
	{ { .name = "name",
	      .type = JSON_TEXT,
	      .offset = AT(name),
	      .required = true,
	      .min = 1,
	      .max = AUTH_TOKEN_NAME_MAX },
	    .use = GIVEN },
	{ { .name = "user_id",
	      .type = JSON_ID,
	      .offset = AT(user),
	      .about = "Whose it is; a session and a refresh token are "
		       "always somebody's." },
	    .use = RESOURCE_ADD | RESOURCE_FILTER, .absent = "Nobody's where not given." },
	{ { .name = "scopes",
	      .type = JSON_TEXTS,
	      .offset = AT(scopes),
	      .required = true,
	      .min = 1,
	      .max = SCOPE_CLIENT_COUNT,
	      .max_item = 20,
	      .about = "What it may do, by the names of each route's "
		       "x-scope: none that the key itself lacks." },
	    .use = GIVEN },
	{ { .name = "allowed_addresses",
	      .type = JSON_TEXTS,
	      .offset = AT(allowed_addresses),
	      .min = 1,
	      .max = AUTH_TOKEN_ADDRESSES_MAX,
	      .max_item = ADDRESS_RANGE_TEXT_MAX,
	      .about = "Where it may be used: ranges of addresses as "
		       "CIDR writes them." },
	    .use = GIVEN | RESOURCE_CLEAR, .absent = "Anywhere where not given.",
	    .into = "?::cidr[]", .from = "?::text[]" },
	{ { .name = "expires_at", .type = JSON_TIME, .offset = AT(expires_at) },
	    .use = GIVEN | RESOURCE_CLEAR,
	    .absent = "A key never does where not given, the others as the service is set up." },
	{ { .name = "rate_limit_per_hour",
	      .type = JSON_INT,
	      .offset = AT(rate_limit_per_hour),
	      .min = 1,
	      .max = RATE_MAX,
	      .about = "How many requests it may make in each full hour "
		       "of UTC; the next gets 429." },
	    .use = GIVEN | RESOURCE_CLEAR, .absent = "No limit where not given." },
	{ { .name = "user_agent",
	      .type = JSON_TEXT,
	      .offset = AT(user_agent),
	      .max = AUTH_TOKEN_USER_AGENT_MAX },
	    .use = RESOURCE_ADD },
	{ { .name = "public_id", .type = JSON_TEXT, .offset = AT(public_id) }, .use = 0 },
	{ { .name = "active", .type = JSON_BOOL, .offset = AT(active) },
	    .use = RESOURCE_OWN | RESOURCE_FILTER, .column = "is_active" },
	{ { .name = "rotated_to", .type = JSON_ID, .offset = AT(rotated_to) },
	    .use = RESOURCE_OWN },
	{ { .name = "lineage_id", .type = JSON_ID, .offset = AT(lineage) }, .use = 0,
	    .from = "coalesce(?, id)" },
	{ { .name = "maker_id",
	      .type = JSON_ID,
	      .offset = AT(maker),
	      .about =
		  "The key that it was made with, and ends with when that is revoked; null: an "
		  "operator made it." },
	    .use = 0 },
	{ { .name = "last_used_at", .type = JSON_TIME, .offset = AT(last_used_at) },
	    .use = RESOURCE_COUNTED },
	{ { .name = "last_used_ip", .type = JSON_TEXT, .offset = AT(last_used_ip) },
	    .use = RESOURCE_COUNTED, .into = "?::inet", .from = "host(?)" },
	{ { .name = "usage_count", .type = JSON_INT, .offset = AT(usage_count) },
	    .use = RESOURCE_COUNTED },
	{ { .name = "created_ip", .type = JSON_TEXT, .offset = AT(created_ip) }, .use = 0,
	    .into = "?::inet", .from = "host(?)" },
	{ { .name = "token", .type = JSON_TEXT, .offset = AT(token) },
	    .use = RESOURCE_ONCE | RESOURCE_UNKEPT },
	{ { .name = "token_hash", .type = JSON_TEXT, .offset = AT(token_hash) },
	    .use = RESOURCE_SECRET | RESOURCE_ONCE, .into = "decode(?, 'hex')" },
};

enum { BY_TYPE = 1 }; /* of the filters, in their order */

static struct resource_statements statements;

const struct resource auth_token_resource = {
	.table = "auth_tokens",
	.one = "token",
	.size = sizeof(struct auth_token),
	.defaults = &(const struct auth_token){ .rate_limit_per_hour = RESOURCE_NONE },
	.fields = fields,
	.count = COUNT(fields),
	.statements = &statements,
	.stays = true,
	.check = auth_token_check,
};

bool
auth_token_list_keys(struct task *task, struct id after, int64_t limit,
    const struct auth_token **ret, size_t *ret_count)
{
	const struct auth_token values = { .type = AUTH_TOKEN_API_KEY };
	const struct resource_filter filter = {
		.values = &values, .given = BY_TYPE, .after = after, .limit = limit
	};
	void *list;

	if (!resource_list(task, &auth_token_resource, &filter, &list, ret_count))
		return false;
	*ret = list;
	return true;
}

bool
auth_token_find_key(struct task *task, struct id id, struct auth_token *ret)
{
	if (!resource_find(task, &auth_token_resource, id, ret))
		return false;
	return ret->type == AUTH_TOKEN_API_KEY ||
	       task_fail(task, ERR_NOT_FOUND, "There is no such key.");
}

static struct db_params *
key(struct task *task, struct id id)
{
	struct db_params *params = db_params(task);

	db_add_client(params, task->client);
	db_add_id(params, id);
	return params;
}

bool
auth_token_lock_line(struct task *task, struct id line)
{
	return db_query(task, lock_line_sql, key(task, line), NULL);
}

bool
auth_token_revoke_line(struct task *task, struct id lineage, int64_t *ret_revoked)
{
	struct db_rows *rows;

	if (!db_query(task, revoke_line_sql, key(task, lineage), &rows))
		return false;
	*ret_revoked = db_changed(rows);
	return true;
}

/* Again, until nothing is left: a key that ends may have made another token while it was waited
 * for. */
static bool
revoke_made(struct task *task, struct id maker)
{
	struct db_rows *rows;

	do {
		if (!db_query(task, revoke_made_sql, key(task, maker), &rows))
			return false;
	} while (db_changed(rows) > 0);
	return true;
}

/* With its line, in the order in which all do so. */
static bool
lock(struct task *task, const struct auth_token *token)
{
	return auth_token_lock_line(task, token->lineage) &&
	       (token->type != AUTH_TOKEN_API_KEY ||
		   db_query(task, lock_key_sql, key(task, resource_id(token)), NULL));
}

bool
auth_token_revoke(struct task *task, struct id id, struct auth_token *ret)
{
	struct auth_token before = { 0 };
	int64_t revoked;

	if (!resource_find(task, &auth_token_resource, id, ret) || !lock(task, ret) ||
	    !resource_find_to_change(task, &auth_token_resource, id, NULL, &before))
		return false;
	*ret = before;
	ret->active = false;
	if (!resource_change(task, &auth_token_resource, "revoke", &before, ret))
		return false;
	if (before.type == AUTH_TOKEN_API_KEY)
		return revoke_made(task, id);
	return before.type != AUTH_TOKEN_JWT_REFRESH ||
	       auth_token_revoke_line(task, before.lineage, &revoked);
}

/* What the new key rests on, before the old one, as all do; whether it may is looked at where the
 * new one is stored. */
static bool
lock_basis(struct task *task, const struct auth_token *token)
{
	bool may;

	return (id_is_nil(token->user) ||
		   auth_token_lock_user(task, token->user, AUTH_TOKEN_API_KEY, &may)) &&
	       auth_token_lock_maker(task, token->maker, &may);
}

bool
auth_token_rotate(struct task *task, struct id id, int64_t grace_s, struct auth_token *ret)
{
	const int64_t until = task->now + grace_s * CLOCK_SECOND;
	struct auth_token before = { 0 }, after;

	if (!auth_token_find_key(task, id, &before) || !lock_basis(task, &before) ||
	    !resource_find_to_change(task, &auth_token_resource, id, NULL, &before))
		return false;
	if (!before.active || !id_is_nil(before.rotated_to) ||
	    (before.expires_at != 0 && before.expires_at <= task->now))
		return task_fail(task, ERR_CONFLICT,
		    "Only a key that is neither revoked, expired nor rotated can be rotated.");
	*ret = before;
	ret->head = (struct resource_head){ 0 };
	ret->last_used_at = ret->usage_count = 0;
	ret->last_used_ip = NULL;
	if (!resource_add(task, &auth_token_resource, ret))
		return false;
	after = before;
	after.rotated_to = resource_id(ret);
	if (before.expires_at == 0 || before.expires_at > until)
		after.expires_at = until;
	return resource_change(task, &auth_token_resource, "rotate", &before, &after);
}
