#include "lib/model/budget_private.h"

#include "lib/model/audit.h"
#include "lib/zone.h"

#include <stdlib.h>
#include <string.h>

/* $1 to $13 are the same in both. */
static const char insert_sql[] =
    "INSERT INTO budgets (client_id, id, name, limit_cents, limit_requests, limit_tokens, mode,\n"
    "thresholds, unpriced, fallback_rate, on_counter_loss, override_cents, override_until,\n"
    "user_id, user_tier, api_key_id, session_id, agent_session_id, feature, provider, model, tag,\n"
    "each_by, period, rolling_hours, timezone)\n"
    "SELECT $1::uuid, $2::uuid, $3, $4::bigint * 0.0000001, $5::bigint, $6::bigint, $7,\n"
    "$8::bigint[]::integer[], $9, $10::bigint, $11, $12::bigint * 0.0000001, $13::timestamptz,\n"
    "$14::uuid, $15, $16::uuid, $17::uuid, $18::uuid, $19, $20, $21, $22,\n"
    "$23, $24, $25::bigint, COALESCE($26, (SELECT timezone FROM clients WHERE id = $1))\n"
    "WHERE $27 > (SELECT count(*) FROM budgets WHERE client_id = $1 AND deleted_at IS NULL)\n"
    "RETURNING " BUDGET_COLUMNS;

static const char update_sql[] = "UPDATE budgets\n"
				 "SET name = $3,\n"
				 "limit_cents = $4::bigint * 0.0000001,\n"
				 "limit_requests = $5::bigint,\n"
				 "limit_tokens = $6::bigint,\n"
				 "mode = $7,\n"
				 "thresholds = $8::bigint[]::integer[],\n"
				 "unpriced = $9,\n"
				 "fallback_rate = $10::bigint,\n"
				 "on_counter_loss = $11,\n"
				 "override_cents = $12::bigint * 0.0000001,\n"
				 "override_until = $13::timestamptz\n"
				 "WHERE client_id = $1 AND id = $2\n"
				 "RETURNING " BUDGET_COLUMNS;

static const char lock_sql[] = "SELECT " BUDGET_COLUMNS "\n"
			       "FROM budgets\n"
			       "WHERE client_id = $1 AND id = $2 AND deleted_at IS NULL\n"
			       "FOR UPDATE";

static const char delete_sql[] = "UPDATE budgets\n"
				 "SET deleted_at = $3\n"
				 "WHERE client_id = $1 AND id = $2";

const char *const budget_statements[] = { insert_sql, update_sql, lock_sql, delete_sql, NULL };

static const int64_t default_thresholds[] = { 50, 80, 100 };

/* What a violated constraint says about the caller's fields. */
static const struct {
	const char *constraint;
	enum err_code code;
	const char *text;
	const char *field;
	const char *message;
} violations[] = {
	{ "budgets_name", ERR_CONFLICT, "Another budget has the same name.", "name",
	    "another budget has this name" },
	{ "budgets_user", ERR_INVALID, "There is no such user.", "scope.user_id",
	    "names no user of this client" },
	{ "budgets_api_key", ERR_INVALID, "There is no such key.", "scope.api_key_id",
	    "names no key of this client" },
};

/* Makes a violated constraint a field that the caller knows. Always false. */
static bool
explain(struct task *task)
{
	const char *constraint = task->err.constraint;

	for (size_t i = 0; constraint != NULL && i < COUNT(violations); i++) {
		if (strcmp(constraint, violations[i].constraint) != 0)
			continue;
		task_clear_error(task);
		task_fail(
		    task, violations[i].code, "%s %s", violations[i].field, violations[i].message);
		task->err.fields[0] =
		    (struct err_field){ violations[i].field, violations[i].message };
		task->err.field_count = 1;
		return false;
	}
	return false;
}

