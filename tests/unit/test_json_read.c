#include "tests/test.h"

#include "lib/buf.h"
#include "tests/unit/json_record.h"

#define A80 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
every_type_is_read(void **state)
{
	static const char body[] =
	    " {\"text\":\"h\\u00e9\\ud83d\\ude00o\" ,\"number\": 1e3,\"yes\":true,\"cents\":12.5,"
	    "\"rate\":2.5e-1,\"time\":\"2026-11-21T09:30:00.5+01:00\",\"date\":\"2024-02-29\","
	    "\"id\":\"019353DE-7c3b-7d4e-8a5f-0123456789ab\",\"choice\":\"blue\","
	    "\"texts\":[\"a\",\"b\\n\",\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"],"
	    "\"object\": { \"a\" : [1,{\"b\":null}] } }\r\n";
	static const char object[] = "{ \"a\" : [1,{\"b\":null}] }";
	struct task *task = *state;
	struct record record = { 0 };
	char id[ID_TEXT_SIZE];

	assert_true(read_record(task, body, sizeof(body) - 1, &record));
	assert_string_equal(record.text, "h\xc3\xa9\xf0\x9f\x98\x80o");
	assert_int_equal(record.number, 1000);
	assert_true(record.yes);
	assert_true(record.yes_given);
	assert_int_equal(record.cents, 125000000);
	assert_int_equal(record.rate, 250000);
	assert_int_equal(record.time, INT64_C(1795249800500000));
	assert_int_equal(record.date, 19782);
	assert_string_equal(id_format(record.id, id), "019353de-7c3b-7d4e-8a5f-0123456789ab");
	assert_int_equal(record.choice, 2);
	assert_int_equal(record.texts.count, 3);
	assert_string_equal(record.texts.at[1], "b\n");
	assert_string_equal(record.texts.at[2], "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9");
	assert_int_equal(record.object.len, sizeof(object) - 1);
	assert_memory_equal(record.object.at, object, sizeof(object) - 1);
}

static void
what_is_not_given_stays(void **state)
{
	struct record record = { .text = "old", .number = 7, .texts.count = 9 };

	assert_true(read_record(*state, "{\"text\":null,\"texts\":null}", 26, &record));
	assert_string_equal(record.text, "old");
	assert_int_equal(record.number, 7);
	assert_int_equal(record.texts.count, 9);
	assert_false(record.yes_given);
}

static void
what_is_refused_stays(void **state)
{
	static const char body[] = "{\"text\":\"123456\",\"number\":1001,\"texts\":[1],"
				   "\"object\":{\"a\":1e999999}}";
	struct record record = { .text = "old", .number = 7, .texts.count = 9, .object.len = 5 };

	assert_false(read_record(*state, body, sizeof(body) - 1, &record));
	assert_string_equal(record.text, "old");
	assert_int_equal(record.number, 7);
	assert_int_equal(record.texts.count, 9);
	assert_int_equal(record.object.len, 5);
}

static const struct good {
	const char *sentence;
	struct text body;
} good[] = {
	{ "an empty object", TEXT("{}") },
	{ "white space around it", TEXT(" \t\r\n{ \t\r\n} \t\r\n") },
	{ "a text of as many characters as allowed, not bytes",
	    TEXT("{\"text\":\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"
		 "\xf0\x9f\x98\x80\"}") },
	{ "a whole number with zeros behind the point", TEXT("{\"number\":10.0}") },
	{ "the smallest number allowed", TEXT("{\"number\":-3}") },
	{ "the largest number allowed", TEXT("{\"number\":1000}") },
	{ "minus zero", TEXT("{\"number\":-0}") },
	{ "a nano-dollar", TEXT("{\"cents\":0.0000001}") },
	{ "an empty array", TEXT("{\"texts\":[]}") },
	{ "an empty object inside", TEXT("{\"object\":{}}") },
	{ "an object of exactly as many bytes as allowed",
	    TEXT("{\"object\":{\"a\":\"" B32
		 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"}}") },
	{ "keys that jsonb merges", TEXT("{\"object\":{\"a\":1,\"a\":2}}") },
	{ "a pair of surrogates inside an object", TEXT("{\"object\":{\"\\ud83d\\ude00\":1}}") },
	{ "the largest and smallest exponents",
	    TEXT("{\"object\":{\"a\":[1e350,-1E-350,0.5e+350]}}") },
	{ "a backslash in front of text that looks like an escape",
	    TEXT("{\"object\":{\"a\":\"\\\\u0000\"}}") },
	{ "a field's name with an escape", TEXT("{\"\\u0074ext\":\"a\"}") },
};

static void
good_bodies_are_read(void **state)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		struct record record = { 0 };

		if (!read_record(*state, good[i].body.at, good[i].body.len, &record))
			fail_msg("%s", good[i].sentence);
	}
}

