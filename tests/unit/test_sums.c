/* app/ingest/sums.h */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "app/ingest/sums.h"

static struct task task;

static int
begin(void **state)
{
	(void)state;
	task_init(&task, arena_new());
	return 0;
}

static int
end(void **state)
{
	(void)state;
	arena_free(task.arena);
	return 0;
}

static struct counter_sum
sum_of(const char *bucket, int64_t first, int64_t second)
{
	return (struct counter_sum){
		.bucket = bucket, .expires_at_s = 7, .count = 2, .amounts = { first, second }
	};
}

static void
test_nothing(void **state)
{
	(void)state;
	assert_int_equal(sums_get(sums_new(&task)).count, 0);
}

static void
test_same_names_are_one_sum(void **state)
{
	struct sums *sums = sums_new(&task);
	struct counter_sum one = sum_of("a", 1, 2), other = sum_of("b", 10, 20);
	struct counter_sums got;
	char again[] = "a";

	(void)state;
	sums_add(sums, &one);
	sums_add(sums, &other);
	one.bucket = again;
	sums_add(sums, &one);
	got = sums_get(sums);
	assert_int_equal(got.count, 2);
	assert_string_equal(got.at[0].bucket, "a");
	assert_int_equal(got.at[0].amounts[0], 2);
	assert_int_equal(got.at[0].amounts[1], 4);
	assert_int_equal(got.at[0].count, 2);
	assert_int_equal(got.at[0].expires_at_s, 7);
	assert_int_equal(got.at[1].amounts[0], 10);
}

static void
test_a_sum_stays_at_its_end(void **state)
{
	static const struct {
		int64_t first, second, sum;
	} cases[] = {
		{ INT64_MAX - 1, 1, INT64_MAX },
		{ INT64_MAX, 1, INT64_MAX },
		{ INT64_MAX, INT64_MAX, INT64_MAX },
		{ INT64_MAX - 2, 1, INT64_MAX - 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sums *sums = sums_new(&task);
		struct counter_sum sum = sum_of("a", cases[i].first, 1);

		sums_add(sums, &sum);
		sum.amounts[0] = cases[i].second;
		sums_add(sums, &sum);
		assert_int_equal(sums_get(sums).at[0].amounts[0], cases[i].sum);
		assert_int_equal(sums_get(sums).at[0].amounts[1], 2);
	}
}

/* Each name is found again at every size of the table, those that begin alike as well. */
static void
test_many_names(void **state)
{
	struct sums *sums = sums_new(&task);
	struct counter_sums got;
	const int names = 5000;

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < names; i++) {
			struct counter_sum sum =
			    sum_of(arena_printf(task.arena, "b:%d:0", i), i, 1);

			sums_add(sums, &sum);
			assert_int_equal(sums_get(sums).count, round == 0 ? i + 1 : names);
		}
	}
	got = sums_get(sums);
	for (int i = 0; i < names; i++) {
		assert_string_equal(got.at[i].bucket, arena_printf(task.arena, "b:%d:0", i));
		assert_int_equal(got.at[i].amounts[0], 3 * i);
		assert_int_equal(got.at[i].amounts[1], 3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing, begin, end),
		cmocka_unit_test_setup_teardown(test_same_names_are_one_sum, begin, end),
		cmocka_unit_test_setup_teardown(test_a_sum_stays_at_its_end, begin, end),
		cmocka_unit_test_setup_teardown(test_many_names, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
