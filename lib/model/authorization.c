#include "lib/model/authorization.h"

#include "lib/clock.h"
#include "lib/model/cents_sql.h"
#include "lib/model/chat_log.h"

/* The empty tag stands where budget_scope_read() wants one. */
#define COLUMNS \
	"id, created_at, expires_at, settled_at, settled_by, voided_at, model_pricing_id, " \
	"(held_cents * 10000000)::bigint, held_tokens, (cost_cents * 10000000)::bigint, tags, " \
	"user_id, user_tier, api_key_id, session_id, agent_session_id, feature, provider, model, " \
	"NULL::text, agent_root_id"
#define SCOPE_COLUMN 11
#define LEFT_COLUMN 21 /* behind those */

static const char find_sql[] = "SELECT " COLUMNS "\n"
			       "FROM authorizations\n"
			       "WHERE client_id = $1 AND id = $2 AND created_at = $3";

static const char void_sql[] = "UPDATE authorizations\n"
			       "SET voided_at = $4\n"
			       "WHERE client_id = $1 AND id = $2 AND created_at = $3\n"
			       "AND settled_at IS NULL AND voided_at IS NULL AND expires_at > $4";

/*
 * What is over stays over, and what was granted lives as long as was promised, though the clock of
 * a process be set back: the life that is left is reckoned by the clock of PostgreSQL alone.
 */
#define ENDS_AT "coalesce(granted_at, created_at) + (expires_at - created_at)"
#define IS_HELD "settled_at IS NULL AND voided_at IS NULL AND " ENDS_AT " > statement_timestamp()"

/* Nothing is held longer than AUTHORIZATION_SECONDS_MAX, so $3 and $2 spare older partitions and
 * those that expired long ago. */
static const char list_held_sql[] =
    "SELECT " COLUMNS ",\n"
    "(extract(epoch FROM " ENDS_AT " - statement_timestamp()) * 1000000)::bigint\n"
    "FROM authorizations\n"
    "WHERE client_id = $1 AND id > $2\n"
    "AND created_at >= $3\n"
    "AND " IS_HELD "\n"
    "ORDER BY id\n"
    "LIMIT $4";

static const char sum_held_sql[] =
    "SELECT count(*), least(coalesce(sum(held_cents), 0) * 10000000, " SUM_NANOS_MAX ")::bigint,\n"
    "min(created_at)\n"
    "FROM authorizations\n"
    "WHERE client_id = $1 AND id >= $2\n"
    "AND created_at >= $3\n"
    "AND " IS_HELD;

static const char check_scope_sql[] =
    "SELECT (SELECT tier FROM users WHERE client_id = $1 AND id = $2),\n"
    "(SELECT true FROM sessions WHERE client_id = $1 AND id = $3),\n"
    "(SELECT true FROM agent_sessions WHERE client_id = $1 AND id = $4)";

const char *const authorization_statements[] = { find_sql, void_sql, list_held_sql, sum_held_sql,
	check_scope_sql, NULL };

static const char *const status_names[] = {
	[AUTHORIZATION_HELD] = "held",
	[AUTHORIZATION_SETTLED] = "settled",
	[AUTHORIZATION_VOIDED] = "voided",
	[AUTHORIZATION_EXPIRED] = "expired",
};

enum authorization_status
authorization_status(const struct authorization *authorization, int64_t now)
{
	if (authorization->settled_at != 0)
		return AUTHORIZATION_SETTLED;
	if (authorization->voided_at != 0)
		return AUTHORIZATION_VOIDED;
	return authorization->expires_at > now ? AUTHORIZATION_HELD : AUTHORIZATION_EXPIRED;
}

int64_t
authorization_excess(const struct authorization *authorization)
{
	if (authorization->held_nanos == CHAT_LOG_NONE ||
	    authorization->cost_nanos <= authorization->held_nanos)
		return 0;
	return authorization->cost_nanos - authorization->held_nanos;
}

