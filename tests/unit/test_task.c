#include "tests/test.h"

#include "lib/task.h"

#include <string.h>

#include "lib/clock.h"

static struct task task;

static int
setup(UNUSED void **state)
{
	task_init(&task, arena_new());
	return 0;
}

static int
teardown(UNUSED void **state)
{
	arena_free(task.arena);
	return 0;
}

static void
a_new_task_has_time_and_no_rights(UNUSED void **state)
{
	assert_in_range(task.now, clock_now() - 60 * CLOCK_SECOND, clock_now());
	assert_true(id_is_nil(task.client));
	assert_true(id_is_nil(task.user));
	assert_false(task.operator_key);
	assert_null(task.db);
	assert_int_equal(task.err.code, ERR_NONE);
}

static void
the_first_reason_is_kept(UNUSED void **state)
{
	assert_false(task_fail(&task, ERR_CONFLICT, "taken by %d", 7));
	assert_false(task_fail(&task, ERR_INTERNAL, "other"));
	assert_false(task_fail_later(&task, 5, "other"));
	assert_false(task_fail_field(&task, "name", "other"));
	assert_int_equal(task.err.code, ERR_CONFLICT);
	assert_string_equal(task.err.text, "taken by 7");
	assert_int_equal(task.err.retry_after, 0);
	assert_int_equal(task.err.field_count, 0);
}

static void
every_bad_field_is_kept(UNUSED void **state)
{
	assert_false(task_fail_field(&task, "name", "is missing"));
	assert_false(task_fail_field(&task, "age", "is too large"));
	assert_int_equal(task.err.code, ERR_INVALID);
	assert_true(strlen(task.err.text) > 0);
	assert_int_equal(task.err.field_count, 2);
	assert_string_equal(task.err.fields[0].field, "name");
	assert_string_equal(task.err.fields[1].message, "is too large");
}

static void
fields_beyond_the_limit_are_dropped(UNUSED void **state)
{
	for (size_t i = 0; i < ERR_FIELDS_MAX + 3; i++)
		task_fail_field(&task, i == 0 ? "first" : "x", "y");
	assert_int_equal(task.err.field_count, ERR_FIELDS_MAX);
	assert_string_equal(task.err.fields[0].field, "first");
}

static void
a_field_may_follow_a_sentence(UNUSED void **state)
{
	task_fail(&task, ERR_INVALID, "Not this way.");
	task_fail_field(&task, "name", "is missing");
	assert_string_equal(task.err.text, "Not this way.");
	assert_int_equal(task.err.field_count, 1);
}

static void
later_says_when(UNUSED void **state)
{
	assert_false(task_fail_later(&task, 5, "queue is %s", "full"));
	assert_int_equal(task.err.code, ERR_UNAVAILABLE);
	assert_int_equal(task.err.retry_after, 5);
	assert_string_equal(task.err.text, "queue is full");
}

static void
a_cleared_error_is_forgotten(UNUSED void **state)
{
	task_fail_field(&task, "name", "is missing");
	task_clear_error(&task);
	assert_int_equal(task.err.code, ERR_NONE);
	assert_int_equal(task.err.field_count, 0);
	assert_string_equal(task.err.text, "");
	task_fail(&task, ERR_RATE, "second");
	assert_string_equal(task.err.text, "second");
}

static void
a_reason_is_ascii_and_bounded(UNUSED void **state)
{
	char text[2 * ERR_TEXT_MAX];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "\xc3\xa4\n\x7f", 4);
	task_fail(&task, ERR_INVALID, "%s", text);
	assert_int_equal(strlen(task.err.text), ERR_TEXT_MAX - 1);
	assert_memory_equal(task.err.text, "????x", 5);
}

static void
every_code_has_a_name_of_its_own(UNUSED void **state)
{
	for (enum err_code a = ERR_NONE; a < ERR_COUNT; a++) {
		assert_non_null(err_name(a));
		assert_int_equal(
		    strspn(err_name(a), "abcdefghijklmnopqrstuvwxyz-"), strlen(err_name(a)));
		for (enum err_code b = ERR_NONE; b < a; b++)
			assert_string_not_equal(err_name(a), err_name(b));
	}
	assert_string_equal(err_name(ERR_NOT_FOUND), "not-found");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_task_has_time_and_no_rights, setup, teardown),
		cmocka_unit_test_setup_teardown(the_first_reason_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(every_bad_field_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    fields_beyond_the_limit_are_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(a_field_may_follow_a_sentence, setup, teardown),
		cmocka_unit_test_setup_teardown(later_says_when, setup, teardown),
		cmocka_unit_test_setup_teardown(a_cleared_error_is_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reason_is_ascii_and_bounded, setup, teardown),
		cmocka_unit_test(every_code_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
