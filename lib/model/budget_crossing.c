#include "lib/model/budget_crossing.h"

#include "lib/core/threshold.h"
#include "lib/model/audit.h"
#include "lib/model/budget_sum_private.h"

#include <string.h>

/* $19 to $21: measure, amount and beginning of the key of each threshold. */
#define CROSSED(way) \
	"SELECT s.cost, s.requests, s.tokens, s.bucket, t.place\n" \
	"FROM (SELECT " BUDGET_SUM_TOTALS ", bucket\n" \
	"FROM (\n" \
	"SELECT " BUDGET_SUM_COLUMNS ", bucket\n" \
	"FROM chat_logs AS l\n" \
	"CROSS JOIN LATERAL unnest(" BUDGET_SUM_BUCKETS ") AS b (bucket)\n" BUDGET_SUM_WINDOW way \
	"AND ($17::text IS NULL OR bucket IS NOT NULL)\n" \
	"GROUP BY bucket\n" \
	"UNION ALL\n" \
	"SELECT " BUDGET_SUM_CARRIED_COLUMNS ", NULLIF(bucket, '')\n" BUDGET_SUM_CARRIED \
	"AND ($17::text IS NULL) = (bucket = '')) AS u\n" \
	"GROUP BY bucket) AS s (cost, requests, tokens, unpriced, bucket)\n" \
	"CROSS JOIN LATERAL unnest($19::bigint[], $20::bigint[], $21::text[])\n" \
	"WITH ORDINALITY AS t (measure, amount, key, place)\n" \
	"WHERE (ARRAY[s.cost, s.requests, s.tokens])[t.measure + 1] >= t.amount\n" \
	"AND NOT EXISTS (SELECT FROM alerts AS a\n" \
	"WHERE a.client_id = $1 AND a.key = t.key || COALESCE(':' || s.bucket, '')\n" \
	"AND a.created_at >= $22)\n" \
	"ORDER BY s.bucket, t.place\n" \
	"LIMIT $23"

static const char by_time_sql[] = CROSSED(BUDGET_SUM_BY_TIME);
static const char by_user_sql[] = CROSSED(BUDGET_SUM_BY_USER);
static const char by_session_sql[] = CROSSED(BUDGET_SUM_BY_SESSION);
static const char by_agent_session_sql[] = CROSSED(BUDGET_SUM_BY_AGENT_SESSION);
static const char by_agent_root_sql[] = CROSSED(BUDGET_SUM_BY_AGENT_ROOT);

static const char *const statements[] = {
	[BUDGET_SUM_WAY_TIME] = by_time_sql,
	[BUDGET_SUM_WAY_USER] = by_user_sql,
	[BUDGET_SUM_WAY_SESSION] = by_session_sql,
	[BUDGET_SUM_WAY_AGENT_SESSION] = by_agent_session_sql,
	[BUDGET_SUM_WAY_AGENT_ROOT] = by_agent_root_sql,
};

const char *const budget_crossing_statements[] = { by_time_sql, by_user_sql, by_session_sql,
	by_agent_session_sql, by_agent_root_sql, NULL };

static const struct {
	const char *measure, *limit, *spent;
} names[] = {
	[BUDGET_COST] = { "cost", "limit_cents", "spent_cents" },
	[BUDGET_REQUESTS] = { "requests", "limit_requests", "spent_requests" },
	[BUDGET_TOKENS] = { "tokens", "limit_tokens", "spent_tokens" },
};

bool
budget_crossing_windows(struct task *task, const struct budget *budget, struct budget_windows *ret)
{
	const struct zone *zone;
	struct window open;

	if (!zone_find(task, budget->timezone, &zone))
		return false;
	open = period_window(budget->period, zone, task->now, budget->rolling_hours);
	*ret = (struct budget_windows){ .at = { open }, .count = 1 };
	if (budget->period != PERIOD_ROLLING && budget->head.created_at < open.start &&
	    task->now - open.start < BUDGET_ENDED_LATELY)
		ret->at[ret->count++] = period_window(budget->period, zone, open.start - 1, 0);
	return true;
}

static int64_t
limit_of(struct task *task, const struct budget *budget, struct window window,
    enum budget_measure measure)
{
	struct budget_use none = { 0 };
	struct account account = budget_status_account(budget, &none, measure);

	return decide_limit(&account, task->now < window.end ? task->now : window.end - 1);
}

/* Every threshold of every limit, in the order of $19 to $21. */
struct places {
	struct budget_crossing *at;
	size_t count;
};

static const char *
make_key(struct task *task, const struct budget_crossing *place)
{
	const struct budget *budget = place->budget;
	char id[ID_TEXT_SIZE], start[CLOCK_TEXT_SIZE];

	id_format(budget->head.id, id);
	clock_format(place->window.start, start);
	return arena_printf(task->arena, "%s:%s:%s:%s:%lld",
	    alert_kind_names[ALERT_BUDGET_THRESHOLD], id,
	    budget->period == PERIOD_ROLLING ? period_names[PERIOD_ROLLING] : start,
	    names[place->measure].measure, (long long)place->percent);
}

