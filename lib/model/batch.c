#include <string.h>

#include "lib/model/batch_private.h"
#include "lib/model/cents_sql.h"
#include "lib/model/credit_book.h"

/*
 * Locks are taken in the order of the clients: shared ones, but those who wait for an exclusive one
 * stand in line between them. Batches are of any size, and a plan for the first few would pass for
 * cheaper than the one for all of them: they would be planned anew each time, which takes longer
 * than to run them.
 */
static const char guard_sql[] =
    "SELECT set_config('plan_cache_mode', 'force_generic_plan', true), counter_guard(array_agg(g.client_id ORDER BY g.client_id), "
    "array_agg(g.epoch ORDER BY g.client_id), "
    "array_agg(g.day ORDER BY g.client_id)) "
    "FROM unnest($1::uuid[], $2::bigint[], $3::date[]) AS g (client_id, epoch, day)";

static const char bypass_sql[] = "SELECT counter_bypass(array_agg(b ORDER BY b)) "
				 "FROM unnest($1::uuid[]) AS b";

/* In the order of their ids, so that two batches cannot wait for each other. */
static const char users_sql[] =
    "INSERT INTO users (client_id, id, external_id, tier) "
    "SELECT DISTINCT ON (r.client_id, r.user_id) "
    "r.client_id, r.user_id, r.external_id, 'anonymous' "
    "FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS r (client_id, user_id, external_id) "
    "ORDER BY r.client_id, r.user_id "
    "ON CONFLICT DO NOTHING";

/* Who is named is known to be there, or made before: should it have gone since, its foreign key
 * refuses the batch, and the next try finds that out. */
#define INSERT_ROWS \
	"INSERT INTO chat_logs (client_id, id, created_at, received_at, api_key_id, " \
	"authorization_id, user_id, session_id, conversation_id, agent_session_id, trace_id, " \
	"span_id, parent_span_id, feature, agent_type, provider, model, input_tokens, " \
	"output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, " \
	"tokens_used, message_length, response_length, estimated_cost_cents, " \
	"verified_cost_cents, model_pricing_id, is_cache_hit, tools_used, tags, success, " \
	"error_message, duration_ms, metadata, user_tier, agent_root_id) " \
	"SELECT r.client_id, r.id, r.created_at, r.received_at, r.api_key_id, " \
	"r.authorization_id, r.user_id, r.session_id, r.conversation_id, r.agent_session_id, " \
	"r.trace_id, r.span_id, r.parent_span_id, r.feature, r.agent_type, r.provider, " \
	"r.model, r.input_tokens, r.output_tokens, r.cached_input_tokens, " \
	"r.cache_write_tokens, r.reasoning_tokens, r.tokens_used, r.message_length, " \
	"r.response_length, r.estimated_nanos * 0.0000001, r.verified_nanos * 0.0000001, " \
	"r.model_pricing_id, r.is_cache_hit, r.tools_used::text[], r.tags::text[], r.success, " \
	"r.error_message, r.duration_ms, r.metadata::jsonb, r.user_tier, " \
	"r.agent_root_id " \
	"FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], " \
	"$5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[], $9::uuid[], $10::uuid[], " \
	"$11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], " \
	"$17::text[], $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[], " \
	"$22::bigint[], $23::bigint[], $24::bigint[], $25::bigint[], $26::bigint[], " \
	"$27::bigint[], $28::uuid[], $29::boolean[], $30::text[], $31::text[], " \
	"$32::boolean[], $33::text[], $34::bigint[], $35::text[], $36::text[], $37::uuid[]) " \
	"AS r (client_id, id, created_at, received_at, api_key_id, authorization_id, user_id, " \
	"session_id, conversation_id, agent_session_id, trace_id, span_id, parent_span_id, " \
	"feature, agent_type, provider, model, input_tokens, output_tokens, " \
	"cached_input_tokens, cache_write_tokens, reasoning_tokens, tokens_used, " \
	"message_length, response_length, estimated_nanos, verified_nanos, model_pricing_id, " \
	"is_cache_hit, tools_used, tags, success, error_message, duration_ms, metadata, " \
	"user_tier, agent_root_id) " \
	"ON CONFLICT DO NOTHING "