static void
check_user(struct task *task, const char *tier, bool is_made, struct budget_scope *scope)
{
	if (id_is_nil(scope->user_id))
		return;
	if (tier == NULL && !is_made)
		task_fail_field(task, "user_id", "names no user of this client");
	scope->has_user_tier = true;
	scope->user_tier = (int)(tier == NULL ? USER_ANONYMOUS : user_tier_of(tier));
}

/* Any id will do, but of a key that is bound to a user: it must not add to what others took. */
static bool
names_own_agent_session(const struct task *task, const struct budget_scope *scope)
{
	return !id_is_nil(task->user) && !id_is_nil(scope->agent_session_id);
}

bool
authorization_check_scope(struct task *task, bool user_is_made, struct budget_scope *scope)
{
	struct db_params *params = db_params(task);
	struct db_step step = { .sql = check_scope_sql, .params = params };
	struct db_rows *rows;

	if (id_is_nil(scope->user_id) && id_is_nil(scope->session_id) &&
	    !names_own_agent_session(task, scope))
		return true;
	db_add_id(params, task->client);
	db_add_id(params, scope->user_id);
	db_add_id(params, scope->session_id);
	db_add_id(params, scope->agent_session_id);
	if (!db_pipeline_commit(task, &step, 1, &rows, NULL))
		return false;
	check_user(task, db_text(rows, 0, 0), user_is_made, scope);
	if (!id_is_nil(scope->session_id) && db_null(rows, 0, 1))
		task_fail_field(task, "session_id", "names no session of this client");
	if (names_own_agent_session(task, scope) && db_null(rows, 0, 2))
		task_fail_field(
		    task, "agent_session_id", "names no agent session of the key's user");
	return task->err.code == ERR_NONE;
}

static int64_t
read_number(const struct db_rows *rows, int row, int column)
{
	return db_null(rows, row, column) ? CHAT_LOG_NONE : db_int(rows, row, column);
}

/* 0 where it is NULL. */
static int64_t
read_time(const struct db_rows *rows, int row, int column)
{
	return db_null(rows, row, column) ? 0 : db_time(rows, row, column);
}

static void
read_row(struct task *task, const struct db_rows *rows, int row, struct authorization *ret)
{
	*ret = (struct authorization){
		.id = db_id(rows, row, 0),
		.created_at = db_time(rows, row, 1),
		.expires_at = db_time(rows, row, 2),
		.settled_at = read_time(rows, row, 3),
		.settled_by = db_id(rows, row, 4),
		.voided_at = read_time(rows, row, 5),
		.model_pricing_id = db_id(rows, row, 6),
		.held_nanos = read_number(rows, row, 7),
		.held_tokens = read_number(rows, row, 8),
		.cost_nanos = read_number(rows, row, 9),
	};
	db_texts(rows, row, 10, task, &ret->tags);
	budget_scope_read(rows, row, SCOPE_COLUMN, &ret->scope);
}

/* $1 to $3. */
static bool
add_key(struct task *task, struct db_params *params, struct id id)
{
	/* An id without a time is nobody's: without created_at every partition would be asked. */
	if (!id_is_v7(id))
		return task_fail(task, ERR_NOT_FOUND, "There is nothing with this id.");
	db_add_id(params, task->client);
	db_add_id(params, id);
	db_add_time(params, id_time(id));
	return true;
}

bool
authorization_find(struct task *task, struct id id, struct authorization *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	if (!add_key(task, params, id))
		return false;
	if (!db_query_one(task, find_sql, params, &rows))
		return false;
	read_row(task, rows, 0, ret);
	return true;
}

bool
authorization_void(struct task *task, struct id id, struct authorization *ret)
{
	struct db_params *params = db_params(task);
	struct authorization found;

	if (!add_key(task, params, id))
		return false;
	db_add_time(params, task->now);
	/* Read afterwards: what settles it meanwhile is waited for, and seen. */
	if (!db_query(task, void_sql, params, NULL) || !authorization_find(task, id, &found))
		return false;
	if (found.settled_at != 0)
		return task_fail(task, ERR_CONFLICT, "The authorization is settled.");
	*ret = found;
	return true;
}

