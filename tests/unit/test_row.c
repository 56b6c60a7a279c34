#include "tests/test.h"

#include "lib/row.h"

/* Each kind of value once, and what is null. */
static void
write_row(enum row_form form, struct buf *buf, bool null)
{
	static const struct id id = { .bytes = { 1, [15] = 0xff } };
	static const struct id nil;
	struct row row;

	row_begin(&row, form, buf);
	row_id(&row, "id", null ? nil : id);
	row_text(&row, "text", null ? NULL : "a \"b\",\n");
	row_int(&row, "int", INT64_MIN);
	row_decimal(&row, "decimal", -1, 9);
	row_time(&row, "time", 0);
	if (null)
		row_null(&row, "json");
	else
		row_json(&row, "json", (struct text){ "{\"a\":[1]}", 9 });
	row_end(&row);
}

static const struct written {
	const char *sentence;
	enum row_form form;
	bool null;
	const char *text;
} rows[] = {
	{ "the head has the names", ROW_HEAD, false, "id,text,int,decimal,time,json\r\n" },
	{ "whatever the values", ROW_HEAD, true, "id,text,int,decimal,time,json\r\n" },
	{ "CSV quotes", ROW_CSV, false,
	    "01000000-0000-0000-0000-0000000000ff,\"a \"\"b\"\",\n\",-9223372036854775808,"
	    "-0.000000001,1970-01-01T00:00:00Z,\"{\"\"a\"\":[1]}\"\r\n" },
	{ "in CSV null is nothing", ROW_CSV, true,
	    ",,-9223372036854775808,-0.000000001,1970-01-01T00:00:00Z,\r\n" },
	{ "JSON is a line", ROW_JSON, false,
	    "{\"id\":\"01000000-0000-0000-0000-0000000000ff\",\"text\":\"a \\\"b\\\",\\n\","
	    "\"int\":-9223372036854775808,\"decimal\":-0.000000001,"
	    "\"time\":\"1970-01-01T00:00:00Z\",\"json\":{\"a\":[1]}}\n" },
	{ "in JSON null is null", ROW_JSON, true,
	    "{\"id\":null,\"text\":null,\"int\":-9223372036854775808,\"decimal\":-0.000000001,"
	    "\"time\":\"1970-01-01T00:00:00Z\",\"json\":null}\n" },
};

static void
test_rows(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf buf = { .arena = arena };

		write_row(rows[i].form, &buf, rows[i].null);
		assert_string_equal(buf.at, rows[i].text);
	}
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
