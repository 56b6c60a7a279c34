/* What a budget still allows, from what is spent and held in its window. */
#include "lib/model/budget_status.h"

#include <stdlib.h>
#include <string.h>

/* The members of an answer for each measure. */
static const struct {
	const char *spent, *held, *limit, *remaining;
} names[] = {
	[BUDGET_COST] = { "spent_cents", "held_cents", "limit_cents", "remaining_cents" },
	[BUDGET_REQUESTS] = { "spent_requests", "held_requests", "limit_requests",
	    "remaining_requests" },
	[BUDGET_TOKENS] = { "spent_tokens", "held_tokens", "limit_tokens", "remaining_tokens" },
};
_Static_assert(COUNT(names) == BUDGET_MEASURES, "a measure without members");

struct account
budget_status_account(
    const struct budget *budget, const struct budget_use *use, enum budget_measure measure)
{
	bool raised = measure == BUDGET_COST && budget->override_until != 0;

	return (struct account){
		.limit = budget->limits[measure],
		.extra = raised ? budget->override_nanos : 0,
		.extra_until = raised ? budget->override_until : 0,
		.spent = use->spent[measure],
		.held = use->held[measure],
		.mode = budget->mode,
	};
}

static bool
allows(const struct budget *budget, const struct budget_use *use, int64_t now)
{
	for (int i = 0; i < BUDGET_MEASURES; i++) {
		struct account account = budget_status_account(budget, use, (enum budget_measure)i);

		/* The least that a call can take of what is limited. */
		if (decide(&account, 1, now) == VERDICT_DENY)
			return false;
	}
	return true;
}

bool
budget_status_allows(const struct budget_status *status, int64_t now)
{
	return allows(status->budget, &status->use, now);
}

/* What the order is made of; the smaller comes first. */
struct place {
	int64_t keys[1 + BUDGET_MEASURES];
	struct id id;
	struct budget_status status;
};

static int
compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	for (size_t i = 0; i < COUNT(x->keys); i++)
		if (x->keys[i] != y->keys[i])
			return x->keys[i] < y->keys[i] ? -1 : 1;
	return id_compare(x->id, y->id);
}

static struct place
place_of(const struct budget_status *status, int64_t now)
{
	static const enum budget_measure order[] = { BUDGET_COST, BUDGET_TOKENS, BUDGET_REQUESTS };
	struct place place = { .id = status->budget->head.id, .status = *status };

	place.keys[0] = budget_status_allows(status, now);
	for (size_t i = 0; i < COUNT(order); i++) {
		struct account account =
		    budget_status_account(status->budget, &status->use, order[i]);

		place.keys[1 + i] = decide_remaining(&account, now);
	}
	return place;
}

void
budget_status_sort(struct task *task, struct budget_status *list, size_t count)
{
	struct place *places = arena_array(task->arena, count, sizeof *places);

	for (size_t i = 0; i < count; i++)
		places[i] = place_of(&list[i], task->now);
	if (count > 0)
		qsort(places, count, sizeof *places, compare);
	for (size_t i = 0; i < count; i++)
		list[i] = places[i].status;
}

static void
write_amount(struct json_out *out, const char *key, enum budget_measure measure, int64_t amount)
{
	if (measure == BUDGET_COST)
		json_cents(out, key, amount);
	else
		json_int(out, key, amount);
}

static void
write_limit(struct json_out *out, const char *key, enum budget_measure measure, int64_t limit)
{
	if (limit == DECIDE_NO_LIMIT)
		json_null(out, key);
	else
		write_amount(out, key, measure, limit);
}

static void
write_use(struct json_out *out, const struct budget *budget, const struct budget_use *use,
    bool one_bucket, int64_t now)
{
	for (int i = 0; i < BUDGET_MEASURES; i++) {
		enum budget_measure measure = (enum budget_measure)i;
		struct account account = budget_status_account(budget, use, measure);

		write_amount(out, names[i].spent, measure, account.spent);
		write_amount(out, names[i].held, measure, account.held);
		write_limit(out, names[i].limit, measure, decide_limit(&account, now));
		write_limit(out, names[i].remaining, measure,
		    one_bucket ? decide_remaining(&account, now) : DECIDE_NO_LIMIT);
	}
	json_int(out, "unpriced_requests", use->unpriced);
}

void
budget_status_write_window(struct json_out *out, const struct budget *budget, struct window window)
{
	enum period period = budget->period;

	if (period == PERIOD_TOTAL)
		json_null(out, "window_start");
	else
		json_time(out, "window_start", window.start);
	if (period == PERIOD_TOTAL || period == PERIOD_ROLLING)
		json_null(out, "resets_at");
	else
		json_time(out, "resets_at", window.end);
}

void
budget_status_write(struct json_out *out, const struct budget_status *status, int64_t now)
{
	const struct budget *budget = status->budget;

	json_id(out, "id", budget->head.id);
	json_text(out, "name", budget->name);
	json_text(out, "mode", decide_mode_names[budget->mode]);
	json_text(out, "each", budget_dimension_names[budget->each]);
	write_use(out, budget, &status->use,
	    budget->each == BUDGET_NO_DIMENSION || status->bucket != NULL, now);
	budget_status_write_window(out, budget, status->window);
}

void
budget_status_write_bucket(struct json_out *out, const struct budget_status *status,
    const struct budget_bucket *bucket, int64_t now)
{
	json_open(out);
	json_text(out, "bucket", bucket->value);
	json_bool(out, "allowed", allows(status->budget, &bucket->use, now));
	write_use(out, status->budget, &bucket->use, true, now);
	json_close(out);
}
