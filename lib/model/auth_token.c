#include "lib/model/auth_token.h"

#include "lib/clock.h"
#include "lib/model/audit.h"

#include <string.h>

#define NIL "'00000000-0000-0000-0000-000000000000'"
#define COLUMNS \
	"id, client_id, user_id, public_id, token_hash, name, scopes, expires_at, last_used_at," \
	" usage_count, is_active, rotated_to, created_at, rate_limit_per_hour," \
	" coalesce(lineage_id, id)"

static const char add_sql[] =
    "INSERT INTO auth_tokens (client_id, id, public_id, token_hash, name, scopes, expires_at,"
    " user_id, created_ip, rate_limit_per_hour, lineage_id)"
    " VALUES (coalesce($1::uuid, " NIL "), $2, $3, $4, $5, $6, $7::timestamptz, $8, $9::inet,"
    " $10, $11)"
    " RETURNING " COLUMNS;

static const char find_sql[] =
    "SELECT " COLUMNS " FROM auth_tokens"
    " WHERE client_id = coalesce($1::uuid, " NIL ") AND id = $2 AND token_type = 'api_key'";

static const char find_to_change_sql[] =
    "SELECT " COLUMNS " FROM auth_tokens"
    " WHERE client_id = coalesce($1::uuid, " NIL ") AND id = $2 AND token_type = 'api_key'"
    " FOR NO KEY UPDATE";

static const char list_sql[] =
    "SELECT " COLUMNS " FROM auth_tokens"
    " WHERE client_id = coalesce($1::uuid, " NIL ") AND token_type = 'api_key'"
    " AND ($2::uuid IS NULL OR id < $2)"
    " ORDER BY id DESC"
    " LIMIT $3";

static const char revoke_sql[] = "UPDATE auth_tokens"
				 " SET is_active = false"
				 " WHERE client_id = coalesce($1::uuid, " NIL ") AND id = $2"
				 " RETURNING " COLUMNS;

static const char expire_sql[] = "UPDATE auth_tokens"
				 " SET expires_at = least(expires_at, $3), rotated_to = $4"
				 " WHERE client_id = coalesce($1::uuid, " NIL ") AND id = $2"
				 " RETURNING " COLUMNS;

const char *const auth_token_statements[] = {
	add_sql,
	find_sql,
	find_to_change_sql,
	list_sql,
	revoke_sql,
	expire_sql,
	NULL,
};

uint64_t
auth_token_scopes(
    const struct db_rows *rows, int row, int column, struct task *task, struct id client)
{
	struct json_texts names;
	uint64_t scopes = 0;
	enum scope scope;

	db_texts(rows, row, column, task, &names);
	for (size_t i = 0; i < names.count; i++) {
		if (scope_find(names.at[i], &scope))
			scopes |= UINT64_C(1) << scope;
	}
	return scopes & (id_is_nil(client) ? UINT64_C(1) << SCOPE_OPERATOR : SCOPE_CLIENT_ALL);
}

static struct auth_token
read_row(const struct db_rows *rows, int row, struct task *task)
{
	struct id client = db_id(rows, row, 1);
	struct auth_token token = {
		.id = db_id(rows, row, 0),
		.client = client,
		.user = db_id(rows, row, 2),
		.public_id = db_text(rows, row, 3),
		.name = db_text(rows, row, 5),
		.scopes = auth_token_scopes(rows, row, 6, task, client),
		.expires_at = db_null(rows, row, 7) ? INT64_MAX : db_time(rows, row, 7),
		.last_used_at = db_time(rows, row, 8),
		.usage_count = db_int(rows, row, 9),
		.active = db_bool(rows, row, 10),
		.rotated_to = db_id(rows, row, 11),
		.created_at = db_time(rows, row, 12),
		.rate_limit_per_hour = db_int(rows, row, 13),
		.lineage = db_id(rows, row, 14),
	};

	memcpy(token.hash, db_bytes(rows, row, 4).at, sizeof token.hash);
	return token;
}

static bool
query_one(
    struct task *task, const char *sql, const struct db_params *params, struct auth_token *ret)
{
	struct db_rows *rows;

	if (!db_query_one(task, sql, params, &rows))
		return false;
	*ret = read_row(rows, 0, task);
	return true;
}

static bool
find(struct task *task, const char *sql, struct id id, struct auth_token *ret)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_id(params, id);
	return query_one(task, sql, params, ret);
}

bool
auth_token_find(struct task *task, struct id id, struct auth_token *ret)
{
	return find(task, find_sql, id, ret);
}

bool
auth_token_list(struct task *task, struct id after, int64_t limit, struct auth_tokens *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;
	struct auth_token *list;

	db_add_id(params, task->client);
	db_add_id(params, after);
	db_add_int(params, limit);
	if (!db_query(task, list_sql, params, &rows))
		return false;
	ret->count = (size_t)db_count(rows);
	list = arena_array(task->arena, ret->count, sizeof *list);
	for (int i = 0; i < db_count(rows); i++)
		list[i] = read_row(rows, i, task);
	ret->at = list;
	return true;
}

