/*
 * Into which buckets holds and records fall: windows that end, windows that roll, one bucket for
 * each value.
 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "tests/holding.h"

#define HOUR (3600 * CLOCK_SECOND)
#define MINUTE (60 * CLOCK_SECOND)

static void
expect_use(struct counting *b, const struct budget_call *call, int64_t spent, int64_t held)
{
	const struct budget_use *use = holding_look(b, call);

	assert_int_equal(use->spent[BUDGET_COST], spent);
	assert_int_equal(use->held[BUDGET_COST], held);
}

static void
test_hold_at_the_end_of_a_window_counts_in_the_next(void **state)
{
	static const struct holding_budget budget = { "one", .limit = 100 };
	struct counter_hold hold, next;
	struct budget_call call = holding_call(60);
	struct counting b;
	int64_t end;

	(void)state;
	holding_open(&b, &budget, 1);
	holding_expect(&b, 0, 0);
	end = zone_day_start(b.zone, zone_date(b.zone, b.task.now) + 1);
	b.task.now = end - MINUTE;
	hold = holding_make(&b, &call);
	assert_int_equal(hold.next.count, 1);
	assert_true(holding_reserve(&b, &hold));
	holding_store(&b, &hold, &call);
	holding_expect(&b, 0, 60);
	b.task.now = end + MINUTE;
	holding_expect(&b, 0, 60);
	/* It stands in the way there, and a refusal by the next window holds nothing in this one.
	 */
	assert_false(holding_take(&b, 41, &next));
	assert_true(holding_take(&b, 35, &next));
	b.task.now = end - MINUTE;
	assert_false(holding_take(&b, 6, &next));
	assert_int_equal(next.refused_by, next.places.count);
	holding_expect(&b, 0, 60);
	/* Settled, it leaves both, and is spent where its record was made. */
	b.task.now = end + MINUTE;
	counting_make(&b, 50);
	holding_settle_by_record(&b, &hold.id);
	holding_record(&b);
	holding_expect(&b, 50, 35);
	b.task.now = end - MINUTE;
	holding_expect(&b, 0, 0);
	counting_close(&b);
}

static void
test_hold_that_expires_well_before_its_window_is_not_in_the_next(void **state)
{
	static const struct {
		int64_t past;
		size_t next;
	} cases[] = { { -1000, 0 }, { 0, 1 }, { 1000, 1 } };
	static const struct holding_budget budgets[] = {
		{ "day", .limit = 100 },
		{ "total", .period = "total", .limit = 100 },
		{ "rolling", .period = "rolling", .limit = 100, .columns = "rolling_hours",
		    .values = "1" },
	};
	struct counting b;

	(void)state;
	holding_open(&b, budgets, COUNT(budgets));
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct budget_call call = holding_call(1);
		struct counter_hold hold = holding_make(&b, &call);
		int64_t end = zone_day_start(b.zone, zone_date(b.zone, b.task.now) + 1);
		struct budget_places next = counter_hold_next(&b.task, hold.state.budgets,
		    &hold.places, end - COUNTER_SKEW_USEC + cases[i].past);

		assert_int_equal(next.count, cases[i].next);
		if (next.count > 0)
			assert_int_equal(next.at[0].window.start, end);
	}
	counting_close(&b);
}

/* What an override allows before midnight may be spent behind it. */
static void
test_override_of_a_window_is_none_of_the_next(void **state)
{
	static const struct holding_budget budget = { "one", .limit = 100 };
	char client[ID_TEXT_SIZE], until[CLOCK_TEXT_SIZE];
	struct counter_hold hold;
	struct counting b;
	int64_t end;

	(void)state;
	holding_open(&b, &budget, 1);
	end = zone_day_start(b.zone, zone_date(b.zone, b.task.now) + 1);
	clock_format(end, until);
	free(servers_sql(counting_servers,
	    arena_printf(b.task.arena,
		"UPDATE budgets SET override_cents = 0.00001, override_until = '%s'"
		" WHERE client_id = '%s' RETURNING 1",
		until, id_format(b.task.client, client))));
	b.task.now = end - MINUTE;
	assert_false(holding_take(&b, 101, &hold));
	assert_int_equal(hold.refused_by, hold.places.count);
	b.task.now = end - HOUR;
	assert_true(holding_take(&b, 101, &hold));
	counting_close(&b);
}

