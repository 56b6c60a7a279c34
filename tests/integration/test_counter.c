/*
 * The count of the open day: announced, confirmed, loaded, and turned to the next day.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "tests/counting.h"

static void
test_announced_committed_confirmed(void **state)
{
	struct counting b;

	(void)state;
	counting_open(&b, counting_client());
	counting_equals_log(&b, 0);
	counting_make(&b, 1234567);
	assert_true(counting_announce(&b));
	assert_int_equal(counting_today(&b).pending.at[TOTAL_COST], 1234567);
	assert_int_equal(counting_today(&b).confirmed.at[TOTAL_COST], 0);
	assert_true(counting_commit(&b));
	assert_int_equal(counting_today(&b).pending.at[TOTAL_COST], 1234567);
	counting_confirm(&b);
	assert_int_equal(b.part.answer, COUNTER_OK);
	counting_equals_log(&b, 1234567);
	counting_close(&b);
}

static void
test_dropped_batch_leaves_nothing(void **state)
{
	struct counting b;

	(void)state;
	counting_open(&b, counting_client());
	counting_equals_log(&b, 0);
	counting_make(&b, 5);
	assert_true(counting_announce(&b));
	counter_drop(&b.task, b.batch.id, &b.part, 1);
	counting_equals_log(&b, 0);
	counting_close(&b);
}

static void
test_confirmed_twice_counts_once(void **state)
{
	struct counting b;

	(void)state;
	counting_open(&b, counting_client());
	counting_make(&b, 7);
	assert_true(counting_announce(&b));
	assert_true(counting_commit(&b));
	counting_confirm(&b);
	b.part.answer = COUNTER_OK;
	counting_confirm(&b);
	counting_equals_log(&b, 7);
	counting_close(&b);
}

/* The four ways in which a batch and the loading of its epoch can follow each other. */
static void
test_loaded_between_the_steps_of_a_batch(void **state)
{
	struct counting b;

	(void)state;
	for (int loaded_before = 1; loaded_before <= 4; loaded_before++) {
		counting_open(&b, counting_client());
		assert_true(counter_open(&b.task, b.book, b.zone, &b.part.state));
		counting_make(&b, 11);
		if (loaded_before == 1)
			(void)counting_today(&b);
		assert_true(counting_announce(&b));
		if (loaded_before == 2)
			(void)counting_today(&b);
		assert_true(counting_commit(&b));
		if (loaded_before == 3)
			assert_int_equal(counting_today(&b).confirmed.at[TOTAL_COST], 11);
		counting_confirm(&b);
		assert_int_equal(b.part.answer, COUNTER_OK);
		counting_equals_log(&b, 11);
		counting_close(&b);
	}
}

static void
test_next_day_is_of_the_same_epoch(void **state)
{
	struct counting b;
	struct counter_state first, second, back;
	char sql[300], text[ID_TEXT_SIZE], date[DATE_TEXT_SIZE], *days;

	(void)state;
	counting_open(&b, counting_client());
	counting_make(&b, 43);
	assert_true(counting_announce(&b));
	assert_true(counting_commit(&b));
	counting_confirm(&b);
	first = b.part.state;
	b.task.now += CLOCK_DAY;
	assert_true(counter_state(&b.task, b.book, b.zone, &second));
	assert_int_equal(second.day, first.day + 1);
	assert_int_equal(second.epoch, first.epoch);
	counting_equals_log(&b, 0);
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM ingest_batches WHERE client_id = '%s' AND late_days = "
	    "ARRAY[date '%s']",
	    id_format(b.task.client, text), date_format(first.day, date));
	days = servers_sql(counting_servers, sql);
	assert_string_equal(days, "1");
	free(days);
	/* A clock that steps back does not open the day before again, and its day is not another's.
	 */
	b.task.now -= CLOCK_DAY;
	assert_true(counter_state(&b.task, b.book, b.zone, &back));
	assert_int_equal(back.day, second.day);
	assert_int_equal(back.epoch, second.epoch);
	assert_true(counting_today(&b).from_postgres);
	assert_int_equal(counting_today(&b).date, first.day);
	assert_int_equal(counting_today(&b).confirmed.at[TOTAL_COST], 43);
	counting_close(&b);
}

