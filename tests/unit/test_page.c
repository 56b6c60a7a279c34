#include "tests/test.h"

#include "app/page.h"

#include <string.h>

#include "lib/seal.h"

static struct task task;
static struct reply reply;

static int
setup(UNUSED void **state)
{
	task_init(&task, arena_new());
	reply = (struct reply){ .body = { .arena = task.arena } };
	return 0;
}

static int
teardown(UNUSED void **state)
{
	arena_free(task.arena);
	return 0;
}

static struct id
some_id(void)
{
	struct id id;

	for (size_t i = 0; i < sizeof id.bytes; i++)
		id.bytes[i] = (uint8_t)(255 - 15 * i);
	return id;
}

/* next_cursor of a page whose last row is id. */
static char *
cursor_of(struct id id)
{
	struct json_out *out = page_begin(&reply);
	char *begin;

	assert_true(page_end(&reply, out, true, id));
	begin = strstr(reply.body.at, "next_cursor\":\"");
	assert_non_null(begin);
	begin += strlen("next_cursor\":\"");
	*strchr(begin, '"') = '\0';
	return begin;
}

static void
the_next_page_begins_behind_the_last_row(UNUSED void **state)
{
	struct page page = { .limit = 7, .cursor = cursor_of(some_id()) };
	struct id after;
	int64_t limit;

	assert_true(page_read(&task, &page, &limit, &after));
	assert_int_equal(limit, 7);
	assert_true(id_equal(after, some_id()));
}

static void
without_a_cursor_the_page_is_the_first(UNUSED void **state)
{
	struct page page = { 0 };
	struct id after = some_id();
	int64_t limit;

	assert_true(page_read(&task, &page, &limit, &after));
	assert_int_equal(limit, PAGE_LIMIT_DEFAULT);
	assert_true(id_is_nil(after));
}

static void
refuse(const char *cursor)
{
	struct page page = { .cursor = cursor };
	struct id after;
	int64_t limit;

	task_clear_error(&task);
	if (page_read(&task, &page, &limit, &after))
		fail_msg("taken: %s", cursor);
	assert_int_equal(task.err.code, ERR_INVALID);
	assert_string_equal(task.err.fields[0].field, "cursor");
}

static void
a_cursor_of_another_form_is_refused(UNUSED void **state)
{
	const char *good = cursor_of(some_id());

	refuse("");
	refuse("a");
	refuse("0192f0c1-2345-7000-8000-000000000000");
	refuse("AAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	refuse(arena_printf(task.arena, "%sA", good));
	refuse(arena_strndup(task.arena, good, strlen(good) - 1));
}

static void
a_cursor_with_any_other_letter_is_refused(UNUSED void **state)
{
	const char *good = cursor_of(some_id());

	for (size_t i = 0; i < strlen(good); i++) {
		char *bad = arena_strdup(task.arena, good);

		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		refuse(bad);
		bad[i] = '+';
		refuse(bad);
		bad[i] = '=';
		refuse(bad);
	}
}

static void
the_last_page_has_no_cursor(UNUSED void **state)
{
	struct json_out *out = page_begin(&reply);

	json_int(out, NULL, 1);
	assert_true(page_end(&reply, out, false, some_id()));
	assert_string_equal(reply.body.at, "{\"data\":[1],\"next_cursor\":null}");
	assert_int_equal(reply.status, 200);
	assert_string_equal(reply.content_type, "application/json");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    the_next_page_begins_behind_the_last_row, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    without_a_cursor_the_page_is_the_first, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_cursor_of_another_form_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_cursor_with_any_other_letter_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_page_has_no_cursor, setup, teardown),
	};

	seal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
