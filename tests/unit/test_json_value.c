#include "tests/unit/json_record.h"

#include "lib/buf.h"
#include "lib/json_private.h"

static const struct json_field required_fields[] = {
	{ "text", JSON_TEXT, .offset = offsetof(struct record, text), .required = true, .max = 5 },
	{ "number", JSON_INT, .offset = offsetof(struct record, number), .required = true },
};

static const struct bad bad[] = {
	{ "an empty text where one character is wanted", TEXT("{\"text\":\"\"}"), "text",
	    "must have 1 to 5 characters" },
	{ "a text that is too long", TEXT("{\"text\":\"\xc3\xa9zzzzz\"}"), "text",
	    "must have 1 to 5 characters" },
	{ "a number for a text", TEXT("{\"text\":1}"), "text", "must be a text" },
	{ "an object for a text", TEXT("{\"text\":{\"number\":1}}"), "text", "must be a text" },
	{ "an array for a text", TEXT("{\"text\":[\"a\"]}"), "text", "must be a text" },
	{ "NUL as an escape", TEXT("{\"text\":\"a\\u0000\"}"), "text",
	    "must not hold \\u0000 or half of a surrogate pair" },
	{ "the first half of a pair", TEXT("{\"text\":\"\\uD800\"}"), "text",
	    "must not hold \\u0000 or half of a surrogate pair" },
	{ "the first half of a pair and a letter", TEXT("{\"text\":\"\\ud800a\"}"), "text",
	    "must not hold \\u0000 or half of a surrogate pair" },
	{ "the first half of a pair and another escape", TEXT("{\"text\":\"\\ud800\\u0061\"}"),
	    "text", "must not hold \\u0000 or half of a surrogate pair" },
	{ "the first half of a pair twice", TEXT("{\"text\":\"\\ud800\\ud800\"}"), "text",
	    "must not hold \\u0000 or half of a surrogate pair" },
	{ "the second half of a pair", TEXT("{\"text\":\"\\uDFFF\"}"), "text",
	    "must not hold \\u0000 or half of a surrogate pair" },
	{ "half a pair in a text of another type", TEXT("{\"choice\":\"\\ud800\"}"), "choice",
	    "must not hold \\u0000 or half of a surrogate pair" },

	{ "a fraction", TEXT("{\"number\":1.5}"), "number", "must be a whole number" },
	{ "a number in quotes", TEXT("{\"number\":\"1\"}"), "number", "must be a whole number" },
	{ "a number that is too large", TEXT("{\"number\":1001}"), "number",
	    "must be from -3 to 1000" },
	{ "a number that is too small", TEXT("{\"number\":-4}"), "number",
	    "must be from -3 to 1000" },
	{ "a number that no int64_t holds", TEXT("{\"number\":9223372036854775808}"), "number",
	    "must be from -3 to 1000" },
	{ "a number with a huge exponent", TEXT("{\"number\":1e999999999999}"), "number",
	    "must be from -3 to 1000" },
	{ "zero for false", TEXT("{\"yes\":0}"), "yes", "must be true or false" },
	{ "false in quotes", TEXT("{\"yes\":\"false\"}"), "yes", "must be true or false" },
	{ "true for a number", TEXT("{\"number\":true}"), "number", "must be a whole number" },
	{ "a tenth of a nano-dollar", TEXT("{\"cents\":0.00000001}"), "cents",
	    "must be a number of cents with at most 7 decimals" },
	{ "cents below zero", TEXT("{\"cents\":-0.5}"), "cents", "must be from 0 to 100" },
	{ "too many cents", TEXT("{\"cents\":100.0000001}"), "cents", "must be from 0 to 100" },
	{ "cents in quotes", TEXT("{\"cents\":\"1\"}"), "cents",
	    "must be a number of cents with at most 7 decimals" },
	{ "less than a ten-thousandth of a credit", TEXT("{\"credits\":0.00001}"), "credits",
	    "must be a number of credits with at most 4 decimals" },
	{ "too many credits", TEXT("{\"credits\":1000.0001}"), "credits",
	    "must be from 0 to 1000" },
	{ "too high a rate", TEXT("{\"rate\":1000000.000001}"), "rate",
	    "must be from 0 to 1000000" },
	{ "too precise a rate", TEXT("{\"rate\":0.0000001}"), "rate",
	    "must be a number of dollars per 1000000 tokens with at most 6 decimals" },
	{ "a time without a zone", TEXT("{\"time\":\"2026-11-21T09:30:00\"}"), "time",
	    "must be a time as in 2026-11-21T09:30:00Z (RFC 3339)" },
	{ "a time as a number", TEXT("{\"time\":1}"), "time",
	    "must be a time as in 2026-11-21T09:30:00Z (RFC 3339)" },
	{ "a day that is none", TEXT("{\"date\":\"2023-02-29\"}"), "date",
	    "must be a date as in 2026-11-21" },
	{ "an id without hyphens", TEXT("{\"id\":\"019353de7c3b7d4e8a5f0123456789ab\"}"), "id",
	    "must be a UUID" },
	{ "the nil id", TEXT("{\"id\":\"00000000-0000-0000-0000-000000000000\"}"), "id",
	    "must be a UUID" },
	{ "a choice that is none", TEXT("{\"choice\":\"Red\"}"), "choice",
	    "must be one of: red, green, blue" },
	{ "the beginning of a choice", TEXT("{\"choice\":\"gree\"}"), "choice",
	    "must be one of: red, green, blue" },

	{ "a text for an array", TEXT("{\"texts\":\"a\"}"), "texts", "must be an array of texts" },
	{ "an object for an array", TEXT("{\"texts\":{\"a\":\"b\"}}"), "texts",
	    "must be an array of texts" },
	{ "a number in an array of texts", TEXT("{\"texts\":[\"a\",1]}"), "texts",
	    "must be an array of texts" },
	{ "null in an array of texts", TEXT("{\"texts\":[null]}"), "texts",
	    "must be an array of texts" },
	{ "true in an array of texts", TEXT("{\"texts\":[true]}"), "texts",
	    "must be an array of texts" },
	{ "an array in an array of texts", TEXT("{\"texts\":[[\"a\"]]}"), "texts",
	    "must be an array of texts" },
	{ "an object in an array of texts", TEXT("{\"texts\":[{\"a\":\"b\"}]}"), "texts",
	    "must be an array of texts" },
	{ "too many elements", TEXT("{\"texts\":[\"a\",\"b\",\"c\",\"d\"]}"), "texts",
	    "must have at most 3 elements" },
	{ "an empty element", TEXT("{\"texts\":[\"\"]}"), "texts",
	    "each element must have 1 to 4 characters" },
	{ "an element that is too long", TEXT("{\"texts\":[\"abcde\"]}"), "texts",
	    "each element must have 1 to 4 characters" },
	{ "half a pair in an element", TEXT("{\"texts\":[\"a\",\"\\udead\"]}"), "texts",
	    "must not hold \\u0000 or half of a surrogate pair" },

	{ "an array for an object", TEXT("{\"object\":[{}]}"), "object", "must be an object" },
	{ "a text for an object", TEXT("{\"object\":\"{}\"}"), "object", "must be an object" },
	{ "an object that is too long",
	    TEXT("{\"object\":{\"a\":\"" B32
		 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"}}"),
	    "object", "must have at most 96 bytes" },
	{ "NUL inside an object", TEXT("{\"object\":{\"a\":[\"\\u0000\"]}}"), "object",
	    "must not hold \\u0000 or half of a surrogate pair" },
	{ "NUL in a key inside an object", TEXT("{\"object\":{\"\\u0000\":1}}"), "object",
	    "must not hold \\u0000 or half of a surrogate pair" },
	{ "half a pair inside an object", TEXT("{\"object\":{\"a\":\"\\ud800\"}}"), "object",
	    "must not hold \\u0000 or half of a surrogate pair" },
	{ "a huge number inside an object", TEXT("{\"object\":{\"a\":1e999999}}"), "object",
	    "must not hold numbers of so many digits" },
	{ "an exponent that is too large", TEXT("{\"object\":{\"a\":1e351}}"), "object",
	    "must not hold numbers of so many digits" },
	{ "an exponent that is too small", TEXT("{\"object\":{\"a\":[1e-351]}}"), "object",
	    "must not hold numbers of so many digits" },
	{ "an exponent that overflows", TEXT("{\"object\":{\"a\":1e-99999999999999999999}}"),
	    "object", "must not hold numbers of so many digits" },
};

