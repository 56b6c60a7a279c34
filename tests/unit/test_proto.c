#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/proto.h"

static int
setup(void **state)
{
	struct task *task = calloc(1, sizeof(*task));

	task_init(task, arena_new());
	*state = task;
	return 0;
}

static int
teardown(void **state)
{
	struct task *task = *state;

	arena_free(task->arena);
	free(task);
	return 0;
}

/* Each field as "number:value" or "number=bytes", and "!" where the message is broken. */
static const struct row {
	const char *sentence;
	const char *bytes;
	size_t len;
	const char *shown;
} rows[] = {
#define BYTES(text) text, sizeof(text) - 1
	{ "an empty message has no field", BYTES(""), "" },
	{ "a varint", BYTES("\x08\x96\x01"), "1:150 " },
	{ "the largest varint", BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
	    "1:18446744073709551615 " },
	{ "a varint of more than 64 bits", BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
	    "!" },
	{ "a varint of more than ten bytes",
	    BYTES("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), "!" },
	{ "a varint in more bytes than it needs", BYTES("\x08\x81\x00"), "1:1 " },
	{ "a varint that does not end", BYTES("\x08\x96"), "!" },
	{ "a varint that is missing", BYTES("\x08"), "!" },
	{ "bytes",
	    BYTES("\x12\x03"
		  "abc"),
	    "2=abc " },
	{ "no bytes", BYTES("\x12\x00"), "2= " },
	{ "one byte less than it says",
	    BYTES("\x12\x04"
		  "abc"),
	    "!" },
	{ "a length of nearly 2^64",
	    BYTES("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
		  "abc"),
	    "!" },
	{ "eight bytes, the lowest first", BYTES("\x19\x01\x00\x00\x00\x00\x00\x00\x80"),
	    "3:9223372036854775809 " },
	{ "seven of eight bytes", BYTES("\x19\x01\x00\x00\x00\x00\x00\x00"), "!" },
	{ "four bytes", BYTES("\x1d\xff\x00\x00\x01"), "3:16777471 " },
	{ "three of four bytes", BYTES("\x1d\xff\x00\x00"), "!" },
	{ "the largest number of a field", BYTES("\xf8\xff\xff\xff\x0f\x01"), "536870911:1 " },
	{ "a number one larger", BYTES("\x80\x80\x80\x80\x10\x01"), "!" },
	{ "a field of number 0", BYTES("\x00\x01"), "!" },
	{ "a group begins", BYTES("\x0b\x0c"), "!" },
	{ "a group ends", BYTES("\x0c"), "!" },
	{ "wire type 6", BYTES("\x0e\x01"), "!" },
	{ "wire type 7", BYTES("\x0f\x01"), "!" },
	{ "what stands before a break",
	    BYTES("\x08\x01\x12\x05"
		  "a"),
	    "1:1 !" },
};

static const char *
show(struct task *task, struct text message)
{
	struct buf shown = { .arena = task->arena };
	struct proto_field field;

	buf_puts(&shown, "");
	while (proto_next(task, &message, &field)) {
		if (field.wire == PROTO_BYTES)
			buf_printf(
			    &shown, "%u=%.*s ", field.number, (int)field.bytes.len, field.bytes.at);
		else
			buf_printf(
			    &shown, "%u:%llu ", field.number, (unsigned long long)field.value);
	}
	if (task->err.code != ERR_NONE) {
		assert_int_equal(task->err.code, ERR_SYNTAX);
		buf_putc(&shown, '!');
	}
	return shown.at;
}

static void
fields_are_taken_one_by_one(void **state)
{
	struct task *task = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text message = { .at = rows[i].bytes, .len = rows[i].len };

		task_clear_error(task);
		const char *shown = show(task, message);
		if (strcmp(shown, rows[i].shown) != 0)
			fail_msg("%s: %s", rows[i].sentence, shown);
	}
}

static void
what_is_written_is_read_again(void **state)
{
	struct task *task = *state;
	struct buf buf = { .arena = task->arena };

	proto_add_number(&buf, 1, 0);
	proto_add_number(&buf, 15, 127);
	proto_add_number(&buf, 16, 128);
	proto_add_number(&buf, PROTO_FIELD_MAX, UINT64_MAX);
	proto_add_bytes(&buf, 2, (struct text){ "text", 4 });
	assert_string_equal(
	    show(task, buf_text(&buf)), "1:0 15:127 16:128 536870911:18446744073709551615 2=text ");
}

static const struct {
	const char *sentence;
	uint64_t bits;
	const char *text; /* NULL: no number */
} doubles[] = {
	{ "zero", 0, "0" },
	{ "one and a half", UINT64_C(0x3ff8000000000000), "1.5" },
	{ "a tenth", UINT64_C(0x3fb999999999999a), "0.1" },
	{ "less than nothing", UINT64_C(0xc028000000000000), "-12" },
	{ "the largest", UINT64_C(0x7fefffffffffffff), "1.79769313486232e+308" },
	{ "infinity", UINT64_C(0x7ff0000000000000), NULL },
	{ "minus infinity", UINT64_C(0xfff0000000000000), NULL },
	{ "no number", UINT64_C(0x7ff8000000000000), NULL },
};

static void
doubles_become_decimal(void **state)
{
	struct task *task = *state;

	for (size_t i = 0; i < COUNT(doubles); i++) {
		struct text text = proto_double_text(task, doubles[i].bits);

		if (doubles[i].text == NULL ? text.at != NULL
					    : text.at == NULL || strcmp(text.at, doubles[i].text))
			fail_msg("%s: %s", doubles[i].sentence, text.at ? text.at : "none");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fields_are_taken_one_by_one, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_written_is_read_again, setup, teardown),
		cmocka_unit_test_setup_teardown(doubles_become_decimal, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
