/* A batch's share in the counters, from its records: app/ingest/counts.h and holds.h. */
#include "tests/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "app/ingest/authorize.h"
#include "app/ingest/holds.h"
#include "lib/clock.h"
#include "tests/holding.h"

#define HOUR (3600 * CLOCK_SECOND)

/* A batch of the record of counting_make(), as the write path has it. */
struct share {
	struct counts counts;
	struct count_row row;
	bool used;
};

static void
share_make(struct counting *b, struct share *share)
{
	share->used = true;
	share->row = (struct count_row){
		.day = zone_date(b->zone, b->log.created_at),
		.totals = b->totals,
		.log = &b->log,
	};
	share->counts = (struct counts){
		.book = b->book,
		.parts = &b->part,
		.zones = &b->zone,
		.used = &share->used,
		.count = 1,
	};
	b->part = (struct counter_part){ .client = b->task.client };
}

static void
begin(struct counting *b, struct share *share)
{
	b->log.id = id_new(b->log.created_at);
	share_make(b, share);
	assert_true(counts_find(&b->task, &share->counts));
	assert_true(counts_announce(&b->task, &share->counts, b->batch.id, &share->row, 1));
	assert_int_equal(b->part.answer, COUNTER_OK);
}

static struct authorization
authorization_of(const struct counting *b, int64_t nanos)
{
	int64_t at = b->task.now - b->task.now % 1000;

	return (struct authorization){
		.id = id_new(at),
		.created_at = at,
		.expires_at = at + 60 * CLOCK_SECOND,
		.held_nanos = nanos,
	};
}

static bool
commit(struct counting *b, struct share *share)
{
	bool unknown;

	counts_mark(&b->task, &share->counts, &share->row, 1, &b->batch);
	batch_begin(&b->task, &b->batch);
	return batch_store(&b->task, &b->batch, true, &unknown);
}

static void
confirm(struct counting *b, struct share *share)
{
	counts_confirm(&b->task, &share->counts, b->batch.id, &share->row, b->batch.rows, 1,
	    (struct redis_commands){ 0 });
}

