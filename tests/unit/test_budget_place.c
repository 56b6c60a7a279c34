/* Into which buckets a call falls: lib/model/budget_set.h */
#include "tests/unit/zone_task.h"

#include "lib/model/budget_set.h"

#define NOW "2026-03-29T12:34:56Z"
#define A_ID \
	{ \
		{ \
			1 \
		} \
	}
#define B_ID \
	{ \
		{ \
			2 \
		} \
	}

static struct budget
budget_of(enum period period, int64_t rolling_hours)
{
	return (struct budget){ .head.id = { { 9 } },
		.each = BUDGET_NO_DIMENSION,
		.period = period,
		.rolling_hours = rolling_hours,
		.fallback_rate = PRICE_NONE };
}

static struct budget_places
places_of(struct task *task, const struct budget *budget, const char *zone,
    const struct budget_call *call, int64_t at)
{
	const struct zone **zones = arena_array(task->arena, 1, sizeof(*zones));
	struct budget_set *set = arena_alloc(task->arena, sizeof(*set));

	zones[0] = zone_named(task, zone);
	*set = (struct budget_set){ budget, zones, 1 };
	return budget_set_places(task, set, call, at);
}

static const char *const full_tags[] = { "x", "y" };
static const struct budget_call full = {
	.scope = { .user_id = A_ID,
	    .has_user_tier = true,
	    .user_tier = USER_PREMIUM,
	    .api_key_id = A_ID,
	    .session_id = A_ID,
	    .agent_session_id = A_ID,
	    .agent_root_id = A_ID,
	    .feature = "f",
	    .provider = "p",
	    .model = "m" },
	.tags = { full_tags, 2 },
};

static void
test_scope(void **state)
{
	static const struct budget_call bare = { .tokens = 0 };
	static const struct {
		const char *sentence;
		struct budget_scope scope;
		bool falls, bare_falls;
	} cases[] = {
		{ "nothing asked", { .feature = NULL }, true, true },
		{ "the user", { .user_id = A_ID }, true, false },
		{ "another user", { .user_id = B_ID }, false, false },
		{ "the tier", { .has_user_tier = true, .user_tier = USER_PREMIUM }, true, false },
		{ "another tier", { .has_user_tier = true, .user_tier = USER_FREE }, false, false },
		{ "the first tier", { .has_user_tier = true, .user_tier = USER_ANONYMOUS }, false,
		    false },
		{ "the key", { .api_key_id = A_ID }, true, false },
		{ "another key", { .api_key_id = B_ID }, false, false },
		{ "the session", { .session_id = A_ID }, true, false },
		{ "another session", { .session_id = B_ID }, false, false },
		{ "the agent's session", { .agent_session_id = A_ID }, true, false },
		{ "another agent's session", { .agent_session_id = B_ID }, false, false },
		{ "the agent's tree", { .agent_root_id = A_ID }, true, false },
		{ "another agent's tree", { .agent_root_id = B_ID }, false, false },
		{ "the feature", { .feature = "f" }, true, false },
		{ "a longer feature", { .feature = "ff" }, false, false },
		{ "the provider", { .provider = "p" }, true, false },
		{ "the provider in capitals", { .provider = "P" }, false, false },
		{ "the model", { .model = "m" }, true, false },
		{ "the first tag", { .tag = "x" }, true, false },
		{ "the second tag", { .tag = "y" }, true, false },
		{ "another tag", { .tag = "z" }, false, false },
		{ "all of it",
		    { .user_id = A_ID, .feature = "f", .provider = "p", .model = "m", .tag = "x" },
		    true, false },
		{ "all but one",
		    { .user_id = A_ID, .feature = "f", .provider = "p", .model = "n", .tag = "x" },
		    false, false },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct budget budget = budget_of(PERIOD_TOTAL, 0);

		budget.scope = cases[i].scope;
		if (places_of(*state, &budget, "UTC", &full, instant(NOW)).count != cases[i].falls)
			fail_msg("%s", cases[i].sentence);
		if (places_of(*state, &budget, "UTC", &bare, instant(NOW)).count !=
		    cases[i].bare_falls)
			fail_msg("%s, of a bare call", cases[i].sentence);
	}
}

static void
test_no_set_has_no_places(void **state)
{
	assert_int_equal(
	    budget_set_places(*state, NULL, &(struct budget_call){ 0 }, instant(NOW)).count, 0);
}