static const struct bad bad[] = {
	{ "nothing", TEXT(""), NULL, NULL },
	{ "white space", TEXT("  "), NULL, NULL },
	{ "an array", TEXT("[{}]"), NULL, NULL },
	{ "a number", TEXT("12"), NULL, NULL },
	{ "a text", TEXT("\"a\""), NULL, NULL },
	{ "null", TEXT("null"), NULL, NULL },
	{ "true", TEXT("true"), NULL, NULL },
	{ "an object that does not end", TEXT("{\"text\":\"a\""), NULL, NULL },
	{ "a text that does not end", TEXT("{\"text\":\"a"), NULL, NULL },
	{ "an escape that does not end", TEXT("{\"text\":\"\\u12"), NULL, NULL },
	{ "a backslash at the end", TEXT("{\"text\":\"\\"), NULL, NULL },
	{ "a surrogate at the end", TEXT("{\"text\":\"\\ud800"), NULL, NULL },
	{ "something behind it", TEXT("{} {}"), NULL, NULL },
	{ "half a word behind it", TEXT("{} tru"), NULL, NULL },
	{ "a number behind it", TEXT("{}1"), NULL, NULL },
	{ "NUL behind it", TEXT("{}\0"), NULL, NULL },
	{ "a comma too many", TEXT("{\"text\":\"a\",}"), NULL, NULL },
	{ "a comment", TEXT("{/* */}"), NULL, NULL },
	{ "a vertical tab as white space", TEXT("{\v}"), NULL, NULL },
	{ "a form feed as white space", TEXT("{}\f"), NULL, NULL },
	{ "a byte order mark", TEXT("\xef\xbb\xbf{}"), NULL, NULL },
	{ "a number with a zero in front", TEXT("{\"number\":01}"), NULL, NULL },
	{ "a number without digits behind the point", TEXT("{\"number\":1.}"), NULL, NULL },
	{ "a plus sign", TEXT("{\"number\":+1}"), NULL, NULL },
	{ "NaN", TEXT("{\"number\":NaN}"), NULL, NULL },
	{ "a control character in a text", TEXT("{\"text\":\"a\nb\"}"), NULL, NULL },
	{ "NUL in a text", TEXT("{\"text\":\"a\0b\"}"), NULL, NULL },
	{ "a lone byte above 127", TEXT("{\"text\":\"\xff\"}"), NULL, NULL },
	{ "an overlong slash", TEXT("{\"text\":\"\xc0\xaf\"}"), NULL, NULL },
	{ "an overlong letter of three bytes", TEXT("{\"text\":\"\xe0\x80\xaf\"}"), NULL, NULL },
	{ "an overlong letter of four bytes", TEXT("{\"text\":\"\xf0\x80\x80\xaf\"}"), NULL, NULL },
	{ "a surrogate in UTF-8", TEXT("{\"object\":{\"a\":\"\xed\xa0\x80\"}}"), NULL, NULL },
	{ "a character above U+10FFFF", TEXT("{\"text\":\"\xf4\x90\x80\x80\"}"), NULL, NULL },
	{ "half a character at the end of a text", TEXT("{\"text\":\"\xc3\"}"), NULL, NULL },
	{ "an unknown field", TEXT("{\"txt\":1}"), "txt", "is not a known field" },
	{ "a field that begins like a known one", TEXT("{\"tex\":1}"), "tex",
	    "is not a known field" },
	{ "a field that goes on behind a known one", TEXT("{\"text\\u0000\":1}"), "text?",
	    "is not a known field" },
	{ "an empty name", TEXT("{\"\":{\"text\":[1]}}"), "", "is not a known field" },
	{ "a name with half a surrogate pair", TEXT("{\"\\udc00a\":1}"), "???a",
	    "is not a known field" },
	{ "a name with control characters", TEXT("{\"\\r\\n\\u007f\xc3\xa9\":1}"), "???\xc3\xa9",
	    "is not a known field" },
	{ "a name of 81 characters is cut", TEXT("{\"" A80 "b\":1}"), A80, "is not a known field" },
	{ "a field given twice", TEXT("{\"number\":1,\"number\":1}"), "number",
	    "is given more than once" },
	{ "a field given as null and then again", TEXT("{\"yes\":null,\"yes\":true}"), "yes",
	    "is given more than once" },
	{ "a field given twice with an escape", TEXT("{\"object\":{},\"\\u006fbject\":{}}"),
	    "object", "is given more than once" },

};

static void
bad_bodies_are_refused(void **state)
{
	assert_refused(*state, bad, COUNT(bad));
}

/* {"object":{"a":[[[...]]]}} with so many levels in all. */
static bool
read_nested(struct task *task, int levels)
{
	struct buf body = { .arena = task->arena };
	struct record record = { 0 };

	buf_puts(&body, "{\"object\":{\"a\":");
	for (int i = 2; i < levels; i++)
		buf_putc(&body, '[');
	for (int i = 2; i < levels; i++)
		buf_putc(&body, ']');
	buf_puts(&body, "}}");
	return read_record(task, body.at, body.len, &record);
}