static void
bad_values_are_refused(void **state)
{
	assert_refused(*state, bad, COUNT(bad));
}

static void
missing_fields_are_named(void **state)
{
	struct task *task = *state;
	struct record record = { 0 };

	assert_false(json_read(task, (struct text)TEXT("{\"number\":null}"), required_fields,
	    COUNT(required_fields), &record));
	assert_int_equal(task->err.field_count, 2);
	assert_string_equal(task->err.fields[0].field, "text");
	assert_string_equal(task->err.fields[0].message, "is required");
	assert_string_equal(task->err.fields[1].field, "number");
}

static void
a_bad_value_is_not_called_missing_too(void **state)
{
	struct task *task = *state;
	struct record record = { 0 };

	assert_false(json_read(task, (struct text)TEXT("{\"text\":\"123456\",\"number\":0}"),
	    required_fields, COUNT(required_fields), &record));
	assert_int_equal(task->err.field_count, 1);
	assert_string_equal(task->err.fields[0].message, "must have at most 5 characters");
}

/* A value of a query string; field is its place in the table. */
static const struct value {
	const char *sentence;
	const char *field;
	struct text value;
	const char *message; /* NULL: it is read */
} values[] = {
	{ "a text", "text", TEXT("h\xc3\xa9"), NULL },
	{ "a text that looks like a number", "text", TEXT("12"), NULL },
	{ "an empty text", "text", TEXT(""), "must have 1 to 5 characters" },
	{ "no text at all", "text", { NULL, 0 }, "must have 1 to 5 characters" },
	{ "a text with NUL", "text", TEXT("a\0b"), "must be UTF-8 without NUL" },
	{ "a text with half a letter", "text", TEXT("a\xc3"), "must be UTF-8 without NUL" },
	{ "a number", "number", TEXT("12"), NULL },
	{ "a number with a space", "number", TEXT(" 12"), "must be a whole number" },
	{ "no number", "number", TEXT(""), "must be a whole number" },
	{ "a number out of range", "number", TEXT("1001"), "must be from -3 to 1000" },
	{ "true", "yes", TEXT("true"), NULL },
	{ "false", "yes", TEXT("false"), NULL },
	{ "one for true", "yes", TEXT("1"), "must be true or false" },
	{ "True", "yes", TEXT("True"), "must be true or false" },
	{ "cents", "cents", TEXT("0.5"), NULL },
	{ "a rate", "rate", TEXT("0.5"), NULL },
	{ "a time", "time", TEXT("2026-11-21T09:30:00Z"), NULL },
	{ "a date", "date", TEXT("2026-11-21"), NULL },
	{ "a date and more", "date", TEXT("2026-11-21T"), "must be a date as in 2026-11-21" },
	{ "an id", "id", TEXT("019353de-7c3b-7d4e-8a5f-0123456789ab"), NULL },
	{ "a choice", "choice", TEXT("green"), NULL },
	{ "texts", "texts", TEXT("a,bb,ccc"), NULL },
	{ "one text", "texts", TEXT("a"), NULL },
	{ "a comma at the end", "texts", TEXT("a,"), "each element must have 1 to 4 characters" },
	{ "only a comma", "texts", TEXT(","), "each element must have 1 to 4 characters" },
	{ "no texts", "texts", TEXT(""), "each element must have 1 to 4 characters" },
	{ "too many texts", "texts", TEXT("a,b,c,d"), "must have at most 3 elements" },
	{ "an object", "object", TEXT("{}"), "must be an object" },
};

