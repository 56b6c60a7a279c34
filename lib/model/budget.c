#include "lib/model/budget_private.h"

#include "lib/zone.h"

#include <stdlib.h>
#include <string.h>

static const char zone_sql[] = "SELECT timezone\n"
			       "FROM clients\n"
			       "WHERE id = $1";

const char *const budget_statements[] = { zone_sql, NULL };

static const int64_t default_thresholds[] = { 50, 80, 100 };

static const struct budget defaults = {
	.scope = { .user_tier = USER_TIERS },
	.each = BUDGET_NO_DIMENSION,
	.limits = { DECIDE_NO_LIMIT, DECIDE_NO_LIMIT, DECIDE_NO_LIMIT },
	.thresholds = { default_thresholds, COUNT(default_thresholds) },
	.unpriced = BUDGET_UNPRICEDS,
	.fallback_rate = PRICE_NONE,
	.loss = BUDGET_LOSSES,
	.override_nanos = RESOURCE_NONE,
};

static const struct resource_taken taken[] = {
	{ "budgets_name", "name", "another budget has this name" },
	{ "budgets_user", "scope.user_id", "names no user of this client" },
	{ "budgets_api_key", "scope.api_key_id", "names no key of this client" },
};

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

/* One whose time is over must not stand in the way of a new limit; none begins like that. */
static void
check_override(struct task *task, const struct budget *before, struct budget *budget)
{
	int64_t limit = budget->limits[BUDGET_COST];

	if (budget->override_until != 0 && budget->override_until <= task->now) {
		if (before == NULL || before->override_until != budget->override_until)
			task_fail_field(task, "override.until", "must be later than now");
		budget->override_nanos = RESOURCE_NONE;
		budget->override_until = 0;
	}
	if (budget->override_until == 0)
		return;
	if (limit == DECIDE_NO_LIMIT)
		task_fail_field(task, "override", "needs limit_cents, which it raises");
	else if (budget->override_nanos > BUDGET_MAX - limit)
		task_fail_field(
		    task, "override.amount_cents", "makes the limit larger than 900719925.4740992");
}

static bool
find_zone(struct task *task, struct budget *budget)
{
	struct db_params *params = db_params(task);
	const struct zone *zone;
	struct db_rows *rows;

	if (budget->timezone == NULL) {
		db_add_id(params, task->client);
		if (!db_query_one(task, zone_sql, params, &rows))
			return false;
		budget->timezone = db_text(rows, 0, 0);
		return true;
	}
	if (task->err.code != ERR_NONE || zone_find(task, budget->timezone, &zone))
		return true;
	if (task->err.code != ERR_INVALID)
		return false;
	task_clear_error(task);
	task_fail_field(task, "timezone", "is not the name of an IANA time zone");
	return true;
}

/* What is set once. False: no answer of the database. */
static bool
check_counted(struct task *task, struct budget *budget)
{
	bool known;

	budget->scope.has_user_tier = budget->scope.user_tier != USER_TIERS;
	if (budget->unpriced == BUDGET_UNPRICEDS)
		budget->unpriced = budget->mode == DECIDE_HARD ? BUDGET_BLOCK : BUDGET_ALLOW;
	if (budget->period == PERIOD_ROLLING && budget->rolling_hours == 0)
		task_fail_field(task, "rolling_hours", "must be given with the window rolling");
	if (budget->period != PERIOD_ROLLING && budget->rolling_hours != 0)
		task_fail_field(task, "rolling_hours", "is for the window rolling only");
	if (budget->each != BUDGET_NO_DIMENSION &&
	    budget_scope_get(task, &budget->scope, budget->each) != NULL)
		task_fail_field(task, "each", "has but one value in this scope");
	/* The constraint tells of a key that is not known. */
	return find_zone(task, budget) &&
	       (task->err.code != ERR_NONE || budget_scope_resolve(task, &budget->scope, &known));
}

static bool
check(struct task *task, const void *before, void *after)
{
	const struct budget *old = before;
	struct budget *budget = after;
	bool limited = false;

	if (old == NULL && !check_counted(task, budget))
		return false;
	if (old == NULL || budget->thresholds.at != old->thresholds.at)
		budget->thresholds = sort_ints(task, budget->thresholds);
	for (int i = 0; i < BUDGET_MEASURES; i++)
		limited = limited || budget->limits[i] != DECIDE_NO_LIMIT;
	if (!limited)
		task_fail_field(
		    task, "limit_cents", "must be given, or limit_requests or limit_tokens");
	if (budget->unpriced == BUDGET_FALLBACK && budget->fallback_rate == PRICE_NONE)
		task_fail_field(task, "fallback_rate", "must be given where unpriced is fallback");
	check_override(task, old, budget);
	return task->err.code == ERR_NONE;
}

static void
derive(void *object)
{
	struct budget *budget = object;

	budget->scope.has_user_tier = budget->scope.user_tier != USER_TIERS;
	if (budget->loss != BUDGET_LOSSES)
		budget->on_counter_loss = (enum budget_loss)budget->loss;
	else
		budget->on_counter_loss = budget->mode == DECIDE_HARD ? BUDGET_CLOSED : BUDGET_OPEN;
}

static void
write_loss(struct json_out *out, const void *object)
{
	const struct budget *budget = object;

	json_text(out, "on_counter_loss", budget_loss_names[budget->on_counter_loss]);
}

static struct resource_statements statements;

const struct resource budget_resource = {
	.table = "budgets",
	.one = "budget",
	.size = sizeof(struct budget),
	.defaults = &defaults,
	.fields = budget_fields,
	.count = BUDGET_FIELDS,
	.taken = taken,
	.taken_count = COUNT(taken),
	.statements = &statements,
	.selects = budget_selects,
	.max = BUDGETS_MAX,
	.soft = true,
	.final = true,
	.check = check,
	.loaded = derive,
	.write = write_loss,
};
