/* What the write path does to authorizations, for rows of many clients at once. */
#include <string.h>

#include "lib/model/authorization.h"
#include "lib/model/chat_log.h"

/* Their ids are of this batch's own making: they are nowhere yet. */
static const char insert_sql[] =
    "INSERT INTO authorizations (client_id, id, created_at, expires_at, user_id, user_tier, "
    "api_key_id, session_id, agent_session_id, feature, provider, model, tags, held_cents, "
    "held_tokens, model_pricing_id, agent_root_id)\n"
    "SELECT n.client_id, n.id, n.created_at, n.expires_at, n.user_id, n.user_tier, n.api_key_id, "
    "n.session_id, n.agent_session_id, n.feature, n.provider, n.model, n.tags::text[], "
    "n.held_nanos * 0.0000001, n.held_tokens, n.model_pricing_id, n.agent_root_id\n"
    "FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::uuid[], "
    "$6::text[], $7::uuid[], $8::uuid[], $9::uuid[], $10::text[], $11::text[], $12::text[], "
    "$13::text[], $14::bigint[], $15::bigint[], $16::uuid[], $17::uuid[]) "
    "AS n (client_id, id, created_at, expires_at, user_id, user_tier, api_key_id, session_id, "
    "agent_session_id, feature, provider, model, tags, held_nanos, held_tokens, "
    "model_pricing_id, agent_root_id)";

/*
 * Of the records that name an authorization the first that is in the log settles it. They are
 * changed in the order of their ids, so that two batches do not wait for each other; should a plan
 * have another order, the batch that PostgreSQL ends is tried again. The look-up in the log is a
 * lateral with a limit, which the planner cannot answer from a hash of the whole table; the bounds
 * of time spare partitions. No index has a column that is changed here and each page has room, so
 * that the new version of a row stands beside the old one and no index learns of it.
 */
static const char settle_sql[] =
    "UPDATE authorizations AS a\n"
    "SET settled_at = $10, settled_by = due.record, cost_cents = due.cost\n"
    "FROM (\n"
    "SELECT DISTINCT ON (n.client_id, n.id) n.client_id, n.id, n.created_at, n.record, l.cost\n"
    "FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::uuid[], $5::timestamptz[]) "
    "WITH ORDINALITY AS n (client_id, id, created_at, record, record_at, ordinal)\n"
    "CROSS JOIN LATERAL (\n"
    "SELECT COALESCE(verified_cost_cents, estimated_cost_cents) AS cost\n"
    "FROM chat_logs\n"
    "WHERE client_id = n.client_id AND id = n.record AND created_at = n.record_at\n"
    "AND created_at >= $8 AND created_at <= $9\n"
    "AND authorization_id = n.id\n"
    "LIMIT 1) AS l\n"
    "ORDER BY n.client_id, n.id, n.ordinal) AS due\n"
    "WHERE a.client_id = due.client_id AND a.id = due.id AND a.created_at = due.created_at\n"
    "AND a.created_at >= $6 AND a.created_at <= $7\n"
    "AND a.settled_at IS NULL\n"
    "RETURNING a.client_id, a.id, COALESCE(a.cost_cents > a.held_cents, false)";

const char *const authorization_step_statements[] = { insert_sql, settle_sql, NULL };

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

/* The columns in the order of insert_sql. */
static void
add_row(struct db_array *const *a, const struct authorization_row *row)
{
	const struct authorization *authorization = row->authorization;
	const struct budget_scope *scope = &authorization->scope;

	db_array_id(a[0], row->client);
	db_array_id(a[1], authorization->id);
	db_array_time(a[2], authorization->created_at);
	db_array_time(a[3], authorization->expires_at);
	db_array_id(a[4], scope->user_id);
	db_array_text(
	    a[5], text_of(scope->has_user_tier ? user_tier_names[scope->user_tier] : NULL));
	db_array_id(a[6], scope->api_key_id);
	db_array_id(a[7], scope->session_id);
	db_array_id(a[8], scope->agent_session_id);
	db_array_text(a[9], text_of(scope->feature));
	db_array_text(a[10], text_of(scope->provider));
	db_array_text(a[11], text_of(scope->model));
	db_array_texts(a[12], &authorization->tags);
	add_number(a[13], authorization->held_nanos);
	add_number(a[14], authorization->held_tokens);
	db_array_id(a[15], authorization->model_pricing_id);
	db_array_id(a[16], scope->agent_root_id);
}

struct db_step
authorization_insert_step(struct task *task, const struct authorization_row *rows, size_t count)
{
	static const enum db_array_type types[] = { DB_ARRAY_ID, DB_ARRAY_ID, DB_ARRAY_TIME,
		DB_ARRAY_TIME, DB_ARRAY_ID, DB_ARRAY_TEXT, DB_ARRAY_ID, DB_ARRAY_ID, DB_ARRAY_ID,
		DB_ARRAY_TEXT, DB_ARRAY_TEXT, DB_ARRAY_TEXT, DB_ARRAY_TEXT, DB_ARRAY_INT,
		DB_ARRAY_INT, DB_ARRAY_ID, DB_ARRAY_ID };
	struct db_params *params = db_params(task);
	struct db_array *arrays[COUNT(types)];

	for (size_t i = 0; i < COUNT(types); i++)
		arrays[i] = db_add_array(params, types[i]);
	for (size_t i = 0; i < count; i++)
		add_row(arrays, &rows[i]);
	return (struct db_step){ .sql = insert_sql, .params = params };
}

/* From the first to the last time of some ids. */
struct span {
	int64_t first, last;
};

static void
widen(struct span *span, int64_t usec)
{
	if (usec < span->first)
		span->first = usec;
	if (usec > span->last)
		span->last = usec;
}

struct db_step
authorization_settle_step(
    struct task *task, const struct authorization_settle *settles, size_t count)
{
	struct span authorizations = { task->now, task->now }, records = authorizations;
	struct db_params *params = db_params(task);
	struct db_array *clients = db_add_array(params, DB_ARRAY_ID);
	struct db_array *ids = db_add_array(params, DB_ARRAY_ID);
	struct db_array *times = db_add_array(params, DB_ARRAY_TIME);
	struct db_array *record_ids = db_add_array(params, DB_ARRAY_ID);
	struct db_array *record_times = db_add_array(params, DB_ARRAY_TIME);

	for (size_t i = 0; i < count; i++) {
		int64_t time, record_time;

		/* A record may name any id; one without a time is no authorization's. */
		if (!id_is_v7(settles[i].authorization))
			continue;
		time = id_time(settles[i].authorization);
		record_time = id_time(settles[i].record);
		db_array_id(clients, settles[i].client);
		db_array_id(ids, settles[i].authorization);
		db_array_time(times, time);
		db_array_id(record_ids, settles[i].record);
		db_array_time(record_times, record_time);
		widen(&authorizations, time);
		widen(&records, record_time);
	}
	db_add_time(params, authorizations.first);
	db_add_time(params, authorizations.last);
	db_add_time(params, records.first);
	db_add_time(params, records.last);
	db_add_time(params, task->now);
	return (struct db_step){ .sql = settle_sql, .params = params };
}