static int
compare_ints(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Ascending, each once. */
static struct json_ints
sort_ints(struct task *task, struct json_ints ints)
{
	int64_t *sorted = arena_array(task->arena, ints.count, sizeof *sorted);
	size_t count = 0;

	if (ints.count == 0)
		return ints;
	memcpy(sorted, ints.at, ints.count * sizeof *sorted);
	qsort(sorted, ints.count, sizeof *sorted, compare_ints);
	for (size_t i = 0; i < ints.count; i++)
		if (count == 0 || sorted[i] != sorted[count - 1])
			sorted[count++] = sorted[i];
	return (struct json_ints){ sorted, count };
}

/* An override whose time is over must not stand in the way of a new limit. */
static void
apply_limits(struct task *task, const struct budget_input *input, struct budget *budget)
{
	for (int i = 0; i < BUDGET_MEASURES; i++) {
		if (input->no_limits[i])
			budget->limits[i] = DECIDE_NO_LIMIT;
		if (input->has_limits[i])
			budget->limits[i] = input->limits[i];
	}
	if (input->no_override || budget->override_until <= task->now)
		budget->override_nanos = budget->override_until = 0;
	if (input->has_override) {
		budget->override_nanos = input->override_nanos;
		budget->override_until = input->override_until;
	}
}

/* What may be changed, where it is given. */
static void
apply(struct task *task, const struct budget_input *input, struct budget *budget)
{
	if (input->name != NULL)
		budget->name = input->name;
	apply_limits(task, input, budget);
	if (input->has_mode)
		budget->mode = (enum decide_mode)input->mode;
	if (input->has_thresholds)
		budget->thresholds = sort_ints(task, input->thresholds);
	if (input->has_unpriced)
		budget->unpriced = (enum budget_unpriced)input->unpriced;
	if (input->has_fallback_rate)
		budget->fallback_rate = input->fallback_rate;
	if (input->has_on_counter_loss) {
		budget->has_on_counter_loss = true;
		budget->on_counter_loss = (enum budget_loss)input->on_counter_loss;
	}
}

static void
check_override(struct task *task, const struct budget *budget)
{
	int64_t limit = budget->limits[BUDGET_COST];

	if (budget->override_until == 0)
		return;
	if (limit == DECIDE_NO_LIMIT)
		task_fail_field(task, "override", "needs limit_cents, which it raises");
	else if (budget->override_nanos > BUDGET_MAX - limit)
		task_fail_field(
		    task, "override.amount_cents", "makes the limit larger than 900719925.4740992");
}

static bool
check(struct task *task, const struct budget *budget, const struct budget_input *input)
{
	bool limited = false;

	for (int i = 0; i < BUDGET_MEASURES; i++)
		limited = limited || budget->limits[i] != DECIDE_NO_LIMIT;
	if (!limited)
		task_fail_field(
		    task, "limit_cents", "must be given, or limit_requests or limit_tokens");
	if (budget->unpriced == BUDGET_FALLBACK && budget->fallback_rate == PRICE_NONE)
		task_fail_field(task, "fallback_rate", "must be given where unpriced is fallback");
	if (input->has_override && input->override_until <= task->now)
		task_fail_field(task, "override.until", "must be later than now");
	check_override(task, budget);
	return task->err.code == ERR_NONE;
}

/* What is set once. */
static bool
check_counted(struct task *task, const struct budget_input *input)
{
	const struct zone *zone;

	if (input->period == PERIOD_ROLLING && input->rolling_hours == 0)
		task_fail_field(task, "rolling_hours", "must be given with the window rolling");
	if (input->period != PERIOD_ROLLING && input->rolling_hours != 0)
		task_fail_field(task, "rolling_hours", "is for the window rolling only");
	if (input->has_each &&
	    budget_scope_get(task, &input->scope, (enum budget_dimension)input->each) != NULL)
		task_fail_field(task, "each", "has but one value in this scope");
	if (task->err.code != ERR_NONE || input->timezone == NULL ||
	    zone_find(task, input->timezone, &zone))
		return true;
	if (task->err.code != ERR_INVALID)
		return false;
	task_clear_error(task);
	task_fail_field(task, "timezone", "is not the name of an IANA time zone");
	return true;
}

static void
add_number(struct db_params *params, int64_t value, int64_t none)
{
	if (value == none)
		db_add_null(params);
	else
		db_add_int(params, value);
}

/* $1 to $13. */
static struct db_params *
make_params(struct task *task, const struct budget *budget)
{
	struct db_params *params = db_params(task);
	struct db_array *thresholds;

	db_add_id(params, task->client);
	db_add_id(params, budget->id);
	db_add_text(params, budget->name);
	for (int i = 0; i < BUDGET_MEASURES; i++)
		add_number(params, budget->limits[i], DECIDE_NO_LIMIT);
	db_add_text(params, decide_mode_names[budget->mode]);
	thresholds = db_add_array(params, DB_ARRAY_INT);
	for (size_t i = 0; i < budget->thresholds.count; i++)
		db_array_int(thresholds, budget->thresholds.at[i]);
	db_add_text(params, budget_unpriced_names[budget->unpriced]);
	add_number(params, budget->fallback_rate, PRICE_NONE);
	db_add_text(params,
	    budget->has_on_counter_loss ? budget_loss_names[budget->on_counter_loss] : NULL);
	if (budget->override_until == 0) {
		db_add_null(params);
		db_add_null(params);
	} else {
		db_add_int(params, budget->override_nanos);
		db_add_time(params, budget->override_until);
	}
	return params;
}

static struct budget
make_default(struct task *task, const struct budget_input *input)
{
	struct budget budget = { .id = id_new(task->now),
		.thresholds = { default_thresholds, COUNT(default_thresholds) },
		.fallback_rate = PRICE_NONE };

	for (int i = 0; i < BUDGET_MEASURES; i++)
		budget.limits[i] = DECIDE_NO_LIMIT;
	if (input->has_mode && input->mode != DECIDE_HARD)
		budget.unpriced = BUDGET_ALLOW;
	apply(task, input, &budget);
	return budget;
}

bool
budget_add(struct task *task, const struct budget_input *input, struct budget *ret)
{
	struct budget budget = make_default(task, input);
	struct db_params *params = make_params(task, &budget);
	struct budget_scope scope = input->scope;
	struct db_rows *rows;
	bool known;

	if (!check_counted(task, input) || !check(task, &budget, input))
		return false;
	/* The constraint tells of a key that is not known. */
	if (!budget_scope_resolve(task, &scope, &known))
		return false;
	budget_scope_add(params, &scope);
	db_add_text(params, input->has_each ? budget_dimension_names[input->each] : NULL);
	db_add_text(params, period_names[input->period]);
	add_number(params, input->rolling_hours, 0);
	db_add_text(params, input->timezone);
	db_add_int(params, BUDGETS_MAX);
	if (!db_query(task, insert_sql, params, &rows))
		return explain(task);
	if (db_count(rows) == 0)
		return task_fail(
		    task, ERR_CONFLICT, "A client has %d budgets at most.", BUDGETS_MAX);
	budget_read_row(task, rows, 0, ret);
	return audit_add(task, "add", "budgets", ret->id, (struct text){ 0 },
	    audit_json(task, budget_write, ret));
}

bool
budget_find_to_change(struct task *task, struct id id, struct budget *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, id);
	if (!db_query_one(task, lock_sql, params, &rows))
		return false;
	budget_read_row(task, rows, 0, ret);
	return true;
}

static bool
differ(struct task *task, const struct budget *a, const struct budget *b)
{
	struct text x = audit_json(task, budget_write, a), y = audit_json(task, budget_write, b);

	return x.len != y.len || memcmp(x.at, y.at, x.len) != 0 ||
	       a->has_on_counter_loss != b->has_on_counter_loss;
}

bool
budget_change(struct task *task, const struct budget *before, const struct budget_input *input,
    struct budget *ret)
{
	struct budget after = *before;
	struct db_rows *rows;

	apply(task, input, &after);
	if (!check(task, &after, input))
		return false;
	*ret = after;
	if (!differ(task, before, &after))
		return true;
	if (!db_query_one(task, update_sql, make_params(task, &after), &rows))
		return explain(task);
	budget_read_row(task, rows, 0, ret);
	return audit_add(task, "change", "budgets", ret->id, audit_json(task, budget_write, before),
	    audit_json(task, budget_write, ret));
}

bool
budget_remove(struct task *task, const struct budget *before)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_id(params, before->id);
	db_add_time(params, task->now);
	return db_query(task, delete_sql, params, NULL) &&
	       audit_add(task, "remove", "budgets", before->id,
		   audit_json(task, budget_write, before), (struct text){ 0 });
}
