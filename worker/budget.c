/*
 * budget list|set
 */
#include "lib/model/budget.h"

#include "lib/money.h"
#include "worker/client_name.h"
#include "worker/commands.h"
#include "worker/output.h"
#include "worker/tenants.h"

#include <string.h>
#include <sysexits.h>

#define PAGE 500

/* Ready-made: what a user of each tier may spend in a day, in cents. */
static const struct {
	enum user_tier tier;
	int64_t cents;
} tiers[] = {
	{ USER_ANONYMOUS, 5 },
	{ USER_FREE, 25 },
	{ USER_PREMIUM, 500 },
	{ USER_ENTERPRISE, 5000 },
};
_Static_assert(COUNT(tiers) == USER_TIERS, "a tier without a budget");

/* The options that are fields of a budget, by the names of both. */
static const struct {
	const char *option, *field;
} options[] = {
	{ "limit-cents", "limit_cents" },
	{ "limit-requests", "limit_requests" },
	{ "limit-tokens", "limit_tokens" },
	{ "window", "window" },
	{ "rolling-hours", "rolling_hours" },
	{ "timezone", "timezone" },
	{ "each", "each" },
	{ "mode", "mode" },
	{ "unpriced", "unpriced" },
	{ "fallback-rate", "fallback_rate" },
};

static struct text
text_of(const char *value)
{
	return (struct text){ value, strlen(value) };
}

/* "user_tier=free,tag=x" of a scope. */
static const char *
scope_text(struct task *task, const struct budget_scope *scope)
{
	struct buf buf = { .arena = task->arena };

	for (int i = 0; i < BUDGET_DIMENSIONS; i++) {
		const char *value = budget_scope_get(task, scope, (enum budget_dimension)i);

		if (value != NULL)
			buf_printf(&buf, "%s%s=%s", buf.len > 0 ? "," : "",
			    budget_dimension_names[i], value);
	}
	return buf.len > 0 ? buf.at : "";
}

static void
add_limit(struct output_line *line, const char *name, int64_t limit)
{
	if (limit == DECIDE_NO_LIMIT)
		output_text(line, name, NULL);
	else
		output_int(line, name, limit);
}

static void
add_budget(struct output_line *line, const char *client, const struct budget *budget)
{
	output_id(line, "id", budget->head.id);
	output_text(line, "client", client);
	output_text(line, "name", budget->name);
	output_text(line, "scope", scope_text(line->context->task, &budget->scope));
	output_text(line, "each", budget_dimension_names[budget->each]);
	output_text(line, "window", period_names[budget->period]);
	output_text(line, "timezone", budget->timezone);
	if (budget->limits[BUDGET_COST] == DECIDE_NO_LIMIT)
		output_text(line, "limit_cents", NULL);
	else
		output_cents(line, "limit_cents", budget->limits[BUDGET_COST]);
	add_limit(line, "limit_requests", budget->limits[BUDGET_REQUESTS]);
	add_limit(line, "limit_tokens", budget->limits[BUDGET_TOKENS]);
	output_text(line, "mode", decide_mode_names[budget->mode]);
}

static bool
list_budgets(struct command_context *context, struct output_table *table, const char *client)
{
	struct budgets budgets;
	struct id after = { 0 };

	do {
		if (!budget_list(context->task, after, PAGE, &budgets))
			return false;
		for (size_t i = 0; i < budgets.count; i++) {
			struct output_line line = output_line(context, NULL);

			add_budget(&line, client, &budgets.at[i]);
			output_table_add(table, &line);
			after = budgets.at[i].head.id;
		}
	} while (budgets.count == PAGE);
	return true;
}

static bool
list_every_client(struct command_context *context, struct output_table *table)
{
	struct tenants tenants = { .context = context };

	while (tenants_next(&tenants))
		tenants_done(&tenants, list_budgets(context, table, tenants.tenant.name));
	return tenants_end(&tenants);
}

int
budget_list_run(struct command_context *context)
{
	const char *client = command_value(context, "client");
	struct output_table *table = output_table(context);
	struct task *task = context->task;

	if (client == NULL && !list_every_client(context, table))
		return command_failed(context);
	if (client != NULL && (!client_name_find(task, client, &task->client) ||
				  !list_budgets(context, table, client)))
		return command_failed(context);
	output_table_print(table);
	return EX_OK;
}

/* What is given of a budget, over its defaults. */
struct input {
	struct budget *budget;
	bool given[RESOURCE_FIELDS_MAX];
};

static const struct resource_field *
find_field(bool in_scope, struct text name)
{
	for (size_t i = 0; i < budget_resource.count; i++) {
		const struct resource_field *field = &budget_resource.fields[i];
		bool fits = field->group == NULL
				? !in_scope
				: in_scope && strcmp(field->group->name, "scope") == 0;

		if (fits && strlen(field->json.name) == name.len &&
		    memcmp(field->json.name, name.at, name.len) == 0)
			return field;
	}
	return NULL;
}

static bool
read_field(
    struct task *task, const struct resource_field *field, struct text value, struct input *input)
{
	input->given[field - budget_resource.fields] = true;
	return json_read_value(task, &field->json, value, input->budget);
}

/* KEY=VALUE with commas between them. */
static bool
read_scope(struct command_context *context, struct input *input)
{
	const char *text = command_value(context, "scope");

	while (text != NULL && *text != '\0') {
		struct text name = { text, strcspn(text, "=,") };
		struct text value = { text + name.len + 1, 0 };
		const struct resource_field *field = find_field(true, name);

		if (text[name.len] != '=' || field == NULL)
			return task_fail(context->task, ERR_INVALID,
			    "--scope takes user_tier=free,feature=chat and the like: see "
			    "tally(8)");
		value.len = strcspn(value.at, ",");
		if (!read_field(context->task, field, value, input))
			return false;
		text = value.at + value.len;
		text += *text == ',';
	}
	return true;
}

