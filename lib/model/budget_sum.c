#include "lib/model/budget_sum.h"

#include "lib/model/budget_sum_private.h"
#include "lib/model/chat_log.h"

#include <assert.h>

/* $19 is the length of a slot in microseconds. */
#define SLOT(instant) \
	"CASE WHEN $19::bigint = 0 THEN 0 ELSE " BUDGET_SUM_SLOT(instant, "$19") " END"
#define SUMS(way) \
	"SELECT " BUDGET_SUM_TOTALS ", bucket, slot::bigint\n" \
	"FROM (\n" \
	"SELECT " BUDGET_SUM_COLUMNS ", bucket, " SLOT( \
	    "created_at") " AS slot\n" \
			  "FROM chat_logs AS l\n" \
			  "CROSS JOIN LATERAL unnest(" BUDGET_SUM_BUCKETS \
			  ") AS b (bucket)\n" BUDGET_SUM_WINDOW way \
			  "AND ($17::text IS NULL OR bucket IS NOT NULL)\n" \
			  "GROUP BY bucket, slot\n" \
			  "UNION ALL\n" \
			  "SELECT " BUDGET_SUM_CARRIED_COLUMNS ", NULLIF(bucket, ''), " SLOT( \
			      "window_start") "\n" BUDGET_SUM_CARRIED \
					      "AND ($17::text IS NULL) = (bucket = '')) AS s\n" \
					      "GROUP BY bucket, slot"

static const char sums_sql[] = SUMS(BUDGET_SUM_BY_TIME);
static const char sums_by_user_sql[] = SUMS(BUDGET_SUM_BY_USER);
static const char sums_by_session_sql[] = SUMS(BUDGET_SUM_BY_SESSION);
static const char sums_by_agent_session_sql[] = SUMS(BUDGET_SUM_BY_AGENT_SESSION);
static const char sums_by_agent_root_sql[] = SUMS(BUDGET_SUM_BY_AGENT_ROOT);

static const char *const statements[] = {
	[BUDGET_SUM_WAY_TIME] = sums_sql,
	[BUDGET_SUM_WAY_USER] = sums_by_user_sql,
	[BUDGET_SUM_WAY_SESSION] = sums_by_session_sql,
	[BUDGET_SUM_WAY_AGENT_SESSION] = sums_by_agent_session_sql,
	[BUDGET_SUM_WAY_AGENT_ROOT] = sums_by_agent_root_sql,
};

const char *const budget_sum_statements[] = { sums_sql, sums_by_user_sql, sums_by_session_sql,
	sums_by_agent_session_sql, sums_by_agent_root_sql, NULL };

struct budget_sums {
	struct db_cursor *cursor; /* NULL: at the end */
};

enum budget_sum_way
budget_sum_way(const struct budget_scope *scope)
{
	if (!id_is_nil(scope->session_id))
		return BUDGET_SUM_WAY_SESSION;
	if (!id_is_nil(scope->agent_session_id))
		return BUDGET_SUM_WAY_AGENT_SESSION;
	if (!id_is_nil(scope->agent_root_id))
		return BUDGET_SUM_WAY_AGENT_ROOT;
	return id_is_nil(scope->user_id) ? BUDGET_SUM_WAY_TIME : BUDGET_SUM_WAY_USER;
}

struct db_params *
budget_sum_params(struct task *task, const struct budget *budget, const struct budget_scope *scope,
    struct window window)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_id(params, chat_log_first_id(window.start));
	db_add_id(params, chat_log_first_id(window.end));
	db_add_time(params, window.start);
	db_add_time(params, window.end);
	if (budget->unpriced == BUDGET_FALLBACK)
		db_add_int(params, budget->fallback_rate);
	else
		db_add_null(params);
	budget_scope_add(params, scope);
	db_add_text(params, budget_dimension_names[budget->each]);
	db_add_id(params, budget->head.id);
	return params;
}

bool
budget_sums_open(struct task *task, const struct budget *budget, int64_t start, int64_t end,
    int64_t slot_usec, struct budget_sums **ret)
{
	struct db_params *params =
	    budget_sum_params(task, budget, &budget->scope, (struct window){ start, end });
	struct budget_sums *sums = arena_alloc(task->arena, sizeof *sums);

	assert(slot_usec >= 0);
	db_add_int(params, slot_usec);
	if (!db_cursor_open(
		task, statements[budget_sum_way(&budget->scope)], params, &sums->cursor))
		return false;
	*ret = sums;
	return true;
}

static struct budget_sum
read_sum(const struct db_rows *rows, int row)
{
	return (struct budget_sum){
		.amounts = { [BUDGET_COST] = db_int(rows, row, 0),
		    [BUDGET_REQUESTS] = db_int(rows, row, 1),
		    [BUDGET_TOKENS] = db_int(rows, row, 2) },
		.unpriced = db_int(rows, row, 3),
		.value = db_text(rows, row, 4),
		.slot = db_int(rows, row, 5),
	};
}

bool
budget_sums_next(
    struct task *task, struct budget_sums *sums, const struct budget_sum **ret, size_t *ret_count)
{
	struct budget_sum *list;
	struct db_rows *rows;
	size_t count;

	*ret_count = 0;
	if (sums->cursor == NULL)
		return true;
	if (!db_cursor_next(task, sums->cursor, BUDGET_SUMS_PORTION, &rows))
		return false;
	count = (size_t)db_count(rows);
	if (count < BUDGET_SUMS_PORTION) {
		if (!db_cursor_close(task, sums->cursor))
			return false;
		sums->cursor = NULL;
	}
	list = arena_array(task->arena, count, sizeof *list);
	for (size_t i = 0; i < count; i++)
		list[i] = read_sum(rows, (int)i);
	*ret = list;
	*ret_count = count;
	return true;
}