static void
test_names(void **state)
{
	static const struct {
		const char *value, *name;
	} cases[] = {
		{ NULL, "" },
		{ "", ":" },
		{ "gpt-4.1_mini", ":gpt-4.1_mini" },
		{ "a b", ":a%20b" },
		{ "a;b", ":a%3bb" },
		{ "a%20b", ":a%2520b" },
		{ "a:b|c", ":a%3ab%7cc" },
		{ "\xc3\xa9\n\t", ":%c3%a9%0a%09" },
		{ "{}\\\"'", ":%7b%7d%5c%22%27" },
	};
	const char *const id = "09000000-0000-0000-0000-000000000000";
	struct task *task = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct budget budget = budget_of(PERIOD_TOTAL, 0);
		struct budget_place place = budget_place_of_slot(
		    task, &budget, zone_named(task, "UTC"), cases[i].value, instant(NOW));

		assert_string_equal(
		    place.base, arena_printf(task->arena, "b:%s%s", id, cases[i].name));
		assert_string_equal(budget_place_bucket(task, &place),
		    arena_printf(task->arena, "b:%s%s:0", id, cases[i].name));
	}
}

/* A name is read by the scripts as what stands before a blank. */
static void
test_names_of_any_bytes_have_no_blanks_and_differ(void **state)
{
	struct task *task = *state;
	struct budget budget = budget_of(PERIOD_DAY, 0);
	const char *before = "";

	for (int c = 1; c < 256; c++) {
		const char value[] = { 'x', (char)c, 'y', '\0' };
		struct budget_place place = budget_place_of_slot(
		    task, &budget, zone_named(task, "UTC"), value, instant(NOW));

		for (const char *p = place.base; *p != '\0'; p++)
			assert_true(*p > ' ' && *p < 0x7f && *p != ';' && *p != '|');
		assert_string_not_equal(place.base, before);
		before = place.base;
	}
}

