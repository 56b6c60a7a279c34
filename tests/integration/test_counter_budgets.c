/* Counters when budgets are raised for a time, changed, made and deleted, and live in a zone of
 * their own. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "tests/holding.h"

#define HOUR (3600 * CLOCK_SECOND)

static void
test_overrides_hold_until_their_end(void **state)
{
	static const struct {
		const char *until;
		int64_t asked;
		bool allowed;
	} cases[] = {
		{ "now() + interval '1 hour'", 150, true },
		{ "now() + interval '1 hour'", 151, false },
		{ "now() - interval '1 second'", 100, true },
		{ "now() - interval '1 second'", 101, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct holding_budget budget = {
			.name = "one", .limit = 100, .columns = "override_cents, override_until"
		};
		struct counter_hold hold;
		struct counting b;

		holding_open(&b, NULL, 0);
		budget.values = arena_printf(b.task.arena, "50 * 0.0000001, %s", cases[i].until);
		holding_add_budget(&b, &budget);
		assert_int_equal(holding_take(&b, cases[i].asked, &hold), cases[i].allowed);
		counting_close(&b);
	}
}

static void
change(struct counting *b, const char *what)
{
	char id[ID_TEXT_SIZE];

	free(servers_sql(counting_servers,
	    arena_printf(b->task.arena,
		"UPDATE budgets SET %s WHERE client_id = '%s' AND name = 'one' RETURNING 1", what,
		id_format(b->task.client, id))));
	/* What the notification does in a process. */
	counter_book_forget(b->book, b->task.client);
}

static void
test_changes_of_a_budget(void **state)
{
	static const struct holding_budget budget = { "one", .limit = 100 },
					   more = { "two", .limit = 60 };
	static const struct {
		const char *what;
		bool ends; /* the epoch */
		int64_t remains;
	} cases[] = {
		{ "limit_cents = 70 * 0.0000001", false, 20 },
		{ "limit_cents = 10 * 0.0000001", false, -1 },
		{ "limit_cents = 200 * 0.0000001", false, 150 },
		{ "limit_requests = 1, limit_cents = NULL", false, -1 },
		{ "mode = 'soft'", false, 1000 },
		{ "name = 'one'", false, 50 },
		{ "unpriced = 'allow'", true, 50 },
		{ "unpriced = 'fallback', fallback_rate = 1000", true, 50 },
		{ "deleted_at = now()", false, 1000 },
	};

	(void)state;
	for (size_t i = 0; i <= COUNT(cases); i++) {
		struct budget_call call = holding_call(50);
		struct counter_hold hold, after;
		int64_t remains;
		struct counting b;

		holding_open(&b, &budget, 1);
		hold = holding_make(&b, &call);
		assert_true(holding_reserve(&b, &hold));
		holding_store(&b, &hold, &call);
		if (i < COUNT(cases)) {
			change(&b, cases[i].what);
		} else {
			holding_add_budget(&b, &more);
			counter_book_forget(b.book, b.task.client);
		}
		remains = i < COUNT(cases) ? cases[i].remains : 10;
		call = holding_call(remains + 1);
		after = holding_make(&b, &call);
		if ((after.state.epoch != hold.state.epoch) != (i == COUNT(cases) || cases[i].ends))
			fail_msg("%s: epoch %lld to %lld",
			    i < COUNT(cases) ? cases[i].what : "INSERT",
			    (long long)hold.state.epoch, (long long)after.state.epoch);
		if (remains < 1000) {
			assert_false(holding_reserve(&b, &after));
			call = holding_call(remains);
			after = holding_make(&b, &call);
		}
		if (remains > 0)
			assert_true(holding_reserve(&b, &after));
		counting_close(&b);
	}
}

/* A batch that was announced under the budgets as they were cannot be committed. */
static void
test_new_budget_ends_the_batches_in_flight(void **state)
{
	static const struct holding_budget budget = { "one", .limit = 100 },
					   more = { "two", .limit = 60 };
	struct counting b;

	(void)state;
	holding_open(&b, &budget, 1);
	holding_expect(&b, 0, 0);
	counting_make(&b, 5);
	assert_true(counting_announce(&b));
	holding_add_budget(&b, &more);
	assert_false(counting_commit(&b));
	assert_string_equal(b.task.err.sqlstate, BATCH_EPOCH_OVER);
	task_clear_error(&b.task);
	counter_book_forget(b.book, b.task.client);
	holding_expect(&b, 0, 0);
	counting_close(&b);
}

/* Calls without a price, loaded and counted by the same rule. */
static void
test_fallback_rate_rounds_as_the_log_does(void **state)
{
	static const char *const rates[] = { "1", "166", "167", "500", "499999999" };

	(void)state;
	for (size_t i = 0; i < COUNT(rates); i++) {
		static const struct holding_budget budget = { "one", .limit = 100 };
		struct budget_call call = holding_call(0);
		struct counting b;

		holding_open(&b, &budget, 1);
		change(&b, arena_printf(b.task.arena, "unpriced = 'fallback', fallback_rate = %s",
			       rates[i]));
		(void)holding_look(&b, &call);
		for (int n = 0; n < 3; n++) {
			counting_make(&b, CHAT_LOG_NONE);
			b.totals.at[TOTAL_COST] = 0;
			holding_record(&b);
			holding_equals_log(&b, &call);
		}
		assert_true(counter_rebuild(&b.task, b.zone));
		counter_book_forget(b.book, b.task.client);
		holding_equals_log(&b, &call);
		counting_close(&b);
	}
}

/* The client's day and the budget's are different days for some hours of each. */
static void
test_budget_has_its_own_zone(void **state)
{
	static const char *const zones[] = { "Pacific/Kiritimati", "Pacific/Pago_Pago",
		"Asia/Kathmandu", "UTC" };
	static const int hours[] = { -11, -6, 0, 6, 11 };

	(void)state;
	for (size_t i = 0; i < COUNT(zones); i++) {
		struct holding_budget budget = {
			.name = "one", .timezone = zones[i], .limit = 100
		};
		struct budget_call call = holding_call(0);
		const struct zone *zone;
		struct counting b;

		holding_open(&b, &budget, 1);
		assert_true(zone_find(&b.task, zones[i], &zone));
		holding_expect(&b, 0, 0);
		for (size_t h = 0; h < COUNT(hours); h++) {
			int64_t now = b.task.now + hours[h] * HOUR;
			struct counter_hold hold = holding_make(&b, &call);
			struct budget_places places =
			    budget_set_places(&b.task, hold.state.budgets, &call, now);

			assert_int_equal(
			    places.at[0].window.start, zone_day_start(zone, zone_date(zone, now)));
		}
		counting_make(&b, 9);
		holding_record(&b);
		holding_expect(&b, 9, 0);
		holding_equals_log(&b, &call);
		counting_equals_log(&b, 9);
		assert_true(counter_rebuild(&b.task, b.zone));
		counter_book_forget(b.book, b.task.client);
		holding_expect(&b, 9, 0);
		counting_close(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overrides_hold_until_their_end),
		cmocka_unit_test(test_changes_of_a_budget),
		cmocka_unit_test(test_new_budget_ends_the_batches_in_flight),
		cmocka_unit_test(test_fallback_rate_rounds_as_the_log_does),
		cmocka_unit_test(test_budget_has_its_own_zone),
	};

	return cmocka_run_group_tests(tests, counting_start, counting_stop);
}
