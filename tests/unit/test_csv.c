#include "tests/test.h"

#include <string.h>

#include "lib/csv.h"

#define TEXT(value) \
	{ \
		value, sizeof(value) - 1 \
	}

static const struct field {
	const char *sentence;
	struct text text;
	struct text written;
} fields[] = {
	{ "nothing", TEXT(""), TEXT("") },
	{ "a word", TEXT("word"), TEXT("word") },
	{ "a space is no reason for quotes", TEXT(" a b "), TEXT(" a b ") },
	{ "a comma", TEXT("a,b"), TEXT("\"a,b\"") },
	{ "quotes are doubled", TEXT("\"a\" b"), TEXT("\"\"\"a\"\" b\"") },
	{ "a line feed", TEXT("a\nb"), TEXT("\"a\nb\"") },
	{ "a carriage return", TEXT("a\rb"), TEXT("\"a\rb\"") },
	{ "a formula stays as it is", TEXT("=1+1"), TEXT("=1+1") },
	{ "a NUL stays, too", TEXT("a\0,b"), TEXT("\"a\0,b\"") },
	{ "UTF-8", TEXT("r\u00e9sum\u00e9"), TEXT("r\u00e9sum\u00e9") },
};

static void
test_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(fields); i++) {
		const struct field *field = &fields[i];
		struct arena *arena = arena_new();
		struct buf buf = { .arena = arena };

		csv_add(&buf, field->text);
		if (buf.len != field->written.len ||
		    (buf.len > 0 && memcmp(buf.at, field->written.at, buf.len) != 0))
			fail_msg("%s: %.*s", field->sentence, (int)buf.len, buf.at);
		arena_free(arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_fields) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