static const char insert_sql[] = INSERT_ROWS "RETURNING client_id, id";

/*
 * The same, and each agent session that is named and there gets the sums of what was stored. In the
 * order of the sessions, so that two batches cannot wait for each other.
 */
static const char insert_in_sessions_sql[] =
    "WITH stored AS (" INSERT_ROWS "RETURNING agent_session_id, client_id, id, "
    "coalesce(tokens_used, 0) AS tokens, "
    "coalesce(verified_cost_cents, estimated_cost_cents, 0) * 10000000 AS nanos), "
    "counted AS (INSERT INTO agent_session_usage AS u "
    "(client_id, agent_session_id, calls, cost_nanos, tokens) "
    "SELECT a.client_id, a.id, count(*), least(sum(s.nanos), " SUM_NANOS_MAX ")::bigint, "
    "least(sum(s.tokens), " SUM_NANOS_MAX ")::bigint "
    "FROM stored AS s "
    "JOIN agent_sessions AS a ON a.client_id = s.client_id AND a.id = s.agent_session_id "
    "GROUP BY a.client_id, a.id "
    "ORDER BY a.client_id, a.id "
    "ON CONFLICT (client_id, agent_session_id) DO UPDATE SET "
    "calls = u.calls + excluded.calls, cost_nanos = "
    "least(u.cost_nanos::numeric + excluded.cost_nanos, " SUM_NANOS_MAX ")::bigint, "
    "tokens = least(u.tokens::numeric + excluded.tokens, " SUM_NANOS_MAX ")::bigint) "
    "SELECT client_id, id FROM stored";

static const char mark_sql[] = "INSERT INTO ingest_batches (client_id, id, epoch, late_days) "
			       "SELECT c.client_id, $1, c.epoch, c.late_days::date[] "
			       "FROM unnest($2::uuid[], $3::bigint[], $4::text[]) "
			       "AS c (client_id, epoch, late_days)";

const char *const batch_statements[] = { guard_sql, bypass_sql, users_sql, insert_sql,
	insert_in_sessions_sql, mark_sql, NULL };

/* The steps of one round trip. */
#define STEPS_MAX (8 + CREDIT_STEPS_MAX)

struct steps {
	struct db_step list[STEPS_MAX];
	size_t count;
};

static void
add_step(struct steps *steps, const char *sql, const struct db_params *params)
{
	steps->list[steps->count++] = (struct db_step){ .sql = sql, .params = params };
}

static struct text
text_of(const char *value)
{
	return (struct text){ .at = value, .len = value == NULL ? 0 : strlen(value) };
}

static void
add_number(struct db_array *array, int64_t value)
{
	if (value == CHAT_LOG_NONE)
		db_array_null(array);
	else
		db_array_int(array, value);
}

static void
add_guards(struct task *task, const struct batch *batch, struct steps *steps)
{
	struct db_params *announced = db_params(task), *others = db_params(task);
	struct db_array *clients = db_add_array(announced, DB_ARRAY_ID);
	struct db_array *epochs = db_add_array(announced, DB_ARRAY_INT);
	struct db_array *days = db_add_array(announced, DB_ARRAY_DATE);
	struct db_array *bypassed = db_add_array(others, DB_ARRAY_ID);
	size_t guarded = 0;

	for (size_t i = 0; i < batch->client_count; i++) {
		if (batch->clients[i].announced) {
			db_array_id(clients, batch->clients[i].client);
			db_array_int(epochs, batch->clients[i].epoch);
			db_array_date(days, batch->clients[i].day);
			guarded++;
		} else {
			db_array_id(bypassed, batch->clients[i].client);
		}
	}
	if (guarded > 0)
		add_step(steps, guard_sql, announced);
	if (guarded < batch->client_count)
		add_step(steps, bypass_sql, others);
}

/* Users that are named by the caller's own name. */
struct named_users {
	struct db_array *clients, *ids, *names;
	size_t count;
};

static void
add_user(struct named_users *users, struct id client, struct id user, const char *name)
{
	if (name == NULL)
		return;
	db_array_id(users->clients, client);
	db_array_id(users->ids, user);
	db_array_text(users->names, text_of(name));
	users->count++;
}

