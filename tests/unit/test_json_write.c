#include "tests/test.h"

#include <string.h>

#include "lib/json_write.h"

static int
setup(void **state)
{
	*state = arena_new();
	return 0;
}

static int
teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static void
every_type_is_written(void **state)
{
	static const char *const list[] = { "a", "b" };
	struct buf buf = { .arena = *state };
	struct json_out *out = json_out_new(&buf);
	struct id id = { .bytes = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255 } };

	json_open(out);
	json_text(out, "text", "h\xc3\xa9");
	json_text_n(out, "part", (struct text){ .at = "partly", .len = 4 });
	json_int(out, "int", INT64_MIN);
	json_bool(out, "yes", true);
	json_bool(out, "no", false);
	json_null(out, "none");
	json_cents(out, "cents", 125000001);
	json_credits(out, "credits", -1250000001);
	json_rate(out, "rate", 2500000);
	json_time(out, "time", INT64_C(1795253400000000));
	json_date(out, "date", 19782);
	json_id(out, "id", id);
	json_number(out, "number", "1e5");
	json_raw(out, "raw", (struct text){ .at = "{\"a\": 1}", .len = 8 });
	json_texts(out, "texts", (struct json_texts){ .at = list, .count = 2 });
	json_close(out);
	assert_string_equal(buf.at,
	    "{\"text\":\"h\xc3\xa9\",\"part\":\"part\",\"int\":-9223372036854775808,\"yes\":true,"
	    "\"no\":false,\"none\":null,\"cents\":12.5000001,"
	    "\"credits\":-1.250000001,\"rate\":2.5,"
	    "\"time\":\"2026-11-21T09:30:00Z\",\"date\":\"2024-02-29\","
	    "\"id\":\"01020304-0506-0708-090a-0b0c0d0e0fff\",\"number\":1e5,\"raw\":{\"a\": 1},"
	    "\"texts\":[\"a\",\"b\"]}");
}

static void
nothing_is_null(void **state)
{
	struct buf buf = { .arena = *state };
	struct json_out *out = json_out_new(&buf);

	json_open_array(out);
	json_text(out, NULL, NULL);
	json_text_n(out, NULL, (struct text){ .at = NULL });
	json_id(out, NULL, (struct id){ 0 });
	json_raw(out, NULL, (struct text){ .at = NULL });
	json_packed(
	    out, NULL, (struct text){ .at = "{\"a b\": [1, \"c\\\\\", \"\\\" : d\"]}", .len = 29 });
	json_text_n(out, NULL, (struct text){ .at = "", .len = 0 });
	json_texts(out, NULL, (struct json_texts){ .count = 0 });
	json_close_array(out);
	assert_string_equal(
	    buf.at, "[null,null,null,null,{\"a b\":[1,\"c\\\\\",\"\\\" : d\"]},\"\",[]]");
}

static void
objects_and_arrays_nest(void **state)
{
	struct buf buf = { .arena = *state };
	struct json_out *out = json_out_new(&buf);

	json_open(out);
	json_open_array_at(out, "data");
	json_open(out);
	json_close(out);
	json_open_at(out, NULL);
	json_open_at(out, "a");
	json_close(out);
	json_close(out);
	json_open_array(out);
	json_int(out, NULL, 1);
	json_int(out, NULL, 2);
	json_close_array(out);
	json_close_array(out);
	json_close(out);
	assert_string_equal(buf.at, "{\"data\":[{},{\"a\":{}},[1,2]]}");
}

static void
texts_are_escaped(void **state)
{
	static const char text[] = "\"\\/\b\f\n\r\t\x01\x1f\x7f\xf0\x9f\x98\x80";
	struct buf buf = { .arena = *state };

	json_text_n(json_out_new(&buf), NULL,
	    (struct text){ .at = text, .len = sizeof(text) }); /* with its NUL */
	assert_string_equal(
	    buf.at, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001F\x7f\xf0\x9f\x98\x80\\u0000\"");
}

/* Eight bytes are looked at together: each byte at each place among others. */
static void
every_byte_is_escaped_at_every_place(void **state)
{
	for (int c = 0; c < 256; c++) {
		bool plain = c >= 0x20 && c != '"' && c != '\\';

		for (size_t at = 0; at < 19; at++) {
			struct buf buf = { .arena = *state };
			char text[19];

			memset(text, c % 2 == 0 ? ' ' : 0xff, sizeof(text));
			text[at] = (char)c;
			json_text_n(json_out_new(&buf), NULL,
			    (struct text){ .at = text, .len = sizeof(text) });
			assert_int_equal(buf.len == sizeof(text) + 2, plain);
			assert_int_equal(buf.at[at + 1], plain ? (char)c : '\\');
		}
		arena_reset(*state);
	}
}

static void
keys_are_escaped(void **state)
{
	struct buf buf = { .arena = *state };
	struct json_out *out = json_out_new(&buf);

	json_open(out);
	json_int(out, "a\"\n", 1);
	json_close(out);
	assert_string_equal(buf.at, "{\"a\\\"\\n\":1}");
}

static void
what_is_in_the_buffer_stays(void **state)
{
	struct buf buf = { .arena = *state };

	json_int(json_out_new(&buf), NULL, 1);
	buf_putc(&buf, '\n');
	json_int(json_out_new(&buf), NULL, 2);
	assert_string_equal(buf.at, "1\n2");
}

/* Whatever text goes out comes in again. */
static void
what_is_written_is_read(void **state)
{
	static const struct json_field field = { "text", JSON_TEXT, .max = 10000 };
	struct task task;
	struct buf buf = { .arena = *state };
	struct json_out *out = json_out_new(&buf);
	const char *ret = NULL;
	char text[256];

	for (int i = 0; i < 127; i++)
		text[i] = (char)(i + 1);
	for (int i = 0; i < 64; i++) { /* U+0080 to U+00BF */
		text[127 + 2 * i] = (char)0xc2;
		text[127 + 2 * i + 1] = (char)(0x80 + i);
	}
	text[255] = '\0';
	json_open(out);
	json_text(out, "text", text);
	json_close(out);
	task_init(&task, *state);
	assert_true(json_read(&task, buf_text(&buf), &field, 1, &ret));
	assert_string_equal(ret, text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_type_is_written, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_null, setup, teardown),
		cmocka_unit_test_setup_teardown(objects_and_arrays_nest, setup, teardown),
		cmocka_unit_test_setup_teardown(texts_are_escaped, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    every_byte_is_escaped_at_every_place, setup, teardown),
		cmocka_unit_test_setup_teardown(keys_are_escaped, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_in_the_buffer_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_written_is_read, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
