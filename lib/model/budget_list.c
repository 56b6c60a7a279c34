#include "lib/model/budget_private.h"
#include "lib/model/keyset.h"

#include <assert.h>
#include <string.h>

static const char find_sql[] = "SELECT " BUDGET_COLUMNS "\n"
			       "FROM budgets\n"
			       "WHERE client_id = $1 AND id = $2 AND deleted_at IS NULL";

static const char find_by_name_sql[] = "SELECT " BUDGET_COLUMNS "\n"
				       "FROM budgets\n"
				       "WHERE client_id = $1 AND name = $2 AND deleted_at IS NULL";

static const char list_sql[] = "SELECT " BUDGET_COLUMNS "\n"
			       "FROM budgets\n"
			       "WHERE client_id = $1 AND id < $2 AND deleted_at IS NULL\n"
			       "ORDER BY id DESC\n"
			       "LIMIT $3";

/* $2 to $10 in the order of the dimensions. */
static const char applying_sql[] = "SELECT " BUDGET_COLUMNS "\n"
				   "FROM budgets\n"
				   "WHERE client_id = $1 AND deleted_at IS NULL\n"
				   "AND (user_id IS NULL OR user_id = $2)\n"
				   "AND (user_tier IS NULL OR user_tier = $3)\n"
				   "AND (api_key_id IS NULL OR api_key_id = $4)\n"
				   "AND (session_id IS NULL OR session_id = $5)\n"
				   "AND (agent_session_id IS NULL OR agent_session_id = $6)\n"
				   "AND (feature IS NULL OR feature = $7)\n"
				   "AND (provider IS NULL OR provider = $8)\n"
				   "AND (model IS NULL OR model = $9)\n"
				   "AND (tag IS NULL OR tag = $10)\n"
				   "AND CASE each_by\n"
				   "WHEN 'user_id' THEN $2::uuid IS NOT NULL\n"
				   "WHEN 'user_tier' THEN $3::text IS NOT NULL\n"
				   "WHEN 'api_key_id' THEN $4::uuid IS NOT NULL\n"
				   "WHEN 'session_id' THEN $5::uuid IS NOT NULL\n"
				   "WHEN 'agent_session_id' THEN $6::uuid IS NOT NULL\n"
				   "WHEN 'feature' THEN $7::text IS NOT NULL\n"
				   "WHEN 'provider' THEN $8::text IS NOT NULL\n"
				   "WHEN 'model' THEN $9::text IS NOT NULL\n"
				   "WHEN 'tag' THEN $10::text IS NOT NULL\n"
				   "ELSE true END\n"
				   "ORDER BY id";

const char *const budget_list_statements[] = { find_sql, find_by_name_sql, list_sql, applying_sql,
	NULL };

/* The place of a name that the table's check lets in; otherwise where there is none. */
static int
read_name(const struct db_rows *rows, int row, int column, const char *const *names, int otherwise)
{
	const char *name = db_text(rows, row, column);
	int i = 0;

	if (name == NULL)
		return otherwise;
	while (strcmp(names[i], name) != 0) {
		i++;
		assert(names[i] != NULL);
	}
	return i;
}

static int64_t
read_number(const struct db_rows *rows, int row, int column, int64_t otherwise)
{
	return db_null(rows, row, column) ? otherwise : db_int(rows, row, column);
}

/* Columns in the order of BUDGET_COLUMNS. */
void
budget_read_row(struct task *task, const struct db_rows *rows, int row, struct budget *ret)
{
	*ret = (struct budget){
		.id = db_id(rows, row, 0),
		.name = db_text(rows, row, 1),
		.each = (enum budget_dimension)read_name(
		    rows, row, 11, budget_dimension_names, BUDGET_NO_DIMENSION),
		.period = (enum period)read_name(rows, row, 12, period_names, 0),
		.rolling_hours = db_int(rows, row, 13),
		.timezone = db_text(rows, row, 14),
		.mode = (enum decide_mode)read_name(rows, row, 18, decide_mode_names, 0),
		.unpriced =
		    (enum budget_unpriced)read_name(rows, row, 20, budget_unpriced_names, 0),
		.fallback_rate = read_number(rows, row, 21, PRICE_NONE),
		.has_on_counter_loss = !db_null(rows, row, 22),
		.override_nanos = db_int(rows, row, 23),
		.override_until = db_time(rows, row, 24),
		.version = db_int(rows, row, 25),
		.created_at = db_time(rows, row, 26),
		.updated_at = db_time(rows, row, 27),
	};
	budget_scope_read(rows, row, 2, &ret->scope);
	for (int i = 0; i < BUDGET_MEASURES; i++)
		ret->limits[i] = read_number(rows, row, 15 + i, DECIDE_NO_LIMIT);
	db_ints(rows, row, 19, task, &ret->thresholds);
	ret->on_counter_loss = (enum budget_loss)read_name(rows, row, 22, budget_loss_names,
	    ret->mode == DECIDE_HARD ? BUDGET_CLOSED : BUDGET_OPEN);
}

static bool
read_all(struct task *task, const struct db_rows *rows, struct budgets *ret)
{
	size_t count = (size_t)db_count(rows);
	struct budget *list = arena_array(task->arena, count, sizeof *list);

	for (size_t i = 0; i < count; i++)
		budget_read_row(task, rows, (int)i, &list[i]);
	*ret = (struct budgets){ list, count };
	return true;
}

static bool
find(struct task *task, const char *sql, const struct db_params *params, struct budget *ret)
{
	struct db_rows *rows;

	if (!db_query_one(task, sql, params, &rows))
		return false;
	budget_read_row(task, rows, 0, ret);
	return true;
}

bool
budget_find(struct task *task, struct id id, struct budget *ret)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_id(params, id);
	return find(task, find_sql, params, ret);
}

bool
budget_find_by_name(struct task *task, const char *name, struct budget *ret)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_text(params, name);
	return find(task, find_by_name_sql, params, ret);
}

bool
budget_list(struct task *task, struct id after, int64_t limit, struct budgets *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, keyset_below(after));
	db_add_int(params, limit);
	return db_query(task, list_sql, params, &rows) && read_all(task, rows, ret);
}

bool
budget_list_applying(struct task *task, const struct budget_scope *call, struct budgets *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	budget_scope_add(params, call);
	return db_query(task, applying_sql, params, &rows) && read_all(task, rows, ret);
}
