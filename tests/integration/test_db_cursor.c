/* Cursors: rows in portions. */
#include "tests/test.h"

#include "tests/db_fixture.h"

static void
test_a_cursor_gives_portions(void **state)
{
	struct db_params *params = db_params(&task);
	struct db_cursor *cursor;
	struct db_rows *rows;
	int64_t sum = 0;
	int portions = 0;

	(void)state;
	db_add_int(params, 25);
	fine(db_cursor_open(&task, "SELECT n FROM generate_series(1, $1) AS n", params, &cursor));
	for (;;) {
		fine(db_cursor_next(&task, cursor, 10, &rows));
		if (db_count(rows) == 0)
			break;
		portions++;
		for (int i = 0; i < db_count(rows); i++)
			sum += db_int(rows, i, 0);
	}
	assert_int_equal(portions, 3);
	assert_int_equal(sum, 325);
}

static void
test_a_closed_cursor_is_gone(void **state)
{
	struct db_cursor *first, *second;
	struct db_rows *rows;

	(void)state;
	fine(db_cursor_open(&task, "SELECT 1", NULL, &first));
	fine(db_cursor_open(&task, "SELECT 2", NULL, &second));
	fine(db_cursor_close(&task, first));
	fine(db_cursor_next(&task, second, 1, &rows));
	assert_int_equal(db_int(rows, 0, 0), 2);
	fails(db_cursor_next(&task, first, 1, &rows), ERR_INTERNAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_cursor_gives_portions),
		TEST(test_a_closed_cursor_is_gone),
	};

	return cmocka_run_group_tests(tests, start_postgres, stop_postgres);
}
