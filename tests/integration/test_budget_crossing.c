/* Which thresholds a budget has crossed, at instants that the test chooses. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model/budget_crossing.h"
#include "tests/db_fixture.h"

/* 2026-03-10 12:00 UTC, a Tuesday. */
#define NOON INT64_C(1773144000000000)
#define HOUR (3600 * CLOCK_SECOND)

static struct id client;

static int
start(void **state)
{
	char *text;

	start_postgres(state);
	text = servers_sql(servers, "INSERT INTO clients (id, name)\n"
				    "VALUES ('00000000-0000-7000-8000-000000000001', 'acme')\n"
				    "RETURNING id");
	assert_true(id_parse((struct text){ text, strlen(text) }, &client));
	free(text);
	return 0;
}

static int
begin_at_noon(void **state)
{
	free(
	    servers_sql(servers, "DELETE FROM alerts; DELETE FROM chat_logs; DELETE FROM budgets"));
	begin(state);
	task.client = client;
	task.now = NOON;
	return 0;
}

/* So many calls of 1 cent and 10 tokens at the instant. */
static void
add_calls(int64_t at, const char *feature, int count)
{
	char sql[600];

	(void)snprintf(sql, sizeof sql,
	    "INSERT INTO chat_logs (client_id, id, created_at, feature, tokens_used,\n"
	    "estimated_cost_cents)\n"
	    "SELECT '00000000-0000-7000-8000-000000000001',\n"
	    "(lpad(to_hex(%lld), 12, '0') || '70008000' || substr(md5(random()::text), 1, 12))\n"
	    "::uuid, timestamptz 'epoch' + %lld * interval '1 ms', %s, 10, 1\n"
	    "FROM generate_series(1, %d)",
	    (long long)(at / 1000), (long long)(at / 1000), feature, count);
	free(servers_sql(servers, sql));
}

/* What is not a budget's default. */
struct input {
	int64_t limits[BUDGET_MEASURES];
	bool has_limits[BUDGET_MEASURES];
	enum period period;
	int64_t rolling_hours;
	struct budget_scope scope; /* without a tier */
	enum budget_dimension each;
	bool has_each;
	bool no_thresholds;
	int64_t override_nanos, override_until;
};

static struct budget
add_budget(struct input input)
{
	struct budget *budget = resource_new(&task, &budget_resource);

	budget->name = "b";
	budget->scope = input.scope;
	budget->scope.user_tier = USER_TIERS;
	budget->period = input.period;
	budget->rolling_hours = input.rolling_hours;
	for (int i = 0; i < BUDGET_MEASURES; i++)
		if (input.has_limits[i])
			budget->limits[i] = input.limits[i];
	if (input.has_each)
		budget->each = input.each;
	if (input.no_thresholds)
		budget->thresholds = (struct json_ints){ 0 };
	if (input.override_until != 0)
		budget->override_nanos = input.override_nanos;
	budget->override_until = input.override_until;
	fine(resource_add(&task, &budget_resource, budget));
	fine(db_commit(&task));
	/* As if it had always been there. */
	budget->head.created_at = 0;
	return *budget;
}

static const char *
describe(const struct budget_crossings *crossings)
{
	static const char *const measures[] = { "cost", "requests", "tokens" };
	struct buf buf = { .arena = task.arena };

	buf_puts(&buf, "");
	for (size_t i = 0; i < crossings->count; i++) {
		const struct budget_crossing *at = &crossings->at[i];

		buf_printf(&buf, "%s%s%s%s %lld", i > 0 ? ", " : "", at->bucket ? at->bucket : "",
		    at->bucket ? " " : "", measures[at->measure], (long long)at->percent);
	}
	return buf.at;
}

/* What all windows to look at have crossed, which is told then. */
static const char *
tell(const struct budget *budget)
{
	struct budget_windows windows;
	struct buf buf = { .arena = task.arena };

	fine(budget_crossing_windows(&task, budget, &windows));
	for (size_t i = 0; i < windows.count; i++) {
		struct budget_crossings crossings;

		fine(budget_crossing_list(&task, budget, windows.at[i], &crossings));
		buf_printf(&buf, "%s%s", i > 0 ? " | " : "", describe(&crossings));
		for (size_t j = 0; j < crossings.count; j++) {
			struct alert_input input = budget_crossing_alert(&task, &crossings.at[j]);
			struct alert alert;
			bool raised;

			fine(alert_raise(&task, &input, &alert, &raised));
			assert_true(raised);
		}
	}
	fine(db_commit(&task));
	return buf.at;
}

static void
expect(const struct budget *budget, const char *expected)
{
	assert_string_equal(tell(budget), expected);
}

#define REQUESTS(n, ...) \
	((struct input){ .limits = { [BUDGET_REQUESTS] = (n) }, \
	    .has_limits = { [BUDGET_REQUESTS] = true }, \
	    __VA_ARGS__ })

