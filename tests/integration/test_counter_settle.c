/* How holds are given back: settled, released, expired; and what was not stored. */
#include "tests/test.h"

#include "lib/redis.h"
#include "tests/holding.h"

static void
test_settled_hold_leaves_what_the_record_cost(void **state)
{
	static const int64_t costs[] = { 40, 25, 55, 0, 1000 };

	(void)state;
	for (size_t i = 0; i < COUNT(costs); i++) {
		static const struct holding_budget budget = { .name = "one", .limit = 100 };
		struct counter_hold hold;
		struct counting b;

		holding_open(&b, &budget, 1);
		assert_true(holding_take(&b, 40, &hold));
		counting_make(&b, costs[i]);
		holding_settle_by_record(&b, &hold.id);
		holding_record(&b);
		holding_expect(&b, costs[i], 0);
		holding_equals_log(&b, &(struct budget_call){ 0 });
		counting_close(&b);
	}
}

/* What the counters say at every step of a settle: never less than what is used. */
static void
test_hold_stands_until_the_record_is_confirmed(void **state)
{
	static const struct holding_budget budget = { .name = "one", .limit = 100 };
	struct counter_hold hold;
	struct counting b;

	(void)state;
	holding_open(&b, &budget, 1);
	assert_true(holding_take(&b, 40, &hold));
	counting_make(&b, 30);
	holding_settle_by_record(&b, &hold.id);
	assert_true(counting_announce(&b));
	holding_expect(&b, 30, 40);
	assert_true(counting_commit(&b));
	holding_expect(&b, 30, 40);
	counting_confirm(&b);
	holding_expect(&b, 30, 0);
	/* A second confirmation of the same, and a second record for the same hold. */
	b.part.answer = COUNTER_OK;
	counting_confirm(&b);
	counting_make(&b, 30);
	holding_settle_by_record(&b, &hold.id);
	holding_record(&b);
	holding_expect(&b, 60, 0);
	counting_close(&b);
}

static void
test_dropped_batch_keeps_its_hold(void **state)
{
	static const struct holding_budget budget = { .name = "one", .limit = 100 };
	struct counter_hold hold;
	struct counting b;

	(void)state;
	holding_open(&b, &budget, 1);
	assert_true(holding_take(&b, 40, &hold));
	counting_make(&b, 30);
	holding_settle_by_record(&b, &hold.id);
	assert_true(counting_announce(&b));
	counter_drop(&b.task, b.batch.id, &b.part, 1);
	holding_expect(&b, 0, 40);
	counting_close(&b);
}

/* The announcement was for two records, of which one was stored. */
static void
test_what_was_not_stored_is_taken_back(void **state)
{
	static const struct holding_budget budget = { .name = "one", .limit = 100 };
	struct budget_call call = holding_call(0);
	struct counter_sums stored;
	struct counting b;

	(void)state;
	holding_open(&b, &budget, 1);
	holding_expect(&b, 0, 0);
	counting_make(&b, 30);
	assert_true(counting_announce(&b));
	assert_true(counting_commit(&b));
	counter_drop(&b.task, b.batch.id, &b.part, 1);
	stored = counting_sums(&b);
	for (size_t s = 0; s < b.part.announced.count; s++) {
		struct counter_sum *sum = (struct counter_sum *)(uintptr_t)&b.part.announced.at[s];

		for (int i = 0; i < sum->count; i++)
			sum->amounts[i] *= 2;
	}
	counter_announce(&b.task, b.batch.id, &b.part, 1);
	holding_expect(&b, 60, 0);
	b.part.differs = true;
	b.part.stored = stored;
	counter_confirm(&b.task, b.batch.id, &b.part, 1, (struct redis_commands){ 0 });
	holding_expect(&b, 30, 0);
	holding_equals_log(&b, &call);
	counting_close(&b);
}

