#include "app/ingest/holds.h"

#include <string.h>

#include "app/ingest/authorize.h"

/* How often a client's next epoch is tried before its counters pass for gone. */
#define TAKE_TRIES 4
/* How often an authorization waits for its counters before they pass for gone. */
#define LOADS_MAX 3

static void
refuse(struct hold_row *row, enum refusal refusal, const struct budget_status *by)
{
	row->authorize->refusal = refusal;
	row->authorize->refused = by;
	row->result = HOLD_REFUSED;
}

static const struct budget_place *
place_at(const struct counter_hold *hold, size_t i)
{
	return i < hold->places.count ? &hold->places.at[i]
				      : &hold->next.at[i - hold->places.count];
}

static struct budget_status
status_of(const struct counter_hold *hold, size_t i)
{
	const struct budget_place *place = place_at(hold, i);
	struct budget_status status = {
		.budget = place->budget,
		.bucket = place->value,
		.window = place->window,
	};

	if (hold->uses != NULL)
		status.use = hold->uses[i];
	return status;
}

/* One more than the places: the last is for a refusal by a window that follows. */
static void
set_statuses(struct task *task, struct hold_row *row)
{
	struct authorize *authorize = row->authorize;
	size_t count = row->hold.places.count;

	authorize->statuses = arena_array(task->arena, count + 1, sizeof(*authorize->statuses));
	authorize->status_count = count;
	for (size_t i = 0; i < count; i++)
		authorize->statuses[i] = status_of(&row->hold, i);
}

static const struct budget_status *
refused_by(struct hold_row *row)
{
	struct authorize *authorize = row->authorize;
	size_t i = row->hold.refused_by, count = row->hold.places.count;

	if (i < count)
		return &authorize->statuses[i];
	authorize->statuses[count] = status_of(&row->hold, i);
	return &authorize->statuses[count];
}

/* What no counter is needed for: calls whose amounts are not known. */
static void
check_amounts(struct hold_row *row)
{
	const struct authorization *of = &row->authorize->authorization;

	for (size_t i = 0; i < row->hold.places.count && row->result == HOLD_OPEN; i++) {
		const struct budget *budget = row->hold.places.at[i].budget;
		const struct budget_status *status = &row->authorize->statuses[i];

		if (budget->mode != DECIDE_HARD)
			continue;
		if (of->held_tokens < 0 && (budget->limits[BUDGET_TOKENS] != DECIDE_NO_LIMIT))
			refuse(row, REFUSAL_NO_TOKENS, status);
		else if (of->held_nanos < 0 && budget->unpriced == BUDGET_BLOCK &&
			 budget->limits[BUDGET_COST] != DECIDE_NO_LIMIT)
			refuse(row, REFUSAL_UNPRICED, status);
	}
}

static void
prepare(struct task *task, const struct counts *counts, struct hold_row *row)
{
	const struct counter_part *part = &counts->parts[row->part];
	const struct authorization *of = &row->authorize->authorization;
	struct counter_hold *hold = &row->hold;
	struct budget_call call = {
		.scope = of->scope,
		.tags = of->tags,
		.cost_nanos = of->held_nanos,
		.tokens = of->held_tokens,
	};

	row->authorize->refusal = REFUSAL_NONE;
	*hold = (struct counter_hold){
		.client = part->client,
		.state = part->state,
		.id = of->id,
		.expires_at = of->expires_at,
		.now = task->now,
		.places = budget_set_places(task, part->state.budgets, &call, of->created_at),
	};
	hold->next = counter_hold_next(task, part->state.budgets, &hold->places, of->expires_at);
	set_statuses(task, row);
	check_amounts(row);
	if (row->result == HOLD_OPEN && hold->places.count == 0)
		row->result = HOLD_TAKEN;
}

/* The counters are gone: what each budget says about that. */
static void
decide_away(struct counts *counts, struct hold_row *row)
{
	for (size_t i = 0; i < row->hold.places.count; i++) {
		if (row->hold.places.at[i].budget->on_counter_loss == BUDGET_CLOSED) {
			refuse(row, REFUSAL_AWAY, &row->authorize->statuses[i]);
			return;
		}
	}
	/* Its hold is in PostgreSQL only: the count is declared broken with the commit. Nothing is
	 * known of its budgets. */
	row->authorize->status_count = 0;
	counts->parts[row->part].answer = COUNTER_AWAY;
	row->result = HOLD_TAKEN;
}