static void
test_windows_slots_and_expiry(void **state)
{
	static const struct {
		enum period period;
		int64_t hours;
		const char *zone, *at, *start, *end;
		int64_t slots;
		const char *expires;
	} cases[] = {
		{ PERIOD_DAY, 0, "UTC", "2026-03-29T12:00:00Z", "2026-03-29T00:00:00Z",
		    "2026-03-30T00:00:00Z", 1, "2026-03-30T02:00:00Z" },
		/* 23 hours, and a zone of :45. */
		{ PERIOD_DAY, 0, "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z",
		    "2026-03-29T22:00:00Z", 1, "2026-03-30T00:00:00Z" },
		{ PERIOD_DAY, 0, "Asia/Kathmandu", "2026-03-29T18:15:00Z", "2026-03-29T18:15:00Z",
		    "2026-03-30T18:15:00Z", 1, "2026-03-30T20:15:00Z" },
		{ PERIOD_WEEK, 0, "UTC", "2026-03-29T12:00:00Z", "2026-03-23T00:00:00Z",
		    "2026-03-30T00:00:00Z", 1, "2026-03-30T02:00:00Z" },
		{ PERIOD_MONTH, 0, "UTC", "2026-03-29T12:00:00Z", "2026-03-01T00:00:00Z",
		    "2026-04-01T00:00:00Z", 1, "2026-04-01T02:00:00Z" },
		{ PERIOD_QUARTER, 0, "UTC", "2026-03-29T12:00:00Z", "2026-01-01T00:00:00Z",
		    "2026-04-01T00:00:00Z", 1, "2026-04-01T02:00:00Z" },
		{ PERIOD_YEAR, 0, "UTC", "2026-03-29T12:00:00Z", "2026-01-01T00:00:00Z",
		    "2027-01-01T00:00:00Z", 1, "2027-01-01T02:00:00Z" },
		/* Slots of a minute: the last of them leaves an hour after its end. */
		{ PERIOD_ROLLING, 1, "UTC", "2026-03-29T12:00:30Z", "2026-03-29T11:00:00Z",
		    "2026-03-29T12:01:00Z", 61, "2026-03-29T15:01:00Z" },
		{ PERIOD_ROLLING, 24, "UTC", "2026-03-29T12:00:00Z", "2026-03-28T12:00:00Z",
		    "2026-03-29T12:24:00Z", 61, "2026-03-30T14:24:00Z" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct budget budget = budget_of(cases[i].period, cases[i].hours);
		struct budget_place place = budget_place_of_slot(
		    *state, &budget, zone_named(*state, cases[i].zone), NULL, instant(cases[i].at));

		assert_int_equal(place.window.start, instant(cases[i].start));
		assert_int_equal(place.window.end, instant(cases[i].end));
		assert_int_equal(place.last - place.first + 1, cases[i].slots);
		assert_int_equal(place.expires_at_s, instant(cases[i].expires) / CLOCK_SECOND);
		if (cases[i].slots == 1)
			assert_int_equal(place.last, place.window.start / CLOCK_SECOND);
	}
}

/* However old the call is, and also when it is loaded as of 1970. */
static void
test_total_outlives_every_epoch(void **state)
{
	static const char *const at[] = { "1970-01-01T00:00:00Z", "2025-01-01T00:00:00Z", NOW };
	struct budget budget = budget_of(PERIOD_TOTAL, 0);
	struct task *task = *state;

	task->now = instant(NOW);
	for (size_t i = 0; i < COUNT(at); i++) {
		struct budget_place place = budget_place_of_slot(
		    task, &budget, zone_named(task, "UTC"), NULL, instant(at[i]));

		assert_int_equal(place.first, 0);
		assert_int_equal(place.last, 0);
		/* counter_turn() ends an epoch after half a year. */
		assert_true(place.expires_at_s - task->now / CLOCK_SECOND >= 181 * 86400);
	}
}

/* A slot is in every window from its own on until the one that does not reach it any more. */
static void
test_a_slot_leaves_after_sixty_steps(void **state)
{
	static const int64_t hours[] = { 1, 5, 24, 8784 };
	const struct budget_call call = { 0 };

	for (size_t i = 0; i < COUNT(hours); i++) {
		struct budget budget = budget_of(PERIOD_ROLLING, hours[i]);
		int64_t step = period_step(hours[i]), at = instant(NOW);
		int64_t slot = places_of(*state, &budget, "UTC", &call, at).at[0].last;

		for (int n = 0; n <= PERIOD_ROLLING_STEPS + 1; n++) {
			struct budget_places now =
			    places_of(*state, &budget, "UTC", &call, at + n * step);

			assert_int_equal(now.at[0].last, slot + n);
			assert_int_equal(now.at[0].first <= slot, n <= PERIOD_ROLLING_STEPS);
		}
	}
}

static void
test_amounts(void **state)
{
	static const struct {
		const char *sentence;
		enum budget_unpriced unpriced;
		int64_t rate, cost, tokens;
		int64_t nanos, counted;
	} cases[] = {
		{ "a cost", BUDGET_BLOCK, PRICE_NONE, 5, 7, 5, 7 },
		{ "a cost of nothing is a cost", BUDGET_FALLBACK, 1000, 0, 7, 0, 7 },
		{ "no cost", BUDGET_BLOCK, PRICE_NONE, -1, 7, 0, 7 },
		{ "no cost where it is allowed", BUDGET_ALLOW, PRICE_NONE, -1, 7, 0, 7 },
		{ "no cost at a rate", BUDGET_FALLBACK, 1000, -1, 7, 7, 7 },
		{ "half a nano is even", BUDGET_FALLBACK, 500, -1, 1, 0, 1 },
		{ "one and a half, too", BUDGET_FALLBACK, 500, -1, 3, 2, 3 },
		{ "neither cost nor tokens", BUDGET_FALLBACK, 1000, -1, -1, 0, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct budget budget = budget_of(PERIOD_DAY, 0);
		struct budget_call call = { .cost_nanos = cases[i].cost,
			.tokens = cases[i].tokens };
		struct budget_places places;

		budget.unpriced = cases[i].unpriced;
		budget.fallback_rate = cases[i].rate;
		places = places_of(*state, &budget, "UTC", &call, instant(NOW));
		if (places.at[0].amounts[BUDGET_COST] != cases[i].nanos ||
		    places.at[0].amounts[BUDGET_TOKENS] != cases[i].counted ||
		    places.at[0].amounts[BUDGET_REQUESTS] != 1)
			fail_msg("%s", cases[i].sentence);
	}
}

static void
test_each_tag_once(void **state)
{
	static const char *const tags[] = { "x", "y", "x", "z", "y", "a", "b", "c", "d", "e", "f" };
	struct budget budget = budget_of(PERIOD_DAY, 0);
	struct budget_call call = { .tags = { tags, COUNT(tags) } };
	struct budget_places places;

	budget.each = BUDGET_TAG;
	places = places_of(*state, &budget, "UTC", &call, instant(NOW));
	assert_int_equal(places.count, 9);
	assert_string_equal(places.at[0].value, "x");
	assert_string_equal(places.at[1].value, "y");
	assert_string_equal(places.at[2].value, "z");
	assert_string_equal(places.at[8].value, "f");
	/* Beside a scope of one tag the others have their buckets, too. */
	budget.scope.tag = "y";
	assert_int_equal(places_of(*state, &budget, "UTC", &call, instant(NOW)).count, 9);
	call.tags.count = 0;
	assert_int_equal(places_of(*state, &budget, "UTC", &call, instant(NOW)).count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_scope, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_set_has_no_places, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_names_of_any_bytes_have_no_blanks_and_differ, setup, teardown),
		cmocka_unit_test_setup_teardown(test_windows_slots_and_expiry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_total_outlives_every_epoch, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_slot_leaves_after_sixty_steps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_amounts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_tag_once, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
