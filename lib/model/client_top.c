#include "lib/model/client_top.h"

#include "lib/model/cents_sql.h"

/* By client: a year of one is 366 rows of an index that begins with it. */
static const char top_sql[] =
    "WITH ranked AS ("
    "SELECT c.id, c.name, d.*, a.adjustments, "
    "row_number() OVER (ORDER BY d.cost DESC, d.requests DESC NULLS LAST, c.id) AS place "
    "FROM clients c "
    "CROSS JOIN LATERAL ("
    "SELECT coalesce(sum(total_cost_cents), 0) AS cost, sum(total_requests) AS requests, "
    "sum(total_tokens) AS tokens, sum(input_tokens) AS input, sum(output_tokens) AS output, "
    "sum(cached_input_tokens) AS cached, sum(cache_write_tokens) AS cache_write, "
    "sum(reasoning_tokens) AS reasoning, sum(failed_requests) AS failed, "
    "sum(unpriced_requests) AS unpriced "
    "FROM daily_costs "
    "WHERE client_id = c.id "
    "AND date BETWEEN $1 AND $2) AS d "
    "CROSS JOIN LATERAL ("
    "SELECT sum(amount_cents) AS adjustments "
    "FROM cost_adjustments "
    "WHERE client_id = c.id "
    "AND date BETWEEN $1 AND $2) AS a "
    "WHERE d.requests > 0 OR a.adjustments <> 0) "
    "SELECT CASE WHEN place <= $3 THEN id END, "
    "CASE WHEN place <= $3 THEN name END, "
    "greatest(least(coalesce(sum(adjustments), 0) * 10000000, " SUM_NANOS_MAX "), "
    "-" SUM_NANOS_MAX ")::bigint, "
    "least(sum(cost) * 10000000, " SUM_NANOS_MAX ")::bigint, "
    "coalesce(sum(requests), 0)::bigint, coalesce(sum(tokens), 0)::bigint, "
    "coalesce(sum(input), 0)::bigint, coalesce(sum(output), 0)::bigint, "
    "coalesce(sum(cached), 0)::bigint, coalesce(sum(cache_write), 0)::bigint, "
    "coalesce(sum(reasoning), 0)::bigint, coalesce(sum(failed), 0)::bigint, "
    "coalesce(sum(unpriced), 0)::bigint "
    "FROM ranked "
    "GROUP BY least(place, $3 + 1), 1, 2 "
    "ORDER BY least(place, $3 + 1)";

const char *const client_top_statements[] = { top_sql, NULL };

enum column { ID, NAME, ADJUSTMENTS, SUMS };

/* The order in which the sums come. */
static const enum total columns[] = {
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
_Static_assert(COUNT(columns) == TOTAL_COUNT, "a total without a column");

static struct client_sums
read_row(const struct db_rows *rows, int row)
{
	struct client_sums sums = {
		.client = db_id(rows, row, ID),
		.name = db_text(rows, row, NAME),
		.adjustments_nanos = db_int(rows, row, ADJUSTMENTS),
	};

	for (int i = 0; i < TOTAL_COUNT; i++)
		sums.totals.at[columns[i]] = db_int(rows, row, SUMS + i);
	return sums;
}

bool
client_top(struct task *task, int32_t since, int32_t until, int64_t limit, struct client_tops *ret)
{
	struct db_params *params = db_params(task);
	struct client_sums *list;
	struct db_rows *rows;

	db_add_date(params, since);
	db_add_date(params, until);
	db_add_int(params, limit);
	if (!db_query(task, top_sql, params, &rows))
		return false;
	ret->count = (size_t)db_count(rows);
	list = arena_array(task->arena, ret->count, sizeof(*list));
	for (size_t i = 0; i < ret->count; i++)
		list[i] = read_row(rows, (int)i);
	ret->at = list;
	return true;
}