static const struct {
	const char *sentence;
	int64_t limits[BUDGET_MEASURES]; /* -1: none */
	int calls;
	const char *crossed;
} rows[] = {
	{ "nothing was called", { 0, 0, 0 }, 0, "" },
	{ "one less than half", { -1, 10, -1 }, 4, "" },
	{ "half", { -1, 10, -1 }, 5, "requests 50" },
	{ "one less than all", { -1, 10, -1 }, 9, "requests 50, requests 80" },
	{ "all of it", { -1, 10, -1 }, 10, "requests 50, requests 80, requests 100" },
	{ "far beyond", { -1, 1, -1 }, 10, "requests 50, requests 80, requests 100" },
	{ "nothing may be called", { -1, 0, -1 }, 1, "requests 50, requests 80, requests 100" },
	{ "a nano-dollar less than half", { 100000002, -1, -1 }, 5, "" },
	{ "half of the money", { 100000000, -1, -1 }, 5, "cost 50" },
	{ "tokens", { -1, -1, 60 }, 5, "tokens 50, tokens 80" },
	{ "each measure for itself", { 100000000, 6, 50 }, 5,
	    "cost 50, requests 50, requests 80, tokens 50, tokens 80, tokens 100" },
	{ "the largest limit", { BUDGET_MAX, BUDGET_MAX, BUDGET_MAX }, 5, "" },
};

static void
a_threshold_is_crossed_where_it_is_reached(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct input input = { .period = PERIOD_DAY };
		struct budget budget;

		end(NULL);
		begin_at_noon(NULL);
		for (int j = 0; j < BUDGET_MEASURES; j++) {
			input.has_limits[j] = rows[i].limits[j] >= 0;
			input.limits[j] = rows[i].limits[j];
		}
		budget = add_budget(input);
		add_calls(NOON - HOUR, "NULL", rows[i].calls);
		if (strcmp(tell(&budget), rows[i].crossed) != 0)
			fail_msg("%s", rows[i].sentence);
		expect(&budget, "");
	}
}

static void
each_window_has_its_own(UNUSED void **state)
{
	struct budget budget = add_budget(REQUESTS(2, .period = PERIOD_DAY));

	add_calls(NOON, "NULL", 1);
	expect(&budget, "requests 50");
	task.now += CLOCK_DAY;
	expect(&budget, "");
	add_calls(NOON + CLOCK_DAY, "NULL", 2);
	expect(&budget, "requests 50, requests 80, requests 100");
	expect(&budget, "");
}

/* A window that has just ended is looked at beside the open one, for the calls that were too late
 * for it. */
static void
a_window_that_just_ended_is_looked_at(UNUSED void **state)
{
	int64_t midnight = NOON + 12 * HOUR;
	struct budget budget = add_budget(REQUESTS(2, .period = PERIOD_DAY));

	add_calls(midnight - CLOCK_SECOND, "NULL", 1);
	add_calls(midnight, "NULL", 2);
	task.now = midnight + CLOCK_SECOND;
	expect(&budget, "requests 50, requests 80, requests 100 | requests 50");
	expect(&budget, " | ");
	task.now = midnight + BUDGET_ENDED_LATELY - 1;
	add_calls(midnight - CLOCK_SECOND, "NULL", 1);
	expect(&budget, " | requests 80, requests 100");
	task.now++;
	expect(&budget, "");
	/* One that was made in the window has none before it. */
	budget.head.created_at = midnight;
	task.now = midnight + CLOCK_SECOND;
	expect(&budget, "");
}

static void
an_endless_window_is_told_once(UNUSED void **state)
{
	struct budget budget = add_budget(REQUESTS(2, .period = PERIOD_TOTAL));

	add_calls(NOON - 400 * CLOCK_DAY, "NULL", 1);
	expect(&budget, "requests 50");
	task.now += 400 * CLOCK_DAY;
	expect(&budget, "");
}

/* No more often than once in the time that the window is long. */
static void
a_window_that_rolls_is_told_again_after_its_length(UNUSED void **state)
{
	struct budget budget =
	    add_budget(REQUESTS(2, .period = PERIOD_ROLLING, .rolling_hours = 5));

	add_calls(NOON - HOUR, "NULL", 1);
	expect(&budget, "requests 50");
	add_calls(NOON + 3 * HOUR, "NULL", 1);
	task.now = NOON + 4 * HOUR;
	expect(&budget, "requests 80, requests 100");
	add_calls(NOON + 4 * HOUR, "NULL", 1);
	task.now = NOON + 5 * HOUR;
	expect(&budget, "");
	task.now += period_step(5);
	expect(&budget, "requests 50");
}

static void
each_bucket_has_its_own(UNUSED void **state)
{
	struct budget budget =
	    add_budget(REQUESTS(2, .period = PERIOD_DAY, .each = BUDGET_FEATURE, .has_each = true));

	add_calls(NOON - HOUR, "NULL", 9);
	expect(&budget, "");
	add_calls(NOON - HOUR, "'chat'", 1);
	add_calls(NOON - HOUR, "'mail'", 2);
	expect(&budget, "chat requests 50, mail requests 50, mail requests 80, mail requests 100");
	add_calls(NOON - HOUR, "'chat'", 1);
	expect(&budget, "chat requests 80, chat requests 100");
	expect(&budget, "");
}