static void
take(struct hold_row *row)
{
	row->result = HOLD_TAKEN;
	row->authorize->held_epoch = row->hold.state.epoch;
}

static void
judge(struct task *task, struct counts *counts, struct hold_row *row)
{
	switch (row->hold.answer) {
	case COUNTER_OK:
		set_statuses(task, row);
		if (row->hold.refused)
			refuse(
			    row, (enum refusal)(REFUSAL_COST + row->hold.measure), refused_by(row));
		else
			take(row);
		break;
	case COUNTER_LOADING:
		if (row->authorize->loads < LOADS_MAX)
			row->result = HOLD_UNLOADED;
		else
			decide_away(counts, row);
		break;
	case COUNTER_AWAY:
		decide_away(counts, row);
		break;
	case COUNTER_OVER:
	case COUNTER_LOST:
		break;
	}
}

/* Whether the epoch that the part had was told of records or of a hold. */
static bool
is_told(const struct counts *counts, const struct hold_row *rows, size_t count, size_t part)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].part == part && rows[i].result == HOLD_TAKEN &&
		    rows[i].hold.places.count > 0)
			return true;
	}
	return counts->used[part];
}

/* A batch is of one epoch: what an earlier one was told is not in the count of this one. */
static bool
fail_over(struct task *task)
{
	(void)task_fail(task, ERR_CONFLICT, "The epoch of a counter is over.");
	memcpy(task->err.sqlstate, BATCH_EPOCH_OVER, sizeof(BATCH_EPOCH_OVER));
	return false;
}

/* The states of those that are not decided, once for each client. */
static bool
replace_states(struct task *task, struct counts *counts, struct hold_row *rows, size_t count)
{
	bool *done = arena_array(task->arena, counts->count, sizeof(*done));

	for (size_t i = 0; i < count; i++) {
		size_t part = rows[i].part;

		if (rows[i].result != HOLD_OPEN || done[part])
			continue;
		if (!counts_replace(task, counts, part, rows[i].hold.answer))
			return false;
		if (is_told(counts, rows, count, part))
			return fail_over(task);
		done[part] = true;
	}
	return true;
}

/* False when none is open any more. */
static bool
ask(struct task *task, struct counts *counts, struct hold_row *rows, size_t count)
{
	struct counter_hold **open = arena_array(task->arena, count, sizeof(*open));
	size_t asked = 0, left = 0;

	for (size_t i = 0; i < count; i++) {
		if (rows[i].result == HOLD_OPEN)
			prepare(task, counts, &rows[i]);
		if (rows[i].result != HOLD_OPEN)
			continue;
		if (counts->parts[rows[i].part].answer == COUNTER_AWAY)
			decide_away(counts, &rows[i]);
		else
			open[asked++] = &rows[i].hold;
	}
	counter_reserve(task, open, asked);
	for (size_t i = 0; i < count; i++) {
		if (rows[i].result == HOLD_OPEN)
			judge(task, counts, &rows[i]);
		left += rows[i].result == HOLD_OPEN;
	}
	return left > 0;
}

bool
holds_take(struct task *task, struct counts *counts, struct hold_row *rows, size_t count)
{
	for (int try = 0; count > 0 && ask(task, counts, rows, count); try++) {
		if (try == TAKE_TRIES)
			break;
		if (!replace_states(task, counts, rows, count))
			return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (rows[i].result == HOLD_OPEN)
			decide_away(counts, &rows[i]);
		if (rows[i].result == HOLD_TAKEN)
			counts->used[rows[i].part] = true;
	}
	return true;
}

void
holds_drop(struct task *task, struct submission *submission)
{
	struct authorize *authorize = submission->authorize;
	struct err why = task->err;

	if (authorize == NULL || authorize->held_epoch == 0)
		return;
	counter_release_in(task, authorize->held_epoch, submission->req->identity->client,
	    authorize->authorization.id);
	authorize->held_epoch = 0;
	task->err = why;
}

void
holds_leave(struct hold_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].result == HOLD_TAKEN)
			rows[i].authorize->held_epoch = 0;
	}
}