/* What is skipped may be deeper than what is kept. */
static bool
skip_nested(struct task *task, int depth)
{
	struct buf body = { .arena = task->arena };

	task_clear_error(task);
	buf_puts(&body, "{\"skipped\":");
	for (int i = 1; i < depth; i++)
		buf_putc(&body, '[');
	for (int i = 1; i < depth; i++)
		buf_putc(&body, ']');
	buf_putc(&body, '}');
	return json_read_some(task, buf_text(&body), NULL, 0, NULL);
}

static void
depth_of_what_is_skipped_is_limited(void **state)
{
	struct task *task = *state;

	assert_true(skip_nested(task, JSON_SKIPPED_DEPTH_MAX));
	assert_false(skip_nested(task, JSON_SKIPPED_DEPTH_MAX + 1));
	assert_int_equal(task->err.code, ERR_SYNTAX);
}

static void
depth_is_limited(void **state)
{
	struct task *task = *state;

	assert_true(read_nested(task, JSON_DEPTH_MAX));
	assert_false(read_nested(task, JSON_DEPTH_MAX + 1));
	assert_int_equal(task->err.code, ERR_SYNTAX);
	assert_string_equal(task->err.text, "The JSON is nested too deeply.");
}

static void
a_bad_escape_is_told_of_its_own_field(void **state)
{
	static const char body[] =
	    "{\"text\":\"\\n\",\"choice\":\"\\udc00\",\"object\":{\"\\t\":"
	    "\"\\ud800\"},\"texts\":[\"\\n\"],\"a\":\"\\u0000\",\"number\":1}";
	struct task *task = *state;
	struct record record = { 0 };

	assert_false(read_record(task, body, sizeof(body) - 1, &record));
	assert_int_equal(task->err.field_count, 3);
	assert_string_equal(task->err.fields[0].field, "choice");
	assert_string_equal(task->err.fields[1].field, "object");
	assert_string_equal(task->err.fields[2].field, "a");
	assert_string_equal(record.text, "\n");
	assert_int_equal(record.number, 1);
}

static void
every_bad_field_is_named_at_once(void **state)
{
	static const char body[] = "{\"text\":1,\"nothing\":{\"text\":2},\"number\":\"a\"}";
	struct task *task = *state;
	struct record record = { 0 };

	assert_false(read_record(task, body, sizeof(body) - 1, &record));
	assert_int_equal(task->err.code, ERR_INVALID);
	assert_int_equal(task->err.field_count, 3);
	assert_string_equal(task->err.fields[0].field, "text");
	assert_string_equal(task->err.fields[1].field, "nothing");
	assert_string_equal(task->err.fields[2].field, "number");
}

static void
more_bad_fields_than_are_kept(void **state)
{
	struct task *task = *state;
	struct buf body = { .arena = task->arena };
	struct record record = { 0 };

	for (int i = 0; i < 1000; i++)
		buf_printf(&body, "%s\"f%d\":1", i == 0 ? "{" : ",", i);
	buf_putc(&body, '}');
	assert_false(read_record(task, body.at, body.len, &record));
	assert_int_equal(task->err.field_count, ERR_FIELDS_MAX);
	assert_string_equal(task->err.fields[ERR_FIELDS_MAX - 1].field, "f31");
}

static void
lenient_reading_skips_what_it_does_not_know(void **state)
{
	static const struct text body =
	    TEXT("{\"\\ud800\":1,\"x\":{\"number\":1e999999},\"number\":7,\"y\":[[1]],\"x\":2}");
	struct task *task = *state;
	struct record record = { 0 };

	assert_true(json_read_some(task, body, fields, COUNT(fields), &record));
	assert_int_equal(record.number, 7);
	assert_false(json_read_some(
	    task, (struct text)TEXT("{\"x\":1,\"number\":\"7\"}"), fields, COUNT(fields), &record));
	assert_int_equal(task->err.field_count, 1);
	assert_string_equal(task->err.fields[0].field, "number");
	task_clear_error(task);
	assert_false(
	    json_read_some(task, (struct text)TEXT("{\"x\":1"), fields, COUNT(fields), &record));
	assert_int_equal(task->err.code, ERR_SYNTAX);
}

static void
every_byte_cut_off_is_refused(void **state)
{
	static const char body[] = "{\"text\":\"\\ud83d\\ude00\",\"number\":-1.0e2,\"yes\":false,"
				   "\"texts\":[\"a\"],\"object\":{\"a\":[1,null]}}";
	struct task *task = *state;

	for (size_t len = 0; len < sizeof(body) - 1; len++) {
		struct record record = { 0 };

		assert_false(read_record(task, body, len, &record));
		assert_int_equal(task->err.code, ERR_SYNTAX);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_type_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_given_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_refused_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(good_bodies_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_bodies_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_bad_escape_is_told_of_its_own_field, setup, teardown),
		cmocka_unit_test_setup_teardown(depth_is_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    depth_of_what_is_skipped_is_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(every_bad_field_is_named_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(more_bad_fields_than_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    lenient_reading_skips_what_it_does_not_know, setup, teardown),
		cmocka_unit_test_setup_teardown(every_byte_cut_off_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