static bool
read_input(struct command_context *context, struct input *input)
{
	const char *name = command_value(context, "name");
	struct task *task = context->task;

	if (name == NULL)
		return task_fail(task, ERR_INVALID, "--name is needed, or --tiers");
	if (!read_field(task, find_field(false, text_of("name")), text_of(name), input))
		return false;
	for (size_t i = 0; i < COUNT(options); i++) {
		const char *value = command_value(context, options[i].option);

		if (value != NULL && !read_field(task, find_field(false, text_of(options[i].field)),
					 text_of(value), input))
			return false;
	}
	return read_scope(context, input);
}

/* What is given of that which never changes is as the budget has it. */
static bool
counts_the_same(
    struct command_context *context, const struct budget *given, const struct budget *budget)
{
	struct task *task = context->task;

	return (command_value(context, "scope") == NULL ||
		   strcmp(scope_text(task, &given->scope), scope_text(task, &budget->scope)) ==
		       0) &&
	       (given->each == BUDGET_NO_DIMENSION || given->each == budget->each) &&
	       (command_value(context, "window") == NULL || given->period == budget->period) &&
	       (given->rolling_hours == 0 || given->rolling_hours == budget->rolling_hours) &&
	       (given->timezone == NULL || strcmp(given->timezone, budget->timezone) == 0);
}

/* *ret_found false: no budget has the name. */
static bool
find_by_name(struct task *task, const char *name, bool *ret_found, struct budget *ret)
{
	*ret_found = budget_find_by_name(task, name, ret);
	if (!*ret_found) {
		if (task->err.code != ERR_NOT_FOUND)
			return false;
		task_clear_error(task);
		return true;
	}
	return resource_find_to_change(task, &budget_resource, ret->head.id, NULL, ret);
}

static bool
change(
    struct task *task, const struct input *input, const struct budget *before, struct budget *ret)
{
	static const bool nulled[RESOURCE_FIELDS_MAX];

	*ret = *before;
	resource_apply(&budget_resource, input->given, nulled, input->budget, ret);
	return resource_change(task, &budget_resource, "change", before, ret) && db_commit(task);
}

static bool
set(struct command_context *context, struct budget *ret)
{
	struct task *task = context->task;
	struct input input = { .budget = resource_new(task, &budget_resource) };
	struct budget before;
	bool found, known;

	/* A key that is not known is for the change or the addition to tell. */
	if (!read_input(context, &input) ||
	    !budget_scope_resolve(task, &input.budget->scope, &known) ||
	    !find_by_name(task, input.budget->name, &found, &before))
		return false;
	if (found && !counts_the_same(context, input.budget, &before))
		return task_fail(task, ERR_CONFLICT,
		    "the budget of that name counts something else, which never changes: give "
		    "another name");
	if (found)
		return change(task, &input, &before, ret);
	if (command_value(context, "window") == NULL)
		return task_fail(task, ERR_INVALID, "--window is needed for a new budget");
	*ret = *input.budget;
	return resource_add(task, &budget_resource, ret) && db_commit(task);
}

/* Those that are there stay as they are. */
static bool
set_tier(struct command_context *context, size_t i, struct budget *ret)
{
	struct task *task = context->task;
	struct budget *budget = resource_new(task, &budget_resource);
	bool found;

	budget->name = arena_printf(task->arena, "tier %s", user_tier_names[tiers[i].tier]);
	budget->scope.user_tier = (int)tiers[i].tier;
	budget->each = BUDGET_USER_ID;
	budget->period = PERIOD_DAY;
	budget->limits[BUDGET_COST] = tiers[i].cents * MONEY_NANOS_PER_CENT;
	if (!find_by_name(task, budget->name, &found, ret))
		return false;
	if (found)
		return true;
	*ret = *budget;
	return resource_add(task, &budget_resource, ret);
}

static bool
set_tiers(struct command_context *context, const char *client, struct output_table *table)
{
	struct task *task = context->task;

	if (command_value(context, "name") != NULL)
		return task_fail(task, ERR_INVALID, "--tiers makes budgets of its own names");
	for (size_t i = 0; i < COUNT(tiers); i++) {
		struct output_line line = output_line(context, NULL);
		struct budget budget = { 0 };

		if (!set_tier(context, i, &budget))
			return false;
		add_budget(&line, client, &budget);
		output_table_add(table, &line);
	}
	return db_commit(task);
}

static bool
find_client(struct command_context *context, const char *client)
{
	struct task *task = context->task;

	if (client == NULL || strcmp(client, CLIENT_OPERATOR) == 0)
		return task_fail(task, ERR_INVALID, "--client is needed: a name or an id");
	return client_name_find(task, client, &task->client) && db_commit(task);
}

static void
write_budget(struct json_out *out, const void *budget)
{
	resource_write(out, &budget_resource, budget, false);
}

int
budget_set_run(struct command_context *context)
{
	const char *client = command_value(context, "client");
	struct output_table *table = output_table(context);
	struct output_line line = output_line(context, "budget");
	struct budget budget = { 0 };

	if (!find_client(context, client))
		return command_failed(context);
	if (command_flag(context, "tiers")) {
		if (!set_tiers(context, client, table))
			return command_failed(context);
		output_table_print(table);
		return EX_OK;
	}
	if (!set(context, &budget))
		return command_failed(context);
	add_budget(&line, client, &budget);
	output_object(&line, write_budget, &budget);
	return EX_OK;
}