static void
test_loaded_hold_counts_in_the_next_window(void **state)
{
	static const struct holding_budget budget = { "one", .limit = 100 };
	struct budget_call call = holding_call(60);
	struct counter_hold hold;
	struct counting b;
	int64_t end;

	(void)state;
	holding_open(&b, &budget, 1);
	holding_expect(&b, 0, 0);
	end = zone_day_start(b.zone, zone_date(b.zone, b.task.now) + 1);
	b.task.now = end - MINUTE;
	hold = holding_make(&b, &call);
	assert_true(holding_reserve(&b, &hold));
	holding_store(&b, &hold, &call);
	assert_true(counter_rebuild(&b.task, b.zone));
	counter_book_forget(b.book, b.task.client);
	holding_expect(&b, 0, 60);
	b.task.now = end + MINUTE;
	holding_expect(&b, 0, 60);
	counter_release(&b.task, b.book, b.zone, hold.id);
	holding_expect(&b, 0, 0);
	b.task.now = end - MINUTE;
	holding_expect(&b, 0, 0);
	counting_close(&b);
}

static void
test_rolling_window_forgets_the_slot_that_leaves(void **state)
{
	/* A slot of a minute; the window is the slot of now and the sixty before it. */
	static const struct holding_budget budget = { "one", .period = "rolling", .limit = 1000,
		.columns = "rolling_hours", .values = "1" };
	struct budget_call call = holding_call(0);
	struct counting b;
	int64_t first;

	(void)state;
	holding_open(&b, &budget, 1);
	holding_expect(&b, 0, 0);
	first = b.task.now - b.task.now % MINUTE;
	for (int i = 0; i < 3; i++) {
		b.task.now = first + i * 20 * MINUTE;
		counting_make(&b, 1 << i);
		holding_record(&b);
	}
	holding_expect(&b, 7, 0);
	b.task.now = first + 61 * MINUTE - 1;
	holding_expect(&b, 7, 0);
	holding_equals_log(&b, &call);
	b.task.now = first + 61 * MINUTE;
	holding_expect(&b, 6, 0);
	holding_equals_log(&b, &call);
	b.task.now = first + 81 * MINUTE;
	holding_expect(&b, 4, 0);
	b.task.now = first + 101 * MINUTE;
	holding_expect(&b, 0, 0);
	counting_close(&b);
}

/* Slots are loaded one by one, so that each leaves at its time. */
static void
test_rolling_window_is_loaded_by_slots(void **state)
{
	static const struct holding_budget budget = { "one", .period = "rolling", .limit = 1000,
		.columns = "rolling_hours", .values = "1" };
	struct budget_call call = holding_call(0);
	struct counting b;
	int64_t first;

	(void)state;
	holding_open(&b, &budget, 1);
	holding_expect(&b, 0, 0);
	first = b.task.now - b.task.now % MINUTE;
	for (int i = 0; i < 3; i++) {
		b.task.now = first + i * 20 * MINUTE;
		counting_make(&b, 1 << i);
		holding_record(&b);
	}
	assert_true(counter_rebuild(&b.task, b.zone));
	counter_book_forget(b.book, b.task.client);
	holding_expect(&b, 7, 0);
	b.task.now = first + 61 * MINUTE;
	holding_expect(&b, 6, 0);
	holding_equals_log(&b, &call);
	counting_close(&b);
}

static struct budget_call
call_of_value(int value)
{
	static const char *const texts[] = { "a b;c 100% |x", "a_b", "na\xc3\xafve \xe2\x82\xac" };
	struct id id = { 0 };
	struct budget_call call = { .cost_nanos = 1 };

	id.bytes[0] = (uint8_t)(value + 1);
	call.scope.user_id = call.scope.api_key_id = id;
	call.scope.session_id = call.scope.agent_session_id = id;
	call.scope.agent_root_id = id;
	call.scope.has_user_tier = true;
	call.scope.user_tier = value;
	call.scope.feature = call.scope.provider = call.scope.model = texts[value];
	call.tags = (struct json_texts){ &texts[value], 1 };
	return call;
}

static void
test_one_bucket_for_each_value_of_every_dimension(void **state)
{
	(void)state;
	for (int d = 0; d < BUDGET_DIMENSIONS; d++) {
		struct holding_budget budget = { .name = "one", .limit = 5, .columns = "each_by" };
		struct budget_call calls[3], none = { .cost_nanos = 1 };
		struct counter_hold hold;
		struct counting b;

		holding_open(&b, NULL, 0);
		budget.values = arena_printf(b.task.arena, "'%s'", budget_dimension_names[d]);
		holding_add_budget(&b, &budget);
		for (int v = 0; v < 3; v++) {
			calls[v] = call_of_value(v);
			calls[v].cost_nanos = v + 1;
			hold = holding_make(&b, &calls[v]);
			assert_int_equal(hold.places.count, 1);
			assert_true(holding_reserve(&b, &hold));
			holding_store(&b, &hold, &calls[v]);
		}
		for (int v = 0; v < 3; v++)
			expect_use(&b, &calls[v], 0, v + 1);
		/* Their names are the same when they are loaded. */
		assert_true(counter_rebuild(&b.task, b.zone));
		counter_book_forget(b.book, b.task.client);
		for (int v = 0; v < 3; v++)
			expect_use(&b, &calls[v], 0, v + 1);
		assert_int_equal(holding_make(&b, &none).places.count, 0);
		counting_close(&b);
	}
}

