#include "tests/test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "lib/model/usage_memory.h"

#define ROOM 65536
#define THREADS 4
#define TURNS 2000

static struct arena *arena;
static struct task task;

static int
begin(UNUSED void **state)
{
	arena = arena_new();
	task_init(&task, arena);
	return 0;
}

static int
end(UNUSED void **state)
{
	arena_free(arena);
	return 0;
}

static struct id
key(uint8_t first, uint8_t last)
{
	return (struct id){ .bytes = { [0] = first, [15] = last } };
}

/* So many rows, each with a number of its own in all that it has. */
static struct usage_rows
make_rows(struct arena *of, size_t count, int64_t number)
{
	struct usage_row *at = arena_array(of, count, sizeof(*at));
	int64_t *slots = arena_array(of, 2, sizeof(*slots));

	slots[0] = number;
	slots[1] = number + 1;
	for (size_t i = 0; i < count; i++) {
		at[i].bucket = i;
		at[i].key[1] = arena_printf(of, "key %d", (int)number);
		at[i].totals.at[TOTAL_COST] = number;
		at[i].slots = (struct json_ints){ slots, 2 };
		at[i].calls = (struct json_ints){ slots + 1, 1 };
	}
	return (struct usage_rows){ at, count };
}

static void
expect_rows(const struct usage_rows *rows, size_t count, int64_t number)
{
	char text[40];

	(void)snprintf(text, sizeof(text), "key %d", (int)number);
	assert_int_equal(rows->count, count);
	for (size_t i = 0; i < count; i++) {
		const struct usage_row *row = &rows->at[i];

		assert_int_equal(row->bucket, i);
		assert_null(row->key[0]);
		assert_string_equal(row->key[1], text);
		assert_int_equal(row->totals.at[TOTAL_COST], number);
		assert_int_equal(row->slots.count, 2);
		assert_int_equal(row->slots.at[1], number + 1);
		assert_int_equal(row->calls.count, 1);
		assert_int_equal(row->calls.at[0], number + 1);
	}
}

static void
keep(struct usage_memory *memory, struct id of, size_t count, int64_t number)
{
	struct arena *lent = arena_new();
	struct usage_rows rows = make_rows(lent, count, number);

	usage_memory_keep(memory, of, &rows);
	arena_free(lent);
}

static void
what_is_kept_is_found(UNUSED void **state)
{
	struct usage_memory *memory = usage_memory_new(ROOM);
	struct usage_rows rows;

	assert_false(usage_memory_find(memory, &task, key(1, 1), &rows));
	keep(memory, key(1, 1), 3, 11);
	/* Of the same chain. */
	keep(memory, key(1, 2), 1, 12);
	keep(memory, key(2, 1), 0, 13);
	assert_true(usage_memory_find(memory, &task, key(1, 1), &rows));
	expect_rows(&rows, 3, 11);
	assert_true(usage_memory_find(memory, &task, key(1, 2), &rows));
	expect_rows(&rows, 1, 12);
	assert_true(usage_memory_find(memory, &task, key(2, 1), &rows));
	assert_int_equal(rows.count, 0);
	assert_false(usage_memory_find(memory, &task, key(1, 3), &rows));
	/* The first stays. */
	keep(memory, key(1, 1), 3, 14);
	assert_true(usage_memory_find(memory, &task, key(1, 1), &rows));
	expect_rows(&rows, 3, 11);
	assert_int_equal(usage_memory_look(memory).sets, 3);
	assert_int_equal(usage_memory_look(memory).found, 4);
	assert_int_equal(usage_memory_look(memory).missed, 2);
	arena_reset(arena);
	usage_memory_free(memory);
}

static void
the_oldest_goes_first(UNUSED void **state)
{
	struct usage_memory *memory = usage_memory_new(ROOM);
	struct usage_memory_state full;
	struct usage_rows rows;
	uint8_t last = 0;

	do {
		full = usage_memory_look(memory);
		keep(memory, key(last, last), 20, last);
		last++;
		/* Asked for all the while. */
		assert_true(usage_memory_find(memory, &task, key(0, 0), &rows));
		assert_true(usage_memory_look(memory).bytes <= ROOM);
	} while (usage_memory_look(memory).sets > full.sets);
	assert_in_range(last, 5, UINT8_MAX);
	expect_rows(&rows, 20, 0);
	assert_false(usage_memory_find(memory, &task, key(1, 1), &rows));
	assert_true(usage_memory_find(memory, &task, key(2, 2), &rows));
	arena_reset(arena);
	usage_memory_free(memory);
}

static void
what_is_read_stays(UNUSED void **state)
{
	struct usage_memory *memory = usage_memory_new(ROOM);
	struct usage_rows rows;

	keep(memory, key(1, 1), 20, 7);
	assert_true(usage_memory_find(memory, &task, key(1, 1), &rows));
	for (uint8_t i = 2; i < 100; i++)
		keep(memory, key(i, i), 20, i);
	expect_rows(&rows, 20, 7);
	arena_reset(arena);
	assert_false(usage_memory_find(memory, &task, key(1, 1), &rows));
	usage_memory_free(memory);
}

static void
no_set_takes_all(UNUSED void **state)
{
	const size_t most = ROOM / USAGE_MEMORY_SHARE / sizeof(struct usage_row);
	struct usage_memory *memory = usage_memory_new(ROOM);
	struct usage_rows rows;

	keep(memory, key(1, 1), most, 1);
	assert_false(usage_memory_find(memory, &task, key(1, 1), &rows));
	keep(memory, key(1, 1), most / 2, 1);
	assert_true(usage_memory_find(memory, &task, key(1, 1), &rows));
	arena_reset(arena);
	usage_memory_free(memory);
}

static void *
use(void *context)
{
	struct usage_memory *memory = context;
	struct arena *own = arena_new();
	struct task turn;

	task_init(&turn, own);
	for (int i = 0; i < TURNS; i++) {
		uint8_t number = (uint8_t)(i * 7 % 40);
		struct usage_rows rows;

		if (usage_memory_find(memory, &turn, key(number, number), &rows))
			expect_rows(&rows, 20, number);
		else
			keep(memory, key(number, number), 20, number);
		arena_reset(own);
	}
	arena_free(own);
	return NULL;
}

static void
threads_share_it(UNUSED void **state)
{
	struct usage_memory *memory = usage_memory_new(ROOM);
	struct usage_memory_state seen;
	pthread_t threads[THREADS];

	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use, memory), 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	seen = usage_memory_look(memory);
	assert_int_equal(seen.found + seen.missed, THREADS * TURNS);
	assert_in_range(seen.bytes, 1, ROOM);
	usage_memory_free(memory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_kept_is_found),
		TEST(the_oldest_goes_first),
		TEST(what_is_read_stays),
		TEST(no_set_takes_all),
		TEST(threads_share_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
