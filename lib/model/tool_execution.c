#include "lib/model/tool_execution.h"

#include "lib/model/chat_log.h"
#include "lib/model/keyset.h"

#define COLUMNS \
	"id, created_at, tool, user_id, conversation_id, agent_session_id, arguments::text, " \
	"result::text, success, error_message, duration_ms"

static const char find_sql[] = "SELECT " COLUMNS "\n"
			       "FROM tool_executions\n"
			       "WHERE client_id = $1 AND id = $2 AND created_at = $3";

/* A statement for each index that can lead, as for the log of calls (chat_log_list.c). */
#define BELOW \
	"SELECT " COLUMNS "\n" \
	"FROM tool_executions\n" \
	"WHERE client_id = $1 AND id < $2\n" \
	"AND created_at >= $3 AND created_at < $4\n"
#define REST \
	"AND ($6::uuid IS NULL OR id >= $6)\n" \
	"AND ($7::text IS NULL OR tool = $7)\n" \
	"AND ($8::uuid IS NULL OR user_id = $8)\n" \
	"AND ($9::uuid IS NULL OR conversation_id = $9)\n" \
	"AND ($10::uuid IS NULL OR agent_session_id = $10)\n" \
	"AND ($11::boolean IS NULL OR success = $11)\n" \
	"ORDER BY id DESC\n" \
	"LIMIT $5"

static const char list_sql[] = BELOW "AND id >= $6\n" REST;
static const char list_by_tool_sql[] = BELOW "AND tool = $7\n" REST;
static const char list_by_user_sql[] = BELOW "AND user_id = $8\n" REST;
static const char list_by_conversation_sql[] = BELOW "AND conversation_id = $9\n" REST;
static const char list_by_agent_session_sql[] = BELOW "AND agent_session_id = $10\n" REST;
static const char list_failed_sql[] = BELOW "AND id >= $6\n"
					    "AND NOT success\n" REST;

const char *const tool_execution_statements[] = { find_sql, list_sql, list_by_tool_sql,
	list_by_user_sql, list_by_conversation_sql, list_by_agent_session_sql, list_failed_sql,
	NULL };

const struct tool_execution_filter tool_execution_all = { .success = -1, .until = INT64_MAX };

static void
read_row(const struct db_rows *rows, int row, struct tool_execution *ret)
{
	*ret = (struct tool_execution){
		.id = db_id(rows, row, 0),
		.created_at = db_time(rows, row, 1),
		.tool = db_text(rows, row, 2),
		.user_id = db_id(rows, row, 3),
		.conversation_id = db_id(rows, row, 4),
		.agent_session_id = db_id(rows, row, 5),
		.arguments = db_bytes(rows, row, 6),
		.result = db_bytes(rows, row, 7),
		.success = db_bool(rows, row, 8),
		.error_message = db_text(rows, row, 9),
		.duration_ms = db_null(rows, row, 10) ? TOOL_EXECUTION_NONE : db_int(rows, row, 10),
	};
}

bool
tool_execution_find(struct task *task, struct id id, struct tool_execution *ret)
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
	read_row(rows, 0, ret);
	return true;
}

static const char *
choose_list(const struct tool_execution_filter *filter)
{
	if (!id_is_nil(filter->conversation_id))
		return list_by_conversation_sql;
	if (!id_is_nil(filter->agent_session_id))
		return list_by_agent_session_sql;
	if (!id_is_nil(filter->user_id))
		return list_by_user_sql;
	if (filter->success == 0)
		return list_failed_sql;
	return filter->tool != NULL ? list_by_tool_sql : list_sql;
}

bool
tool_execution_list(struct task *task, const struct tool_execution_filter *filter,
    struct tool_execution **ret, size_t *ret_count)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	keyset_add_bounds(task, params,
	    &(struct keyset_bounds){ filter->after, filter->since, filter->until, filter->limit });
	db_add_text(params, filter->tool);
	db_add_id(params, filter->user_id);
	db_add_id(params, filter->conversation_id);
	db_add_id(params, filter->agent_session_id);
	db_add_flag(params, filter->success);
	if (!db_query(task, choose_list(filter), params, &rows))
		return false;
	*ret_count = (size_t)db_count(rows);
	*ret = arena_array(task->arena, *ret_count, sizeof(**ret));
	for (size_t i = 0; i < *ret_count; i++)
		read_row(rows, (int)i, &(*ret)[i]);
	return true;
}

static void
write_object(struct json_out *out, const char *name, struct text object)
{
	if (object.at == NULL)
		json_null(out, name);
	else
		json_packed(out, name, object);
}

void
tool_execution_write(struct json_out *out, const void *object)
{
	const struct tool_execution *execution = object;

	json_open(out);
	json_id(out, "id", execution->id);
	json_text(out, "tool", execution->tool);
	json_id(out, "user_id", execution->user_id);
	json_id(out, "conversation_id", execution->conversation_id);
	json_id(out, "agent_session_id", execution->agent_session_id);
	write_object(out, "arguments", execution->arguments);
	write_object(out, "result", execution->result);
	json_bool(out, "success", execution->success);
	json_text(out, "error_message", execution->error_message);
	if (execution->duration_ms == TOOL_EXECUTION_NONE)
		json_null(out, "duration_ms");
	else
		json_int(out, "duration_ms", execution->duration_ms);
	json_time(out, "created_at", execution->created_at);
	json_close(out);
}
