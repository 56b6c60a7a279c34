/* What went through a connection and is large: libpq keeps the room for it, so it is not kept. */
#include "tests/test.h"

#include <string.h>

#include "lib/db_private.h"
#include "tests/db_fixture.h"

/* Sends and gets texts of these lengths; how many connections are open afterwards. */
static int64_t
open_after(size_t sent, size_t got)
{
	struct db_params *params = db_params(&task);
	char *text = arena_alloc(task.arena, sent + 1);
	struct db_rows *rows;
	int64_t open, used, ever;

	memset(text, 'x', sent);
	db_add_text(params, text);
	db_add_int(params, (int64_t)got);
	fine(db_query(&task, "SELECT length($1::text), repeat('y', $2::integer)", params, &rows));
	assert_int_equal(db_int(rows, 0, 0), sent);
	assert_int_equal(db_bytes(rows, 0, 1).len, got);
	fine(db_commit(&task));
	db_pool_count(pool, &open, &used, &ever);
	assert_int_equal(used, 0);
	return open;
}

static void
test_what_is_large_goes_with_its_connection(void **state)
{
	(void)state;
	assert_int_equal(open_after(1, 1), 1);
	assert_int_equal(open_after(DB_LARGE - 100, 1), 1);
	assert_int_equal(open_after(DB_LARGE + 1, 1), 0);
	assert_int_equal(open_after(1, DB_LARGE / 2), 1);
	assert_int_equal(open_after(1, DB_LARGE + 1), 0);
	assert_int_equal(opened(), 2);
}

static void
test_a_transaction_goes_on_behind_it(void **state)
{
	struct db_params *params = db_params(&task);
	char *text = arena_alloc(task.arena, DB_LARGE + 2);

	(void)state;
	memset(text, 'x', DB_LARGE + 1);
	db_add_text(params, text);
	fine(db_query(&task, "SELECT set_config('a.b', 'kept', true), $1::text", params, NULL));
	assert_string_equal(word("SELECT current_setting('a.b')"), "kept");
	fine(db_commit(&task));
	assert_string_equal(word("SELECT coalesce(current_setting('a.b', true), '')"), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_large_goes_with_its_connection),
		TEST(test_a_transaction_goes_on_behind_it),
	};

	return cmocka_run_group_tests(tests, start_postgres, stop_postgres);
}