static void
test_call_with_two_tags_is_in_two_buckets(void **state)
{
	static const struct holding_budget budget = { "one", .limit = 10, .columns = "each_by",
		.values = "'tag'" };
	static const char *const both[] = { "x", "y", "x" }, *const one[] = { "y" };
	struct budget_call call = { .cost_nanos = 6, .tags = { both, 3 } };
	struct budget_call of_y = { .cost_nanos = 4, .tags = { one, 1 } };
	struct counter_hold hold;
	struct counting b;

	(void)state;
	holding_open(&b, &budget, 1);
	hold = holding_make(&b, &call);
	assert_int_equal(hold.places.count, 2);
	assert_true(holding_reserve(&b, &hold));
	hold = holding_make(&b, &of_y);
	assert_true(holding_reserve(&b, &hold));
	/* The bucket of y is full, so the call is not held in that of x either. */
	call.cost_nanos = 1;
	hold = holding_make(&b, &call);
	assert_false(holding_reserve(&b, &hold));
	assert_string_equal(hold.places.at[hold.refused_by].value, "y");
	assert_int_equal(hold.uses[0].held[BUDGET_COST], 6);
	assert_int_equal(hold.uses[1].held[BUDGET_COST], 10);
	counting_close(&b);
}

static struct budget_call
call_of_text(const char *const *value)
{
	struct budget_call call = { .tags = { value, 1 } };

	call.scope.feature = call.scope.provider = call.scope.model = *value;
	return call;
}

static void
record_of(struct counting *b, const struct budget_call *call, int64_t cost)
{
	counting_make(b, cost);
	b->log.feature = call->scope.feature;
	b->log.provider = call->scope.provider;
	b->log.model = call->scope.model;
	b->log.tags = call->tags;
	holding_record(b);
	expect_use(b, call, cost, 0);
}

/* A record for each value, and the same buckets when they are loaded. */
static void
expect_buckets(const char *dimension, const char *const *values, size_t count)
{
	struct holding_budget budget = { .name = "one", .limit = 100, .columns = "each_by" };
	struct counting b;

	holding_open(&b, NULL, 0);
	budget.values = arena_printf(b.task.arena, "'%s'", dimension);
	holding_add_budget(&b, &budget);
	for (size_t v = 0; v < count; v++) {
		struct budget_call call = call_of_text(&values[v]);

		record_of(&b, &call, 1 << v);
	}
	assert_true(counter_rebuild(&b.task, b.zone));
	counter_book_forget(b.book, b.task.client);
	for (size_t v = 0; v < count; v++) {
		struct budget_call call = call_of_text(&values[v]);

		expect_use(&b, &call, 1 << v, 0);
		holding_equals_log(&b, &call);
	}
	counting_close(&b);
}

static void
test_records_fall_into_the_buckets_of_their_values(void **state)
{
	static const char *const dimensions[] = { "feature", "provider", "tag" };
	char longest[PRICE_MODEL_MAX + 1] = "";
	const char *const values[] = { "a", "a b;c 100% |x", "\xe2\x82\xac;%20 ", "%", longest };

	(void)state;
	for (size_t d = 0; d < COUNT(dimensions); d++)
		expect_buckets(dimensions[d], values, 4);
	for (size_t i = 0; i + 4 < sizeof(longest); i += 4)
		memcpy(longest + i, "\xf0\x9f\x98\x80", 4);
	expect_buckets("model", values, COUNT(values));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hold_at_the_end_of_a_window_counts_in_the_next),
		cmocka_unit_test(test_hold_that_expires_well_before_its_window_is_not_in_the_next),
		cmocka_unit_test(test_override_of_a_window_is_none_of_the_next),
		cmocka_unit_test(test_loaded_hold_counts_in_the_next_window),
		cmocka_unit_test(test_rolling_window_forgets_the_slot_that_leaves),
		cmocka_unit_test(test_rolling_window_is_loaded_by_slots),
		cmocka_unit_test(test_one_bucket_for_each_value_of_every_dimension),
		cmocka_unit_test(test_call_with_two_tags_is_in_two_buckets),
		cmocka_unit_test(test_records_fall_into_the_buckets_of_their_values),
	};

	return cmocka_run_group_tests(tests, counting_start, counting_stop);
}
