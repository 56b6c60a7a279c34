/*
 * prices import|list|diff: the price list that holds for every client that has no price of its own.
 */
#include "lib/clock.h"
#include "lib/model/pricing_import.h"
#include "worker/commands.h"
#include "worker/file.h"
#include "worker/output.h"

#include <string.h>
#include <sysexits.h>

/* Where nothing was imported before, old records are to be priced too. */
#define FIRST_VALID_FROM INT64_C(0)

static void
print_price(struct command_context *context, struct output_table *table, const char *change,
    const struct price *price)
{
	struct output_line line = output_line(context, NULL);

	if (change != NULL)
		output_text(&line, "change", change);
	else
		output_time(&line, "valid_from", price->valid_from);
	output_text(&line, "provider", price->provider);
	output_text(&line, "model", price->model);
	output_rate(&line, "input", price->rates.input);
	output_rate(&line, "output", price->rates.output);
	output_rate(&line, "cached", price->rates.cached);
	output_rate(&line, "cache_write", price->rates.cache_write);
	output_rate(&line, "reasoning", price->rates.reasoning);
	output_int(&line, "tier_tokens", price->rates.tier_tokens);
	output_table_add(table, &line);
}

static bool
read_changes(
    struct command_context *context, struct pricing_file *file, struct pricing_changes *changes)
{
	struct task *task = context->task;
	struct text body;

	return file_read(task, context->operands[0], PRICING_IMPORT_MAX_BYTES, &body) &&
	       pricing_import_read(task, body, file) && pricing_import_compare(task, file, changes);
}

static void
print_summary(struct command_context *context, const struct pricing_file *file,
    const struct pricing_changes *changes)
{
	struct output_line line = output_line(context, context->command->name);
	int64_t added = 0;

	for (size_t i = 0; i < changes->count; i++)
		added += changes->at[i].before == NULL;
	output_int(&line, "models", (int64_t)file->count);
	output_int(&line, "added", added);
	output_int(&line, "changed", (int64_t)changes->count - added);
	output_int(&line, "gone", changes->gone);
	output_int(&line, "rounded_rates", file->rounded);
	output_int(&line, "skipped_unpriced", file->unpriced);
	output_int(&line, "skipped_other_modes", file->other_modes);
	output_int(&line, "skipped_repeated", file->repeated);
	output_print(&line);
}

static bool
read_valid_from(
    struct command_context *context, const struct pricing_changes *changes, int64_t *ret)
{
	int32_t date = -1;

	if (!command_date(context, "valid-from", &date))
		return false;
	*ret = changes->first ? FIRST_VALID_FROM : context->task->now;
	if (date >= 0)
		*ret = date * CLOCK_DAY;
	return true;
}

static bool
import_file(struct command_context *context)
{
	struct task *task = context->task;
	struct pricing_changes changes;
	struct pricing_file file;
	int64_t valid_from;

	if (!read_changes(context, &file, &changes) ||
	    !read_valid_from(context, &changes, &valid_from))
		return false;
	if (changes.shrunken && !command_flag(context, "force"))
		return task_fail(task, ERR_SYNTAX,
		    "the file has lost more than %d %% of the models of the last one: %lld are gone; "
		    "--force takes it all the same",
		    PRICING_IMPORT_MAX_LOST_PERCENT, (long long)changes.gone);
	if (!context->dry_run &&
	    (!pricing_import_apply(task, &file, &changes, valid_from) || !db_commit(task)))
		return false;
	print_summary(context, &file, &changes);
	return true;
}

int
prices_import_run(struct command_context *context)
{
	context->task->operator_key = true;
	return import_file(context) ? EX_OK : command_failed(context);
}

int
prices_diff_run(struct command_context *context)
{
	struct output_table *table = output_table(context);
	struct pricing_changes changes;
	struct pricing_file file;

	if (!read_changes(context, &file, &changes))
		return command_failed(context);
	for (size_t i = 0; i < changes.count; i++) {
		const struct pricing_change *change = &changes.at[i];

		if (change->before != NULL)
			print_price(context, table, "before", change->before);
		print_price(
		    context, table, change->before != NULL ? "after" : "added", change->after);
	}
	output_table_print(table);
	print_summary(context, &file, &changes);
	return EX_OK;
}

/* Whether the price is the one in force at the time: the next one of its model begins later. */
static bool
in_force(const struct prices *prices, size_t i, int64_t at)
{
	const struct price *price = &prices->at[i];
	const struct price *next = i + 1 < prices->count ? price + 1 : NULL;

	if (price->valid_from > at || price->valid_to <= at)
		return false;
	return next == NULL || strcmp(next->model, price->model) != 0 ||
	       strcmp(next->provider, price->provider) != 0 ||
	       !id_equal(next->client, price->client) || next->valid_from > at;
}

int
prices_list_run(struct command_context *context)
{
	const char *model = command_value(context, "model");
	struct output_table *table = output_table(context);
	int64_t at = context->task->now;
	struct prices prices;
	int32_t date = -1;

	if (!command_date(context, "at", &date) || !pricing_list_defaults(context->task, &prices))
		return command_failed(context);
	if (date >= 0)
		at = (date + 1) * CLOCK_DAY - 1;
	for (size_t i = 0; i < prices.count; i++) {
		if (in_force(&prices, i, at) &&
		    (model == NULL || strcmp(model, prices.at[i].model) == 0))
			print_price(context, table, NULL, &prices.at[i]);
	}
	output_table_print(table);
	return EX_OK;
}
