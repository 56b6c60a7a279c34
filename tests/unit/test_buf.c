#include "tests/test.h"

#include "lib/buf.h"

#include <string.h>

static int
setup(void **state)
{
	static struct buf buf;

	buf = (struct buf){ .arena = arena_new() };
	*state = &buf;
	return 0;
}

static int
teardown(void **state)
{
	struct buf *buf = *state;

	arena_free(buf->arena);
	return 0;
}

static void
an_empty_buf_has_no_text(void **state)
{
	struct text text = buf_text(*state);

	assert_null(text.at);
	assert_int_equal(text.len, 0);
}

static void
adding_nothing_terminates(void **state)
{
	struct buf *buf = *state;

	buf_add(buf, NULL, 0);
	assert_string_equal(buf->at, "");
	assert_int_equal(buf->len, 0);
}

static void
every_way_of_adding_appends(void **state)
{
	struct buf *buf = *state;

	buf_add(buf, "ab", 2);
	buf_puts(buf, "cd");
	buf_putc(buf, 'e');
	buf_printf(buf, "%d", 42);
	assert_string_equal(buf->at, "abcde42");
	assert_int_equal(buf_text(buf).len, 7);
}

static void
numbers_are_decimal(void **state)
{
	static const int64_t numbers[] = { 0, 7, 10, -1, INT64_MAX, INT64_MIN };
	struct buf *buf = *state;

	for (size_t i = 0; i < COUNT(numbers); i++) {
		buf_int(buf, numbers[i]);
		buf_putc(buf, ' ');
	}
	assert_string_equal(buf->at, "0 7 10 -1 9223372036854775807 -9223372036854775808 ");
}

static void
bytes_may_be_nul(void **state)
{
	struct buf *buf = *state;

	buf_add(buf, "a\0b", 3);
	buf_putc(buf, '\0');
	assert_int_equal(buf->len, 4);
	assert_memory_equal(buf->at, "a\0b\0", 5);
}

static void
growth_keeps_what_was_added(void **state)
{
	struct buf *buf = *state;

	for (int i = 0; i < 100000; i++)
		buf_putc(buf, (char)('a' + i % 26));
	assert_int_equal(buf->len, 100000);
	assert_int_equal(strlen(buf->at), 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf->at[i], 'a' + i % 26);
}

/* Every length around the first capacity, so that text and terminator meet its end in each way. */
static void
printf_fits_at_every_boundary(void **state)
{
	struct buf *buf = *state;

	for (int len = 0; len < 600; len++) {
		*buf = (struct buf){ .arena = buf->arena };
		buf_putc(buf, '>');
		buf_printf(buf, "%0*d", len, 0);
		assert_int_equal(buf->len, 1 + (len == 0 ? 1 : len));
		assert_int_equal(strlen(buf->at), buf->len);
	}
}

static void
room_is_where_the_next_bytes_go(void **state)
{
	struct buf *buf = *state;
	char *at;

	buf_puts(buf, "x=");
	at = buf_room(buf, 1000);
	memset(at, 'r', 1000);
	assert_string_equal(buf_text(buf).at + buf->len + 999, "r");
	buf->len += 1000;
	buf_puts(buf, "!");
	assert_int_equal(buf->len, 1003);
	assert_memory_equal(buf->at, "x=rrr", 5);
	assert_string_equal(buf->at + 1001, "r!");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_empty_buf_has_no_text, setup, teardown),
		cmocka_unit_test_setup_teardown(adding_nothing_terminates, setup, teardown),
		cmocka_unit_test_setup_teardown(every_way_of_adding_appends, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_are_decimal, setup, teardown),
		cmocka_unit_test_setup_teardown(bytes_may_be_nul, setup, teardown),
		cmocka_unit_test_setup_teardown(growth_keeps_what_was_added, setup, teardown),
		cmocka_unit_test_setup_teardown(printf_fits_at_every_boundary, setup, teardown),
		cmocka_unit_test_setup_teardown(room_is_where_the_next_bytes_go, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