static struct places
make_places(struct task *task, const struct budget *budget, struct window window)
{
	size_t most = BUDGET_MEASURES * budget->thresholds.count;
	struct places places = { .at = arena_array(task->arena, most, sizeof *places.at) };

	for (int i = 0; i < BUDGET_MEASURES; i++) {
		enum budget_measure measure = (enum budget_measure)i;
		int64_t limit = limit_of(task, budget, window, measure);

		for (size_t j = 0; limit != DECIDE_NO_LIMIT && j < budget->thresholds.count; j++) {
			struct budget_crossing *place = &places.at[places.count++];

			*place = (struct budget_crossing){ .budget = budget,
				.window = window,
				.measure = measure,
				.percent = budget->thresholds.at[j],
				.limit = limit };
			place->key = make_key(task, place);
		}
	}
	return places;
}

/* How old an alert may be that still counts as told. */
static int64_t
told_since(const struct budget *budget, struct window window)
{
	return budget->period == PERIOD_ROLLING ? window.start : 0;
}

static struct db_params *
make_params(struct task *task, const struct budget *budget, struct window window,
    const struct places *places)
{
	struct db_params *params = budget_sum_params(task, budget, &budget->scope, window);
	struct db_array *measures = db_add_array(params, DB_ARRAY_INT);
	struct db_array *amounts = db_add_array(params, DB_ARRAY_INT);
	struct db_array *keys = db_add_array(params, DB_ARRAY_TEXT);

	for (size_t i = 0; i < places->count; i++) {
		const struct budget_crossing *place = &places->at[i];

		db_array_int(measures, place->measure);
		db_array_int(amounts, threshold_amount(place->limit, place->percent));
		db_array_text(keys, (struct text){ place->key, strlen(place->key) });
	}
	db_add_time(params, told_since(budget, window));
	db_add_int(params, BUDGET_CROSSINGS_MAX);
	return params;
}

static struct budget_crossing
read_row(struct task *task, const struct db_rows *rows, int row, const struct places *places)
{
	struct budget_crossing crossing = places->at[db_int(rows, row, 4) - 1];

	for (int i = 0; i < BUDGET_MEASURES; i++)
		crossing.spent[i] = db_int(rows, row, i);
	crossing.bucket = db_text(rows, row, 3);
	if (crossing.bucket != NULL)
		crossing.key = arena_printf(task->arena, "%s:%s", crossing.key, crossing.bucket);
	return crossing;
}

bool
budget_crossing_list(struct task *task, const struct budget *budget, struct window window,
    struct budget_crossings *ret)
{
	struct places places = make_places(task, budget, window);
	const char *sql = statements[budget_sum_way(&budget->scope)];
	struct budget_crossing *list;
	struct db_rows *rows;
	size_t count;

	*ret = (struct budget_crossings){ 0 };
	if (places.count == 0)
		return true;
	if (!db_query(task, sql, make_params(task, budget, window, &places), &rows))
		return false;
	count = (size_t)db_count(rows);
	list = arena_array(task->arena, count, sizeof *list);
	for (size_t i = 0; i < count; i++)
		list[i] = read_row(task, rows, (int)i, &places);
	*ret = (struct budget_crossings){ list, count };
	return true;
}

static void
write_amounts(struct json_out *out, const struct budget_crossing *crossing)
{
	enum budget_measure measure = crossing->measure;

	if (measure == BUDGET_COST) {
		json_cents(out, names[measure].limit, crossing->limit);
		json_cents(out, names[measure].spent, crossing->spent[measure]);
	} else {
		json_int(out, names[measure].limit, crossing->limit);
		json_int(out, names[measure].spent, crossing->spent[measure]);
	}
}

static void
write_payload(struct json_out *out, const void *object)
{
	const struct budget_crossing *crossing = object;
	const struct budget *budget = crossing->budget;

	json_open(out);
	json_id(out, "budget_id", budget->head.id);
	json_text(out, "budget_name", budget->name);
	json_text(out, "mode", decide_mode_names[budget->mode]);
	budget_scope_write(out, "scope", &budget->scope);
	json_text(out, "each", budget_dimension_names[budget->each]);
	json_text(out, "bucket", crossing->bucket);
	json_text(out, "window", period_names[budget->period]);
	budget_status_write_window(out, budget, crossing->window);
	json_text(out, "measure", names[crossing->measure].measure);
	json_int(out, "threshold_percent", crossing->percent);
	write_amounts(out, crossing);
	json_close(out);
}

struct alert_input
budget_crossing_alert(struct task *task, const struct budget_crossing *crossing)
{
	struct window window = crossing->window;
	bool endless = window.end == INT64_MAX;
	bool rolling = crossing->budget->period == PERIOD_ROLLING;

	return (struct alert_input){
		.kind = ALERT_BUDGET_THRESHOLD,
		.key = crossing->key,
		.again_before = told_since(crossing->budget, window),
		.key_until = endless   ? 0
			     : rolling ? task->now + (window.end - window.start)
				       : window.end,
		.payload = audit_json(task, write_payload, crossing),
	};
}
