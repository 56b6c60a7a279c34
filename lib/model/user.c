#include "lib/model/user.h"

#include "lib/model/audit.h"
#include "lib/model/user_private.h"

#include <assert.h>
#include <string.h>

static const char insert_sql[] =
    "INSERT INTO users (client_id, id, external_id, email, password_hash, tier, email_verified, "
    "oauth_provider, oauth_id)\n"
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)\n"
    "RETURNING " USER_COLUMNS;

static const char find_sql[] = "SELECT " USER_COLUMNS "\n"
			       "FROM users\n"
			       "WHERE client_id = $1 AND id = $2 AND deleted_at IS NULL";

static const char lock_sql[] = "SELECT " USER_COLUMNS "\n"
			       "FROM users\n"
			       "WHERE client_id = $1 AND id = $2 AND deleted_at IS NULL\n"
			       "FOR NO KEY UPDATE";

static const char lock_deleted_sql[] =
    "SELECT " USER_COLUMNS "\n"
    "FROM users\n"
    "WHERE client_id = $1 AND id = $2 AND deleted_at IS NOT NULL\n"
    "FOR NO KEY UPDATE";

static const char update_sql[] = "UPDATE users\n"
				 "SET email = COALESCE($3, email),\n"
				 "password_hash = COALESCE($4, password_hash),\n"
				 "tier = COALESCE($5, tier),\n"
				 "email_verified = COALESCE($6, email_verified),\n"
				 "oauth_provider = COALESCE($7, oauth_provider),\n"
				 "oauth_id = COALESCE($8, oauth_id)\n"
				 "WHERE client_id = $1 AND id = $2 AND deleted_at IS NULL\n"
				 "RETURNING " USER_COLUMNS;

static const char delete_sql[] = "UPDATE users\n"
				 "SET deleted_at = $3\n"
				 "WHERE client_id = $1 AND id = $2 AND deleted_at IS NULL\n"
				 "RETURNING " USER_COLUMNS;

static const char end_sessions_sql[] =
    "UPDATE sessions\n"
    "SET revoked_at = $3\n"
    "WHERE client_id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3";

static const char restore_sql[] = "UPDATE users\n"
				  "SET deleted_at = NULL\n"
				  "WHERE client_id = $1 AND id = $2 AND deleted_at IS NOT NULL\n"
				  "RETURNING " USER_COLUMNS;

const char *const user_statements[] = { insert_sql, find_sql, lock_sql, lock_deleted_sql,
	update_sql, delete_sql, end_sessions_sql, restore_sql, NULL };