static void
set_zone(struct counting *b, const char *name)
{
	char sql[300], text[ID_TEXT_SIZE];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT counter_bypass(ARRAY['%s'::uuid]);\n"
	    "UPDATE clients SET timezone = '%s' WHERE id = '%s'",
	    id_format(b->task.client, text), name, text);
	free(servers_sql(counting_servers, sql));
}

/* One process has heard of the client's new zone, the other has not. */
static void
test_days_of_an_old_zone_are_not_counted(void **state)
{
	struct counting b;
	struct counter_state old, opened, right;
	const struct zone *zone, *before;

	(void)state;
	counting_open(&b, counting_client());
	counting_make(&b, 53);
	assert_true(counting_announce(&b));
	assert_true(counting_commit(&b));
	counting_confirm(&b);
	before = b.zone;
	set_zone(&b, "Asia/Kathmandu");
	assert_true(zone_find(&b.task, "Asia/Kathmandu", &zone));
	counter_book_forget(b.book, b.task.client);
	assert_true(counter_state(&b.task, b.book, before, &old));
	assert_true(old.bypassed && old.other_zone);
	assert_int_equal(old.epoch, b.part.state.epoch);
	assert_true(counter_open(&b.task, b.book, before, &opened));
	assert_true(opened.bypassed && opened.other_zone);
	assert_true(counter_state(&b.task, b.book, zone, &right));
	assert_false(right.bypassed || right.other_zone);
	assert_true(right.epoch > opened.epoch);
	/* Nor by what the process knows of the new one, or what PostgreSQL does. */
	assert_true(counter_state(&b.task, b.book, before, &old));
	assert_true(old.bypassed && old.other_zone);
	assert_int_equal(old.epoch, right.epoch);
	assert_true(counter_state(&b.task, NULL, zone, &old));
	assert_false(old.bypassed);
	assert_int_equal(old.epoch, right.epoch);
	counting_close(&b);
}

static void
test_a_day_too_far_ahead_is_left_again(void **state)
{
	struct counting b;
	struct counter_state ahead;

	(void)state;
	counting_open(&b, counting_client());
	counting_make(&b, 47);
	assert_true(counting_announce(&b));
	assert_true(counting_commit(&b));
	counting_confirm(&b);
	b.task.now += 2 * CLOCK_DAY;
	assert_true(counter_state(&b.task, b.book, b.zone, &ahead));
	assert_int_equal(ahead.day, b.part.state.day + 2);
	b.task.now -= 2 * CLOCK_DAY;
	counting_equals_log(&b, 47);
	assert_int_equal(counting_today(&b).date, b.part.state.day);
	counting_close(&b);
}

static void
test_users_are_counted_once(void **state)
{
	struct counting b;
	struct id users[3];

	(void)state;
	counting_open(&b, counting_client());
	counting_equals_log(&b, 0);
	for (size_t i = 0; i < COUNT(users); i++)
		users[i] = id_new(b.task.now);
	for (size_t i = 0; i < 9; i++) {
		counting_make(&b, 1);
		b.log.user_id = users[i % COUNT(users)];
		b.row.external_user_id = i % COUNT(users) == 0	 ? "a"
					 : i % COUNT(users) == 1 ? "b"
								 : "c";
		b.part.users[0] =
		    (struct counter_users){ zone_date(b.zone, b.task.now), &b.log.user_id, 1 };
		assert_true(counting_announce(&b));
		assert_true(counting_commit(&b));
		counting_confirm(&b);
	}
	assert_int_equal(counting_today(&b).users, 3);
	counting_equals_log(&b, 9);
	free(servers_redis(counting_servers, "FLUSHALL"));
	counting_equals_log(&b, 9);
	counting_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_announced_committed_confirmed),
		cmocka_unit_test(test_dropped_batch_leaves_nothing),
		cmocka_unit_test(test_confirmed_twice_counts_once),
		cmocka_unit_test(test_loaded_between_the_steps_of_a_batch),
		cmocka_unit_test(test_next_day_is_of_the_same_epoch),
		cmocka_unit_test(test_days_of_an_old_zone_are_not_counted),
		cmocka_unit_test(test_a_day_too_far_ahead_is_left_again),
		cmocka_unit_test(test_users_are_counted_once),
	};

	return cmocka_run_group_tests(tests, counting_start, counting_stop);
}