static void
add_users(struct task *task, const struct batch *batch, struct steps *steps)
{
	struct db_params *params = db_params(task);
	struct named_users users = { 0 };

	users.clients = db_add_array(params, DB_ARRAY_ID);
	users.ids = db_add_array(params, DB_ARRAY_ID);
	users.names = db_add_array(params, DB_ARRAY_TEXT);
	for (size_t i = 0; i < batch->row_count; i++)
		add_user(&users, batch->rows[i].client, batch->rows[i].log->user_id,
		    batch->rows[i].external_user_id);
	for (size_t i = 0; i < batch->authorization_count; i++)
		add_user(&users, batch->authorizations[i].client,
		    batch->authorizations[i].authorization->scope.user_id,
		    batch->authorizations[i].external_user_id);
	if (users.count > 0)
		add_step(steps, users_sql, params);
}

/* The columns of the log in the order of insert_sql: first those that are ids, times and texts. */
static void
add_row_head(struct db_array *const *a, const struct batch_row *row)
{
	const struct chat_log *log = row->log;
	const char *const texts[] = { log->trace_id, log->span_id, log->parent_span_id,
		log->feature, log->agent_type, log->provider, log->model };

	db_array_id(a[0], row->client);
	db_array_id(a[1], log->id);
	db_array_time(a[2], log->created_at);
	db_array_time(a[3], log->received_at);
	db_array_id(a[4], log->api_key_id);
	db_array_id(a[5], log->authorization_id);
	db_array_id(a[6], log->user_id);
	db_array_id(a[7], log->session_id);
	db_array_id(a[8], log->conversation_id);
	db_array_id(a[9], log->agent_session_id);
	for (size_t i = 0; i < COUNT(texts); i++)
		db_array_text(a[10 + i], text_of(texts[i]));
}

static void
add_row_tail(struct db_array *const *a, const struct batch_row *row)
{
	const struct chat_log *log = row->log;
	const int64_t numbers[] = { log->input_tokens, log->output_tokens, log->cached_input_tokens,
		log->cache_write_tokens, log->reasoning_tokens, log->tokens_used,
		log->message_length, log->response_length, log->estimated_cost_nanos,
		log->verified_cost_nanos };

	for (size_t i = 0; i < COUNT(numbers); i++)
		add_number(a[17 + i], numbers[i]);
	db_array_id(a[27], log->model_pricing_id);
	db_array_bool(a[28], log->is_cache_hit);
	db_array_texts(a[29], &log->tools_used);
	db_array_texts(a[30], &log->tags);
	db_array_bool(a[31], log->success);
	db_array_text(a[32], text_of(log->error_message));
	add_number(a[33], log->duration_ms);
	db_array_text(a[34], log->metadata);
	db_array_text(a[35], text_of(log->user_tier));
	db_array_id(a[36], log->agent_root_id);
}

static void
add_rows(struct task *task, struct batch_row *const *rows, size_t count, struct steps *steps)
{
	static const enum db_array_type types[] = { DB_ARRAY_ID, DB_ARRAY_ID, DB_ARRAY_TIME,
		DB_ARRAY_TIME, DB_ARRAY_ID, DB_ARRAY_ID, DB_ARRAY_ID, DB_ARRAY_ID, DB_ARRAY_ID,
		DB_ARRAY_ID, DB_ARRAY_TEXT, DB_ARRAY_TEXT, DB_ARRAY_TEXT, DB_ARRAY_TEXT,
		DB_ARRAY_TEXT, DB_ARRAY_TEXT, DB_ARRAY_TEXT, DB_ARRAY_INT, DB_ARRAY_INT,
		DB_ARRAY_INT, DB_ARRAY_INT, DB_ARRAY_INT, DB_ARRAY_INT, DB_ARRAY_INT, DB_ARRAY_INT,
		DB_ARRAY_INT, DB_ARRAY_INT, DB_ARRAY_ID, DB_ARRAY_BOOL, DB_ARRAY_TEXT,
		DB_ARRAY_TEXT, DB_ARRAY_BOOL, DB_ARRAY_TEXT, DB_ARRAY_INT, DB_ARRAY_TEXT,
		DB_ARRAY_TEXT, DB_ARRAY_ID };
	struct db_params *params = db_params(task);
	struct db_array *arrays[COUNT(types)];
	bool in_sessions = false;

	for (size_t i = 0; i < COUNT(types); i++)
		arrays[i] = db_add_array(params, types[i]);
	for (size_t i = 0; i < count; i++) {
		if (rows[i]->outcome != BATCH_DUPLICATE)
			continue;
		add_row_head(arrays, rows[i]);
		add_row_tail(arrays, rows[i]);
		in_sessions = in_sessions || !id_is_nil(rows[i]->log->agent_session_id);
	}
	add_step(steps, in_sessions ? insert_in_sessions_sql : insert_sql, params);
}

