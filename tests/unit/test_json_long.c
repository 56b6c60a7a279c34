/* Long texts, which are not copied out of the body. */
#include "tests/unit/json_record.h"

#define BYTES_MAX 8

struct page {
	const char *before;
	struct text html;
	bool given;
	const char *behind;
};

static const struct json_field page_fields[] = {
	{ "before", JSON_TEXT, .offset = offsetof(struct page, before), .max = 9 },
	{ "html", JSON_LONG, .offset = offsetof(struct page, html),
	    .given = offsetof(struct page, given), .min = 1, .max = BYTES_MAX },
	{ "behind", JSON_TEXT, .offset = offsetof(struct page, behind), .max = 9 },
};

/* The body may be written over. */
static bool
read_page(struct task *task, struct text body, struct page *ret)
{
	task_clear_error(task);
	*ret = (struct page){ 0 };
	return json_read(task, body, page_fields, COUNT(page_fields), ret);
}

static struct text
body_of(struct task *task, const char *value)
{
	const char *body = arena_printf(
	    task->arena, "{\"before\":\"\\u0062\",\"html\":%s,\"behind\":\"\\\"e\\\"\"}", value);

	return (struct text){ body, strlen(body) };
}

static const struct {
	const char *sentence;
	const char *value;
	const char *text;
} texts[] = {
	{ "a letter", "\"a\"", "a" },
	{ "as many bytes as there may be", "\"abcdefgh\"", "abcdefgh" },
	{ "an escape alone", "\"\\n\"", "\n" },
	{ "escapes of all kinds", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
	{ "escapes first and last", "\"\\tab\\t\"", "\tab\t" },
	{ "many bytes for few", "\"\\u00e9\\u20ac\\u0001\"", "\xc3\xa9\xe2\x82\xac\x01" },
	{ "a pair of surrogates", "\"\\ud83d\\ude00x\"", "\xf0\x9f\x98\x80x" },
	{ "characters that are no escapes", "\"\xe2\x82\xac\"", "\xe2\x82\xac" },
	{ "blanks around it", " \n\"a\\tb\" ", "a\tb" },
};

static void
a_long_text_lies_in_the_body(void **state)
{
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct text body = body_of(*state, texts[i].value);
		struct page page;

		print_message("%s\n", texts[i].sentence);
		assert_true(read_page(*state, body, &page));
		assert_true(page.given);
		assert_int_equal(page.html.len, strlen(texts[i].text));
		assert_memory_equal(page.html.at, texts[i].text, page.html.len);
		assert_true(page.html.at > body.at);
		assert_true(page.html.at + page.html.len < body.at + body.len);
		/* What stands around it is read as ever. */
		assert_string_equal(page.before, "b");
		assert_string_equal(page.behind, "\"e\"");
	}
}

static const struct {
	const char *sentence;
	const char *value;
	const char *message; /* of html; NULL: it is no JSON */
} refused[] = {
	{ "a byte too many", "\"abcdefghi\"", "must have 1 to 8 bytes" },
	{ "three characters too many bytes", "\"\\u20ac\\u20ac\\u20ac\"",
	    "must have 1 to 8 bytes" },
	{ "nothing", "\"\"", "must have 1 to 8 bytes" },
	{ "NUL", "\"a\\u0000\"", "must not hold \\u0000 or half of a surrogate pair" },
	{ "half a character", "\"\\ud83dx\"", "must not hold \\u0000 or half of a surrogate pair" },
	{ "a number", "7", "must be a text" },
	{ "an array", "[\"a\"]", "must be a text" },
	{ "an object", "{\"a\":\"b\"}", "must be a text" },
	{ "a text without an end", "\"a", NULL },
	{ "no UTF-8", "\"\xff\"", NULL },
};

static void
a_bad_long_text_is_refused(void **state)
{
	const struct err *err = &((const struct task *)*state)->err;

	for (size_t i = 0; i < COUNT(refused); i++) {
		struct page page;

		print_message("%s\n", refused[i].sentence);
		assert_false(read_page(*state, body_of(*state, refused[i].value), &page));
		if (refused[i].message == NULL) {
			assert_int_equal(err->code, ERR_SYNTAX);
			continue;
		}
		assert_int_equal(err->field_count, 1);
		assert_string_equal(err->fields[0].field, "html");
		assert_string_equal(err->fields[0].message, refused[i].message);
	}
}

static void
a_query_has_no_long_texts(void **state)
{
	struct page page = { 0 };

	task_clear_error(*state);
	assert_false(json_read_value(*state, &page_fields[1], (struct text){ "a", 1 }, &page));
	task_clear_error(*state);
}

int
main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_long_text_lies_in_the_body),
		TEST(a_bad_long_text_is_refused),
		TEST(a_query_has_no_long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