/* By any clock: created_at is by that of the process that granted it. */
static int64_t
oldest_held(const struct task *task)
{
	return task->now - 2 * (AUTHORIZATION_SECONDS_MAX * CLOCK_SECOND);
}

bool
authorization_list_held(
    struct task *task, struct id after, int64_t limit, struct authorizations *ret)
{
	int64_t oldest = oldest_held(task);
	struct db_params *params = db_params(task);
	struct authorization *list;
	struct db_rows *rows;
	size_t count;

	if (id_is_nil(after))
		after = chat_log_first_id(oldest);
	db_add_id(params, task->client);
	db_add_id(params, after);
	db_add_time(params, oldest);
	db_add_int(params, limit);
	if (!db_query(task, list_held_sql, params, &rows))
		return false;
	count = (size_t)db_count(rows);
	list = arena_array(task->arena, count, sizeof *list);
	for (size_t i = 0; i < count; i++) {
		read_row(task, rows, (int)i, &list[i]);
		list[i].left_usec = db_int(rows, (int)i, LEFT_COLUMN);
	}
	*ret = (struct authorizations){ list, count };
	return true;
}

bool
authorization_sum_held(struct task *task, struct authorization_sum *ret)
{
	int64_t oldest = oldest_held(task);
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, chat_log_first_id(oldest));
	db_add_time(params, oldest);
	if (!db_query_one(task, sum_held_sql, params, &rows))
		return false;
	*ret = (struct authorization_sum){
		.count = db_int(rows, 0, 0),
		.held_nanos = db_int(rows, 0, 1),
		.oldest_at = read_time(rows, 0, 2),
	};
	return true;
}

static void
write_cents(struct json_out *out, const char *key, int64_t nanos)
{
	if (nanos == CHAT_LOG_NONE)
		json_null(out, key);
	else
		json_cents(out, key, nanos);
}

static void
write_time(struct json_out *out, const char *key, int64_t usec)
{
	if (usec == 0)
		json_null(out, key);
	else
		json_time(out, key, usec);
}

static void
write_scope(struct json_out *out, const struct authorization *authorization)
{
	const struct budget_scope *scope = &authorization->scope;

	json_id(out, "user_id", scope->user_id);
	json_id(out, "session_id", scope->session_id);
	json_id(out, "agent_session_id", scope->agent_session_id);
	json_id(out, "api_key_id", scope->api_key_id);
	json_text(out, "feature", scope->feature);
	json_text(out, "provider", scope->provider);
	json_text(out, "model", scope->model);
	if (authorization->tags.at == NULL)
		json_null(out, "tags");
	else
		json_texts(out, "tags", authorization->tags);
}

void
authorization_write(struct json_out *out, const struct authorization *authorization, int64_t now)
{
	json_id(out, "id", authorization->id);
	json_text(out, "status", status_names[authorization_status(authorization, now)]);
	json_time(out, "created_at", authorization->created_at);
	json_time(out, "expires_at", authorization->expires_at);
	write_cents(out, "held_cents", authorization->held_nanos);
	if (authorization->held_tokens == CHAT_LOG_NONE)
		json_null(out, "held_tokens");
	else
		json_int(out, "held_tokens", authorization->held_tokens);
	json_id(out, "model_pricing_id", authorization->model_pricing_id);
	write_time(out, "settled_at", authorization->settled_at);
	json_id(out, "settled_by", authorization->settled_by);
	write_cents(out, "cost_cents", authorization->cost_nanos);
	json_bool(out, "over_authorized", authorization_excess(authorization) > 0);
	json_cents(out, "excess_cents", authorization_excess(authorization));
	write_time(out, "voided_at", authorization->voided_at);
	write_scope(out, authorization);
}
