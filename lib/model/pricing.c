#include "lib/model/pricing.h"

#define NIL "'00000000-0000-0000-0000-000000000000'"
#define COLUMNS \
	"id, client_id, provider, model, valid_from, valid_to, input_rate, output_rate," \
	" cached_rate, cache_write_rate, reasoning_rate, tier_tokens, tier_input_rate," \
	" tier_output_rate, tier_cached_rate, tier_cache_write_rate, batch_input_rate," \
	" batch_output_rate, source"
#define ORDER " ORDER BY provider, model, client_id NULLS FIRST, valid_from"

static const char list_sql[] = "SELECT " COLUMNS " FROM model_pricing" ORDER;

static const char list_defaults_sql[] = "SELECT " COLUMNS " FROM model_pricing"
					" WHERE client_id IS NULL" ORDER;

/* The expression is the index's. */
static const char list_own_sql[] = "SELECT " COLUMNS " FROM model_pricing"
				   " WHERE coalesce(client_id, " NIL ") = $1"
				   " AND client_id IS NOT NULL" ORDER;

static const char list_model_sql[] = "SELECT " COLUMNS " FROM model_pricing"
				     " WHERE model = $1"
				     " AND (client_id IS NULL OR client_id = $2)" ORDER;

static const char add_sql[] =
    "INSERT INTO model_pricing (" COLUMNS ")"
    " VALUES ($1, $2, $3, $4, $5, $6::timestamptz, $7, $8, $9::bigint, $10::bigint,"
    " $11::bigint, $12::bigint, $13::bigint, $14::bigint, $15::bigint, $16::bigint,"
    " $17::bigint, $18::bigint, $19)";

const char *const pricing_statements[] = {
	list_sql,
	list_defaults_sql,
	list_own_sql,
	list_model_sql,
	add_sql,
	NULL,
};

static int64_t
read_rate(const struct db_rows *rows, int row, int column)
{
	return db_null(rows, row, column) ? PRICE_NONE : db_int(rows, row, column);
}

static struct rates
read_rates(const struct db_rows *rows, int row)
{
	return (struct rates){
		.input = db_int(rows, row, 6),
		.output = db_int(rows, row, 7),
		.cached = read_rate(rows, row, 8),
		.cache_write = read_rate(rows, row, 9),
		.reasoning = read_rate(rows, row, 10),
		.tier_tokens = db_int(rows, row, 11),
		.tier_input = read_rate(rows, row, 12),
		.tier_output = read_rate(rows, row, 13),
		.tier_cached = read_rate(rows, row, 14),
		.tier_cache_write = read_rate(rows, row, 15),
	};
}

static struct price
read_row(const struct db_rows *rows, int row)
{
	return (struct price){
		.id = db_id(rows, row, 0),
		.client = db_id(rows, row, 1),
		.provider = db_text(rows, row, 2),
		.model = db_text(rows, row, 3),
		.valid_from = db_time(rows, row, 4),
		.valid_to = db_null(rows, row, 5) ? INT64_MAX : db_time(rows, row, 5),
		.rates = read_rates(rows, row),
		.batch_input = read_rate(rows, row, 16),
		.batch_output = read_rate(rows, row, 17),
		.source = db_text(rows, row, 18),
	};
}

static bool
list(struct task *task, const char *sql, const struct db_params *params, struct prices *ret)
{
	struct db_rows *rows;
	struct price *prices;

	if (!db_query(task, sql, params, &rows))
		return false;
	ret->count = (size_t)db_count(rows);
	prices = arena_array(task->arena, ret->count, sizeof *prices);
	for (int i = 0; i < db_count(rows); i++)
		prices[i] = read_row(rows, i);
	ret->at = prices;
	return true;
}

bool
pricing_list(struct task *task, struct prices *ret)
{
	return list(task, list_sql, NULL, ret);
}

bool
pricing_list_defaults(struct task *task, struct prices *ret)
{
	return list(task, list_defaults_sql, NULL, ret);
}

bool
pricing_list_own(struct task *task, struct prices *ret)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	return list(task, list_own_sql, params, ret);
}

bool
pricing_list_model(struct task *task, const char *model, struct prices *ret)
{
	struct db_params *params = db_params(task);

	db_add_text(params, model);
	db_add_id(params, task->client);
	return list(task, list_model_sql, params, ret);
}

static void
add_rate(struct db_params *params, int64_t rate)
{
	if (rate == PRICE_NONE)
		db_add_null(params);
	else
		db_add_int(params, rate);
}

static void
add_rates(struct db_params *params, const struct rates *rates)
{
	db_add_int(params, rates->input);
	db_add_int(params, rates->output);
	add_rate(params, rates->cached);
	add_rate(params, rates->cache_write);
	add_rate(params, rates->reasoning);
	add_rate(params, rates->tier_tokens == 0 ? PRICE_NONE : rates->tier_tokens);
	add_rate(params, rates->tier_input);
	add_rate(params, rates->tier_output);
	add_rate(params, rates->tier_cached);
	add_rate(params, rates->tier_cache_write);
}

bool
pricing_add(struct task *task, const struct price *price)
{
	struct db_params *params = db_params(task);

	db_add_id(params, price->id);
	db_add_id(params, price->client);
	db_add_text(params, price->provider);
	db_add_text(params, price->model);
	db_add_time(params, price->valid_from);
	if (price->valid_to == INT64_MAX)
		db_add_null(params);
	else
		db_add_time(params, price->valid_to);
	add_rates(params, &price->rates);
	add_rate(params, price->batch_input);
	add_rate(params, price->batch_output);
	db_add_text(params, price->source);
	return db_query(task, add_sql, params, NULL);
}
