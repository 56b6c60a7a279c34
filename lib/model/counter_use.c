#include "lib/model/counter_use.h"

#include "lib/model/counter_day.h"
#include "lib/model/counter_hold.h"

/* How often the counters are loaded before the answer comes from the log instead. */
#define LOAD_TRIES 3

/* Asks for the places, holding nothing; uses NULL: no answer. */
static void
ask(struct task *task, const struct counter_state *state, struct budget_places places,
    struct counter_hold *hold)
{
	*hold = (struct counter_hold){
		.client = task->client,
		.state = *state,
		.now = task->now,
		.places = places,
	};
	if (places.count > 0)
		counter_reserve(task, &hold, 1);
}

/* After an answer that was none: *ret_again says whether another may come. */
static bool
mend(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_state *state, enum counter_answer answer, bool *ret_again)
{
	bool healed;

	*ret_again = false;
	if (answer == COUNTER_AWAY)
		return true;
	if (answer == COUNTER_OVER)
		counter_book_forget(book, task->client);
	else if (!counter_heal(task, book, zone, &healed)) {
		if (task->err.code != ERR_UNAVAILABLE)
			return false;
		db_rollback(task);
		task_clear_error(task);
		return true;
	}
	*ret_again = true;
	return counter_state(task, book, zone, state);
}

static void
set_statuses(struct task *task, const struct counter_hold *hold, struct budget_statuses *ret)
{
	ret->count = hold->places.count;
	ret->at = arena_array(task->arena, ret->count, sizeof(*ret->at));
	for (size_t i = 0; i < ret->count; i++) {
		const struct budget_place *place = &hold->places.at[i];

		ret->at[i] = (struct budget_status){
			.budget = place->budget, .bucket = place->value, .window = place->window
		};
		if (ret->counted)
			ret->at[i].use = hold->uses[i];
	}
}

bool
counter_use_call(struct task *task, struct counter_book *book, const struct zone *zone,
    const struct budget_call *call, struct budget_statuses *ret)
{
	struct counter_state state;
	struct counter_hold hold;
	bool again = true;

	if (!counter_state(task, book, zone, &state))
		return false;
	for (int try = 0; again && try < LOAD_TRIES; try++) {
		ask(task, &state, budget_set_places(task, state.budgets, call, task->now), &hold);
		ret->counted = !state.bypassed && (hold.uses != NULL || hold.places.count == 0);
		again = !ret->counted;
		if (again && !mend(task, book, zone, &state, hold.answer, &again))
			return false;
	}
	set_statuses(task, &hold, ret);
	return true;
}

static const struct budget *
find(const struct budget_set *set, struct id id, size_t *ret)
{
	for (size_t i = 0; set != NULL && i < set->count; i++) {
		if (id_equal(set->at[i].head.id, id)) {
			*ret = i;
			return &set->at[i];
		}
	}
	return NULL;
}

static struct budget_places
places_of(struct task *task, const struct counter_state *state, const struct budget_status *list,
    size_t count)
{
	struct budget_place *places = arena_array(task->arena, count, sizeof(*places));
	const struct budget *budget;
	size_t at = 0;

	budget = count == 0 ? NULL : find(state->budgets, list[0].budget->head.id, &at);
	if (budget == NULL)
		return (struct budget_places){ 0 };
	for (size_t i = 0; i < count; i++)
		places[i] = budget_place_of_slot(
		    task, budget, state->budgets->zones[at], list[i].bucket, task->now);
	return (struct budget_places){ places, count };
}

bool
counter_use_buckets(struct task *task, struct counter_book *book, const struct zone *zone,
    struct budget_status *list, size_t count, bool *ret_counted)
{
	struct counter_state state;
	struct counter_hold hold;
	bool again = true;

	*ret_counted = false;
	if (!counter_state(task, book, zone, &state))
		return false;
	for (int try = 0; again && try < LOAD_TRIES; try++) {
		ask(task, &state, places_of(task, &state, list, count), &hold);
		*ret_counted = hold.uses != NULL;
		again = !*ret_counted && hold.places.count > 0;
		if (again && !mend(task, book, zone, &state, hold.answer, &again))
			return false;
	}
	for (size_t i = 0; *ret_counted && i < count; i++)
		list[i].use = hold.uses[i];
	return true;
}
