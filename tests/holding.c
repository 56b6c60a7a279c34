#include "tests/holding.h"

#include "tests/test.h"

#include <stdlib.h>

#include "lib/clock.h"

#define MINUTE (60 * CLOCK_SECOND)

static const char *
limit_text(struct counting *bench, int64_t nanos)
{
	if (nanos == 0)
		return "NULL";
	return arena_printf(bench->task.arena, "%lld * 0.0000001", (long long)nanos);
}

void
holding_add_budget(struct counting *bench, const struct holding_budget *budget)
{
	char client[ID_TEXT_SIZE], id[ID_TEXT_SIZE];
	const char *period = budget->period == NULL ? "day" : budget->period;
	const char *mode = budget->mode == NULL ? "hard" : budget->mode;
	const char *zone = budget->timezone == NULL ? servers_noon() : budget->timezone;

	free(servers_sql(counting_servers,
	    arena_printf(bench->task.arena,
		"INSERT INTO budgets (client_id, id, name, period, mode, timezone, unpriced,"
		" limit_cents%s%s) VALUES ('%s', '%s', '%s', '%s', '%s', '%s', %s, %s%s%s)"
		" RETURNING 1",
		budget->columns == NULL ? "" : ", ", budget->columns == NULL ? "" : budget->columns,
		id_format(bench->task.client, client), id_format(id_new(bench->task.now), id),
		budget->name, period, mode, zone, "'block'", limit_text(bench, budget->limit),
		budget->values == NULL ? "" : ", ", budget->values == NULL ? "" : budget->values)));
}

void
holding_open(struct counting *bench, const struct holding_budget *budgets, size_t count)
{
	counting_open(bench, counting_client());
	for (size_t i = 0; i < count; i++)
		holding_add_budget(bench, &budgets[i]);
}

struct budget_call
holding_call(int64_t cost)
{
	return (struct budget_call){ .cost_nanos = cost };
}

struct counter_hold
holding_prepare(struct counting *bench, const struct budget_call *call)
{
	struct task *task = &bench->task;
	int64_t at = task->now - task->now % 1000;
	struct counter_hold hold = {
		.client = task->client,
		.id = id_new(at),
		.expires_at = at + 10 * MINUTE,
		.now = task->now,
	};

	assert_true(counter_state(task, bench->book, bench->zone, &hold.state));
	hold.places = budget_set_places(task, hold.state.budgets, call, at);
	hold.next = counter_hold_next(task, hold.state.budgets, &hold.places, hold.expires_at);
	return hold;
}

struct counter_hold
holding_make(struct counting *bench, const struct budget_call *call)
{
	bool healed;

	assert_true(counter_heal(&bench->task, bench->book, bench->zone, &healed));
	return holding_prepare(bench, call);
}

enum counter_answer
holding_ask(struct counting *bench, struct counter_hold *hold)
{
	counter_reserve(&bench->task, &hold, 1);
	return hold->answer;
}

bool
holding_reserve(struct counting *bench, struct counter_hold *hold)
{
	assert_int_equal(holding_ask(bench, hold), COUNTER_OK);
	return !hold->refused;
}

bool
holding_take(struct counting *bench, int64_t cost, struct counter_hold *ret)
{
	struct budget_call call = holding_call(cost);

	*ret = holding_make(bench, &call);
	return holding_reserve(bench, ret);
}

const struct budget_use *
holding_look(struct counting *bench, const struct budget_call *call)
{
	struct counter_hold hold = holding_make(bench, call);

	hold.id = (struct id){ 0 };
	assert_int_equal(holding_ask(bench, &hold), COUNTER_OK);
	return hold.uses;
}

void
holding_expect(struct counting *bench, int64_t spent, int64_t held)
{
	struct budget_call call = holding_call(0);
	const struct budget_use *use = holding_look(bench, &call);

	assert_int_equal(use->spent[BUDGET_COST], spent);
	assert_int_equal(use->held[BUDGET_COST], held);
}

void
holding_equals_log(struct counting *bench, const struct budget_call *call)
{
	struct counter_hold hold = holding_make(bench, call);

	hold.id = (struct id){ 0 };
	assert_int_equal(holding_ask(bench, &hold), COUNTER_OK);
	for (size_t i = 0; i < hold.places.count; i++) {
		const struct budget_place *place = &hold.places.at[i];
		struct budget_scope scope = call->scope;
		struct budget_status status;

		if (place->budget->each == BUDGET_TAG)
			scope.tag = place->value;
		assert_true(budget_status_find_call(&bench->task, place->budget, &scope, &status));
		assert_true(db_commit(&bench->task));
		assert_int_equal(status.window.end, place->window.end);
		for (int m = 0; m < BUDGET_MEASURES; m++)
			assert_int_equal(hold.uses[i].spent[m], status.use.spent[m]);
	}
}

void
holding_store(
    struct counting *bench, const struct counter_hold *hold, const struct budget_call *call)
{
	struct authorization authorization = {
		.id = hold->id,
		.created_at = id_time(hold->id),
		.expires_at = hold->expires_at,
		.scope = call->scope,
		.tags = call->tags,
		.held_nanos = call->cost_nanos,
		.held_tokens = call->tokens,
		.cost_nanos = CHAT_LOG_NONE,
	};
	struct authorization_row row = { hold->client, &authorization, NULL };
	struct batch_client mark = {
		.client = hold->client,
		.epoch = hold->state.epoch,
		.day = hold->state.day,
		.announced = true,
	};
	struct batch batch = {
		.id = id_new(bench->task.now),
		.clients = &mark,
		.client_count = 1,
		.authorizations = &row,
		.authorization_count = 1,
	};
	bool unknown;

	batch_begin(&bench->task, &batch);
	assert_true(batch_store(&bench->task, &batch, true, &unknown));
}

void
holding_settle_by_record(struct counting *bench, const struct id *hold)
{
	struct authorization_settle *settle = arena_alloc(bench->task.arena, sizeof(*settle));

	*settle = (struct authorization_settle){ bench->task.client, *hold, bench->log.id };
	bench->log.authorization_id = *hold;
	bench->batch.settles = settle;
	bench->batch.settle_count = 1;
	bench->part.settled = hold;
	bench->part.settled_count = 1;
}

void
holding_record(struct counting *bench)
{
	assert_true(counting_announce(bench));
	assert_true(counting_commit(bench));
	counting_confirm(bench);
	assert_int_equal(bench->part.answer, COUNTER_OK);
}

void
holding_settle(struct counting *bench, const struct id *hold, int64_t cost)
{
	counting_make(bench, cost);
	holding_settle_by_record(bench, hold);
	holding_record(bench);
}

struct id
holding_open_used(struct counting *bench, const struct holding_budget *budget)
{
	struct budget_call call = holding_call(40);
	struct counter_hold hold;

	holding_open(bench, budget, 1);
	counting_make(bench, 30);
	holding_record(bench);
	hold = holding_make(bench, &call);
	assert_true(holding_reserve(bench, &hold));
	holding_store(bench, &hold, &call);
	holding_expect(bench, 30, 40);
	return hold.id;
}
