#include "lib/model/session.h"

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/model/keyset.h"
#include "lib/model/user.h"
#include "lib/seal.h"

#include <string.h>

#define COLUMNS "id, user_id, host(ip_address), user_agent, expires_at, revoked_at, created_at"

/* A deleted user's row is still there for the foreign key, so the living are asked for. */
static const char insert_sql[] =
    "INSERT INTO sessions (client_id, id, user_id, token_hash, ip_address, user_agent, expires_at)\n"
    "SELECT $1, $2, $3, $4, $5::inet, $6, $7\n"
    "WHERE $3::uuid IS NULL\n"
    "OR EXISTS (SELECT FROM users WHERE client_id = $1 AND id = $3 AND deleted_at IS NULL)\n"
    "RETURNING " COLUMNS;

static const char find_by_token_sql[] =
    "SELECT " COLUMNS "\n"
    "FROM sessions\n"
    "WHERE client_id = $1 AND token_hash = $2 AND revoked_at IS NULL AND expires_at > $3";

static const char list_sql[] = "SELECT " COLUMNS "\n"
			       "FROM sessions\n"
			       "WHERE client_id = $1 AND id < $2\n"
			       "ORDER BY id DESC\n"
			       "LIMIT $3";

static const char list_by_user_sql[] = "SELECT " COLUMNS "\n"
				       "FROM sessions\n"
				       "WHERE client_id = $1 AND id < $2 AND user_id = $4\n"
				       "ORDER BY id DESC\n"
				       "LIMIT $3";

static const char extend_sql[] =
    "UPDATE sessions\n"
    "SET expires_at = GREATEST(expires_at, $3)\n"
    "WHERE client_id = $1 AND id = $2 AND revoked_at IS NULL AND expires_at > $4\n"
    "RETURNING " COLUMNS;

static const char exists_sql[] = "SELECT id\n"
				 "FROM sessions\n"
				 "WHERE client_id = $1 AND id = $2";

static const char revoke_sql[] = "UPDATE sessions\n"
				 "SET revoked_at = COALESCE(revoked_at, $3)\n"
				 "WHERE client_id = $1 AND id = $2\n"
				 "RETURNING id";

static const char revoke_user_sql[] =
    "UPDATE sessions\n"
    "SET revoked_at = $3\n"
    "WHERE client_id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3";

const char *const session_statements[] = { insert_sql, find_by_token_sql, list_sql,
	list_by_user_sql, extend_sql, exists_sql, revoke_sql, revoke_user_sql, NULL };

static void
read_row(const struct db_rows *rows, int row, struct session *ret)
{
	*ret = (struct session){
		.id = db_id(rows, row, 0),
		.user = db_id(rows, row, 1),
		.ip_address = db_text(rows, row, 2),
		.user_agent = db_text(rows, row, 3),
		.expires_at = db_time(rows, row, 4),
		.revoked_at = db_time(rows, row, 5),
		.created_at = db_time(rows, row, 6),
	};
}

static struct db_params *
key(struct task *task, struct id id)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_id(params, id);
	return params;
}

/* The hash as a parameter must live as long as the task. */
static struct text
hash_token(struct task *task, struct text token)
{
	uint8_t *hash = arena_alloc(task->arena, SEAL_HASH_SIZE);

	seal_hash(token, hash);
	return (struct text){ (const char *)hash, SEAL_HASH_SIZE };
}

bool
session_add(struct task *task, const struct session_input *input, struct session *ret,
    char ret_token[SESSION_TOKEN_SIZE])
{
	struct db_params *params = key(task, id_new(task->now));
	struct db_rows *rows;
	char token[SESSION_TOKEN_SIZE] = SESSION_TOKEN_PREFIX;

	if (input->ip_address != NULL && !address_valid(input->ip_address))
		return task_fail_field(task, "ip_address", "must be an IPv4 or IPv6 address");
	seal_random_base62(token + strlen(SESSION_TOKEN_PREFIX), SESSION_TOKEN_DIGITS);
	db_add_id(params, input->user);
	db_add_bytes(params, hash_token(task, (struct text){ token, SESSION_TOKEN_SIZE - 1 }));
	db_add_text(params, input->ip_address);
	db_add_text(params, input->user_agent);
	db_add_time(params, task->now + input->expires_in_s * CLOCK_SECOND);
	if (!db_query(task, insert_sql, params, &rows))
		return false;
	if (db_count(rows) == 0)
		return task_fail_field(task, "user_id", "must be the id of a user");
	read_row(rows, 0, ret);
	memcpy(ret_token, token, sizeof token);
	return true;
}

bool
session_find_by_token(struct task *task, struct text token, struct session *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_bytes(params, hash_token(task, token));
	db_add_time(params, task->now);
	if (!db_query(task, find_by_token_sql, params, &rows))
		return false;
	if (db_count(rows) == 0)
		return task_fail(task, ERR_UNAUTHENTICATED, "The session token is not valid.");
	read_row(rows, 0, ret);
	return true;
}

bool
session_list(
    struct task *task, struct id user, struct id after, int64_t limit, struct sessions *ret)
{
	struct db_params *params = key(task, keyset_below(after));
	struct db_rows *rows;
	struct session *list;
	int count;

	db_add_int(params, limit);
	if (!id_is_nil(user))
		db_add_id(params, user);
	if (!db_query(task, id_is_nil(user) ? list_sql : list_by_user_sql, params, &rows))
		return false;
	count = db_count(rows);
	list = arena_array(task->arena, (size_t)count, sizeof *list);
	for (int i = 0; i < count; i++)
		read_row(rows, i, &list[i]);
	*ret = (struct sessions){ list, (size_t)count };
	return true;
}

bool
session_extend(struct task *task, struct id id, int64_t expires_in_s, struct session *ret)
{
	struct db_params *params = key(task, id);
	struct db_rows *rows;

	db_add_time(params, task->now + expires_in_s * CLOCK_SECOND);
	db_add_time(params, task->now);
	if (!db_query(task, extend_sql, params, &rows))
		return false;
	if (db_count(rows) == 0)
		return db_query_one(task, exists_sql, key(task, id), NULL) &&
		       task_fail(task, ERR_CONFLICT, "The session has ended.");
	read_row(rows, 0, ret);
	return true;
}

bool
session_revoke(struct task *task, struct id id)
{
	struct db_params *params = key(task, id);

	db_add_time(params, task->now);
	return db_query_one(task, revoke_sql, params, NULL);
}

bool
session_revoke_user(struct task *task, struct id user, int64_t *ret_revoked)
{
	struct db_params *params = key(task, user);
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

void
session_write(struct json_out *out, const struct session *session)
{
	json_id(out, "id", session->id);
	json_id(out, "user_id", session->user);
	json_text(out, "ip_address", session->ip_address);
	json_text(out, "user_agent", session->user_agent);
	json_time(out, "expires_at", session->expires_at);
	if (session->revoked_at == 0)
		json_null(out, "revoked_at");
	else
		json_time(out, "revoked_at", session->revoked_at);
	json_time(out, "created_at", session->created_at);
}