static void
test_released_once_twice_or_never_held(void **state)
{
	static const struct holding_budget budget = { .name = "one", .limit = 100 };
	struct counter_hold hold, other;
	struct counting b;

	(void)state;
	holding_open(&b, &budget, 1);
	assert_true(holding_take(&b, 40, &hold));
	assert_true(holding_take(&b, 30, &other));
	counter_release(&b.task, b.book, b.zone, id_new(b.task.now));
	holding_expect(&b, 0, 70);
	counter_release(&b.task, b.book, b.zone, hold.id);
	holding_expect(&b, 0, 30);
	counter_release(&b.task, b.book, b.zone, hold.id);
	holding_expect(&b, 0, 30);
	counter_release(&b.task, b.book, b.zone, other.id);
	holding_expect(&b, 0, 0);
	counting_close(&b);
}

static void
test_next_call_returns_what_expired(void **state)
{
	static const struct holding_budget budget = { .name = "one", .limit = 100 };
	struct budget_call call = holding_call(60);
	struct counter_hold hold;
	struct counting b;

	(void)state;
	holding_open(&b, &budget, 1);
	hold = holding_make(&b, &call);
	hold.expires_at = b.task.now - 1000;
	assert_true(holding_reserve(&b, &hold));
	assert_true(holding_take(&b, 41, &hold));
	holding_expect(&b, 0, 41);
	/* The expired one is settled late: it counts, and nothing is given back twice. */
	counting_make(&b, 60);
	holding_settle_by_record(&b, &hold.id);
	holding_record(&b);
	holding_expect(&b, 60, 0);
	counting_close(&b);
}

/* The clocks of two machines differ: how long a hold lives is not for them to decide. */
static void
test_hold_of_a_slow_clock_lives_as_long(void **state)
{
	static const struct holding_budget budget = { .name = "one", .limit = 100 };
	struct budget_call call = holding_call(60);
	struct counter_hold hold;
	struct counting b;

	(void)state;
	holding_open(&b, &budget, 1);
	hold = holding_make(&b, &call);
	hold.now -= COUNTER_SKEW_USEC;
	hold.expires_at = hold.now + COUNTER_SKEW_USEC / 2;
	assert_true(holding_reserve(&b, &hold));
	assert_false(holding_take(&b, 41, &hold));
	holding_expect(&b, 0, 60);
	counting_close(&b);
}

/* Nobody asks for three days, in which records come: what is held is given back all the same. */
static void
test_holds_are_known_as_long_as_their_epoch(void **state)
{
	static const struct holding_budget budget = { .name = "one", .limit = 100 };
	static const char *const keys[] = { "holds", "due" };
	char client[ID_TEXT_SIZE];
	struct counter_hold hold;
	struct counting b;

	(void)state;
	holding_open(&b, &budget, 1);
	assert_true(holding_take(&b, 60, &hold));
	for (size_t i = 0; i < COUNT(keys); i++) {
		struct redis_command *command = redis_command(&b.task, "TTL");
		struct redis_reply reply;

		redis_add(command,
		    arena_printf(b.task.arena, "tally:{%s}:%lld:%s",
			id_format(b.task.client, client), (long long)hold.state.epoch, keys[i]));
		assert_true(redis_run(&b.task, &command, 1, &reply));
		assert_true(reply.integer > 180 * 86400);
	}
	counting_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settled_hold_leaves_what_the_record_cost),
		cmocka_unit_test(test_hold_stands_until_the_record_is_confirmed),
		cmocka_unit_test(test_dropped_batch_keeps_its_hold),
		cmocka_unit_test(test_what_was_not_stored_is_taken_back),
		cmocka_unit_test(test_released_once_twice_or_never_held),
		cmocka_unit_test(test_next_call_returns_what_expired),
		cmocka_unit_test(test_hold_of_a_slow_clock_lives_as_long),
		cmocka_unit_test(test_holds_are_known_as_long_as_their_epoch),
	};

	return cmocka_run_group_tests(tests, counting_start, counting_stop);
}