static const struct json_field *
field_named(const char *name)
{
	for (size_t i = 0; i < COUNT(fields); i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	fail_msg("no field %s", name);
	return NULL;
}

static void
values_of_queries_are_read(void **state)
{
	struct task *task = *state;

	for (size_t i = 0; i < COUNT(values); i++) {
		const struct value *value = &values[i];
		struct record record = { 0 };
		bool done;

		task_clear_error(task);
		done = json_read_value(task, field_named(value->field), value->value, &record);
		if (done != (value->message == NULL))
			fail_msg("%s: %s", value->sentence,
			    done ? "was read" : task->err.fields[0].message);
		if (!done && strcmp(task->err.fields[0].message, value->message) != 0)
			fail_msg("%s: %s", value->sentence, task->err.fields[0].message);
	}
}

static void
values_of_queries_have_the_right_value(void **state)
{
	struct task *task = *state;
	struct record record = { 0 };

	assert_true(
	    json_read_value(task, field_named("texts"), (struct text)TEXT("a,bb"), &record));
	assert_int_equal(record.texts.count, 2);
	assert_string_equal(record.texts.at[0], "a");
	assert_string_equal(record.texts.at[1], "bb");
	assert_true(json_read_value(task, field_named("yes"), (struct text)TEXT("true"), &record));
	assert_true(record.yes && record.yes_given);
	assert_true(json_read_value(task, field_named("cents"), (struct text)TEXT("1.5"), &record));
	assert_int_equal(record.cents, 15000000);
}

/* So many ones, with a point behind the first ones. */
static bool
digits_fit(struct task *task, int whole, int fraction, const char *exponent)
{
	struct buf buf = { .arena = task->arena };

	for (int i = 0; i < whole; i++)
		buf_putc(&buf, '1');
	if (fraction > 0)
		buf_putc(&buf, '.');
	for (int i = 0; i < fraction; i++)
		buf_putc(&buf, '1');
	buf_puts(&buf, exponent);
	return json_number_fits(buf_text(&buf));
}

/* The limits of PostgreSQL's numeric. */
static void
numbers_have_as_many_digits_as_jsonb_keeps(void **state)
{
	assert_true(digits_fit(*state, 131072, 0, ""));
	assert_false(digits_fit(*state, 131073, 0, ""));
	assert_true(digits_fit(*state, 1, 16383, ""));
	assert_false(digits_fit(*state, 1, 16384, ""));
	assert_true(digits_fit(*state, 130722, 0, "e350"));
	assert_false(digits_fit(*state, 130723, 0, "e350"));
	assert_true(digits_fit(*state, 1, 16033, "e-350"));
	assert_false(digits_fit(*state, 1, 16034, "e-350"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bad_values_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    numbers_have_as_many_digits_as_jsonb_keeps, setup, teardown),
		cmocka_unit_test_setup_teardown(missing_fields_are_named, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_bad_value_is_not_called_missing_too, setup, teardown),
		cmocka_unit_test_setup_teardown(values_of_queries_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    values_of_queries_have_the_right_value, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
