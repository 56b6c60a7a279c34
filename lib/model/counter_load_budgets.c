/* The budgets' part of a load: their open windows from the log, their holds from the
 * authorizations.
 */
#include <string.h>

#include "lib/clock.h"
#include "lib/model/authorization.h"
#include "lib/model/budget_sum.h"
#include "lib/model/counter_hold.h"
#include "lib/model/counter_hold_lua.h"
#include "lib/model/counter_load_private.h"

/* ARGV: epoch, run, loader, then for each hold three: id, what is left of its life in milliseconds,
 * items. */
static struct redis_script holds_script = { .library = { COUNTER_LUA_STATE, COUNTER_LUA_LOADER,
						COUNTER_LUA_ADD, COUNTER_LUA_HOLD },
	.source = "for i = 4, #ARGV, 3 do hold(ARGV[i], in_ms(ARGV[i + 1]), ARGV[i + 2]) end\n"
		  "return s\n" };

/* One span of a budget; slot_usec 0: it is one window. One without an end is kept from now on. */
static bool
load_span(struct counter_loading *load, size_t i, struct window span, int64_t slot_usec)
{
	int64_t span_at = span.end == INT64_MAX ? load->task->now : span.start;
	const struct budget_set *set = load->state->budgets;
	struct task *task = load->task;
	struct budget_sums *cursor;
	const struct budget_sum *sums;
	size_t count;

	if (!budget_sums_open(task, &set->at[i], span.start, span.end, slot_usec, &cursor))
		return false;
	do {
		struct buf items = { .arena = task->arena };

		if (!budget_sums_next(task, cursor, &sums, &count))
			return false;
		for (size_t s = 0; s < count; s++) {
			int64_t at = slot_usec > 0 ? sums[s].slot * slot_usec : span_at;
			struct budget_place place = budget_place_of_slot(
			    task, &set->at[i], set->zones[i], sums[s].value, at);
			struct counter_sum sum;

			memcpy(place.amounts, sums[s].amounts, sizeof(place.amounts));
			place.unpriced = sums[s].unpriced;
			sum = counter_place_sum(task, &place);
			counter_add_item(&items, &sum);
		}
		if (!counter_load_fill(load, &items))
			return true;
	} while (count > 0);
	return true;
}

/* The windows that are open by any clock: of a little while ago, of now and of soon, when a record
 * may be made that is ahead of a clock that is ahead of ours. */
static bool
load_budget(struct counter_loading *load, size_t i)
{
	const struct budget_set *set = load->state->budgets;
	const struct budget *budget = &set->at[i];
	int64_t now = load->task->now;
	struct window soon = period_window(
	    budget->period, set->zones[i], now + 2 * COUNTER_SKEW_USEC, budget->rolling_hours);
	struct window window = period_window(
	    budget->period, set->zones[i], now - BUDGET_LATE_USEC, budget->rolling_hours);

	if (budget->period == PERIOD_ROLLING) {
		window.end = soon.end;
		return load_span(load, i, window, period_step(budget->rolling_hours));
	}
	while (load->answer == COUNTER_LOADING) {
		if (!load_span(load, i, window, 0))
			return false;
		if (window.start >= soon.start)
			break;
		window =
		    period_window(budget->period, set->zones[i], window.end, budget->rolling_hours);
	}
	return true;
}

static void
add_hold(
    struct counter_loading *load, struct redis_command *command, const struct authorization *of)
{
	const struct budget_set *set = load->state->budgets;
	struct budget_call call = { .scope = of->scope,
		.tags = of->tags,
		.cost_nanos = of->held_nanos,
		.tokens = of->held_tokens };
	struct budget_places places = budget_set_places(load->task, set, &call, of->created_at);
	struct budget_places next = counter_hold_next(load->task, set, &places, of->expires_at);
	struct buf items = { .arena = load->task->arena };
	char id[ID_TEXT_SIZE];

	counter_add_place_items(load->task, &items, places);
	counter_add_place_items(load->task, &items, next);
	redis_add(command, id_format(of->id, id));
	redis_add_int(command, of->left_usec / 1000);
	redis_add(command, items.len == 0 ? "" : items.at);
}

static bool
load_holds(struct counter_loading *load)
{
	struct authorizations list;
	struct id after = { 0 };

	do {
		struct redis_command *command;

		if (!authorization_list_held(load->task, after, COUNTER_LOAD_PORTION, &list))
			return false;
		if (list.count == 0)
			break;
		command = counter_load_make(load, &holds_script);
		if (command == NULL)
			return true;
		for (size_t i = 0; i < list.count; i++)
			add_hold(load, command, &list.at[i]);
		if (!counter_load_send(load, command))
			return true;
		after = list.at[list.count - 1].id;
	} while (list.count == COUNTER_LOAD_PORTION);
	return true;
}

bool
counter_load_budgets(struct counter_loading *load)
{
	const struct budget_set *set = load->state->budgets;

	for (size_t i = 0; set != NULL && i < set->count && load->answer == COUNTER_LOADING; i++) {
		struct arena_mark mark = arena_mark(load->task->arena);

		if (!load_budget(load, i))
			return false;
		arena_undo(load->task->arena, mark);
	}
	return set == NULL || load->answer != COUNTER_LOADING || load_holds(load);
}