static void
add_mark(struct task *task, const struct batch *batch, struct steps *steps)
{
	struct db_params *params = db_params(task);
	struct db_array *clients, *epochs, *late;

	db_add_id(params, batch->id);
	clients = db_add_array(params, DB_ARRAY_ID);
	epochs = db_add_array(params, DB_ARRAY_INT);
	late = db_add_array(params, DB_ARRAY_TEXT);
	for (size_t i = 0; i < batch->client_count; i++) {
		db_array_id(clients, batch->clients[i].client);
		db_array_int(epochs, batch->clients[i].epoch);
		db_array_text(late, text_of(batch->clients[i].late_days));
	}
	add_step(steps, mark_sql, params);
}

void
batch_begin(struct task *task, const struct batch *batch)
{
	size_t count = batch->client_count + batch->payer_count;
	struct id *clients = arena_array(task->arena, count, sizeof(*clients));

	for (size_t i = 0; i < batch->client_count; i++)
		clients[i] = batch->clients[i].client;
	for (size_t i = 0; i < batch->payer_count; i++)
		clients[batch->client_count + i] = batch->payers[i];
	db_set_clients(task, clients, count);
}

static void
read_settled(struct batch *batch, const struct db_rows *rows)
{
	batch->over_count = 0;
	for (int i = 0; i < db_count(rows); i++)
		batch->over_count += db_bool(rows, i, 2);
}

/* The places of the answers that are read; STEPS_MAX: not asked. */
struct places {
	size_t insert, settle;
};

static struct places
add_steps(
    struct task *task, struct batch *batch, struct batch_row *const *sorted, struct steps *steps)
{
	struct places places = { STEPS_MAX, STEPS_MAX };

	add_guards(task, batch, steps);
	add_users(task, batch, steps);
	if (batch->row_count > 0) {
		places.insert = steps->count;
		add_rows(task, sorted, batch->row_count, steps);
	}
	if (batch->authorization_count > 0)
		steps->list[steps->count++] = authorization_insert_step(
		    task, batch->authorizations, batch->authorization_count);
	if (batch->settle_count > 0) {
		places.settle = steps->count;
		steps->list[steps->count++] =
		    authorization_settle_step(task, batch->settles, batch->settle_count);
	}
	if (batch->credits != NULL)
		steps->count += credit_steps(task, batch->credits, &steps->list[steps->count]);
	if (batch->client_count > 0)
		add_mark(task, batch, steps);
	return places;
}

bool
batch_store(struct task *task, struct batch *batch, bool commit, bool *ret_unknown)
{
	struct batch_row **sorted = batch_sort(task, batch);
	struct db_rows *rows[STEPS_MAX + 1] = { NULL };
	struct steps steps = { 0 };
	struct places places;
	bool ok;

	*ret_unknown = false;
	places = add_steps(task, batch, sorted, &steps);
	if (commit)
		ok = db_pipeline_commit(task, steps.list, steps.count, rows, ret_unknown);
	else
		ok = db_pipeline(task, steps.list, steps.count, rows);
	if (!ok)
		return false;
	if (batch->row_count > 0)
		batch_read_outcomes(batch, sorted, rows[places.insert]);
	if (places.settle < STEPS_MAX)
		read_settled(batch, rows[places.settle]);
	return true;
}