/* What was made earlier and is told now. */
static void
test_late_records(void **state)
{
	static const struct {
		const char *sentence;
		struct holding_budget budget;
		int64_t late;
		int64_t spent;
	} cases[] = {
		{ "of now, in a day", { "one", .limit = 100 }, 0, 9 },
		{ "of three days ago, in a day", { "one", .limit = 100 }, 72 * HOUR, 0 },
		{ "of three hours ago, in a rolling day",
		    { "one", .period = "rolling", .limit = 100, .columns = "rolling_hours",
			.values = "24" },
		    3 * HOUR, 9 },
		{ "of two days ago, in a rolling day",
		    { "one", .period = "rolling", .limit = 100, .columns = "rolling_hours",
			.values = "24" },
		    48 * HOUR, 0 },
		{ "of 20 days ago, in a total", { "one", .period = "total", .limit = 100 },
		    480 * HOUR, 9 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct budget_call call = holding_call(0);
		struct share share;
		struct counting b;

		holding_open(&b, &cases[i].budget, 1);
		holding_expect(&b, 0, 0);
		counting_make(&b, 9);
		b.log.created_at -= cases[i].late;
		begin(&b, &share);
		assert_true(commit(&b, &share));
		confirm(&b, &share);
		if (holding_look(&b, &call)->spent[BUDGET_COST] != cases[i].spent)
			fail_msg("%s: %lld", cases[i].sentence,
			    (long long)holding_look(&b, &call)->spent[BUDGET_COST]);
		holding_equals_log(&b, &call);
		counting_close(&b);
	}
}

/* Another process ends the epoch, and its next one is loaded, between announcement and hold. */
static void
test_batch_is_of_one_epoch(void **state)
{
	static const struct holding_budget budget = { "one", .limit = 100 };
	struct counting b, other;
	struct authorize authorize = { 0 };
	struct hold_row hold = { .authorize = &authorize };
	struct share share;
	bool taken;

	(void)state;
	holding_open(&b, &budget, 1);
	holding_expect(&b, 0, 0);
	counting_make(&b, 9);
	begin(&b, &share);
	counting_open(&other, b.task.client);
	assert_true(counter_rebuild(&other.task, other.zone));
	authorize.authorization = authorization_of(&b, 50);
	taken = holds_take(&b.task, &share.counts, &hold, 1);
	/* Either the try is over here or with the transaction. */
	if (taken)
		assert_false(commit(&b, &share));
	assert_string_equal(b.task.err.sqlstate, BATCH_EPOCH_OVER);
	task_clear_error(&b.task);
	db_rollback(&b.task);
	counting_close(&other);
	counting_close(&b);
}

/* Two holds of a batch, the epoch ends between them: the first is in no count any more. */
static void
test_holds_of_a_batch_are_of_one_epoch(void **state)
{
	static const struct holding_budget budget = { "one", .limit = 100 };
	struct authorize authorizes[2] = { 0 };
	struct hold_row holds[2] = { { .authorize = &authorizes[0] },
		{ .authorize = &authorizes[1] } };
	struct counting b, other;
	struct share share;

	(void)state;
	holding_open(&b, &budget, 1);
	holding_expect(&b, 0, 0);
	counting_make(&b, 9);
	begin(&b, &share);
	counts_drop(&b.task, &share.counts, b.batch.id);
	share.used = false;
	b.part.idle = true;
	for (int i = 0; i < 2; i++)
		authorizes[i].authorization = authorization_of(&b, 60);
	assert_true(holds_take(&b.task, &share.counts, holds, 1));
	assert_int_equal(holds[0].result, HOLD_TAKEN);
	counting_open(&other, b.task.client);
	assert_true(counter_rebuild(&other.task, other.zone));
	if (holds_take(&b.task, &share.counts, holds, 2))
		assert_true(holds[0].result != HOLD_TAKEN || holds[1].result != HOLD_TAKEN);
	else
		assert_string_equal(b.task.err.sqlstate, BATCH_EPOCH_OVER);
	task_clear_error(&b.task);
	counting_close(&other);
	counting_close(&b);
}

/* What each budget says about that, also where the count was declared broken meanwhile. */
static void
test_redis_away(void **state)
{
	static const struct {
		struct holding_budget budget;
		enum hold_result result;
	} cases[] = {
		{ { "one", .limit = 100 }, HOLD_REFUSED },
		{ { "one", .limit = 100, .mode = "soft" }, HOLD_TAKEN },
		{ { "one", .limit = 100, .columns = "on_counter_loss", .values = "'open'" },
		    HOLD_TAKEN },
		{ { "one", .limit = 100, .mode = "shadow", .columns = "on_counter_loss",
		      .values = "'closed'" },
		    HOLD_REFUSED },
	};
	static const char *const broken[] = { "false", "true" };

	(void)state;
	for (size_t i = 0; i < COUNT(broken) * COUNT(cases); i++) {
		struct authorize authorize = { 0 };
		struct hold_row hold = { .authorize = &authorize };
		const char *bypassed = broken[i / COUNT(cases)];
		char client[ID_TEXT_SIZE];
		struct share share;
		struct counting b;

		holding_open(&b, &cases[i % COUNT(cases)].budget, 1);
		holding_expect(&b, 0, 0);
		share_make(&b, &share);
		share.used = false;
		servers_signal(counting_servers, SERVER_REDIS, SIGKILL);
		servers_wait(counting_servers, SERVER_REDIS);
		free(servers_sql(counting_servers,
		    arena_printf(b.task.arena,
			"UPDATE counter_states SET bypassed = %s WHERE client_id = '%s'"
			" RETURNING 1",
			bypassed, id_format(b.task.client, client))));
		counter_book_forget(b.book, b.task.client);
		authorize.authorization = authorization_of(&b, 50);
		assert_true(counts_find(&b.task, &share.counts));
		assert_true(holds_take(&b.task, &share.counts, &hold, 1));
		if (hold.result != cases[i % COUNT(cases)].result)
			fail_msg("budget %zu, bypassed %s: %d", i % COUNT(cases), bypassed,
			    (int)hold.result);
		if (hold.result == HOLD_REFUSED)
			assert_int_equal(authorize.refusal, REFUSAL_AWAY);
		servers_restart(counting_servers, SERVER_REDIS);
		counting_close(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late_records),
		cmocka_unit_test(test_batch_is_of_one_epoch),
		cmocka_unit_test(test_holds_of_a_batch_are_of_one_epoch),
		cmocka_unit_test(test_redis_away),
	};

	return cmocka_run_group_tests(tests, counting_start, counting_stop);
}
