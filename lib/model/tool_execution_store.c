/* Calls of tools into their table and into the statistics, by one statement. */
#include "lib/model/tool_execution.h"

#include <string.h>

#include "lib/core/histogram.h"
#include "lib/model/tool_statistic.h"

/* They stay until the transaction ends; in the order of their ids, so that two transactions cannot
 * wait for each other. */
static const char users_sql[] = "SELECT u.id\n"
				"FROM users AS u\n"
				"WHERE u.client_id = $1 AND u.id = ANY ($2::uuid[])\n"
				"ORDER BY u.id\n"
				"FOR KEY SHARE";

/* All rows of one table come before those of the other, and those in an order: two transactions
 * cannot wait for each other. What was there before is not counted again. */
static const char store_sql[] =
    "WITH given AS (\n"
    "SELECT DISTINCT ON (g.id) g.*\n"
    "FROM unnest($2::uuid[], $3::timestamptz[], $4::date[], $5::text[], $6::uuid[], $7::uuid[],\n"
    "$8::uuid[], $9::text[], $10::text[], $11::boolean[], $12::text[], $13::bigint[],\n"
    "$14::bigint[])\n"
    "WITH ORDINALITY AS g (id, created_at, date, tool, user_id, conversation_id,\n"
    "agent_session_id, arguments, result, success, error_message, duration_ms, slot, ordinal)\n"
    "ORDER BY g.id, g.ordinal),\n"
    "stored AS (\n"
    "INSERT INTO tool_executions (client_id, id, created_at, tool, user_id, conversation_id,\n"
    "agent_session_id, arguments, result, success, error_message, duration_ms)\n"
    "SELECT $1, g.id, g.created_at, g.tool, g.user_id, g.conversation_id, g.agent_session_id,\n"
    "g.arguments::jsonb, g.result::jsonb, g.success, g.error_message, g.duration_ms\n"
    "FROM given AS g\n"
    "ORDER BY g.id\n"
    "ON CONFLICT DO NOTHING\n"
    "RETURNING id),\n"
    "counted AS (\n"
    "INSERT INTO tool_statistics AS s (client_id, date, tool, slot, calls, failed_calls)\n"
    "SELECT $1, g.date, g.tool, g.slot, count(*), count(*) FILTER (WHERE NOT g.success)\n"
    "FROM given AS g\n"
    "JOIN stored ON stored.id = g.id\n"
    "GROUP BY g.date, g.tool, g.slot\n"
    "ORDER BY g.date, g.tool, g.slot\n"
    "ON CONFLICT (client_id, date, tool, slot) DO UPDATE\n"
    "SET calls = s.calls + excluded.calls, failed_calls = s.failed_calls + excluded.failed_calls)\n"
    "SELECT id\n"
    "FROM stored\n"
    "ORDER BY id";

const char *const tool_execution_store_statements[] = { users_sql, store_sql, NULL };

static int
compare_row(const struct db_rows *rows, int row, struct id id)
{
	return id_compare(db_id(rows, row, 0), id);
}

/* The row of rows by ascending id that has this one; -1: none. */
static int
find_row(const struct db_rows *rows, struct id id)
{
	int low = 0, high = db_count(rows);

	while (low < high) {
		int middle = low + (high - low) / 2;
		int order = compare_row(rows, middle, id);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

static bool
check_users(struct task *task, struct tool_call *calls, size_t count)
{
	struct db_params *params = db_params(task);
	struct db_array *users;
	struct db_rows *rows;
	size_t named = 0;

	db_add_id(params, task->client);
	users = db_add_array(params, DB_ARRAY_ID);
	for (size_t i = 0; i < count; i++) {
		if (id_is_nil(calls[i].execution.user_id))
			continue;
		db_array_id(users, calls[i].execution.user_id);
		named++;
	}
	if (named == 0)
		return true;
	if (!db_query(task, users_sql, params, &rows))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!id_is_nil(calls[i].execution.user_id) &&
		    find_row(rows, calls[i].execution.user_id) < 0)
			calls[i].outcome = TOOL_NO_USER;
	return true;
}

struct columns {
	struct db_array *id, *created_at, *date, *tool, *user_id, *conversation_id,
	    *agent_session_id, *arguments, *result, *success, *error_message, *duration_ms, *slot;
};

static struct columns
add_columns(struct db_params *params)
{
	return (struct columns){
		.id = db_add_array(params, DB_ARRAY_ID),
		.created_at = db_add_array(params, DB_ARRAY_TIME),
		.date = db_add_array(params, DB_ARRAY_DATE),
		.tool = db_add_array(params, DB_ARRAY_TEXT),
		.user_id = db_add_array(params, DB_ARRAY_ID),
		.conversation_id = db_add_array(params, DB_ARRAY_ID),
		.agent_session_id = db_add_array(params, DB_ARRAY_ID),
		.arguments = db_add_array(params, DB_ARRAY_TEXT),
		.result = db_add_array(params, DB_ARRAY_TEXT),
		.success = db_add_array(params, DB_ARRAY_BOOL),
		.error_message = db_add_array(params, DB_ARRAY_TEXT),
		.duration_ms = db_add_array(params, DB_ARRAY_INT),
		.slot = db_add_array(params, DB_ARRAY_INT),
	};
}

static struct text
text_of(const char *value)
{
	return (struct text){ .at = value, .len = value == NULL ? 0 : strlen(value) };
}

static void
add_row(const struct columns *columns, const struct tool_call *call)
{
	const struct tool_execution *execution = &call->execution;
	int64_t duration = execution->duration_ms;

	db_array_id(columns->id, execution->id);
	db_array_time(columns->created_at, execution->created_at);
	db_array_date(columns->date, call->date);
	db_array_text(columns->tool, text_of(execution->tool));
	db_array_id(columns->user_id, execution->user_id);
	db_array_id(columns->conversation_id, execution->conversation_id);
	db_array_id(columns->agent_session_id, execution->agent_session_id);
	db_array_text(columns->arguments, execution->arguments);
	db_array_text(columns->result, execution->result);
	db_array_bool(columns->success, execution->success);
	db_array_text(columns->error_message, text_of(execution->error_message));
	if (duration == TOOL_EXECUTION_NONE) {
		db_array_null(columns->duration_ms);
		db_array_int(columns->slot, TOOL_STATISTIC_UNTIMED);
	} else {
		db_array_int(columns->duration_ms, duration);
		db_array_int(columns->slot, (int64_t)histogram_slot(duration));
	}
}

static bool
insert(struct task *task, struct tool_call *calls, size_t count, struct db_rows **ret)
{
	struct db_params *params = db_params(task);
	struct columns columns;

	db_add_id(params, task->client);
	columns = add_columns(params);
	for (size_t i = 0; i < count; i++)
		if (calls[i].outcome != TOOL_NO_USER)
			add_row(&columns, &calls[i]);
	return db_query(task, store_sql, params, ret);
}

bool
tool_execution_store(struct task *task, struct tool_call *calls, size_t count)
{
	struct db_rows *rows;
	bool *taken;

	for (size_t i = 0; i < count; i++)
		calls[i].outcome = TOOL_DUPLICATE;
	if (!check_users(task, calls, count) || !insert(task, calls, count, &rows))
		return false;
	taken = arena_array(task->arena, (size_t)db_count(rows), sizeof(*taken));
	for (size_t i = 0; i < count; i++) {
		int row =
		    calls[i].outcome == TOOL_NO_USER ? -1 : find_row(rows, calls[i].execution.id);

		if (row < 0 || taken[row])
			continue;
		taken[row] = true;
		calls[i].outcome = TOOL_STORED;
	}
	return true;
}
