#include "lib/model/daily_cost.h"

#include "lib/model/cents_sql.h"
#include "lib/model/chat_log.h"

#define COST "COALESCE(verified_cost_cents, estimated_cost_cents)"

static const char sum_sql[] = "SELECT least(COALESCE(sum(" COST "), 0) * 10000000,\n"
			      "" SUM_NANOS_MAX ")::bigint,\n"
			      "count(*),\n"
			      "COALESCE(sum(tokens_used), 0)::bigint,\n"
			      "COALESCE(sum(input_tokens), 0)::bigint,\n"
			      "COALESCE(sum(output_tokens), 0)::bigint,\n"
			      "COALESCE(sum(cached_input_tokens), 0)::bigint,\n"
			      "COALESCE(sum(cache_write_tokens), 0)::bigint,\n"
			      "COALESCE(sum(reasoning_tokens), 0)::bigint,\n"
			      "count(*) FILTER (WHERE NOT success),\n"
			      "count(*) FILTER (WHERE " COST " IS NULL),\n"
			      "count(DISTINCT user_id)\n"
			      "FROM chat_logs\n"
			      "WHERE client_id = $1\n"
			      "AND id >= $2 AND id < $3\n"
			      "AND created_at >= $4 AND created_at < $5";

/* A day may have adjustments and no row. */
static const char list_sql[] =
    "SELECT COALESCE(d.total_cost_cents * 10000000, 0)::bigint,\n"
    "d.total_requests, d.total_tokens, d.input_tokens, d.output_tokens,\n"
    "d.cached_input_tokens, d.cache_write_tokens, d.reasoning_tokens,\n"
    "d.failed_requests, d.unpriced_requests, d.unique_users,\n"
    "date, d.closed_at, d.updated_at, a.nanos\n"
    "FROM (SELECT * FROM daily_costs WHERE client_id = $1 AND date BETWEEN $2 AND $3) AS d\n"
    "FULL JOIN (\n"
    "SELECT date,\n"
    "greatest(least(sum(amount_cents) * 10000000, " SUM_NANOS_MAX "),\n"
    "-" SUM_NANOS_MAX ")::bigint AS nanos\n"
    "FROM cost_adjustments\n"
    "WHERE client_id = $1 AND date BETWEEN $2 AND $3\n"
    "GROUP BY date) AS a USING (date)\n"
    "ORDER BY date DESC";

const char *const daily_cost_statements[] = { sum_sql, list_sql, NULL };

const enum total daily_cost_columns[] = {
	TOTAL_COST,
	TOTAL_REQUESTS,
	TOTAL_TOKENS,
	TOTAL_INPUT,
	TOTAL_OUTPUT,
	TOTAL_CACHED,
	TOTAL_CACHE_WRITE,
	TOTAL_REASONING,
	TOTAL_FAILED,
	TOTAL_UNPRICED,
};
_Static_assert(COUNT(daily_cost_columns) == TOTAL_COUNT, "a total without a column");

static const struct {
	const char *name;
	enum total total;
} members[] = {
	{ "total_requests", TOTAL_REQUESTS },
	{ "total_tokens", TOTAL_TOKENS },
	{ "input_tokens", TOTAL_INPUT },
	{ "output_tokens", TOTAL_OUTPUT },
	{ "cached_input_tokens", TOTAL_CACHED },
	{ "cache_write_tokens", TOTAL_CACHE_WRITE },
	{ "reasoning_tokens", TOTAL_REASONING },
	{ "failed_requests", TOTAL_FAILED },
	{ "unpriced_requests", TOTAL_UNPRICED },
};

static void
read_totals(const struct db_rows *rows, int row, struct daily_cost *ret)
{
	for (int i = 0; i < TOTAL_COUNT; i++)
		ret->totals.at[daily_cost_columns[i]] = db_int(rows, row, i);
	ret->unique_users = db_int(rows, row, TOTAL_COUNT);
}

static void
read_day(const struct db_rows *rows, int row, struct daily_cost *ret)
{
	*ret = (struct daily_cost){
		.date = db_date(rows, row, TOTAL_COUNT + 1),
		.closed_at = db_time(rows, row, TOTAL_COUNT + 2),
		.updated_at = db_time(rows, row, TOTAL_COUNT + 3),
		.adjustments_nanos = db_int(rows, row, TOTAL_COUNT + 4),
	};
	read_totals(rows, row, ret);
}

bool
daily_cost_sum(struct task *task, const struct zone *zone, int32_t date, struct daily_cost *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;
	int64_t start = zone_day_start(zone, date);
	int64_t end = zone_day_start(zone, date + 1);

	db_add_id(params, task->client);
	db_add_id(params, chat_log_first_id(start));
	db_add_id(params, chat_log_first_id(end));
	db_add_time(params, start);
	db_add_time(params, end);
	if (!db_query_one(task, sum_sql, params, &rows))
		return false;
	*ret = (struct daily_cost){ .date = date };
	read_totals(rows, 0, ret);
	return true;
}

bool
daily_cost_list(struct task *task, int32_t since, int32_t until, struct daily_costs *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;
	struct daily_cost *list;
	int count;

	db_add_id(params, task->client);
	db_add_date(params, since);
	db_add_date(params, until);
	if (!db_query(task, list_sql, params, &rows))
		return false;
	count = db_count(rows);
	list = arena_array(task->arena, (size_t)count, sizeof *list);
	for (int i = 0; i < count; i++)
		read_day(rows, i, &list[i]);
	*ret = (struct daily_costs){ list, (size_t)count };
	return true;
}

void
daily_cost_write(struct json_out *out, const struct daily_cost *day, const char *timezone,
    const char *source, int64_t as_of)
{
	json_date(out, "date", day->date);
	json_text(out, "timezone", timezone);
	json_cents(out, "total_cost_cents", day->totals.at[TOTAL_COST]);
	for (size_t i = 0; i < COUNT(members); i++)
		json_int(out, members[i].name, day->totals.at[members[i].total]);
	json_int(out, "unique_users", day->unique_users);
	json_text(out, "source", source);
	json_time(out, "as_of", as_of);
}