static void
a_scope_counts_its_own_calls(UNUSED void **state)
{
	struct budget budget =
	    add_budget(REQUESTS(1, .period = PERIOD_DAY, .scope = { .feature = "chat" }));

	add_calls(NOON - HOUR, "'mail'", 5);
	expect(&budget, "");
	add_calls(NOON - HOUR, "'chat'", 1);
	expect(&budget, "requests 50, requests 80, requests 100");
}

/* What purge has taken out of the log was spent all the same. */
static void
carry(const char *bucket, int requests)
{
	char sql[400];

	(void)snprintf(sql, sizeof sql,
	    "INSERT INTO budget_carries (client_id, budget_id, bucket, window_start, cost_cents,\n"
	    "requests, tokens, unpriced)\n"
	    "SELECT client_id, id, '%s', timestamptz 'epoch', 0, %d, 0, 0 FROM budgets",
	    bucket, requests);
	free(servers_sql(servers, sql));
}

static void
what_was_purged_counts(UNUSED void **state)
{
	struct budget budget = add_budget(REQUESTS(4, .period = PERIOD_TOTAL));

	carry("", 1);
	expect(&budget, "");
	add_calls(NOON - HOUR, "NULL", 1);
	expect(&budget, "requests 50");
}

static void
what_was_purged_counts_in_its_bucket(UNUSED void **state)
{
	struct budget budget = add_budget(
	    REQUESTS(4, .period = PERIOD_TOTAL, .each = BUDGET_FEATURE, .has_each = true));

	carry("", 9);
	carry("chat", 1);
	carry("mail", 2);
	expect(&budget, "mail requests 50");
	add_calls(NOON - HOUR, "'chat'", 1);
	expect(&budget, "chat requests 50");
}

static void
an_override_makes_room_for_a_time(UNUSED void **state)
{
	struct budget budget = add_budget((struct input){ .period = PERIOD_DAY,
	    .limits = { 20000000 },
	    .has_limits = { true },
	    .override_nanos = 60000000,
	    .override_until = NOON + HOUR });

	add_calls(NOON - HOUR, "NULL", 2);
	expect(&budget, "");
	task.now = NOON + HOUR;
	expect(&budget, "cost 50, cost 80, cost 100");
}

/* The first BUDGET_CROSSINGS_MAX; the others when those have been told. */
static void
many_come_in_portions(UNUSED void **state)
{
	struct budget budget =
	    add_budget(REQUESTS(1, .period = PERIOD_DAY, .each = BUDGET_FEATURE, .has_each = true));
	struct budget_windows windows;
	struct budget_crossings crossings;
	struct json_ints thresholds = { (const int64_t[]){ 100 }, 1 };

	budget.thresholds = thresholds;
	add_calls(NOON - HOUR, "'f' || generate_series", BUDGET_CROSSINGS_MAX + 1);
	fine(budget_crossing_windows(&task, &budget, &windows));
	for (int i = 0; i < 2; i++) {
		fine(budget_crossing_list(&task, &budget, windows.at[0], &crossings));
		assert_int_equal(crossings.count, i == 0 ? BUDGET_CROSSINGS_MAX : 1);
		for (size_t j = 0; j < crossings.count; j++) {
			struct alert_input input = budget_crossing_alert(&task, &crossings.at[j]);
			struct alert alert;
			bool raised;

			fine(alert_raise(&task, &input, &alert, &raised));
		}
	}
}

static void
without_thresholds_nothing_is_told(UNUSED void **state)
{
	struct budget budget = add_budget(REQUESTS(1, .period = PERIOD_DAY, .no_thresholds = true));

	add_calls(NOON - HOUR, "NULL", 5);
	expect(&budget, "");
}

#define CROSSING_TEST(name) cmocka_unit_test_setup_teardown(name, begin_at_noon, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CROSSING_TEST(a_threshold_is_crossed_where_it_is_reached),
		CROSSING_TEST(each_window_has_its_own),
		CROSSING_TEST(a_window_that_just_ended_is_looked_at),
		CROSSING_TEST(an_endless_window_is_told_once),
		CROSSING_TEST(a_window_that_rolls_is_told_again_after_its_length),
		CROSSING_TEST(each_bucket_has_its_own),
		CROSSING_TEST(a_scope_counts_its_own_calls),
		CROSSING_TEST(what_was_purged_counts),
		CROSSING_TEST(what_was_purged_counts_in_its_bucket),
		CROSSING_TEST(an_override_makes_room_for_a_time),
		CROSSING_TEST(many_come_in_portions),
		CROSSING_TEST(without_thresholds_nothing_is_told),
	};

	return cmocka_run_group_tests(tests, start, stop_postgres);
}
