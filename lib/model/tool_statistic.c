#include "lib/model/tool_statistic.h"

#include "lib/model/chat_log.h"
#include "lib/money.h"

/* One row of an answer is some of these rows, one for each slot. */
static const char read_sql[] =
    "SELECT CASE WHEN $5 THEN date END AS day, tool, sum(calls)::bigint,\n"
    "sum(failed_calls)::bigint, array_agg(slot::bigint ORDER BY slot),\n"
    "array_agg(calls ORDER BY slot)\n"
    "FROM tool_statistics\n"
    "WHERE client_id = $1 AND date >= $2 AND date <= $3\n"
    "AND ($4::text IS NULL OR tool = $4)\n"
    "GROUP BY day, tool\n"
    "ORDER BY day DESC, tool\n"
    "LIMIT $6";

const char *const tool_statistic_statements[] = { read_sql, NULL };

static void
read_durations(struct task *task, const struct db_rows *rows, int row, struct tool_statistic *ret)
{
	struct histogram *histogram = arena_alloc(task->arena, sizeof(*histogram));
	struct json_ints slots, calls;

	db_ints(rows, row, 4, task, &slots);
	db_ints(rows, row, 5, task, &calls);
	for (size_t i = 0; i < slots.count; i++)
		if (slots.at[i] != TOOL_STATISTIC_UNTIMED)
			histogram_add(histogram, (size_t)slots.at[i], calls.at[i]);
	ret->p50_ms = histogram_quantile(histogram, 500);
	ret->p95_ms = histogram_quantile(histogram, 950);
}

/* The histogram is of one row only. */
static void
read_row(struct task *task, const struct db_rows *rows, int row, struct tool_statistic *ret)
{
	struct arena_mark mark;

	*ret = (struct tool_statistic){
		.by_day = !db_null(rows, row, 0),
		.date = db_date(rows, row, 0),
		.tool = db_text(rows, row, 1),
		.calls = db_int(rows, row, 2),
		.failed = db_int(rows, row, 3),
	};
	mark = arena_mark(task->arena);
	read_durations(task, rows, row, ret);
	arena_undo(task->arena, mark);
}

bool
tool_statistic_read(
    struct task *task, const struct tool_statistic_query *query, struct tool_statistics *ret)
{
	struct db_params *params = db_params(task);
	struct tool_statistic *list;
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_date(params, query->since);
	db_add_date(params, query->until);
	db_add_text(params, query->tool);
	db_add_bool(params, query->by_day);
	db_add_int(params, TOOL_STATISTIC_ROWS_MAX + 1);
	if (!db_query(task, read_sql, params, &rows))
		return false;
	ret->complete = db_count(rows) <= TOOL_STATISTIC_ROWS_MAX;
	ret->count = ret->complete ? (size_t)db_count(rows) : TOOL_STATISTIC_ROWS_MAX;
	list = arena_array(task->arena, ret->count, sizeof(*list));
	for (size_t i = 0; i < ret->count; i++)
		read_row(task, rows, (int)i, &list[i]);
	ret->at = list;
	return true;
}

static void
write_duration(struct json_out *out, const char *name, int64_t ms)
{
	if (ms < 0)
		json_null(out, name);
	else
		json_int(out, name, ms);
}

void
tool_statistic_write(struct json_out *out, const struct tool_statistic *statistic)
{
	char digits[MONEY_TEXT_SIZE];
	/* Of the failed ones among all, as the log's is of the successful ones. */
	int64_t rate =
	    chat_log_success_rate(statistic->calls, statistic->calls - statistic->failed);

	json_open(out);
	if (statistic->by_day)
		json_date(out, "date", statistic->date);
	json_text(out, "tool", statistic->tool);
	json_int(out, "calls", statistic->calls);
	json_int(out, "failed_calls", statistic->failed);
	json_number(out, "failure_rate", money_format_scaled(rate, 2, digits));
	write_duration(out, "p50_ms", statistic->p50_ms);
	write_duration(out, "p95_ms", statistic->p95_ms);
	json_close(out);
}