static void
make_key(char key[AUTH_TOKEN_KEY_SIZE], struct auth_token_parts *parts)
{
	char *end = key;

	memcpy(end, AUTH_TOKEN_PREFIX, sizeof AUTH_TOKEN_PREFIX - 1);
	end += sizeof AUTH_TOKEN_PREFIX - 1;
	seal_random_base62(end, AUTH_TOKEN_PUBLIC_DIGITS);
	end += AUTH_TOKEN_PUBLIC_DIGITS;
	*end++ = '_';
	seal_random_base62(end, AUTH_TOKEN_SECRET_DIGITS);
	auth_token_add_check(key);
	(void)auth_token_parse((struct text){ key, AUTH_TOKEN_KEY_SIZE - 1 }, parts);
}

static void
add_scopes(struct task *task, struct db_params *params, uint64_t scopes)
{
	const char **names = arena_array(task->arena, SCOPE_OPERATOR + 1, sizeof *names);
	size_t count = 0;

	for (int i = 0; i <= SCOPE_OPERATOR; i++) {
		if (scopes & UINT64_C(1) << i)
			names[count++] = scope_names[i];
	}
	db_add_texts(params, names, count);
}

/* before: the key that is rotated into it, or NULL. */
static bool
insert(struct task *task, const struct auth_token_input *input, const struct auth_token *before,
    struct auth_token *ret, char ret_key[AUTH_TOKEN_KEY_SIZE])
{
	struct db_params *params = db_params(task);
	struct auth_token_parts *parts = arena_alloc(task->arena, sizeof *parts);
	uint8_t hash[SEAL_HASH_SIZE];

	make_key(ret_key, parts);
	seal_hash((struct text){ ret_key, AUTH_TOKEN_KEY_SIZE - 1 }, hash);
	db_add_id(params, task->client);
	db_add_id(params, id_new(task->now));
	db_add_text(params, parts->public_id);
	db_add_bytes(params, (struct text){ (const char *)hash, sizeof hash });
	db_add_text(params, input->name);
	add_scopes(task, params, input->scopes);
	if (input->expires_at == INT64_MAX)
		db_add_null(params);
	else
		db_add_time(params, input->expires_at);
	db_add_id(params, before ? before->user : (struct id){ 0 });
	db_add_text(params, task->actor ? task->actor->address : NULL);
	if (input->rate_limit_per_hour == 0)
		db_add_null(params);
	else
		db_add_int(params, input->rate_limit_per_hour);
	db_add_id(params, before ? before->lineage : (struct id){ 0 });
	return query_one(task, add_sql, params, ret);
}

static bool
check_input(struct task *task, const struct auth_token_input *input)
{
	uint64_t allowed =
	    id_is_nil(task->client) ? UINT64_C(1) << SCOPE_OPERATOR : SCOPE_CLIENT_ALL;
	bool ok = true;

	if (input->scopes == 0)
		ok = task_fail_field(task, "scopes", "must name at least one scope");
	else if (input->scopes & ~allowed)
		ok = task_fail_field(task, "scopes",
		    id_is_nil(task->client) ? "must be operator for an operator's key"
					    : "must not hold operator for a client's key");
	if (input->expires_at <= task->now)
		ok = task_fail_field(task, "expires_at", "must be in the future");
	return ok;
}

bool
auth_token_add(struct task *task, const struct auth_token_input *input, struct auth_token *ret,
    char ret_key[AUTH_TOKEN_KEY_SIZE])
{
	if (!check_input(task, input))
		return false;
	if (!insert(task, input, NULL, ret, ret_key))
		return false;
	return audit_add(task, "add", "auth_tokens", ret->id, (struct text){ 0 },
	    audit_json(task, auth_token_write, ret));
}

static bool
audit_change(struct task *task, const char *action, const struct auth_token *before,
    const struct auth_token *after)
{
	return audit_add(task, action, "auth_tokens", before->id,
	    audit_json(task, auth_token_write, before), audit_json(task, auth_token_write, after));
}

bool
auth_token_revoke(struct task *task, struct id id, struct auth_token *ret)
{
	struct auth_token before;

	if (!find(task, find_to_change_sql, id, &before))
		return false;
	if (!before.active) {
		*ret = before;
		return true;
	}
	return find(task, revoke_sql, id, ret) && audit_change(task, "revoke", &before, ret);
}

static bool
expire(struct task *task, struct id id, int64_t at, struct id rotated_to, struct auth_token *ret)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_id(params, id);
	db_add_time(params, at);
	db_add_id(params, rotated_to);
	return query_one(task, expire_sql, params, ret);
}

bool
auth_token_rotate(struct task *task, struct id id, int64_t grace_s, struct auth_token *ret,
    char ret_key[AUTH_TOKEN_KEY_SIZE])
{
	struct auth_token before;
	struct auth_token after;

	if (!find(task, find_to_change_sql, id, &before))
		return false;
	if (!before.active || before.expires_at <= task->now || !id_is_nil(before.rotated_to))
		return task_fail(task, ERR_CONFLICT,
		    "Only a key that is neither revoked, expired nor rotated can be rotated.");
	struct auth_token_input input = { before.name, before.scopes, before.expires_at,
		before.rate_limit_per_hour };
	if (!insert(task, &input, &before, ret, ret_key))
		return false;
	if (!expire(task, id, task->now + grace_s * CLOCK_SECOND, ret->id, &after))
		return false;
	return audit_change(task, "rotate", &before, &after);
}
