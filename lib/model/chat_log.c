#include "lib/model/chat_log_private.h"

#define PORTION 1000 /* records in memory at a time */

static const char find_sql[] = "SELECT " CHAT_LOG_COLUMNS "\n"
			       "FROM chat_logs\n"
			       "WHERE client_id = $1 AND id = $2 AND created_at = $3";

static const char walk_sql[] = "SELECT " CHAT_LOG_COLUMNS "\n"
			       "FROM chat_logs\n"
			       "WHERE client_id = $1 AND id >= $2 AND id < $3\n"
			       "AND created_at >= $4 AND created_at < $5\n"
			       "ORDER BY id";

const char *const chat_log_statements[] = { find_sql, walk_sql, NULL };

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

/* In the order of CHAT_LOG_COLUMNS: ids and times, texts, numbers, the rest. */
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

void
chat_log_read(struct task *task, const struct db_rows *rows, struct chat_logs *ret)
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
	chat_log_read(task, rows, ret);
	return true;
}
