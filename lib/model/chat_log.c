#include "lib/model/chat_log.h"

#include "lib/model/keyset.h"

#include <string.h>

#define PORTION 1000 /* records in memory at a time */

#define COLUMNS \
	"id, created_at, received_at, api_key_id, authorization_id, user_id, session_id, " \
	"conversation_id, agent_session_id, model_pricing_id, trace_id, span_id, " \
	"parent_span_id, feature, agent_type, provider, model, error_message, input_tokens, " \
	"output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, tokens_used, " \
	"message_length, response_length, duration_ms, " \
	"(estimated_cost_cents * 10000000)::bigint, (verified_cost_cents * 10000000)::bigint, " \
	"is_cache_hit, success, tools_used, tags, metadata::text, user_tier, " \
	"agent_root_id"

/* Of a list the plan for any values is the one that is wanted. One for the given took ten times as
 * long to make as to run, for each of the first pages of a connection. */
static const char plans_sql[] = "SELECT set_config('plan_cache_mode', 'force_generic_plan', true)";

static const char find_sql[] = "SELECT " COLUMNS "\n"
			       "FROM chat_logs\n"
			       "WHERE client_id = $1 AND id = $2 AND created_at = $3";

/*
 * A statement for each index that can lead; the other conditions are applied to what it gives. The
 * bounds of created_at spare the partitions; those of id are the same bounds for the index. Where
 * another index leads, the lower one is left out: a range of ids looks as good as any index to a
 * generic plan.
 */
#define BELOW \
	"SELECT " COLUMNS "\n" \
	"FROM chat_logs\n" \
	"WHERE client_id = $1 AND id < $2\n" \
	"AND created_at >= $3 AND created_at < $4\n"
/*
 * CASE, as each OR would be tried with each index of each partition: the plan took three times as
 * long to make.
 */
#define WHERE_GIVEN(param, type, is) \
	"AND CASE WHEN " param "::" type " IS NULL THEN true ELSE " is " END\n"
#define REST \
	WHERE_GIVEN("$6", "uuid", "id >= $6") \
	WHERE_GIVEN("$7", "uuid", "user_id = $7") \
	WHERE_GIVEN("$8", "uuid", "session_id = $8") \
	WHERE_GIVEN("$9", "uuid", "conversation_id = $9") \
	WHERE_GIVEN("$10", "uuid", "agent_session_id = $10") \
	WHERE_GIVEN("$11", "text", "trace_id = $11") \
	WHERE_GIVEN("$12", "text", "feature = $12") \
	WHERE_GIVEN("$13", "text", "agent_type = $13") \
	WHERE_GIVEN("$14", "text", "provider = $14") \
	WHERE_GIVEN("$15", "text", "model = $15") \
	WHERE_GIVEN("$16", "text", "$16 = ANY (tags)") \
	WHERE_GIVEN("$17", "boolean", "success = $17") \
	WHERE_GIVEN("$18", "boolean", \
	    "$18 = (estimated_cost_cents IS NULL AND verified_cost_cents IS NULL)") \
	"ORDER BY id DESC\n" \
	"LIMIT $5"

static const char list_sql[] = BELOW "AND id >= $6\n" REST;
static const char list_by_user_sql[] = BELOW "AND user_id = $7\n" REST;
static const char list_by_session_sql[] = BELOW "AND session_id = $8\n" REST;
static const char list_by_conversation_sql[] = BELOW "AND conversation_id = $9\n" REST;
static const char list_by_agent_session_sql[] = BELOW "AND agent_session_id = $10\n" REST;
static const char list_by_trace_sql[] = BELOW "AND trace_id = $11\n" REST;
static const char list_unpriced_sql[] =
    BELOW "AND id >= $6\n"
	  "AND estimated_cost_cents IS NULL AND verified_cost_cents IS NULL\n" REST;
static const char list_failed_sql[] = BELOW "AND id >= $6\n"
					    "AND NOT success\n" REST;

static const char walk_sql[] = "SELECT " COLUMNS "\n"
			       "FROM chat_logs\n"
			       "WHERE client_id = $1 AND id >= $2 AND id < $3\n"
			       "AND created_at >= $4 AND created_at < $5\n"
			       "ORDER BY id";

const char *const chat_log_statements[] = { plans_sql, find_sql, list_sql, list_by_user_sql,
	list_by_session_sql, list_by_conversation_sql, list_by_agent_session_sql, list_by_trace_sql,
	list_unpriced_sql, list_failed_sql, walk_sql, NULL };

const struct chat_log_filter chat_log_all = { .success = -1, .unpriced = -1, .until = INT64_MAX };

struct id
chat_log_first_id(int64_t usec)
{
	const int64_t ms_max = (INT64_C(1) << 48) - 1;
	int64_t ms = usec / 1000 + (usec % 1000 > 0);
	struct id id = { .bytes = { [6] = 0x70, [8] = 0x80 } };

	if (ms < 0)
		ms = 0;
	if (ms > ms_max)
		ms = ms_max;
	for (int i = 5; i >= 0; i--, ms >>= 8)
		id.bytes[i] = (uint8_t)(ms & 0xff);
	return id;
}

static int64_t
read_number(const struct db_rows *rows, int row, int column)
{
	return db_null(rows, row, column) ? CHAT_LOG_NONE : db_int(rows, row, column);
}

