#include "tests/test.h"

#include "app/etag.h"

static const struct row {
	const char *sentence;
	const char *if_match;
	int64_t version;
	bool good;
} rows[] = {
	{ "no header asks for nothing", NULL, 3, true },
	{ "the same tag", "\"3\"", 3, true },
	{ "another tag", "\"4\"", 3, false },
	{ "the beginning of a tag", "\"3\"", 31, false },
	{ "a tag without quotes", "3", 3, false },
	{ "a tag with one quote", "\"3", 3, false },
	{ "any tag", "*", 3, true },
	{ "any tag among others", "\"1\", *", 3, true },
	{ "the first of several", "\"3\",\"4\"", 3, true },
	{ "the last of several", "\"1\" ,\t\"3\"", 3, true },
	{ "none of several", "\"1\",\"2\",", 3, false },
	{ "a weak tag", "W/\"3\"", 3, true },
	{ "another weak tag", "W/\"2\"", 3, false },
	{ "a small w", "w/\"3\"", 3, false },
	{ "commas alone", ",,", 3, false },
	{ "the largest version", "\"9223372036854775807\"", INT64_MAX, true },
};

static void
if_match_is_held_against_the_tag(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct task task;
		struct request req = { .task = &task, .if_match = rows[i].if_match };

		task_init(&task, arena);
		if (etag_check(&req, etag_of_version(arena, rows[i].version)) != rows[i].good ||
		    task.err.code != (rows[i].good ? ERR_NONE : ERR_PRECONDITION))
			fail_msg("%s", rows[i].sentence);
	}
	arena_free(arena);
}

static void
a_tag_is_in_quotes(void **state)
{
	struct arena *arena = arena_new();
	struct reply reply = { .body.arena = arena };

	(void)state;
	etag_set(&reply, etag_of_version(arena, 12));
	assert_int_equal(reply.header_count, 1);
	assert_string_equal(reply.headers[0].name, "ETag");
	assert_string_equal(reply.headers[0].value, "\"12\"");
	arena_free(arena);
}

/* The first 12 bytes of SHA-256("abc"), the example of FIPS 180. */
static void
a_text_has_the_tag_of_its_hash(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	assert_string_equal(
	    etag_of_text(arena, (struct text){ "abc", 3 }), "\"ba7816bf8f01cfea414140de\"");
	assert_string_not_equal(etag_of_text(arena, (struct text){ "abc", 3 }),
	    etag_of_text(arena, (struct text){ "abd", 3 }));
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(if_match_is_held_against_the_tag),
		cmocka_unit_test(a_tag_is_in_quotes),
		cmocka_unit_test(a_text_has_the_tag_of_its_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
