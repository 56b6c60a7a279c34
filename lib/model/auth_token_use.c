#include "lib/model/auth_token_use.h"

#include "lib/model/auth_token.h"

#include <assert.h>
#include <string.h>

static const char present_sql[] = "SELECT set_config('app.token_id', $1, true)";

/* The key's own row says whose client may be seen next. */
static const char enter_sql[] = "SELECT set_config('app.client_id', coalesce(("
				" SELECT client_id::text FROM auth_tokens"
				" WHERE public_id = $1), ''), true)";

static const char find_sql[] =
    "SELECT t.id, t.client_id, t.user_id, t.token_hash, t.scopes, t.expires_at,"
    " t.is_active AND c.deactivated_at IS NULL AND c.deleted_at IS NULL,"
    " c.timezone, c.log_retention_days, t.rate_limit_per_hour,"
    " coalesce(t.lineage_id, t.id), t.allowed_addresses::text[], c.credits"
    " FROM auth_tokens t"
    " JOIN clients c ON c.id = t.client_id"
    " WHERE t.public_id = $1 AND t.token_type IN ('api_key', 'session')";

static const char lineage_sql[] = "SELECT coalesce(lineage_id, id)"
				  " FROM auth_tokens"
				  " WHERE client_id = $1 AND id = $2";

static const char count_sql[] =
    "UPDATE auth_tokens AS t"
    " SET usage_count = t.usage_count + u.count,"
    " last_used_at = greatest(t.last_used_at, u.last_used_at),"
    " last_used_ip = CASE WHEN t.last_used_at > u.last_used_at THEN t.last_used_ip"
    " ELSE coalesce(u.last_used_ip::inet, t.last_used_ip) END"
    " FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[])"
    " AS u (client_id, id, count, last_used_at, last_used_ip)"
    " WHERE t.client_id = coalesce(u.client_id, '00000000-0000-0000-0000-000000000000')"
    " AND t.id = u.id";

const char *const auth_token_use_statements[] = {
	present_sql,
	enter_sql,
	find_sql,
	lineage_sql,
	count_sql,
	NULL,
};

/* A list with a range that cannot be read here allows nothing. */
static bool
read_allowed(const struct db_rows *rows, struct task *task, struct auth_token_presented *ret)
{
	struct json_texts texts;
	struct address_range *ranges;

	if (db_null(rows, 0, 11))
		return true;
	db_texts(rows, 0, 11, task, &texts);
	ret->allowed = ranges = arena_array(task->arena, texts.count, sizeof *ranges);
	ret->allowed_count = texts.count;
	for (size_t i = 0; i < texts.count; i++)
		if (!address_range_parse(texts.at[i], &ranges[i]))
			return task_fail(
			    task, ERR_NOT_FOUND, "The key's addresses are unreadable.");
	return true;
}

static enum client_credits
credits_of(const char *name)
{
	int credits = CLIENT_CREDITS_OFF;

	while (strcmp(client_credits_names[credits], name) != 0)
		credits++;
	return (enum client_credits)credits;
}

static bool
read_row(const struct db_rows *rows, struct task *task, struct auth_token_presented *ret)
{
	struct id client = db_id(rows, 0, 1);
	struct json_texts scopes;

	db_texts(rows, 0, 4, task, &scopes);
	*ret = (struct auth_token_presented){
		.id = db_id(rows, 0, 0),
		.client = client,
		.user = db_id(rows, 0, 2),
		.scopes = auth_token_scopes(scopes, client),
		.expires_at = db_null(rows, 0, 5) ? INT64_MAX : db_time(rows, 0, 5),
		.active = db_bool(rows, 0, 6),
		.timezone = db_text(rows, 0, 7),
		.log_retention_days = db_int(rows, 0, 8),
		.rate_limit_per_hour = db_int(rows, 0, 9),
		.lineage = db_id(rows, 0, 10),
		.credits = credits_of(db_text(rows, 0, 12)),
	};
	memcpy(ret->hash, db_bytes(rows, 0, 3).at, sizeof ret->hash);
	return read_allowed(rows, task, ret);
}

bool
auth_token_find_presented(
    struct task *task, const char *public_id, struct auth_token_presented *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows[3];

	assert(!task->db);
	db_add_text(params, public_id);
	const struct db_step steps[] = {
		{ present_sql, params },
		{ enter_sql, params },
		{ find_sql, params },
	};
	if (!db_pipeline_commit(task, steps, COUNT(steps), rows, NULL))
		return false;
	if (db_count(rows[2]) == 0)
		return task_fail(task, ERR_NOT_FOUND, "There is no such key.");
	return read_row(rows[2], task, ret);
}

bool
auth_token_find_lineage(struct task *task, struct id id, bool *ret_found, struct id *ret_lineage)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, id);
	if (!db_query(task, lineage_sql, params, &rows))
		return false;
	*ret_found = db_count(rows) > 0;
	if (*ret_found)
		*ret_lineage = db_id(rows, 0, 0);
	return true;
}

static void
add_address(struct db_array *array, const char *address)
{
	if (address[0] == '\0')
		db_array_null(array);
	else
		db_array_text(array, (struct text){ address, strlen(address) });
}

bool
auth_token_count_uses(struct task *task, const struct auth_token_use *uses, size_t count)
{
	struct db_params *params = db_params(task);
	struct id *clients = arena_array(task->arena, count, sizeof *clients);
	struct db_array *columns[5];

	assert(count <= AUTH_TOKEN_USES_MAX && !task->db);
	if (count == 0)
		return true;
	columns[0] = db_add_array(params, DB_ARRAY_ID);
	columns[1] = db_add_array(params, DB_ARRAY_ID);
	columns[2] = db_add_array(params, DB_ARRAY_INT);
	columns[3] = db_add_array(params, DB_ARRAY_TIME);
	columns[4] = db_add_array(params, DB_ARRAY_TEXT);
	for (size_t i = 0; i < count; i++) {
		clients[i] = uses[i].client;
		db_array_id(columns[0], uses[i].client);
		db_array_id(columns[1], uses[i].id);
		db_array_int(columns[2], uses[i].count);
		db_array_time(columns[3], uses[i].last_used_at);
		add_address(columns[4], uses[i].last_used_ip);
	}
	db_set_clients(task, clients, count);
	const struct db_step step = { count_sql, params };
	return db_pipeline_commit(task, &step, 1, NULL, NULL);
}