static void
read_texts(
    struct task *task, const struct db_rows *rows, int row, int column, struct json_texts *ret)
{
	*ret = (struct json_texts){ 0 };
	if (!db_null(rows, row, column))
		db_texts(rows, row, column, task, ret);
}

/* Columns in the order of COLUMNS: ids and times, texts, numbers, the rest. */
static void
read_row(struct task *task, const struct db_rows *rows, int row, struct chat_log *ret)
{
	*ret = (struct chat_log){
		.id = db_id(rows, row, 0),
		.created_at = db_time(rows, row, 1),
		.received_at = db_time(rows, row, 2),
		.api_key_id = db_id(rows, row, 3),
		.authorization_id = db_id(rows, row, 4),
		.user_id = db_id(rows, row, 5),
		.session_id = db_id(rows, row, 6),
		.conversation_id = db_id(rows, row, 7),
		.agent_session_id = db_id(rows, row, 8),
		.model_pricing_id = db_id(rows, row, 9),
		.trace_id = db_text(rows, row, 10),
		.span_id = db_text(rows, row, 11),
		.parent_span_id = db_text(rows, row, 12),
		.feature = db_text(rows, row, 13),
		.agent_type = db_text(rows, row, 14),
		.provider = db_text(rows, row, 15),
		.model = db_text(rows, row, 16),
		.error_message = db_text(rows, row, 17),
		.user_tier = db_text(rows, row, 34),
		.agent_root_id = db_id(rows, row, 35),
		.input_tokens = read_number(rows, row, 18),
		.output_tokens = read_number(rows, row, 19),
		.cached_input_tokens = read_number(rows, row, 20),
		.cache_write_tokens = read_number(rows, row, 21),
		.reasoning_tokens = read_number(rows, row, 22),
		.tokens_used = read_number(rows, row, 23),
		.message_length = read_number(rows, row, 24),
		.response_length = read_number(rows, row, 25),
		.duration_ms = read_number(rows, row, 26),
		.estimated_cost_nanos = read_number(rows, row, 27),
		.verified_cost_nanos = read_number(rows, row, 28),
		.is_cache_hit = db_bool(rows, row, 29),
		.success = db_bool(rows, row, 30),
		.metadata = db_bytes(rows, row, 33),
	};
	read_texts(task, rows, row, 31, &ret->tools_used);
	read_texts(task, rows, row, 32, &ret->tags);
}

static void
read_rows(struct task *task, const struct db_rows *rows, struct chat_logs *ret)
{
	int count = db_count(rows);
	struct chat_log *list = arena_array(task->arena, (size_t)count, sizeof *list);

	for (int i = 0; i < count; i++)
		read_row(task, rows, i, &list[i]);
	*ret = (struct chat_logs){ list, (size_t)count };
}

bool
chat_log_find(struct task *task, struct id id, struct chat_log *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	/* An id without a time is nobody's: without created_at every partition would be asked. */
	if (!id_is_v7(id))
		return task_fail(task, ERR_NOT_FOUND, "There is nothing with this id.");
	db_add_id(params, task->client);
	db_add_id(params, id);
	db_add_time(params, id_time(id));
	if (!db_query_one(task, find_sql, params, &rows))
		return false;
	read_row(task, rows, 0, ret);
	return true;
}

static const char *
choose_list(const struct chat_log_filter *filter)
{
	if (filter->trace_id != NULL)
		return list_by_trace_sql;
	if (!id_is_nil(filter->session_id))
		return list_by_session_sql;
	if (!id_is_nil(filter->conversation_id))
		return list_by_conversation_sql;
	if (!id_is_nil(filter->agent_session_id))
		return list_by_agent_session_sql;
	if (!id_is_nil(filter->user_id))
		return list_by_user_sql;
	if (filter->unpriced == 1)
		return list_unpriced_sql;
	return filter->success == 0 ? list_failed_sql : list_sql;
}

bool
chat_log_list(struct task *task, const struct chat_log_filter *filter, struct chat_logs *ret)
{
	struct db_params *params = db_params(task);
	struct db_step steps[] = { { plans_sql, NULL }, { choose_list(filter), params } };
	struct db_rows *rows[COUNT(steps)];

	keyset_add_bounds(task, params,
	    &(struct keyset_bounds){ filter->after, filter->since, filter->until, filter->limit });
	db_add_id(params, filter->user_id);
	db_add_id(params, filter->session_id);
	db_add_id(params, filter->conversation_id);
	db_add_id(params, filter->agent_session_id);
	db_add_text(params, filter->trace_id);
	db_add_text(params, filter->feature);
	db_add_text(params, filter->agent_type);
	db_add_text(params, filter->provider);
	db_add_text(params, filter->model);
	db_add_text(params, filter->tag);
	db_add_flag(params, filter->success);
	db_add_flag(params, filter->unpriced);
	if (!db_pipeline(task, steps, COUNT(steps), rows))
		return false;
	read_rows(task, rows[1], ret);
	return true;
}

bool
chat_log_walk(struct task *task, int64_t from, int64_t to, struct db_cursor **ret)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_id(params, chat_log_first_id(from));
	db_add_id(params, chat_log_first_id(to));
	db_add_time(params, from);
	db_add_time(params, to);
	return db_cursor_open(task, walk_sql, params, ret);
}

bool
chat_log_next(struct task *task, struct db_cursor *cursor, struct chat_logs *ret)
{
	struct db_rows *rows;

	if (!db_cursor_next(task, cursor, PORTION, &rows))
		return false;
	read_rows(task, rows, ret);
	return true;
}
