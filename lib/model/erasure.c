#include "lib/model/erasure.h"

#include "lib/model/audit.h"
#include "lib/model/erasure_private.h"
#include "lib/model/keyset.h"

/* Nobody else asks for the same meanwhile; records of the user are not kept waiting. */
static const char lock_sql[] = "SELECT "
			       "FROM users "
			       "WHERE client_id = $1 AND id = $2 "
			       "FOR NO KEY UPDATE";

static const char open_sql[] = "SELECT " ERASURE_COLUMNS " "
			       "FROM erasures e "
			       "WHERE e.client_id = $1 AND e.user_id = $2";

static const char past_sql[] =
    "SELECT " ERASURE_COLUMNS " "
    "FROM erased_users u "
    "JOIN erasures e ON e.client_id = u.client_id AND e.id = u.erasure_id "
    "WHERE u.client_id = $1 AND u.user_hash = erased_hash($1, $2) AND u.erased_at > $3";

static const char delete_sql[] = "UPDATE users "
				 "SET deleted_at = coalesce(deleted_at, $3) "
				 "WHERE client_id = $1 AND id = $2";

static const char end_sessions_sql[] =
    "UPDATE sessions "
    "SET revoked_at = $3 "
    "WHERE client_id = $1 AND user_id = $2 AND revoked_at IS NULL";

static const char end_tokens_sql[] = "UPDATE auth_tokens "
				     "SET is_active = false "
				     "WHERE client_id = $1 AND user_id = $2 AND is_active";

static const char add_sql[] =
    "INSERT INTO erasures AS e "
    "(client_id, id, user_id, origin, api_key_id, request_id, requested_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7) "
    "RETURNING " ERASURE_COLUMNS;

static const char find_sql[] = "SELECT " ERASURE_COLUMNS " "
			       "FROM erasures e "
			       "WHERE e.client_id = $1 AND e.id = $2";

static const char list_sql[] = "SELECT " ERASURE_COLUMNS " "
			       "FROM erasures e "
			       "WHERE e.client_id = $1 AND e.id < $2 "
			       "ORDER BY e.id DESC "
			       "LIMIT $3";

/* The folding's collation must not become that of the comparison: the index has the default one.
 * The deleted are few, and there is no index of theirs by address. */
#define WITH_ADDRESS \
	"SELECT id FROM users " \
	"WHERE client_id = $1 " \
	"AND email_folded = lower($2 COLLATE \"und-x-icu\") COLLATE \"default\" "
static const char email_sql[] = WITH_ADDRESS "AND deleted_at IS NULL "
					     "UNION ALL " WITH_ADDRESS "AND deleted_at > 'epoch' "
					     "LIMIT 2";

const char *const erasure_statements[] = { lock_sql, open_sql, past_sql, delete_sql,
	end_sessions_sql, end_tokens_sql, add_sql, find_sql, list_sql, email_sql, NULL };

static struct db_params *
key_at(struct task *task, struct id id, int64_t instant)
{
	struct db_params *params = db_params_of(task, id);

	db_add_time(params, instant);
	return params;
}

static struct erasure
read_row(const struct db_rows *rows, int row)
{
	return (struct erasure){
		.id = db_id(rows, row, 0),
		.user = db_id(rows, row, 1),
		.origin = db_text(rows, row, 2),
		.api_key = db_id(rows, row, 3),
		.request_id = db_text(rows, row, 4),
		.requested_at = db_time(rows, row, 5),
		.erased_at = db_time(rows, row, 6),
		.finished_at = db_time(rows, row, 7),
		.removed = db_bytes(rows, row, 8),
	};
}

struct erasures
erasure_read_rows(struct task *task, const struct db_rows *rows)
{
	size_t count = (size_t)db_count(rows);
	struct erasure *list = arena_array(task->arena, count, sizeof(*list));

	for (size_t i = 0; i < count; i++)
		list[i] = read_row(rows, (int)i);
	return (struct erasures){ list, count };
}

/* The user is nobody's to use from here on, however long the rest takes. */
static bool
shut(struct task *task, struct id user)
{
	static const struct text none = { 0 };

	return db_query(task, delete_sql, key_at(task, user, task->now), NULL) &&
	       db_query(task, end_sessions_sql, key_at(task, user, task->now), NULL) &&
	       db_query(task, end_tokens_sql, db_params_of(task, user), NULL) &&
	       audit_add(task, "erase", "users", user, none, none);
}

static bool
add(struct task *task, struct id user, const char *origin, struct erasure *ret)
{
	struct db_params *params = db_params_of(task, id_new(task->now));
	struct db_rows *rows;

	db_add_id(params, user);
	db_add_text(params, origin);
	db_add_id(params, task->actor ? task->actor->key : (struct id){ 0 });
	db_add_text(params, task->actor ? task->actor->request_id : NULL);
	db_add_time(params, task->now);
	if (!shut(task, user) || !db_query_one(task, add_sql, params, &rows))
		return false;
	*ret = read_row(rows, 0);
	return true;
}

bool
erasure_request(struct task *task, struct id user, const char *origin, struct erasure *ret)
{
	struct db_params *past = key_at(task, user, task->now - ERASURE_REMEMBERED);
	struct db_rows *rows;

	if (!db_query(task, lock_sql, db_params_of(task, user), &rows))
		return false;
	if (db_count(rows) == 0) {
		if (!db_query_one(task, past_sql, past, &rows))
			return false;
		*ret = read_row(rows, 0);
		return true;
	}
	if (!db_query(task, open_sql, db_params_of(task, user), &rows))
		return false;
	if (db_count(rows) == 0)
		return add(task, user, origin, ret);
	*ret = read_row(rows, 0);
	return true;
}

bool
erasure_find(struct task *task, struct id id, struct erasure *ret)
{
	struct db_rows *rows;

	if (!db_query_one(task, find_sql, db_params_of(task, id), &rows))
		return false;
	*ret = read_row(rows, 0);
	return true;
}

bool
erasure_list(struct task *task, struct id after, int64_t limit, struct erasures *ret)
{
	struct db_params *params = db_params_of(task, keyset_below(after));
	struct db_rows *rows;

	db_add_int(params, limit);
	if (!db_query(task, list_sql, params, &rows))
		return false;
	*ret = erasure_read_rows(task, rows);
	return true;
}

bool
erasure_find_email(struct task *task, const char *email, struct id *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_text(params, email);
	if (!db_query(task, email_sql, params, &rows))
		return false;
	if (db_count(rows) == 0)
		return task_fail(task, ERR_NOT_FOUND, "No user has or had this address.");
	if (db_count(rows) > 1)
		return task_fail(task, ERR_CONFLICT, "Several users have or had this address.");
	*ret = db_id(rows, 0, 0);
	return true;
}

static void
write_time(struct json_out *out, const char *name, int64_t instant)
{
	if (instant == 0)
		json_null(out, name);
	else
		json_time(out, name, instant);
}

void
erasure_write(struct json_out *out, const void *object)
{
	const struct erasure *erasure = object;

	json_open(out);
	json_id(out, "id", erasure->id);
	json_text(out, "origin", erasure->origin);
	json_id(out, "api_key_id", erasure->api_key);
	json_text(out, "request_id", erasure->request_id);
	json_time(out, "requested_at", erasure->requested_at);
	write_time(out, "erased_at", erasure->erased_at);
	write_time(out, "finished_at", erasure->finished_at);
	json_raw(out, "removed", erasure->removed);
	json_close(out);
}
