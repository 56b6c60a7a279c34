#include "worker/budget_books.h"

#include "lib/model/counter_compare.h"
#include "lib/model/counter_day.h"

static void
print(struct command_context *context, const struct tenant *tenant,
    const struct counter_difference *difference, bool healed)
{
	struct output_line line = output_line(context, "difference");

	output_id(&line, "client", tenant->id);
	output_text(&line, "name", tenant->name);
	output_text(&line, "book", "budget");
	output_id(&line, "budget", difference->budget->head.id);
	output_text(&line, "budget_name", difference->budget->name);
	output_text(&line, "bucket", difference->value);
	output_cents(&line, "log_cents", difference->log[BUDGET_COST]);
	output_cents(&line, "book_cents", difference->counted[BUDGET_COST]);
	output_int(&line, "log_requests", difference->log[BUDGET_REQUESTS]);
	output_int(&line, "book_requests", difference->counted[BUDGET_REQUESTS]);
	output_int(&line, "log_tokens", difference->log[BUDGET_TOKENS]);
	output_int(&line, "book_tokens", difference->counted[BUDGET_TOKENS]);
	output_bool(&line, "healed", healed);
	output_print(&line);
}

static void
add_drift(struct budget_books *books, const struct counter_difference *difference)
{
	int64_t drift = difference->log[BUDGET_COST] - difference->counted[BUDGET_COST];

	if (__builtin_add_overflow(
		books->drift_nanos, drift < 0 ? -drift : drift, &books->drift_nanos))
		books->drift_nanos = INT64_MAX;
}

bool
budget_books_compare(struct command_context *context, const struct tenant *tenant, bool heal,
    struct budget_books *ret)
{
	struct counter_comparison comparison;

	*ret = (struct budget_books){ 0 };
	if (!tenant->counted)
		return true;
	if (!counter_compare(context->task, &comparison))
		return false;
	ret->buckets = comparison.buckets;
	ret->differing = comparison.differing;
	heal = heal && comparison.differing > 0;
	if (heal && !counter_rebuild(context->task, tenant->zone))
		return false;
	for (size_t i = 0; i < comparison.count; i++) {
		add_drift(ret, &comparison.at[i]);
		print(context, tenant, &comparison.at[i], heal);
	}
	return true;
}