/* What a violated constraint says about the caller's fields. */
static const struct {
	const char *constraint;
	const char *field;
	const char *message;
} taken[] = {
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

/* Makes a violated constraint a field that the caller knows. Always false. */
static bool
explain(struct task *task)
{
	const char *constraint = task->err.constraint;

	if (task->err.code != ERR_CONFLICT || constraint == NULL)
		return false;
	for (size_t i = 0; i < COUNT(taken); i++) {
		if (strcmp(constraint, taken[i].constraint) != 0)
			continue;
		task_clear_error(task);
		task_fail(task, ERR_CONFLICT, "Another user has the same %s.", taken[i].field);
		task->err.fields[0] = (struct err_field){ taken[i].field, taken[i].message };
		task->err.field_count = 1;
		return false;
	}
	return false;
}

static bool
audit(struct task *task, const char *action, const struct user *before, const struct user *after)
{
	const struct text none = { 0 };

	return audit_add(task, action, "users", after->id,
	    before == NULL ? none : audit_json(task, user_write, before),
	    audit_json(task, user_write, after));
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
check_input(struct task *task, const struct user_input *input)
{
	if (input->email != NULL && !is_email(input->email))
		task_fail_field(task, "email", "must be an e-mail address");
	if (input->oauth_provider != NULL && input->oauth_id == NULL)
		task_fail_field(task, "oauth_id", "must be given with oauth_provider");
	if (input->oauth_id != NULL && input->oauth_provider == NULL)
		task_fail_field(task, "oauth_provider", "must be given with oauth_id");
	return task->err.code == ERR_NONE;
}

bool
user_add(struct task *task, const struct user_input *input, struct user *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;
	enum user_tier tier = input->has_tier ? (enum user_tier)input->tier : USER_FREE;
	struct text external_id = { input->external_id, 0 };

	check_input(task, input);
	if (input->email == NULL && input->external_id == NULL && input->oauth_id == NULL &&
	    tier != USER_ANONYMOUS)
		task_fail_field(task, "email",
		    "must be given, unless external_id, oauth_id or the tier anonymous is");
	if (task->err.code != ERR_NONE)
		return false;
	if (input->external_id != NULL)
		external_id.len = strlen(input->external_id);
	db_add_id(params, task->client);
	db_add_id(params, input->external_id == NULL
			      ? id_new(task->now)
			      : user_id_from_external(task->client, external_id));
	db_add_text(params, input->external_id);
	db_add_text(params, input->email);
	db_add_text(params, input->password_hash);
	db_add_text(params, user_tier_names[tier]);
	db_add_bool(params, input->email_verified);
	db_add_text(params, input->oauth_provider);
	db_add_text(params, input->oauth_id);
	if (!db_query_one(task, insert_sql, params, &rows))
		return explain(task);
	user_read_row(rows, 0, ret);
	return audit(task, "add", NULL, ret);
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
find(struct task *task, const char *sql, struct id id, struct user *ret)
{
	struct db_rows *rows;

	if (!db_query_one(task, sql, key(task, id), &rows))
		return false;
	user_read_row(rows, 0, ret);
	return true;
}

bool
user_find(struct task *task, struct id id, struct user *ret)
{
	return find(task, find_sql, id, ret);
}

bool
user_change(struct task *task, struct id id, const struct user_input *input, struct user *ret)
{
	struct db_params *params = key(task, id);
	struct db_rows *rows;
	struct user before;

	assert(input->external_id == NULL);
	if (!check_input(task, input))
		return false;
	if (input->email == NULL && input->password_hash == NULL && input->oauth_id == NULL &&
	    !input->has_tier && !input->has_email_verified)
		return user_find(task, id, ret);
	db_add_text(params, input->email);
	db_add_text(params, input->password_hash);
	db_add_text(params, input->has_tier ? user_tier_names[input->tier] : NULL);
	if (input->has_email_verified)
		db_add_bool(params, input->email_verified);
	else
		db_add_null(params);
	db_add_text(params, input->oauth_provider);
	db_add_text(params, input->oauth_id);
	if (!find(task, lock_sql, id, &before))
		return false;
	if (!db_query_one(task, update_sql, params, &rows))
		return explain(task);
	user_read_row(rows, 0, ret);
	return audit(task, "change", &before, ret);
}

bool
user_remove(struct task *task, struct id id, struct user *ret)
{
	struct db_params *params = key(task, id);
	struct db_rows *rows;
	struct user before;

	if (!find(task, lock_sql, id, &before))
		return false;
	db_add_time(params, task->now);
	if (!db_query_one(task, delete_sql, params, &rows))
		return false;
	if (!db_query(task, end_sessions_sql, params, NULL))
		return false;
	user_read_row(rows, 0, ret);
	return audit(task, "remove", &before, ret);
}

bool
user_restore(struct task *task, struct id id, struct user *ret)
{
	struct db_rows *rows;
	struct user before;

	if (!db_query(task, lock_deleted_sql, key(task, id), &rows))
		return false;
	if (db_count(rows) == 0)
		return user_find(task, id, &before) &&
		       task_fail(task, ERR_CONFLICT, "The user is not deleted.");
	user_read_row(rows, 0, &before);
	if (!db_query_one(task, restore_sql, key(task, id), &rows))
		return explain(task);
	user_read_row(rows, 0, ret);
	return audit(task, "restore", &before, ret);
}
